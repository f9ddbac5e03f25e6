//! The contest clock: asked for, sent on a change, to newcomers and every minute.

use super::*;
use neerc_core::clock::Phase;

const TOTAL: i64 = 18_000_000;

fn ticks(bench: &mut Bench) -> Vec<String> {
    let said = bench.said();
    let ticks = said.iter().filter(|said| said.contains("<body>The clock is ticking</body>"));
    let of = |said: &String| {
        let clock = said.split_once("<clock ").unwrap().1.split_once("/>").unwrap().0.to_owned();
        format!("{} {clock}", bench::attr(said, "to").unwrap())
    };
    ticks.map(of).collect()
}

#[test]
fn a_newcomer_is_sent_the_clock_after_the_first_tasks_and_once_more_when_it_has_drawn_them() {
    let mut bench = ready(Flavour::Prosody);
    bench.clock(5, TOTAL, Phase::Paused);
    bench.hear(iq("get", HALL1, &query("tasks")));
    assert_eq!(ticks(&mut bench), [format!("{HALL1} time='5' total='18000000' status='3'")]);
    bench.hear(iq("get", HALL1, &query("tasks")));
    assert_eq!(ticks(&mut bench), Vec::<String>::new());
    bench.pass(2_999);
    assert_eq!(ticks(&mut bench), Vec::<String>::new());
    bench.pass(1);
    assert_eq!(ticks(&mut bench), [format!("{HALL1} time='5' total='18000000' status='3'")]);
    bench.hear(iq("get", HALL1, &query("tasks")));
    bench.pass(50_000);
    assert_eq!(ticks(&mut bench), Vec::<String>::new());
    let said = bench.on(&iq("get", HALL1, &query("clock")));
    assert!(said[0].contains("<clock time='5' total='18000000' status='3'/>"), "{said:?}");
}

#[test]
fn a_change_goes_to_everybody_and_the_clock_every_minute_in_each_phase() {
    let mut bench = ready(Flavour::Ejabberd);
    bench.joins("hall1", HALL1);
    bench.joins("hall2", HALL2);
    bench.joins("guest", "guest@localhost/Web");
    let both = |clock: &str| vec![format!("{HALL1} {clock}"), format!("{HALL2} {clock}")];
    bench.clock(0, TOTAL, Phase::Before);
    assert_eq!(ticks(&mut bench), both("time='0' total='18000000' status='1'"));
    bench.pass(59_999);
    assert_eq!(ticks(&mut bench), Vec::<String>::new());
    bench.pass(1);
    assert_eq!(ticks(&mut bench), both("time='0' total='18000000' status='1'"));
    bench.clock(0, TOTAL, Phase::Before);
    assert_eq!(ticks(&mut bench), Vec::<String>::new(), "that was no change");
    bench.clock(100, TOTAL, Phase::Running);
    assert_eq!(ticks(&mut bench), both("time='100' total='18000000' status='2'"));
    bench.pass(59_999);
    assert_eq!(ticks(&mut bench), Vec::<String>::new());
    bench.pass(1);
    assert_eq!(ticks(&mut bench), both("time='60100' total='18000000' status='2'"));
    bench.clock(60_000, TOTAL, Phase::Running); // read a little late
    assert_eq!(ticks(&mut bench), Vec::<String>::new());
    bench.pass(60_000);
    assert_eq!(ticks(&mut bench), both("time='120100' total='18000000' status='2'"));
    bench.leaves("hall2", HALL2);
    bench.clock(TOTAL, TOTAL, Phase::Over);
    for _ in 0..3 {
        assert_eq!(ticks(&mut bench), [format!("{HALL1} time='18000000' total='18000000' status='4'")]);
        bench.pass(60_000);
    }
    bench.said();
    bench.clock(TOTAL / 2, TOTAL, Phase::Paused);
    assert_eq!(ticks(&mut bench).len(), 1);
    bench.pass(60_000);
    assert_eq!(ticks(&mut bench), [format!("{HALL1} time='9000000' total='18000000' status='3'")]);
}

