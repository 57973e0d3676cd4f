//! Sums of weights: one ballot after the other, in flat memory.
//!
//! Float addition depends on its order, so the order is part of the contract: **ballots are added in the order of
//! their voters' keys** ([`crate::fold::State::counted_ballots`] gives them so), and every option's sum is Neumaier's
//! compensated one, whose error does not grow with the number of ballots. Batches of any size give the same bits.

/// Totals per option, while they grow.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    sums: Vec<Sum>,
    cast: u64,
}

/// One compensated sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sum {
    sum: f64,
    lost: f64,
}

/// Ballots or weights that can't be counted. A tally that meets one is given up, never guessed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TallyError {
    /// A choice that the poll does not have.
    #[error("ballot {ballot} chooses option {choice} of {options}")]
    NoSuchOption {
        /// Which ballot, from 0.
        ballot: u64,
        /// The option chosen.
        choice: u32,
        /// How many there are.
        options: usize,
    },
    /// A weight that is none.
    #[error("ballot {ballot} weighs {weight}; a weight is finite and not negative")]
    BadWeight {
        /// Which ballot, from 0.
        ballot: u64,
        /// Its weight.
        weight: f64,
    },
    /// Not one weight per ballot.
    #[error("{weights} weights for {ballots} ballots")]
    Uneven {
        /// Ballots given.
        ballots: usize,
        /// Weights given.
        weights: usize,
    },
    /// The sum is beyond what a float holds.
    #[error("the weights of option {option} add up beyond the range of a float")]
    Overflow {
        /// The option.
        option: usize,
    },
}

impl Tally {
    /// An empty tally of so many options.
    pub fn new(options: usize) -> Self {
        Self {
            sums: vec![Sum::default(); options],
            cast: 0,
        }
    }

    /// Adds one ballot.
    ///
    /// # Errors
    /// When its option or weight is none; the tally is as before.
    pub fn add(&mut self, choice: u32, weight: f64) -> Result<(), TallyError> {
        if !weight.is_finite() || weight < 0.0 {
            return Err(TallyError::BadWeight {
                ballot: self.cast,
                weight,
            });
        }
        let options = self.sums.len();
        let Some(sum) = self.sums.get_mut(choice as usize) else {
            return Err(TallyError::NoSuchOption {
                ballot: self.cast,
                choice,
                options,
            });
        };
        sum.add(weight);
        self.cast += 1;
        Ok(())
    }

    /// Adds ballots in their order, with one weight each.
    ///
    /// # Errors
    /// When there is not one weight per ballot, or one of them is none; the ballots before that one are added.
    pub fn add_batch(&mut self, choices: &[u32], weights: &[f64]) -> Result<(), TallyError> {
        if choices.len() != weights.len() {
            return Err(TallyError::Uneven {
                ballots: choices.len(),
                weights: weights.len(),
            });
        }
        choices
            .iter()
            .zip(weights)
            .try_for_each(|(choice, weight)| self.add(*choice, *weight))
    }

    /// How many ballots were added.
    pub fn cast(&self) -> u64 {
        self.cast
    }

    /// Weight per option, in the poll's order.
    ///
    /// # Errors
    /// When a sum left the range of a float.
    pub fn totals(&self) -> Result<Vec<f64>, TallyError> {
        self.sums
            .iter()
            .enumerate()
            .map(|(option, s)| {
                let total = s.sum + s.lost;
                if total.is_finite() {
                    Ok(total)
                } else {
                    Err(TallyError::Overflow { option })
                }
            })
            .collect()
    }
}

impl Sum {
    /// Neumaier 1974: keeps what the larger of the two terms cuts off the smaller.
    fn add(&mut self, x: f64) {
        let t = self.sum + x;
        self.lost += if self.sum.abs() >= x.abs() {
            (self.sum - t) + x
        } else {
            (x - t) + self.sum
        };
        self.sum = t;
    }
}
