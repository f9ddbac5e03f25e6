//! `neerc standby status`: what is known of a store that is on several machines, before somebody decides which of its servers
//! is to be written to.

use super::args::ConfigArgs;
use super::{Outcome, failure, load_store, out, usage};
use anyhow::anyhow;
use neerc_store::{self as store, Follower, LogWords, ServerSurvey, ServerWords, Survey, Url};
use std::fmt::Write;

/// Asks all servers of the database, and prints what they say.
pub fn status(args: &ConfigArgs) -> Outcome {
    let config = load_store(&args.config)?;
    let Url::Postgres(servers) = &config.store else {
        return Err(usage(anyhow!(
            "the store is a file, {}, which only this machine has; nothing stands by for it elsewhere",
            config.store
        )));
    };
    let survey = store::survey(servers).map_err(failure)?;
    out::text(&words(&survey))?;
    match verdict(&survey, servers.goes_on()) {
        Some(verdict) => out::line(&verdict),
        None => Err(failure(anyhow!("no server says how it stands; nothing can be decided from here"))),
    }
}

/// All of it, in lines.
fn words(survey: &Survey) -> String {
    let mut text = String::new();
    let mut line = |words: String| _ = writeln!(text, "{words}"); // a string takes all
    for ServerSurvey { host, said } in &survey.servers {
        match said {
            Err(why) => line(format!("{host}: {why}")),
            Ok(said) => server(host, said, &mut line),
        }
    }
    match &survey.noted {
        Ok(Some(noted)) => line(format!("this machine ({}) has seen revision {noted}", survey.holder)),
        Ok(None) => {}
        Err(why) => {
            line(format!(
                "what this machine has seen cannot be read: {why}; ask as root or as the user of the service"
            ));
        }
    }
    text
}

fn server(host: &str, said: &ServerWords, line: &mut impl FnMut(String)) {
    match (said.follows, said.receives) {
        (false, _) => line(format!("{host}: is written to")),
        (true, true) => line(format!("{host}: follows another server")),
        (true, false) => line(format!("{host}: follows another server, and receives nothing from it now")),
    }
    match &said.log {
        Some(LogWords { revision, holder, epoch, until, is_over }) => {
            line(format!("  the log ends at revision {revision}"));
            let holder = if holder.is_empty() { "nobody yet" } else { holder };
            let state = if *is_over { "over" } else { "holds" };
            line(format!("  the lease: {holder}, term {epoch}, until {until} ({state})"));
        }
        None => line("  it has no tables of neerc".to_owned()),
    }
    if said.follows {
        return;
    }
    match &*said.waits_for {
        "" => line("  commits wait for no standby: synchronous_standby_names is empty".to_owned()),
        names => line(format!("  commits wait for: {names}")),
    }
    for Follower { name, sync_state, behind_bytes } in &said.followers {
        let state = sync_state.as_deref().unwrap_or("in a state that may not be read; GRANT pg_monitor TO its user");
        let behind = behind_bytes.map(|bytes| format!(", {bytes} bytes behind")).unwrap_or_default();
        line(format!("  followed by {name}: {state}{behind}"));
    }
    if said.followers.is_empty() {
        line("  nobody follows it: there is one copy only".to_owned());
    }
}

/// What that comes to, if any server has said something.
fn verdict(survey: &Survey, goes_on: bool) -> Option<String> {
    let heard = || survey.servers.iter().filter_map(|server| Some((&*server.host, server.said.as_ref().ok()?)));
    let writable: Vec<_> = heard().filter(|(_, said)| !said.follows).collect();
    Some(match &*writable {
        [(host, said)] => written_to(host, said, survey.noted.as_ref().ok().copied().flatten(), goes_on),
        [] => {
            let (host, said) = heard().max_by_key(|(_, said)| end_of(said))?;
            let end = end_of(said);
            let loss = match survey.noted {
                Ok(Some(noted)) if noted > end => format!("{} were seen here and would be lost", revisions(end, noted)),
                Ok(Some(_)) => "all that this machine has seen is there".to_owned(),
                Ok(None) => "this machine has seen nothing to compare that with".to_owned(),
                Err(_) => "whether anything would be lost is not known".to_owned(),
            };
            format!(
                "no server is written to. {host} has most, up to revision {end}: {loss}. Switch the other machine off, \
                 then promote {host} as doc/two-machines.md says"
            )
        }
        several => {
            let hosts: Vec<&str> = several.iter().map(|(host, _)| *host).collect();
            let are = if hosts.len() == 2 { "both" } else { "all" };
            format!(
                "{} are {are} written to: two histories have begun{}. Switch all off but the one whose log you keep",
                hosts.join(" and "),
                newest(several)
            )
        }
    })
}

/// Where the log ends there.
fn end_of(said: &ServerWords) -> u64 {
    said.log.as_ref().map_or(0, |log| log.revision)
}

/// The revisions after one, up to another.
fn revisions(after: u64, last: u64) -> String {
    match after.saturating_add(1) {
        first if first == last => format!("revision {last}"),
        first => format!("revisions {first} to {last}"),
    }
}

