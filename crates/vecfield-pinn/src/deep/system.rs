//! [`DeepSystem`]: all weighted residuals of a deep network, `½ Σ (w r)²`, with their gradient and their Jacobian.
//!
//! What is asked for at the same points is a *sheet*: it has one plan of jets and goes through the network once. Blocks of
//! points go to [`LANES`] lanes in a fixed way, and what lanes add up is added lane by lane: the same bits for any number of
//! threads.

mod block;
mod sheet;

use rayon::prelude::*;
use vecfield_expr::RowRegisters;

use super::BLOCK;
use super::ansatz::Hard;
use super::inputs::Inputs;
use super::network::{Layout, Sink, Tape};
use super::points::Rim;
use super::settings::Architecture;
use crate::formula::Columns;
use crate::problem::Problem;
use block::Block;
use sheet::{Sheet, What};

/// Parts that blocks are dealt to.
const LANES: usize = 8;

/// Weighted residuals over blocks of points. The unknowns are the parameters of the network, then the problem's constants.
pub(crate) struct DeepSystem<'p> {
    pub(crate) problem: &'p Problem,
    pub(crate) layout: Layout,
    inputs: Inputs,
    hard: Vec<Option<Hard>>,
    /// What is asked for inside; of each condition; of measurements of each unknown; and the values alone.
    inside: Sheet,
    conditions: Vec<Option<Sheet>>,
    data: Vec<Sheet>,
    values: Sheet,
    condition_weight: f64,
    blocks: Vec<(Which, Block)>,
    lanes: Vec<Lane>,
}

/// A sheet, by its place.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Which {
    Inside,
    Condition(usize),
    Data(usize),
}

/// What one lane needs of memory.
struct Lane {
    tape: Tape,
    work: Work,
    gradient: Vec<f64>,
    cost: f64,
}

/// A block by its place, with where its residuals and its part of the Jacobian go.
type Rows<'a> = (usize, &'a mut [f64], &'a mut [f64]);

/// Numbers of one law at a block.
struct Work {
    constants: Vec<f64>,
    jets: Vec<f64>,
    out: Vec<f64>,
    /// Law by law, over all sheets.
    registers: Vec<RowRegisters<f64>>,
}

impl<'p> DeepSystem<'p> {
    pub(crate) fn new(problem: &'p Problem, architecture: &Architecture, condition_weight: f64) -> Self {
        let mut graph = problem.graph.clone();
        let unknowns = problem.language.unknowns.len();
        let hard: Vec<Option<Hard>> = (0..unknowns).map(|u| Hard::new(problem, &mut graph, u)).collect();
        let inputs = Inputs::new(problem, architecture.harmonics);
        let mut sizes = vec![inputs.len()];
        sizes.extend_from_slice(&architecture.layers);
        sizes.push(unknowns);
        let mut laws = 0;
        let mut sheet = |what: Vec<What>| {
            let sheet = Sheet::new(problem, &mut graph, &hard, what, laws);
            laws += sheet.laws.len();
            sheet
        };
        let inside = sheet((0..problem.equations.len()).map(What::Equation).collect());
        let built_in = built_in(&hard);
        let soft = |at: usize| !built_in.contains(&at);
        let conditions =
            (0..problem.conditions.len()).map(|at| soft(at).then(|| sheet(vec![What::Condition(at)]))).collect();
        let data = (0..unknowns).map(|unknown| sheet(vec![What::Value(unknown)])).collect();
        let values = sheet((0..unknowns).map(What::Value).collect());
        let layout = Layout { sizes, squash: architecture.squash };
        let mut system = Self {
            problem,
            layout,
            inputs,
            hard,
            inside,
            conditions,
            data,
            values,
            condition_weight,
            blocks: vec![],
            lanes: vec![],
        };
        system.lanes = (0..LANES).map(|_| system.lane(laws)).collect();
        system.add_data();
        system
    }

    fn sheets(&self) -> impl Iterator<Item = &Sheet> {
        [&self.inside, &self.values].into_iter().chain(self.conditions.iter().flatten()).chain(&self.data)
    }

