//! Where candidates come from: sources that are asked one after the other, and can be replaced.
//!
//! A source names formulas for single equations, or whole laws, or both. Which of them is the law is none of its business: all run in one
//! contest, from the same blind starts.
//!
//! ```
//! use vecfield_data::{Trajectories, Trajectory};
//! use vecfield_discover::source::{Formulas, Polynomials, Scene, Source};
//! use vecfield_discover::{DiscoverError, Options, Pulse, Unobserved, discover_from};
//!
//! /// A formula that somebody has a reason to believe in.
//! #[derive(Debug)]
//! struct Hunch;
//!
//! impl Source for Hunch {
//!     fn name(&self) -> &'static str {
//!         "hunch"
//!     }
//!
//!     fn formulas(&self, _scene: &Scene<'_>, _pulse: Pulse<'_>) -> Result<Formulas, DiscoverError> {
//!         Ok(vec![vec![vec!["sin(y)".into()]]])
//!     }
//! }
//!
//! // y' = sin y from y(0) = 1/2: tan(y/2) = tan(1/4) exp t.
//! let times: Vec<f64> = (0..30).map(|k| 0.15 * f64::from(k)).collect();
//! let values = times.iter().map(|t| 2.0 * (0.25_f64.tan() * t.exp()).atan()).collect();
//! let data = Trajectories::new(vec!["y".into()], vec![], vec![Trajectory::new(times, values, vec![])?])?;
//!
//! let options = Options { operators: None, ..Options::default() };
//! let sources: [Box<dyn Source>; 3] =
//!     [Box::new(Hunch), Box::new(vecfield_discover::source::Combinations::of(&options)), Box::new(Polynomials::of(&options))];
//! let found = discover_from(&sources, &data, &options, &Unobserved)?;
//! assert_eq!(found.chosen.law.support.features(&found.vocabulary, &found.chosen.law.theta())[0], ["sin(y)"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::discovery::{DiscoverError, Options};
use crate::matching::Matching;
use crate::model::Support;
use crate::observer::Pulse;
use crate::vocabulary::Vocabulary;
use core::fmt::Debug;
use vecfield_adjoint::Noise;
use vecfield_data::Trajectories;
use vecfield_symreg::Operators;

pub use crate::common::CommonForms;
pub use crate::composed::Composed;
pub use crate::neural::Neural;
pub use crate::space::{Beside, Combinations, Polynomials, SparseRegression};

/// Formulas for single equations, `[equation][formula]`: each a list of features, as texts, that stand in a sum.
pub type Formulas = Vec<Vec<Vec<String>>>;

/// What a source looks at.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What was measured.
    pub data: &'a Trajectories,
    /// What laws are made of so far.
    pub vocabulary: &'a Vocabulary,
    /// How measurements scatter.
    pub noise: Noise,
}

/// What a source of whole laws looks at besides.
#[derive(Debug, Clone, Copy)]
pub struct Drafts<'a> {
    /// Smoothed paths through all the data, one as stiff as is likeliest and one that follows them more closely.
    pub paths: &'a [Matching; 2],
    /// What the sources before this one proposed.
    pub proposals: &'a [Proposal],
}

/// A law that is to compete.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Its terms, in the scene's vocabulary.
    pub support: Support,
    /// Its constants, where the source has reason to believe in them: the law is then judged at every origin, and laws near it are looked
    /// for.
    pub constants: Option<Vec<f64>>,
}

/// Names candidates.
///
/// Implementations are pure: the same scene gives the same candidates, on any number of threads.
pub trait Source: Debug + Send + Sync {
    /// A word or two for it.
    fn name(&self) -> &'static str;

    /// Formulas for single equations, one list for each, or none at all. What combines them is another source, such as [`Combinations`].
    ///
    /// # Errors
    ///
    /// [`DiscoverError`] when the data are not what the source can work with.
    fn formulas(&self, scene: &Scene<'_>, pulse: Pulse<'_>) -> Result<Formulas, DiscoverError> {
        let _ = (scene, pulse);
        Ok(vec![])
    }

    /// Whole laws, the likeliest first: a run that is cut has judged them. The vocabulary has the formulas of all sources.
    ///
    /// # Errors
    ///
    /// [`DiscoverError`] when the data are not what the source can work with.
    fn laws(&self, scene: &Scene<'_>, drafts: &Drafts<'_>, pulse: Pulse<'_>) -> Result<Vec<Proposal>, DiscoverError> {
        let _ = (scene, drafts, pulse);
        Ok(vec![])
    }
}

/// Hidden units of a neural equation: enough for the rational and trigonometric rates of a plane, few enough for hundreds of numbers.
const HIDDEN: usize = 12;

/// The sources of [`discover`](crate::discover).
pub fn standard(options: &Options) -> Vec<Box<dyn Source>> {
    let mut sources: Vec<Box<dyn Source>> = vec![];
    if let Some(operators) = &options.operators {
        sources.push(Box::new(Composed { operators: operators.clone() }));
        sources.push(Box::new(CommonForms { operators: operators.clone() }));
    }
    sources.push(Box::new(SparseRegression));
    sources.push(Box::new(Combinations::of(options)));
    sources.push(Box::new(Polynomials::of(options)));
    sources
}

/// What a neural equation says alone: its formulas with each other.
pub fn neural(options: &Options, operators: &Operators) -> Vec<Box<dyn Source>> {
    vec![
        Box::new(Neural { operators: operators.clone(), hidden: HIDDEN }),
        Box::new(Combinations { beside: Beside::Nothing, ..Combinations::of(options) }),
    ]
}

/// The vocabulary of a scene with the formulas of all sources.
pub(crate) fn with_formulas(
    sources: &[Box<dyn Source>],
    scene: &Scene<'_>,
    pulse: Pulse<'_>,
) -> Result<Vocabulary, DiscoverError> {
    let mut all: Formulas = vec![vec![]; scene.data.dim()];
    for source in sources {
        let make = || source.formulas(scene, pulse);
        let found = match pulse.ledger() {
            Some(ledger) => {
                ledger.formulas(format!("{}, {}", source.name(), scene.noise.name()), make, || pulse.goes_on())?
            }
            None => make()?,
        };
        for (all, formulas) in all.iter_mut().zip(found) {
            all.extend(formulas);
        }
    }
    if all.iter().all(Vec::is_empty) { Ok(scene.vocabulary.clone()) } else { Ok(scene.vocabulary.with_forms(all)?) }
}

/// The laws of all sources, and the simplest of all, which every other has to beat: nothing changes. Terms that are known of an equation
/// stand in no other part of it.
pub(crate) fn proposals(
    sources: &[Box<dyn Source>],
    scene: &Scene<'_>,
    paths: &[Matching; 2],
    pulse: Pulse<'_>,
) -> Result<Vec<Proposal>, DiscoverError> {
    let mut proposals: Vec<Proposal> = vec![];
    for source in sources {
        let found = source.laws(scene, &Drafts { paths, proposals: &proposals }, pulse)?;
        proposals.extend(found);
    }
    let dim = scene.data.dim();
    proposals.push(Proposal { support: Support { equations: vec![vec![]; dim] }, constants: None });
    let given: Vec<Vec<usize>> = (0..dim).map(|equation| scene.vocabulary.given(equation)).collect();
    let free = |support: &Support| {
        support.equations.iter().zip(&given).all(|(set, given)| set.iter().all(|k| !given.contains(k)))
    };
    proposals.retain(|proposal| free(&proposal.support));
    Ok(proposals)
}
