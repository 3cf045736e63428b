//! Forms that many laws share, whatever the rates look like: saturation, decay, angles and logarithms, with a number inside.
//!
//! Where data are sparse, rates of a smoothed path tell a fraction from a sum of exponentials no more; integrals along the path do a
//! little better, and the solver better still. Each form is tried at some values of its number, alone and beside few simple terms, and the
//! best matches compete.

use crate::contest::{blind_paths, within_domains};
use crate::discovery::DiscoverError;
use crate::model::size;
use crate::observer::Pulse;
use crate::quick::scales;
use crate::source::{Formulas, Scene, Source};
use crate::space::subsets_of;
use crate::vocabulary::{Vocabulary, canonical};
use rayon::prelude::*;
use vecfield_data::Trajectories;
use vecfield_expr::{Binary, Unary};
use vecfield_symreg::Operators;

/// Smallest and largest value of the number inside, in units of the variable's own scale.
const NUMBERS: [f64; 2] = [0.1, 5.0];
/// Simple terms beside a form.
const BESIDE: usize = 2;
/// Formulas that are kept for each equation, and how many of them may have one form.
const KEPT: usize = 12;
const OF_A_FORM: usize = 2;
/// Sets of a form and terms that are tried for an equation.
const TRIED: usize = 200_000;
/// Variables up to which forms have pairs of them.
const PAIRS_UP_TO: usize = 5;
/// A denominator stays above this share of its number.
const MARGIN: f64 = 0.05;

/// A form at one value of its number.
struct Form {
    /// Which form.
    base: usize,
    text: String,
}

/// Common forms over some data, as features of a vocabulary, and the simple terms that may stand beside them.
pub(crate) struct Forms {
    forms: Vec<Form>,
    beside: Vec<Vec<usize>>,
}

impl Forms {
    /// Each form at `values` values of its number.
    pub(crate) fn new(vocabulary: &Vocabulary, data: &Trajectories, operators: &Operators, values: usize) -> Forms {
        let low: Vec<usize> = (0..vocabulary.polynomial())
            .filter(|&k| size(vocabulary.graph(), vocabulary.features()[k].formula()) <= BESIDE)
            .collect();
        let forms = forms(data, operators, values);
        let all = subsets_of(&low, BESIDE);
        // Many variables have many pairs of terms.
        let beside = if forms.len() * all.len() <= TRIED { all } else { subsets_of(&low, 1) };
        Forms { forms, beside }
    }

    /// The features, as texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = String> + '_ {
        self.forms.iter().map(|form| form.text.clone())
    }

    /// The sets of a form and some terms beside it that are least by `criterion`, few of each form.
    pub(crate) fn best(&self, vocabulary: &Vocabulary, criterion: impl Fn(&[usize]) -> Option<f64>) -> Vec<Vec<usize>> {
        let mut matched: Vec<(f64, usize, Vec<usize>)> = vec![];
        for form in &self.forms {
            let Some(place) = vocabulary.position(&form.text) else { continue };
            for terms in &self.beside {
                let set: Vec<usize> = terms.iter().copied().chain([place]).collect();
                matched.extend(criterion(&set).map(|value| (value, form.base, set)));
            }
        }
        matched.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.2.cmp(&b.2)));
        let (mut kept, mut of_form) = (vec![], vec![0; self.forms.len()]);
        for (_, base, set) in matched {
            if kept.len() < KEPT && of_form[base] < OF_A_FORM {
                of_form[base] += 1;
                kept.push(set);
            }
        }
        kept
    }
}

/// Values of numbers inside forms that are compared by the smoothed data.
const VALUES: usize = 6;

/// For each equation the common forms that match the smoothed data best, with the terms beside them.
#[derive(Debug, Clone)]
pub struct CommonForms {
    /// The operations of formulas.
    pub operators: Operators,
}

impl Source for CommonForms {
    fn name(&self) -> &'static str {
        "common forms"
    }

    fn formulas(&self, scene: &Scene<'_>, _pulse: Pulse<'_>) -> Result<Formulas, DiscoverError> {
        common(scene, &self.operators)
    }
}

