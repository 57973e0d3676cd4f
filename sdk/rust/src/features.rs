//! Features: a typed row over the columns that the host passes.

use crate::PolicyError;

/// Columns as they arrive: feature-major values with presence bits, lowest bit first.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// Number of rows.
    pub rows: usize,
    /// `values[f * rows + r]`.
    pub values: &'a [f64],
    /// `ceil(rows / 64)` words per feature.
    pub present: &'a [u64],
}

impl<'a> Columns<'a> {
    /// Checks the shape against the number of features.
    ///
    /// # Errors
    /// `BadInput` when there are too few or too many values or presence words.
    pub fn new(
        rows: u32,
        values: &'a [f64],
        present: &'a [u64],
        features: usize,
    ) -> Result<Self, PolicyError> {
        let rows = rows as usize;
        let words = rows.div_ceil(64);
        if values.len() != rows * features || present.len() != words * features {
            return Err(PolicyError::BadInput(format!(
                "{rows} rows of {features} features need {} values and {} presence words, got {} and {}",
                rows * features,
                words * features,
                values.len(),
                present.len(),
            )));
        }
        Ok(Self {
            rows,
            values,
            present,
        })
    }

    /// Feature `f` of row `r`; none where it is unknown or not a finite number.
    pub fn get(&self, f: usize, r: usize) -> Option<f64> {
        let words = self.rows.div_ceil(64);
        let known = self.present[f * words + r / 64] >> (r % 64) & 1 == 1;
        let value = self.values[f * self.rows + r];
        (known && value.is_finite()).then_some(value)
    }
}

/// What the `features!` macro makes.
pub trait Features: Sized {
    /// The ids of wit/features.md, in the order of the columns.
    const NAMES: &'static [&'static str];
    /// One row.
    fn read(columns: &Columns<'_>, row: usize) -> Self;
}

/// Declares what a plugin reads: `name: "feature.id",`. Each field is an `Option<f64>`; none is unknown.
#[macro_export]
macro_rules! features {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$fmeta:meta])* pub $field:ident : $id:literal , )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct $name {
            $( $(#[$fmeta])* pub $field: Option<f64>, )*
        }
        impl $crate::features::Features for $name {
            const NAMES: &'static [&'static str] = &[$( $id ),*];
            #[allow(unused_variables, unused_mut, unused_assignments, reason = "a struct may have no field")]
            fn read(columns: &$crate::features::Columns<'_>, row: usize) -> Self {
                let mut feature = 0;
                $( let $field = columns.get(feature, row); feature += 1; )*
                Self { $( $field, )* }
            }
        }
    };
}

/// A plugin that reads no features.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NoFeatures;

impl Features for NoFeatures {
    const NAMES: &'static [&'static str] = &[];
    fn read(_: &Columns<'_>, _: usize) -> Self {
        Self
    }
}
