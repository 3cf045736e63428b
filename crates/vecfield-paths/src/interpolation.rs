//! The interpolations: names, and what each promises.

/// How a path goes between rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Interpolation {
    /// Straight from row to row.
    Linear,
    /// Time moves while the values stay, then the values move while time stays: no value is used before it was measured.
    ///
    /// Morrill, Kidger, Yang & Lyons 2021, section 4.
    Rectilinear,
    /// Cubic pieces whose slope at a row is that of the straight way from the row before.
    ///
    /// Morrill, Kidger, Yang & Lyons 2021, section 4.3.
    Hermite,
    /// The natural cubic spline: two continuous derivatives, and the second is zero at both ends.
    Natural,
    /// Cubic pieces whose slopes are weighted against outliers (Akima 1970).
    Akima,
    /// Cubic pieces that rise where the data rise and fall where they fall (Fritsch & Butland 1984).
    Monotone,
}

impl Interpolation {
    /// All of them, in the order of the enum.
    pub const ALL: [Interpolation; 6] = [
        Interpolation::Linear,
        Interpolation::Rectilinear,
        Interpolation::Hermite,
        Interpolation::Natural,
        Interpolation::Akima,
        Interpolation::Monotone,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Interpolation::Linear => "linear",
            Interpolation::Rectilinear => "rectilinear",
            Interpolation::Hermite => "hermite",
            Interpolation::Natural => "natural",
            Interpolation::Akima => "akima",
            Interpolation::Monotone => "monotone",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Interpolation> {
        Interpolation::ALL.into_iter().find(|interpolation| interpolation.name() == name)
    }

    /// Does a path up to a row depend on no later row? Cells that were not measured are then as they were before.
    pub fn is_causal(self) -> bool {
        matches!(self, Interpolation::Linear | Interpolation::Rectilinear | Interpolation::Hermite)
    }

    /// How many derivatives are continuous at rows.
    pub fn smoothness(self) -> usize {
        match self {
            Interpolation::Linear | Interpolation::Rectilinear => 0,
            Interpolation::Hermite | Interpolation::Akima | Interpolation::Monotone => 1,
            Interpolation::Natural => 2,
        }
    }
}
