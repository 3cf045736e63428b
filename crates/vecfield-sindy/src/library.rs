//! The library: candidate features `φ_k(y, u, t)` of the right-hand sides `dyᵢ/dt = Σ_k θ_ik φ_k`.

mod open;

use crate::candidates::split;
use crate::product::products;
use crate::{Known, SindyError};
pub(crate) use open::Slope;
use vecfield_expr::{ExprId, Graph, Program, Registers, RowRegisters, Scope};
use vecfield_traits::Elementary;

/// A group of features.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Family {
    /// All monomials up to this total degree, `1` included.
    Polynomial(usize),
    /// `sin(k x)` and `cos(k x)` of every variable, `k` up to this.
    Fourier(usize),
    /// A formula of the variables, the inputs and `t`.
    Custom(String),
    /// The products of one feature of each of these.
    Product(Vec<Family>),
}

impl Family {
    /// What stands before the colon of a family.
    pub(crate) const NAMES: &[&str] = &["polynomial", "fourier", "custom"];

    /// Reads `polynomial:3,fourier:2,custom:exp(-x)`, and products of families as `polynomial:1*fourier:2`; parts may stand in double quotes,
    /// and commas inside parentheses belong to a formula.
    ///
    /// # Errors
    ///
    /// [`SindyError::LibrarySyntax`] with the part that cannot be read.
    pub fn parse_list(text: &str) -> Result<Vec<Family>, SindyError> {
        split(text, ',')?.into_iter().map(Family::parse_product).collect()
    }

    /// Does a text begin with a family?
    pub(crate) fn begins(text: &str) -> bool {
        text.split_once(':').is_some_and(|(kind, _)| Family::NAMES.contains(&kind.trim().trim_matches('"')))
    }

    /// Factors begin where a family stands behind a `*`: others belong to formulas.
    fn parse_product(part: &str) -> Result<Family, SindyError> {
        let part = part.trim_matches('"').trim();
        let (mut factors, mut start) = (Vec::new(), 0);
        for (at, _) in part.match_indices('*').filter(|(at, _)| Family::begins(part[at + 1..].trim_start())) {
            factors.push(&part[start..at]);
            start = at + 1;
        }
        factors.push(&part[start..]);
        let factors = factors.into_iter().map(|factor| Family::parse(factor.trim().trim_matches('"').trim()));
        match factors.len() {
            0 | 1 => Family::parse(part),
            _ => Ok(Family::Product(factors.collect::<Result<_, _>>()?)),
        }
    }

    fn parse(part: &str) -> Result<Family, SindyError> {
        let wrong = |problem: String| SindyError::LibrarySyntax { text: part.to_string(), problem };
        let (kind, argument) = part.split_once(':').unwrap_or((part, ""));
        let (kind, argument) = (kind.trim(), argument.trim());
        let number = |least: usize| match argument.parse::<usize>() {
            Ok(n) if n >= least && n <= 100 => Ok(n),
            Ok(_) => Err(wrong(format!("`{argument}` is outside {least} to 100"))),
            Err(_) => Err(wrong(format!("a whole number must follow `{kind}:`"))),
        };
        match kind {
            "polynomial" => Ok(Family::Polynomial(number(0)?)),
            "fourier" => Ok(Family::Fourier(number(1)?)),
            "custom" if argument.is_empty() => Err(wrong("a formula must follow `custom:`".into())),
            "custom" => Ok(Family::Custom(argument.to_string())),
            _ => {
                let near = vecfield_expr::nearest_name(kind, Family::NAMES.iter().copied());
                let hint = near.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
                Err(wrong(format!("the families are polynomial, fourier and custom{hint}")))
            }
        }
    }

    /// Its features over the variables and inputs `names`; formulas may use what is in `scope`.
    fn features(&self, graph: &mut Graph, names: &[String], scope: &Scope) -> Result<Vec<Feature>, SindyError> {
        let mut features = Vec::new();
        match self {
            Family::Polynomial(degree) => monomials(graph, names, *degree, &mut features)?,
            Family::Fourier(most) => harmonics(graph, names, *most, &mut features),
            Family::Custom(text) => {
                let wrong = |problem: String| SindyError::LibrarySyntax { text: text.clone(), problem };
                let formula = graph.parse(text, scope).map_err(|error| wrong(error.to_string()))?;
                features.push(Feature { key: graph.to_text(formula), formula });
            }
            Family::Product(families) => {
                let mut groups = Vec::new();
                for family in families {
                    groups.push(family.features(graph, names, scope)?);
                }
                return products(graph, names, &groups);
            }
        }
        Ok(features)
    }
}

