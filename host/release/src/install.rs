//! How a release comes into a home: a state machine whose every step is written down before the next one begins.
//!
//! ```text
//! fetched -> verified -> compiled -> tested -> (waiting for consent) -> (cooling) -> done
//!        \____________\____________\__________\_______________________\__________-> refused
//! ```
//!
//! [`Install::effect`] says what is to be done now, [`Install::step`] what follows from how it went. Each effect can be
//! done again from the start, so an install that was cut off anywhere goes on from the state that was written last.
//! What serves meanwhile is not its concern: nothing is replaced before [`Effect::Activate`].
//!
//! [`check`] is the judgment on a release that carries no bytes yet: is it what was asked for, is it new, is it in time.
//! Whom to trust is [`crate::trust`]'s.

use crate::envelope::Opened;
use crate::kind::Kind;
use crate::record::Release;
use crate::text::shown;
use serde::{Deserialize, Serialize};
use std::fmt;
use weft_model::{Cid, Did, Instant};

/// Where an install is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its bytes are here.
    Fetched,
    /// Its signatures, its place in its publisher's series and its bytes were checked.
    Verified,
    /// Its native code is in the cache.
    Compiled,
    /// It gave the recorded answers.
    Tested,
    /// It wants more than what serves, and nobody has agreed yet.
    Waiting,
    /// It came by itself, and its delay is not over.
    Cooling,
    /// It serves, or may be put into service.
    Done,
    /// It was refused; nothing of it is left but this note.
    Refused,
}

impl State {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::Fetched,
        Self::Verified,
        Self::Compiled,
        Self::Tested,
        Self::Waiting,
        Self::Cooling,
        Self::Done,
        Self::Refused,
    ];

    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::Verified => "verified",
            Self::Compiled => "compiled",
            Self::Tested => "tested",
            Self::Waiting => "waiting",
            Self::Cooling => "cooling",
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }

    /// Whether nothing follows any more.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Refused)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Who wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// A person at the keyboard: no delay.
    Person,
    /// It came by itself, as an update of what serves.
    Update,
}

impl Cause {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Update => "update",
        }
    }

    /// The cause of a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Person, Self::Update]
            .into_iter()
            .find(|c| c.word() == word)
    }
}

/// One install, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// Where it is.
    pub state: State,
    /// Who wants it.
    pub cause: Cause,
    /// What it wants more than what it replaces, in words. Empty: nothing.
    pub growth: Vec<String>,
    /// Whether a person agreed to that.
    pub consented: bool,
    /// It does not serve before. None: at once.
    pub not_before: Option<Instant>,
    /// Why it is where it is; empty when the state says it.
    pub reason: String,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Check signatures, trust, series and bytes.
    Verify,
    /// Compile within time and memory, from the bytes that were hashed.
    Compile,
    /// Run the golden vectors.
    Test,
    /// Ask a person.
    Ask,
    /// Look again then.
    Sleep(Instant),
    /// Put it into service.
    Activate,
}

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The effect was done. [`Effect::Verify`] brings what the release wants more, and until when it has to wait.
    Passed,
    /// Verified; it wants this more than what it replaces, and does not serve before that moment.
    Verified {
        /// In words.
        growth: Vec<String>,
        /// None: at once.
        not_before: Option<Instant>,
    },
    /// A check failed, or a person said no.
    Refused(String),
    /// A person agreed, and thereby also to its serving at once.
    Consented,
    /// Time went by.
    Tick,
}

impl Install {
    /// A new one, whose bytes are here.
    pub fn new(cause: Cause) -> Self {
        Self {
            state: State::Fetched,
            cause,
            growth: Vec::new(),
            consented: false,
            not_before: None,
            reason: String::new(),
        }
    }

    /// What is to be done now; none at the end.
    pub fn effect(&self, now: Instant) -> Option<Effect> {
        Some(match self.state {
            State::Fetched => Effect::Verify,
            State::Verified => Effect::Compile,
            State::Compiled => Effect::Test,
            State::Tested | State::Waiting | State::Cooling => {
                if !self.growth.is_empty() && !self.consented {
                    Effect::Ask
                } else {
                    match self.not_before {
                        Some(at) if now < at => Effect::Sleep(at),
                        _ => Effect::Activate,
                    }
                }
            }
            State::Done | State::Refused => return None,
        })
    }

    /// What follows. An input that does not belong to the state changes nothing.
    #[must_use]
    pub fn step(mut self, now: Instant, input: Input) -> Self {
        if self.state.is_end() {
            return self;
        }
        match (self.state, input) {
            (_, Input::Refused(why)) => {
                self.state = State::Refused;
                self.reason = why;
            }
            (_, Input::Consented) => {
                self.consented = true;
                self.not_before = None;
                self.settle(now);
            }
            (State::Fetched, Input::Verified { growth, not_before }) => {
                self.state = State::Verified;
                self.growth = growth;
                if !self.consented {
                    self.not_before = not_before;
                }
            }
            (State::Verified, Input::Passed) => self.state = State::Compiled,
            (State::Compiled, Input::Passed) => {
                self.state = State::Tested;
                self.settle(now);
            }
            (State::Tested | State::Waiting | State::Cooling, Input::Passed)
                if self.effect(now) == Some(Effect::Activate) =>
            {
                self.state = State::Done;
                self.reason.clear();
            }
            (_, Input::Tick) => self.settle(now),
            _ => {}
        }
        self
    }

