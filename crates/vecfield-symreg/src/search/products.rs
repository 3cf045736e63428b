//! Products of features: powers of variables, functions times these, functions times functions.

use vecfield_expr::Binary;

use super::run::Run;
use crate::features::Shape;

/// Functions that are factors of products.
const FUNCTIONS: usize = 320;
/// Products of powers that are factors beside a function.
const MONOMIALS: usize = 250;

impl Run<'_> {
    /// Adds products: of powers of variables, whole and up to four in all (six of one variable alone), of functions with small ones
    /// of these, and of two functions.
    pub(super) fn multiply(&mut self) {
        let operators = &self.settings.operators;
        if !operators.has(Binary::Mul) {
            return;
        }
        let features = &mut self.features;
        let variables: Vec<u32> = (0..self.table.names.len() as u32).collect();
        let is_function = |i: &u32| matches!(features.shape(*i), Shape::Unary(..)) && features.size(*i) <= 4;
        let mut functions: Vec<u32> = (0..features.len() as u32).filter(is_function).collect();
        functions.sort_by_key(|&i| features.cost(i));
        functions.truncate(FUNCTIONS);
        features.allow(self.expressions);
        let mut atoms = variables.clone();
        if operators.has(Binary::Div) {
            let one = features.constant(1.0);
            atoms.extend(variables.iter().filter_map(|&x| features.binary(Binary::Div, one, x)));
        }
        let squares: Vec<u32> = atoms.iter().filter_map(|&x| features.product(x, x)).collect();
        atoms.extend(squares);
        let factors = if variables.len() <= 2 { 4 } else { 3 };
        let (mut monomials, mut level) = (atoms.clone(), atoms.clone());
        for _ in 1..factors {
            let mut next = Vec::new();
            for &x in &level {
                next.extend(atoms.iter().filter_map(|&atom| features.product(x, atom)));
            }
            next.sort_unstable();
            next.dedup();
            monomials.extend(&next);
            level = next;
        }
        monomials.sort_unstable();
        monomials.dedup();
        monomials.sort_by_key(|&i| features.cost(i));
        monomials.truncate(MONOMIALS);
        let small: Vec<u32> = monomials.iter().copied().take(MONOMIALS / 8).collect();
        for &function in functions.iter().take(FUNCTIONS / 4) {
            if let Some(square) = features.product(function, function) {
                for &factor in &small {
                    features.product(square, factor);
                }
            }
        }
        // The cheapest products first, whatever they are products of.
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for (at, &function) in functions.iter().enumerate() {
            pairs.extend(monomials.iter().chain(&functions[..at]).map(|&factor| (function, factor)));
        }
        pairs.sort_by_key(|&(a, b)| features.cost(a) + features.cost(b));
        for (a, b) in pairs {
            features.product(a, b);
        }
    }
}