/// One candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    key: String,
    formula: ExprId,
}

impl Feature {
    pub(crate) fn new(key: String, formula: ExprId) -> Self {
        Self { key, formula }
    }

    /// Its name in results: `1`, `x*y`, `x^2*z`, `sin(2*x)`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its formula in the library's graph.
    pub fn formula(&self) -> ExprId {
        self.formula
    }
}

/// Candidate features over named variables and inputs, compiled to one program.
#[derive(Debug, Clone)]
pub struct Library {
    variables: Vec<String>,
    arguments: Vec<String>,
    graph: Graph,
    features: Vec<Feature>,
    program: Program,
    /// Constants inside features with their values, and the formulas that have names in place of these.
    constants: Vec<(String, f64)>,
    symbolic: Vec<ExprId>,
}

/// The largest library: its Gram matrix has the square of this many entries.
pub const MOST_FEATURES: usize = 2000;

impl Library {
    /// The features of `families` over state variables and inputs; a feature that two families share counts once.
    ///
    /// # Errors
    ///
    /// [`SindyError::LibrarySyntax`] when a name or formula cannot be read, [`SindyError::TooManyFeatures`].
    pub fn new(families: &[Family], variables: &[String], inputs: &[String]) -> Result<Self, SindyError> {
        Self::with_constants(families, variables, inputs, &[])
    }

    /// The same where formulas have constants with names inside: keys have the names, formulas the values.
    ///
    /// # Errors
    ///
    /// As [`new`](Library::new).
    pub fn with_constants(
        families: &[Family],
        variables: &[String],
        inputs: &[String],
        constants: &[(String, f64)],
    ) -> Result<Self, SindyError> {
        let factors: Vec<String> = variables.iter().chain(inputs).cloned().collect();
        let mut arguments = factors.clone();
        if !arguments.iter().any(|name| name == "t") {
            arguments.push("t".to_string());
        }
        let syntax = |text: &str, problem: String| SindyError::LibrarySyntax { text: text.to_string(), problem };
        let names = arguments.iter().chain(constants.iter().map(|constant| &constant.0));
        let scope = Scope::new(names.cloned()).map_err(|error| syntax(&factors.join(","), error.to_string()))?;
        let (mut graph, mut features) = (Graph::new(), Vec::new());
        for family in families {
            features.extend(family.features(&mut graph, &factors, &scope)?);
            if features.len() > MOST_FEATURES {
                return Err(SindyError::TooManyFeatures { features: features.len(), most: MOST_FEATURES });
            }
        }
        let mut seen = std::collections::HashSet::new();
        features.retain(|feature| seen.insert(feature.key.clone()));
        let symbolic: Vec<ExprId> = features.iter().map(Feature::formula).collect();
        let none = Program::compile(&graph, &[], &arguments).map_err(|error| syntax("", error.to_string()))?;
        let (variables, constants) = (variables.to_vec(), constants.to_vec());
        let mut library = Self { variables, arguments, graph, features, program: none, constants, symbolic };
        for (k, formula) in library.symbolic.clone().into_iter().enumerate() {
            library.features[k].formula = library.numeric(formula);
        }
        library.compile()?;
        Ok(library)
    }

    /// The features with these keys, as [`Feature::key`] gives them.
    ///
    /// # Errors
    ///
    /// As [`new`](Library::new).
    pub(crate) fn of_keys(
        keys: &[String],
        variables: &[String],
        inputs: &[String],
        constants: &[(String, f64)],
    ) -> Result<Self, SindyError> {
        let families: Vec<Family> = keys.iter().cloned().map(Family::Custom).collect();
        let mut library = Self::with_constants(&families, variables, inputs, constants)?;
        if let Some(twice) = keys.get(library.features.len()) {
            return Err(SindyError::LibrarySyntax { text: twice.clone(), problem: "a feature is there twice".into() });
        }
        // A formula may print otherwise than a family calls it.
        library.features.iter_mut().zip(keys).for_each(|(feature, key)| feature.key.clone_from(key));
        Ok(library)
    }

