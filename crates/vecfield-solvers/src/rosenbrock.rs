//! Rosenbrock methods: stiff, with one factorisation a step and no iteration (Hairer–Wanner II, IV.7).
//!
//! In the variables that need no multiplication by the Jacobian, with `W = M/(hγ) - J`,
//!
//! ```text
//! W k_i = f(t + c_i h, y + Σ_{j<i} a_ij k_j) + h d_i ∂f/∂t + M Σ_{j<i} c_ij k_j / h,        i = 1..s
//! y⁺ = y + Σ_{j<s} a_sj k_j + k_s
//! ```
//!
//! All methods here are stiffly accurate, and the last stage is the error estimate.

use vecfield_traits::{Jacobian, Real};

use crate::combine::{Term, combine, terms};
use crate::controller::Controller;
use crate::linear::{Linearisation, Shifted};
use crate::options::{Norm, Options, root_mean};
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper, first_not_finite};
use crate::{SolveError, initial};

/// Every Rosenbrock method, lowest order first.
pub const ALL: &[&RosenbrockTableau] = &[&RODAS4, &RODAS5P];

/// The coefficients of a stiffly accurate Rosenbrock method.
#[derive(Debug)]
pub struct RosenbrockTableau {
    /// As users type it after `--method`.
    pub name: &'static str,
    /// Classical order; the embedded method is one lower.
    pub order: u32,
    /// The diagonal coefficient `γ`.
    pub gamma: f64,
    /// `a_ij`: row `i` has `i` entries.
    pub a: &'static [&'static [f64]],
    /// `c_ij`: row `i` has `i` entries.
    pub c: &'static [&'static [f64]],
    /// `c_i`, the stage times as fractions of the step.
    pub times: &'static [f64],
    /// `d_i`, the weights of `h ∂f/∂t`.
    pub slopes: &'static [f64],
    /// Rows `H_r` of dense output, `y + θ(y⁺ - y) + θ(1-θ)(K₁ + θ(K₂ + θK₃))` with `K_r = Σ_i H_ri k_i`.
    pub dense: &'static [&'static [f64]],
    /// The error inside a step is `O(h^(dense_order + 1))`.
    pub dense_order: u32,
    /// What the method is for, in a few words.
    pub when: &'static str,
    /// Where the coefficients were published.
    pub source: &'static str,
}

/// Hairer and Wanner's fourth-order method, L-stable and stiffly accurate.
pub const RODAS4: RosenbrockTableau = RosenbrockTableau {
    name: "rodas4",
    order: 4,
    gamma: 0.25,
    a: &[
        &[],
        &[1.544],
        &[0.9466785280815826, 0.2557011698983284],
        &[3.314825187068521, 2.896124015972201, 0.9986419139977817],
        &[1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895],
        &[1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895, 1.0],
    ],
    c: &[
        &[],
        &[-5.6688],
        &[-2.430093356833875, -0.2063599157091915],
        &[-0.1073529058151375, -9.594562251023355, -20.47028614809616],
        &[7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616],
        &[8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054],
    ],
    times: &[0.0, 0.386, 0.21, 0.63, 1.0, 1.0],
    slopes: &[0.25, -0.1043, 0.1035, -0.0362, 0.0, 0.0],
    dense: &[
        &[10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662, 0.0],
        &[-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872, 0.0],
    ],
    dense_order: 3,
    when: "stiff problems, tolerances of 1e-2 to 1e-5",
    source: "Hairer-Wanner II, IV.7 and VI.4",
};

