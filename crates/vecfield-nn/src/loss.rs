//! Losses with their gradients: the mean over rows of what one row costs.

use vecfield_kernels::{Function, LayerMath, sum};

/// Mean squared error `Σ (y - target)² / n`; writes its gradient into `bar`.
///
/// ```
/// let mut bar = [0.0; 2];
/// assert_eq!(vecfield_nn::loss::mean_squared(&[1.0, 3.0], &[0.0, 1.0], &mut bar), 2.5);
/// assert_eq!(bar, [1.0, 2.0]);
/// ```
///
/// # Panics
///
/// If the lengths differ.
pub fn mean_squared<R: LayerMath>(y: &[R], target: &[R], bar: &mut [R]) -> R {
    each(y, target, bar, |miss| (miss * miss, miss + miss))
}

/// Huber's loss, quadratic up to `delta` and linear beyond (Huber 1964): the mean of `½ m²` or `δ (|m| - δ/2)`; writes its
/// gradient into `bar`.
///
/// # Panics
///
/// If the lengths differ.
pub fn huber<R: LayerMath>(y: &[R], target: &[R], delta: R, bar: &mut [R]) -> R {
    let half = R::from_f64(0.5);
    each(y, target, bar, |miss| {
        let size = miss.abs();
        if size > delta { (delta * (size - half * delta), delta * miss.sign()) } else { (half * miss * miss, miss) }
    })
}

fn each<R: LayerMath>(y: &[R], target: &[R], bar: &mut [R], cost: impl Fn(R) -> (R, R)) -> R {
    assert_eq!(y.len(), target.len(), "a target for each number");
    assert_eq!(y.len(), bar.len(), "a cotangent for each number");
    let weight = R::one() / R::from_f64(y.len().max(1) as f64);
    let mut whole = R::zero();
    for ((bar, &y), &target) in bar.iter_mut().zip(y).zip(target) {
        let (cost, slope) = cost(y - target);
        whole += cost;
        *bar = weight * slope;
    }
    weight * whole
}

/// Cross-entropy of the softmax of `logits`, `[rows, classes]`, with one label for each row: the mean of `-ln p_label`; writes
/// its gradient into `bar`.
///
/// ```
/// let mut bar = [0.0; 2];
/// let loss = vecfield_nn::loss::cross_entropy(&[0.0_f64, 0.0], &[1], &mut bar);
/// assert!((loss - 2.0_f64.ln()).abs() < 1e-15);
/// assert_eq!(bar, [0.5, -0.5]);
/// ```
///
/// # Panics
///
/// If the lengths do not fit, or a label is no class.
pub fn cross_entropy<R: LayerMath>(logits: &[R], labels: &[usize], bar: &mut [R]) -> R {
    let rows = labels.len().max(1);
    let classes = logits.len() / rows;
    assert_eq!(logits.len(), labels.len() * classes, "as many logits in each row");
    assert_eq!(logits.len(), bar.len(), "a cotangent for each number");
    let weight = R::one() / R::from_f64(rows as f64);
    let mut whole = R::zero();
    for ((bar, logits), &label) in
        bar.chunks_exact_mut(classes.max(1)).zip(logits.chunks_exact(classes.max(1))).zip(labels)
    {
        let largest = logits.iter().fold(-R::INFINITY, |largest, &x| if x > largest { x } else { largest });
        bar.iter_mut().zip(logits).for_each(|(bar, &logit)| *bar = logit - largest);
        let at_label = bar[label];
        R::map_in_place(Function::Exp, bar);
        let scale = sum(bar);
        whole += scale.ln() - at_label;
        bar.iter_mut().for_each(|bar| *bar *= weight / scale);
        bar[label] -= weight;
    }
    weight * whole
}

/// The negative log density of `target` under normal distributions of mean `mean` and log variance `log_variance`, all
/// `[rows, width]`: the mean over rows of `½ Σ (ln 2π + s + (target - mean)² e^{-s})`; writes both gradients.
///
/// # Panics
///
/// If the lengths differ.
pub fn gaussian<R: LayerMath>(
    rows: usize,
    (mean, log_variance): (&[R], &[R]),
    target: &[R],
    (mean_bar, log_variance_bar): (&mut [R], &mut [R]),
) -> R {
    let n = mean.len();
    for len in [log_variance.len(), target.len(), mean_bar.len(), log_variance_bar.len()] {
        assert_eq!(len, n, "a number for each mean");
    }
    let (half, weight) = (R::from_f64(0.5), R::one() / R::from_f64(rows.max(1) as f64));
    let constant = R::from_f64(core::f64::consts::TAU.ln());
    let mut whole = R::zero();
    for i in 0..n {
        let (miss, precision) = (target[i] - mean[i], (-log_variance[i]).exp());
        let square = miss * miss * precision;
        whole += half * (constant + log_variance[i] + square);
        mean_bar[i] = -weight * miss * precision;
        log_variance_bar[i] = weight * half * (R::one() - square);
    }
    weight * whole
}
