//! People as a program prints them: a JSON list of objects with `name` and, where they are known, `display` and `groups`. Not how
//! often it is run.

use super::Listed;
use crate::limits;
use crate::program::Program;

/// Runs the program, with the rights of a user where one is named, and reads what it prints.
pub fn read(words: &[String], user: Option<&str>) -> Result<Vec<Listed>, String> {
    let printed = Program { words, user, environment: &[], patience: limits::LIST_PROGRAM }.run()?;
    serde_json::from_slice(&printed).map_err(|error| {
        format!("what it prints is no list like [{{\"name\":\"hall1\",\"display\":\"Room 305\",\"groups\":[\"Halls\"]}}]: {error}")
    })
}