    fn lane(&self, laws: usize) -> Lane {
        let most = |of: &dyn Fn(&Sheet) -> usize| self.sheets().map(of).max().unwrap_or(0);
        let law = |of: &dyn Fn(&sheet::Law) -> usize| {
            self.sheets().flat_map(|sheet| &sheet.laws).map(of).max().unwrap_or(0) * BLOCK
        };
        Lane {
            tape: Tape::new(&self.layout, most(&|sheet| sheet.plan.len()), most(&|sheet| sheet.plan.highest())),
            work: Work {
                constants: vec![0.0; self.problem.initial.len() * BLOCK],
                jets: vec![0.0; law(&|law| law.feeds.len())],
                out: vec![0.0; law(&|law| law.outputs)],
                registers: (0..laws).map(|_| RowRegisters::new()).collect(),
            },
            gradient: vec![0.0; self.parameter_count()],
            cost: 0.0,
        }
    }

    /// Parameters of the network and unknown constants.
    pub(crate) fn parameter_count(&self) -> usize {
        self.layout.parameter_count() + self.problem.initial.len()
    }

    /// The conditions that are built into the solution.
    pub(crate) fn built_in(&self) -> Vec<usize> {
        built_in(&self.hard)
    }

    /// Asks at these points from now on.
    pub(crate) fn set_points(&mut self, inside: &Columns, rims: &[Rim]) {
        self.blocks.retain(|(which, _)| matches!(which, Which::Data(_)));
        let weight = 1.0 / (inside[0].len().max(1) as f64).sqrt();
        let blocks = self.cut(&self.inside, inside, &vec![], &[], weight);
        let mut all: Vec<(Which, Block)> = blocks.into_iter().map(|block| (Which::Inside, block)).collect();
        for rim in rims {
            let Some(sheet) = &self.conditions[rim.condition] else { continue };
            let weight = (self.condition_weight / rim.points[0].len() as f64).sqrt();
            let blocks = self.cut(sheet, &rim.points, &rim.normals, &[], weight);
            all.extend(blocks.into_iter().map(|block| (Which::Condition(rim.condition), block)));
        }
        self.blocks.extend(all);
    }

    fn add_data(&mut self) {
        let mut all = Vec::new();
        for observations in &self.problem.data {
            for unknown in 0..self.problem.language.unknowns.len() {
                let values = &observations.values[unknown];
                let rows: Vec<usize> = (0..values.len()).filter(|&row| values[row].is_finite()).collect();
                if rows.is_empty() {
                    continue;
                }
                let points: Columns =
                    observations.points.iter().map(|column| rows.iter().map(|&row| column[row]).collect()).collect();
                let measured: Vec<f64> = rows.iter().map(|&row| values[row]).collect();
                let weight = (self.condition_weight / rows.len() as f64).sqrt();
                let blocks = self.cut(&self.data[unknown], &points, &vec![], &measured, weight);
                all.extend(blocks.into_iter().map(|block| (Which::Data(unknown), block)));
            }
        }
        self.blocks.extend(all);
    }

    fn cut(&self, sheet: &Sheet, points: &Columns, normals: &Columns, measured: &[f64], weight: f64) -> Vec<Block> {
        let rows = points[0].len();
        let part = |from: usize| Block::new(sheet, &self.inputs, [points, normals], measured, from, weight);
        (0..rows).step_by(BLOCK).map(part).collect()
    }

    fn sheet(&self, which: Which) -> &Sheet {
        match which {
            Which::Inside => &self.inside,
            Which::Condition(at) => self.conditions[at].as_ref().unwrap_or(&self.inside),
            Which::Data(unknown) => &self.data[unknown],
        }
    }

    /// `½ Σ (w r)²`; not finite where a residual is not.
    pub(crate) fn cost(&mut self, x: &[f64]) -> f64 {
        self.over_blocks(|system, lane, which, block| {
            let sheet = system.sheet(which);
            lane.tape.forward(&system.layout, &sheet.plan, &x[..system.layout.parameter_count()], &block.features);
            for law in &sheet.laws {
                law.eval(system.problem, &sheet.plan, block, x, &lane.tape.out, &mut lane.work);
                lane.cost += 0.5 * block.weigh(&mut lane.work.out[..BLOCK]);
            }
        });
        self.lanes.iter().map(|lane| lane.cost).sum()
    }