fn common(scene: &Scene<'_>, operators: &Operators) -> Result<Formulas, DiscoverError> {
    let Scene { data, vocabulary, noise } = *scene;
    let forms = Forms::new(vocabulary, data, operators, VALUES);
    if forms.forms.is_empty() {
        return Ok(vec![vec![]; data.dim()]);
    }
    // All these features are looked at along all the data only: the few that are kept are tried at the origins too.
    let wider = vocabulary.with_further(forms.texts())?;
    let (wider, paths) = within_domains(wider, |wider| blind_paths(data, wider, noise))?;
    let rows = data.row_count() as f64;
    let of_equation = |equation: usize| {
        let criterion = |set: &[usize]| {
            let left = paths.iter().filter_map(|path| path.solve(equation, set)).map(|(_, left)| left);
            let left = left.fold(f64::INFINITY, f64::min);
            let constants = (set.len() + 1) as f64;
            left.is_finite().then(|| rows * left.max(1e-14).ln() + constants * rows.ln())
        };
        let kept = forms.best(&wider, criterion);
        kept.iter().map(|set| set.iter().map(|&k| wider.features()[k].key().to_string()).collect()).collect()
    };
    Ok((0..data.dim()).into_par_iter().map(of_equation).collect())
}

/// All forms at all values of their numbers.
fn forms(data: &Trajectories, operators: &Operators, values: usize) -> Vec<Form> {
    let may = |op: Unary| operators.unary().contains(&op);
    let fractions = operators.binary().contains(&Binary::Div);
    let scales = scales(data);
    let mut forms: Vec<Form> = vec![];
    let mut base = 0;
    let mut add = |allowed: bool, texts: Vec<String>| {
        if !allowed {
            return;
        }
        let texts = texts.iter().filter_map(|text| canonical(text, data.variables()));
        forms.extend(texts.map(|text| Form { base, text }));
        base += 1;
    };
    for (v, y) in data.variables().iter().enumerate() {
        let least = data.observed(v).fold(f64::INFINITY, f64::min);
        let [least_number, largest] = NUMBERS;
        let place = |k: usize| k as f64 / (values - 1).max(1) as f64;
        let number = |k: usize| rounded(least_number * (largest / least_number).powf(place(k)) * scales[v]);
        let numbers: Vec<f64> = (0..values).map(number).collect();
        // Denominators that vanish nowhere on the data.
        let above: Vec<f64> = numbers.iter().copied().filter(|c| least + c > MARGIN * c).collect();
        let squares: Vec<f64> = numbers.iter().map(|c| rounded(c * c)).collect();
        let rates: Vec<f64> = numbers.iter().map(|c| rounded(1.0 / c)).collect();
        let each = |numbers: &[f64], text: &dyn Fn(f64) -> String| numbers.iter().map(|&c| text(c)).collect::<Vec<_>>();
        let angles = |word: &str, before: &str| -> Vec<String> {
            vec![format!("{before}{word}({y})"), format!("{before}{word}(2*{y})"), format!("{before}{word}(0.5*{y})")]
        };
        add(fractions, each(&above, &|c| format!("{y}/({y} + {c})")));
        add(fractions, each(&squares, &|c| format!("{y}^2/({y}^2 + {c})")));
        add(may(Unary::Exp), each(&rates, &|k| format!("exp(-{k}*{y})")));
        add(may(Unary::Tanh), each(&rates, &|k| format!("tanh({k}*{y})")));
        add(may(Unary::Sin), angles("sin", ""));
        add(may(Unary::Cos), angles("cos", ""));
        if least > 0.0 {
            add(may(Unary::Log), vec![format!("log({y})")]);
            add(may(Unary::Log), vec![format!("{y}*log({y})")]);
            add(may(Unary::Sqrt), vec![format!("sqrt({y})")]);
        }
        if data.dim() > PAIRS_UP_TO {
            continue;
        }
        for u in data.variables().iter().filter(|u| *u != y) {
            add(fractions, each(&above, &|c| format!("{u}*{y}/({y} + {c})")));
            add(fractions, each(&above, &|c| format!("{u}/({y} + {c})")));
            add(fractions, each(&squares, &|c| format!("{u}*{y}^2/({y}^2 + {c})")));
            add(fractions, each(&squares, &|c| format!("{u}/({y}^2 + {c})")));
            add(may(Unary::Exp), each(&rates, &|k| format!("{u}*exp(-{k}*{y})")));
            add(may(Unary::Sin), angles("sin", &format!("{u}*")));
            add(may(Unary::Cos), angles("cos", &format!("{u}*")));
        }
    }
    forms
}

/// Two digits are enough for a first guess.
fn rounded(x: f64) -> f64 {
    format!("{x:.1e}").parse().unwrap_or(x)
}
