//! Candidates and voters as columns of numbers, as `weft:scorer` and `weft:voting` take them.

use serde::{Deserialize, Serialize};

/// Rows by features. `values[f * rows + r]`; presence bits lowest first, `ceil(rows / 64)` words per feature.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Columns {
    /// Number of rows.
    pub rows: u32,
    /// Feature-major values; 0 where unknown.
    pub values: Vec<f64>,
    /// Presence bits.
    pub present: Vec<u64>,
}

impl Columns {
    /// Columns for `rows` rows and `features` features, filled by `value(feature, row)`.
    pub fn build(
        rows: usize,
        features: usize,
        mut value: impl FnMut(usize, usize) -> Option<f64>,
    ) -> Self {
        let words = rows.div_ceil(64);
        let mut values = vec![0.0; rows * features];
        let mut present = vec![0_u64; words * features];
        for f in 0..features {
            for r in 0..rows {
                if let Some(v) = value(f, r).filter(|v| v.is_finite()) {
                    values[f * rows + r] = v;
                    present[f * words + r / 64] |= 1 << (r % 64);
                }
            }
        }
        Self {
            rows: rows as u32,
            values,
            present,
        }
    }

    /// The first `features` features of some rows, in the order given; rows that there are not are unknown.
    pub fn select(&self, features: usize, rows: &[usize]) -> Self {
        let have = self.rows as usize;
        let all = rows.len() == have && rows.iter().enumerate().all(|(i, row)| i == *row);
        let parts = (
            self.values.get(..features * have),
            self.present.get(..features * have.div_ceil(64)),
        );
        match parts {
            (Some(values), Some(present)) if all => Self {
                rows: self.rows,
                values: values.to_vec(),
                present: present.to_vec(),
            },
            _ => Self::build(rows.len(), features, |f, r| self.get(f, rows[r])),
        }
    }

    /// The same rows in parts of at most `size`, in order.
    pub fn chunks(&self, size: usize) -> impl Iterator<Item = Self> + '_ {
        let rows = self.rows as usize;
        let features = self.values.len().checked_div(rows).unwrap_or(0);
        (0..rows).step_by(size.max(1)).map(move |start| {
            Self::build(size.min(rows - start), features, |f, r| {
                self.get(f, start + r)
            })
        })
    }

    /// Feature `f` of row `r`; none where it is unknown or out of the table.
    pub fn get(&self, f: usize, r: usize) -> Option<f64> {
        let rows = self.rows as usize;
        let words = rows.div_ceil(64);
        let known = r < rows && self.present.get(f * words + r / 64)? >> (r % 64) & 1 == 1;
        known
            .then(|| self.values.get(f * rows + r).copied())
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_across_the_word_boundary() {
        let columns = Columns::build(130, 3, |f, r| {
            ((r + f) % 3 != 0).then_some((f * 1000 + r) as f64)
        });
        for f in 0..3 {
            for r in 0..130 {
                let want = ((r + f) % 3 != 0).then_some((f * 1000 + r) as f64);
                assert_eq!(columns.get(f, r), want, "feature {f} row {r}");
            }
        }
        assert_eq!(columns.get(0, 130), None);
        assert_eq!(columns.get(3, 0), None);
    }

    #[test]
    fn selected_rows_are_as_if_built_anew() {
        let columns = Columns::build(70, 3, |f, r| (r % 3 != 0).then_some((f * 1000 + r) as f64));
        let all: Vec<usize> = (0..70).collect();
        for rows in [&all[..], &all[1..], &all[..69], &[69, 0, 7, 70], &[]] {
            let anew = Columns::build(rows.len(), 2, |f, r| columns.get(f, rows[r]));
            assert_eq!(columns.select(2, rows), anew, "{rows:?}");
        }
    }

    #[test]
    fn a_value_that_is_no_number_is_unknown() {
        let columns = Columns::build(1, 1, |_, _| Some(f64::NAN));
        assert_eq!(columns.get(0, 0), None);
        assert_eq!(columns.values, [0.0]);
    }
}
