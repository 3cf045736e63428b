//! What laws are made of: features, which of them composed formulas bring, and what is known of each equation.

use crate::composed::EXPRESSIONS;
use crate::model::size;
use std::sync::Arc;
use vecfield_expr::{ExprId, Graph, Scope};
use vecfield_sindy::{Family, Feature, Inputs, Known, Library, SindyError};

/// A formula over some names as a library names it; `None` where it cannot be read.
pub(crate) fn canonical(text: &str, names: &[String]) -> Option<String> {
    let mut graph = Graph::new();
    let formula = graph.parse(text, &Scope::new(names.iter().cloned()).ok()?).ok()?;
    Some(graph.to_text(formula))
}

/// Features, polynomial ones first, then those of composed formulas, then known parts of equations.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    library: Library,
    inputs: Arc<Inputs>,
    polynomial: usize,
    selectable: usize,
    /// Formulas of each equation, each as the keys of its features.
    forms: Vec<Vec<Vec<String>>>,
    /// Features that belong to no composed formula, as texts; they stand behind all others.
    further: Vec<String>,
    known: Vec<Known>,
    /// `(equation, feature)` of each known part.
    known_places: Vec<(usize, usize)>,
}

impl Vocabulary {
    /// Polynomials up to a degree, with what is known of the equations.
    ///
    /// # Errors
    ///
    /// [`SindyError`] when a name cannot be used in formulas, or a known part cannot be read or belongs to no variable.
    pub fn new(variables: &[String], degree: usize, known: Vec<Known>) -> Result<Vocabulary, SindyError> {
        Self::driven(variables, Inputs::default(), degree, known)
    }

    /// The same over variables and inputs.
    ///
    /// # Errors
    ///
    /// As [`new`](Vocabulary::new).
    pub fn driven(
        variables: &[String],
        inputs: Inputs,
        degree: usize,
        known: Vec<Known>,
    ) -> Result<Vocabulary, SindyError> {
        Self::build(variables, Arc::new(inputs), degree, vec![vec![]; variables.len()], vec![], known)
    }

    /// The same with composed formulas for each equation: each a list of features, as texts.
    ///
    /// # Errors
    ///
    /// [`SindyError`] when a feature cannot be read.
    pub fn with_forms(&self, forms: Vec<Vec<Vec<String>>>) -> Result<Vocabulary, SindyError> {
        Self::build(
            self.variables(),
            Arc::clone(&self.inputs),
            self.degree(),
            forms,
            self.further.clone(),
            self.known.clone(),
        )
    }

    /// The same with further features, as texts, for any equation; what has a place keeps it.
    ///
    /// # Errors
    ///
    /// [`SindyError`] when a feature cannot be read, or there are too many.
    pub fn with_further(&self, features: impl IntoIterator<Item = String>) -> Result<Vocabulary, SindyError> {
        let further = self.further.iter().cloned().chain(features).collect();
        Self::build(
            self.variables(),
            Arc::clone(&self.inputs),
            self.degree(),
            self.forms.clone(),
            further,
            self.known.clone(),
        )
    }

    /// The same without the formulas that have this feature; `None` where none has.
    pub(crate) fn without(&self, key: &str) -> Option<Vocabulary> {
        let mut forms = self.forms.clone();
        forms.iter_mut().for_each(|forms| forms.retain(|form| form.iter().all(|text| text != key)));
        let further: Vec<String> = self.further.iter().filter(|text| *text != key).cloned().collect();
        if forms == self.forms && further == self.further {
            return None;
        }
        Self::build(self.variables(), Arc::clone(&self.inputs), self.degree(), forms, further, self.known.clone()).ok()
    }

    fn build(
        variables: &[String],
        inputs: Arc<Inputs>,
        degree: usize,
        forms: Vec<Vec<Vec<String>>>,
        further: Vec<String>,
        known: Vec<Known>,
    ) -> Result<Vocabulary, SindyError> {
        let polynomial = Library::new(&[Family::Polynomial(degree)], variables, inputs.names())?.len();
        let mut families = vec![Family::Polynomial(degree)];
        families.extend(forms.iter().flatten().flatten().chain(&further).map(|text| Family::Custom(text.clone())));
        let library = Library::new(&families, variables, inputs.names())?;
        let selectable = library.len();
        let (library, known_places) = library.with_known(&known)?;
        Ok(Vocabulary { library, inputs, polynomial, selectable, forms, further, known, known_places })
    }

    /// All features, known parts included.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The features that can be chosen, and behind them the known parts.
    pub fn features(&self) -> &[Feature] {
        self.library.features()
    }

