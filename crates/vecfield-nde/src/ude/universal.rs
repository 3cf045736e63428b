//! Formulas with networks in them: their parameters, how they begin, what is kept of them.

use std::sync::Arc;

use vecfield_kernels::Activation;
use vecfield_nn::{AnyLayer, Checkpoint, Initialiser, Layer, Network, NnError, Random, Role, Tensor};

use super::constants::Way;
use super::equations::Equations;
use super::field::UniversalField;
use super::stages::Stages;
use super::units::Units;
use crate::error::NdeError;
use crate::model::Number;
use crate::settings::{Constant, NetworkSettings, Settings};
use crate::trajectory::{Rates, Scaling};

/// Formulas with networks in them: what is known, and the parameters of what is not.
///
/// Parameters are those of the constants that are trained, then those of one network behind the other.
#[derive(Debug, Clone)]
pub struct Universal<R> {
    pub(super) shared: Arc<Shared>,
    pub(super) networks: Vec<Network<AnyLayer, R>>,
    pub(super) theta: Vec<R>,
    /// All constants, and the slopes of those that are trained by their parameters.
    pub(super) constants: Vec<R>,
    pub(super) slopes: Vec<R>,
}

/// What training does not change.
#[derive(Debug)]
pub(super) struct Shared {
    constants: Vec<(String, Constant)>,
    /// Those that are trained.
    pub(super) ways: Vec<(usize, Way)>,
    networks: Vec<String>,
    pub(super) stages: Stages,
    pub(super) units: Units,
    pub(super) scaling: Scaling,
}

impl<R: Number> Universal<R> {
    /// With networks that begin near zero.
    pub(super) fn initialised(
        settings: &Settings,
        equations: Equations,
        stages: Stages,
        scaling: Scaling,
        units: Units,
        random: &mut Random,
    ) -> Result<Universal<R>, NdeError> {
        let networks = equations.networks.iter().map(|(name, inputs)| {
            let (own, positive) = of_network(settings, name);
            let mut network = Network::initialised(
                own.network(*inputs, 1)?,
                own.field.initialiser.unwrap_or(Initialiser::Uniform),
                random,
            )?;
            let tensors = network.layer().tensors();
            network.update(|theta| near_zero(&tensors, theta, positive));
            Ok::<_, NdeError>(network)
        });
        let networks = networks.collect::<Result<_, _>>()?;
        Ok(Universal::new(equations, stages, scaling, units, networks))
    }

    fn new(
        equations: Equations,
        stages: Stages,
        scaling: Scaling,
        units: Units,
        networks: Vec<Network<AnyLayer, R>>,
    ) -> Universal<R> {
        let Equations { constants, networks: names, .. } = equations;
        let trained = constants.iter().enumerate().filter(|(_, (_, _, fixed))| !fixed);
        let ways: Vec<(usize, Way)> =
            trained.map(|(i, (_, constant, _))| (i, Way::of(constant, units.constants[i]))).collect();
        let first = ways.iter().map(|(i, way)| R::from_f64(way.first(&constants[*i].1)));
        let theta = first.chain(networks.iter().flat_map(|network| network.theta().iter().copied())).collect();
        let constants: Vec<(String, Constant)> = constants.into_iter().map(|(name, own, _)| (name, own)).collect();
        let mut made = Universal {
            networks,
            constants: constants.iter().map(|(_, constant)| R::from_f64(constant.value)).collect(),
            slopes: vec![R::zero(); ways.len()],
            theta,
            shared: Arc::new(Shared {
                constants,
                ways,
                networks: names.into_iter().map(|(name, _)| name).collect(),
                stages,
                units,
                scaling,
            }),
        };
        made.settle_constants();
        made
    }

    /// Works the constants out from their parameters.
    fn settle_constants(&mut self) {
        for (k, &(constant, way)) in self.shared.ways.iter().enumerate() {
            let (value, slope) = way.at(self.theta[k].to_f64());
            (self.constants[constant], self.slopes[k]) = (R::from_f64(value), R::from_f64(slope));
        }
    }

