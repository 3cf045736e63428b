//! The model while it is trained: what points cost.

use vecfield_adjoint::{AdjointError, BatchAdjoint};
use vecfield_nn::{AnyLayer, Checkpoint, Layer, Memory, Network, Order, Tensor};
use vecfield_solvers::batch::BatchMember;
use vecfield_solvers::tableau::Tableau;
use vecfield_solvers::{SolveError, Tolerance};

use super::MATCHING;
use super::field::{ALONG, Density};
use super::points;
use crate::chance::{self, HALF_LOG_TAU};
use crate::data::{Data, missing};
use crate::error::{NdeError, SettingError};
use crate::model::{Cost, Model, Number, Pass, Work};
use crate::points::Standard;
use crate::settings::{Settings, Solver, Trace};

/// A flow with the points it is to explain.
#[derive(Debug, Clone)]
pub struct Flows<R> {
    network: Network<AnyLayer, R>,
    solver: Solver,
    tableau: &'static Tableau,
    standard: Standard,
    columns: Vec<String>,
    /// `[samples, dim]`, in units of `standard`.
    points: Vec<R>,
    trace: Trace,
    /// The part of a training that compares rates.
    matching: f64,
    /// The weights of `∫ |f|² dt` and of `∫ |∂f/∂z|² dt`.
    kinetic: f64,
    jacobian: f64,
}

/// Memory of a [`Flows`] for a chunk.
pub struct FlowsMemory<R: Number> {
    adjoint: BatchAdjoint<R>,
    network: Memory<R>,
    starts: Vec<R>,
    probes: Vec<R>,
    still: Vec<R>,
    bars: Vec<R>,
    start_bar: Vec<R>,
    inputs: Vec<R>,
    rates: Vec<R>,
    target: Vec<R>,
    input_bar: Vec<R>,
}

impl<R: Number> Flows<R> {
    /// The model that `settings` describe, at parameters drawn from `seed`, with the points of `data`.
    ///
    /// # Errors
    ///
    /// Data of another kind or without a point; a network whose layers do not carry derivatives, a method that is not explicit.
    pub fn prepare(settings: &Settings, data: &Data, seed: u64) -> Result<Flows<R>, NdeError> {
        let rows = data.rows(settings.model.kind)?;
        let dim = rows.width();
        if let Some((row, column)) = missing(rows) {
            let what = format!("the cell of column `{column}` in row {row} is empty");
            return Err(NdeError::NothingToLearn {
                what,
                remedy: "a point has all its numbers: fill the row, or leave it out",
            });
        }
        let standard = if settings.model.normalise() { Standard::of(rows) } else { Standard::none(dim) };
        let layer = settings.network(dim + 1, dim)?;
        if layer.sees_time() || layer.jet_tape_len(1, Order { directions: 1, seconds: 0 }).is_none() {
            let reason = "the flow's network sees the time anyway; leave `time` out".into();
            return Err(SettingError::Rejected { key: "field.time", reason }.into());
        }
        let mut network = Network::initialised(layer, settings.initialiser(), &mut chance::parameters(seed))?;
        settings.begin(&mut network, 1.0);
        let (solver, tableau) = settings.explicit()?;
        let standardised = rows.values().chunks_exact(dim).flat_map(|row| standard.units(row).map(R::from_f64));
        let points = standardised.collect();
        let (columns, model) = (rows.columns().to_vec(), &settings.model);
        let flows = Flows {
            network,
            solver,
            tableau,
            columns,
            points,
            trace: model.trace.unwrap_or(if dim <= EXACT { Trace::Exact } else { Trace::Hutchinson }),
            matching: model.matching.unwrap_or(MATCHING),
            kinetic: model.kinetic.unwrap_or(0.0),
            jacobian: model.jacobian.unwrap_or(0.0),
            standard,
        };
        flows.adjoint()?;
        Ok(flows)
    }

    fn dim(&self) -> usize {
        self.columns.len()
    }

    fn adjoint(&self) -> Result<BatchAdjoint<R>, SolveError> {
        let mut options = self.solver.options(1.0);
        // What is integrated for the sake of smooth ways alone need not be exact.
        let free = |weight: f64| R::from_f64(if weight > 0.0 { self.solver.atol.max(1e-2) } else { 1e6 });
        let own = core::iter::repeat_n(R::from_f64(self.solver.atol), self.dim() + 1);
        options.atol = Tolerance::Each(own.chain([free(self.kinetic), free(self.jacobian)]).collect());
        BatchAdjoint::new(self.tableau, self.dim() + ALONG, &options, self.solver.budget)
    }

    fn point(&self, sample: usize) -> &[R] {
        &self.points[sample * self.dim()..][..self.dim()]
    }

