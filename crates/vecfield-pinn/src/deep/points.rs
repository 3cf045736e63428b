//! Where equations and conditions are asked for: evenly spread points, and residual-based adaptive draws of them.
//!
//! **Architecture invariant:** a draw is a function of the seed, of its number and of the residuals. *Why:* a run repeats.

use vecfield_nn::Random;

use crate::features::even_lattice;
use crate::formula::Columns;
use crate::problem::{Place, Problem};

/// Points of one condition, with outward normals where there are any.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rim {
    pub(crate) condition: usize,
    pub(crate) points: Columns,
    pub(crate) normals: Columns,
}

/// Times as many points are looked at as are drawn.
const CANDIDATES: usize = 5;

/// `count` points inside the domain, evenly.
pub(crate) fn inside(problem: &Problem, count: usize, random: &mut Random) -> Columns {
    let dims = problem.low.len();
    let mut columns: Columns = vec![Vec::with_capacity(count); dims];
    // The shape has some point: it was looked for when the problem was read.
    let mut tries = count;
    while columns[0].len() < count {
        let shift = random.uniform();
        for probe in even_lattice(tries, dims, shift).chunks_exact(dims) {
            let point: Vec<f64> = (0..dims).map(|i| within(problem, i, probe[i])).collect();
            if columns[0].len() < count && problem.contains(&point) {
                columns.iter_mut().zip(&point).for_each(|(column, &x)| column.push(x));
            }
        }
        tries *= 2;
    }
    columns
}

fn within(problem: &Problem, i: usize, share: f64) -> f64 {
    problem.low[i] + share * (problem.high[i] - problem.low[i])
}

/// Points with a density of `|r| / mean |r| + 1` (RAD with k = 1, c = 1: Wu, Zhu, Tan, Kartha & Lu 2023, eq. (2)).
pub(crate) fn adapted(
    problem: &Problem,
    count: usize,
    random: &mut Random,
    residual: &mut dyn FnMut(&Columns) -> Vec<f64>,
) -> Columns {
    let candidates = inside(problem, CANDIDATES * count, random);
    let sizes = residual(&candidates);
    let mean = sizes.iter().sum::<f64>() / sizes.len() as f64;
    let density = |size: f64| if mean > 0.0 && mean.is_finite() { size / mean + 1.0 } else { 1.0 };
    // Without replacement: the smallest of exponential waiting times (Efraimidis & Spirakis 2006).
    let mut waits: Vec<(f64, usize)> =
        sizes.iter().enumerate().map(|(at, &size)| (-(1.0 - random.uniform()).ln() / density(size), at)).collect();
    waits.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut kept: Vec<usize> = waits[..count].iter().map(|&(_, at)| at).collect();
    kept.sort_unstable();
    candidates.iter().map(|column| kept.iter().map(|&at| column[at]).collect()).collect()
}

/// Points of the conditions that are not built into the solution, about `count` on each face.
pub(crate) fn rims(problem: &Problem, built_in: &[usize], count: usize, random: &mut Random) -> Vec<Rim> {
    let mut rims = Vec::new();
    for (condition, stated) in problem.conditions.iter().enumerate() {
        if built_in.contains(&condition) {
            continue;
        }
        match &stated.place {
            Place::Outside => {}
            Place::Fixed(fixed) => rims.push(face(problem, condition, fixed, count, random)),
            Place::Boundary if problem.shape.is_some() => rims.push(around(problem, condition, count, random)),
            Place::Boundary => {
                for i in problem.language.space().into_iter().filter(|&i| !problem.periodic[i]) {
                    if !problem.language.is_radius(i) {
                        rims.push(face(problem, condition, &[(i, problem.low[i])], count, random));
                    }
                    rims.push(face(problem, condition, &[(i, problem.high[i])], count, random));
                }
            }
        }
    }
    rims.retain(|rim| !rim.points[0].is_empty());
    rims
}

/// Points where some coordinates have given values.
fn face(problem: &Problem, condition: usize, fixed: &[(usize, f64)], count: usize, random: &mut Random) -> Rim {
    let dims = problem.low.len();
    let count = if fixed.len() == dims { 1 } else { count };
    let shift = random.uniform();
    let mut points: Columns = vec![vec![]; dims];
    for probe in even_lattice(count, dims, shift).chunks_exact(dims) {
        let mut point: Vec<f64> = (0..dims).map(|i| within(problem, i, probe[i])).collect();
        fixed.iter().for_each(|&(i, value)| point[i] = value);
        if problem.contains(&point) {
            points.iter_mut().zip(&point).for_each(|(column, &x)| column.push(x));
        }
    }
    let normal = |i: usize| match fixed.iter().find(|(k, _)| *k == i) {
        Some(&(_, value)) if value == problem.low[i] => -1.0,
        Some(&(_, value)) if value == problem.high[i] => 1.0,
        _ => 0.0,
    };
    let normals = (0..dims).map(|i| vec![normal(i); points[0].len()]).collect();
    Rim { condition, points, normals }
}

/// Points of the boundary of a shape, at all times.
fn around(problem: &Problem, condition: usize, count: usize, random: &mut Random) -> Rim {
    let (dims, space) = (problem.low.len(), problem.language.space());
    let mut rim = Rim { condition, points: vec![vec![]; dims], normals: vec![vec![]; dims] };
    let Some(shape) = &problem.shape else { return rim };
    for edge in shape.rim(4 * count) {
        let slack = |k: usize| 1e-9 * (problem.high[space[k]] - problem.low[space[k]]);
        let in_box = (space.iter().enumerate())
            .all(|(k, &i)| (problem.low[i] - slack(k)..=problem.high[i] + slack(k)).contains(&edge.point[k]));
        if !in_box {
            continue;
        }
        for i in 0..dims {
            let k = space.iter().position(|&s| s == i);
            rim.points[i].push(k.map_or_else(|| within(problem, i, random.uniform()), |k| edge.point[k]));
            rim.normals[i].push(k.map_or(0.0, |k| edge.normal[k]));
        }
    }
    rim
}
