//! A reading from a JSON document that a device nearby or a service gives over HTTP.
//!
//! `URL` alone: the document is a reading. `URL KEY=POINTER …`: each key is where its JSON pointer (RFC 6901) says;
//! `type` may also be a word. No proxy of the environment is used.

use super::limits::{REDIRECTS, RESPONSE_BYTES, RESPONSE_DEADLINE};
use super::reading::{KEYS, Reading};
use serde_json::{Map, Value};
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use weft_model::text::printable;

/// Where a document is, and where in it the figures are.
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    url: String,
    picks: Vec<(&'static str, Pick)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Pick {
    Pointer(String),
    Word(String),
}

impl Http {
    /// Reads what the setting says after `http:`.
    ///
    /// # Errors
    /// Names the part that makes no sense.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let url = words.next().unwrap_or_default();
        let uri = url.parse::<Uri>().ok();
        let fits = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
        });
        if !fits {
            return Err(format!(
                "`{}` is no URL that begins with http:// or https://",
                printable(url, 80)
            ));
        }
        let mut picks: Vec<(&'static str, Pick)> = Vec::new();
        for word in words {
            let (key, pick) = pick(word)?;
            if picks.iter().any(|(known, _)| *known == key) {
                return Err(format!("`{key}` is there twice"));
            }
            picks.push((key, pick));
        }
        Ok(Self {
            url: url.to_owned(),
            picks,
        })
    }

    /// Whom it asks.
    pub fn host(&self) -> String {
        let uri = self.url.parse::<Uri>().ok();
        uri.and_then(|uri| uri.host().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Fetches the document and picks the figures.
    ///
    /// # Errors
    /// When it can't be fetched, is too large or too slow, is no JSON, or says nothing where a pointer leads.
    pub fn read(&self) -> Result<Reading, String> {
        let body = self.fetch().map_err(|e| match e {
            ureq::Error::BodyExceedsLimit(_) => {
                format!("the answer is longer than {RESPONSE_BYTES} bytes")
            }
            ureq::Error::Timeout(_) => {
                format!(
                    "the answer took longer than {} s",
                    RESPONSE_DEADLINE.as_secs()
                )
            }
            e => e.to_string(),
        })?;
        if self.picks.is_empty() {
            return Reading::of_json(&body);
        }
        let document: Value =
            serde_json::from_slice(&body).map_err(|e| format!("it is no JSON: {e}"))?;
        let mut picked = Map::new();
        for (key, pick) in &self.picks {
            let value = match pick {
                Pick::Word(word) => Value::from(word.as_str()),
                Pick::Pointer(pointer) => document.pointer(pointer).cloned().ok_or_else(|| {
                    format!("`{key}`: there is nothing at `{pointer}` in the answer")
                })?,
            };
            picked.insert((*key).to_owned(), value);
        }
        Reading::of(&picked)
    }

    fn fetch(&self) -> Result<Vec<u8>, ureq::Error> {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let agent: Agent = Agent::config_builder()
            .timeout_global(Some(RESPONSE_DEADLINE))
            .max_redirects(REDIRECTS)
            .proxy(None)
            .tls_config(tls)
            .user_agent("weft")
            .accept("application/json")
            .build()
            .into();
        let mut response = agent.get(&self.url).call()?;
        response
            .body_mut()
            .with_config()
            .limit(RESPONSE_BYTES)
            .read_to_vec()
    }
}

fn pick(word: &str) -> Result<(&'static str, Pick), String> {
    let shown = printable(word, 80);
    let (key, place) = word
        .split_once('=')
        .ok_or_else(|| format!("`{shown}` is no KEY=POINTER"))?;
    let key = KEYS
        .iter()
        .find(|known| **known == key)
        .ok_or_else(|| format!("`{shown}`: the keys are {}", KEYS.join(", ")))?;
    if place.starts_with('/') {
        return Ok((key, Pick::Pointer(place.to_owned())));
    }
    if *key == "type" && crate::settings::source_of(place).is_some() {
        return Ok((key, Pick::Word(place.to_owned())));
    }
    Err(format!(
        "`{shown}`: a JSON pointer begins with `/`, as in `percent_clean=/data/renewable`"
    ))
}
