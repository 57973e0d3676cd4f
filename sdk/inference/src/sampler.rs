//! Which token comes next, by the scores of all: the same for the same seed.

use crate::error::ModelError;
use crate::kernels;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::BTreeSet;

/// How the next token is chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// Where chance begins.
    pub seed: u64,
    /// What scores are divided by: 0 always takes the highest one, 1 takes each as often as the model says.
    pub temperature: f32,
    /// Only so many of the highest; 0 for all.
    pub top_k: usize,
    /// Only the highest that have this share together, in (0, 1].
    pub top_p: f32,
    /// What scores of tokens that were there before are divided by, or multiplied by where they are negative (Keskar et
    /// al., 2019); 1 for nothing.
    pub repetition_penalty: f32,
}

impl Sampling {
    /// Says which setting is out of its range.
    ///
    /// # Errors
    /// `BadInput`.
    pub fn check(&self) -> Result<(), ModelError> {
        let refuse = |what: &str| Err(ModelError::BadInput(what.into()));
        if !(0.0..=10.0).contains(&self.temperature) {
            return refuse("the temperature is from 0 to 10");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return refuse("`top_p` is above 0 and at most 1");
        }
        if !(0.1..=10.0).contains(&self.repetition_penalty) {
            return refuse("the repetition penalty is from 0.1 to 10");
        }
        Ok(())
    }
}

/// Chooses one token after the other.
pub(crate) struct Sampler {
    sampling: Sampling,
    random: ChaCha8Rng,
    before: BTreeSet<u32>,
}

impl Sampler {
    /// `before`: the tokens that were read.
    pub fn new(sampling: Sampling, before: &[u32]) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(sampling.seed),
            sampling,
            before: before.iter().copied().collect(),
        }
    }

    /// The next token.
    ///
    /// # Errors
    /// When the highest score is no finite number.
    pub fn choose(&mut self, scores: &mut [f32]) -> Result<u32, ModelError> {
        let wrong = |score: &f32| score.is_nan() || *score == f32::INFINITY;
        if scores.iter().any(wrong) || !scores.iter().any(|score| score.is_finite()) {
            return Err(ModelError::NotFinite);
        }
        let penalty = self.sampling.repetition_penalty;
        for id in &self.before {
            if let Some(score) = scores.get_mut(*id as usize) {
                *score = if *score > 0.0 {
                    *score / penalty
                } else {
                    *score * penalty
                };
            }
        }
        let id = match self.sampling.temperature {
            0.0 => highest(scores),
            temperature => self.draw(scores, temperature),
        };
        self.before.insert(id);
        Ok(id)
    }

    fn draw(&mut self, scores: &[f32], temperature: f32) -> u32 {
        let mut ids: Vec<u32> = (0..scores.len() as u32).collect();
        // By score, then by number: a total order, so that equal scores are no question of the sort.
        let order = |a: &u32, b: &u32| {
            let [left, right] = [a, b].map(|id| scores[*id as usize]);
            right.total_cmp(&left).then(a.cmp(b))
        };
        let most = self.sampling.top_k;
        if (1..ids.len()).contains(&most) {
            ids.select_nth_unstable_by(most, order);
            ids.truncate(most);
        }
        ids.sort_unstable_by(order);
        // The highest becomes 0 before it is divided, so that no temperature is too low.
        let top = scores[ids[0] as usize];
        let mut shares: Vec<f32> = ids
            .iter()
            .map(|id| (scores[*id as usize] - top) / temperature)
            .collect();
        kernels::softmax(&mut shares);
        let mut sum = 0.0;
        let enough = shares.iter().position(|share| {
            sum += share;
            sum >= self.sampling.top_p
        });
        let kept = enough.map_or(shares.len(), |last| last + 1);
        let total: f32 = shares[..kept].iter().sum();
        // 24 bits, which f32 holds: from 0 to 1, without 1.
        let at = (self.random.next_u32() >> 8) as f32 / (1 << 24) as f32 * total;
        let mut sum = 0.0;
        let drawn = shares[..kept].iter().position(|share| {
            sum += share;
            at < sum
        });
        ids[drawn.unwrap_or(kept - 1)]
    }
}