    /// Where an install that passed every check stands: at a person, at a moment, or ready.
    fn settle(&mut self, now: Instant) {
        let (state, reason) = match self.effect(now) {
            Some(Effect::Ask) => (State::Waiting, self.growth.join("; ")),
            Some(Effect::Sleep(_)) => (
                State::Cooling,
                "an update that came by itself waits before it serves".to_owned(),
            ),
            Some(Effect::Activate) => (State::Tested, String::new()),
            _ => return,
        };
        self.state = state;
        self.reason = reason;
    }
}

/// What somebody asked for, as far as they said it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// This very release.
    pub release: Option<Cid>,
    /// A release of this name.
    pub name: Option<String>,
    /// By this publisher.
    pub publisher: Option<Did>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of this revision.
    pub revision: Option<u64>,
    /// Also one that is older than what was accepted, if it was accepted itself: whoever asks names it and what it is
    /// to serve.
    pub going_back: bool,
}

/// What a home knows of a (publisher, name).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The highest revision accepted, and which release it was.
    pub high: Option<(u64, Cid)>,
    /// Whether the very release was accepted before.
    pub installed: bool,
    /// The release known under the same revision, by whatever way.
    pub same_revision: Option<Cid>,
}

/// Why a release is refused, with a code that does not change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Other bytes than those named.
    #[error("`{found}` is not the release `{asked}` that was asked for")]
    OtherRelease {
        /// The CID asked for.
        asked: Box<Cid>,
        /// The CID found.
        found: Box<Cid>,
    },
    /// Another name, publisher, kind or slot.
    #[error("the release is {found}, asked for was {asked}")]
    WrongSoftware {
        /// What was asked for.
        asked: String,
        /// What was found.
        found: String,
    },
    /// An older one than what was accepted before.
    #[error(
        "revision {found} of `{name}` is not above {high}, the highest that this home has accepted: an older release, genuine as it may be, can bring back a hole"
    )]
    Rollback {
        /// The release's name.
        name: String,
        /// Its revision.
        found: u64,
        /// The highest.
        high: u64,
    },
    /// The publisher signed two releases with one revision.
    #[error(
        "`{name}` has two releases of revision {revision}, `{first}` and `{second}`, both signed by its publisher"
    )]
    Equivocation {
        /// The release's name.
        name: String,
        /// The revision used twice.
        revision: u64,
        /// The one known.
        first: Box<Cid>,
        /// The one offered.
        second: Box<Cid>,
    },
    /// It is over.
    #[error("the release expired at {at} ms (UTC); what it knows may be out of date")]
    Expired {
        /// When.
        at: Instant,
    },
}

impl Refusal {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherRelease { .. } => "other-release",
            Self::WrongSoftware { .. } => "wrong-software",
            Self::Rollback { .. } => "rollback",
            Self::Equivocation { .. } => "equivocation",
            Self::Expired { .. } => "expired",
        }
    }

    /// What to do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::OtherRelease { .. } => "fetch it again from another source",
            Self::WrongSoftware { .. } => "ask for it by its own name and kind, or by its CID",
            Self::Rollback { .. } => {
                "to go back to a version that served here, use `weft rollback TARGET`; else ask its publisher for a new revision"
            }
            Self::Equivocation { .. } => {
                "install neither; show the proof to its publisher, who has lost control of the key or of the numbers"
            }
            Self::Expired { .. } => "ask its publisher for a newer release",
        }
    }
}

/// Checks that a release is what was asked for, and that its place in its publisher's series is right.
///
/// # Errors
/// The first [`Refusal`].
pub fn check(opened: &Opened, asked: &Asked, known: &Known, now: Instant) -> Result<(), Refusal> {
    let release = &opened.release;
    if let Some(cid) = asked.release
        && cid != opened.cid
    {
        return Err(Refusal::OtherRelease {
            asked: cid.into(),
            found: opened.cid.into(),
        });
    }
    is_asked_for(release, asked)?;
    if release.is_expired(now) {
        return Err(Refusal::Expired {
            at: release.expires.unwrap_or(now),
        });
    }
    if known.installed && asked.going_back {
        return Ok(());
    }
    let other = known.same_revision.or(match known.high {
        Some((revision, cid)) if revision == release.revision => Some(cid),
        _ => None,
    });
    if let Some(first) = other.filter(|first| *first != opened.cid && !known.installed) {
        return Err(Refusal::Equivocation {
            name: release.name.clone(),
            revision: release.revision,
            first: first.into(),
            second: opened.cid.into(),
        });
    }
    match known.high {
        Some((high, _)) if release.revision < high => Err(Refusal::Rollback {
            name: release.name.clone(),
            found: release.revision,
            high,
        }),
        _ => Ok(()),
    }
}

/// Checks that a release has the name, publisher and kind that somebody asked for.
///
/// # Errors
/// [`Refusal::WrongSoftware`].
pub fn is_asked_for(release: &Release, asked: &Asked) -> Result<(), Refusal> {
    let wrong = |asked: String, found: String| Err(Refusal::WrongSoftware { asked, found });
    if let Some(name) = &asked.name
        && *name != release.name
    {
        return wrong(
            format!("`{}`", shown(name, 80)),
            format!("`{}`", release.name),
        );
    }
    if let Some(publisher) = asked.publisher
        && publisher != release.publisher
    {
        return wrong(
            format!("one by `{publisher}`"),
            format!("by `{}`", release.publisher),
        );
    }
    if let Some(revision) = asked.revision
        && revision != release.revision
    {
        return wrong(
            format!("revision {revision} of `{}`", release.name),
            format!("its revision {}", release.revision),
        );
    }
    if let Some(kind) = asked.kind {
        match release.kind() {
            Ok(found) if found == kind => {}
            Ok(found) => return wrong(format!("a {kind}"), format!("a {found}")),
            Err(e) => return wrong(format!("a {kind}"), e.to_string()),
        }
    }
    Ok(())
}
