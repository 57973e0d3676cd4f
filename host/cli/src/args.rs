//! The command line's top: options for every verb, and the verbs.

use crate::verbs::Verb;
use clap::Parser;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  failed
  2  the command line was not understood
  3  there is no such home, task, release, member or file
  4  refused by a check: a bad component, a bad input, a contradiction
  5  another process has the home
  6  the task was blocked, failed or was taken back (`run`, `task submit --wait`)
  7  a verification found a difference
  8  a release waits: for consent, or for the end of its delay

Environment:
  WEFT_HOME  the home, where --home does not say it
  WEFT_LOG   what the log on stderr holds, such as `info` or `weft_node=debug`
  WEFT_LOG_FORMAT  `json`: a log line is an object; else it is text
  NO_COLOR   any value: no colour
  MESH_*     settings of the node; `weft status` shows each, its value and its source

Start:
  weft init --user alice@example.com
  weft energy set --type solar --percent 95
  weft task submit --name log-digest --input /var/log/syslog --wait
  weft why TASK";

/// A community's rules and compute as signed components that are swapped while they run.
#[derive(Debug, Parser)]
#[command(name = "weft", version, after_help = AFTER_HELP, propagate_version = true, arg_required_else_help = true,
    max_term_width = 80)]
pub struct Cli {
    /// The node's folder; its database is DIR/weft.db [default: ~/.weft]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "WEFT_HOME",
        hide_env = true
    )]
    pub home: Option<PathBuf>,

    /// Print JSON; an error is then {"error": {"code", "message", "remedy"}}, on stdout too
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_has_help_with_an_example() {
        fn check(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands() {
                let path = format!("{path} {}", sub.get_name());
                assert!(sub.get_about().is_some(), "`{path}` has no help");
                if sub.has_subcommands() {
                    check(sub, &path);
                    continue;
                }
                let after = sub
                    .get_after_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(after.contains(&path), "`{path}` has no example");
            }
        }
        check(&Cli::command(), "weft");
    }
}
