//! A formula with open numbers, and those numbers fitted by Levenberg–Marquardt through all rows.

use vecfield_expr::{ExprId, Graph, Program, Registers};
use vecfield_optim::{Infeasible, LeastSquares, LevenbergMarquardt, Options};

/// The rows of a search: variables row by row, and the target.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) names: Vec<String>,
    /// `[rows, variables]`.
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    /// The roots of the weights.
    pub(crate) scale: Vec<f64>,
}

/// The name of an open number in a graph: no name of a user's column has a space.
pub(crate) fn open(index: usize) -> String {
    format!("constant {index}")
}

/// A formula whose numbers `open(0)..` have these values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) formula: ExprId,
    pub(crate) constants: Vec<f64>,
}

impl Candidate {
    /// The formula with its numbers written out, simplified.
    pub(crate) fn closed(&self, graph: &mut Graph) -> ExprId {
        let replaced: Vec<_> = (self.constants.iter().enumerate())
            .map(|(i, &value)| (graph.symbol(&open(i)), graph.constant(value)))
            .collect();
        let closed = graph.substitute(self.formula, &replaced);
        graph.simplify(closed)
    }

    /// The weighted sum of squared errors; infinite where the formula is no number.
    pub(crate) fn error(&self, graph: &mut Graph, rows: &Rows) -> f64 {
        let Some(mut fit) = Fit::of(graph, self, rows, &[]) else { return f64::INFINITY };
        let mut residuals = vec![0.0; rows.y.len()];
        match fit.residuals(&[], &mut residuals) {
            Ok(()) => residuals.iter().map(|r| r * r).sum(),
            Err(Infeasible) => f64::INFINITY,
        }
    }

    /// Fits the numbers that `free` names, the others held; the weighted sum of squared errors, infinite where nothing fits.
    pub(crate) fn fit(&mut self, graph: &mut Graph, rows: &Rows, free: &[usize], iterations: usize) -> f64 {
        if free.is_empty() {
            return self.error(graph, rows);
        }
        let Some(mut problem) = Fit::of(graph, self, rows, free) else { return f64::INFINITY };
        let options = Options {
            iterations,
            step_tolerance: 1e-14,
            cost_tolerance: 1e-15,
            gradient_tolerance: 1e-14,
            ..Options::default()
        };
        let mut x: Vec<f64> = free.iter().map(|&i| self.constants[i]).collect();
        let Ok(summary) = LevenbergMarquardt::new(options).minimize(&mut problem, &mut x) else { return f64::INFINITY };
        free.iter().zip(&x).for_each(|(&i, &value)| self.constants[i] = value);
        2.0 * summary.cost
    }
}

/// Residuals of a candidate by its free numbers.
struct Fit<'a> {
    rows: &'a Rows,
    program: Program,
    slopes: Program,
    registers: Registers<f64>,
    free: &'a [usize],
    /// A row's variables, then all numbers.
    inputs: Vec<f64>,
    outputs: Vec<f64>,
}

impl<'a> Fit<'a> {
    fn of(graph: &mut Graph, candidate: &Candidate, rows: &'a Rows, free: &'a [usize]) -> Option<Fit<'a>> {
        let count = candidate.constants.len();
        let names: Vec<String> = rows.names.iter().cloned().chain((0..count).map(open)).collect();
        let mut outputs = vec![candidate.formula];
        for &i in free {
            let slope = graph.derivative(candidate.formula, &open(i));
            outputs.push(graph.simplify(slope));
        }
        let program = Program::compile(graph, &outputs[..1], &names).ok()?;
        let slopes = Program::compile(graph, &outputs, &names).ok()?;
        let mut inputs = vec![0.0; names.len()];
        inputs[rows.names.len()..].copy_from_slice(&candidate.constants);
        Some(Fit {
            rows,
            program,
            slopes,
            registers: Registers::new(),
            free,
            inputs,
            outputs: vec![0.0; outputs.len()],
        })
    }

    fn set(&mut self, x: &[f64]) {
        let width = self.rows.names.len();
        self.free.iter().zip(x).for_each(|(&i, &value)| self.inputs[width + i] = value);
    }
}

impl LeastSquares for Fit<'_> {
    fn parameter_count(&self) -> usize {
        self.free.len()
    }

    fn residual_count(&self) -> usize {
        self.rows.y.len()
    }

    fn residuals(&mut self, x: &[f64], r: &mut [f64]) -> Result<(), Infeasible> {
        self.set(x);
        let width = self.rows.names.len();
        let rows = self.rows.x.chunks_exact(width).zip(&self.rows.y).zip(&self.rows.scale);
        for (((row, &y), &scale), r) in rows.zip(r) {
            self.inputs[..width].copy_from_slice(row);
            self.program.eval(&self.inputs, &mut self.outputs[..1], &mut self.registers);
            *r = scale * (self.outputs[0] - y);
            if !r.is_finite() {
                return Err(Infeasible);
            }
        }
        Ok(())
    }

    fn jacobian(&mut self, x: &[f64], r: &mut [f64], jacobian: &mut [f64]) -> Result<(), Infeasible> {
        self.set(x);
        let width = self.rows.names.len();
        let rows = self.rows.x.chunks_exact(width).zip(&self.rows.y).zip(&self.rows.scale);
        for ((((row, &y), &scale), r), slopes) in rows.zip(r).zip(jacobian.chunks_exact_mut(self.free.len())) {
            self.inputs[..width].copy_from_slice(row);
            self.slopes.eval(&self.inputs, &mut self.outputs, &mut self.registers);
            *r = scale * (self.outputs[0] - y);
            slopes.iter_mut().zip(&self.outputs[1..]).for_each(|(slope, output)| *slope = scale * output);
            if !(r.is_finite() && slopes.iter().all(|slope| slope.is_finite())) {
                return Err(Infeasible);
            }
        }
        Ok(())
    }
}