/// Steinebach's fifth-order method, L-stable, of order four on Prothero and Robinson's problem.
pub const RODAS5P: RosenbrockTableau = RosenbrockTableau {
    name: "rodas5p",
    order: 5,
    gamma: 0.21193756319429014,
    a: &[
        &[],
        &[3.0],
        &[2.849394379747939, 0.45842242204463923],
        &[-6.954028509809101, 2.489845061869568, -10.358996098473584],
        &[2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641],
        &[-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946],
        &[-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946, 1.0],
        &[
            -7.502846399306121,
            2.561846144803919,
            -11.627539656261098,
            -0.18268767659942256,
            0.030198172008377946,
            1.0,
            1.0,
        ],
    ],
    c: &[
        &[],
        &[-14.155112264123755],
        &[-17.97296035885952, -2.859693295451294],
        &[147.12150275711716, -1.41221402718213, 71.68940251302358],
        &[165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306],
        &[24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471],
        &[
            30.91273214028599,
            -3.1208243349937974,
            77.79954646070892,
            34.28646028294783,
            -19.097331116725623,
            -28.087943162872662,
        ],
        &[
            37.80277123390563,
            -3.2571969029072276,
            112.26918849496327,
            66.9347231244047,
            -40.06618937091002,
            -54.66780262877968,
            -9.48861652309627,
        ],
    ],
    times: &[0.0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1.0, 1.0, 1.0],
    slopes: &[
        0.21193756319429014,
        -0.42387512638858027,
        -0.3384627126235924,
        1.8046452872882734,
        2.325825639765069,
        0.0,
        0.0,
        0.0,
    ],
    dense: &[
        &[
            25.948786856663858,
            -2.5579724845846235,
            10.433815404888879,
            -2.3679251022685204,
            0.524948541321073,
            1.1241088310450404,
            0.4272876194431874,
            -0.17202221070155493,
        ],
        &[
            -9.91568850695171,
            -0.9689944594115154,
            3.0438037242978453,
            -24.495224566215796,
            20.176138334709044,
            15.98066361424651,
            -6.789040303419874,
            -6.710236069923372,
        ],
        &[
            11.419903575922262,
            2.8879645146136994,
            72.92137995996029,
            80.12511834622643,
            -52.072871366152654,
            -59.78993625266729,
            -0.15582684282751913,
            4.883087185713722,
        ],
    ],
    dense_order: 4,
    when: "stiff problems, tolerances of 1e-3 to 1e-7",
    source: "Steinebach 2023",
};

const _: () = {
    RODAS4.check();
    RODAS5P.check();
};

impl RosenbrockTableau {
    /// `s`, the number of stages.
    pub const fn stages(&self) -> usize {
        self.times.len()
    }

    /// Does nothing, if the numbers can be those of a stiffly accurate method; for `const _: () = METHOD.check();`.
    ///
    /// # Panics
    ///
    /// While compiling, if they cannot.
    pub const fn check(&self) {
        let s = self.stages();
        assert!(self.a.len() == s && self.c.len() == s && self.slopes.len() == s, "one row a stage");
        let mut i = 0;
        while i < s {
            assert!(self.a[i].len() == i && self.c[i].len() == i, "a stage looks only at earlier ones");
            i += 1;
        }
        assert!(self.times[s - 1] == 1.0 && self.a[s - 1][s - 2] == 1.0, "stiffly accurate, with an embedded method");
        let mut row = 0;
        while row < self.dense.len() {
            assert!(self.dense[row].len() == s, "dense output weighs every stage");
            row += 1;
        }
    }
}

/// Steps any [`RosenbrockTableau`] over floats, with the field's own Jacobian.
#[derive(Debug, Clone)]
pub struct Rosenbrock<R: Real> {
    tableau: &'static RosenbrockTableau,
    n: usize,
    a: Vec<Box<[Term<R>]>>,
    c: Vec<Box<[Term<R>]>>,
    dense_rows: Vec<Box<[Term<R>]>>,
    norm: Norm<R>,
    controller: Controller<R>,
    fixed: bool,
    y: Vec<R>,
    y_new: Vec<R>,
    rate: Vec<R>,
    rate_new: Vec<R>,
    stage: Vec<R>,
    base: Vec<R>,
    /// A sum before and after the mass matrix; empty for the identity.
    sums: [Vec<R>; 2],
    /// `[s, n]`.
    k: Vec<R>,
    linearisation: Linearisation<R>,
    matrix: Shifted<R>,
    /// Is the Jacobian that of the present state?
    current: bool,
}

