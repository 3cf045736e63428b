//! [`Hard`]: conditions built into the solution, `u = G(x) + D(x) N(x)`, where `G` has the values that they state and `D`
//! vanishes with as many derivatives as they give.
//!
//! `G` is made coordinate by coordinate: each adds what is missing on its own faces (the Boolean sum of Gordon 1971). Where
//! conditions disagree at an edge no `G` has them all; these stay rows of the system.

use vecfield_expr::{ExprId, Graph, Program};

use super::jets::total;
use crate::features::even_lattice;
use crate::problem::{Place, Problem};

/// What an unknown is made of besides the network.
#[derive(Debug, Clone)]
pub(crate) struct Hard {
    /// `G`.
    given: ExprId,
    /// `D`.
    factor: ExprId,
    /// The conditions that it fulfils.
    pub(crate) conditions: Vec<usize>,
}

/// What conditions give on the two faces of a coordinate: the condition, and the value of the unknown or its derivative.
#[derive(Default)]
struct Faces {
    low: [Option<(usize, ExprId)>; 2],
    high: Option<(usize, ExprId)>,
}

impl Hard {
    /// What can be built into an unknown; nothing where no condition can.
    pub(crate) fn new(problem: &Problem, graph: &mut Graph, unknown: usize) -> Option<Self> {
        let zero = graph.constant(0.0);
        let one = graph.constant(1.0);
        let mut hard = Self { given: zero, factor: one, conditions: vec![] };
        for by in 0..problem.low.len() {
            hard.add(problem, graph, unknown, by);
        }
        (!hard.conditions.is_empty() && hard.fulfils(problem, graph, unknown)).then_some(hard)
    }

    /// Builds in what is stated on the faces of one coordinate.
    fn add(&mut self, problem: &Problem, graph: &mut Graph, unknown: usize, by: usize) {
        let faces = faces(problem, unknown, by);
        let (low, high) = (problem.low[by], problem.high[by]);
        let x = graph.symbol(&problem.language.coordinates[by]);
        // ξ from 0 to 1.
        let [from, scale] = [low, 1.0 / (high - low)].map(|number| graph.constant(number));
        let along = graph.sub(x, from);
        let xi = graph.mul(scale, along);
        let one = graph.constant(1.0);
        let rest = graph.sub(one, xi);
        let name = problem.language.coordinates[by].clone();
        let mut gap = |hard: &Self, value: ExprId, times: usize, at: f64| {
            let mut now = hard.given;
            for _ in 0..times {
                now = graph.derivative(now, &name);
            }
            let at = graph.constant(at);
            let now = graph.substitute(now, &[(x, at)]);
            let gap = graph.sub(value, now);
            graph.simplify(gap)
        };
        let (added, factor, used) = match (faces.low, faces.high) {
            ([Some((a, value)), None], None) => (vec![(one, gap(self, value, 0, low))], xi, vec![a]),
            ([None, None], Some((b, value))) => (vec![(one, gap(self, value, 0, high))], rest, vec![b]),
            ([Some((a, first)), None], Some((b, last))) => {
                let parts = vec![(rest, gap(self, first, 0, low)), (xi, gap(self, last, 0, high))];
                let both = graph.mul(xi, rest);
                let four = graph.constant(4.0);
                (parts, graph.mul(four, both), vec![a, b])
            }
            ([Some((a, value)), Some((b, slope))], None) => {
                let parts = vec![(one, gap(self, value, 0, low)), (along, gap(self, slope, 1, low))];
                (parts, graph.mul(xi, xi), vec![a, b])
            }
            _ => return,
        };
        for (shape, gap) in added {
            let part = graph.mul(shape, gap);
            self.given = graph.add(self.given, part);
        }
        self.given = graph.simplify(self.given);
        self.factor = graph.mul(self.factor, factor);
        self.conditions.extend(used);
    }

