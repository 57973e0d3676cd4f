//! A model to talk with: a directory as Hugging Face has it (Llama, SmolLM2, Qwen2), or one GGUF file.

use crate::error::ModelError;
use crate::files;
use crate::gguf::Gguf;
use crate::limits::STOPS;
use crate::llama::Llama;
use crate::sampler::{Sampler, Sampling};
use crate::template::{Template, Turn};
use crate::vocabulary::Vocabulary;
use std::path::Path;

/// A loaded model.
pub struct Talker {
    llama: Llama,
    vocabulary: Vocabulary,
    template: Template,
}

/// How an answer is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Manner {
    /// Which token comes next.
    pub sampling: Sampling,
    /// Tokens of the answer at most.
    pub max_tokens: usize,
    /// Texts that end the answer, and are not part of it.
    pub stop: Vec<String>,
    /// Whether the oldest turns are left out where a conversation leaves less than a quarter of the context.
    pub forget: bool,
}

/// Why an answer is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The model said so, or one of the texts that end it came.
    Stop,
    /// It has as many tokens as it may have, or the context is full.
    Length,
    /// Who listens wants no more.
    Cancelled,
}

/// What an answer took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the conversation.
    pub prompt_tokens: usize,
    /// Tokens that were made.
    pub answer_tokens: usize,
    /// Oldest turns that were left out.
    pub forgotten_turns: usize,
    /// Why it is over.
    pub end: End,
}

impl Talker {
    /// Loads the model in a directory.
    ///
    /// # Errors
    /// Which file is missing, damaged or of a kind that is not known.
    pub fn load(dir: &Path) -> Result<Self, ModelError> {
        if let Some(name) = files::only(dir, "gguf")? {
            let gguf = Gguf::open(dir, &name)?;
            let template = Template::of_gguf(&gguf)?;
            return Ok(Self {
                vocabulary: Vocabulary::of_gguf(&gguf, template.end())?,
                template,
                llama: Llama::of_gguf(gguf)?,
            });
        }
        let template = Template::load(dir)?;
        Ok(Self {
            vocabulary: Vocabulary::load(dir, template.end())?,
            template,
            llama: Llama::load(dir)?,
        })
    }

    /// Adds a skill as PEFT writes it, `weight` times: the bytes of `adapter_config.json` and of
    /// `adapter_model.safetensors`.
    ///
    /// # Errors
    /// When it is damaged, of a kind that is not known, or for a model of another shape. Nothing is added then.
    pub fn add_skill(
        &mut self,
        config: &[u8],
        weights: Vec<u8>,
        weight: f32,
    ) -> Result<(), ModelError> {
        self.llama.add_skill(config, weights, weight)
    }

    /// Tokens that it reads at most, answer included.
    pub fn context(&self) -> usize {
        self.llama.shape().context
    }

    /// Tokens that it knows.
    pub fn vocabulary(&self) -> usize {
        self.llama.shape().vocabulary
    }

    /// The tokens of a conversation, up to where the answer begins.
    ///
    /// # Errors
    /// What the model's template refuses.
    pub fn prompt(&self, turns: &[Turn]) -> Result<Vec<u32>, ModelError> {
        self.vocabulary.encode(&self.template.render(turns)?)
    }

    /// The tokens of a text as it stands.
    ///
    /// # Errors
    /// When the tokenizer refuses it.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        self.vocabulary.encode(text)
    }

    /// The scores of all tokens after each of these: rows of [`Self::vocabulary`] values.
    ///
    /// # Errors
    /// When there are more than the context, or the vocabulary lacks one.
    pub fn scores(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.llama
            .read_all(&mut self.llama.begin(ids.len(), 0), ids)
    }

    /// Answers a conversation. `piece` is given the answer as it is made, in whole characters, and says whether to go on.
    ///
    /// # Errors
    /// When the conversation has no place in the context, a setting is out of its range, or the weights are damaged.
    pub fn answer(
        &self,
        turns: &[Turn],
        manner: &Manner,
        mut piece: impl FnMut(&str) -> bool,
    ) -> Result<Usage, ModelError> {
        manner.sampling.check()?;
        if manner.stop.len() > STOPS || manner.stop.iter().any(String::is_empty) {
            let why = format!("at most {STOPS} texts end an answer, none of them empty");
            return Err(ModelError::BadInput(why));
        }
        let (prompt, forgotten_turns) = match manner.forget {
            true => self.shortened(turns)?,
            false => (self.prompt(turns)?, 0),
        };
        let left = self.context().saturating_sub(prompt.len());
        if prompt.is_empty() || left == 0 {
            return Err(ModelError::TooLong(format!(
                "the conversation has {} tokens; the model reads {}, its answer included",
                prompt.len(),
                self.context()
            )));
        }
        let mut usage = Usage {
            prompt_tokens: prompt.len(),
            answer_tokens: 0,
            forgotten_turns,
            end: End::Length,
        };
        let most = manner.max_tokens.min(left);
        if most == 0 {
            return Ok(usage);
        }
        let mut memory = self.llama.begin(prompt.len(), most);
        let mut sampler = Sampler::new(manner.sampling.clone(), &prompt);
        let mut texts = self.vocabulary.texts();
        let mut held = Held::new(&manner.stop);
        let mut scores = self.llama.read(&mut memory, &prompt)?;
        loop {
            let id = sampler.choose(&mut scores)?;
            usage.answer_tokens += 1;
            if self.vocabulary.ends(id) {
                usage.end = End::Stop;
                break;
            }
            if let Some(text) = texts(id)? {
                let (free, stopped) = held.push(&text);
                if !free.is_empty() && !piece(&free) {
                    usage.end = End::Cancelled;
                    return Ok(usage);
                }
                if stopped {
                    usage.end = End::Stop;
                    return Ok(usage);
                }
            }
            if usage.answer_tokens == most {
                break;
            }
            scores = self.llama.read(&mut memory, &[id])?;
        }
        let rest = held.rest();
        if !rest.is_empty() {
            piece(&rest);
        }
        Ok(usage)
    }
}

