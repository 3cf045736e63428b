//! All space as a finite box: as far out as what is wanted depends on.
//!
//! Where a solution depends on `r = |x|²` alone, `u_t + D u_rr + v u_r + ..` carries what happens far out inwards, by the drift
//! `v T` and by the spread `√(2 D T)` around it, both read off the equation's slopes at the state it begins with. The box
//! ends six spreads beyond; there the solution is only asked to bend little, which is wrong by little and is felt by
//! nothing that is wanted.

use crate::PinnError;
use crate::features::Features;
use crate::formula::{At, Columns};
use crate::language::Jet;
use crate::march::stated;
use crate::mesh::{Field, Mesh};
use crate::problem::Problem;

/// Spreads between what is wanted and the end of the box.
const SPREADS: f64 = 6.0;

/// The problem in a box that is large enough for `wanted` points, or for those where the Gaussian has its mass; and how far
/// these reach.
pub(crate) fn bounded(problem: &Problem, wanted: Option<&[Vec<f64>]>) -> Result<(Problem, f64), PinnError> {
    let Some(group) = problem.language.groups.iter().find(|group| group.radial.is_some()) else {
        let reason = "all space is solved only where the solution depends on norm2 of it; state the equation with \
                      laplacian, grad2 and norm2, or give a box";
        return Err(PinnError::unsupported("domain", reason));
    };
    let (r, n) = (group.first, group.radial.unwrap_or(1) as f64);
    let Some((time, upwards)) = problem.march() else {
        let reason = "all space is solved only for problems with a beginning in t; give a box or a ball";
        return Err(PinnError::unsupported("domain", reason));
    };
    // χ² with n degrees of freedom: five standard deviations above its mean.
    let typical = problem.high[r] * (1.0 + 5.0 * (2.0 / n).sqrt());
    let reach = wanted.map_or(typical, |points| points[r].iter().copied().fold(1e-3 * typical, f64::max));
    let mut bounded = problem.clone();
    bounded.high[r] = 4.0 * reach;
    let (drift, spread) = transport(&bounded, r, (time, upwards), reach)?;
    let whole = problem.high[time] - problem.low[time];
    let carried = reach + drift * whole;
    // The diffusion of |x|² grows with it.
    let width = (2.0 * spread * (carried / reach).max(1.0) * whole).sqrt();
    bounded.high[r] = (carried + SPREADS * width).max(2.0 * reach);
    bounded.open = Some(r);
    Ok((bounded, reach))
}

/// `v` and `D` at `reach`, in the state that the problem begins with.
fn transport(problem: &Problem, r: usize, (time, upwards): (usize, bool), reach: f64) -> Result<(f64, f64), PinnError> {
    let unknowns = problem.language.unknowns.len();
    let begin = if upwards { problem.low[time] } else { problem.high[time] };
    let degrees: Vec<usize> = (0..problem.low.len()).map(|i| if i == time { 1 } else { 24 }).collect();
    let breaks = vec![problem.low[r], problem.high[r]];
    let mesh = Mesh::new(problem.low.clone(), problem.high.clone(), r, breaks, Features::new(&degrees, None));
    let state = Field::fit(&mesh, unknowns, |unknown, points| stated(problem, (time, begin), unknown, points));
    let probe: Columns = (0..problem.low.len())
        .map(|i| {
            let middle = 0.5 * (problem.low[i] + problem.high[i]);
            vec![if i == r {
                reach
            } else if i == time {
                begin
            } else {
                middle
            }]
        })
        .collect();
    let (mut drift, mut spread) = (0.0_f64, 0.0_f64);
    for equation in &problem.equations {
        let jets: Columns = equation.jets.iter().map(|jet| state.jet(jet, &probe)).collect();
        let at = At { coordinates: &probe, normals: &vec![], constants: &[], jets: &jets, integrals: &vec![] };
        let slopes = equation.eval(at);
        let of = |wanted: &dyn Fn(&Jet) -> bool| {
            let found = equation.jets.iter().zip(&slopes.by_jet).filter(|(jet, _)| wanted(jet));
            found.map(|(_, slope)| slope[0].abs()).fold(0.0, f64::max)
        };
        let rate = of(&|jet| jet.order[time] == 1);
        if rate > 0.0 {
            drift = drift.max(of(&|jet| jet.order[r] == 1) / rate);
            spread = spread.max(of(&|jet| jet.order[r] == 2) / rate);
        }
    }
    Ok((drift, spread))
}
