//! [`Sheet`]: laws that hold at the same points; [`Law`]: a residual of jets that come from the network.

use vecfield_expr::{ExprId, Graph, Program};

use super::super::BLOCK;
use super::super::ansatz::Hard;
use super::super::jets::JetPlan;
use super::Work;
use super::block::Block;
use crate::language::Jet;
use crate::problem::Problem;

/// What is asked for at the same points.
pub(super) struct Sheet {
    pub(super) plan: JetPlan,
    pub(super) laws: Vec<Law>,
    /// Of the coordinates: the numbers that turn jets of the network into jets of the unknowns.
    pub(super) shapes: Option<Program>,
}

/// What a law says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum What {
    Equation(usize),
    Condition(usize),
    /// An unknown has the values of its block.
    Value(usize),
}

/// One residual.
pub(super) struct Law {
    what: What,
    /// The jets of the formula, in its order.
    pub(super) feeds: Vec<Feed>,
    /// Residual, slopes by jets, slopes by constants.
    pub(super) outputs: usize,
    /// Its place among the laws of all sheets.
    number: usize,
}

/// A jet of an unknown: `base + Σ factor · jet of the network`; columns are those of the sheet's shapes.
pub(super) struct Feed {
    base: Option<usize>,
    /// Output and jet of the network, and the factor, where it is not one.
    terms: Vec<(usize, usize, Option<usize>)>,
}

impl Sheet {
    /// `number`: how many laws there are in other sheets.
    pub(super) fn new(
        problem: &Problem,
        graph: &mut Graph,
        hard: &[Option<Hard>],
        what: Vec<What>,
        number: usize,
    ) -> Self {
        let jets: Vec<Vec<Jet>> = what.iter().map(|what| what.jets(problem)).collect();
        let plan = JetPlan::new(problem.low.len(), jets.iter().flatten().map(|jet| &jet.order[..]));
        let mut shapes: Vec<ExprId> = Vec::new();
        let mut laws = Vec::new();
        for (at, (what, jets)) in what.into_iter().zip(&jets).enumerate() {
            let feeds = jets.iter().map(|jet| Feed::new(problem, graph, hard, &plan, jet, &mut shapes)).collect();
            let outputs = what.outputs(problem);
            laws.push(Law { what, feeds, outputs, number: number + at });
        }
        let shapes = (!shapes.is_empty()).then(|| {
            Program::compile(graph, &shapes, &problem.language.coordinates)
                .expect("shapes are formulas of coordinates alone: others are not built in")
        });
        Self { plan, laws, shapes }
    }
}

impl What {
    fn jets(self, problem: &Problem) -> Vec<Jet> {
        match self {
            Self::Equation(at) => problem.equations[at].jets.clone(),
            Self::Condition(at) => problem.conditions[at].formula.jets.clone(),
            Self::Value(unknown) => vec![problem.language.value(unknown)],
        }
    }

    fn outputs(self, problem: &Problem) -> usize {
        match self {
            Self::Equation(at) => problem.equations[at].outputs(),
            Self::Condition(at) => problem.conditions[at].formula.outputs(),
            Self::Value(_) => 2 + problem.initial.len(),
        }
    }
}

impl Feed {
    fn new(
        problem: &Problem,
        graph: &mut Graph,
        hard: &[Option<Hard>],
        plan: &JetPlan,
        jet: &Jet,
        shapes: &mut Vec<ExprId>,
    ) -> Self {
        let Some(hard) = &hard[jet.unknown] else {
            let at = plan.position(&jet.order).expect("the plan was made of these jets");
            return Self { base: None, terms: vec![(jet.unknown, at, None)] };
        };
        let (given, terms) = hard.expand(problem, graph, &jet.order, &plan.orders);
        let mut column = |id: ExprId| {
            let known = shapes.iter().position(|&shape| shape == id);
            known.unwrap_or_else(|| {
                shapes.push(id);
                shapes.len() - 1
            })
        };
        let base = (graph.constant_value(given) != Some(0.0)).then(|| column(given));
        let terms = terms.into_iter().map(|(at, factor)| (jet.unknown, at, Some(column(factor)))).collect();
        Self { base, terms }
    }
}

impl Law {
    /// The jets of the formula, `[jet, point]`, from those of the network, `[output, jet, point]`.
    pub(super) fn push(&self, plan: &JetPlan, block: &Block, network: &[f64], jets: &mut [f64]) {
        let network = network.as_chunks::<BLOCK>().0;
        for (feed, jet) in self.feeds.iter().zip(jets.as_chunks_mut::<BLOCK>().0) {
            match feed.base {
                Some(base) => *jet = *block.shape(base),
                None => jet.fill(0.0),
            }
            for &(output, at, factor) in &feed.terms {
                let own = &network[output * plan.len() + at];
                match factor {
                    Some(factor) => {
                        let factor = block.shape(factor);
                        for p in 0..BLOCK {
                            jet[p] += factor[p] * own[p];
                        }
                    }
                    None => jet.iter_mut().zip(own).for_each(|(jet, own)| *jet += own),
                }
            }
        }
    }

    /// Residual, slopes by jets and slopes by constants, at the points of a block: to `work.out`.
    pub(super) fn eval(
        &self,
        problem: &Problem,
        plan: &JetPlan,
        block: &Block,
        x: &[f64],
        network: &[f64],
        work: &mut Work,
    ) {
        self.push(plan, block, network, &mut work.jets);
        let (jets, out) = (&work.jets[..self.feeds.len() * BLOCK], &mut work.out[..self.outputs * BLOCK]);
        let formula = match self.what {
            What::Equation(at) => &problem.equations[at],
            What::Condition(at) => &problem.conditions[at].formula,
            What::Value(_) => {
                out.fill(0.0);
                out[BLOCK..2 * BLOCK].fill(1.0);
                for ((out, jet), measured) in out.iter_mut().zip(jets).zip(&block.measured) {
                    *out = jet - measured;
                }
                return;
            }
        };
        let constants = &x[x.len() - problem.initial.len()..];
        for (row, &constant) in work.constants.chunks_exact_mut(BLOCK).zip(constants) {
            row.fill(constant);
        }
        let registers = &mut work.registers[self.number];
        formula.eval_stacked([&block.around, &work.constants, jets], BLOCK, out, registers);
    }

    /// Adds to the network's cotangents, `[output, jet, point]`, what the residual's cotangent and slopes give.
    pub(super) fn pull(&self, plan: &JetPlan, block: &Block, residual_bar: &[f64], slopes: &[f64], bar: &mut [f64]) {
        let bar = bar.as_chunks_mut::<BLOCK>().0;
        let residual_bar = residual_bar.first_chunk::<BLOCK>().expect("a cotangent for each point");
        for (feed, slope) in self.feeds.iter().zip(slopes.as_chunks::<BLOCK>().0) {
            for &(output, at, factor) in &feed.terms {
                let bar = &mut bar[output * plan.len() + at];
                match factor.map(|factor| block.shape(factor)) {
                    Some(factor) => {
                        for p in 0..BLOCK {
                            bar[p] += factor[p] * slope[p] * residual_bar[p];
                        }
                    }
                    None => {
                        for p in 0..BLOCK {
                            bar[p] += slope[p] * residual_bar[p];
                        }
                    }
                }
            }
        }
    }
}
