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