    /// What the network's rates miss of straight ways from normal points, one for each sample, at a time each.
    fn mismatch(&self, samples: &[usize], draw: u64, gradient: &mut [R], memory: &mut FlowsMemory<R>) -> Cost {
        let (dim, rows) = (self.dim(), samples.len());
        let FlowsMemory { network, inputs, rates, target, input_bar, .. } = memory;
        inputs.clear();
        target.clear();
        for &sample in samples {
            let mut random = chance::of_sample(draw, sample);
            let t = random.uniform();
            for &end in self.point(sample) {
                let start = R::from_f64(random.normal());
                inputs.push(start + R::from_f64(t) * (end - start));
                target.push(end - start);
            }
            inputs.push(R::from_f64(t));
        }
        rates.resize(rows * dim, R::zero());
        self.network.record(rows, R::zero(), inputs, rates, network);
        let mut loss = 0.0;
        for (rate, &target) in rates.iter_mut().zip(&*target) {
            let miss = *rate - target;
            loss += miss.to_f64() * miss.to_f64();
            *rate = miss + miss;
        }
        if !gradient.is_empty() {
            input_bar.resize(inputs.len(), R::zero());
            self.network.pull_back(rows, R::zero(), inputs, rates, input_bar, gradient, network);
        }
        let work = Work { forward: rows as u64, backward: rows as u64, ..Work::default() };
        Cost { loss, shown: loss, good: rows, failed: vec![], work }
    }

    /// `-ln p` of the samples, with the costs of motion.
    fn likelihood(&self, samples: &[usize], draw: u64, gradient: &mut [R], memory: &mut FlowsMemory<R>) -> Cost {
        let (dim, width) = (self.dim(), self.dim() + ALONG);
        let FlowsMemory { adjoint, starts, probes, still, bars, start_bar, .. } = memory;
        starts.clear();
        for &sample in samples {
            starts.extend_from_slice(self.point(sample));
            starts.extend([R::zero(); ALONG]);
        }
        points::probe(self.trace, dim, draw, samples, probes);
        still.clear();
        still.resize(self.trace.probes(dim), R::zero());
        let field = Density::new(&self.network, probes, still);
        let member = |y0| BatchMember { span: (R::one(), R::zero()), y0, save: &[] };
        let members: Vec<BatchMember<'_, R>> = starts.chunks_exact(width).map(member).collect();
        adjoint.solve(&field, &members);
        let mut cost = Cost::default();
        bars.clear();
        bars.resize(starts.len(), R::zero());
        for (problem, (&sample, bar)) in samples.iter().zip(bars.chunks_exact_mut(width)).enumerate() {
            let outcome = &adjoint.outcomes()[problem];
            cost.work.add(Work::of(&outcome.stats));
            if let Err(error) = &outcome.ending {
                cost.failed.push((sample, AdjointError::Solve(error.clone())));
                continue;
            }
            let end = &adjoint.states()[adjoint.range(problem)];
            let along = |i: usize| end[dim + i].to_f64();
            let base: f64 = end[..dim].iter().map(|z| 0.5 * z.to_f64() * z.to_f64()).sum();
            let nll = base + dim as f64 * HALF_LOG_TAU - along(0);
            // The way is integrated backwards.
            cost.loss += nll - self.kinetic * along(1) - self.jacobian * along(2);
            cost.shown += nll + self.standard.log_scale();
            cost.good += 1;
            bar[..dim].copy_from_slice(&end[..dim]);
            bar[dim..].copy_from_slice(&[1.0, self.kinetic, self.jacobian].map(|weight| R::from_f64(-weight)));
        }
        if !gradient.is_empty() {
            start_bar.resize(starts.len(), R::zero());
            let pulled = adjoint.pull_back(&field, bars, start_bar, gradient);
            cost.work.backward += pulled.expect("as many cotangents as states");
        }
        cost
    }
}

/// Traces of no more dimensions are exact, unless said.
const EXACT: usize = 4;

impl<R: Number> Model<R> for Flows<R> {
    type Memory = FlowsMemory<R>;

    fn tensors(&self) -> Vec<Tensor> {
        self.network.layer().tensors()
    }

    fn parameters(&self) -> Vec<R> {
        self.network.theta().to_vec()
    }

    fn set_parameters(&mut self, theta: &[R]) {
        self.network.update(|own| own.copy_from_slice(theta));
    }

    fn samples(&self) -> usize {
        self.points.len() / self.dim()
    }

    fn chunk(&self) -> usize {
        64
    }

    fn memory(&self) -> FlowsMemory<R> {
        let nothing = Vec::new;
        FlowsMemory {
            adjoint: self.adjoint().expect("`prepare` has made one"),
            network: self.network.memory(self.chunk()),
            starts: nothing(),
            probes: nothing(),
            still: nothing(),
            bars: nothing(),
            start_bar: nothing(),
            inputs: nothing(),
            rates: nothing(),
            target: nothing(),
            input_bar: nothing(),
        }
    }

    fn cost(&self, samples: &[usize], pass: &Pass, gradient: &mut [R], memory: &mut FlowsMemory<R>) -> Cost {
        match pass.draw {
            Some(draw) if (pass.step as f64) < self.matching * pass.steps as f64 => {
                self.mismatch(samples, draw, gradient, memory)
            }
            draw => self.likelihood(samples, draw.unwrap_or(0), gradient, memory),
        }
    }

    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        let network = Network::new(self.network.layer().clone(), theta.to_vec())?;
        checkpoint.put_network("field", &network)?;
        checkpoint.note("standard", &self.standard)?;
        checkpoint.note("columns", &self.columns)?;
        Ok(())
    }
}
