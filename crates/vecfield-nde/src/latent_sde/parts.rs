//! What a latent stochastic equation consists of, while it is trained and after.

use vecfield_nn::{AnyLayer, Checkpoint, Gru, Initialiser, Linear, Mlp, Random, Role, Tensor};

use crate::chain::Motion;
use crate::error::NdeError;
use crate::latent::HIDDEN;
use crate::latent::misfit::NOISE;
use crate::model::Number;
use crate::settings::{Settings, begin_at};
use crate::stack::Stack;

pub(super) const NAMES: [&str; 6] = ["encoder", "belief", "drift", "diffusion", "control", "decoder"];

/// The networks, the noise of what is measured, and where states begin.
#[derive(Debug, Clone)]
pub(super) struct Parts<R> {
    pub(super) networks: Stack<R, 6>,
    /// The logarithm of the variance of what is measured, for each variable.
    pub(super) noise: Vec<R>,
    /// `[mean | logarithm of the standard deviation]` of the free start.
    pub(super) start: Vec<R>,
    /// Is time an input of the drift and the diffusion?
    pub(super) time: bool,
}

impl<R: Number> Parts<R> {
    /// Of a model for `n` variables.
    pub(super) fn drawn(settings: &Settings, n: usize, random: &mut Random) -> Result<Parts<R>, NdeError> {
        let model = &settings.model;
        let (latent, hidden) = (model.latent.unwrap_or(n), model.hidden.unwrap_or(HIDDEN));
        let decoder = model.decoder.as_deref().unwrap_or_default();
        let activation = settings.field.activation.unwrap_or(model.kind.defaults().activation);
        let wide = settings.hidden();
        let layers: [(AnyLayer, Initialiser); 6] = [
            (Gru::new(2 * n + 1, hidden).into(), Initialiser::Uniform),
            (Linear::new(hidden, 2 * latent).into(), Initialiser::Glorot),
            (settings.network(latent, latent)?, settings.initialiser()),
            (settings.diffusion(latent), settings.initialiser()),
            (Mlp::new(latent + hidden + 1, wide, latent, activation).into(), Initialiser::Glorot),
            (Mlp::new(latent, decoder, n, activation).into(), Initialiser::Glorot),
        ];
        let mut networks = Stack::initialised(NAMES, layers, random)?;
        // The control begins as the pull to what is believed.
        begin_at(networks.network_mut(4), 0.0);
        settings.begin(networks.network_mut(2), 1.0);
        Ok(Parts {
            networks,
            noise: vec![R::from_f64(NOISE); n],
            start: vec![R::zero(); 2 * latent],
            time: settings.field.time.unwrap_or(false),
        })
    }

    pub(super) fn load(settings: &Settings, checkpoint: &Checkpoint) -> Result<Parts<R>, NdeError> {
        Ok(Parts {
            networks: Stack::load(NAMES, checkpoint)?,
            noise: checkpoint.get("noise")?,
            start: checkpoint.get("start")?,
            time: settings.field.time.unwrap_or(false),
        })
    }

    pub(super) fn save(&self, checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        self.networks.save(checkpoint)?;
        checkpoint.put("noise", &[self.noise.len()], &self.noise);
        checkpoint.put("start", &[self.start.len()], &self.start);
        Ok(())
    }

    pub(super) fn tensors(&self) -> Vec<Tensor> {
        let own = [("noise", self.noise.len()), ("start", self.start.len())];
        let own = own.map(|(name, len)| Tensor::new(name, &[len], Role::Shift));
        self.networks.tensors().into_iter().chain(own).collect()
    }

    pub(super) fn parameters(&self) -> Vec<R> {
        [&self.networks.parameters(), &self.noise[..], &self.start].concat()
    }

    pub(super) fn set_parameters(&mut self, theta: &[R]) {
        let (networks, own) = theta.split_at(self.networks.len());
        let (noise, start) = own.split_at(self.noise.len());
        self.networks.set_parameters(networks);
        self.noise.copy_from_slice(noise);
        self.start.copy_from_slice(start);
    }

    /// Dimensions of the hidden state.
    pub(super) fn latent(&self) -> usize {
        self.start.len() / 2
    }

    /// What moves the hidden state.
    pub(super) fn motion(&self) -> Motion<'_, R> {
        let [_, _, drift, diffusion, ..] = self.networks.each();
        Motion { drift, diffusion, time: self.time }
    }

    /// A start that chance chooses without a reading to go by.
    pub(super) fn free_start(&self, random: &mut Random, start: &mut Vec<R>) {
        start.extend(
            (0..self.latent())
                .map(|i| self.start[i] + R::from_f64(random.normal()) * self.start[self.latent() + i].exp()),
        );
    }
}