impl<R: Real> Rosenbrock<R> {
    /// Memory for a state of `n` components: that of the stages, and for a dense Jacobian `2n²`
    /// numbers when a solve starts.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn new(tableau: &'static RosenbrockTableau, n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        options.validate(n)?;
        let all = |rows: &[&[f64]]| rows.iter().map(|row| terms(row)).collect();
        let vector = || vec![R::zero(); n];
        Ok(Rosenbrock {
            tableau,
            n,
            a: all(tableau.a),
            c: all(tableau.c),
            dense_rows: all(tableau.dense),
            norm: Norm::new(options, n),
            controller: Controller::new(&options.controller, tableau.order),
            fixed: options.step.is_some(),
            y: vector(),
            y_new: vector(),
            rate: vector(),
            rate_new: vector(),
            stage: vector(),
            base: vector(),
            sums: [Vec::new(), Vec::new()],
            k: vec![R::zero(); n * tableau.stages()],
            linearisation: Linearisation::new(n, options),
            matrix: Shifted::default(),
            current: false,
        })
    }

    fn adopt<F: Jacobian<R>>(&mut self, field: &F) {
        self.linearisation.adopt(field);
        self.matrix.adopt(&self.linearisation);
        let n = if self.linearisation.mass().is_some() { self.n } else { 0 };
        self.sums.iter_mut().for_each(|sum| sum.resize(n, R::zero()));
    }

    fn factorize<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> bool {
        if !self.current {
            self.linearisation.evaluate(field, t, &self.y);
            self.current = true;
        }
        field.stats.factorizations += 1;
        let sigma = R::one() / (h * R::from_f64(self.tableau.gamma));
        self.matrix.factorize(sigma, &self.linearisation).is_ok()
    }

    fn stages<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) {
        let n = self.n;
        for i in 0..self.tableau.stages() {
            let (known, unknown) = self.k.split_at_mut(i * n);
            let k = &mut unknown[..n];
            if i == 0 {
                self.base.copy_from_slice(&self.rate);
            } else {
                combine(&self.y, R::one(), &self.a[i], known, &mut self.stage);
                field.eval(t + R::from_f64(self.tableau.times[i]) * h, &self.stage, &mut self.base);
            }
            let slope = h * R::from_f64(self.tableau.slopes[i]);
            for (base, time) in self.base.iter_mut().zip(self.linearisation.time()) {
                *base += slope * *time;
            }
            match self.linearisation.mass() {
                None => combine(&self.base, R::one() / h, &self.c[i], known, k),
                Some(mass) => {
                    let [zero, sum] = &mut self.sums;
                    zero.fill(R::zero());
                    combine(zero, R::one() / h, &self.c[i], known, sum);
                    mass.apply(sum, k);
                    k.iter_mut().zip(&self.base).for_each(|(k, base)| *k += *base);
                }
            }
            self.matrix.solve(k);
        }
        // The last stage's argument is the embedded solution, and the stage its error.
        let last = &self.k[self.k.len() - n..];
        for ((new, embedded), error) in self.y_new.iter_mut().zip(&self.stage).zip(last) {
            *new = *embedded + *error;
        }
    }

    fn error_ratio(&self) -> R {
        let last = &self.k[self.k.len() - self.n..];
        let mut total = R::zero();
        for (j, &error) in last.iter().enumerate() {
            let ratio = error / self.norm.scale(j, self.y[j], self.y_new[j]);
            total += ratio * ratio;
        }
        // Fixed steps ask only whether everything is finite.
        root_mean(if self.fixed { total * R::zero() } else { total }, self.n)
    }
}

impl<R: Real, F: Jacobian<R>> Stepper<F> for Rosenbrock<R> {
    type Scalar = R;

    fn dim(&self) -> usize {
        self.n
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        self.y.copy_from_slice(y);
        self.adopt(&*field.field);
        self.linearisation.settle(field, t, &mut self.y)?;
        self.controller.reset();
        self.current = false;
        field.eval(t, &self.y, &mut self.rate);
        match first_not_finite(&self.rate) {
            Some(component) => Err(SolveError::NotFinite { component, t: t.to_f64(), step: 0.0 }),
            None => Ok(()),
        }
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, R>, t: R, span: R) -> R {
        let matrix = (&mut self.matrix, &mut self.rate_new[..]);
        if let Some(h) = self.linearisation.first_step(field, (t, span), (&self.y, &self.rate), matrix) {
            return h;
        }
        let trial = initial::Trial { stage: &mut self.stage, rate: &mut self.rate_new };
        initial::step(field, &self.norm, self.tableau.order, (t, span), &self.y, &self.rate, trial)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Attempt<R> {
        if !self.factorize(field, t, h) {
            return Attempt { accepted: false, factor: R::from_f64(0.5) };
        }
        self.stages(field, t, h);
        let mut error = self.error_ratio();
        if error <= R::one() {
            field.eval(t + h, &self.y_new, &mut self.rate_new);
            error += self.rate_new.iter().fold(R::zero(), |sum, rate| sum + *rate * R::zero());
        }
        let accepted = error <= R::one();
        let factor = if self.fixed { R::one() } else { self.controller.factor(error) };
        Attempt { accepted, factor }
    }

    fn dense(&mut self, _field: &mut Evaluator<'_, F, R>, _t: R, _h: R, theta: R, out: &mut [R]) {
        let rest = R::one() - theta;
        // Horner's rule over the rows: K₁ + θ(K₂ + θK₃), gathered in `stage`.
        self.stage.fill(R::zero());
        for row in self.dense_rows.iter().rev() {
            for j in 0..self.n {
                let sum = row.iter().fold(R::zero(), |sum, term| sum + term.weight * self.k[term.slot * self.n + j]);
                self.stage[j] = sum + theta * self.stage[j];
            }
        }
        for j in 0..self.n {
            out[j] = rest * self.y[j] + theta * (self.y_new[j] + rest * self.stage[j]);
        }
    }

    fn commit(&mut self) {
        core::mem::swap(&mut self.y, &mut self.y_new);
        core::mem::swap(&mut self.rate, &mut self.rate_new);
        self.current = false;
    }

    fn y(&self) -> &[R] {
        &self.y
    }

    fn y_new(&self) -> &[R] {
        &self.y_new
    }

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        out.extend_from_slice(&self.k);
        self.linearisation.mass().is_none().then_some(Formula::Rosenbrock(self.tableau))
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        out.extend_from_slice(&self.y);
        out.extend_from_slice(&self.rate);
        out.extend(self.controller.memory());
        true
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, R>, saved: &[R]) {
        self.adopt(&*field.field);
        let (y, rest) = saved.split_at(self.n);
        let (rate, memory) = rest.split_at(self.n);
        self.y.copy_from_slice(y);
        self.rate.copy_from_slice(rate);
        self.controller.recall([memory[0], memory[1], memory[2]]);
        self.current = false;
    }

