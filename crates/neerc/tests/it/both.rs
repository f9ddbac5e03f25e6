//! `on_both!`: a test written once becomes one `#[test]` per kind of server.

/// Turns functions `fn name(kind: Kind)` into the tests `prosody::name` and `ejabberd::name` of the calling module.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod prosody {
            $(#[test] fn $test() { super::$test($crate::servers::Kind::Prosody); })+
        }
        mod ejabberd {
            $(#[test] fn $test() { super::$test($crate::servers::Kind::Ejabberd); })+
        }
    };
}
