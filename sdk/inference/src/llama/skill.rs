//! Skills: low-rank additions to a model's projections, as PEFT writes them (`adapter_config.json` and
//! `adapter_model.safetensors`).

use super::{Added, Llama, Projection};
use crate::error::ModelError;
use crate::limits::RANK;
use crate::weights::Weights;
use serde::Deserialize;
use serde_json::Value;

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
/// How PEFT begins a tensor's name.
const PREFIX: &str = "base_model.model.";

#[derive(Deserialize)]
struct Config {
    peft_type: String,
    r: usize,
    lora_alpha: f64,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    fan_in_fan_out: bool,
    #[serde(default)]
    alpha_pattern: serde_json::Map<String, Value>,
    #[serde(default)]
    rank_pattern: serde_json::Map<String, Value>,
}

impl Llama {
    /// Adds a skill, `weight` times: 1 as it was trained, 0 not at all.
    ///
    /// # Errors
    /// When it is damaged, of a kind that is not known, or for a model of another shape. Nothing is added then.
    pub fn add_skill(
        &mut self,
        config: &[u8],
        weights: Vec<u8>,
        weight: f32,
    ) -> Result<(), ModelError> {
        let config: Config =
            serde_json::from_slice(config).map_err(|e| ModelError::malformed(CONFIG, e))?;
        config.check()?;
        if !weight.is_finite() {
            let why = "its weight is no finite number".into();
            return Err(ModelError::Unsupported(why));
        }
        let mut weights = Weights::of_bytes(weights, WEIGHTS)?;
        let mut found = Vec::new();
        for name in weights.names() {
            match part_of(&name) {
                // It comes with the other half.
                Some((target, Part::Up)) => {
                    weights.shape(&half_of(target, "A"))?;
                }
                Some((target, Part::Down)) => {
                    let pair = self.pair(&mut weights, target, &config, weight)?;
                    found.push((target.to_owned(), Addition::Pair(pair)));
                }
                Some((target, Part::Bias)) => {
                    let bias = self.bias(&mut weights, &name, target, weight)?;
                    found.push((target.to_owned(), Addition::Bias(bias)));
                }
                None => return Err(unknown(&name)),
            }
        }
        if found.is_empty() {
            return Err(ModelError::malformed(WEIGHTS, "it adds nothing"));
        }
        let biased = found.iter().any(|(_, a)| matches!(a, Addition::Bias(_)));
        if biased && self.biased {
            let why = "it sets biases, and another skill has set them already".into();
            return Err(ModelError::Unsupported(why));
        }
        self.biased |= biased;
        for (target, addition) in found {
            let projection = self.projection_mut(&target)?;
            match addition {
                Addition::Pair(added) => projection.added.push(added),
                Addition::Bias(bias) if projection.bias.is_empty() => projection.bias = bias,
                Addition::Bias(bias) => crate::kernels::add(&mut projection.bias, &bias),
            }
        }
        Ok(())
    }

    fn pair(
        &mut self,
        weights: &mut Weights,
        target: &str,
        config: &Config,
        weight: f32,
    ) -> Result<Added, ModelError> {
        let matrix = &self.projection_mut(target)?.matrix;
        let (outputs, inputs) = (matrix.outputs(), matrix.inputs());
        let [down, up] = ["A", "B"].map(|half| half_of(target, half));
        let rank = weights.shape(&down)?.first().copied().unwrap_or_default();
        if rank == 0 || rank > RANK {
            let why = format!("`{down}` has the rank {rank}; 1 to {RANK} are taken");
            return Err(ModelError::malformed(WEIGHTS, why));
        }
        if rank != config.r && config.rank_pattern.is_empty() {
            let why = format!("`{down}` has the rank {rank}, `{CONFIG}` says {}", config.r);
            return Err(ModelError::malformed(WEIGHTS, why));
        }
        let divisor = match config.use_rslora {
            // Kalajdzievski, 2023.
            true => (rank as f64).sqrt(),
            false => rank as f64,
        };
        Ok(Added {
            down: weights.linear(&down, None, rank, inputs)?,
            up: weights.linear(&up, None, outputs, rank)?,
            scale: (config.lora_alpha / divisor) as f32 * weight,
        })
    }

    /// What must be added to a bias so that it goes to the skill's, `weight` times the way.
    fn bias(
        &mut self,
        weights: &mut Weights,
        name: &str,
        target: &str,
        weight: f32,
    ) -> Result<Vec<f32>, ModelError> {
        let projection = self.projection_mut(target)?;
        let mut wanted = weights.values(name, &[projection.matrix.outputs()])?;
        for (i, value) in wanted.iter_mut().enumerate() {
            let there = projection.bias.get(i).copied().unwrap_or_default();
            *value = weight * (*value - there);
        }
        Ok(wanted)
    }

    fn projection_mut(&mut self, target: &str) -> Result<&mut Projection, ModelError> {
        let place = || {
            let (number, name) = target.strip_prefix("model.layers.")?.split_once('.')?;
            Some((number.parse::<usize>().ok()?, name))
        };
        let layers = self.layers.len();
        let (number, name) = place().ok_or_else(|| unknown(target))?;
        let layer = self.layers.get_mut(number).ok_or_else(|| {
            let why = format!("it is for a layer {number}; the model has {layers}");
            ModelError::malformed(WEIGHTS, why)
        })?;
        Ok(match name {
            "self_attn.q_proj" => &mut layer.query,
            "self_attn.k_proj" => &mut layer.key,
            "self_attn.v_proj" => &mut layer.value,
            "self_attn.o_proj" => &mut layer.attended,
            "mlp.gate_proj" => &mut layer.gate,
            "mlp.up_proj" => &mut layer.up,
            "mlp.down_proj" => &mut layer.down,
            _ => return Err(unknown(target)),
        })
    }
}

impl Config {
    fn check(&self) -> Result<(), ModelError> {
        let unsupported = |what: &str| {
            let why = format!("the skill's `{CONFIG}` {what}");
            Err(ModelError::Unsupported(why))
        };
        if self.peft_type != "LORA" {
            return unsupported("is not of `LORA`");
        }
        if self.use_dora {
            return unsupported("wants DoRA");
        }
        if self.fan_in_fan_out {
            return unsupported("has its weights the other way round");
        }
        if !self.alpha_pattern.is_empty() {
            return unsupported("has an `alpha_pattern`");
        }
        if !self.lora_alpha.is_finite() {
            return unsupported("has an endless `lora_alpha`");
        }
        Ok(())
    }
}

enum Addition {
    Pair(Added),
    Bias(Vec<f32>),
}

enum Part {
    Down,
    Up,
    Bias,
}

/// Which projection a tensor is for, and what it is of it.
fn part_of(name: &str) -> Option<(&str, Part)> {
    let name = name.strip_prefix(PREFIX)?;
    [
        (".lora_A.weight", Part::Down),
        (".lora_B.weight", Part::Up),
        // Of a projection that is added to, and of another one, where biases are trained too.
        (".base_layer.bias", Part::Bias),
        (".bias", Part::Bias),
    ]
    .into_iter()
    .find_map(|(ending, part)| Some((name.strip_suffix(ending)?, part)))
}

/// The tensor of the one half, `A` down or `B` up, of what is added to a projection.
fn half_of(target: &str, half: &str) -> String {
    format!("{PREFIX}{target}.lora_{half}.weight")
}

fn unknown(name: &str) -> ModelError {
    let name: String = name.chars().take(120).collect();
    ModelError::malformed(
        WEIGHTS,
        format!(
            "`{name}` adds to what no skill is taken for: projections of attention and of the feed-forward part are"
        ),
    )
}
