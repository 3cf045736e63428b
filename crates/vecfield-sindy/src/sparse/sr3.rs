//! Sparse relaxed regularised regression (Zheng and others 2019): `min ½‖Z w - r‖² + λ R(u) + ‖w - u‖²/(2ν)`, alternating in `w` and `u`.

use crate::SindyError;
use crate::regression::GramSystem;
use vecfield_linalg::Cholesky;

const ROUNDS: usize = 1000;
/// PySINDy's, for columns as they are.
const RELAXATION: f64 = 1.0;

/// Coefficients `[p]` where the relaxed ones settle under the `L0` penalty that keeps what is at least `threshold`, fitted again on their
/// support.
///
/// The rounds contract slowly where features are small, but only their support matters: once a round leaves it, the point where all rounds
/// with it end is one linear system, `(ZᵀZ + (1 - P)/ν) w = Zᵀr` with `P` the projection on the support. If that keeps the support, it is
/// where they settle.
///
/// # Errors
///
/// [`SindyError::SingularSupport`].
pub fn sr3(system: &GramSystem, threshold: f64) -> Result<Vec<f64>, SindyError> {
    let p = system.len();
    let mut rounds = Cholesky::new(p);
    relaxed(system, |_| true, &mut rounds)?;
    let mut sparse: Vec<f64> = system.solve(&(0..p).collect::<Vec<_>>(), 0.0)?.0;
    let (mut w, mut settled) = (vec![0.0; p], Cholesky::new(p));
    let kept = |w: f64| if w.abs() >= threshold { w } else { 0.0 };
    let alike = |w: &[f64], sparse: &[f64]| w.iter().zip(sparse).all(|(w, u)| (kept(*w) != 0.0) == (*u != 0.0));
    let mut stays = false;
    for _ in 0..ROUNDS {
        w.iter_mut().zip(&system.rhs).zip(&sparse).for_each(|((w, h), u)| *w = h + u / RELAXATION);
        rounds.solve(&mut w);
        let stayed = core::mem::replace(&mut stays, alike(&w, &sparse));
        sparse.iter_mut().zip(&w).for_each(|(u, w)| *u = kept(*w));
        // Of a support that has just come to stay the end is worth asking for; of one that goes on after that, not again.
        if stays && !stayed {
            w.copy_from_slice(&system.rhs);
            relaxed(system, |k| sparse[k] == 0.0, &mut settled)?;
            settled.solve(&mut w);
            if alike(&w, &sparse) {
                break;
            }
        }
    }
    super::on_support(system, |k| sparse[k] != 0.0)
}

/// Factorises `ZᵀZ + 1/ν` on the features that are held.
fn relaxed(system: &GramSystem, held: impl Fn(usize) -> bool, factor: &mut Cholesky<f64>) -> Result<(), SindyError> {
    let p = system.len();
    let mut matrix = system.gram.clone();
    (0..p).filter(|&k| held(k)).for_each(|k| matrix[k * p + k] += 1.0 / RELAXATION);
    factor.factorize(&matrix).map_err(|_| SindyError::SingularSupport { feature: 0 })
}
