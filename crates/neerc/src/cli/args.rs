//! What `neerc` can be asked to do, and the words that explain it: types for clap only.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use super::init::ServerKind;

/// Where the configuration is looked for first.
pub const CONFIG: &str = "neerc.toml";
/// Where it is looked for if there is none in this folder: the place of packages.
pub const SYSTEM_CONFIG: &str = "/etc/neerc/neerc.toml";

const EXIT_CODES: &str = "\
Exit codes:
  0  fine
  1  failed while running: the disk is full, ...; or check found something to fix
  2  wrong usage or configuration: nothing was started";

const EXAMPLES: &str = "\
Examples:
  neerc init --server prosody --host example.org --admin you@example.org
      write neerc.toml and print what to add to Prosody's configuration
  neerc check
      try neerc.toml, and say what works and what to fix
  neerc run
      serve, until Ctrl-C or SIGTERM
  neerc backup --force /var/backups/neerc.db
      copy the store, also while the service runs; `neerc restore` brings it back
  neerc restore /var/backups/neerc.db
      put a backup in the place of the store
  NEERC_LOG_LEVEL=debug neerc run --config /etc/neerc/neerc.toml
      every key of the file can be given in the environment, as NEERC_SECTION_KEY

Exit codes:
  0  fine
  1  failed while running: the disk is full, ...; or check found something to fix
  2  wrong usage or configuration: nothing was started";

