//! Answers to conversations, by a model that the host grants and skills that a job brings.

use std::path::Path;
use weft_inference::{End as Ended, Manner, ModelError as Wrong, Sampling, Talker, Turn as Said};
use weft_sdk::chat::{Chat, End, Loaded, ModelError, Options, Role, Skill, Turn, Usage};

/// A loaded model.
pub struct Model(Talker);

impl Chat for Model {
    const NAME: &'static str = "chat";
    const SUMMARY: &'static str = "Answers to conversations, a piece at a time.";
    const FORMATS: &'static [&'static str] =
        &["GGUF of llama or qwen2", "safetensors of llama or qwen2"];

    fn load(dir: &Path) -> Result<Self, ModelError> {
        Talker::load(dir).map(Self).map_err(error)
    }

    fn loaded(&self) -> Loaded {
        Loaded {
            context_tokens: self.0.context() as u32,
            vocabulary: self.0.vocabulary() as u32,
        }
    }

    fn add_skill(&mut self, skill: Skill) -> Result<(), ModelError> {
        let added = self.0.add_skill(&skill.config, skill.weights, skill.weight);
        added.map_err(|e| ModelError::BadSkill(e.to_string()))
    }

    fn answer(
        &self,
        turns: &[Turn],
        options: &Options,
        piece: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Usage, ModelError> {
        let turns: Vec<Said> = turns.iter().map(said).collect();
        let manner = Manner {
            sampling: Sampling {
                seed: options.seed,
                temperature: options.temperature,
                top_k: options.top_k as usize,
                top_p: options.top_p,
                repetition_penalty: options.repetition_penalty,
            },
            max_tokens: options.max_tokens as usize,
            stop: options.stop.clone(),
            forget: options.forget,
        };
        let usage = self.0.answer(&turns, &manner, piece).map_err(error)?;
        Ok(Usage {
            prompt_tokens: usage.prompt_tokens as u32,
            answer_tokens: usage.answer_tokens as u32,
            forgotten_turns: usage.forgotten_turns as u32,
            end: match usage.end {
                Ended::Stop => End::Stop,
                Ended::Length => End::Length,
                Ended::Cancelled => End::Cancelled,
            },
        })
    }
}

fn said(turn: &Turn) -> Said {
    let role = match turn.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    Said {
        role: role.into(),
        content: turn.text.clone(),
    }
}

fn error(wrong: Wrong) -> ModelError {
    let why = wrong.to_string();
    match wrong {
        Wrong::Missing(_) => ModelError::Missing(why),
        Wrong::BadInput(_) => ModelError::BadInput(why),
        Wrong::TooLong(_) => ModelError::TooLong(why),
        _ => ModelError::BadModel(why),
    }
}

weft_sdk::export_chat!(Model);
