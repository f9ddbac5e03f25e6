//! `neerc demo`: a server, a room, its people and the service on this computer, to see what it is like. All that it shows
//! was said and heard over XMPP by clients of its own. Not a way to serve anybody.

mod client;
mod keeper;
mod server;
mod told;

use crate::cli::args::DemoArgs;
use crate::cli::run::stop_signal;
use crate::cli::{Outcome, failure, out, runtime, secret};
use crate::config::{Config, WebUrl};
use crate::limits;
use crate::service::Service;
use crate::service::health::Health;
use crate::web::asks::Bridge;
use crate::web::{Web, WebSettings, door};
use anyhow::{Context, anyhow, bail};
use client::{DemoClient, Login};
use neerc_core::people::Person;
use neerc_xmpp::ns::NEERC as NS;
use server::{HOST, Prosody, ROOMS, SERVICE, USERS};
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use told::{KnownTasks, Told, line};

const ROOM: &str = "neerc@conference.localhost";
const ROOM_AT_SERVICE: &str = "neerc@neerc.localhost";
/// Who is what in the room.
const AFFILIATIONS: [(&str, &str); 5] =
    [("admin", "owner"), ("jury1", "admin"), ("hall1", "member"), ("hall2", "member"), ("hall3", "member")];
const TITLE: &str = "Wallpapers set?";
const REASON: &str = "none of them";

/// Shows the service at work, then leaves everything up until it is told to stop.
pub fn demo(args: &DemoArgs) -> Outcome {
    match runtime()?.block_on(perform(args, stop_signal())) {
        Err(error) if error.is::<Unheard>() => Ok(()),
        outcome => outcome.map_err(failure),
    }
}

async fn perform(args: &DemoArgs, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let mut stop = pin!(stop);
    say("Starting Prosody and the service on 127.0.0.1 ...")?;
    let mut server = tokio::select! {
        biased;
        () = &mut stop => return Ok(()),
        server = Prosody::start(args.port) => server?,
    };
    let outcome = serve(&server, stop).await.map_err(|error| server.explain(error));
    let folder = server.folder().to_owned();
    drop(server);
    outcome?;
    say(&format!("\nStopped. Prosody has ended and {} is removed.", folder.display()))
}

/// Runs the service until `stop` is over, and the play beside it.
async fn serve(server: &Prosody, stop: Pin<&mut impl Future<Output = ()>>) -> anyhow::Result<()> {
    log_to(&server.folder().join("neerc.log"))?;
    let config = configure(server)?;
    let opened = neerc_store::open(&config.store)?;
    let log = opened.store.log_reader();
    let service = Service::new(config.front_settings(secret::hex(16)?), config.component.server.to_string(), opened);
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let web = Web::start(WebSettings { listen, url: None, language: config.language, log })?;
    let (asker, url) = (web.asker(), web.url.clone());
    let service = service.with_web(web, config.tasks.visibility);
    let health = service.health();
    let spacing = Duration::from_millis(config.tasks.spacing_ms.unsigned_abs());
    let (end, ended) = oneshot::channel::<()>();
    let mut service = pin!(service.run(async {
        let _ = ended.await; // over when `end` is dropped
    }));
    // Once it is to stop, the play is over first: it could take the service's leaving for a failure.
    tokio::select! {
        biased;
        () = stop => drop(end),
        ended = &mut service => return ended.context("the service has ended"),
        failed = play(server, health, spacing, &asker, &url) => return failed,
    }
    service.await.context("the service did not end well")
}

fn log_to(path: &Path) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let log = tracing_subscriber::fmt().with_env_filter("neerc=debug").with_writer(Mutex::new(file));
    log.with_ansi(false).with_target(false).init();
    Ok(())
}

/// Writes the configuration and reads it again, as `neerc run` would.
fn configure(server: &Prosody) -> anyhow::Result<Config> {
    let path = server.folder().join("neerc.toml");
    let Prosody { component_port, secret, .. } = server;
    let store = format!("sqlite:{}", server.folder().join("neerc.db").display());
    let text = format!(
        "[component]\njid = \"{SERVICE}\"\nserver = \"127.0.0.1:{component_port}\"\nsecret = \"{secret}\"\n\n\
         [rooms]\nservice = \"{ROOMS}\"\njoin = [\"neerc\"]\n\n[store]\nurl = {store:?}\n\n\
         [[groups]]\nname = \"Halls\"\nmembers = [\"hall*\"]\n"
    );
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Config::load(&path, |_| None)?)
}

/// Everybody whose session takes part.
struct Cast {
    admin: DemoClient,
    jury1: DemoClient,
    hall1: DemoClient,
    phone: DemoClient,
    hall2: DemoClient,
}

