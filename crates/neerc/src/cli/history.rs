//! `neerc log` and `neerc export`: what happened, from the store, also while the service uses it.

use super::args::ConfigArgs;
use super::copies::moment;
use super::{Outcome, failure, load_store, out, runtime, usage};
use crate::config::StoreConfig;
use crate::i18n::Files;
use crate::limits;
use crate::service::status;
use crate::service::time::{wall_ms, zone_ms};
use crate::web::report::ReportLog;
use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use jiff::Zoned;
use neerc_core::board::Board;
use neerc_core::change::{Entry, Room};
use neerc_core::doors::Entrance;
use neerc_core::face::lines::Lines;
use neerc_core::face::timeline::export::{self, ExportRow};
use neerc_core::people::{GroupBook, People, Person};
use neerc_core::task::TaskId;
use neerc_core::units::{DAY_MS, MINUTE_MS};
use neerc_core::view::{DayTime, RoomScene};
use neerc_store::{LogReader, Moment};
use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Arguments of `log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Only what happened from then on: 14:32, 2026-11-26T14:32, 30m or 2h ago, r12345
    #[arg(long, value_name = "MOMENT")]
    pub since: Option<String>,
    /// Only what happened until then
    #[arg(long, value_name = "MOMENT")]
    pub until: Option<String>,
    /// Only what happened to that task
    #[arg(long, value_name = "TASK")]
    pub task: Option<String>,
    /// Only what that person did
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Only what happened in that room
    #[arg(long, value_name = "ROOM")]
    pub room: Option<String>,
    /// Go on with what happens from now on, until Ctrl-C
    #[arg(long, short)]
    pub follow: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// The configuration
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// For spreadsheets, whose cells are no formulas
    Csv,
    /// JSON, one object a line
    Jsonl,
    /// A page with who was waited for and what happened, which needs nothing else
    Html,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// What it is written as
    #[arg(long, value_enum, default_value = "csv")]
    pub format: ExportFormat,
    /// Only that room; a page is of one room, the first without this
    #[arg(long, value_name = "ROOM")]
    pub room: Option<String>,
    /// The file to write, which must not be there; without it, standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The configuration
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// The log of a store, as people are named in it.
struct Log {
    reader: LogReader,
    /// Where a service can be asked what counts: a change that is stored may have to wait until it does.
    service: PathBuf,
    people: People,
}

impl Log {
    fn of(config: &StoreConfig) -> Log {
        let host = config.host.as_str();
        // Who belongs to a room now is not known here, and does not change what happened.
        let people = People::build(host, "", [], HashMap::new(), &GroupBook::default());
        let service = status::path(config.store.local());
        Log { reader: LogReader::of(&config.store), service, people }
    }

    /// Takes away what does not count yet. Without a service all of it does: it will be there at the next start.
    fn counting(&self, mut entries: Vec<Entry>) -> Result<Vec<Entry>, (super::Exit, anyhow::Error)> {
        let asked =
            if entries.is_empty() { None } else { runtime()?.block_on(status::ask_standing(&self.service)).ok() };
        if let Some(standing) = asked.filter(|standing| standing.pid > 0) {
            entries.retain(|entry| entry.revision <= standing.revision);
        }
        Ok(entries)
    }

    /// Hands on all changes after a revision, oldest first; the newest of them, or that revision.
    fn each(&self, after: u64, mut take: impl FnMut(&Entry) -> Outcome) -> Result<u64, (super::Exit, anyhow::Error)> {
        let mut last = after;
        loop {
            let entries = self.counting(self.reader.read_all(last, limits::LOG_LINES).map_err(failure)?)?;
            let Some(newest) = entries.last() else { return Ok(last) };
            last = newest.revision;
            entries.iter().try_for_each(&mut take)?;
        }
    }

    /// Says on the side what is not read any more.
    fn warn_of_archives(&self) -> Outcome {
        let floor = self.reader.floor().map_err(failure)?;
        if floor.revision > 0 {
            let first = floor.revision + 1;
            out::complain(&format!("changes before number {first} are in archives: neerc verify says where"));
        }
        Ok(())
    }
}

/// Which changes are wanted.
#[derive(Default)]
struct Wanted {
    since: Option<Moment>,
    until: Option<Moment>,
    task: Option<TaskId>,
    by: Option<Person>,
    room: Option<String>,
}

impl Wanted {
    fn of(args: &LogArgs, log: &Log, now: &Zoned) -> Result<Wanted, String> {
        let moment = |option: &str, text: &Option<String>| {
            text.as_deref().map(|text| parse(option, text, now, wall_ms())).transpose()
        };
        let task = args.task.as_deref().map(TaskId::parse).transpose();
        Ok(Wanted {
            since: moment("--since", &args.since)?,
            until: moment("--until", &args.until)?,
            task: task.map_err(|refusal| format!("--task: {refusal}"))?,
            by: args.by.as_deref().map(|name| Person::named(name, log.people.host())),
            room: args.room.as_deref().map(str::to_lowercase),
        })
    }

    fn has(&self, entry: &Entry) -> bool {
        let is_before = |moment: &Moment| match *moment {
            Moment::At(ms) => entry.at_ms < ms,
            Moment::Revision(revision) => entry.revision < revision,
        };
        let is_after = |moment: &Moment| match *moment {
            Moment::At(ms) => entry.at_ms > ms,
            Moment::Revision(revision) => entry.revision > revision,
        };
        !self.since.as_ref().is_some_and(is_before)
            && !self.until.as_ref().is_some_and(is_after)
            && self.task.is_none_or(|task| entry.change.task() == Some(task))
            && self.by.as_ref().is_none_or(|by| *by == entry.by)
            && self.room.as_deref().is_none_or(|room| *entry.room == *room)
    }
}

/// A moment, or how long ago it was: `30m`, `2h`, `1d`.
fn parse(option: &str, text: &str, now: &Zoned, now_ms: i64) -> Result<Moment, String> {
    let units = [('m', MINUTE_MS), ('h', 60 * MINUTE_MS), ('d', DAY_MS)];
    let ago = units.into_iter().find_map(|(unit, ms)| {
        let count: i64 = text.strip_suffix(unit)?.parse().ok().filter(|count| *count >= 0)?;
        Some(Moment::At(now_ms.saturating_sub(count.saturating_mul(ms))))
    });
    ago.map_or_else(|| moment::parse(option, text, now), Ok)
}

/// Prints who did what when.
pub fn log(args: &LogArgs) -> Outcome {
    let config = load_store(&args.config.config)?;
    let (log, now) = (Log::of(&config), Zoned::now());
    let wanted = Wanted::of(args, &log, &now).map_err(|why| usage(anyhow!(why)))?;
    log.warn_of_archives()?;
    let is_heard = Cell::new(true); // whoever has gone away wants no more
    let print = |entry: &Entry| {
        if !wanted.has(entry) || !is_heard.get() {
            return Ok(());
        }
        let time = moment::written(entry.at_ms, &now);
        let line = |row: &ExportRow| if args.json { row.json() } else { row.line(&time) };
        let text: String = export::rows(&log.people, entry).iter().map(line).collect();
        let written = out::write(&text);
        is_heard.set(!written.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe));
        out::printed(written)
    };
    let mut last = log.each(0, print)?;
    while args.follow && is_heard.get() {
        std::thread::sleep(limits::LOG_FOLLOW);
        last = log.each(last, print)?;
    }
    Ok(())
}

/// Where an export goes: to a new file, or to standard output.
struct Sink<'a>(Option<(&'a Path, BufWriter<File>)>);

impl Sink<'_> {
    fn to(file: Option<&Path>) -> Result<Sink<'_>, (super::Exit, anyhow::Error)> {
        let Some(file) = file else { return Ok(Sink(None)) };
        let made =
            File::create_new(file).with_context(|| format!("cannot write {}", file.display())).map_err(failure)?;
        Ok(Sink(Some((file, BufWriter::new(made)))))
    }

    fn write(&mut self, text: &str) -> Outcome {
        let Some((file, output)) = &mut self.0 else { return out::text(text) };
        output.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", file.display())).map_err(failure)
    }

    fn end(self) -> Outcome {
        let Some((file, output)) = self.0 else { return Ok(()) };
        let synced = output.into_inner().map_err(|error| error.into_error()).and_then(|output| output.sync_all());
        synced.with_context(|| format!("cannot write {}", file.display())).map_err(failure)
    }
}

/// Writes all of it for other programs, or as a report.
pub fn export(args: &ExportArgs) -> Outcome {
    let config = load_store(&args.config.config)?;
    let log = Log::of(&config);
    log.warn_of_archives()?;
    let room = args.room.as_deref().map(str::to_lowercase);
    let mut sink = Sink::to(args.output.as_deref())?;
    // Spreadsheets take a file for UTF-8 that begins with this mark.
    let (head, line): (_, fn(&ExportRow) -> String) = match args.format {
        ExportFormat::Csv => (format!("\u{feff}{}", export::csv_head()), ExportRow::csv),
        ExportFormat::Jsonl => (String::new(), ExportRow::json),
        ExportFormat::Html => {
            sink.write(&report(&config, &log, room)?)?;
            return sink.end();
        }
    };
    sink.write(&head)?;
    let wanted = Wanted { room, ..Wanted::default() };
    log.each(0, |entry| match wanted.has(entry) {
        true => sink.write(&export::rows(&log.people, entry).iter().map(line).collect::<String>()),
        false => Ok(()),
    })?;
    sink.end()
}

/// The report of a room, the first one if none is named, as the board gives it away.
fn report(config: &StoreConfig, log: &Log, room: Option<String>) -> Result<String, (super::Exit, anyhow::Error)> {
    let room = room.map(Room::from).or_else(|| config.rooms.first().cloned()).unwrap_or_default();
    let (mut told, mut board) = (ReportLog::since(None), Board::default());
    log.each(0, |entry| {
        if entry.room == room {
            board.replay(entry);
            told.note(entry);
        }
        Ok(())
    })?;
    let scene = RoomScene {
        room: &room,
        people: &log.people,
        board: &board,
        clock: None,
        visibility: config.visibility,
        now: Some(DayTime { wall_ms: wall_ms(), zone_ms: zone_ms() }),
        checklists: &[],
        trail: None,
        entrance: Entrance::closed(),
    };
    let who = Person::named("", log.people.host()); // nobody in particular: it is for whoever gets the file
    let lines = Lines { words: &Files, language: config.language, links: None, scene, who: &who };
    Ok(told.page(&lines, log.reader.floor().map_err(failure)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_may_be_a_while_ago() {
        let now: Zoned = "2026-11-26T15:00:00+00:00[+00:00]".parse().unwrap();
        let now_ms = now.timestamp().as_millisecond();
        let at = |text| parse("--since", text, &now, now_ms);
        assert_eq!(at("30m"), Ok(Moment::At(now_ms - 30 * MINUTE_MS)));
        assert_eq!(at("2h"), Ok(Moment::At(now_ms - 120 * MINUTE_MS)));
        assert_eq!(at("1d"), Ok(Moment::At(now_ms - DAY_MS)));
        assert_eq!(at("14:30"), at("30m"));
        assert_eq!(at("r7"), Ok(Moment::Revision(7)));
        for text in ["m", "-3m", "3 m", "soon"] {
            assert!(at(text).unwrap_err().starts_with("--since is "), "{text}");
        }
    }
}