    /// Does `G` have all that it was made of? Conditions that disagree where faces meet leave a gap.
    fn fulfils(&self, problem: &Problem, graph: &mut Graph, unknown: usize) -> bool {
        let dims = problem.low.len();
        self.conditions.iter().all(|&at| {
            let condition = &problem.conditions[at];
            let Some((jet, value)) = condition.gives.as_ref().filter(|(jet, _)| jet.unknown == unknown) else {
                return false;
            };
            let slope = self.derivative(problem, graph, self.given, &jet.order);
            let Ok(program) = Program::compile(graph, &[slope, *value], &problem.language.coordinates) else {
                return false;
            };
            placed(problem, &condition.place).iter().all(|&(by, place)| {
                even_lattice(65, dims, 0.25).chunks_exact(dims).all(|probe| {
                    let mut x: Vec<f64> =
                        (0..dims).map(|i| problem.low[i] + probe[i] * (problem.high[i] - problem.low[i])).collect();
                    x[by] = place;
                    let mut out = [0.0; 2];
                    program.eval(&x, &mut out, &mut program.registers());
                    (out[0] - out[1]).abs() <= 1e-10 * (1.0 + out[1].abs())
                })
            })
        })
    }

    fn derivative(&self, problem: &Problem, graph: &mut Graph, mut id: ExprId, order: &[u8]) -> ExprId {
        for (name, &times) in problem.language.coordinates.iter().zip(order) {
            for _ in 0..times {
                id = graph.derivative(id, name);
                id = graph.simplify(id);
            }
        }
        id
    }

    /// `∂^α u = ∂^α G + Σ_β C(α, β) ∂^{α-β} D ∂^β N`: the first term, and each `β` with its factor.
    pub(crate) fn expand(
        &self,
        problem: &Problem,
        graph: &mut Graph,
        order: &[u8],
        below: &[Vec<u8>],
    ) -> (ExprId, Vec<(usize, ExprId)>) {
        let given = self.derivative(problem, graph, self.given, order);
        let mut terms = Vec::new();
        for (at, beta) in below.iter().enumerate() {
            if beta.iter().zip(order).any(|(b, a)| b > a) {
                continue;
            }
            let rest: Vec<u8> = order.iter().zip(beta).map(|(a, b)| a - b).collect();
            let times: f64 = order.iter().zip(beta).map(|(&a, &b)| binomial(a, b)).product();
            let slope = self.derivative(problem, graph, self.factor, &rest);
            let times = graph.constant(times);
            let factor = graph.mul(times, slope);
            let factor = graph.simplify(factor);
            if graph.constant_value(factor) != Some(0.0) {
                terms.push((at, factor));
            }
        }
        (given, terms)
    }
}

fn binomial(n: u8, k: u8) -> f64 {
    (0..k).map(|i| f64::from(n - i) / f64::from(i + 1)).product()
}

/// The faces that a condition is about: a coordinate and its value each.
fn placed(problem: &Problem, place: &Place) -> Vec<(usize, f64)> {
    match place {
        Place::Fixed(fixed) if fixed.len() == 1 => fixed.clone(),
        Place::Boundary if problem.shape.is_none() => {
            let space = problem.language.space().into_iter().filter(|&i| !problem.periodic[i]);
            let low = |i: usize| (!problem.language.is_radius(i)).then_some((i, problem.low[i]));
            space.flat_map(|i| low(i).into_iter().chain([(i, problem.high[i])])).collect()
        }
        _ => vec![],
    }
}

fn faces(problem: &Problem, unknown: usize, by: usize) -> Faces {
    let mut faces = Faces::default();
    if problem.shape.is_some() && problem.language.space().contains(&by) {
        return faces;
    }
    for (at, condition) in problem.conditions.iter().enumerate() {
        let Some((jet, value)) = &condition.gives else { continue };
        let order = total(&jet.order);
        if jet.unknown != unknown || order > 1 || usize::from(jet.order[by]) != order {
            continue;
        }
        for (_, place) in placed(problem, &condition.place).into_iter().filter(|(i, _)| *i == by) {
            if place == problem.low[by] {
                faces.low[order] = faces.low[order].or(Some((at, *value)));
            } else if place == problem.high[by] && order == 0 {
                faces.high = faces.high.or(Some((at, *value)));
            }
        }
    }
    faces
}
