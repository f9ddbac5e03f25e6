//! Where the rules are still broken. An entry that is not needed any more fails the tests.

use crate::Rule;

pub const TO_MEND: &[(Rule, &str)] = &[];
