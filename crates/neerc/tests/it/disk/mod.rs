//! P1 under disks that fail: power cuts, full disks, syncs that fail, bits that flip; and the way back, by backups.
//!
//! `faults` lays a failing disk under the real program, `load` writes and remembers what was answered. The rest are
//! tests, one kind of failure each. States of files are opened with the program's own store (`neerc_store`).

mod archives;
mod backup;
pub mod faults;
mod load;
pub mod power;
mod room;
mod rot;
mod space;
mod sync;