/// Shows the exchange, says how to join in, and then shows what others do. Ends only by a failure.
async fn play(
    server: &Prosody,
    health: watch::Receiver<Health>,
    spacing: Duration,
    asker: &Bridge,
    url: &WebUrl,
) -> anyhow::Result<()> {
    joined(health).await?;
    let mut cast = assemble(server).await?;
    let mut known = KnownTasks::default();
    say("\nIn the room `neerc`; the times are from the request to the moment its effect was heard:\n")?;
    all_known(&mut cast.admin).await?;
    who_is_there(&mut cast).await?;
    let task = create(&mut cast, &mut known).await?;
    // Updates of one task are kept apart for the sake of old clients. People are slower than that; a program is not.
    tokio::time::sleep(spacing * 2).await;
    answer(&mut cast, &task, &mut known).await?;
    refuse(&mut cast).await?;
    let Cast { admin, mut jury1, hall1, phone, hall2 } = cast;
    tokio::try_join!(admin.leave(), hall1.leave(), phone.leave(), hall2.leave())?;
    let offered = door::offer(asker, "neerc".into(), Person::named("admin", HOST)).await;
    let secret = offered.map_err(|_| anyhow!("the service has ended"))?.context("admin cannot be given a link")?;
    say(&invitation(server, &task, &Web::link(url, &secret)))?;
    loop {
        let told = jury1.listen(Told::read).await?.what;
        say(&line(None, "jury1", &format!("is told: {}", known.news(told))))?;
    }
}

async fn joined(mut health: watch::Receiver<Health>) -> anyhow::Result<()> {
    let ready = tokio::time::timeout(limits::DEMO_SERVICE_START, health.wait_for(|health| health.ready))
        .await
        .is_ok_and(|ready| ready.is_ok());
    if ready {
        return Ok(());
    }
    let troubles: Vec<_> = health.borrow().troubles.iter().map(|trouble| trouble.text.clone()).collect();
    let troubles = troubles.join("; ");
    bail!("the service is not ready after {} s: {troubles}", limits::DEMO_SERVICE_START.as_secs())
}

/// Admin gives everybody their place in the room; then those who take part come in.
async fn assemble(server: &Prosody) -> anyhow::Result<Cast> {
    let mut admin = enter(server, "admin", "admin").await?;
    for (user, affiliation) in AFFILIATIONS {
        let item = format!("<item jid='{user}@{HOST}' affiliation='{affiliation}'/>");
        let query = format!("<query xmlns='http://jabber.org/protocol/muc#admin'>{item}</query>");
        let answer = admin.ask("set", ROOM, &query, |_| ()).await?;
        answer.what.map_err(|why| anyhow!("{user} cannot be made {affiliation} of the room: {why}"))?;
    }
    Ok(Cast {
        admin,
        jury1: enter(server, "jury1", "jury1").await?,
        hall1: enter(server, "hall1", "hall1").await?,
        phone: enter(server, "hall1", "hall1/phone").await?,
        hall2: enter(server, "hall2", "hall2").await?,
    })
}

async fn enter(server: &Prosody, user: &str, name: &str) -> anyhow::Result<DemoClient> {
    let resource = name.split_once('/').map_or("demo", |(_, resource)| resource);
    let login = Login { port: server.port, host: HOST, user, resource, password: &server.password };
    let mut client = DemoClient::login(name, login).await?;
    client.join(ROOM, user).await?;
    Ok(client)
}

/// Waits until the service has heard of everybody's place in the room: a server may tell it after it has told us.
async fn all_known(admin: &mut DemoClient) -> anyhow::Result<()> {
    let deadline = Instant::now() + limits::DEMO_SERVICE_START;
    let query = format!("<query xmlns='{NS}#users'/>");
    loop {
        let names = admin.ask("get", ROOM_AT_SERVICE, &query, told::users).await?.what.unwrap_or_default();
        if USERS.iter().all(|user| names.contains(user)) {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!(
                "the service knows only these people of the room after {} s: {names}",
                limits::DEMO_SERVICE_START.as_secs()
            );
        }
        tokio::time::sleep(limits::DEMO_SERVICE_POLL).await;
    }
}

async fn who_is_there(cast: &mut Cast) -> anyhow::Result<()> {
    say(&line(None, "admin", "asks for the users"))?;
    let asked = Instant::now();
    let query = format!("<query xmlns='{NS}#users'/>");
    let users = cast.admin.ask("get", ROOM_AT_SERVICE, &query, told::users).await?;
    let names = users.what.map_err(|why| anyhow!("admin is refused the users: {why}"))?;
    say(&line(Some(users.at - asked), "admin", &format!("hears: {names}")))
}

/// Admin creates a task and the others hear of it; its id.
async fn create(cast: &mut Cast, known: &mut KnownTasks) -> anyhow::Result<String> {
    say(&line(None, "admin", &format!("creates a task for the group Halls: \"{TITLE}\" (okfail)")))?;
    let packet = format!("<task xmlns='{NS}#task' title='{TITLE}' type='okfail'><status for='Halls'/></task>");
    let Cast { admin, jury1, hall1, phone, hall2 } = cast;
    let asked = Instant::now();
    let (done, first, second, third, fourth) = tokio::try_join!(
        change(admin, &packet),
        told_of(hall1, |task| task.is("hall1", "none")),
        told_of(phone, |task| task.is("hall1", "none")),
        told_of(hall2, |task| task.is("hall1", "none")),
        told_of(jury1, |task| task.is("hall1", "none")),
    )?;
    let task = fourth.task.clone();
    known.news(task.clone());
    show(asked, vec![done, first.said(), second.said(), third.said(), fourth.said()])?;
    Ok(task.id().to_owned())
}

