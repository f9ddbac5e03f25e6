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
    out::text(&words(&store::survey(servers).map_err(failure)?))
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
    if let Some(noted) = survey.noted {
        line(format!("this machine ({}) has seen revision {noted}", survey.holder));
    }
    line(verdict(survey));
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

/// What that comes to.
fn verdict(survey: &Survey) -> String {
    let heard = || survey.servers.iter().filter_map(|server| Some((&server.host, server.said.as_ref().ok()?)));
    let ends = |said: &ServerWords| said.log.as_ref().map_or(0, |log| log.revision);
    let writable: Vec<_> = heard().filter(|(_, said)| !said.follows).collect();
    match &*writable {
        [(host, _)] => format!("{host} is written to; there is nothing to decide"),
        [] => match heard().max_by_key(|(_, said)| ends(said)) {
            None => "no server answers; nothing can be decided from here".to_owned(),
            Some((host, said)) => {
                let end = ends(said);
                let loss = match survey.noted {
                    Some(noted) if noted > end => {
                        format!("revisions {} to {noted} were seen here and would be lost", end + 1)
                    }
                    Some(_) => "all that this machine has seen is there".to_owned(),
                    None => "this machine has seen nothing to compare that with".to_owned(),
                };
                format!(
                    "no server is written to. {host} has most, up to revision {end}: {loss}. Switch the other machine off, \
                     then promote {host} as doc/two-machines.md says"
                )
            }
        },
        several => {
            let hosts: Vec<&str> = several.iter().map(|(host, _)| host.as_str()).collect();
            format!(
                "{} are all written to: two histories have begun. Switch all off but the one whose log you keep",
                hosts.join(" and ")
            )
        }
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
        Survey { servers, noted: Some(12), holder: "b (2)".to_owned() }
    }

    #[test]
    fn what_would_be_lost_is_said_before_anybody_promotes() {
        let dead = || Err("no answer within 3 s".to_owned());
        let text = words(&survey([dead(), said(true, 12)]));
        assert!(text.contains("a: no answer within 3 s\nb: follows another server, and receives nothing"), "{text}");
        assert!(text.contains("b has most, up to revision 12: all that this machine has seen is there"), "{text}");
        let text = words(&survey([dead(), said(true, 10)]));
        assert!(text.contains("revisions 11 to 12 were seen here and would be lost"), "{text}");
        let text = words(&survey([said(false, 12), said(true, 12)]));
        assert!(
            text.contains("  followed by b: sync, 0 bytes behind\n") && text.ends_with("nothing to decide\n"),
            "{text}"
        );
        let text = words(&survey([said(false, 12), said(false, 13)]));
        assert!(text.contains("a and b are all written to"), "{text}");
        assert!(words(&survey([dead(), dead()])).ends_with("nothing can be decided from here\n"));
    }
}
