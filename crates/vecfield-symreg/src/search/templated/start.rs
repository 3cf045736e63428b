//! Where a search of a template begins: all functions flexible, fitted from several starts.

use super::problem::{Filled, Form, Problem, Stand};
use crate::random::Stream;

/// Starts that are evaluated; of these how many are fitted with bent functions, and then with all of the bases.
const TRIED: usize = 96;
const BENT: usize = 10;
const FITTED: usize = 4;
/// What the starts are drawn from, beside the seed.
const STREAM: u64 = 0x7e3f_1a7e;

impl Problem<'_> {
    /// All functions constant, from whatever numbers the template has values at.
    pub(super) fn constant(&mut self, seed: u64) -> Option<Filled> {
        let mut begun = self.drawn(seed);
        for filled in &mut begun {
            let first: Vec<f64> = filled.stands.iter().map(|stand| stand.numbers[0]).collect();
            for (unknown, number) in first.into_iter().enumerate() {
                filled.stands[unknown] = Stand { numbers: vec![number], ..self.read(unknown, "0.5") };
            }
        }
        let begun = self.fit_some(begun, |_| Vec::new(), 0);
        let fitted = self.fit_all(nearest(begun, BENT), 30);
        nearest(fitted, 1).pop()
    }

    /// All functions flexible, as near to the target as is found.
    pub(super) fn flexible(&mut self, seed: u64) -> Option<Filled> {
        let begun = self.drawn(seed);
        let begun = self.fit_some(begun, |_| Vec::new(), 0);
        let bases = self.bases.clone();
        // Constants, slopes and bends first: with all of the bases at once a poor start stays one.
        let low = |filled: &Filled| {
            let (mut free, mut first) = (Vec::new(), 0);
            for (basis, stand) in bases.iter().zip(&filled.stands) {
                free.extend(first..first + basis.up_to(2));
                first += stand.numbers.len();
            }
            free.extend(first..first + filled.numbers.len());
            free
        };
        let bent = self.fit_some(nearest(begun, BENT), low, 30);
        let fitted = self.fit_all(nearest(bent, FITTED), 60);
        nearest(fitted, 1).pop()
    }

    /// Flexible functions with numbers of many sizes, those of the target among them.
    fn drawn(&self, seed: u64) -> Vec<Filled> {
        let rows = &self.rows;
        let size = (rows.y.iter().map(|y| y * y).sum::<f64>() / rows.y.len() as f64).sqrt().max(f64::MIN_POSITIVE);
        let sizes = [1.0, 1.0, 0.3, 3.0, size, size.sqrt(), 1.0 / size, size.ln().abs().max(0.1)];
        let mut random = Stream::new(seed, STREAM);
        let number = |random: &mut Stream| {
            let size = random.pick(&sizes).unwrap_or(1.0);
            if random.chance(0.3) { -size } else { size }
        };
        let mut start = || {
            let stands = (self.bases.iter())
                .map(|basis| {
                    let constant = number(&mut random);
                    let bent = basis.up_to(2);
                    let of = |k: usize| match k {
                        0 => constant,
                        k if k < bent => 0.3 * constant * random.normal(),
                        _ => 0.0,
                    };
                    Stand { form: Form::Flexible, numbers: (0..basis.len()).map(of).collect() }
                })
                .collect();
            let numbers = self.template.numbers().iter().map(|_| number(&mut random)).collect();
            Filled { stands, numbers, cost: f64::INFINITY }
        };
        (0..TRIED).map(|_| start()).collect()
    }
}

/// So many of those that have a value, the best first.
fn nearest(mut filled: Vec<Filled>, most: usize) -> Vec<Filled> {
    filled.retain(|filled| filled.cost.is_finite());
    filled.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    filled.truncate(most);
    filled
}
