//! Reversible methods by name.

use crate::tableau::{self, Tableau};

/// Every reversible method, lowest order first.
pub const ALL: &[&ReversibleMethod] = &[
    &REVERSIBLE_HEUN,
    &ASYNCHRONOUS_LEAPFROG,
    &REVERSIBLE_MIDPOINT,
    &REVERSIBLE_BOGACKI_SHAMPINE_3,
    &REVERSIBLE_RK4,
    &REVERSIBLE_TSIT5,
    &REVERSIBLE_DORMAND_PRINCE_5,
    &REVERSIBLE_DOP853,
];

/// `λ` of the coupled scheme: how much of `y - z` a step keeps (McCallum and Foster 2024, section 5, who take this value).
pub const COUPLING: f64 = 0.999;

/// A reversible method: its scheme, and the method that the scheme is made of.
#[derive(Debug)]
pub struct ReversibleMethod {
    /// As users type it after `--method`.
    pub name: &'static str,
    /// The formulas.
    pub scheme: Scheme,
    /// What the method is for, in a few words.
    pub when: &'static str,
    /// Where it was published.
    pub source: &'static str,
}

/// How the two states move; the formulas stand at the head of [`reversible`](crate::reversible).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Scheme {
    /// Reversible Heun: one evaluation a step.
    Heun,
    /// The asynchronous leapfrog: one evaluation a step.
    Leapfrog,
    /// An explicit method, from `z` forth and from `y⁺` back: twice its stages.
    Coupled(&'static Tableau),
}

impl ReversibleMethod {
    /// The global error is `O(hᵖ)`.
    pub const fn order(&self) -> u32 {
        match self.scheme {
            Scheme::Heun | Scheme::Leapfrog => 2,
            Scheme::Coupled(tableau) => tableau.order,
        }
    }

    /// Has it an error estimate?
    pub const fn adaptive(&self) -> bool {
        match self.scheme {
            Scheme::Heun | Scheme::Leapfrog => true,
            Scheme::Coupled(tableau) => tableau.adaptive(),
        }
    }
}

/// Reversible Heun.
pub const REVERSIBLE_HEUN: ReversibleMethod = ReversibleMethod {
    name: "reversible-heun",
    scheme: Scheme::Heun,
    when: "gradients without memory, one evaluation a step, where nothing decays fast",
    source: "Kidger, Foster, Li and Lyons 2021",
};

/// The asynchronous leapfrog, whose second state is a velocity.
pub const ASYNCHRONOUS_LEAPFROG: ReversibleMethod = ReversibleMethod {
    name: "asynchronous-leapfrog",
    scheme: Scheme::Leapfrog,
    when: "as reversible-heun, with the evaluation in the middle of the step",
    source: "Mutze 2013; Zhuang et al. 2021 (MALI)",
};

/// The midpoint rule made reversible.
pub const REVERSIBLE_MIDPOINT: ReversibleMethod =
    coupled("reversible-midpoint", &tableau::MIDPOINT, "gradients without memory at very loose tolerances");

/// Bogacki and Shampine's 3(2) made reversible.
pub const REVERSIBLE_BOGACKI_SHAMPINE_3: ReversibleMethod =
    coupled("reversible-bs3", &tableau::BOGACKI_SHAMPINE_3, "gradients without memory at loose tolerances");

/// Kutta's method made reversible.
pub const REVERSIBLE_RK4: ReversibleMethod =
    coupled("reversible-rk4", &tableau::RK4, "gradients without memory, fixed steps");

/// Tsitouras' method made reversible.
pub const REVERSIBLE_TSIT5: ReversibleMethod =
    coupled("reversible-tsit5", &tableau::TSIT5, "gradients without memory at 1e-3 to 1e-6");

/// Dormand and Prince's method made reversible.
pub const REVERSIBLE_DORMAND_PRINCE_5: ReversibleMethod =
    coupled("reversible-dp5", &tableau::DORMAND_PRINCE_5, "as reversible-tsit5");

/// DOP853 made reversible.
pub const REVERSIBLE_DOP853: ReversibleMethod =
    coupled("reversible-dop853", &tableau::DOP853, "gradients without memory below 1e-7");

const fn coupled(name: &'static str, tableau: &'static Tableau, when: &'static str) -> ReversibleMethod {
    ReversibleMethod {
        name,
        scheme: Scheme::Coupled(tableau),
        when,
        source: "McCallum and Foster 2024, arXiv 2410.11648",
    }
}
