//! `neerc completions` and `neerc man`: what packages bring along for shells and for `man`, from the definition of the
//! command line and the keys of the configuration, so neither is written twice. The same bytes each time.

use super::args::{Cli, CompletionsArgs, ManArgs};
use super::{Outcome, failure, init, out};
use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::{Man, roff};
use std::fs;
use std::io;
use std::path::Path;

const VERSION: &str = concat!("neerc ", env!("CARGO_PKG_VERSION"));

/// Prints what a shell asks to complete a line.
pub fn completions(args: &CompletionsArgs) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "neerc", &mut text);
    out::text(&String::from_utf8_lossy(&text))
}

/// Writes a page for the program, one for each command, and one for the configuration.
pub fn write(args: &ManArgs) -> Outcome {
    let folder = &args.folder;
    pages(folder).with_context(|| format!("cannot write to {}", folder.display())).map_err(failure)
}

fn pages(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    let commands: Vec<Command> = cli.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    for command in commands {
        let name = format!("neerc-{}", command.get_name());
        // The way to write it stays `neerc run`; the page is called as `man` looks for it.
        fs::write(folder.join(format!("{name}.1")), page(command.display_name(&name))?)?;
    }
    fs::write(folder.join("neerc.1"), page(cli)?)?;
    fs::write(folder.join("neerc.toml.5"), configuration()?)
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    Man::new(command).title(name.to_uppercase()).source(VERSION).render(&mut page)?;
    // What stands after the options has no heading of its own in the definition, and this one here.
    Ok(String::from_utf8_lossy(&page).replace(".SH EXTRA", ".SH EXAMPLES AND EXIT CODES").into_bytes())
}

/// The page of the configuration: the file that `neerc init` writes, in which every key is explained.
fn configuration() -> io::Result<Vec<u8>> {
    let mut page = roff::Roff::new();
    page.control("TH", ["NEERC.TOML", "5", "", VERSION]);
    page.control("SH", ["NAME"]).text([roff::roman("neerc.toml - the configuration of neerc")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([roff::roman(
        "neerc reads neerc.toml in the folder it is started in, or else /etc/neerc/neerc.toml; --config names another. \
         What follows is what neerc init writes, which explains every key. neerc check says what a file lacks.",
    )]);
    page.control("PP", []).control("nf", []);
    for line in init::sample().lines() {
        page.text([roff::roman(line)]);
    }
    page.control("fi", []).control("SH", ["SEE ALSO"]);
    page.text([roff::bold("neerc"), roff::roman("(1)")]);
    let mut bytes = Vec::new();
    page.to_writer(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap_complete::Shell;
    use tempfile::TempDir;

    #[test]
    fn there_is_a_page_for_each_command_that_people_see_and_one_for_every_key() {
        let folder = TempDir::new().unwrap();
        pages(folder.path()).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(read("neerc.1").contains("neerc\\-login\\-link(1)"));
        assert!(read("neerc-login-link.1").contains(".TH NEERC-LOGIN-LINK 1"));
        assert!(!folder.path().join("neerc-man.1").exists());
        let keys = read("neerc.toml.5").replace("\\-", "-");
        assert!(crate::config::variables().all(|name| keys.contains(name)), "{keys}");
    }

    #[test]
    fn every_shell_is_told_of_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "neerc", &mut text);
            assert!(String::from_utf8_lossy(&text).contains("login-link"), "{shell}");
        }
    }
}
