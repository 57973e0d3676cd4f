//! The `weft` binary: reads the command line, asks the node, shows what it answers.
//!
//! A verb is a clap struct and a `run` in `verbs/`; text comes from `render/`, `--json` from the same value. There
//! are no rules here: whatever is judged is judged by the node and its plugins.

mod args;
mod ctx;
mod demo;
mod exit;
mod parse;
mod passphrase;
mod render;
mod verbs;

use args::Cli;
use clap::Parser;
use ctx::Ctx;
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use weft_api::ApiError;

/// Says what the log holds, such as `info` or `weft_node=debug`.
const LOG_VARIABLE: &str = "WEFT_LOG";
/// Says how its lines look: `text` or `json`.
const FORMAT_VARIABLE: &str = "WEFT_LOG_FORMAT";

fn main() -> ExitCode {
    // Before anything else is read or opened: a worker has limits, no home and no environment.
    let mut args = std::env::args_os().skip(1);
    if args
        .next()
        .is_some_and(|verb| verb == weft_api::COMPILE_WORKER)
    {
        let target = args.next().unwrap_or_default();
        return weft_api::compile_worker(&target.to_string_lossy()).into();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return exit::usage(&e, std::env::args_os().any(|a| a == "--json")).into(),
    };
    let logs = log_to_stderr(cli.verb.log_level());
    let ctx = logs.and_then(|()| Ctx::new(cli.home, cli.json));
    let done = ctx.and_then(|ctx| cli.verb.run(&ctx));
    match done {
        Ok(exit) => exit.into(),
        Err(error) => exit::failure(&error, cli.json).into(),
    }
}

/// Log lines go to stderr, so that stdout holds the answer alone.
fn log_to_stderr(default: &str) -> Result<(), ApiError> {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour);
    match std::env::var(FORMAT_VARIABLE).as_deref() {
        Err(_) | Ok("" | "text") => log.init(),
        Ok("json") => log.json().flatten_event(true).init(),
        Ok(other) => {
            return Err(ApiError::new(
                "invalid",
                format!("{FORMAT_VARIABLE} is `{other}`; it is `text` or `json`"),
                "",
            ));
        }
    }
    Ok(())
}