/// Hands out and tracks the tasks of programming-contest staff over XMPP
///
/// neerc is an external component (XEP-0114) beside any XMPP server. People, groups and rights come from the server's
/// chat rooms; people use the clients they already have.
#[derive(Debug, Parser)]
#[command(name = "neerc", version, after_long_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: CliCommand,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Serve until told to stop
    ///
    /// Connects to the XMPP server, joins the rooms and serves, until Ctrl-C or SIGTERM. A lost connection is opened
    /// again by itself. What was answered is on disk, so it may be stopped or killed at any time.
    ///
    /// Where another one serves from the same PostgreSQL, it stands by until that ends; with --standby on a file as well.
    #[command(after_long_help = format!("Examples:\n  neerc run\n  neerc run --config /etc/neerc/neerc.toml\n  neerc run --standby\n\n{EXIT_CODES}"))]
    Run(RunArgs),
    /// Keep the log of another machine's service here
    ///
    /// Starts the command, which joins this process to `neerc feed` on the machine that serves, and keeps what comes in the
    /// store of this machine's configuration. It begins again by itself when the connection ends. To have this machine serve,
    /// switch the other one off, end this and start `neerc run`; doc/second-machine.md says how.
    #[command(after_long_help = format!("Examples:\n  neerc follow -- ssh neerc@a.example.org neerc feed\n\n{EXIT_CODES}"))]
    Follow(FollowArgs),
    /// Feed the log of this machine's store to whoever follows
    ///
    /// Speaks by standard input and output; `neerc follow` on another machine starts it, by ssh for example. Also while no
    /// service uses the store.
    #[command(after_long_help = format!("Examples:\n  neerc feed --config /etc/neerc/neerc.toml\n\n{EXIT_CODES}"))]
    Feed(ConfigArgs),
    /// Show how the running service stands
    ///
    /// Asks the service that runs on this machine: its connection, rooms, people, tasks and clocks, the store, the last
    /// backup, and what was to be mended. With --json as one document, which doc/operations.md describes.
    #[command(after_long_help = format!("Examples:\n  neerc status\n  neerc status --json\n\n{EXIT_CODES}"))]
    Status(StatusArgs),
    /// Look at a store that is on several machines
    #[command(subcommand)]
    Standby(StandbyAsk),
    /// Have the running service take a changed configuration
    ///
    /// The service that runs on this machine reads its file again, and takes what changed as a whole or refuses it as a
    /// whole; no request is lost by it. Groups, limits, clocks, checklists, language and log level can be changed so; other
    /// keys need a restart. SIGHUP does the same.
    #[command(after_long_help = format!("Examples:\n  neerc reload\n  neerc reload --config /etc/neerc/neerc.toml\n\n{EXIT_CODES}"))]
    Reload(ConfigArgs),
    /// Try the configuration, and say what works and what to fix
    ///
    /// Reads the file and the environment as `run` does, opens the store, connects, joins the rooms and reads who is in
    /// them; then leaves again. A room that is missing is made, as `run` would; a store is not. While a neerc serves from
    /// the same store it is left alone, and nothing is connected to.
    #[command(after_long_help = format!("Examples:\n  neerc check\n  NEERC_ROOMS_JOIN=neerc,school neerc check --config test.toml\n\n{EXIT_CODES}"))]
    Check(ConfigArgs),
    /// Copy the store into one file, also while the service runs
    ///
    /// The copy is of one moment: every change answered before is in it. It is read from beginning to end before it gets
    /// its name, so what is there is whole. Replaces a file with --force only, and only a backup.
    #[command(after_long_help = format!("Examples:\n  neerc backup\n  neerc backup --force /var/backups/neerc.db\n\n{EXIT_CODES}"))]
    Backup(BackupArgs),
    /// Put a backup in the place of the store, or bring the store back to a moment
    ///
    /// Only while no service uses the store. The backup is read from beginning to end first, and the store that was in
    /// its place is kept under a name that is printed. With --at, what came after that moment is left out; the moment may be
    /// one that only archives hold. With --into, the store is left alone and another file is made.
    #[command(after_long_help = format!("Examples:\n  neerc restore /var/backups/neerc.db\n  neerc restore --at 14:32\n  neerc restore --at 2026-11-26T14:32:05 --into /tmp/then.db\n  neerc restore --at r12345 /var/backups/neerc.db\n\n{EXIT_CODES}"))]
    Restore(RestoreArgs),
    /// Move what is old out of the store into archives, also while the service runs
    ///
    /// The archives are compressed text in a folder beside the store. Each is read again and compared before the store lets
    /// go of what is in it. What a start needs stays. The service does this once a day by itself, unless store.keep_days is 0.
    #[command(after_long_help = format!("Examples:\n  neerc compact\n  neerc compact --keep-days 30\n\n{EXIT_CODES}"))]
    Compact(CompactArgs),
    /// Read archives, backups and stores from beginning to end, and say what is whole
    ///
    /// Without files: the store and all its archives. Checks every change, what the changes come to, and that nothing is
    /// missing between two files.
    #[command(after_long_help = format!("Examples:\n  neerc verify\n  neerc verify /var/backups/neerc.db /var/backups/archive/0000000001-0000250000.jsonl.gz\n\n{EXIT_CODES}"))]
    Verify(VerifyArgs),
    /// Print a link that opens the board in a browser as somebody
    ///
    /// Asks the service that runs on this machine. The link works once, within five minutes; whoever opens it acts in the
    /// name of that user of the room. Needs [web] listen.
    #[command(after_long_help = format!("Examples:\n  neerc login-link --room neerc --as admin\n\n{EXIT_CODES}"))]
    LoginLink(LoginLinkArgs),
    /// Print a new token for a program, or for the board on a wall
    ///
    /// Asks the service that runs on this machine. The token is printed once and not kept; in the chat, `tokens` lists those
    /// that are good and `revoke k1` turns one off, as --revoke does here. Needs [web] listen.
    #[command(after_long_help = format!("Examples:\n  neerc token --room neerc --write --as admin\n  neerc token --room neerc --display\n  neerc token --room neerc --revoke k1\n\n{EXIT_CODES}"))]
    Token(TokenArgs),
    /// List the tasks of a room
    ///
    /// Asks a service anywhere, by its address and a token that an admin made: `token read` in the chat, or `neerc token`.
    #[command(after_long_help = format!("Examples:\n  NEERC_TOKEN=... neerc tasks --url https://board.example.org --room neerc\n  neerc tasks --for hall1 --json --token-file token --room neerc\n\n{EXIT_CODES}"))]
    Tasks(TasksArgs),
    /// Make a task, and print its id
    ///
    /// Needs the token of an admin that is good for writing.
    #[command(after_long_help = format!("Examples:\n  neerc task Printers --for halls --kind okfail --room neerc\n\n{EXIT_CODES}"))]
    Task(TaskArgs),
    /// Answer a task
    ///
    /// In the name of the token's user; an admin's token may answer for anybody.
    #[command(after_long_help = format!("Examples:\n  neerc answer t17 fail jammed --for hall3 --room neerc\n\n{EXIT_CODES}"))]
    Answer(AnswerArgs),
    /// Show who has not answered what
    #[command(after_long_help = format!("Examples:\n  neerc late --room neerc\n\n{EXIT_CODES}"))]
    Late(LateArgs),
    /// Show the contest clock of a room, or set it
    #[command(after_long_help = format!("Examples:\n  neerc clock --room neerc\n  neerc clock start 10:30 --room neerc\n\n{EXIT_CODES}"))]
    Clock(ClockArgs),
    /// Show who did what when
    ///
    /// Reads the store, also while the service uses it. What is in archives is not shown; that there is some is said.
    #[command(after_long_help = format!("Examples:\n  neerc log --since 30m\n  neerc log --task t17 --since 10:00 --until 11:30\n  neerc log --by hall1 --follow\n\n{EXIT_CODES}"))]
    Log(super::history::LogArgs),
    /// Write what happened for other programs, or as a report
    ///
    /// As a table for spreadsheets, as JSON, or as a page that needs nothing else: who was waited for, how fast people were
    /// and what happened, for whoever talks about the contest afterwards. The board gives away the same page.
    #[command(after_long_help = format!("Examples:\n  neerc export -o contest.csv\n  neerc export --format jsonl --room neerc\n  neerc export --format html -o contest.html\n\n{EXIT_CODES}"))]
    Export(super::history::ExportArgs),
    /// Say who people are, and in which groups
    Groups(super::groups::GroupsArgs),
    /// Write a configuration, and print what to tell the XMPP server
    ///
    /// Writes a file with every key explained and a new random secret, then prints the lines to add to the server's
    /// configuration, and how people get their place in the room. Replaces a file with --force
    /// only, and only a configuration.
    #[command(after_long_help = format!("Examples:\n  neerc init\n  neerc init --server ejabberd --host example.org --admin you --config /etc/neerc.toml\n\n{EXIT_CODES}"))]
    Init(InitArgs),
    /// Try it out: a made-up contest on this computer
    ///
    /// Starts a private Prosody, which has to be installed, and the service; shows some people at work over XMPP, and
    /// stays up for you to join in, until Ctrl-C or SIGTERM. Needs no configuration. Listens on 127.0.0.1 only, and
    /// keeps nothing when it ends.
    #[command(after_long_help = format!("Examples:\n  neerc demo\n  neerc demo --port 8080\n\n{EXIT_CODES}"))]
    Demo(DemoArgs),
    /// Print what lets a shell complete the commands and options of neerc
    ///
    /// The package has it for bash, zsh and fish already.
    #[command(after_long_help = format!("Examples:\n  neerc completions bash\n\n{EXIT_CODES}"))]
    Completions(CompletionsArgs),
    /// Write the manual pages into a folder
    #[command(hide = true, after_long_help = format!("Examples:\n  neerc man target/man\n\n{EXIT_CODES}"))]
    Man(ManArgs),
}