/// A hall answers and the others hear of it.
async fn answer(cast: &mut Cast, task: &str, known: &mut KnownTasks) -> anyhow::Result<()> {
    say(&line(None, "hall2", &format!("answers task {task}: no: {REASON}")))?;
    let packet = format!("<taskstatus xmlns='{NS}#taskstatus' id='{task}' type='fail' value='{REASON}'/>");
    let Cast { admin, jury1, hall1, phone, hall2 } = cast;
    let asked = Instant::now();
    let (done, first, second, third, fourth) = tokio::try_join!(
        change(hall2, &packet),
        told_of(admin, |task| task.is("hall2", "fail")),
        told_of(jury1, |task| task.is("hall2", "fail")),
        told_of(hall1, |task| task.is("hall2", "fail")),
        told_of(phone, |task| task.is("hall2", "fail")),
    )?;
    known.news(second.task.clone());
    show(asked, vec![done, first.said(), second.said(), third.said(), fourth.said()])
}

/// A hall tries what only admins may.
async fn refuse(cast: &mut Cast) -> anyhow::Result<()> {
    say(&line(None, "hall2", "tries to create a task for hall1"))?;
    let packet = format!("<task xmlns='{NS}#task' title='Your turn' type='todo'><status for='hall1'/></task>");
    let asked = Instant::now();
    let answer = cast.hall2.ask("set", ROOM_AT_SERVICE, &packet, |_| ()).await?;
    match answer.what {
        Ok(()) => bail!("hall2 may create tasks, which is an error in this program"),
        Err(why) => say(&line(Some(answer.at - asked), "hall2", &format!("is refused: {why}"))),
    }
}

/// Something that somebody has heard, and when.
struct Said {
    at: Instant,
    who: String,
    what: String,
}

/// A task that somebody was told of, and when.
struct Notified {
    at: Instant,
    who: String,
    task: Told,
}

impl Notified {
    fn said(self) -> Said {
        Said { at: self.at, who: self.who, what: format!("is told: {}", self.task.line()) }
    }
}

async fn change(client: &mut DemoClient, packet: &str) -> anyhow::Result<Said> {
    let answer = client.ask("set", ROOM_AT_SERVICE, packet, |_| ()).await?;
    answer.what.map_err(|why| anyhow!("{} is refused: {why}", client.name))?;
    Ok(Said { at: answer.at, who: client.name.clone(), what: "hears: done, it is on disk".to_owned() })
}

async fn told_of(client: &mut DemoClient, wanted: impl Fn(&Told) -> bool) -> anyhow::Result<Notified> {
    let heard = client.wait_for("a notification", |stanza| Told::read(stanza).filter(&wanted)).await?;
    Ok(Notified { at: heard.at, who: client.name.clone(), task: heard.what })
}

/// Shows what was heard of a request in the order it was heard in.
fn show(asked: Instant, mut said: Vec<Said>) -> anyhow::Result<()> {
    said.sort_by_key(|said| said.at);
    said.iter().try_for_each(|said| say(&line(Some(said.at - asked), &said.who, &said.what)))
}

fn invitation(server: &Prosody, task: &str, link: &str) -> String {
    let accounts = USERS.map(|user| format!("{user}@{HOST}")).join(", ");
    let Prosody { port, password, .. } = server;
    let (folder, certificate) = (server.folder().display(), server.certificate());
    let certificate = certificate.display();
    format!(
        "
Everything stays up. The task board in a browser on this computer, as admin; the link is good once:

  {link}

Join in with any XMPP client on this computer:

  server     127.0.0.1, port {port}, with encryption or without
  accounts   {accounts}
  password   {password}
  room       {ROOM}
  service    {ROOM_AT_SERVICE} takes chat lines, in English or Russian

With profanity, say, as hall1; whoever has joined the room is told of new tasks:

  profanity
  /connect hall1@{HOST} server 127.0.0.1 port {port} tls disable
  /msg {ROOM_AT_SERVICE} tasks
  yes {task}
  /join {ROOM}

or as admin, to hand out a task of your own (`help` says what else there is):

  /msg {ROOM_AT_SERVICE} @todo halls Bring water

The certificate was made for this demo and is signed by nobody. Gajim and Psi ask once whether to believe it; Dino wants
it among the computer's own until the demo is over:

  sudo cp {certificate} /usr/local/share/ca-certificates/neerc-demo.crt && sudo update-ca-certificates

Files, while it lasts: neerc.log, neerc.db, neerc.toml and prosody.log in {folder}

Whatever changes is shown here, as jury1 is told of it. Ctrl-C ends the demo and leaves nothing behind.
"
    )
}

/// Nobody reads any more what is shown, so there is nothing more to show.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads what is shown")]
struct Unheard;

/// Prints a line at once.
fn say(text: &str) -> anyhow::Result<()> {
    match out::write(&format!("{text}\n")) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Unheard.into()),
        outcome => outcome.context("cannot write to standard output"),
    }
}
