//! Sparse relaxed regularised regression (Zheng and others 2019): `min ½‖Z w - r‖² + λ R(u) + ‖w - u‖²/(2ν)`, alternating in `w` and `u`.

use crate::SindyError;
use crate::regression::GramSystem;
use vecfield_linalg::Cholesky;

const ROUNDS: usize = 1000;
/// PySINDy's, for columns as they are.
const RELAXATION: f64 = 1.0;
/// Where the clipped absolute deviation stops to rise, in thresholds: PySINDy's.
const CLIPPED: f64 = 5.0;

/// What is paid for coefficients, `R` above, in units of the threshold `λ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Penalty {
    /// `λ²/2` for each that is not zero: those below the threshold go, the others stay as they are.
    #[default]
    L0,
    /// `λ|u|`: those below the threshold go, the others shrink by it.
    L1,
    /// `λ min(|u|, 5λ)`, the clipped absolute deviation: as `L1` where coefficients are small, as `L0` where they are large.
    Cad,
}

impl Penalty {
    /// By how much a coefficient shrinks, to the minimum of `R(u) + (w - u)²/2`; `None` where nothing is left of it.
    pub(super) fn shrinkage(self, w: f64, threshold: f64) -> Option<f64> {
        match self {
            Self::L0 => (w.abs() >= threshold).then_some(0.0),
            Self::Cad if w.abs() > (CLIPPED + 0.5) * threshold => Some(0.0),
            Self::L1 | Self::Cad => (w.abs() > threshold).then_some(threshold.copysign(w)),
        }
    }

    /// What is left of a coefficient.
    pub(super) fn shrunk(self, w: f64, threshold: f64) -> f64 {
        self.shrinkage(w, threshold).map_or(0.0, |by| w - by)
    }
}

/// Coefficients `[p]` where the relaxed ones settle under the penalty, fitted again on their support. Zero at least are those below the
/// threshold.
///
/// The rounds contract slowly where features are small, but only their support matters: once a round leaves it and what each coefficient
/// shrinks by, `s`, the point where all such rounds end is one linear system, `(ZᵀZ + (1 - P)/ν) w = Zᵀr - P s/ν` with `P` the projection
/// on the support. If that leaves them too, it is where they settle.
///
/// # Errors
///
/// [`SindyError::SingularSupport`].
pub fn sr3(system: &GramSystem, threshold: f64, penalty: Penalty) -> Result<Vec<f64>, SindyError> {
    let p = system.len();
    let mut rounds = Cholesky::new(p);
    relaxed(system, |_| true, &mut rounds)?;
    let mut sparse: Vec<f64> = system.solve(&(0..p).collect::<Vec<_>>(), 0.0)?.0;
    let shrinkage = |w: &f64| penalty.shrinkage(*w, threshold);
    let mut shrinks: Vec<Option<f64>> = sparse.iter().map(shrinkage).collect();
    let alike = |w: &[f64], shrinks: &[Option<f64>]| w.iter().map(shrinkage).eq(shrinks.iter().copied());
    let (mut w, mut settled, mut stays) = (vec![0.0; p], Cholesky::new(p), false);
    for _ in 0..ROUNDS {
        w.iter_mut().zip(&system.rhs).zip(&sparse).for_each(|((w, h), u)| *w = h + u / RELAXATION);
        rounds.solve(&mut w);
        let stayed = core::mem::replace(&mut stays, alike(&w, &shrinks));
        shrinks.iter_mut().zip(&w).for_each(|(by, w)| *by = shrinkage(w));
        sparse.iter_mut().zip(&w).zip(&shrinks).for_each(|((u, w), by)| *u = by.map_or(0.0, |by| w - by));
        // Of a support that has just come to stay the end is worth asking for; of one that goes on after that, not again.
        if stays && !stayed {
            w.iter_mut()
                .zip(&system.rhs)
                .zip(&shrinks)
                .for_each(|((w, h), by)| *w = h - by.unwrap_or(0.0) / RELAXATION);
            relaxed(system, |k| shrinks[k].is_none(), &mut settled)?;
            settled.solve(&mut w);
            if alike(&w, &shrinks) {
                break;
            }
        }
    }
    super::on_support(system, |k| shrinks[k].is_some())
}

/// Factorises `ZᵀZ + 1/ν` on the features that are held.
fn relaxed(system: &GramSystem, held: impl Fn(usize) -> bool, factor: &mut Cholesky<f64>) -> Result<(), SindyError> {
    let p = system.len();
    let mut matrix = system.gram.clone();
    (0..p).filter(|&k| held(k)).for_each(|k| matrix[k * p + k] += 1.0 / RELAXATION);
    factor.factorize(&matrix).map_err(|_| SindyError::SingularSupport { feature: 0 })
}
