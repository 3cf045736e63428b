//! Integrals and values elsewhere, at a field: `∫_a^b body(x, s, u(x), u(s)) ds` with its slopes by all coefficients.
//!
//! Gauss–Legendre quadrature, element by element where the domain is an interval, so that the integrand is smooth on each piece.

use vecfield_expr::Program;

use crate::formula::{Columns, Integral};
use crate::language::Jet;
use crate::mesh::Field;

/// An integral at some points, and its slopes by the coefficients of the field.
pub(crate) struct Remote {
    pub(crate) values: Vec<f64>,
    slopes: Vec<f64>,
    width: usize,
}

impl Remote {
    /// The slopes of the value at a point, `[all coefficients]`.
    pub(crate) fn row(&self, point: usize) -> &[f64] {
        &self.slopes[point * self.width..(point + 1) * self.width]
    }
}

/// Evaluates an integral at every point.
pub(crate) fn evaluate(integral: &Integral, points: &Columns, constants: &[f64], field: &Field) -> Remote {
    let (rows, width, dims) = (points[0].len(), field.coefficients.len(), points.len());
    let mut remote = Remote { values: vec![0.0; rows], slopes: vec![0.0; rows * width], width };
    let (nodes, weights) = gauss_legendre(field.mesh.features.degrees.iter().max().copied().unwrap_or(1) + 12);
    let mut around = vec![0.0; dims + 1];
    for i in 0..rows {
        points.iter().zip(&mut around).for_each(|(column, x)| *x = column[i]);
        let here: Vec<Seen> = integral.here.iter().map(|jet| Seen::at(field, jet, &around[..dims])).collect();
        let mut add = |s: f64, weight: f64| {
            around[dims] = s;
            let places = run(&integral.places, &around);
            let there: Vec<Seen> = (integral.there.iter().zip(places.chunks_exact(dims)))
                .map(|(jet, place)| Seen::at(field, jet, place))
                .collect();
            let mut inputs = around.clone();
            inputs.extend_from_slice(constants);
            inputs.extend(here.iter().chain(&there).map(|seen| seen.value));
            let body = run(&integral.body, &inputs);
            remote.values[i] += weight * body[0];
            let slopes = &mut remote.slopes[i * width..(i + 1) * width];
            for (seen, slope) in here.iter().chain(&there).zip(&body[1..]) {
                let part = &mut slopes[seen.begin..seen.begin + seen.features.len()];
                vecfield_kernels::axpy(weight * slope, &seen.features, part);
            }
        };
        let Some(bounds) = &integral.bounds else {
            add(0.0, 1.0);
            continue;
        };
        let mut inputs: Vec<f64> = points.iter().map(|column| column[i]).collect();
        inputs.extend_from_slice(constants);
        let ends = run(bounds, &inputs);
        for (a, b) in pieces(ends[0], ends[1], field) {
            for (node, weight) in nodes.iter().zip(&weights) {
                add(0.5 * (a + b) + 0.5 * (b - a) * node, 0.5 * (b - a) * weight);
            }
        }
    }
    remote
}

/// A jet at one point with its slopes by the coefficients of one element and unknown.
struct Seen {
    value: f64,
    begin: usize,
    features: Vec<f64>,
}

impl Seen {
    fn at(field: &Field, jet: &Jet, place: &[f64]) -> Self {
        let mesh = &field.mesh;
        let element = mesh.element_of(place[mesh.chain]);
        let columns: Columns = place.iter().map(|&x| vec![x]).collect();
        let mut features = mesh.features.table(&mesh.reference(element, &columns, 0), &jet.order);
        let scale = mesh.scale(element, &jet.order);
        features.iter_mut().for_each(|f| *f *= scale);
        let part = field.part(element, jet.unknown);
        Self { value: vecfield_kernels::dot(&features, &field.coefficients[part.clone()]), begin: part.start, features }
    }
}

/// The interval cut where elements meet.
fn pieces(a: f64, b: f64, field: &Field) -> Vec<(f64, f64)> {
    let mesh = &field.mesh;
    let mut cuts = vec![a];
    if mesh.dims() == 1 {
        let (low, high) = (a.min(b), a.max(b));
        let mut inner: Vec<f64> = mesh.breaks.iter().copied().filter(|&x| low < x && x < high).collect();
        if a > b {
            inner.reverse();
        }
        cuts.extend(inner);
    }
    cuts.push(b);
    cuts.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

fn run(program: &Program, inputs: &[f64]) -> Vec<f64> {
    let mut outputs = vec![0.0; program.output_count()];
    program.eval(inputs, &mut outputs, &mut program.registers());
    outputs
}

/// Nodes and weights of Gauss–Legendre quadrature on `[-1, 1]`, by Newton's method on the Legendre polynomial.
pub(crate) fn gauss_legendre(n: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut nodes, mut weights) = (vec![0.0; n], vec![0.0; n]);
    for i in 0..n {
        let mut x = -(core::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..20 {
            let (mut p0, mut p1) = (1.0, x);
            for k in 2..=n {
                let k = k as f64;
                (p0, p1) = (p1, ((2.0 * k - 1.0) * x * p1 - (k - 1.0) * p0) / k);
            }
            slope = n as f64 * (x * p1 - p0) / (x * x - 1.0);
            let step = p1 / slope;
            x -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        nodes[i] = x;
        weights[i] = 2.0 / ((1.0 - x * x) * slope * slope);
    }
    (nodes, weights)
}
