//! Rules of descent as data, and one step of each over a slice.

use serde::{Deserialize, Serialize};
use vecfield_kernels::{Job, run};
use vecfield_traits::Real;

/// How a gradient becomes a step. What a rule remembers is kept by [`Descent`](crate::Descent).
///
/// `g` is the gradient, `k` counts the steps from one, and `α` is the rate. Rules of Adam's kind divide their averages by
/// `1 - βᵏ`, which undoes their start at zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Rule {
    /// `v ← μ v + g`, `θ ← θ - α v` (Polyak 1964).
    Sgd {
        /// `μ`.
        momentum: f64,
    },
    /// `v ← μ v + g`, `θ ← θ - α (g + μ v)` (Nesterov 1983, as Sutskever et al. 2013 write it).
    Nesterov {
        /// `μ`.
        momentum: f64,
    },
    /// `m ← β₁ m + (1-β₁) g`, `v ← β₂ v + (1-β₂) g²`, `θ ← θ - α m̂ / (√v̂ + ε)` (Kingma & Ba 2015, Algorithm 1). With
    /// [`Decay::Decoupled`](crate::Decay::Decoupled), AdamW (Loshchilov & Hutter 2019).
    Adam {
        /// `β₁`, `β₂`.
        betas: [f64; 2],
        /// `ε`.
        epsilon: f64,
    },
    /// Adam with `v ← β₂ v + (1-β₂) (g - m)² + ε` (Zhuang et al. 2020, Algorithm 2).
    AdaBelief {
        /// `β₁`, `β₂`.
        betas: [f64; 2],
        /// `ε`.
        epsilon: f64,
    },
    /// `v ← ρ v + (1-ρ) g²`, `θ ← θ - α g / (√v + ε)` (Tieleman & Hinton 2012).
    RmsProp {
        /// `ρ`.
        decay: f64,
        /// `ε`.
        epsilon: f64,
    },
    /// `θ ← θ - α sign(β₁ m + (1-β₁) g)`, then `m ← β₂ m + (1-β₂) g` (Chen et al. 2023, Algorithm 2).
    Lion {
        /// `β₁`, `β₂`.
        betas: [f64; 2],
    },
    /// Nesterov's momentum with the nearest orthogonal matrix in place of each matrix (Jordan et al. 2024); parameters that
    /// are no matrix go by Adam with `β = (0.9, 0.95)`, `ε = 1e-8` at a tenth of the rate.
    Muon {
        /// `μ`.
        momentum: f64,
    },
}

impl Rule {
    /// Plain gradient descent.
    pub const SGD: Rule = Rule::Sgd { momentum: 0.0 };
    /// With momentum 0.9.
    pub const MOMENTUM: Rule = Rule::Sgd { momentum: 0.9 };
    /// With the paper's constants.
    pub const ADAM: Rule = Rule::Adam { betas: [0.9, 0.999], epsilon: 1e-8 };
    /// With the paper's constants.
    pub const ADA_BELIEF: Rule = Rule::AdaBelief { betas: [0.9, 0.999], epsilon: 1e-16 };
    /// With `ρ = 0.99`.
    pub const RMS_PROP: Rule = Rule::RmsProp { decay: 0.99, epsilon: 1e-8 };
    /// With the paper's constants.
    pub const LION: Rule = Rule::Lion { betas: [0.9, 0.99] };
    /// With `μ = 0.95`.
    pub const MUON: Rule = Rule::Muon { momentum: 0.95 };

    /// One of each, with the usual constants.
    pub const ALL: [Rule; 8] = [
        Rule::SGD,
        Rule::MOMENTUM,
        Rule::Nesterov { momentum: 0.9 },
        Rule::ADAM,
        Rule::ADA_BELIEF,
        Rule::RMS_PROP,
        Rule::LION,
        Rule::MUON,
    ];

    /// Does it remember a second average?
    pub(crate) fn has_second(self) -> bool {
        !matches!(self, Rule::Sgd { .. } | Rule::Nesterov { .. } | Rule::Lion { .. })
    }
}

/// What Muon does with parameters that are no matrix, and its rate there.
pub(crate) const BESIDE_MUON: (Rule, f64) = (Rule::Adam { betas: [0.9, 0.95], epsilon: 1e-8 }, 0.1);

