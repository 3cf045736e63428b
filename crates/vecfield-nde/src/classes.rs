//! Classes told apart by logits.

use crate::model::Number;

/// The probabilities of logits.
pub(crate) fn softmax<R: Number>(logits: &[R]) -> Vec<f64> {
    let largest = logits.iter().map(|x| x.to_f64()).fold(f64::NEG_INFINITY, f64::max);
    let mut all: Vec<f64> = logits.iter().map(|x| (x.to_f64() - largest).exp()).collect();
    let sum: f64 = all.iter().sum();
    all.iter_mut().for_each(|p| *p /= sum);
    all
}

/// The first of the largest.
pub(crate) fn most_likely(probabilities: &[f64]) -> usize {
    let larger = |best: usize, class: usize| if probabilities[class] > probabilities[best] { class } else { best };
    (0..probabilities.len()).fold(0, larger)
}

/// The cross-entropy of logits with a label, of which a part (`smoothing`) is shared by all classes; its slopes are put in the
/// place of the logits.
pub(crate) fn cross_entropy<R: Number>(logits: &mut [R], label: usize, smoothing: f64) -> f64 {
    let largest = logits.iter().fold(-R::INFINITY, |largest, &x| if x > largest { x } else { largest });
    let (all, right) = (smoothing / logits.len() as f64, 1.0 - smoothing);
    let target = |class: usize| if class == label { right + all } else { all };
    let sum: f64 = logits.iter().map(|&x| (x - largest).to_f64().exp()).sum();
    let mut loss = 0.0;
    for (class, logit) in logits.iter_mut().enumerate() {
        let log = (*logit - largest).to_f64() - sum.ln();
        loss -= target(class) * log;
        *logit = R::from_f64(log.exp() - target(class));
    }
    loss
}

/// `accuracy` and `cross_entropy` of probabilities, `[rows, classes]`, by the labels of the rows.
pub(crate) fn judged(probabilities: &[f64], classes: &[i64], labels: &[i64]) -> [(String, f64); 2] {
    let (mut right, mut entropy) = (0, 0.0);
    for (p, label) in probabilities.chunks_exact(classes.len()).zip(labels) {
        right += usize::from(classes[most_likely(p)] == *label);
        let of_label = classes.iter().position(|class| class == label).map_or(0.0, |class| p[class]);
        entropy -= of_label.max(f64::MIN_POSITIVE).ln();
    }
    let count = labels.len() as f64;
    [("accuracy".into(), right as f64 / count), ("cross_entropy".into(), entropy / count)]
}

/// The most likely class of each row and all probabilities: columns and values of a prediction.
pub(crate) fn told(probabilities: &[f64], classes: &[i64]) -> (Vec<String>, Vec<f64>) {
    let row = |p: &[f64]| [classes[most_likely(p)] as f64].into_iter().chain(p.iter().copied()).collect::<Vec<f64>>();
    let values = probabilities.chunks_exact(classes.len()).flat_map(row).collect();
    let columns = ["label".to_owned()].into_iter().chain((0..classes.len()).map(|class| format!("p_{class}")));
    (columns.collect(), values)
}