impl Talker {
    /// The tokens of a conversation without its oldest turns, where all of them leave too little, and how many those are.
    /// What is left begins with what a user says, since some templates refuse anything else.
    fn shortened(&self, turns: &[Turn]) -> Result<(Vec<u32>, usize), ModelError> {
        let most = self.context() * 3 / 4;
        let whole = self.prompt(turns)?;
        let said: Vec<&Turn> = turns.iter().filter(|turn| turn.role != "system").collect();
        let starts: Vec<usize> = (1..said.len())
            .filter(|first| said[*first].role == "user")
            .collect();
        if whole.len() <= most || starts.is_empty() {
            return Ok((whole, 0));
        }
        let after = |forgotten: usize| {
            let mut spoken = 0;
            let kept = turns.iter().filter(|turn| {
                let is_said = turn.role != "system";
                spoken += usize::from(is_said);
                !is_said || spoken > forgotten
            });
            self.prompt(&kept.cloned().collect::<Vec<_>>())
        };
        // The fewest that leave enough, by halving: fewer turns are fewer tokens.
        let (mut low, mut high) = (0, starts.len() - 1);
        while low < high {
            let middle = (low + high) / 2;
            match after(starts[middle])?.len() <= most {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        Ok((after(starts[low])?, starts[low]))
    }
}

/// Text that may be the beginning of one that ends the answer.
struct Held<'a> {
    stop: &'a [String],
    text: String,
}

impl<'a> Held<'a> {
    fn new(stop: &'a [String]) -> Self {
        Self {
            stop,
            text: String::new(),
        }
    }

    /// What is no part of such a text, and whether one came.
    fn push(&mut self, more: &str) -> (String, bool) {
        self.text.push_str(more);
        let first = self
            .stop
            .iter()
            .filter_map(|stop| self.text.find(stop))
            .min();
        if let Some(at) = first {
            self.text.truncate(at);
            return (self.rest(), true);
        }
        let begins = |at: &usize| {
            self.stop
                .iter()
                .any(|stop| stop.starts_with(&self.text[*at..]))
        };
        let at = self.text.char_indices().map(|(at, _)| at).find(begins);
        let rest = self.text.split_off(at.unwrap_or(self.text.len()));
        (std::mem::replace(&mut self.text, rest), false)
    }

    fn rest(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_end_an_answer_is_held_back() {
        let stop = ["END".to_owned(), "\n\n".to_owned()];
        for (pieces, shown, stopped) in [
            (vec!["all of it"], "all of it", false),
            (vec!["one E", "N", "D two"], "one ", true),
            (vec!["one E", "N", "X two"], "one ENX two", false),
            (vec!["a\n", "b\n", "\n", "c"], "a\nb", true),
            (vec!["é", "E", "é", "END"], "éEé", true),
            (vec!["END"], "", true),
            (vec!["EN"], "EN", false),
        ] {
            let mut held = Held::new(&stop);
            let mut text = String::new();
            let mut ended = false;
            for piece in &pieces {
                let (free, stopped) = held.push(piece);
                text.push_str(&free);
                if stopped {
                    ended = true;
                    break;
                }
            }
            text.push_str(&held.rest());
            assert_eq!((&text[..], ended), (shown, stopped), "{pieces:?}");
        }
    }
}
