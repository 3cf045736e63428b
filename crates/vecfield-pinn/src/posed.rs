//! What a problem leaves open: directions that no row of it feels.
//!
//! The shortest row combination, `min ‖A z‖ / ‖z‖` with `z` measured as a function, is far from zero where equations and
//! conditions determine the solution, whatever the features.

use crate::mesh::Field;
use crate::problem::{Place, Problem};
use crate::staircase::Staircase;
use crate::system::System;

/// A direction that changes the rows by less is felt by none of them.
const FELT: f64 = 1e-9;

/// What is missing for a solution to be determined; nothing where it is.
pub(crate) fn missing(system: &System<'_>, staircase: &Staircase) -> Vec<String> {
    let (direction, length) = staircase.weakest(4);
    let field = system.field_of(&direction);
    let sizes = sizes(system, &field);
    let size: f64 = sizes.iter().sum::<f64>().sqrt();
    if length.is_nan() || length >= FELT * size {
        return vec![];
    }
    let problem = system.problem;
    let open = (0..sizes.len()).max_by(|&a, &b| sizes[a].total_cmp(&sizes[b])).unwrap_or(0);
    vec![advice(problem, open, is_constant(system, &field, open))]
}

/// The mean square of each unknown over the elements' points.
fn sizes(system: &System<'_>, field: &Field) -> Vec<f64> {
    (0..field.unknowns).map(|unknown| moments(system, field, unknown).1).collect()
}

/// Mean and mean square of an unknown.
fn moments(system: &System<'_>, field: &Field, unknown: usize) -> (f64, f64) {
    let reference = system.mesh.features.points(1);
    let jet = system.problem.language.value(unknown);
    let (mut mean, mut square, mut count) = (0.0, 0.0, 0.0);
    for element in 0..system.mesh.elements() {
        let points = system.mesh.place(element, &reference);
        for (row, value) in field.jet(&jet, &points).into_iter().enumerate() {
            let point: Vec<f64> = points.iter().map(|column| column[row]).collect();
            if system.problem.contains(&point) {
                (mean, square, count) = (mean + value, square + value * value, count + 1.0);
            }
        }
    }
    (mean / f64::max(count, 1.0), square / f64::max(count, 1.0))
}

fn is_constant(system: &System<'_>, field: &Field, unknown: usize) -> bool {
    let (mean, square) = moments(system, field, unknown);
    square - mean * mean < 1e-6 * square
}

/// What is missing where no condition and no measurement says anything of an unknown whose derivatives an equation has.
pub(crate) fn unstated(problem: &Problem) -> Vec<String> {
    let stated = |unknown: usize| {
        let about = |c: &crate::problem::Condition| c.formula.jets.iter().any(|jet| jet.unknown == unknown);
        problem.conditions.iter().any(about)
            || problem.data.iter().any(|data| data.values[unknown].iter().any(|value| value.is_finite()))
    };
    let moves = |unknown: usize| problem.orders(Some(unknown)).iter().any(|&order| order > 0);
    let open = (0..problem.language.unknowns.len()).filter(|&u| moves(u) && !stated(u));
    open.map(|unknown| advice(problem, unknown, false)).collect()
}

fn advice(problem: &Problem, unknown: usize, constant: bool) -> String {
    let name = &problem.language.unknowns[unknown];
    let coordinates = &problem.language.coordinates;
    let stated = |place: &dyn Fn(&Place) -> bool| {
        let about = |c: &&crate::problem::Condition| c.formula.jets.iter().any(|jet| jet.unknown == unknown);
        problem.conditions.iter().filter(about).any(|c| place(&c.place))
    };
    let corner = || {
        let place = |(name, low): (&String, &f64)| format!("{name} = {low}");
        coordinates.iter().zip(&problem.low).map(place).collect::<Vec<_>>().join(", ")
    };
    if constant {
        return format!(
            "`{name}` is determined up to a constant: fix it at a point, as on = \"{}\", {name} = 0",
            corner()
        );
    }
    let silent: Vec<String> = (0..coordinates.len())
        .filter(|&i| !problem.periodic[i] && problem.orders(Some(unknown))[i] > 0)
        .flat_map(|i| [(i, problem.low[i]), (i, problem.high[i])])
        .filter(|&(i, value)| {
            let space = coordinates[i] != "t";
            !stated(&|place| match place {
                Place::Fixed(fixed) => fixed[..] == [(i, value)],
                Place::Boundary => space,
                Place::Outside => true,
            })
        })
        .map(|(i, value)| format!("{} = {value}", coordinates[i]))
        .collect();
    match silent.is_empty() {
        true => format!("the conditions on `{name}` leave it open; are they fewer than its equation needs?"),
        false => format!("no condition says what `{name}` is where {}; state it on one of these", silent.join(" or ")),
    }
}
