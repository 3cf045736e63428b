//! [`SdeMethod`]: the methods by name, and for which equations each is.

use vecfield_brownian::Areas;
use vecfield_traits::{Calculus, Dependence, DriftDiffusion, Layout, Noise};

use super::error::SdeError;
use super::tableau::{
    AdditiveTableau, EULER_MARUYAMA, GENERAL_SHARK, HEUN, MIDPOINT, RALSTON, SEA, SHARK, SLOW_RK, SPARK, SRA1,
    StochasticTableau,
};

/// A way to take a step.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum SdeMethod {
    /// A table with stages of the diffusion.
    RungeKutta(&'static StochasticTableau),
    /// A table for additive noise.
    Additive(&'static AdditiveTableau),
    /// Milstein's method, with derivatives of the diffusion.
    Milstein,
    /// Milstein's method without derivatives.
    MilsteinFree,
    /// Rößler's method of order 1.5.
    Sriw1,
    /// Reversible Heun.
    ReversibleHeun,
    /// Platen's method of weak order two.
    Platen,
    /// Euler's method with the drift at the end of the step.
    DriftImplicitEuler,
}

/// Every method.
pub const ALL: &[SdeMethod] = &[
    SdeMethod::RungeKutta(&EULER_MARUYAMA),
    SdeMethod::Milstein,
    SdeMethod::MilsteinFree,
    SdeMethod::Sriw1,
    SdeMethod::Platen,
    SdeMethod::DriftImplicitEuler,
    SdeMethod::RungeKutta(&HEUN),
    SdeMethod::RungeKutta(&MIDPOINT),
    SdeMethod::RungeKutta(&RALSTON),
    SdeMethod::ReversibleHeun,
    SdeMethod::RungeKutta(&SPARK),
    SdeMethod::RungeKutta(&GENERAL_SHARK),
    SdeMethod::RungeKutta(&SLOW_RK),
    SdeMethod::Additive(&SEA),
    SdeMethod::Additive(&SRA1),
    SdeMethod::Additive(&SHARK),
];

impl SdeMethod {
    /// The method of this name.
    ///
    /// # Errors
    ///
    /// [`SdeError::UnknownMethod`] with the nearest name.
    pub fn named(name: &str) -> Result<Self, SdeError> {
        if let Some(method) = ALL.iter().find(|method| method.name() == name) {
            return Ok(*method);
        }
        let alike = |method: &&SdeMethod| strsim::jaro_winkler(name, method.name());
        let nearest = ALL.iter().max_by(|a, b| alike(a).total_cmp(&alike(b))).map_or("euler-maruyama", |m| m.name());
        Err(SdeError::UnknownMethod { name: name.into(), nearest })
    }

    /// The method for an equation of which this is known: the highest order there is for it, Milstein's where the field
    /// offers derivatives.
    pub fn suited_to(calculus: Calculus, noise: Noise) -> Self {
        let single = noise.layout == Layout::Diagonal || noise.columns == 1;
        match (noise.dependence, calculus) {
            (Dependence::Additive, _) => SdeMethod::Additive(&SHARK),
            (Dependence::Commutative, Calculus::Ito) if single => SdeMethod::Sriw1,
            (_, Calculus::Ito) => SdeMethod::RungeKutta(&EULER_MARUYAMA),
            (Dependence::Commutative, Calculus::Stratonovich) => SdeMethod::RungeKutta(&SLOW_RK),
            (Dependence::General, Calculus::Stratonovich) => SdeMethod::RungeKutta(&SPARK),
        }
    }

    /// As users type it after `--method`.
    pub fn name(&self) -> &'static str {
        match self {
            SdeMethod::RungeKutta(tableau) => tableau.name,
            SdeMethod::Additive(tableau) => tableau.name,
            SdeMethod::Milstein => "milstein",
            SdeMethod::MilsteinFree => "milstein-free",
            SdeMethod::Sriw1 => "sriw1",
            SdeMethod::ReversibleHeun => "stratonovich-reversible-heun",
            SdeMethod::Platen => "platen",
            SdeMethod::DriftImplicitEuler => "drift-implicit-euler",
        }
    }

    /// The calculus of the equations it solves; none where it solves those of either.
    pub fn calculus(&self) -> Option<Calculus> {
        match self {
            SdeMethod::RungeKutta(tableau) => Some(tableau.calculus),
            SdeMethod::Additive(_) | SdeMethod::Milstein => None,
            SdeMethod::MilsteinFree | SdeMethod::Sriw1 | SdeMethod::Platen | SdeMethod::DriftImplicitEuler => {
                Some(Calculus::Ito)
            }
            SdeMethod::ReversibleHeun => Some(Calculus::Stratonovich),
        }
    }

    /// Its strong order for this noise: the mean distance from the solution on the same path is `O(h^order)`. None where it
    /// cannot solve the equation.
    pub fn strong_order(&self, noise: Noise) -> Option<f64> {
        let single = noise.layout == Layout::Diagonal || noise.columns == 1;
        let of = |[additive, commutative, general]: [f64; 3]| match noise.dependence {
            Dependence::Additive => additive,
            Dependence::Commutative => commutative,
            Dependence::General => general,
        };
        let commutes = noise.dependence < Dependence::General;
        match self {
            SdeMethod::RungeKutta(tableau) => Some(of(tableau.strong)),
            SdeMethod::Additive(tableau) => (noise.dependence == Dependence::Additive).then_some(tableau.strong),
            SdeMethod::Milstein => commutes.then_some(1.0),
            SdeMethod::MilsteinFree => (single && commutes).then_some(1.0),
            SdeMethod::Sriw1 => (single && commutes).then_some(1.5),
            SdeMethod::ReversibleHeun => Some(of([1.0, 1.0, 0.5])),
            // Where columns commute the coins cancel, and Milstein's method is left.
            SdeMethod::Platen => (commutes || noise.layout == Layout::Dense).then_some(of([1.0, 1.0, 0.5])),
            SdeMethod::DriftImplicitEuler => Some(of([1.0, 0.5, 0.5])),
        }
    }

    /// The lowest and the highest strong order, over all noise that it solves.
    pub fn strong_orders(&self) -> (f64, f64) {
        let noises = [Noise::additive(2), Noise::additive(1), Noise::scalar(), Noise::diagonal(2), Noise::general(2)];
        let orders = noises.into_iter().filter_map(|noise| self.strong_order(noise));
        orders.fold((f64::INFINITY, 0.0), |(low, high), order| (low.min(order), high.max(order)))
    }

    /// Its weak order: errors of moments are `O(h^order)`.
    pub fn weak_order(&self) -> f64 {
        match self {
            SdeMethod::RungeKutta(tableau) => tableau.weak,
            SdeMethod::Additive(tableau) => tableau.weak,
            SdeMethod::Platen => 2.0,
            _ => 1.0,
        }
    }

    /// What it asks of the motion.
    pub fn areas(&self) -> Areas {
        match self {
            SdeMethod::Additive(_) | SdeMethod::Sriw1 => Areas::SpaceTime,
            SdeMethod::RungeKutta(tableau) if tableau.uses_area() => Areas::SpaceTime,
            _ => Areas::None,
        }
    }

    /// Can it change its step, without anything carried from one to the next?
    pub fn adaptive(&self) -> bool {
        !matches!(self, SdeMethod::ReversibleHeun | SdeMethod::Platen)
    }

    /// Is it for stiff drifts?
    pub fn stiff(&self) -> bool {
        matches!(self, SdeMethod::DriftImplicitEuler)
    }

    /// What it is for, in a few words.
    pub fn when(&self) -> &'static str {
        match self {
            SdeMethod::RungeKutta(tableau) => tableau.when,
            SdeMethod::Additive(tableau) => tableau.when,
            SdeMethod::Milstein => "formulas of either calculus with scalar, diagonal or commutative noise",
            SdeMethod::MilsteinFree => "Itô equations with scalar or diagonal noise, without derivatives",
            SdeMethod::Sriw1 => "the default for Itô equations with scalar or diagonal noise",
            SdeMethod::ReversibleHeun => "Stratonovich equations whose gradients are to be exact in constant memory",
            SdeMethod::Platen => "moments of Itô equations, with longer steps",
            SdeMethod::DriftImplicitEuler => "Itô equations with a stiff drift",
        }
    }

    /// Where it was published.
    pub fn source(&self) -> &'static str {
        match self {
            SdeMethod::RungeKutta(tableau) => tableau.source,
            SdeMethod::Additive(tableau) => tableau.source,
            SdeMethod::Milstein => "Milstein 1974; Kloeden-Platen (10.3.16)",
            SdeMethod::MilsteinFree => "Kloeden-Platen (11.1.3)",
            SdeMethod::Sriw1 => "Rößler 2010, table 6.1",
            SdeMethod::ReversibleHeun => "Kidger, Foster, Li, Lyons 2021",
            SdeMethod::Platen => "Kloeden-Platen (15.1.3)",
            SdeMethod::DriftImplicitEuler => "Kloeden-Platen (12.2.2)",
        }
    }

    /// Refuses an equation that it does not solve.
    ///
    /// # Errors
    ///
    /// [`SdeError::WrongCalculus`], [`SdeError::WrongNoise`], [`SdeError::NotOffered`].
    pub fn check<F: DriftDiffusion<f64>>(&self, field: &F) -> Result<(), SdeError> {
        let (noise, calculus, method) = (field.noise(), field.calculus(), self.name());
        let instead = SdeMethod::suited_to(calculus, noise).name();
        // Additive noise is the same equation after either.
        let wrong = self.calculus().filter(|own| *own != calculus && noise.dependence != Dependence::Additive);
        if let Some(own) = wrong {
            let (method_calculus, equation_calculus) = (own.name(), calculus.name());
            return Err(SdeError::WrongCalculus { method, method_calculus, equation_calculus, instead });
        }
        if self.strong_order(noise).is_none() {
            return Err(SdeError::WrongNoise { method, needs: self.needs(), has: describe(noise), instead });
        }
        let n = field.dim();
        let offers = match self {
            SdeMethod::Milstein => {
                let size = if noise.layout == Layout::Diagonal { n } else { n * noise.columns * noise.columns };
                field.self_slopes(0.0, &vec![0.5; n], &mut vec![0.0; size], &mut field.workspace(1))
            }
            SdeMethod::DriftImplicitEuler => {
                field.drift_jacobian(0.0, &vec![0.5; n], &mut vec![0.0; n * n], &mut field.workspace(1))
            }
            _ => true,
        };
        match (offers, self) {
            (true, _) => Ok(()),
            (false, SdeMethod::Milstein) => {
                Err(SdeError::NotOffered { method, needs: "the derivatives of the diffusion", instead })
            }
            (false, _) => Err(SdeError::NotOffered { method, needs: "the Jacobian of the drift", instead }),
        }
    }

    fn needs(&self) -> &'static str {
        match self {
            SdeMethod::Additive(_) => "additive noise, whose strength does not depend on the state",
            SdeMethod::Milstein => "noise whose columns commute",
            SdeMethod::Platen => {
                "noise laid out densely, or diagonal noise of strengths that look at their own component alone"
            }
            _ => "scalar noise, or diagonal noise of strengths that look at their own component alone",
        }
    }
}

fn describe(noise: Noise) -> &'static str {
    match (noise.dependence, noise.layout, noise.columns) {
        (Dependence::Additive, ..) => "additive noise of several motions for one component",
        (_, _, 1) => "scalar noise that depends on the state",
        (Dependence::Commutative, Layout::Diagonal, _) => "diagonal noise that depends on the state",
        (Dependence::Commutative, ..) => "commutative noise that depends on the state",
        (Dependence::General, ..) => "noise that depends on the state and does not commute",
    }
}
