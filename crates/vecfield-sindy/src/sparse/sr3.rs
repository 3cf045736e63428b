//! Sparse relaxed regularised regression (Zheng and others 2019): `min ½‖Z w - r‖² + λ R(u) + ‖w - u‖²/(2ν)`, alternating in `w` and `u`.

use crate::SindyError;
use crate::regression::GramSystem;
use vecfield_linalg::Cholesky;

const ROUNDS: usize = 1000;
/// PySINDy's, for columns as they are.
const RELAXATION: f64 = 1.0;
const TOLERANCE: f64 = 1e-10;

/// Coefficients `[p]` where the relaxed ones settle under the `L0` penalty that keeps what is at least `threshold`, fitted again on their
/// support.
///
/// # Errors
///
/// [`SindyError::SingularSupport`].
pub fn sr3(system: &GramSystem, threshold: f64) -> Result<Vec<f64>, SindyError> {
    let p = system.len();
    let mut matrix = system.gram.clone();
    (0..p).for_each(|i| matrix[i * p + i] += 1.0 / RELAXATION);
    let mut cholesky = Cholesky::new(p);
    cholesky.factorize(&matrix).map_err(|_| SindyError::SingularSupport { feature: 0 })?;
    let mut sparse: Vec<f64> = system.solve(&(0..p).collect::<Vec<_>>(), 0.0)?.0;
    let mut relaxed = vec![0.0; p];
    for _ in 0..ROUNDS {
        for ((w, &h), &u) in relaxed.iter_mut().zip(&system.rhs).zip(&sparse) {
            *w = h + u / RELAXATION;
        }
        cholesky.solve(&mut relaxed);
        let mut moved: f64 = 0.0;
        for (u, &w) in sparse.iter_mut().zip(&relaxed) {
            let next = if w.abs() >= threshold { w } else { 0.0 };
            moved = moved.max((next - *u).abs());
            *u = next;
        }
        if moved <= TOLERANCE * threshold.max(f64::MIN_POSITIVE) {
            break;
        }
    }
    super::on_support(system, |k| sparse[k] != 0.0)
}
