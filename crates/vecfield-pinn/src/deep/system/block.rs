//! [`Block`]: the points that go through the network together, with all that depends on them alone.

use super::super::BLOCK;
use super::super::inputs::Inputs;
use super::sheet::Sheet;
use crate::formula::Columns;

/// Points of a sheet. Where there are fewer than [`BLOCK`], the first is repeated without weight.
pub(super) struct Block {
    pub(super) count: usize,
    /// Coordinates, then normals: `[coordinate, point]`.
    pub(super) around: Vec<f64>,
    /// The inputs of the network, `[input, jet, point]`.
    pub(super) features: Vec<f64>,
    /// The sheet's shapes, `[shape, point]`.
    shapes: Vec<f64>,
    /// What is measured there.
    pub(super) measured: Vec<f64>,
    /// What each residual is multiplied by.
    pub(super) weights: Vec<f64>,
}

impl Block {
    pub(super) fn new(
        sheet: &Sheet,
        inputs: &Inputs,
        [points, normals]: [&Columns; 2],
        measured: &[f64],
        from: usize,
        weight: f64,
    ) -> Self {
        let count = (points[0].len() - from).min(BLOCK);
        let row = |p: usize| if p < count { from + p } else { from };
        let mut around: Vec<f64> = points.iter().flat_map(|column| (0..BLOCK).map(|p| column[row(p)])).collect();
        let features = inputs.at(&sheet.plan, &around);
        let shapes = sheet.shapes.as_ref().map_or(vec![], |program| {
            let mut shapes = vec![0.0; program.output_count() * BLOCK];
            program.eval_stacked([&around], BLOCK, &mut shapes, &mut program.row_registers());
            shapes
        });
        match normals.is_empty() {
            true => around.resize(2 * around.len(), 0.0),
            false => around.extend(normals.iter().flat_map(|column| (0..BLOCK).map(|p| column[row(p)]))),
        }
        let measured = (0..BLOCK).map(|p| measured.get(row(p)).copied().unwrap_or(0.0)).collect();
        let weights = (0..BLOCK).map(|p| if p < count { weight } else { 0.0 }).collect();
        Self { count, around, features, shapes, measured, weights }
    }

    pub(super) fn shape(&self, at: usize) -> &[f64; BLOCK] {
        &self.shapes.as_chunks::<BLOCK>().0[at]
    }

    /// Multiplies residuals by their weights; gives the sum of squares.
    pub(super) fn weigh(&self, residual: &mut [f64]) -> f64 {
        residual.iter_mut().zip(&self.weights).for_each(|(r, w)| *r *= w);
        vecfield_kernels::dot(residual, residual)
    }
}