    /// Where the parameters of a network begin.
    pub(super) fn begin(&self, network: usize) -> usize {
        let before = self.networks[..network].iter().map(|network| network.theta().len());
        self.shared.ways.len() + before.sum::<usize>()
    }
}

/// The settings of one network: those of all but for its own, and whether its value is never negative.
fn of_network(settings: &Settings, name: &str) -> (Settings, bool) {
    let mut own = settings.clone();
    let NetworkSettings { layers, activation, initialiser, positive } =
        settings.networks.get(name).cloned().unwrap_or_default();
    own.field.layers = layers.or(own.field.layers);
    own.field.activation = activation.or(own.field.activation);
    own.field.initialiser = initialiser.or(own.field.initialiser);
    let positive = positive.unwrap_or(false);
    if positive {
        own.field.output = Some(Activation::Softplus);
    }
    (own, positive)
}

/// Weights of the last layer are made small; behind a softplus, which is small where its argument is negative, the bias too.
fn near_zero<R: Number>(tensors: &[Tensor], theta: &mut [R], positive: bool) {
    const SMALL: f64 = 0.01;
    const NEGATIVE: f64 = -3.0;
    let mut end = theta.len();
    for tensor in tensors.iter().rev() {
        let own = &mut theta[end - tensor.len()..end];
        end -= tensor.len();
        match tensor.role {
            Role::Weight { .. } => {
                own.iter_mut().for_each(|weight| *weight *= R::from_f64(SMALL));
                return;
            }
            _ => own.fill(R::from_f64(if positive { NEGATIVE } else { 0.0 })),
        }
    }
}

impl<R: Number> Rates<R> for Universal<R> {
    type Field<'a> = UniversalField<'a, R>;

    fn field(&self) -> UniversalField<'_, R> {
        UniversalField(self)
    }

    fn tensors(&self) -> Vec<Tensor> {
        let Shared { constants, ways, networks, .. } = &*self.shared;
        let constants =
            ways.iter().map(|(i, _)| Tensor::new(format!("constants.{}", constants[*i].0), &[1], Role::Shift));
        let networks = networks.iter().zip(&self.networks).flat_map(|(name, network)| {
            let own = network.layer().tensors().into_iter();
            own.map(move |tensor| Tensor { name: format!("{name}.{}", tensor.name), ..tensor })
        });
        constants.chain(networks).collect()
    }

    fn parameters(&self) -> Vec<R> {
        self.theta.clone()
    }

    fn set_parameters(&mut self, theta: &[R]) {
        self.theta.copy_from_slice(theta);
        self.settle_constants();
        let mut rest = &theta[self.shared.ways.len()..];
        for network in &mut self.networks {
            let (own, behind) = rest.split_at(network.theta().len());
            network.update(|theta| theta.copy_from_slice(own));
            rest = behind;
        }
    }

    fn save(&self, checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        checkpoint.put("universal", &[self.theta.len()], &self.theta);
        checkpoint.note("units", &self.shared.units)?;
        checkpoint.note("constants", &self.constants())?;
        Ok(())
    }

    fn load(
        settings: &Settings,
        scaling: &Scaling,
        variables: &[String],
        checkpoint: &Checkpoint,
    ) -> Result<Universal<R>, NdeError> {
        let mut equations = Equations::read(settings)?;
        let stages = Stages::compile(&mut equations, variables)?;
        let units = checkpoint.noted("units")?;
        let random = &mut Random::new(0);
        let mut made = Universal::initialised(settings, equations, stages, scaling.clone(), units, random)?;
        let theta: Vec<R> = checkpoint.get("universal")?;
        let (found, expected) = (theta.len(), made.theta.len());
        if found != expected {
            return Err(NnError::ParameterCount { found, expected }.into());
        }
        made.set_parameters(&theta);
        Ok(made)
    }

    fn constants(&self) -> Vec<(String, f64)> {
        let names = self.shared.constants.iter().map(|(name, _)| name.clone());
        names.zip(self.constants.iter().map(|value| value.to_f64())).collect()
    }
}
