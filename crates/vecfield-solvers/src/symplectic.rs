//! Symplectic methods for fields in two halves, `dq/dt = v(t, p)` and `dp/dt = f(t, q)`: separable Hamiltonians, and
//! `q'' = f(t, q)` (Hairer–Lubich–Wanner, Geometric Numerical Integration, II.5 and V.3).
//!
//! ```text
//! for every i:   q ← q + c_i h v(t_p, p),   t_q ← t_q + c_i h        a drift
//!                p ← p + d_i h f(t_q, q),   t_p ← t_p + d_i h        a kick
//! ```
//!
//! Drifts and kicks are exact flows of the two halves of the Hamiltonian, so every composition of them is symplectic; the
//! coefficients decide the order. Positions and momenta have a time each, which turns a field of time into one without.
//!
//! States are summed with a carry (Kahan's compensated summation, Hairer–Lubich–Wanner VIII.5): over a million steps
//! rounding would otherwise outgrow the error of the method.
//!
//! **Architecture invariant:** a method is a `const` and one line in [`ALL`]. *Why:* it is then tested and listed by what
//! exists. *Checked by* `tests/it/symplectic.rs`, which runs over [`ALL`].

mod methods;

use vecfield_traits::{Elementary, Half, Partition, Real, Scalar, VectorField};

pub use methods::{
    ALL, BLANES_MOAN_4, BLANES_MOAN_6, KAHAN_LI_6, KAHAN_LI_8, MCLACHLAN_2, POSITION_VERLET, RUTH_3, SUZUKI_4,
    SUZUKI_UMENO_8, SYMPLECTIC_EULER_A, SYMPLECTIC_EULER_B, VERLET, YOSHIDA_4, YOSHIDA_6, YOSHIDA_8,
};

use crate::bootstrap::Bootstrap;
use crate::options::Options;
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper, first_not_finite};
use crate::{Integrator, SolveError};

/// A symplectic method: drifts and kicks by turns, a drift first. Coefficients of zero are left out.
#[derive(Debug)]
pub struct Splitting {
    /// As users type it after `--method`.
    pub name: &'static str,
    /// The global error is `O(hᵖ)`.
    pub order: u32,
    /// `c`: how far each drift moves the positions, as fractions of the step.
    pub drifts: &'static [f64],
    /// `d`: how far each kick moves the momenta.
    pub kicks: &'static [f64],
    /// What the method is for, in a few words.
    pub when: &'static str,
    /// Where the coefficients were published.
    pub source: &'static str,
}

impl Splitting {
    /// Does a step of `-h` undo one of `h`?
    pub fn symmetric(&self) -> bool {
        let turns = self.drifts.iter().zip(self.kicks).flat_map(|(c, d)| [(*c, true), (*d, false)]);
        let turns: Vec<_> = turns.filter(|(size, _)| *size != 0.0).collect();
        turns.iter().zip(turns.iter().rev()).all(|(a, b)| a.1 == b.1 && (a.0 - b.0).abs() < 1e-14)
    }

    /// Evaluations of the forces in a step.
    pub fn evaluations(&self) -> usize {
        // A kick that ends a step shares its evaluation with the one that begins the next.
        let kicks: Vec<usize> = (0..self.kicks.len()).filter(|&i| self.kicks[i] != 0.0).collect();
        let shared = self.drifts[0] == 0.0 && self.kicks[self.kicks.len() - 1] != 0.0;
        kicks.len() - usize::from(shared)
    }

    /// The drifts and kicks that do something, in their order.
    pub fn turns<R: Real>(&self) -> Vec<Turn<R>> {
        let (mut turns, mut drifted, mut kicked) = (Vec::new(), 0.0, 0.0);
        let mut push = |half, time: f64, size: f64| {
            if size != 0.0 {
                turns.push(Turn { half, time: R::from_f64(time), size: R::from_f64(size) });
            }
        };
        for (&c, &d) in self.drifts.iter().zip(self.kicks) {
            push(Half::Positions, kicked, c);
            drifted += c;
            push(Half::Momenta, drifted, d);
            kicked += d;
        }
        turns
    }