/// Arguments of `run` and `check`, and of whatever needs the configuration.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The configuration file; without it, neerc.toml in this folder, or else /etc/neerc/neerc.toml
    #[arg(long, value_name = "FILE", default_value_os_t = present(), hide_default_value = true)]
    pub config: PathBuf,
}

/// The configuration that there is: of this folder, or of the system.
fn present() -> PathBuf {
    let system = Path::new(SYSTEM_CONFIG);
    let is_here = Path::new(CONFIG).symlink_metadata().is_ok();
    if !is_here && system.symlink_metadata().is_ok() { system.to_owned() } else { PathBuf::from(CONFIG) }
}

/// What can be asked of a store that is on several machines.
#[derive(Debug, Subcommand)]
pub enum StandbyAsk {
    /// Show who serves, who follows, and what a promotion would lose; to be run before one
    #[command(after_long_help = format!("Examples:\n  neerc standby status\n\n{EXIT_CODES}"))]
    Status(ConfigArgs),
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Stand by while another process uses the store
    #[arg(long)]
    pub standby: bool,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Arguments of `follow`.
#[derive(Debug, Args)]
pub struct FollowArgs {
    /// What joins this process to `neerc feed` on the other machine, with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<std::ffi::OsString>,
    /// Where the store of this machine is named.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
    /// Where the store is named.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file to write; without it, neerc-backup-REVISION.db in this folder
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
    /// Where the store is named.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// What `neerc backup` wrote; with --at, the store itself if it is not given
    #[arg(value_name = "FILE", required_unless_present = "at")]
    pub file: Option<PathBuf>,
    /// The moment: 14:32 (the last one that has been), 2026-11-26T14:32:05, or a revision like r12345
    #[arg(long, value_name = "MOMENT")]
    pub at: Option<String>,
    /// The new file to make, instead of one in the place of the store
    #[arg(long, value_name = "FILE", requires = "at")]
    pub into: Option<PathBuf>,
    /// Where the store is named.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Arguments of `compact`.
#[derive(Debug, Args)]
pub struct CompactArgs {
    /// How many days stay in the store; without it, store.keep_days of the configuration
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(..=36_500))]
    pub keep_days: Option<u32>,
    /// Where the store is named.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// What to read; without any, the store and its archives
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where the store is named.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Arguments of `login-link`.
#[derive(Debug, Args)]
pub struct LoginLinkArgs {
    /// The room
    #[arg(long, value_name = "ROOM")]
    pub room: String,
    /// The user of the room whom the link logs in
    #[arg(long = "as", value_name = "NAME")]
    pub name: String,
    /// Where the store is named.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Arguments of `token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// The room
    #[arg(long, value_name = "ROOM")]
    pub room: String,
    /// To do what its user may do, too; without it, to read only
    #[arg(long, conflicts_with = "display")]
    pub write: bool,
    /// For the board on a wall: prints its address
    #[arg(long)]
    pub display: bool,
    /// Turn this token off instead, for good
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["write", "display"])]
    pub revoke: Option<String>,
    /// The user in whose name; without it, whoever owns or administers the room, if that is one
    #[arg(long = "as", value_name = "NAME")]
    pub name: Option<String>,
    /// Where the store is named.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Whom to ask, and how to be let in.