#[test]
fn a_change_while_the_link_is_down_is_heard_after_it() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("hall1", HALL1);
    bench.clock(100, TOTAL, Phase::Running);
    bench.said();
    bench.disconnect();
    bench.clock(200, TOTAL, Phase::Paused);
    bench.connect();
    assert_eq!(ticks(&mut bench), [format!("{HALL1} time='200' total='18000000' status='3'")]);
}

#[test]
fn without_a_clock_nothing_ticks() {
    let mut bench = ready(Flavour::Prosody);
    bench.hear(iq("get", HALL1, &query("tasks")));
    bench.pass(200_000);
    assert_eq!(ticks(&mut bench), Vec::<String>::new());
    assert!(bench.on(&iq("get", HALL1, &query("clock")))[0].contains("<item-not-found "));
}

#[test]
fn the_time_of_day_is_the_system_clocks_also_after_it_was_set() {
    let mut bench = ready(Flavour::Prosody);
    let mut told = |wall_ms: i64| {
        bench.time_of_day(wall_ms);
        bench.pass(2_000);
        bench.on(&iq("get", HALL1, "<time xmlns='urn:xmpp:time'/>")).concat()
    };
    assert!(told(1_512_700_088_000).contains("<utc>2017-12-08T02:28:10Z</utc>"));
    assert!(told(1_512_700_088_000 + 7_200_000).contains("<utc>2017-12-08T04:28:10Z</utc>"));
    assert!(told(i64::MAX).contains("<utc>"), "no time at all is no panic");
    let uptime = bench.on(&iq("get", HALL1, "<query xmlns='jabber:iq:last'/>")).concat();
    let seconds = uptime.split_once("seconds='").unwrap().1.split_once('\'').unwrap().0;
    assert!(seconds.parse::<u64>().unwrap() < 3_600, "how long it runs does not jump: {uptime}");
}

/// What somebody is answered who writes this.
fn write(bench: &mut Bench, from: &str, line: &str) -> String {
    let said = bench.on(&format!("<message type='chat' from='{from}' to='{ROOM}'><body>{line}</body></message>"));
    let chat = said.iter().find(|stanza| stanza.starts_with("<message type='chat'")).expect("an answer");
    chat.split_once("<body>").unwrap().1.split("</body>").next().unwrap().to_owned()
}

#[test]
fn an_admin_sets_the_clock_by_chat_and_everybody_hears_it_at_once() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("hall1", HALL1);
    assert_eq!(write(&mut bench, HALL2, "clock start"), "[refusal-admins-only]");
    assert_eq!(write(&mut bench, ADMIN, "clock pause"), "[refusal-clock-stands]");
    bench.hear(format!("<message type='chat' from='{ADMIN}' to='{ROOM}'><body>clock start</body></message>"));
    assert_eq!(ticks(&mut bench), [format!("{HALL1} time='0' total='18000000' status='2'")]);
    let said = write(&mut bench, ADMIN, "clock");
    assert!(said.starts_with("[clock-running elapsed=0:00:00 total=5:00:00] [clock-by-hand time="), "{said}");
    bench.pass(60_000);
    assert_eq!(ticks(&mut bench), [format!("{HALL1} time='60000' total='18000000' status='2'")]);
    bench.pass(30_000);
    assert!(write(&mut bench, ADMIN, "clock pause").starts_with("[clock-paused elapsed=0:01:30 total=5:00:00]"));
    bench.clock(0, TOTAL, Phase::Before);
    bench.said();
    assert!(
        write(&mut bench, HALL2, "clock").starts_with("[clock-paused elapsed=0:01:30 total=5:00:00] [clock-by-hand")
    );
    let told = bench.told();
    bench.restart_without_link(told);
    bench.connect();
    bench.joins("hall1", HALL1);
    assert!(
        write(&mut bench, HALL2, "clock").starts_with("[clock-paused elapsed=0:01:30 total=5:00:00] [clock-by-hand")
    );
    bench.clock(0, TOTAL, Phase::Before);
    assert_eq!(write(&mut bench, ADMIN, "clock follow"), "[clock-before]");
    assert_eq!(write(&mut bench, ADMIN, "clock follow"), "[said-unchanged]");
    let mut bench = ready(Flavour::Prosody);
    write(&mut bench, ADMIN, "clock start");
    assert_eq!(write(&mut bench, ADMIN, "clock follow"), "[refusal-no-clock]", "there is nothing to follow");
}