    /// Does nothing, if the numbers can be those of a method; for `const _: () = METHOD.check();`.
    ///
    /// # Panics
    ///
    /// While compiling, if they cannot.
    pub const fn check(&self) {
        assert!(!self.drifts.is_empty() && self.drifts.len() == self.kicks.len(), "drifts and kicks come in pairs");
        let (mut i, mut drift, mut kick) = (0, 0.0, 0.0);
        while i < self.drifts.len() {
            drift += self.drifts[i];
            kick += self.kicks[i];
            i += 1;
        }
        assert!((drift - 1.0).abs() < 1e-14, "drifts must sum to one");
        assert!((kick - 1.0).abs() < 1e-14, "kicks must sum to one");
    }
}

/// Steps any [`Splitting`] over any [`Scalar`], by steps of a given size.
#[derive(Debug, Clone)]
pub struct Symplectic<S: Scalar> {
    method: &'static Splitting,
    turns: Vec<Turn<S::Real>>,
    partition: Partition,
    now: Summed<S>,
    new: Summed<S>,
    /// The rates of either half, each at its own places, and whether they are those of the present state.
    rates: [Vec<S>; 2],
    known: [bool; 2],
    dense: Bootstrap<S>,
}

/// A drift or a kick.
#[derive(Debug, Clone, Copy)]
pub struct Turn<R> {
    /// Which half it moves.
    pub half: Half,
    /// When the rates are asked for, as a fraction of the step.
    pub time: R,
    /// How far it moves, as a fraction of the step.
    pub size: R,
}

/// A state with what rounding has taken from it.
#[derive(Debug, Clone)]
struct Summed<S> {
    y: Vec<S>,
    carry: Vec<S>,
}

impl<S: Scalar> Symplectic<S> {
    /// Memory for a state of `n` components.
    ///
    /// # Errors
    ///
    /// [`SolveError::StepRequired`] without a fixed step: a step that varies with the state costs what these methods are
    /// for. Any error of the options themselves.
    pub fn new(method: &'static Splitting, n: usize, options: &Options<S::Real>) -> Result<Self, SolveError> {
        options.validate(n)?;
        if options.step.is_none() {
            return Err(SolveError::StepRequired { method: method.name });
        }
        let state = || Summed { y: vec![S::zero(); n], carry: vec![S::zero(); n] };
        Ok(Symplectic {
            method,
            turns: method.turns(),
            partition: Partition::with_positions(n, []),
            now: state(),
            new: state(),
            rates: [vec![S::zero(); n], vec![S::zero(); n]],
            known: [false; 2],
            dense: Bootstrap::new(n, method.order),
        })
    }

    /// Takes the partition of the field; has it one?
    fn adopt<F: VectorField<S>>(&mut self, field: &F) -> bool {
        let partition = field.partition().filter(|partition| partition.n() == self.now.y.len());
        if let Some(partition) = partition.filter(|partition| **partition != self.partition) {
            self.partition = partition.clone();
        }
        partition.is_some()
    }

    /// The method.
    pub fn method(&self) -> &'static Splitting {
        self.method
    }
}

impl<S: Scalar> Integrator<Symplectic<S>, S::Real> {
    /// A symplectic method over any number, for states of `n` components.
    ///
    /// # Errors
    ///
    /// As [`Symplectic::new`].
    pub fn symplectic(method: &'static Splitting, n: usize, options: &Options<S::Real>) -> Result<Self, SolveError> {
        Ok(Integrator::with_stepper(Symplectic::new(method, n, options)?, options))
    }
}

impl<S: Scalar, F: VectorField<S>> Stepper<F> for Symplectic<S> {
    type Scalar = S;