    /// The place of the feature with this key.
    pub fn position(&self, key: &str) -> Option<usize> {
        self.library.position(key).filter(|&place| place < self.selectable)
    }

    /// The graph that holds the features' formulas.
    pub fn graph(&self) -> &Graph {
        self.library.graph()
    }

    /// The state variables.
    pub fn variables(&self) -> &[String] {
        self.library.variables()
    }

    /// The known inputs.
    pub fn inputs(&self) -> &Arc<Inputs> {
        &self.inputs
    }

    /// What features are made of: state variables and inputs.
    pub fn names(&self) -> Vec<String> {
        self.variables().iter().chain(self.inputs.names()).cloned().collect()
    }

    /// Values of states, and what else a library looks at: inputs and time.
    pub(crate) fn arguments(&self, run: usize, t: f64, state: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut arguments: Vec<f64> = state.collect();
        let states = arguments.len();
        arguments.resize(states + self.inputs.names().len(), 0.0);
        self.inputs.at(run, t, &mut arguments[states..]);
        arguments.resize(self.library.arguments().len(), t);
        arguments
    }

    /// How many features can be chosen.
    pub fn len(&self) -> usize {
        self.selectable
    }

    /// Can none be chosen?
    pub fn is_empty(&self) -> bool {
        self.selectable == 0
    }

    /// How many of them are polynomial, and to which degree.
    pub fn polynomial(&self) -> usize {
        self.polynomial
    }

    /// Is a set of features one of polynomials?
    pub fn is_polynomial(&self, set: &[usize]) -> bool {
        set.iter().all(|&k| k < self.polynomial)
    }

    /// In natural units, what it takes to say which feature this is: one of the polynomials, or one of all expressions that were looked
    /// through (the prior of Chen & Chen's extended BIC, 2008).
    pub fn description(&self, feature: usize) -> f64 {
        let choices = if feature < self.polynomial { self.polynomial } else { self.polynomial + EXPRESSIONS };
        (choices as f64).ln()
    }

    /// The degree of the polynomials: that of the last of them.
    pub fn degree(&self) -> usize {
        let last = self.polynomial.checked_sub(1).map(|last| self.features()[last].formula());
        last.map_or(0, |formula| size(self.graph(), formula))
    }

    /// Sets of features that stand together in a formula of an equation.
    pub fn formulas(&self, equation: usize) -> Vec<Vec<usize>> {
        let set = |form: &Vec<String>| -> Option<Vec<usize>> {
            let mut set: Vec<usize> = form.iter().map(|text| self.position(text)).collect::<Option<_>>()?;
            set.sort_unstable();
            set.dedup();
            Some(set)
        };
        self.forms[equation].iter().filter_map(set).collect()
    }

    /// The same without those that are polynomials.
    pub fn composed(&self, equation: usize) -> Vec<Vec<usize>> {
        let mut formulas = self.formulas(equation);
        formulas.retain(|set| !self.is_polynomial(set));
        formulas
    }

    /// For every feature that can be chosen its place in another vocabulary, where that has it.
    pub(crate) fn places_in(&self, other: &Vocabulary) -> Vec<Option<usize>> {
        let place = |(k, feature): (usize, &Feature)| match other.features().get(k) {
            Some(same) if k < other.selectable && same.key() == feature.key() => Some(k),
            _ => other.position(feature.key()),
        };
        self.features()[..self.selectable].iter().enumerate().map(place).collect()
    }

    /// What is known.
    pub fn known(&self) -> &[Known] {
        &self.known
    }

    /// The known parts of an equation, by their places among the features.
    pub fn known_of(&self, equation: usize) -> Vec<usize> {
        self.known_places.iter().filter(|part| part.0 == equation).map(|part| part.1).collect()
    }

    /// Features that are terms of what is known of an equation: their numbers are known, and they do not stand in the rest of it.
    pub(crate) fn given(&self, equation: usize) -> Vec<usize> {
        let mut graph = self.graph().clone();
        let known: Vec<ExprId> = self.known_formulas(equation).collect();
        let mut given = vec![];
        for formula in known {
            let formula = graph.expand(formula);
            for (_, factor) in graph.terms(formula) {
                let key = graph.to_text(factor);
                given.extend(self.position(&key));
            }
        }
        given
    }

    /// Their formulas.
    pub(crate) fn known_formulas(&self, equation: usize) -> impl Iterator<Item = ExprId> + '_ {
        self.known_of(equation).into_iter().map(|k| self.features()[k].formula())
    }
}