#[test]
fn a_clock_set_by_hand_turns_by_itself_and_is_heard_at_once() {
    let mut bench = ready(Flavour::Ejabberd);
    bench.joins("hall1", HALL1);
    write(&mut bench, ADMIN, "clock length 1:00");
    write(&mut bench, ADMIN, "clock set 0:59:30");
    bench.said();
    bench.pass(29_999);
    assert_eq!(ticks(&mut bench), Vec::<String>::new());
    bench.pass(1);
    assert_eq!(ticks(&mut bench), [format!("{HALL1} time='3600000' total='3600000' status='4'")]);
}

/// A service in two rooms, with somebody in each, whose lines do not make it speak by chat.
fn two_rooms(flavour: Flavour) -> Bench {
    let mut settings = settings();
    (settings.wiki_packet, settings.rooms) = (false, vec!["neerc".into(), "school".into()]);
    let mut server = Server::new(flavour);
    server.list("school", "boss@localhost", "owner");
    server.list("school", "hall9@localhost", "member");
    let mut bench = Bench::served(settings, server);
    bench.joins("hall1", HALL1);
    bench.server_says(|server| server.join("school", "hall9", HALL9));
    bench
}

const BOSS: &str = "boss@localhost/Desk";
const HALL9: &str = "hall9@localhost/Phone";

#[test]
fn what_is_set_by_hand_in_one_room_is_told_there_and_each_room_has_its_own_minute() {
    let mut bench = two_rooms(Flavour::Prosody);
    let in_school = |line: &str| {
        format!("<message type='chat' from='{BOSS}' to='school@neerc.localhost'><body>clock {line}</body></message>")
    };
    bench.clock(0, TOTAL, Phase::Running);
    let at = |jid: &str, ms: i64, status: u8| format!("{jid} time='{ms}' total='18000000' status='{status}'");
    assert_eq!(ticks(&mut bench), [at(HALL1, 0, 2), at(HALL9, 0, 2)]);
    bench.pass(20_000);
    bench.hear(in_school("pause"));
    assert_eq!(ticks(&mut bench), [at(HALL9, 20_000, 3)], "the other room's clock goes on");
    bench.pass(39_999);
    assert_eq!(ticks(&mut bench), Vec::<String>::new());
    bench.pass(1);
    assert_eq!(ticks(&mut bench), [at(HALL1, 60_000, 2)], "as if nothing had been set elsewhere");
    bench.pass(20_000);
    assert_eq!(ticks(&mut bench), [at(HALL9, 20_000, 3)]);
    bench.clock(80_000, TOTAL, Phase::Over);
    assert_eq!(ticks(&mut bench), [at(HALL1, 80_000, 4)], "the clock of the other room is set by hand");
    bench.hear(in_school("follow"));
    assert_eq!(ticks(&mut bench), [at(HALL9, 80_000, 4)]);
    bench.pass(60_000);
    assert_eq!(ticks(&mut bench), [at(HALL1, 80_000, 4), at(HALL9, 80_000, 4)]);
}

/// A contest as a person with a stopwatch knows it: every second it is told what it does.
#[derive(Clone, Copy, Debug)]
struct Stopwatch {
    elapsed_ms: i64,
    runs: bool,
}

/// When that contest begins, in s. Nothing in it happens a whole number of minutes after the last message, so that none
/// comes twice.
const START_S: i64 = 617;

