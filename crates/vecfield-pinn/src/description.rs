//! [`Description`]: a problem as its file states it, before anything is checked.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A problem file.
///
/// ```
/// use vecfield_pinn::Description;
///
/// let text = "[domain]\nt = [0, 2]\nunknowns = [\"y\"]\n[equations]\ndecay = \"y_t + y\"\n\
///             [[condition]]\non = \"t = 0\"\ny = \"1\"\n";
/// let description: Description = toml::from_str(text)?;
/// assert_eq!(description.domain.unknowns, ["y"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// For people.
    #[serde(default)]
    pub title: Option<String>,
    /// For people.
    #[serde(default)]
    pub source: Option<String>,
    /// For people.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Constants of the formulas.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterText>,
    /// Parts of formulas by name.
    #[serde(default)]
    pub definitions: BTreeMap<String, String>,
    /// Where the equations hold, and for what.
    pub domain: DomainText,
    /// Residuals that must vanish, by name.
    pub equations: BTreeMap<String, String>,
    /// What holds on the boundary.
    #[serde(default)]
    pub condition: Vec<ConditionText>,
    /// Where measurements are.
    #[serde(default)]
    pub data: Vec<DataText>,
    /// What the solution is made of.
    #[serde(default)]
    pub network: NetworkText,
    /// How it is found.
    #[serde(default)]
    pub train: TrainText,
}

/// A constant: a number, or one to be found.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a parameter is a number, or {unknown = true, initial = 0.1}")]
pub enum ParameterText {
    /// Known.
    Value(f64),
    /// Found with the solution.
    Unknown {
        /// Must be true.
        unknown: bool,
        /// Where the search begins.
        initial: f64,
    },
}

/// Where the equations hold, and for what.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DomainText {
    /// What is solved for.
    pub unknowns: Vec<String>,
    /// Coordinates whose ends are the same place.
    #[serde(default)]
    pub periodic: Vec<String>,
    /// A part of the box of the coordinates, as `rectangle(-1,-1, 1,1) - disk(0,0, 0.5)`.
    #[serde(default)]
    pub geometry: Option<String>,
    /// The coordinates.
    #[serde(flatten)]
    pub axes: BTreeMap<String, AxisText>,
}

/// The range of a coordinate, or of several at once.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    untagged,
    expecting = "a coordinate has a range, x = [low, high], or is many: x = {dims = 5, box = [low, high]}, {dims = 5, ball = 1.0} or {dims = 5, normal = 0.2}"
)]
pub enum AxisText {
    /// From, to.
    Interval([f64; 2]),
    /// `dims` coordinates that share a name, each in an interval.
    Box {
        /// How many.
        dims: usize,
        /// From, to.
        #[serde(rename = "box")]
        sides: [f64; 2],
    },
    /// `dims` coordinates in a ball around 0.
    Ball {
        /// How many.
        dims: usize,
        /// Its radius.
        ball: f64,
    },
    /// `dims` coordinates without bounds, wanted where a Gaussian around 0 has its mass.
    Normal {
        /// How many.
        dims: usize,
        /// Its standard deviation in each coordinate.
        normal: f64,
    },
}

/// What holds on a part of the boundary.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ConditionText {
    /// Where: `x = 0`, `x = 0, y = 0`, `boundary`, `outside`.
    pub on: String,
    /// The values of unknowns and of their derivatives.
    #[serde(flatten)]
    pub values: BTreeMap<String, ValueText>,
}

/// A formula, or a number for one.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a condition gives formulas in quotes or numbers, as u = \"0\"")]
pub enum ValueText {
    /// A formula.
    Formula(String),
    /// A number.
    Number(f64),
}

impl ValueText {
    /// As a formula.
    pub fn text(&self) -> String {
        match self {
            Self::Formula(text) => text.clone(),
            Self::Number(value) => format!("{value:?}"),
        }
    }
}

/// Where measurements are.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataText {
    /// A table with a column for each coordinate and for some of the unknowns, relative to the problem file.
    pub file: String,
}

/// What the solution is made of; whatever is left out is chosen by the program.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkText {
    /// Widths of the hidden layers: asks for a deep network.
    #[serde(default)]
    pub layers: Option<Vec<usize>>,
    /// `tanh`, `sin` or `silu`.
    #[serde(default)]
    pub activation: Option<String>,
    /// Waves by which a periodic coordinate enters a deep network: sines and cosines up to so many times the basic frequency.
    #[serde(default)]
    pub harmonics: Option<usize>,
}

/// How the solution is found; whatever is left out is chosen by the program.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainText {
    /// `adam`, `lbfgs`, `ssbroyden` or `lm`.
    #[serde(default)]
    pub method: Option<String>,
    /// Collocation points of a deep network.
    #[serde(default)]
    pub points: Option<usize>,
    /// Fixes the random choices of a deep network, unless the command line does.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The most iterations of a deep network.
    #[serde(default)]
    pub iterations: Option<usize>,
    /// Steps of Adam before the method.
    #[serde(default)]
    pub warm_up: Option<usize>,
    /// The rate of Adam.
    #[serde(default)]
    pub learning_rate: Option<f64>,
    /// Iterations between two draws of the points; 0 for never.
    #[serde(default)]
    pub redraw: Option<usize>,
    /// How much a condition that cannot be built into the solution weighs beside an equation.
    #[serde(default)]
    pub condition_weight: Option<f64>,
}
