//! Where a passphrase comes from: a file, the environment, or a person at the terminal. Never the command line, which
//! other users of the machine can see.

use crate::ctx::Ctx;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use weft_api::{ApiError, Passphrase, Request, Response};

/// Name of the environment's passphrase.
const ENVIRONMENT: &str = "WEFT_PASSPHRASE";
/// Longest passphrase file, in bytes.
const FILE_BYTES: u64 = 4_096;

/// Where a verb's passphrase comes from.
#[derive(Debug, clap::Args)]
pub struct Source {
    /// Read the key's passphrase from the first line of this file [default: WEFT_PASSPHRASE, else the terminal]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Source {
    /// The passphrase of the file or the environment.
    ///
    /// # Errors
    /// When the file can't be read, or there is nothing in it.
    pub fn given(&self) -> Result<Option<Passphrase>, ApiError> {
        let text = match &self.passphrase_file {
            Some(path) => {
                let io = |e: std::io::Error| {
                    ApiError::new("io", format!("`{}`: {e}", path.display()), "")
                };
                let mut text = String::new();
                let file = File::open(path).map_err(io)?;
                file.take(FILE_BYTES)
                    .read_to_string(&mut text)
                    .map_err(io)?;
                text.lines().next().unwrap_or_default().to_owned()
            }
            None => match std::env::var(ENVIRONMENT) {
                Ok(text) => text,
                Err(_) => return Ok(None),
            },
        };
        Ok(Some(Passphrase::new(text)?))
    }

    /// Asks a node; where it needs a passphrase that was not given, asks the person at the terminal, and the node
    /// again.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn ask(
        &self,
        ctx: &Ctx,
        request: impl Fn(Option<Passphrase>) -> Request,
    ) -> Result<Response, ApiError> {
        let given = self.given()?;
        let asked = given.is_some();
        match ctx.ask(request(given)) {
            Err(e) if e.code == "passphrase" && !asked && std::io::stdin().is_terminal() => {
                ctx.ask(request(Some(prompt("passphrase: ")?)))
            }
            answer => answer,
        }
    }

    /// A new passphrase, for a key to be encrypted with: the one given, or one typed twice.
    ///
    /// # Errors
    /// When none is given and there is no terminal, or the two differ.
    pub fn new_passphrase(&self) -> Result<Passphrase, ApiError> {
        if let Some(given) = self.given()? {
            return Ok(given);
        }
        if !std::io::stdin().is_terminal() {
            return Err(ApiError::new(
                "passphrase",
                "there is no terminal to type a passphrase at",
                "give it by `--passphrase-file FILE` or WEFT_PASSPHRASE",
            ));
        }
        let first = prompt("new passphrase: ")?;
        if prompt("the same again: ")? != first {
            return Err(ApiError::new(
                "invalid",
                "the two passphrases differ, and nothing was made",
                "try again",
            ));
        }
        Ok(first)
    }
}

fn prompt(text: &str) -> Result<Passphrase, ApiError> {
    let typed = rpassword::prompt_password(text)
        .map_err(|e| ApiError::new("io", format!("the terminal: {e}"), ""))?;
    Ok(Passphrase::new(typed)?)
}