/// Five hours of contest time with three pauses, which are 47 minutes together. After each second, `lead` may do something
/// to the clock; what is told and what is answered is compared with the stopwatch. Returns how often it was told.
fn five_hours(flavour: Flavour, mut lead: impl FnMut(&mut Bench, i64, Stopwatch)) -> usize {
    let mut bench = ready(flavour);
    bench.joins("hall1", HALL1);
    let mut watch = Stopwatch { elapsed_ms: 0, runs: false };
    let (mut told, mut last_told_s) = (0, 0);
    let pauses = [(3_601, 5_407), (9_000, 9_055), (17_777, 18_741)]; // from the start, in s of the day
    for second in 0.. {
        let runs =
            second >= START_S && !pauses.iter().any(|(from, to)| (from + START_S..to + START_S).contains(&second));
        if (runs, watch.elapsed_ms) != (watch.runs, TOTAL) {
            watch.runs = runs && watch.elapsed_ms < TOTAL;
        }
        lead(&mut bench, second, watch);
        let phase = match watch.elapsed_ms {
            0 if second < START_S => 1,
            TOTAL => 4,
            _ if watch.runs => 2,
            _ => 3,
        };
        let is_right = |said: &str| {
            let elapsed_ms: i64 = said.split_once("time='").unwrap().1.split_once('\'').unwrap().0.parse().unwrap();
            let off_ms = (elapsed_ms - watch.elapsed_ms).abs();
            assert!(off_ms <= 1_000, "{said} after {second} s, when it is {watch:?}");
            assert!(said.contains(&format!("total='18000000' status='{phase}'")), "{said} after {second} s: {watch:?}");
        };
        let said = ticks(&mut bench);
        if !said.is_empty() {
            (told, last_told_s) = (told + said.len(), second);
        }
        assert!(said.len() <= 1, "told once, whatever has come together: {said:?}");
        said.iter().for_each(|said| is_right(said));
        assert!(second - last_told_s <= 60 || told == 0, "silent since {last_told_s} s, at {second} s");
        if second % 60 == 30 && told > 0 {
            let answer = bench.on(&iq("get", HALL1, &query("clock"))).concat();
            is_right(answer.split_once("<clock ").unwrap().1);
        }
        if watch.elapsed_ms == TOTAL && second - last_told_s == 59 {
            return told;
        }
        bench.pass(1_000);
        watch.elapsed_ms = (watch.elapsed_ms + if watch.runs { 1_000 } else { 0 }).min(TOTAL);
    }
    unreachable!("the contest ends");
}

#[test]
fn over_five_hours_with_three_pauses_set_by_hand_each_message_and_answer_is_right_to_a_second() {
    let mut before = Stopwatch { elapsed_ms: 0, runs: false };
    let told = five_hours(Flavour::Ejabberd, |bench, second, watch| {
        let act = match (second, before.runs, watch.runs) {
            (0, ..) => Some("length 5:00"),
            (START_S, ..) => Some("start"),
            (_, true, false) if watch.elapsed_ms < TOTAL => Some("pause"),
            (_, false, true) => Some("resume"),
            _ => None,
        };
        before = watch;
        if let Some(act) = act {
            bench.hear(format!("<message type='chat' from='{ADMIN}' to='{ROOM}'><body>clock {act}</body></message>"));
        }
    });
    // 10 minutes before, 5 h, 47 minutes of pauses: one a minute, and one for each change that is not at a full minute.
    assert!((356..=366).contains(&told), "{told}");
}

#[test]
fn over_five_hours_with_three_pauses_in_a_file_each_message_and_answer_is_right_to_a_second() {
    // A contest system that writes every seven seconds, and what it wrote is read up to a second later.
    let mut written = None;
    let told = five_hours(Flavour::Prosody, |bench, second, watch| {
        let phase = match watch.elapsed_ms {
            0 if second < START_S => Phase::Before,
            TOTAL => Phase::Over,
            _ if watch.runs => Phase::Running,
            _ => Phase::Paused,
        };
        let turned = written.is_none_or(|(_, written)| written != phase);
        if second % 7 == 0 || turned {
            written = Some((watch.elapsed_ms, phase));
        }
        if let Some((elapsed_ms, phase)) = written.filter(|_| second % 7 == 0 || turned) {
            bench.clock(
                (elapsed_ms - 900).max(0),
                TOTAL,
                if elapsed_ms == 0 && second < START_S { Phase::Before } else { phase },
            );
        }
    });
    assert!((356..=366).contains(&told), "{told}");
}