    /// The cost, and its gradient (overwritten).
    pub(crate) fn gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.over_blocks(|system, lane, which, block| {
            let (sheet, n) = (system.sheet(which), system.layout.parameter_count());
            let (network, constants) = lane.gradient.split_at_mut(n);
            lane.tape.forward(&system.layout, &sheet.plan, &x[..n], &block.features);
            let used = system.problem.language.unknowns.len() * sheet.plan.len() * BLOCK;
            lane.tape.out_bar[..used].fill(0.0);
            for law in &sheet.laws {
                law.eval(system.problem, &sheet.plan, block, x, &lane.tape.out, &mut lane.work);
                lane.cost += 0.5 * block.weigh(&mut lane.work.out[..BLOCK]);
                // The cotangent of the residual: w (w r).
                let (residual, slopes) = lane.work.out.split_at_mut(BLOCK);
                residual.iter_mut().zip(&block.weights).for_each(|(r, w)| *r *= w);
                law.pull(&sheet.plan, block, residual, slopes, &mut lane.tape.out_bar);
                let by_constant = slopes[law.feeds.len() * BLOCK..].chunks_exact(BLOCK);
                for (constant, slope) in constants.iter_mut().zip(by_constant) {
                    *constant += vecfield_kernels::dot(residual, slope);
                }
            }
            let mut sink = Sink::Sum(network);
            lane.tape.backward(&system.layout, &sheet.plan, &x[..n], &block.features, &mut sink);
        });
        gradient.fill(0.0);
        for lane in &self.lanes {
            vecfield_kernels::axpy(1.0, &lane.gradient, gradient);
        }
        self.lanes.iter().map(|lane| lane.cost).sum()
    }

    /// Deals the blocks to the lanes, whose sums begin at zero.
    fn over_blocks(&mut self, visit: impl Fn(&Self, &mut Lane, Which, &Block) + Sync) {
        let mut lanes = core::mem::take(&mut self.lanes);
        let system: &Self = self;
        let run = |(at, lane): (usize, &mut Lane)| {
            lane.cost = 0.0;
            lane.gradient.fill(0.0);
            for (which, block) in system.blocks.iter().skip(at).step_by(LANES) {
                visit(system, lane, *which, block);
            }
        };
        if rayon::current_num_threads() > 1 && system.blocks.len() > 1 {
            lanes.par_iter_mut().enumerate().for_each(run);
        } else {
            lanes.iter_mut().enumerate().for_each(run);
        }
        self.lanes = lanes;
    }

    /// How many rows the Jacobian has: a whole block for each law of each block.
    pub(crate) fn row_blocks(&self) -> usize {
        self.blocks.iter().map(|(which, _)| self.sheet(*which).laws.len()).sum()
    }

    /// Weighted residuals, block by block, and the Jacobian `[row block, parameter, point]`; both overwritten.
    pub(crate) fn jacobian(&mut self, x: &[f64], residuals: &mut [f64], jacobian: &mut [f64]) {
        let n = self.parameter_count();
        let mut parts: Vec<Rows<'_>> = Vec::with_capacity(self.blocks.len());
        let (mut residuals, mut jacobian) = (residuals, jacobian);
        for (at, (which, _)) in self.blocks.iter().enumerate() {
            let laws = self.sheet(*which).laws.len();
            let (own_r, rest_r) = residuals.split_at_mut(laws * BLOCK);
            let (own_j, rest_j) = jacobian.split_at_mut(laws * n * BLOCK);
            parts.push((at, own_r, own_j));
            (residuals, jacobian) = (rest_r, rest_j);
        }
        let mut lanes = core::mem::take(&mut self.lanes);
        let system: &Self = self;
        let per = parts.len().div_ceil(LANES).max(1);
        let run = |(lane, parts): (&mut Lane, &mut [Rows<'_>])| {
            for (at, residuals, jacobian) in parts {
                let (which, block) = &system.blocks[*at];
                system.block_rows(lane, system.sheet(*which), block, x, residuals, jacobian);
            }
        };
        lanes.par_iter_mut().zip(parts.par_chunks_mut(per)).for_each(run);
        self.lanes = lanes;
    }

    fn block_rows(
        &self,
        lane: &mut Lane,
        sheet: &Sheet,
        block: &Block,
        x: &[f64],
        residuals: &mut [f64],
        jacobian: &mut [f64],
    ) {
        let (n, all) = (self.layout.parameter_count(), self.parameter_count());
        lane.tape.forward(&self.layout, &sheet.plan, &x[..n], &block.features);
        let parts = residuals.chunks_exact_mut(BLOCK).zip(jacobian.chunks_exact_mut(all * BLOCK));
        for (law, (residuals, jacobian)) in sheet.laws.iter().zip(parts) {
            law.eval(self.problem, &sheet.plan, block, x, &lane.tape.out, &mut lane.work);
            block.weigh(&mut lane.work.out[..BLOCK]);
            residuals.copy_from_slice(&lane.work.out[..BLOCK]);
            lane.tape.out_bar.fill(0.0);
            let slopes = &mut lane.work.out[BLOCK..];
            let (by_jet, by_constant) = slopes.split_at_mut(law.feeds.len() * BLOCK);
            law.pull(&sheet.plan, block, &block.weights, by_jet, &mut lane.tape.out_bar);
            let (network, constants) = jacobian.split_at_mut(n * BLOCK);
            let mut sink = Sink::Points(network);
            lane.tape.backward(&self.layout, &sheet.plan, &x[..n], &block.features, &mut sink);
            for (row, slope) in constants.chunks_exact_mut(BLOCK).zip(by_constant.chunks_exact(BLOCK)) {
                for ((to, slope), weight) in row.iter_mut().zip(slope).zip(&block.weights) {
                    *to = weight * slope;
                }
            }
        }
    }

    /// The equations' residuals at points, `√Σ r²` over the equations.
    pub(crate) fn sizes(&mut self, x: &[f64], points: &Columns) -> Vec<f64> {
        let mut sizes = Vec::with_capacity(points[0].len());
        let mut lane = self.lanes.pop();
        if let Some(lane) = &mut lane {
            let theta = &x[..self.layout.parameter_count()];
            for block in self.cut(&self.inside, points, &vec![], &[], 1.0) {
                lane.tape.forward(&self.layout, &self.inside.plan, theta, &block.features);
                let mut squares = [0.0; BLOCK];
                for law in &self.inside.laws {
                    law.eval(self.problem, &self.inside.plan, &block, x, &lane.tape.out, &mut lane.work);
                    squares.iter_mut().zip(&lane.work.out).for_each(|(sum, r)| *sum += r * r);
                }
                sizes.extend(squares[..block.count].iter().map(|sum| sum.sqrt()));
            }
        }
        self.lanes.extend(lane);
        sizes
    }

    /// The unknowns at points.
    pub(crate) fn values(&self, x: &[f64], points: &Columns) -> Columns {
        let theta = &x[..self.layout.parameter_count()];
        let mut tape = Tape::new(&self.layout, self.values.plan.len(), self.values.plan.highest());
        let mut jets = vec![0.0; BLOCK];
        let mut values: Columns = vec![Vec::with_capacity(points[0].len()); self.values.laws.len()];
        for block in self.cut(&self.values, points, &vec![], &[], 1.0) {
            tape.forward(&self.layout, &self.values.plan, theta, &block.features);
            for (law, values) in self.values.laws.iter().zip(&mut values) {
                law.push(&self.values.plan, &block, &tape.out, &mut jets);
                values.extend_from_slice(&jets[..block.count]);
            }
        }
        values
    }
}

/// The conditions that parts of the solution have built in.
fn built_in(hard: &[Option<Hard>]) -> Vec<usize> {
    hard.iter().flatten().flat_map(|hard| hard.conditions.clone()).collect()
}
