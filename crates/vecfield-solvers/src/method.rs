//! Methods by name, and what is said of each.

use crate::SolveError;
use crate::dirk::tableau::{self as dirk, DirkTableau};
use crate::gauss::{self, GaussTableau};
use crate::reversible::{self, ReversibleMethod};
use crate::rosenbrock::{self, RosenbrockTableau};
use crate::stabilised::Polynomials;
use crate::symplectic::{self, Splitting};
use crate::tableau::{self, Tableau};
use crate::taylor::ORDERS;

/// A way to solve: the automatic choice, an explicit method, or a stiff one.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Method {
    /// An explicit method suited to the tolerance, and a stiff one while the problem is stiff.
    Auto,
    /// An explicit Runge–Kutta method.
    Explicit(&'static Tableau),
    /// Extrapolation of the midpoint rule, of orders four to eighteen.
    Extrapolation,
    /// A stabilised explicit method, for diffusion.
    Stabilised(Polynomials),
    /// Taylor series of the solution, for fields that offer them.
    Taylor,
    /// Adams–Bashforth–Moulton methods of orders one to twelve.
    Adams,
    /// A Rosenbrock method.
    Rosenbrock(&'static RosenbrockTableau),
    /// A diagonally implicit Runge–Kutta method, or an implicit–explicit pair.
    DiagonallyImplicit(&'static DirkTableau),
    /// Radau IIA of order five.
    Radau5,
    /// Radau IIA of order nine.
    Radau9,
    /// Radau IIA of order thirteen.
    Radau13,
    /// Radau IIA of orders five to thirteen, whichever suits.
    Radau,
    /// Backward differentiation formulas of orders one to five.
    Bdf,
    /// Numerical differentiation formulas of orders one to five.
    Ndf,
    /// A Gauss–Legendre method.
    Gauss(&'static GaussTableau),
    /// A symplectic method, for fields in two halves.
    Symplectic(&'static Splitting),
    /// A reversible method.
    Reversible(&'static ReversibleMethod),
}

/// The family of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Stages one after another, no equations to solve.
    Explicit,
    /// Equations to solve in every step, with the Jacobian of the field.
    Implicit,
    /// Rates of several earlier steps.
    Multistep,
    /// The map of a step keeps the symplectic form of a Hamiltonian system.
    Symplectic,
    /// A step back undoes a step, to rounding.
    Reversible,
}

/// Is a method meant for stiff problems?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stiffness {
    /// No: its steps are limited by stability.
    No,
    /// For mildly stiff problems with a negative real spectrum: explicit, but with a long stability interval.
    Mild,
    /// Yes.
    Yes,
}

impl Method {
    /// Every method: the automatic one first, then explicit ones by order, then stiff ones, then those for long
    /// runs of Hamiltonian systems.
    pub fn all() -> impl Iterator<Item = Method> {
        let explicit = tableau::ALL.iter().map(|tableau| Method::Explicit(tableau));
        let stabilised = [Polynomials::Chebyshev, Polynomials::Legendre].map(Method::Stabilised);
        let explicit = explicit.chain([Method::Extrapolation]).chain(stabilised);
        let linear = rosenbrock::ALL.iter().map(|tableau| Method::Rosenbrock(tableau));
        let gauss = gauss::ALL.iter().map(|method| Method::Gauss(method));
        let symplectic = symplectic::ALL.iter().map(|method| Method::Symplectic(method));
        let reversible = reversible::ALL.iter().map(|method| Method::Reversible(method));
        let diagonal = dirk::ALL.iter().chain(dirk::PAIRS).map(|tableau| Method::DiagonallyImplicit(tableau));
        let radau = [Method::Radau5, Method::Radau9, Method::Radau13, Method::Radau];
        let stiff = diagonal.chain(linear).chain(radau).chain([Method::Bdf, Method::Ndf]);
        let long = gauss.chain(symplectic).chain(reversible);
        let smooth = [Method::Taylor, Method::Adams];
        core::iter::once(Method::Auto).chain(explicit).chain(smooth).chain(stiff).chain(long)
    }

    /// The method of this name.
    ///
    /// # Errors
    ///
    /// [`SolveError::UnknownMethod`] with the nearest name.
    pub fn named(name: &str) -> Result<Method, SolveError> {
        if let Some(method) = Method::all().find(|method| method.name() == name) {
            return Ok(method);
        }
        let alike = |method: &Method| strsim::jaro_winkler(name, method.name());
        let nearest = Method::all().max_by(|a, b| alike(a).total_cmp(&alike(b))).unwrap_or(Method::Auto).name();
        Err(SolveError::UnknownMethod { name: name.to_owned(), nearest })
    }

    /// As users type it after `--method`.
    pub fn name(&self) -> &'static str {
        match self {
            Method::Auto => "auto",
            Method::Explicit(tableau) => tableau.name,
            Method::Extrapolation => "gbs",
            Method::Stabilised(polynomials) => polynomials.name(),
            Method::Taylor => "taylor",
            Method::Adams => "adams",
            Method::DiagonallyImplicit(tableau) => tableau.name,
            Method::Rosenbrock(tableau) => tableau.name,
            Method::Radau5 => "radau5",
            Method::Radau9 => "radau9",
            Method::Radau13 => "radau13",
            Method::Radau => "radau",
            Method::Bdf => "bdf",
            Method::Ndf => "ndf",
            Method::Gauss(method) => method.name,
            Method::Symplectic(method) => method.name,
            Method::Reversible(method) => method.name,
        }
    }

    /// The lowest and the highest order: equal but for a method that changes it.
    pub fn order(&self) -> (u32, u32) {
        match self {
            Method::Auto => (5, 9),
            Method::Explicit(tableau) => (tableau.order, tableau.order),
            Method::Extrapolation => (4, 18),
            Method::Stabilised(_) => (2, 2),
            Method::Taylor => (ORDERS[0], ORDERS[1]),
            Method::Adams => (1, 12),
            Method::DiagonallyImplicit(tableau) => (tableau.order, tableau.order),
            Method::Rosenbrock(tableau) => (tableau.order, tableau.order),
            Method::Radau5 => (5, 5),
            Method::Radau9 => (9, 9),
            Method::Radau13 => (13, 13),
            Method::Radau => (5, 13),
            Method::Bdf | Method::Ndf => (1, 5),
            Method::Gauss(method) => (method.order, method.order),
            Method::Symplectic(method) => (method.order, method.order),
            Method::Reversible(method) => (method.order(), method.order()),
        }
    }

    /// Its family.
    pub fn kind(&self) -> Kind {
        match self {
            Method::Explicit(_) | Method::Extrapolation | Method::Stabilised(_) | Method::Taylor => Kind::Explicit,
            Method::Adams | Method::Bdf | Method::Ndf => Kind::Multistep,
            Method::Symplectic(_) => Kind::Symplectic,
            Method::Reversible(_) => Kind::Reversible,
            Method::Auto | Method::DiagonallyImplicit(_) | Method::Rosenbrock(_) => Kind::Implicit,
            Method::Radau5 | Method::Radau9 | Method::Radau13 | Method::Radau | Method::Gauss(_) => Kind::Implicit,
        }
    }

    /// Does it take steps of a given size only?
    pub fn fixed_step(&self) -> bool {
        match self {
            Method::Explicit(tableau) => !tableau.adaptive(),
            Method::Symplectic(_) => true,
            Method::Reversible(method) => !method.adaptive(),
            _ => false,
        }
    }

    /// Does it solve `M dy/dt = f(t, y)` with a mass matrix, singular or not?
    pub fn mass(&self) -> bool {
        matches!(
            self,
            Method::Auto
                | Method::DiagonallyImplicit(_)
                | Method::Rosenbrock(_)
                | Method::Radau5
                | Method::Bdf
                | Method::Ndf
        )
    }

    /// Is it meant for stiff problems?
    pub fn stiff(&self) -> Stiffness {
        match self {
            Method::Explicit(_) | Method::Extrapolation | Method::Taylor | Method::Adams => Stiffness::No,
            Method::Gauss(_) | Method::Symplectic(_) | Method::Reversible(_) => Stiffness::No,
            // It damps nothing: what rings along stiff directions rings on, and keeps steps short.
            Method::DiagonallyImplicit(tableau) if tableau.name == "trapezoid" => Stiffness::No,
            Method::Stabilised(_) => Stiffness::Mild,
            Method::Auto
            | Method::DiagonallyImplicit(_)
            | Method::Rosenbrock(_)
            | Method::Radau5
            | Method::Radau9
            | Method::Radau13
            | Method::Radau
            | Method::Bdf
            | Method::Ndf => Stiffness::Yes,
        }
    }

    /// What it is for, in a few words.
    pub fn when(&self) -> &'static str {
        match self {
            Method::Auto => "the default: suits the method to the tolerance and switches where the problem is stiff",
            Method::Explicit(tableau) => tableau.when,
            Method::Extrapolation => "smooth non-stiff problems below 1e-8, and any order a tolerance asks for",
            Method::Stabilised(polynomials) => polynomials.when(),
            Method::Taylor => {
                "below 1e-10, to rounding: formulas, whose series it takes to the order the tolerance asks for"
            }
            Method::Adams => "smooth fields that are dear to evaluate: two evaluations a step, at any order",
            Method::DiagonallyImplicit(tableau) => tableau.when,
            Method::Rosenbrock(tableau) => tableau.when,
            Method::Gauss(method) => method.when,
            Method::Symplectic(method) => method.when,
            Method::Reversible(method) => method.when,
            Method::Radau5 => "stiff problems at any tolerance, discontinuous or not",
            Method::Radau9 => "smooth stiff problems, 1e-6 to 1e-11",
            Method::Radau13 => "smooth stiff problems below 1e-10",
            Method::Radau => "stiff problems at any tolerance",
            Method::Bdf => "large stiff problems: one linear system a step, of the size of the state",
            Method::Ndf => "as bdf, with smaller errors where eigenvalues are near the negative real axis",
        }
    }

    /// Where it was published.
    pub fn source(&self) -> &'static str {
        match self {
            Method::Auto => "Hairer-Wanner II, IV.2 for the detection of stiffness",
            Method::Explicit(tableau) => tableau.source,
            Method::Extrapolation => "Gragg 1965, Bulirsch and Stoer 1966; Hairer-Norsett-Wanner I, II.9",
            Method::Stabilised(polynomials) => polynomials.source(),
            Method::Taylor => "Jorba-Zou 2005",
            Method::Adams => "Shampine-Gordon 1975",
            Method::DiagonallyImplicit(tableau) => tableau.source,
            Method::Rosenbrock(tableau) => tableau.source,
            Method::Radau5 => "Hairer-Wanner II, IV.8",
            Method::Radau9 | Method::Radau13 | Method::Radau => "Hairer-Wanner 1999",
            Method::Bdf => "Brenan-Campbell-Petzold 1996",
            Method::Ndf => "Shampine-Reichelt 1997",
            Method::Gauss(method) => method.source,
            Method::Symplectic(method) => method.source,
            Method::Reversible(method) => method.source,
        }
    }
}

impl PartialEq for Method {
    fn eq(&self, other: &Method) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Method {}

impl Kind {
    /// As the command line prints it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Explicit => "explicit",
            Kind::Implicit => "implicit",
            Kind::Multistep => "multistep",
            Kind::Symplectic => "symplectic",
            Kind::Reversible => "reversible",
        }
    }
}

impl Stiffness {
    /// As the command line prints it.
    pub fn name(self) -> &'static str {
        match self {
            Stiffness::No => "no",
            Stiffness::Mild => "mild",
            Stiffness::Yes => "yes",
        }
    }
}