/// Whether all is well with the one server that is written to.
fn written_to(host: &str, said: &ServerWords, noted: Option<u64>, goes_on: bool) -> String {
    let end = end_of(said);
    if let Some(noted) = noted.filter(|noted| *noted > end) {
        let missing = revisions(end, noted);
        return format!(
            "{host} is written to, and {missing}, seen here, are not there: if {host} was switched off and another server promoted, \
             switch it off again; otherwise they are lost"
        );
    }
    let is_kept =
        |follower: &Follower| follower.sync_state.as_deref().is_none_or(|state| matches!(state, "sync" | "quorum"));
    if said.waits_for.is_empty() || said.followers.iter().any(is_kept) {
        return format!("{host} is written to; there is nothing to decide");
    }
    let meanwhile =
        if goes_on { "so the service goes on without it after 10 s" } else { "so nothing is stored or answered" };
    format!(
        "{host} is written to, and none of the standbys that commits wait for is connected, {meanwhile}: start it, or have {host} go \
         on alone by ALTER SYSTEM SET synchronous_standby_names = '' and SELECT pg_reload_conf()"
    )
}

/// Which of several servers somebody has served from last, if that can be told.
fn newest(several: &[(&str, &ServerWords)]) -> String {
    let mut logs: Vec<_> = several.iter().filter_map(|(host, said)| Some((host, said.log.as_ref()?))).collect();
    logs.sort_by_key(|(_, log)| log.epoch);
    match &*logs {
        [.., (_, before), (host, last)] if last.epoch > before.epoch => {
            format!(", and {host} was served from last, in term {}, up to revision {}", last.epoch, last.revision)
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(follows: bool, revision: u64) -> Result<ServerWords, String> {
        let log = LogWords {
            revision,
            holder: "a (1)".to_owned(),
            epoch: 3,
            until: "2026-11-26 23:00:00+00".to_owned(),
            is_over: false,
        };
        let followers =
            vec![Follower { name: "b".to_owned(), sync_state: Some("sync".to_owned()), behind_bytes: Some(0) }];
        Ok(ServerWords { follows, log: Some(log), waits_for: "b".to_owned(), followers, receives: false })
    }

    fn survey(servers: [Result<ServerWords, String>; 2]) -> Survey {
        let hosts = ["a", "b"].into_iter().zip(servers);
        let servers = hosts.map(|(host, said)| ServerSurvey { host: host.to_owned(), said }).collect();
        Survey { servers, noted: Ok(Some(12)), holder: "b (2)".to_owned() }
    }

    /// All that is said.
    fn told(survey: &Survey, goes_on: bool) -> String {
        words(survey) + &verdict(survey, goes_on).unwrap_or_default()
    }

    #[test]
    fn what_would_be_lost_is_said_before_anybody_promotes() {
        let dead = || Err("no answer within 3 s".to_owned());
        let text = told(&survey([dead(), said(true, 12)]), false);
        assert!(text.contains("a: no answer within 3 s\nb: follows another server, and receives nothing"), "{text}");
        assert!(text.contains("b has most, up to revision 12: all that this machine has seen is there"), "{text}");
        let text = told(&survey([dead(), said(true, 10)]), false);
        assert!(text.contains("revisions 11 to 12 were seen here and would be lost"), "{text}");
        let text = told(&survey([said(false, 12), said(true, 12)]), false);
        assert!(
            text.contains("  followed by b: sync, 0 bytes behind\n") && text.ends_with("nothing to decide"),
            "{text}"
        );
        let text = told(&survey([said(false, 12), said(false, 13)]), false);
        assert!(text.contains("a and b are both written to: two histories have begun. "), "{text}");
        assert_eq!(verdict(&survey([dead(), dead()]), false), None);
        let unread =
            Survey { noted: Err("neerc.lock: Permission denied".to_owned()), ..survey([dead(), said(true, 12)]) };
        let text = told(&unread, false);
        assert!(text.contains("cannot be read: neerc.lock: Permission denied; ask as root"), "{text}");
        assert!(text.contains("up to revision 12: whether anything would be lost is not known"), "{text}");
    }
    #[test]
    fn where_something_was_wrong_with_the_server_that_is_written_to_there_was_said_to_be_nothing_to_decide() {
        let with = |change: fn(&mut ServerWords)| {
            let mut said = said(false, 12).unwrap();
            change(&mut said);
            Ok(said)
        };
        let dead = || Err("Connection refused".to_owned());
        let told = |servers, goes_on| verdict(&survey(servers), goes_on).unwrap();
        // Nobody was answered.
        let lonely = || with(|said| said.followers.clear());
        let behind = with(|said| said.followers[0].sync_state = Some("async".to_owned()));
        for servers in [[lonely(), dead()], [behind, said(true, 12)]] {
            let text = told(servers, false);
            assert!(
                text.starts_with("a is written to, and none of the standbys") && text.contains("nothing is stored"),
                "{text}"
            );
        }
        assert!(told([lonely(), dead()], true).contains("goes on without it after 10 s"));
        let hidden = with(|said| said.followers[0].sync_state = None);
        assert!(told([hidden, dead()], false).ends_with("nothing to decide"), "that is not known");
        let none_wanted = with(|said| (said.followers, said.waits_for) = (Vec::new(), String::new()));
        assert!(told([none_wanted, dead()], false).ends_with("nothing to decide"), "it is said that there is one copy");
        // An old server had come back, and the one that was promoted since did not answer.
        let text = told([said(false, 10), dead()], false);
        assert!(text.contains("revisions 11 to 12, seen here, are not there: if a was switched off"), "{text}");
        // It was not said which of two histories people had been answered from.
        let promoted = with(|said| said.log.as_mut().unwrap().epoch = 1_000_001);
        let text = told([said(false, 14), promoted], false);
        assert!(
            text.contains("b was served from last, in term 1000001, up to revision 12. Switch all off but"),
            "{text}"
        );
    }
}
