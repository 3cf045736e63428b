//! Axis ticks at round numbers: multiples of 1, 2, 2.5 or 5 times a power of ten (Heckbert, *Nice numbers for graph
//! labels*, Graphics Gems, 1990; 25, 250, … added because quarters read well too).

use crate::number::{fixed, superscript};

/// Values beyond this are drawn as gaps: differences of larger ones overflow.
pub(crate) const LARGEST: f64 = 1e300;

/// Round values, evenly spaced, that cover a range.
///
/// ```
/// use vecfield_plot::Ticks;
/// let ticks = Ticks::covering(3.2, 77.4, 4);
/// assert_eq!(ticks.values(), [0.0, 20.0, 40.0, 60.0, 80.0]);
/// assert_eq!(ticks.label(20.0), "20");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Ticks {
    values: Vec<f64>,
    step: f64,
}

impl Ticks {
    /// About `count` intervals (1 to 20) that cover `low..=high`: the first tick is at or below `low`, the last at or
    /// above `high`. The ends may come in either order; a range that is empty, not finite or too narrow to resolve is widened first.
    pub fn covering(low: f64, high: f64, count: usize) -> Self {
        let (low, high) = widened(low, high);
        let step = nice_step((high - low) / count.clamp(1, 20) as f64);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        // Multiples of the step, not repeated addition: rounding would accumulate and 0.30000000000000004 be labelled.
        let values = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
        Self { values, step }
    }

    /// The ticks, increasing.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The distance between neighbours.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// A tick as text, with as many decimals as the step needs and no more.
    pub fn label(&self, value: f64) -> String {
        let largest = self.values.iter().fold(self.step, |largest, v| largest.max(v.abs()));
        let exponent = largest.log10().floor() as i32;
        if !(-3..6).contains(&exponent) {
            if value == 0.0 {
                return "0".into();
            }
            let power = 10_f64.powi(exponent);
            let decimals = decimals_of(self.step / power);
            let mantissa = fixed(value / power, decimals);
            return match mantissa.as_str() {
                "1" => format!("10{}", superscript(exponent)),
                "−1" => format!("−10{}", superscript(exponent)),
                _ => format!("{mantissa}·10{}", superscript(exponent)),
            };
        }
        fixed(value, decimals_of(self.step))
    }
}

/// A range with finite ends and a positive, resolvable width that holds the one given.
pub(crate) fn widened(low: f64, high: f64) -> (f64, f64) {
    if !low.is_finite() || !high.is_finite() {
        return (0.0, 1.0);
    }
    let (low, high) = if low <= high { (low, high) } else { (high, low) };
    let (low, high) = (low.clamp(-LARGEST, LARGEST), high.clamp(-LARGEST, LARGEST));
    let magnitude = low.abs().max(high.abs());
    // Nine digits of a label are more than an axis can show.
    if high - low > 1e-9 * magnitude && high - low > 1e-290 {
        return (low, high);
    }
    let half = if magnitude > 1e-280 { 0.1 * magnitude } else { 1.0 };
    (low - half, high + half)
}

/// The round number nearest in ratio: 1, 2, 2.5, 5 or 10 times a power of ten.
fn nice_step(raw: f64) -> f64 {
    let power = 10_f64.powi(raw.log10().floor() as i32);
    let away = |nice: &f64| (raw / power / nice).ln().abs();
    // 25 and 250 read well; 2.5 would put a decimal on every label.
    let quarter = if power >= 10.0 { 2.5 } else { 2.0 };
    let nice = [1.0, 2.0, quarter, 5.0, 10.0].into_iter().min_by(|a, b| away(a).total_cmp(&away(b)));
    nice.unwrap_or(1.0) * power
}

/// Decimals that show a nice step exactly.
fn decimals_of(step: f64) -> usize {
    let exponent = (step.log10() + 1e-9).floor() as i32;
    let fraction = step / 10_f64.powi(exponent);
    let half = i32::from((fraction - 2.5).abs() < 1e-6);
    (half - exponent).clamp(0, 12) as usize
}