    fn dim(&self) -> usize {
        self.now.y.len()
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, y: &[S]) -> Result<(), SolveError> {
        if !self.adopt(&*field.field) {
            return Err(SolveError::NotOffered {
                method: self.method.name,
                needs: "positions and momenta whose rates depend on each other and on time alone",
                remedy: "use gauss4, which is symplectic for any Hamiltonian, or write the equations so that they separate",
            });
        }
        self.now.y.copy_from_slice(y);
        self.now.carry.fill(S::zero());
        self.dense.restart();
        for (half, rates) in HALVES.into_iter().zip(&mut self.rates) {
            field.eval_half(half, t, y, rates);
            if let Some(&component) = self.partition.half(half).iter().find(|&&i| !Scalar::is_finite(&rates[i].value()))
            {
                return Err(SolveError::undefined(component, t));
            }
        }
        self.known = [true; 2];
        Ok(())
    }

    fn first_step(&mut self, _field: &mut Evaluator<'_, F, S>, _t: S::Real, span: S::Real) -> S::Real {
        span.abs() // never asked: the step is given
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real) -> Attempt<S::Real> {
        self.new.y.copy_from_slice(&self.now.y);
        self.new.carry.copy_from_slice(&self.now.carry);
        for turn in &self.turns {
            let (this, other) = places(turn.half);
            if !self.known[this] {
                field.eval_half(turn.half, t + turn.time * h, &self.new.y, &mut self.rates[this]);
                self.known[this] = true;
            }
            let size = turn.size * h;
            for &i in self.partition.half(turn.half) {
                self.new.add(i, self.rates[this][i].scale(size));
            }
            self.known[other] = false;
        }
        Attempt { accepted: first_not_finite(&self.new.y).is_none(), factor: S::Real::one() }
    }

    fn dense(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real, theta: S::Real, out: &mut [S]) {
        self.dense.at(field, (t, h), (&self.now.y, &self.new.y), None, theta, out);
    }

    fn commit(&mut self) {
        core::mem::swap(&mut self.now, &mut self.new);
        self.dense.advance();
    }

    fn y(&self) -> &[S] {
        &self.now.y
    }

    fn y_new(&self) -> &[S] {
        &self.new.y
    }

    fn trace(&self, _out: &mut Vec<S>) -> Option<Formula> {
        Some(Formula::Symplectic(self.method))
    }

    fn save(&self, out: &mut Vec<S>) -> bool {
        for part in [&self.now.y, &self.now.carry, &self.rates[0], &self.rates[1]] {
            out.extend_from_slice(part);
        }
        out.extend(self.known.map(|known| if known { S::one() } else { S::zero() }));
        self.dense.save(out);
        true
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, S>, saved: &[S]) {
        let n = self.now.y.len();
        let [positions, momenta] = &mut self.rates;
        for (i, part) in [&mut self.now.y, &mut self.now.carry, positions, momenta].into_iter().enumerate() {
            part.copy_from_slice(&saved[i * n..][..n]);
        }
        self.known = [saved[4 * n] == S::one(), saved[4 * n + 1] == S::one()];
        self.dense.restore(&saved[4 * n + 2..]);
        self.adopt(&*field.field);
    }

    fn culprit(&self) -> Culprit {
        Culprit::not_finite(first_not_finite(&self.new.y).unwrap_or(0))
    }
}

impl<S: Scalar> Summed<S> {
    /// `y_i ← y_i + increment`, what is rounded off kept for the next time.
    #[inline(always)]
    fn add(&mut self, i: usize, increment: S) {
        let increment = self.carry[i] + increment;
        let sum = self.y[i] + increment;
        self.carry[i] = increment - (sum - self.y[i]);
        self.y[i] = sum;
    }
}

const HALVES: [Half; 2] = [Half::Positions, Half::Momenta];

/// The place of a half among the rates, and that of the other.
fn places(half: Half) -> (usize, usize) {
    match half {
        Half::Positions => (0, 1),
        Half::Momenta => (1, 0),
    }
}