    fn culprit(&self) -> Culprit {
        let n = self.n;
        let stage = first_not_finite(&self.k).map(|at| at % n);
        let end = first_not_finite(&self.y_new).or(first_not_finite(&self.rate_new));
        if let Some(component) = self.linearisation.not_finite().or(stage).or(end) {
            return Culprit { component, finite: false };
        }
        let last = &self.k[self.k.len() - n..];
        let ratio = |j: usize| (last[j] / self.norm.scale(j, self.y[j], self.y_new[j])).abs();
        let worst = (0..n).fold(0, |worst, j| if ratio(j) > ratio(worst) { j } else { worst });
        Culprit { component: worst, finite: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Γ⁻¹ = diag(1/γ) - C` and `α = A Γ`, so the times are the row sums of `α` and the slopes those of `Γ`
    /// (Hairer–Wanner II, IV.7, eqs. (7.21) to (7.25)).
    #[test]
    fn times_and_slopes_are_row_sums() {
        for tableau in ALL {
            let s = tableau.stages();
            // x = Γ·1 solves (diag(1/γ) - C) x = 1.
            let mut slopes: Vec<f64> = vec![];
            for i in 0..s {
                let sum: f64 = tableau.c[i].iter().zip(&slopes).map(|(c, x)| c * x).sum();
                slopes.push(tableau.gamma * (1.0 + sum));
                assert!((slopes[i] - tableau.slopes[i]).abs() < 1e-12, "{}: slope {i}", tableau.name);
                let time: f64 = tableau.a[i].iter().zip(&slopes).map(|(a, x)| a * x).sum();
                assert!((time - tableau.times[i]).abs() < 1e-12, "{}: time {i}", tableau.name);
            }
        }
    }

    /// `R(∞) = 0`, and `R(z)` is the exponential near zero: one step for `y' = λy`.
    #[test]
    fn the_methods_are_l_stable() {
        for tableau in ALL {
            let damped = |z: f64| {
                let field =
                    vecfield_autodiff::ByDifferences::new(crate::field(1, move |_t, y: &[f64], dy: &mut [f64]| {
                        dy[0] = z * y[0];
                    }));
                let mut integrator =
                    crate::Integrator::new(crate::Method::Rosenbrock(tableau), 1, &Options::fixed(1.0)).unwrap();
                integrator.solve(&field, (0.0, 1.0), &[1.0], crate::Save::End).unwrap().last()[0]
            };
            assert!(damped(-1e8).abs() < 1e-6, "{}: {}", tableau.name, damped(-1e8));
            for exponent in -2..8 {
                let z = -10.0_f64.powi(exponent);
                assert!(damped(z).abs() <= 1.0, "{} at {z}", tableau.name);
            }
            assert!((damped(-0.1) - (-0.1_f64).exp()).abs() < 1e-6, "{}", tableau.name);
        }
    }
}
