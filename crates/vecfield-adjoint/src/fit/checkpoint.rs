//! A fit put aside: plain numbers, to be kept in a file and taken up again.

use super::Standing;

/// Where a fit stands between two trial steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The stage it is in.
    pub stage: usize,
    /// The alternation of constants and noise levels within the stage.
    pub round: usize,
    /// Constants of every run as the stage began, `[runs, parameters]`.
    pub thetas: Vec<f64>,
    /// The unknowns: constants in their scales, then the start of every window.
    pub x: Vec<f64>,
    /// Noise levels in use.
    pub sigma: Vec<f64>,
    /// Trial steps before this alternation.
    pub iterations: usize,
    /// Where the minimiser stands.
    pub standing: Option<Standing>,
    /// How the best of the stages before ended.
    pub before: Option<Finished>,
}

/// The end of a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// Which stage.
    pub stage: usize,
    /// Constants of every run, `[runs, parameters]`.
    pub thetas: Vec<f64>,
    /// The unknowns.
    pub x: Vec<f64>,
    /// Noise levels.
    pub sigma: Vec<f64>,
    /// Trial steps so far.
    pub iterations: usize,
    /// Was it a minimum?
    pub converged: bool,
}
