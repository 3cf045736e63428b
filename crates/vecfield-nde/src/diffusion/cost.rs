//! The model while it is trained: how far a network is from what noise was put on points.

use vecfield_nn::{AnyLayer, Checkpoint, Layer, Memory, Network, Order, Tensor};

use super::noise::{Process, angle};
use crate::chance;
use crate::data::{Data, missing};
use crate::error::{NdeError, SettingError};
use crate::model::{Cost, Model, Number, Pass, Work};
use crate::points::Standard;
use crate::settings::Settings;

/// A network with the points that noise is put on.
#[derive(Debug, Clone)]
pub struct Diffusion<R> {
    network: Network<AnyLayer, R>,
    process: Process,
    standard: Standard,
    columns: Vec<String>,
    /// `[samples, dim]`, in units of `standard`.
    points: Vec<R>,
}

/// Memory of a [`Diffusion`] for a chunk.
pub struct DiffusionMemory<R> {
    network: Memory<R>,
    inputs: Vec<R>,
    found: Vec<R>,
    target: Vec<R>,
    input_bar: Vec<R>,
}

impl<R: Number> Diffusion<R> {
    /// The model that `settings` describe, at parameters drawn from `seed`, with the points of `data`.
    ///
    /// # Errors
    ///
    /// Data of another kind or with an empty cell; a network whose layers do not carry derivatives, a method that is not explicit.
    pub fn prepare(settings: &Settings, data: &Data, seed: u64) -> Result<Diffusion<R>, NdeError> {
        let rows = data.rows(settings.model.kind)?;
        let dim = rows.width();
        if let Some((row, column)) = missing(rows) {
            let what = format!("the cell of column `{column}` in row {row} is empty");
            let remedy = "a point has all its numbers: fill the row, or leave it out";
            return Err(NdeError::NothingToLearn { what, remedy });
        }
        let layer = settings.network(dim + 1, dim)?;
        if layer.sees_time() || layer.inputs() != dim + 1 || layer.jet_tape_len(1, ONE).is_none() {
            let reason = "the network sees the level of the noise anyway; leave `time` out".into();
            return Err(SettingError::Rejected { key: "field.time", reason }.into());
        }
        settings.explicit()?;
        let network = Network::initialised(layer, settings.initialiser(), &mut chance::parameters(seed))?;
        let standard = if settings.model.normalise() { Standard::of(rows) } else { Standard::none(dim) };
        let standardised = rows.values().chunks_exact(dim).flat_map(|row| standard.units(row).map(R::from_f64));
        Ok(Diffusion {
            points: standardised.collect(),
            network,
            process: settings.model.process.unwrap_or_default(),
            columns: rows.columns().to_vec(),
            standard,
        })
    }

    fn dim(&self) -> usize {
        self.columns.len()
    }
}

const ONE: Order = Order { directions: 1, seconds: 0 };

impl<R: Number> Model<R> for Diffusion<R> {
    type Memory = DiffusionMemory<R>;

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
        128
    }

    fn memory(&self) -> DiffusionMemory<R> {
        let nothing = Vec::new;
        DiffusionMemory {
            network: self.network.memory(self.chunk()),
            inputs: nothing(),
            found: nothing(),
            target: nothing(),
            input_bar: nothing(),
        }
    }

    fn cost(&self, samples: &[usize], pass: &Pass, gradient: &mut [R], memory: &mut DiffusionMemory<R>) -> Cost {
        let (dim, rows) = (self.dim(), samples.len());
        let DiffusionMemory { network, inputs, found, target, input_bar } = memory;
        inputs.clear();
        target.clear();
        for &sample in samples {
            let mut random = chance::of_sample(pass.draw.unwrap_or(0), sample);
            let level = self.process.draw(&mut random);
            let [cos, sin] = angle(level).map(R::from_f64);
            for &x in &self.points[sample * dim..][..dim] {
                let noise = R::from_f64(random.normal());
                inputs.push(cos * x + sin * noise);
                target.push(sin * x - cos * noise);
            }
            inputs.push(R::from_f64(level));
        }
        found.resize(rows * dim, R::zero());
        self.network.record(rows, R::zero(), inputs, found, network);
        let mut loss = 0.0;
        for (found, &target) in found.iter_mut().zip(&*target) {
            let miss = *found - target;
            loss += miss.to_f64() * miss.to_f64();
            *found = miss + miss;
        }
        let mut work = Work { forward: rows as u64, ..Work::default() };
        if !gradient.is_empty() {
            input_bar.resize(inputs.len(), R::zero());
            self.network.pull_back(rows, R::zero(), inputs, found, input_bar, gradient, network);
            work.backward = rows as u64;
        }
        Cost { loss, shown: loss, good: rows, failed: vec![], work }
    }

    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        let network = Network::new(self.network.layer().clone(), theta.to_vec())?;
        checkpoint.put_network("field", &network)?;
        checkpoint.note("standard", &self.standard)?;
        checkpoint.note("columns", &self.columns)?;
        Ok(())
    }
}
