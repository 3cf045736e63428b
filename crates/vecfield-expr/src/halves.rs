//! Equations that fall into positions and momenta, found by looking at who depends on whom.

use std::collections::HashMap;

use vecfield_traits::{Elementary, Half, Partition};

use crate::error::CompileError;
use crate::graph::{ExprId, Graph, Node};
use crate::program::{Program, Registers};

/// The two halves of a set of equations, a program each.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Halves {
    partition: Partition,
    positions: Program,
    momenta: Program,
}

/// Memory for either half.
#[derive(Debug, Clone)]
pub(crate) struct HalfRegisters<S> {
    positions: Registers<S>,
    momenta: Registers<S>,
    rates: Vec<S>,
}

impl Halves {
    /// The halves of `equations`, if there are two such that no rate depends on its own half. `inputs` are the names the
    /// programs take, those of the states from the second on.
    pub(crate) fn find(graph: &Graph, equations: &[ExprId], inputs: &[&str]) -> Result<Option<Halves>, CompileError> {
        let Some(positions) = positions(graph, equations, &inputs[1..=equations.len()]) else { return Ok(None) };
        let partition = Partition::with_positions(equations.len(), positions);
        let compile = |half| {
            let rates: Vec<ExprId> = partition.half(half).iter().map(|&i| equations[i]).collect();
            Program::compile(graph, &rates, inputs)
        };
        let (positions, momenta) = (compile(Half::Positions)?, compile(Half::Momenta)?);
        Ok(Some(Halves { partition, positions, momenta }))
    }

    pub(crate) fn partition(&self) -> &Partition {
        &self.partition
    }

    pub(crate) fn registers<S: Elementary>(&self) -> HalfRegisters<S> {
        HalfRegisters {
            positions: self.positions.registers(),
            momenta: self.momenta.registers(),
            rates: vec![S::zero(); self.partition.n()],
        }
    }

    /// Writes the rates of one half to their places in `dy`.
    #[inline]
    pub(crate) fn write<S: Elementary>(
        &self,
        half: Half,
        (t, y, theta): (S, &[S], &[S]),
        dy: &mut [S],
        work: &mut HalfRegisters<S>,
    ) {
        let (program, registers) = match half {
            Half::Positions => (&self.positions, &mut work.positions),
            Half::Momenta => (&self.momenta, &mut work.momenta),
        };
        let places = self.partition.half(half);
        let rates = &mut work.rates[..places.len()];
        program.eval_parts([&[t], y, theta], rates, registers);
        for (&place, &rate) in places.iter().zip(rates.iter()) {
            dy[place] = rate;
        }
    }
}

/// The states that are positions; `None` if the graph of dependencies has no two colours.
///
/// A state that never changes is no different from a parameter: both halves may depend on it.
fn positions(graph: &Graph, equations: &[ExprId], states: &[&str]) -> Option<Vec<usize>> {
    let n = equations.len();
    let still = |i: usize| graph.constant_value(equations[i]) == Some(0.0);
    let index: HashMap<_, usize> =
        states.iter().enumerate().filter_map(|(i, name)| Some((graph.find_symbol(name)?, i))).collect();
    let mut neighbours = vec![Vec::new(); n];
    for i in 0..n {
        for symbol in graph.symbols(equations[i]) {
            match index.get(&symbol) {
                Some(&j) if j == i => return None,
                Some(&j) if !still(j) => {
                    neighbours[i].push(j);
                    neighbours[j].push(i);
                }
                _ => {}
            }
        }
    }
    // A rate that is nothing but another state is a position's: dx/dt = v.
    let moved = |i: usize| matches!(graph.node(equations[i]), Node::Symbol(symbol) if index.contains_key(&symbol));
    let mut colours: Vec<Option<bool>> = vec![None; n];
    let mut positions = Vec::new();
    for first in 0..n {
        if colours[first].is_some() {
            continue;
        }
        colours[first] = Some(true);
        let (mut connected, mut at) = (vec![first], 0);
        while at < connected.len() {
            let i = connected[at];
            let other = colours[i].map(|colour| !colour);
            for &j in &neighbours[i] {
                if colours[j].is_none() {
                    colours[j] = other;
                    connected.push(j);
                } else if colours[j] != other {
                    return None;
                }
            }
            at += 1;
        }
        let moved_in = |colour: bool| connected.iter().filter(|&&i| colours[i] == Some(colour) && moved(i)).count();
        let chosen = moved_in(true) >= moved_in(false);
        positions.extend(connected.iter().filter(|&&i| colours[i] == Some(chosen)));
    }
    Some(positions)
}
