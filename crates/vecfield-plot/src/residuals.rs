//! What the model leaves: over time, and against the normal distribution.

use crate::figure::{Entry, Figure, Swatch, WIDTH, beside_stack};
use crate::panel::{Layer, Marker, Panel, Stroke};
use crate::series::{Band, Series, Variable};
use crate::theme::Tone;
use crate::trajectory::{names, panel_height};

/// The height of a panel of residuals, as a share of one of data.
const SHARE: f64 = 0.75;

/// Residuals on the scale of the noise model.
#[derive(Debug, Clone, PartialEq)]
pub struct Residuals {
    /// Their scale, as an axis names it: `measured − model`, `log(measured / model)`.
    pub kind: String,
    /// `(t, residual)` of each variable of the report, trajectories one after the other.
    pub variables: Vec<Series>,
}

impl Residuals {
    /// Residuals of every variable, in the report's order.
    pub fn new(kind: impl Into<String>, variables: Vec<Series>) -> Self {
        Self { kind: kind.into(), variables }
    }

    /// One panel a variable: residuals as stems from zero, with two standard deviations either side.
    pub fn over_time(&self, time: &Variable, variables: &[Variable]) -> Figure {
        let panel = |(i, (series, variable)): (usize, (&Series, &Variable))| {
            let tone = Tone::Variable(i);
            let two_sigma = 2.0 * deviation(series);
            let mut layers = vec![Layer::Level(0.0, Stroke::Thin)];
            if two_sigma > 0.0 {
                layers.extend([two_sigma, -two_sigma].map(|level| Layer::Level(level, Stroke::Dashed)));
            }
            layers.push(Layer::Stems(series.clone(), tone));
            Panel::new(time.clone(), Variable::new(format!("{}: {}", variable.name, self.kind)), layers).coloured(tone)
        };
        let panels: Vec<_> = self.variables.iter().zip(variables).enumerate().map(panel).collect();
        let legend = vec![Entry::new(Swatch::Dashed, Tone::Muted, "two standard deviations")];
        let described: Vec<_> = self
            .variables
            .iter()
            .zip(variables)
            .map(|(series, variable)| {
                let correlation = autocorrelation(series).map_or("not defined".into(), |r| crate::significant(r, 2));
                format!(
                    "{}: standard deviation {}, lag-one autocorrelation {correlation}",
                    variable.name,
                    crate::significant(deviation(series), 3)
                )
            })
            .collect();
        let title = format!("Residuals of {} over {}", names(variables), time.name);
        Figure::stack(title, described.join("; ") + ".", legend, panels, WIDTH, SHARE * panel_height(variables.len()))
    }

    /// Ordered residuals, each variable in its own standard deviations, against the quantiles of a normal distribution. Points
    /// within the band are what normal noise would give (pointwise 95 %, from the variance of order statistics).
    pub fn quantiles(&self, variables: &[Variable]) -> Figure {
        let mut layers = Vec::new();
        let smallest = self.variables.iter().map(|series| series.finite().count()).filter(|&n| n > 2).min();
        if let Some(n) = smallest {
            layers.push(Layer::Band(envelope(n), Tone::Muted));
        }
        layers.push(Layer::Diagonal);
        let markers = [Marker::Dot, Marker::Ring];
        let mut legend = Vec::new();
        for (i, (series, variable)) in self.variables.iter().zip(variables).enumerate() {
            layers.push(Layer::Points(ordered(series), Tone::Variable(i), markers[i % 2]));
            legend.push(Entry::new([Swatch::Dot, Swatch::Ring][i % 2], Tone::Variable(i), variable.name.clone()));
        }
        if smallest.is_some() {
            legend.push(Entry::new(Swatch::Band, Tone::Ink, "95 % of normal noise"));
        }
        let panel = Panel::new(Variable::new("normal quantile"), Variable::new("standardised residual"), layers)
            .when_empty("too few residuals to order");
        let title = "Residuals against the normal distribution";
        let description =
            "Ordered standardised residuals against normal quantiles; on the diagonal the noise is normal.";
        let height = beside_stack(variables.len(), SHARE * panel_height(variables.len())).clamp(200.0, 360.0);
        Figure::grid(title, description, legend, vec![panel], 1, WIDTH, height)
    }
}

/// Root mean square about the mean.
pub(crate) fn deviation(series: &Series) -> f64 {
    let values: Vec<f64> = series.finite().map(|p| p[1]).collect();
    let n = values.len() as f64;
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

/// Correlation of each residual with the next, about zero.
pub(crate) fn autocorrelation(series: &Series) -> Option<f64> {
    let values: Vec<f64> = series.finite().map(|p| p[1]).collect();
    let power: f64 = values.iter().map(|v| v * v).sum();
    (values.len() > 3 && power > 0.0).then(|| values.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / power)
}

/// Blom's plotting positions `(i − 3/8)/(n + 1/4)` (Blom 1958), as normal quantiles, against the ordered residuals.
fn ordered(series: &Series) -> Series {
    let mut values: Vec<f64> = series.finite().map(|p| p[1]).collect();
    values.sort_by(f64::total_cmp);
    let (n, sigma) = (values.len(), deviation(series));
    if sigma <= 0.0 {
        return Series::default();
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    values.iter().enumerate().map(|(i, value)| [normal_quantile(position(i, n)), (value - mean) / sigma]).collect()
}

fn position(i: usize, n: usize) -> f64 {
    (i as f64 + 0.625) / (n as f64 + 0.25)
}

/// `z ± 1.96 √(p(1−p)/n) / φ(z)`: the asymptotic spread of an order statistic.
fn envelope(n: usize) -> Band {
    let rows: Vec<[f64; 3]> = (0..=60)
        .map(|k| {
            let p = position(0, n) + (1.0 - 2.0 * position(0, n)) * f64::from(k) / 60.0;
            let z = normal_quantile(p);
            let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let spread = 1.96 * (p * (1.0 - p) / n as f64).sqrt() / density;
            [z, z - spread, z + spread]
        })
        .collect();
    let column = |k: usize| rows.iter().map(|row| row[k]).collect::<Vec<_>>();
    Band::new("95 % of normal noise", &column(0), &column(1), &column(2)).expect("the columns come from the same rows")
}

/// The inverse of the normal distribution function (P. J. Acklam's rational approximation, relative error below 1.2e-9).
fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 6] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 5] = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1.0];
    let horner = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    if p < 0.02425 {
        let q = (-2.0 * p.ln()).sqrt();
        horner(&C, q) / horner(&D, q)
    } else if p > 1.0 - 0.02425 {
        -normal_quantile(1.0 - p)
    } else {
        let q = p - 0.5;
        let r = q * q;
        q * horner(&A, r) / horner(&B, r)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table values of the normal distribution (Abramowitz and Stegun 1964, Table 26.5), and the symmetry of its quantiles.
    #[test]
    fn normal_quantiles() {
        for (p, z) in
            [(0.5, 0.0), (0.75, 0.674_489_750), (0.975, 1.959_963_985), (0.99, 2.326_347_874), (0.999, 3.090_232_306)]
        {
            assert!((normal_quantile(p) - z).abs() < 1e-8, "{p}: {}", normal_quantile(p));
            assert!((normal_quantile(1.0 - p) + z).abs() < 1e-8);
        }
    }
}
