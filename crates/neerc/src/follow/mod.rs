//! The log on a second machine: one side feeds it to whoever follows, the other keeps it in a store of its own, from which
//! it can serve once a person says so. They speak in lines through any program that joins the two, such as ssh; not how
//! they find each other, and not who serves.

pub mod feed;
pub mod follower;
pub mod wire;

/// What happens to changes that should be on two machines, while there is only this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alone {
    /// They wait, and are answered once another machine has them.
    Wait,
    /// They are answered.
    GoOn,
}
