//! The neutral document, which a script of ten lines can make of any contest system:
//! `{"time_ms": 1234567, "length_ms": 18000000, "status": "RUNNING"}`. Before the start `time_ms` is less than none.

use neerc_core::clock::{Phase, Reading};
use serde::Deserialize;

#[derive(Deserialize)]
struct Document {
    time_ms: i64,
    length_ms: i64,
    status: String,
}

/// Reads the document.
pub fn reading(text: &str) -> Result<Reading, String> {
    let document: Document =
        serde_json::from_str(text).map_err(|error| format!("it is not the JSON of a contest clock: {error}"))?;
    let Document { time_ms, length_ms, status } = document;
    let phase = match status.trim().to_ascii_uppercase().as_str() {
        "BEFORE" if time_ms < 0 => Phase::Counting,
        "BEFORE" => Phase::Before,
        "RUNNING" => Phase::Running,
        "PAUSED" => Phase::Paused,
        "OVER" => Phase::Over,
        _ => return Err(format!("status is {status:?}; it must be BEFORE, RUNNING, PAUSED or OVER")),
    };
    if length_ms <= 0 {
        return Err(format!("length_ms is {length_ms}; a contest takes some time"));
    }
    if time_ms < 0 && phase.has_begun() {
        return Err(format!(
            "time_ms is {time_ms}, but status is {status}: only before the start it is less than none"
        ));
    }
    let elapsed_ms = if phase == Phase::Before { 0 } else { time_ms };
    Ok(Reading { elapsed_ms, total_ms: length_ms, phase })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_neutral_document_in_each_phase() {
        for (time_ms, status, phase) in [
            (-900_000, "BEFORE", Phase::Counting),
            (0, "before", Phase::Before),
            (1_234_567, " Running ", Phase::Running),
            (1_234_567, "PAUSED", Phase::Paused),
            (18_000_000, "over", Phase::Over),
        ] {
            let text = format!(r#"{{"time_ms": {time_ms}, "length_ms": 18000000, "status": "{status}", "more": []}}"#);
            assert_eq!(reading(&text), Ok(Reading { elapsed_ms: time_ms, total_ms: 18_000_000, phase }), "{text}");
        }
    }

    #[test]
    fn what_is_no_clock_is_said_with_its_value() {
        let why = |text| reading(text).unwrap_err();
        assert!(why("").starts_with("it is not the JSON of a contest clock: EOF"));
        assert!(why(r#"{"time_ms": 5, "length_ms": 7}"#).contains("missing field `status`"));
        assert!(why(r#"{"time_ms": "5", "length_ms": 7, "status": "OVER"}"#).contains("invalid type"));
        assert_eq!(
            why(r#"{"time_ms": 5, "length_ms": 7, "status": "FROZEN"}"#),
            "status is \"FROZEN\"; it must be BEFORE, RUNNING, PAUSED or OVER"
        );
        assert!(why(r#"{"time_ms": 5, "length_ms": 0, "status": "OVER"}"#).starts_with("length_ms is 0"));
        assert!(why(r#"{"time_ms": -5, "length_ms": 7, "status": "RUNNING"}"#).starts_with("time_ms is -5"));
        assert!(why(r#"{"time_ms": 9223372036854775808, "length_ms": 7, "status": "OVER"}"#).contains("JSON"));
    }
}