    /// Formulas of the features that were asked for, with names in place of the values of constants.
    pub(crate) fn symbolic(&self) -> &[ExprId] {
        &self.symbolic
    }

    /// Constants inside features, with their values.
    pub(crate) fn constants(&self) -> &[(String, f64)] {
        &self.constants
    }

    /// A formula with the values of constants in place of their names.
    fn numeric(&mut self, formula: ExprId) -> ExprId {
        let graph = &mut self.graph;
        let values = self.constants.iter().map(|(name, value)| (graph.symbol(name), graph.constant(*value)));
        let values: Vec<(ExprId, ExprId)> = values.collect();
        if values.is_empty() { formula } else { graph.substitute(formula, &values) }
    }

    fn compile(&mut self) -> Result<(), SindyError> {
        let formulas: Vec<ExprId> = self.features.iter().map(Feature::formula).collect();
        let wrong = |problem: String| SindyError::LibrarySyntax { text: self.arguments.join(","), problem };
        self.program =
            Program::compile(&self.graph, &formulas, &self.arguments).map_err(|error| wrong(error.to_string()))?;
        Ok(())
    }

    /// The library with known parts of equations behind its features, and `(equation, feature)` of each; a formula may be a feature too.
    ///
    /// # Errors
    ///
    /// [`SindyError::UnknownVariable`] for a part of no equation, [`SindyError::LibrarySyntax`] for one that cannot be read.
    pub fn with_known(mut self, parts: &[Known]) -> Result<(Self, Vec<(usize, usize)>), SindyError> {
        let syntax = |text: &str, problem: String| SindyError::LibrarySyntax { text: text.to_string(), problem };
        if parts.is_empty() {
            return Ok((self, vec![]));
        }
        let scope = Scope::new(self.arguments.iter().cloned())
            .map_err(|error| syntax(&self.arguments.join(","), error.to_string()))?;
        let mut known = Vec::new();
        for Known { variable, formula: text } in parts {
            let equation = self.equation(variable)?;
            let formula = self.graph.parse(text, &scope).map_err(|error| syntax(text, error.to_string()))?;
            known.push((equation, self.features.len()));
            self.features.push(Feature { key: self.graph.to_text(formula), formula });
        }
        self.compile()?;
        Ok((self, known))
    }

