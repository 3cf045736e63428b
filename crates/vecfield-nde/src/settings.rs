//! What is trained and how: the tables of a model file, every key of which may be left out but `kind`.
//!
//! What a key that was left out means depends on the kind: [`Kind::defaults`].

mod field;
mod formulas;
mod model;
mod optimizer;
mod solver;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use field::{Clock, FieldSettings, Structure};
pub(crate) use field::{LAYERS, begin_at, unfit};
pub use formulas::{Constant, Formula, Formulas, NetworkSettings};
pub use model::{ModelSettings, Precision, Trace};
pub use optimizer::{OptimizerSettings, Phase, PhaseSettings, Plan, RuleName, ScheduleName, Starts};
pub use solver::{AdjointName, Memory, Solver, SolverSettings};

use crate::error::SettingError;
use crate::kind::Kind;
use crate::ude;

/// A model file.
///
/// ```
/// use vecfield_nde::{Kind, Settings};
///
/// let settings: Settings = toml::from_str("[model]\nkind = \"neural-ode\"\n[field]\nlayers = [32]\n")?;
/// settings.check()?;
/// assert_eq!(settings.model.kind, Kind::NeuralOde);
/// assert_eq!(settings.hidden(), [32]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is learned.
    pub model: ModelSettings,
    /// Constants of the formulas, of kinds that have some.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Constant>,
    /// Parts of formulas by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub definitions: Formulas,
    /// The rates of the variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub equations: Formulas,
    /// What single networks of the formulas have of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<String, NetworkSettings>,
    /// The network.
    #[serde(default)]
    pub field: FieldSettings,
    /// How its equation is solved and differentiated.
    #[serde(default)]
    pub solver: SolverSettings,
    /// How it is trained.
    #[serde(default)]
    pub optimizer: OptimizerSettings,
}

impl Settings {
    /// A kind of model with everything left to its defaults.
    pub fn new(kind: Kind) -> Settings {
        Settings {
            title: None,
            model: ModelSettings::new(kind),
            parameters: BTreeMap::new(),
            definitions: Formulas::new(),
            equations: Formulas::new(),
            networks: BTreeMap::new(),
            field: FieldSettings::default(),
            solver: SolverSettings::default(),
            optimizer: OptimizerSettings::default(),
        }
    }

    /// Do the values fit each other and the kind?
    ///
    /// # Errors
    ///
    /// The first key that does not.
    pub fn check(&self) -> Result<(), SettingError> {
        self.model.check()?;
        self.check_formulas()?;
        self.field.check(self.model.kind)?;
        match self.model.kind {
            Kind::LatentSde | Kind::NeuralSde => _ = self.stochastic_step()?,
            _ => _ = self.solver()?,
        }
        self.optimizer.check(self.model.kind)?;
        Ok(())
    }

    /// Of kinds with formulas: do they make sense? Of others: are there none?
    fn check_formulas(&self) -> Result<(), SettingError> {
        if self.model.kind == Kind::Ude {
            return ude::check(self);
        }
        let given = [
            ("parameters", self.parameters.is_empty()),
            ("definitions", self.definitions.is_empty()),
            ("equations", self.equations.is_empty()),
            ("networks", self.networks.is_empty()),
        ];
        match given.into_iter().find(|(_, empty)| !empty) {
            Some((key, _)) => {
                let reason = format!(
                    "a {} has no [{key}]; for formulas with networks in them take `ude`",
                    self.model.kind.name()
                );
                Err(SettingError::Rejected { key, reason })
            }
            None => Ok(()),
        }
    }

    /// Widths of the network's hidden layers.
    pub fn hidden(&self) -> &[usize] {
        self.field.layers.as_deref().unwrap_or(self.model.kind.defaults().layers)
    }

    /// The numbers that the model is made of. Unless said, single precision where the tolerance leaves room for its rounding.
    pub fn precision(&self) -> Precision {
        let rtol = self.solver.rtol.unwrap_or(self.model.kind.defaults().rtol);
        let by_tolerance = if rtol < 1e-5 { Precision::Double } else { Precision::Single };
        self.model.precision.unwrap_or(by_tolerance)
    }

    /// The table in which a model that was trained by `other` cannot go on by these settings, if there is one.
    pub(crate) fn differs_from(&self, other: &Settings) -> Option<&'static str> {
        let rule = |settings: &Settings| settings.optimizer.name.unwrap_or(settings.model.kind.defaults().rule);
        [
            ("[model]", self.model != other.model),
            ("[parameters]", self.parameters != other.parameters),
            ("[definitions]", self.definitions != other.definitions),
            ("[equations]", self.equations != other.equations),
            ("[networks]", self.networks != other.networks),
            ("[field]", self.field != other.field),
            ("[solver]", self.solver != other.solver),
            ("[optimizer] name", rule(self) != rule(other)),
            ("[optimizer] batch", self.optimizer.batch != other.optimizer.batch),
            ("[optimizer] ema", self.optimizer.ema != other.optimizer.ema),
        ]
        .into_iter()
        .find_map(|(table, differs)| differs.then_some(table))
    }
}
