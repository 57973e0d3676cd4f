//! How a model wants a conversation written: its chat template (Jinja), as `tokenizer_config.json` or GGUF has it.

use crate::error::ModelError;
use crate::files;
use crate::gguf::Gguf;
use crate::limits::{TEMPLATE_BYTES, TEMPLATE_FUEL};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, context};
use serde::{Deserialize, Serialize};
use std::path::Path;

const CONFIG: &str = "tokenizer_config.json";
const FILE: &str = "chat_template.jinja";

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
}

/// A model's template, and the tokens that it begins and ends with.
pub(crate) struct Template {
    source: String,
    begin: Option<String>,
    end: Option<String>,
}

#[derive(Deserialize, Default)]
struct Config {
    chat_template: Option<Templates>,
    bos_token: Option<Token>,
    eos_token: Option<Token>,
}

/// One template or several with names.
#[derive(Deserialize)]
#[serde(untagged)]
enum Templates {
    One(String),
    Several(Vec<Named>),
}

#[derive(Deserialize)]
struct Named {
    name: String,
    template: String,
}

/// A token's text, alone or with its settings.
#[derive(Deserialize)]
#[serde(untagged)]
enum Token {
    Text(String),
    Settings { content: String },
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        match token {
            Token::Text(text) | Token::Settings { content: text } => text,
        }
    }
}

impl Template {
    /// The template of a directory.
    ///
    /// # Errors
    /// When it has none, or one that does not read.
    pub fn load(dir: &Path) -> Result<Self, ModelError> {
        let config: Config = files::json_if_there(dir, CONFIG)?.unwrap_or_default();
        let in_file = match files::read(dir, FILE, TEMPLATE_BYTES as u64) {
            Ok(bytes) => {
                Some(String::from_utf8(bytes).map_err(|e| ModelError::malformed(FILE, e))?)
            }
            Err(ModelError::Missing(_)) => None,
            Err(e) => return Err(e),
        };
        let in_config = config.chat_template.and_then(|found| match found {
            Templates::One(source) => Some(source),
            Templates::Several(all) => {
                let default = all.into_iter().find(|one| one.name == "default");
                default.map(|one| one.template)
            }
        });
        Self::of(
            in_file.or(in_config),
            config.bos_token.map(Into::into),
            config.eos_token.map(Into::into),
        )
    }

    /// The template in a GGUF file's metadata.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn of_gguf(gguf: &Gguf) -> Result<Self, ModelError> {
        let tokens = gguf.texts("tokenizer.ggml.tokens").unwrap_or(&[]);
        let token = |key: &str| {
            let id = gguf.number(&format!("tokenizer.ggml.{key}_token_id"))?;
            tokens.get(id as usize).cloned()
        };
        let source = gguf.text("tokenizer.chat_template").map(ToOwned::to_owned);
        Self::of(source, token("bos"), token("eos"))
    }

    fn of(
        source: Option<String>,
        begin: Option<String>,
        end: Option<String>,
    ) -> Result<Self, ModelError> {
        let source = source.ok_or_else(|| {
            ModelError::Unsupported("it has no chat template, so it is none to talk with".into())
        })?;
        if source.len() > TEMPLATE_BYTES {
            let why = format!("its chat template has more than {TEMPLATE_BYTES} bytes");
            return Err(ModelError::Unsupported(why));
        }
        let template = Self { source, begin, end };
        // Read once now, so that a damaged one is refused with the model.
        template.environment()?;
        Ok(template)
    }

    /// The text of the token that ends an answer.
    pub fn end(&self) -> Option<&str> {
        self.end.as_deref()
    }

    fn environment(&self) -> Result<Environment<'_>, ModelError> {
        let mut environment = Environment::new();
        // As transformers sets it (tokenization_utils_base.py).
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build();
        environment.set_syntax(syntax.map_err(|e| ModelError::malformed("the chat template", e))?);
        environment.set_fuel(Some(TEMPLATE_FUEL));
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |why: String| -> Result<(), Error> {
            Err(Error::new(ErrorKind::InvalidOperation, why))
        });
        let added = environment.add_template("chat", &self.source);
        added.map_err(|e| ModelError::malformed("the chat template", e))?;
        Ok(environment)
    }

    /// The conversation as the model wants it, up to where its answer begins.
    ///
    /// # Errors
    /// What the template refuses, such as two turns of one side in a row.
    pub fn render(&self, turns: &[Turn]) -> Result<String, ModelError> {
        let environment = self.environment()?;
        let turns: Vec<Value> = turns
            .iter()
            .map(|turn| context! { role => &*turn.role, content => &*turn.content })
            .collect();
        let rendered = environment.get_template("chat").and_then(|template| {
            template.render(context! {
                messages => turns,
                add_generation_prompt => true,
                // One that the model has not is undefined, as for transformers: it is written as nothing.
                bos_token => self.begin.as_deref().map_or(Value::UNDEFINED, Value::from),
                eos_token => self.end.as_deref().map_or(Value::UNDEFINED, Value::from),
            })
        });
        rendered.map_err(|e| {
            let why = e.detail().map_or_else(|| e.to_string(), ToOwned::to_owned);
            ModelError::BadInput(format!(
                "the model's template refuses the conversation: {why}"
            ))
        })
    }
}