    /// All monomials up to total degree `degree`.
    ///
    /// # Errors
    ///
    /// As [`new`](Library::new).
    pub fn polynomial(variables: &[String], degree: usize) -> Result<Self, SindyError> {
        Self::new(&[Family::Polynomial(degree)], variables, &[])
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Has it no feature?
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// The features.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The place of the feature with this key.
    pub fn position(&self, key: &str) -> Option<usize> {
        self.features.iter().position(|feature| feature.key == key)
    }

    /// The place of the feature that a formula is, however it is written: it has the same values.
    pub(crate) fn feature(&self, text: &str) -> Option<usize> {
        if let Some(place) = self.position(text.trim()) {
            return Some(place);
        }
        let mut graph = self.graph.clone();
        let formula = graph.parse(text, &Scope::new(self.arguments.iter().cloned()).ok()?).ok()?;
        let program = Program::compile(&graph, &[formula], &self.arguments).ok()?;
        let mut alike = vec![true; self.features.len()];
        for point in 1..=3 {
            let at: Vec<f64> = (1..=self.arguments.len()).map(|i| 0.6 + (0.7 * (i * point) as f64).sin()).collect();
            let (mut value, mut values) = ([0.0], vec![0.0; self.features.len()]);
            program.eval(&at, &mut value, &mut program.registers());
            self.eval(&at, &mut values, &mut self.registers());
            let same = |v: f64| (v - value[0]).abs() <= 1e-12 * value[0].abs();
            alike.iter_mut().zip(&values).for_each(|(alike, &v)| *alike &= same(v));
        }
        alike.iter().position(|alike| *alike)
    }

    /// The place of a product of variables.
    pub(crate) fn monomial(&self, factors: &[usize]) -> Option<usize> {
        let mut exponents = vec![0; self.variables.len()];
        factors.iter().for_each(|&i| exponents[i] += 1);
        self.position(&key(&self.variables, &exponents))
    }

    /// The equation of a variable.
    ///
    /// # Errors
    ///
    /// [`SindyError::UnknownVariable`].
    pub(crate) fn equation(&self, variable: &str) -> Result<usize, SindyError> {
        self.variables.iter().position(|name| name == variable).ok_or_else(|| {
            let nearest = vecfield_expr::nearest_name(variable, self.variables.iter().map(String::as_str));
            let nearest = nearest.unwrap_or(&self.variables[0]).to_string();
            SindyError::UnknownVariable { name: variable.to_string(), nearest }
        })
    }

    /// The state variables.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// What it depends on beside the states and `t`.
    pub(crate) fn inputs(&self) -> &[String] {
        let beside = &self.arguments[self.variables.len()..];
        // Whether `t` was given or not makes no difference.
        beside.strip_suffix(&["t".to_string()]).unwrap_or(beside)
    }

    /// What a feature may depend on, in the order of [`eval`](Library::eval)'s argument: states, inputs, `t`.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// The graph that holds the features' formulas.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Writes every feature at `arguments` into `values` (`[len]`, overwritten).
    ///
    /// # Panics
    ///
    /// If a slice has another length than the library says.
    pub fn eval<S: Elementary>(&self, arguments: &[S], values: &mut [S], registers: &mut Registers<S>) {
        self.program.eval(arguments, values, registers);
    }

    /// The same at many rows, a column per argument and per feature.
    ///
    /// # Panics
    ///
    /// If there are other columns than the library says, or their lengths differ.
    pub fn eval_rows(&self, arguments: &[&[f64]], values: &mut [&mut [f64]], registers: &mut RowRegisters<f64>) {
        self.program.eval_rows(arguments, values, registers);
    }

    /// Registers for [`eval`](Library::eval).
    pub fn registers<S: Elementary>(&self) -> Registers<S> {
        self.program.registers()
    }
}

/// Monomials by rising degree, then in the order of combinations with repetition: `1, x, y, x^2, x*y, y^2, ..`.
fn monomials(
    graph: &mut Graph,
    names: &[String],
    degree: usize,
    features: &mut Vec<Feature>,
) -> Result<(), SindyError> {
    let symbols: Vec<ExprId> = names.iter().map(|name| graph.symbol(name)).collect();
    // (exponents, last variable): a monomial is one of the degree below times a variable not before its last.
    let mut below = vec![(vec![0_usize; names.len()], 0)];
    for power in 0..=degree {
        for (exponents, _) in &below {
            let mut factors = Vec::new();
            for (&symbol, &exponent) in symbols.iter().zip(exponents).filter(|(_, exponent)| **exponent > 0) {
                factors.push(if exponent == 1 { symbol } else { graph.powi(symbol, exponent as i32) });
            }
            features.push(Feature { key: key(names, exponents), formula: graph.product(factors) });
        }
        if features.len() > MOST_FEATURES {
            return Err(SindyError::TooManyFeatures { features: features.len(), most: MOST_FEATURES });
        }
        if power == degree {
            break;
        }
        let mut next = Vec::new();
        for (exponents, last) in &below {
            for variable in *last..names.len() {
                let mut exponents = exponents.clone();
                exponents[variable] += 1;
                next.push((exponents, variable));
            }
        }
        below = next;
    }
    Ok(())
}

fn key(names: &[String], exponents: &[usize]) -> String {
    let factors: Vec<String> = (names.iter().zip(exponents))
        .filter(|&(_, &power)| power > 0)
        .map(|(name, &power)| if power == 1 { name.clone() } else { format!("{name}^{power}") })
        .collect();
    if factors.is_empty() { "1".to_string() } else { factors.join("*") }
}

fn harmonics(graph: &mut Graph, names: &[String], most: usize, features: &mut Vec<Feature>) {
    use vecfield_expr::Unary;
    for name in names {
        let symbol = graph.symbol(name);
        for k in 1..=most {
            let multiple = graph.constant(k as f64);
            let argument = graph.mul(multiple, symbol);
            for (word, op) in [("sin", Unary::Sin), ("cos", Unary::Cos)] {
                let formula = graph.unary(op, argument);
                let key = if k == 1 { format!("{word}({name})") } else { format!("{word}({k}*{name})") };
                features.push(Feature { key, formula });
            }
        }
    }
}
