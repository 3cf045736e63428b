//! The Rust peers on a problem, set up as their documentation does, with exact Jacobians.

use core::marker::PhantomData;

use differential_equations::linalg::Matrix;
use differential_equations::prelude::{ExplicitRungeKutta, IVP, ImplicitRungeKutta, ODE};
use diffsol::{FaerSparseLU, FaerSparseMat, NalgebraLU, NalgebraMat, OdeBuilder, OdeSolverMethod, OdeSolverStopReason};
use nalgebra::SVector;
use vecfield_autodiff::Dual;
use vecfield_traits::Dynamics;

use crate::problems::Case;
use crate::run::{Point, TOLERANCES, point};

fn rhs<C: Case>(y: &[f64], dy: &mut [f64]) {
    Dynamics::eval(&C::default(), 0.0, y, &[], dy);
}

/// `dy = J(y) v`.
fn product<C: Case>(y: &[f64], v: &[f64], dy: &mut [f64]) {
    type Tangent = Dual<f64, 1>;
    let zero = Tangent::constant(0.0);
    let moved: Vec<Tangent> = y.iter().zip(v).map(|(&value, &v)| Dual { value, tangent: [v] }).collect();
    let mut rates = vec![zero; y.len()];
    Dynamics::eval(&C::default(), zero, &moved, &[], &mut rates);
    dy.iter_mut().zip(rates).for_each(|(dy, rate)| *dy = rate.tangent[0]);
}

/// One method of diffsol at every tolerance.
macro_rules! diffsol {
    ($case:ty, $matrix:ty, $name:literal, $reference:expr, $points:expr, |$problem:ident| $solver:expr) => {
        for rtol in TOLERANCES {
            let solve = || -> Result<Vec<f64>, String> {
                let $problem = OdeBuilder::<$matrix>::new()
                    .rtol(rtol)
                    .atol([rtol * <$case>::SCALE])
                    .h0(<$case>::FIRST_STEP)
                    .use_coloring(<$case>::N > 100)
                    .rhs_implicit(
                        |y: &[f64], _p: &[f64], _t: f64, dy: &mut [f64]| rhs::<$case>(y, dy),
                        |y: &[f64], _p: &[f64], _t: f64, v: &[f64], dy: &mut [f64]| product::<$case>(y, v, dy),
                    )
                    .init(|_p: &[f64], _t: f64, y: &mut [f64]| y.copy_from_slice(&<$case>::start()), <$case>::N)
                    .build()
                    .map_err(|e| e.to_string())?;
                let mut solver = $solver.map_err(|e| e.to_string())?;
                solver.set_stop_time(<$case>::END).map_err(|e| e.to_string())?;
                while !matches!(solver.step().map_err(|e| e.to_string())?, OdeSolverStopReason::TstopReached) {}
                Ok(diffsol::Vector::clone_as_vec(solver.state().y))
            };
            $points.push(point::<$case>("diffsol", $name, rtol, $reference, solve));
        }
    };
}

/// A problem for the differential-equations crate.
struct Field<C, const N: usize>(PhantomData<C>);

impl<C: Case, const N: usize> ODE<f64, SVector<f64, N>> for Field<C, N> {
    fn diff(&self, _t: f64, y: &SVector<f64, N>, dy: &mut SVector<f64, N>) {
        rhs::<C>(y.as_slice(), dy.as_mut_slice());
    }

    fn jacobian(&self, _t: f64, y: &SVector<f64, N>, jacobian: &mut Matrix<f64>) {
        let (mut v, mut column) = ([0.0; N], [0.0; N]);
        for j in 0..N {
            v[j] = 1.0;
            product::<C>(y.as_slice(), &v, &mut column);
            v[j] = 0.0;
            for (i, entry) in column.iter().enumerate() {
                jacobian[(i, j)] = *entry;
            }
        }
    }
}

/// One method of the differential-equations crate at every tolerance.
macro_rules! equations {
    ($case:ty, $n:ident, $name:literal, $method:expr, $reference:expr, $points:expr) => {
        for rtol in TOLERANCES {
            let solve = || -> Result<Vec<f64>, String> {
                let field = Field::<$case, $n>(PhantomData);
                let start = SVector::<f64, $n>::from_column_slice(&<$case>::start());
                let method =
                    $method.rtol(rtol).atol(rtol * <$case>::SCALE).h0(<$case>::FIRST_STEP).max_steps(1_000_000);
                let solved = IVP::ode(&field, 0.0, <$case>::END, start).method(method).solve();
                let solution = solved.map_err(|e| format!("{e:?}").chars().take(120).collect::<String>())?;
                Ok(solution.y.last().ok_or("no state")?.as_slice().to_vec())
            };
            $points.push(point::<$case>("differential-equations", $name, rtol, $reference, solve));
        }
    };
}

/// Every Rust peer's methods on a stiff problem with dense matrices.
pub fn stiff<C: Case, const N: usize>(reference: &[f64], points: &mut Vec<Point>) {
    diffsol!(C, NalgebraMat<f64>, "bdf", reference, points, |problem| problem.bdf::<NalgebraLU<f64>>());
    diffsol!(C, NalgebraMat<f64>, "esdirk34", reference, points, |problem| problem.esdirk34::<NalgebraLU<f64>>());
    diffsol!(C, NalgebraMat<f64>, "tr_bdf2", reference, points, |problem| problem.tr_bdf2::<NalgebraLU<f64>>());
    equations!(C, N, "radau5", ImplicitRungeKutta::radau5(), reference, points);
}

/// The same for a large problem, with sparse matrices.
pub fn stiff_sparse<C: Case>(reference: &[f64], points: &mut Vec<Point>) {
    diffsol!(C, FaerSparseMat<f64>, "bdf", reference, points, |problem| problem.bdf::<FaerSparseLU<f64>>());
    diffsol!(C, FaerSparseMat<f64>, "esdirk34", reference, points, |problem| problem.esdirk34::<FaerSparseLU<f64>>());
}

/// Every Rust peer's methods on a problem that is not stiff.
pub fn not_stiff<C: Case, const N: usize>(reference: &[f64], points: &mut Vec<Point>) {
    diffsol!(C, NalgebraMat<f64>, "tsit45", reference, points, |problem| problem.tsit45());
    equations!(C, N, "dopri5", ExplicitRungeKutta::dopri5(), reference, points);
    equations!(C, N, "dop853", ExplicitRungeKutta::dop853(), reference, points);
    equations!(C, N, "rkv767e", ExplicitRungeKutta::rkv767e(), reference, points);
    equations!(C, N, "rkv988e", ExplicitRungeKutta::rkv988e(), reference, points);
}