#[derive(Debug, Args)]
pub struct ApiArgs {
    /// The address of the board
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// The room
    #[arg(long, value_name = "ROOM")]
    pub room: String,
    /// The file with the token; without it, the token is in NEERC_TOKEN
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Print what is answered as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tasks`.
#[derive(Debug, Args)]
pub struct TasksArgs {
    /// Only the tasks of this user
    #[arg(long = "for", value_name = "NAME")]
    pub name: Option<String>,
    /// Whom to ask.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Arguments of `task`.
#[derive(Debug, Args)]
pub struct TaskArgs {
    /// What to do
    #[arg(value_name = "TITLE")]
    pub title: String,
    /// What kind of answer it asks for: todo, todofail, confirm, okfail or question
    #[arg(long, value_name = "KIND", default_value = "todo")]
    pub kind: String,
    /// Users or groups, with commas between them; may be given several times
    #[arg(long = "for", value_name = "NAMES")]
    pub names: Vec<String>,
    /// By when it is to be answered: 20m, 10:45 or end-30
    #[arg(long, value_name = "WHEN")]
    pub deadline: Option<String>,
    /// Whom to ask.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Arguments of `answer`.
#[derive(Debug, Args)]
pub struct AnswerArgs {
    /// The task, such as t17
    #[arg(value_name = "TASK")]
    pub task: String,
    /// none, running, success, fail or acknowledged
    #[arg(value_name = "STATUS")]
    pub status: String,
    /// The reason, or the answer to a question
    #[arg(value_name = "TEXT")]
    pub value: Option<String>,
    /// The user whose answer it is; without it, the user of the token
    #[arg(long = "for", value_name = "NAME")]
    pub name: Option<String>,
    /// Whom to ask.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Arguments of `late`.
#[derive(Debug, Args)]
pub struct LateArgs {
    /// Whom to ask.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Arguments of `clock`.
#[derive(Debug, Args)]
pub struct ClockArgs {
    /// start, pause, resume, set, length, over, restart or follow
    #[arg(value_name = "ACT")]
    pub act: Option<String>,
    /// The time of `start`, `set` or `length`: 10:30, 1:23:00
    #[arg(value_name = "TIME")]
    pub time: Option<String>,
    /// Whom to ask.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The configuration file to write
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub config: PathBuf,
    /// The XMPP server to print lines for; without it, for each
    #[arg(long, value_enum)]
    pub server: Option<ServerKind>,
    /// The domain of the users; the service becomes neerc.DOMAIN
    #[arg(long, value_name = "DOMAIN", default_value = "localhost")]
    pub host: String,
    /// An account that becomes an owner of the room if nobody has power in it; may be given several times
    #[arg(long, value_name = "JID")]
    pub admin: Vec<String>,
    /// Write the lines for the server into this file, instead of printing them; for servers that read such files
    #[arg(long, value_name = "FILE", requires = "server")]
    pub lines: Option<PathBuf>,
    /// Replace the file if it exists, and its secret with it
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The port for clients; without it, 5222 if that is free, else any free one
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Where to; it is made if it is missing
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// How the program ends; clap ends with `Usage` by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Fine.
    Fine,
    /// Failed while running.
    Failure,
    /// Wrong usage or configuration.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        match exit {
            Exit::Fine => ExitCode::from(0),
            Exit::Failure => ExitCode::from(1),
            Exit::Usage => ExitCode::from(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<CliCommand, clap::Error> {
        Cli::try_parse_from(line.split(' ')).map(|cli| cli.command)
    }

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_line_of_the_examples_parses() {
        let mut lines = 0;
        let mut command = Cli::command();
        let mut texts = vec![command.render_long_help().to_string()];
        texts.extend(command.get_subcommands_mut().map(|sub| sub.render_long_help().to_string()));
        for text in texts {
            for line in text.lines().filter_map(|line| line.strip_prefix("  ")) {
                let words: Vec<&str> = line.split(' ').skip_while(|word| word.starts_with("NEERC_")).collect();
                if words.first() == Some(&"neerc") {
                    assert!(Cli::try_parse_from(&words).is_ok(), "{line}");
                    lines += 1;
                }
            }
        }
        assert_eq!(lines, 50);
    }

    #[test]
    fn defaults() {
        let Ok(CliCommand::Run(run)) = parse("neerc run") else { panic!("run") };
        assert_eq!((run.config.config, run.standby), (present(), false));
        let Ok(CliCommand::Init(init)) = parse("neerc init") else { panic!("init") };
        assert_eq!((init.host.as_str(), init.server, init.force), ("localhost", None, false));
        let Ok(CliCommand::Init(init)) = parse("neerc init --server openfire --force") else { panic!("init") };
        assert_eq!((init.server, init.force), (Some(ServerKind::Openfire), true));
        let Ok(CliCommand::Demo(demo)) = parse("neerc demo") else { panic!("demo") };
        assert_eq!(demo.port, None);
    }

    #[test]
    fn wrong_usage_ends_with_2() {
        for line in [
            "neerc",
            "neerc walk",
            "neerc run --conf x",
            "neerc init --server jabberd",
            "neerc init --lines lines",
            "neerc demo --port 0",
            "neerc login-link --room neerc",
            "neerc token --as admin",
            "neerc restore",
            "neerc follow",
            "neerc follow ssh a neerc feed",
            "neerc restore --into a.db b.db",
            "neerc compact --keep-days -1",
            "neerc token --room neerc --write --display",
        ] {
            assert_eq!(parse(line).map(|_| ()).map_err(|error| error.exit_code()), Err(2), "{line}");
        }
    }

    #[test]
    fn help_and_version_end_with_0_and_help_tells_the_exit_codes() {
        for line in [
            "neerc --version",
            "neerc --help",
            "neerc run --help",
            "neerc check --help",
            "neerc follow --help",
            "neerc feed --help",
            "neerc backup --help",
            "neerc restore --help",
            "neerc compact --help",
            "neerc verify --help",
            "neerc init --help",
            "neerc tasks --help",
            "neerc task --help",
            "neerc answer --help",
            "neerc late --help",
            "neerc clock --help",
            "neerc demo --help",
            "neerc login-link --help",
            "neerc token --help",
            "neerc completions --help",
            "neerc man --help",
        ] {
            let error = parse(line).map(|_| ()).unwrap_err();
            assert_eq!(error.exit_code(), 0, "{line}");
            let text = error.to_string();
            assert_eq!(
                text.contains("Exit codes:") && text.contains("Examples:"),
                !line.ends_with("version"),
                "{line}"
            );
        }
    }
}