/// One step of a rule over the parameters of a group.
pub(crate) struct Update<'a, R> {
    pub(crate) rule: Rule,
    /// Steps, this one included.
    pub(crate) step: u64,
    pub(crate) rate: f64,
    /// What is added to the gradient for each unit of a parameter, and taken from the parameter.
    pub(crate) added: f64,
    pub(crate) taken: f64,
    pub(crate) theta: &'a mut [R],
    pub(crate) gradient: &'a [R],
    pub(crate) first: &'a mut [R],
    pub(crate) second: &'a mut [R],
}

impl<R: Real> Update<'_, R> {
    /// Products and sums are rounded one by one, so every machine gives the same bits.
    pub(crate) fn apply(self) {
        run(self);
    }
}

impl<R: Real> Job for Update<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Update { rule, step, rate, added, taken, theta, gradient, first, second } = self;
        let c = R::from_f64;
        let (rate, added, kept) = (c(rate), c(added), c(1.0 - taken));
        // What an average that started at zero still lacks.
        let filled = |beta: f64| 1.0 - beta.powi(step.min(i32::MAX as u64) as i32);
        let n = theta.len();
        let (gradient, first) = (&gradient[..n], &mut first[..n]);
        match rule {
            Rule::Sgd { momentum } | Rule::Muon { momentum } => {
                let mu = c(momentum);
                for i in 0..n {
                    first[i] = mu * first[i] + (gradient[i] + added * theta[i]);
                    theta[i] = kept * theta[i] - rate * first[i];
                }
            }
            Rule::Nesterov { momentum } => {
                let mu = c(momentum);
                for i in 0..n {
                    let g = gradient[i] + added * theta[i];
                    first[i] = mu * first[i] + g;
                    theta[i] = kept * theta[i] - rate * (g + mu * first[i]);
                }
            }
            Rule::Lion { betas: [b1, b2] } => {
                for i in 0..n {
                    let g = gradient[i] + added * theta[i];
                    let blend = c(b1) * first[i] + c(1.0 - b1) * g;
                    first[i] = c(b2) * first[i] + c(1.0 - b2) * g;
                    theta[i] = kept * theta[i] - rate * blend.sign();
                }
            }
            Rule::RmsProp { decay, epsilon } => {
                let (rho, rest, epsilon, second) = (c(decay), c(1.0 - decay), c(epsilon), &mut second[..n]);
                for i in 0..n {
                    let g = gradient[i] + added * theta[i];
                    second[i] = rho * second[i] + rest * (g * g);
                    theta[i] = kept * theta[i] - rate * (g / (second[i].sqrt() + epsilon));
                }
            }
            Rule::Adam { betas: [b1, b2], epsilon } => {
                let (scale1, scale2) = (c(1.0 / filled(b1)), c(1.0 / filled(b2)));
                let (epsilon, second) = (c(epsilon), &mut second[..n]);
                for i in 0..n {
                    let g = gradient[i] + added * theta[i];
                    first[i] = c(b1) * first[i] + c(1.0 - b1) * g;
                    second[i] = c(b2) * second[i] + c(1.0 - b2) * (g * g);
                    let direction = (scale1 * first[i]) / ((scale2 * second[i]).sqrt() + epsilon);
                    theta[i] = kept * theta[i] - rate * direction;
                }
            }
            Rule::AdaBelief { betas: [b1, b2], epsilon } => {
                let (scale1, scale2) = (c(1.0 / filled(b1)), c(1.0 / filled(b2)));
                let (epsilon, second) = (c(epsilon), &mut second[..n]);
                for i in 0..n {
                    let g = gradient[i] + added * theta[i];
                    first[i] = c(b1) * first[i] + c(1.0 - b1) * g;
                    let miss = g - first[i];
                    second[i] = c(b2) * second[i] + c(1.0 - b2) * (miss * miss) + epsilon;
                    let direction = (scale1 * first[i]) / ((scale2 * second[i]).sqrt() + epsilon);
                    theta[i] = kept * theta[i] - rate * direction;
                }
            }
        }
    }
}
