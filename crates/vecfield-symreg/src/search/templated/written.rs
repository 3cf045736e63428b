//! What was found of a template, with the errors of its numbers.

use vecfield_expr::{ExprId, Scope};

use super::problem::{Filled, Form, Problem, Stand};
use super::settle::Settled;
use super::{Function, Number};
use crate::candidate::open;
use crate::front::is_number;

/// What stands for the unknowns of a template.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) functions: Vec<Function>,
    /// Those of the template, by name.
    pub(super) numbers: Vec<(String, Number)>,
}

impl Problem<'_> {
    /// The functions of a settled template and its numbers by name.
    pub(super) fn written(&mut self, settled: &Settled) -> Written {
        let texts = settled.functions.iter().enumerate();
        let stands: Vec<Stand> = texts.map(|(unknown, text)| self.fitted(unknown, text)).collect();
        let filled = Filled { stands, numbers: settled.numbers.clone(), cost: settled.cost };
        let inside = filled.stands.iter().map(|stand| stand.numbers.len()).sum::<usize>();
        let candidate = self.candidate(self.template.formula, &filled);
        // Round numbers are part of the form.
        let free: Vec<usize> =
            (0..candidate.constants.len()).filter(|&i| i < inside || is_number(candidate.constants[i])).collect();
        let errors = candidate.errors_of(&mut self.graph, &self.rows, &free);
        let error = |i: usize| free.iter().position(|&at| at == i).map_or(f64::NAN, |at| errors[at]);
        let mut numbers = candidate.constants.iter().enumerate().map(|(i, &value)| Number { value, stderr: error(i) });
        let functions = (filled.stands.iter().zip(&settled.functions))
            .zip(&self.template.unknowns)
            .map(|((stand, text), unknown)| Function {
                name: unknown.name.clone(),
                arguments: unknown.arguments.clone(),
                expression: text.clone(),
                numbers: numbers.by_ref().take(stand.numbers.len()).collect(),
            })
            .collect();
        Written { functions, numbers: self.template.numbers().iter().cloned().zip(numbers).collect() }
    }

    /// A function's formula with those numbers open that were fitted.
    fn fitted(&mut self, unknown: usize, text: &str) -> Stand {
        let scope = Scope::new(self.template.unknowns[unknown].arguments.iter().cloned());
        let graph = &mut self.graph;
        let formula = graph.parse(text, &scope.expect("arguments are named as columns are"));
        let formula = formula.expect("what is printed can be read");
        let order = graph.reachable(&[formula]);
        let fitted = order
            .ids()
            .iter()
            .filter_map(|&id| Some((id, graph.constant_value(id).filter(|value| is_number(*value))?)));
        let (ids, numbers): (Vec<ExprId>, Vec<f64>) = fitted.unzip();
        let replaced: Vec<(ExprId, ExprId)> =
            ids.into_iter().enumerate().map(|(k, id)| (id, graph.symbol(&open(k)))).collect();
        Stand { form: Form::Formula(graph.substitute(formula, &replaced)), numbers }
    }
}