/// The first of the highest.
fn highest(scores: &[f32]) -> u32 {
    let first = (0, f32::NEG_INFINITY);
    let found = scores
        .iter()
        .enumerate()
        .fold(first, |best, (i, score)| match *score > best.1 {
            true => (i, *score),
            false => best,
        });
    found.0 as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling() -> Sampling {
        Sampling {
            seed: 7,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            repetition_penalty: 1.0,
        }
    }

    /// How often each of four tokens with the shares 1/2, 1/4, 1/8, 1/8 is drawn of 2,000 times.
    fn drawn(sampling: &Sampling) -> [u32; 4] {
        let mut counts = [0; 4];
        for seed in 0..2_000 {
            let mut sampler = Sampler::new(
                Sampling {
                    seed,
                    ..sampling.clone()
                },
                &[],
            );
            let mut scores = [0.5_f32, 0.25, 0.125, 0.125].map(f32::ln);
            counts[sampler.choose(&mut scores).expect("a token") as usize] += 1;
        }
        counts
    }

    #[test]
    fn no_temperature_is_too_low_and_scores_without_a_finite_one_are_refused() {
        for temperature in [1e-45, 1e-38, 1e-3] {
            let cold = Sampling {
                temperature,
                ..sampling()
            };
            let mut scores = [1.0, 3.0, f32::NEG_INFINITY, 2.0];
            let chosen = Sampler::new(cold, &[]).choose(&mut scores);
            assert_eq!(chosen.expect("a token"), 1, "{temperature}");
        }
        for temperature in [0.0, 1.0] {
            let sampling = Sampling {
                temperature,
                ..sampling()
            };
            let mut scores = [f32::NEG_INFINITY; 3];
            let chosen = Sampler::new(sampling, &[]).choose(&mut scores);
            assert!(matches!(chosen, Err(ModelError::NotFinite)));
        }
    }

    #[test]
    fn tokens_come_as_often_as_their_shares() {
        let near = |found: u32, wanted: f64| (f64::from(found) / 2_000.0 - wanted).abs() < 0.04;
        let all = drawn(&sampling());
        assert!(
            near(all[0], 0.5) && near(all[1], 0.25) && near(all[2], 0.125),
            "{all:?}"
        );
        let cold = drawn(&Sampling {
            temperature: 0.5,
            ..sampling()
        });
        assert!(near(cold[0], 16.0 / 22.0), "{cold:?}");
        let two = drawn(&Sampling {
            top_k: 2,
            ..sampling()
        });
        assert!(near(two[0], 2.0 / 3.0) && two[2] + two[3] == 0, "{two:?}");
        let half = drawn(&Sampling {
            top_p: 0.6,
            ..sampling()
        });
        assert!(
            near(half[0], 2.0 / 3.0) && half[2] + half[3] == 0,
            "{half:?}"
        );
    }

    #[test]
    fn a_seed_gives_the_same_again() {
        let run = |seed| -> Vec<u32> {
            let mut sampler = Sampler::new(Sampling { seed, ..sampling() }, &[]);
            (0..64)
                .map(|_| sampler.choose(&mut [0.0; 1_000]).expect("a token"))
                .collect()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn what_was_there_is_less_likely() {
        let greedy = Sampling {
            temperature: 0.0,
            repetition_penalty: 2.0,
            ..sampling()
        };
        let mut sampler = Sampler::new(greedy, &[1]);
        let mut next = || sampler.choose(&mut [1.0, 1.9, -1.0]).expect("a token");
        // 1.9 counts half; then 1.0 does too, and 1.9 / 2 is the highest again.
        assert_eq!([next(), next()], [0, 1]);
    }

    #[test]
    fn damaged_scores_are_refused() {
        for bad in [f32::NAN, f32::INFINITY] {
            let found = Sampler::new(sampling(), &[]).choose(&mut [0.0, bad]);
            assert_eq!(found, Err(ModelError::NotFinite));
        }
        for wrong in [
            Sampling {
                temperature: -1.0,
                ..sampling()
            },
            Sampling {
                temperature: f32::NAN,
                ..sampling()
            },
            Sampling {
                top_p: 0.0,
                ..sampling()
            },
            Sampling {
                repetition_penalty: 0.0,
                ..sampling()
            },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
