//! [`Problem`]: a description, checked and compiled.

mod places;

use vecfield_expr::{ExprId, Graph};

use crate::PinnError;
use crate::deep::{Architecture, Training};
use crate::description::{AxisText, Description, ParameterText};
use crate::formula::{Columns, Formula};
use crate::language::{Group, Jet, Language, Reading, normal_symbol};
use crate::shape::Shape;
pub(crate) use places::Place;

/// A table of numbers with named columns; a NaN is a missing measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// Row by row.
    pub rows: Vec<Vec<f64>>,
}

/// Equations, conditions and measurements, ready to be solved.
///
/// ```
/// use vecfield_pinn::{Description, Problem, Settings, solve};
///
/// // y' = -y, y(0) = 1: y(2) = exp(-2).
/// let text = "[domain]\nt = [0, 2]\nunknowns = [\"y\"]\n[equations]\ndecay = \"y_t + y\"\n\
///             [[condition]]\non = \"t = 0\"\ny = \"1\"\n";
/// let description: Description = toml::from_str(text)?;
/// let problem = Problem::new(&description, &[])?;
/// let found = solve(&problem, None, &Settings::default(), &mut |_| true)?;
/// let y = found.values(&problem.points(&["t".into()], &[vec![2.0]])?);
/// assert!((y[0][0] - (-2.0_f64).exp()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Problem {
    pub(crate) language: Language,
    pub(crate) low: Vec<f64>,
    pub(crate) high: Vec<f64>,
    pub(crate) periodic: Vec<bool>,
    pub(crate) shape: Option<Shape>,
    pub(crate) equations: Vec<Formula>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) data: Vec<Observations>,
    /// Where the search for unknown constants begins.
    pub(crate) initial: Vec<f64>,
    /// The exponent of the fractional Laplacian.
    pub(crate) fraction: Option<(usize, f64)>,
    /// Coordinates of all space, wanted where a Gaussian has its mass: its standard deviation.
    pub(crate) normal: Option<f64>,
    /// A coordinate whose high end is no boundary of the problem, only where the box ends.
    pub(crate) open: Option<usize>,
    /// The network that the file asks for, and how it is trained.
    pub(crate) network: Option<Architecture>,
    pub(crate) training: Training,
    /// Where the formulas of conditions are.
    pub(crate) graph: Graph,
    warnings: Vec<String>,
}

/// Something that holds at a place.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) place: Place,
    pub(crate) formula: Formula,
    /// The jet that it gives and its value, a formula of coordinates alone, where it is of this kind.
    pub(crate) gives: Option<(Jet, ExprId)>,
}

/// Measurements.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observations {
    /// Coordinate by coordinate.
    pub(crate) points: Columns,
    /// By unknown; NaN where there is none.
    pub(crate) values: Columns,
}

impl Problem {
    /// Checks and compiles a description; `data` are the tables that it names, in order.
    ///
    /// # Errors
    ///
    /// What is wrong with it, by key.
    pub fn new(description: &Description, data: &[Table]) -> Result<Self, PinnError> {
        // A solution that depends on |x|² alone has one coordinate instead of many: tried first where the domain allows it.
        let round = |axis: &AxisText| matches!(axis, AxisText::Ball { .. } | AxisText::Normal { .. });
        if description.domain.axes.values().filter(|axis| round(axis)).count() == 1 {
            match Self::read(description, data, true) {
                Err(PinnError::Formula { .. } | PinnError::UnknownDerivative { .. } | PinnError::Columns { .. }) => {}
                other => return other,
            }
        }
        Self::read(description, data, false)
    }

    fn read(description: &Description, data: &[Table], radial: bool) -> Result<Self, PinnError> {
        let mut problem = Self::empty(description, radial)?;
        let mut reading = Reading::default();
        if description.equations.is_empty() {
            return Err(PinnError::setting("equations", "there is no equation; state one, as u = \"u_t - u_xx\""));
        }
        for (name, text) in &description.equations {
            let key = format!("equations.{name}");
            let id = problem.language.read(&key, text, &mut reading)?;
            let formula = Formula::compile(name, &key, id, &problem.language, &mut reading)?;
            if formula.jets.is_empty() && formula.integrals.is_empty() {
                let names = problem.language.unknowns.join(", ");
                return Err(PinnError::setting(key, format!("this equation has none of the unknowns in it: {names}")));
            }
            problem.equations.push(formula);
        }
        for (at, condition) in description.condition.iter().enumerate() {
            let key = format!("condition.{at}");
            let place = problem.place(&format!("{key}.on"), &condition.on)?;
            if condition.values.is_empty() {
                return Err(PinnError::setting(key, "this condition gives no value; add one, as u = \"0\""));
            }
            for (left, right) in &condition.values {
                let key = format!("{key}.{left}");
                let (formula, right) = problem.condition(&key, left, &right.text(), &mut reading)?;
                let coordinates = &problem.language.coordinates;
                let symbols = reading.graph.symbols(right);
                let plain = symbols.iter().all(|&s| coordinates.iter().any(|name| name == reading.graph.name(s)));
                let gives = problem.language.jet(left).ok().filter(|_| plain).map(|jet| (jet, right));
                problem.conditions.push(Condition { place: place.clone(), formula, gives });
            }
        }
        problem.fraction = reading.fraction.map(|s| (problem.language.space()[0], s));
        for table in data {
            let observations = problem.observations(table)?;
            problem.data.push(observations);
        }
        problem.graph = reading.graph;
        problem.check()?;
        problem.network = Architecture::read(&description.network)?;
        problem.training = Training::read(&description.train)?;
        if problem.network.is_none() && problem.training != Training::default() {
            problem.warnings.push(
                "[train] is about a deep network: without [network] the weights of features are solved for, and \
                 nothing is trained"
                    .into(),
            );
        }
        Ok(problem)
    }

    /// The coordinates, unknowns and constants, without equations.
    fn empty(description: &Description, radial: bool) -> Result<Self, PinnError> {
        let mut language = Language {
            coordinates: vec![],
            groups: vec![],
            unknowns: description.domain.unknowns.clone(),
            parameters: description
                .parameters
                .iter()
                .filter_map(|(name, p)| known(p).map(|v| (name.clone(), v)))
                .collect(),
            constants: vec![],
            definitions: description.definitions.clone(),
        };
        let mut initial = Vec::new();
        for (name, parameter) in &description.parameters {
            if let ParameterText::Unknown { unknown: true, initial: value } = parameter {
                language.constants.push(name.clone());
                initial.push(*value);
            }
        }
        if language.unknowns.is_empty() {
            return Err(PinnError::setting("domain.unknowns", "there is no unknown; name one, as [\"u\"]"));
        }
        let (mut low, mut high, mut normal) = (vec![], vec![], None);
        for (name, axis) in &description.domain.axes {
            let key = format!("domain.{name}");
            let count = match axis {
                AxisText::Interval(_) => 1,
                AxisText::Box { dims, .. } | AxisText::Ball { dims, .. } | AxisText::Normal { dims, .. } => *dims,
            };
            let whole = radial && matches!(axis, AxisText::Ball { .. } | AxisText::Normal { .. });
            let [from, to] = match *axis {
                AxisText::Interval(ends) | AxisText::Box { sides: ends, .. } => ends,
                AxisText::Ball { ball, .. } if whole => [0.0, ball * ball],
                AxisText::Ball { ball, .. } => [-ball, ball],
                AxisText::Normal { normal: s, .. } if whole => [0.0, count as f64 * s * s],
                AxisText::Normal { normal: s, .. } => [-6.0 * s, 6.0 * s],
            };
            if !(from < to && (to - from).is_finite()) {
                return Err(PinnError::setting(
                    key,
                    format!("the range from {from} to {to} is empty; give [low, high]"),
                ));
            }
            if count == 0 || count > 100_000 {
                return Err(PinnError::setting(key, format!("{count} dimensions; give 1 to 100000")));
            }
            if let AxisText::Normal { normal: s, .. } = axis {
                normal = Some(*s);
            }
            let first = language.coordinates.len();
            if whole {
                language.coordinates.push(format!("norm2({name})"));
                language.groups.push(Group { name: name.clone(), first, count: 1, radial: Some(count) });
            } else if matches!(axis, AxisText::Interval(_)) {
                language.coordinates.push(name.clone());
            } else {
                language.coordinates.extend((1..=count).map(|i| format!("{name}{i}")));
                language.groups.push(Group { name: name.clone(), first, count, radial: None });
            }
            low.extend((0..if whole { 1 } else { count }).map(|_| from));
            high.extend((0..if whole { 1 } else { count }).map(|_| to));
        }
        if language.coordinates.is_empty() {
            return Err(PinnError::setting("domain", "there is no coordinate; give one its range, as x = [0, 1]"));
        }
        check_names(&language)?;
        let mut periodic = vec![false; low.len()];
        for name in &description.domain.periodic {
            let at = language.coordinates.iter().position(|c| c == name).ok_or_else(|| {
                let reason = format!("`{name}` is no coordinate; there are {}", language.coordinates.join(", "));
                PinnError::setting("domain.periodic", reason)
            })?;
            periodic[at] = true;
        }
        let shape = description.domain.geometry.as_deref().map(Shape::parse).transpose()?;
        let mut problem = Self {
            language,
            low,
            high,
            periodic,
            shape,
            equations: vec![],
            conditions: vec![],
            data: vec![],
            initial,
            fraction: None,
            normal,
            open: None,
            network: None,
            training: Training::default(),
            graph: Graph::new(),
            warnings: vec![],
        };
        problem.fit_shape()?;
        Ok(problem)
    }

    /// A condition as a residual: the left side, of which `u_n` is the normal derivative, minus the right; and the right.
    fn condition(
        &self,
        key: &str,
        left: &str,
        right: &str,
        reading: &mut Reading,
    ) -> Result<(Formula, ExprId), PinnError> {
        let language = &self.language;
        let normal = left.strip_suffix("_n").and_then(|name| language.unknowns.iter().position(|u| u == name));
        let left_id = match normal.filter(|_| !language.coordinates.iter().any(|c| c == "n")) {
            Some(unknown) => {
                let mut terms = Vec::new();
                for by in language.space() {
                    let mut jet = language.value(unknown);
                    jet.order[by] = 1;
                    let slope = reading.graph.symbol(&crate::language::jet_symbol(&jet));
                    let mut n = reading.graph.symbol(&normal_symbol(by));
                    if language.is_radius(by) {
                        // By r = |x|²: ∂u/∂n = 2 √r u_r.
                        let r = reading.graph.symbol(&language.coordinates[by]);
                        let root = reading.graph.unary(vecfield_expr::Unary::Sqrt, r);
                        let two = reading.graph.constant(2.0);
                        let twice = reading.graph.mul(two, root);
                        n = reading.graph.mul(n, twice);
                    }
                    terms.push(reading.graph.mul(n, slope));
                }
                reading.graph.sum(terms)
            }
            None => language.read(key, left, reading).map_err(|error| match error {
                PinnError::Formula { key, reason, .. } => {
                    PinnError::Setting { key, reason: format!("`{left}`: {reason}") }
                }
                other => other,
            })?,
        };
        let right_id = language.read(key, right, reading)?;
        let id = reading.graph.sub(left_id, right_id);
        let formula = Formula::compile(left, key, id, language, reading)?;
        if formula.jets.is_empty() && formula.integrals.is_empty() {
            let names = language.unknowns.join(", ");
            let reason = format!("`{left}` is no unknown and no derivative of one; the unknowns are {names}");
            return Err(PinnError::setting(key, reason));
        }
        Ok((formula, right_id))
    }

    fn observations(&self, table: &Table) -> Result<Observations, PinnError> {
        let points = self.points(&table.columns, &table.rows)?;
        let column = |name: &String| table.columns.iter().position(|c| c == name);
        let found: Vec<Option<usize>> = self.language.unknowns.iter().map(column).collect();
        if found.iter().all(Option::is_none) {
            let reason = format!("the table measures none of the unknowns {}", self.language.unknowns.join(", "));
            return Err(PinnError::Columns { reason });
        }
        if table.rows.is_empty() {
            return Err(PinnError::Columns {
                reason: "the table of measurements has no rows; remove it or fill it".into(),
            });
        }
        for i in 0..points.len() {
            let slack = 1e-9 * (self.high[i] - self.low[i]);
            for (row, &value) in points[i].iter().enumerate() {
                if !(self.low[i] - slack..=self.high[i] + slack).contains(&value) && self.normal.is_none() {
                    let (low, high) = (self.low[i], self.high[i]);
                    let name = self.language.coordinates[i].clone();
                    return Err(PinnError::DataOutside { row: row + 1, name, value, low, high });
                }
            }
        }
        let values =
            found.iter().map(|at| table.rows.iter().map(|row| at.map_or(f64::NAN, |at| row[at])).collect()).collect();
        Ok(Observations { points, values })
    }

    /// The coordinates of the rows of a table, coordinate by coordinate, as [`Found::values`](crate::Found::values) takes them.
    ///
    /// # Errors
    ///
    /// [`PinnError::Columns`] when a coordinate has no column, or a row lacks one.
    pub fn points(&self, columns: &[String], rows: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, PinnError> {
        let column = |name: &str| {
            let at = columns.iter().position(|c| c == name);
            at.ok_or_else(|| PinnError::Columns {
                reason: format!("there is no column `{name}`, which is a coordinate; add it"),
            })
        };
        let number = |row: usize, at: usize| {
            let value = rows[row][at];
            let reason = || format!("row {} has no `{}`; fill it in or remove the row", row + 1, columns[at]);
            if value.is_finite() { Ok(value) } else { Err(PinnError::Columns { reason: reason() }) }
        };
        let mut found = Vec::new();
        for (i, name) in self.language.coordinates.iter().enumerate() {
            let group = self.language.groups.iter().find(|group| group.first == i);
            match group.and_then(|group| group.radial.map(|n| (group, n))) {
                None => {
                    let at = column(name)?;
                    found.push((0..rows.len()).map(|row| number(row, at)).collect::<Result<Vec<_>, _>>()?);
                }
                Some((group, n)) => {
                    let places =
                        (1..=n).map(|k| column(&format!("{}{k}", group.name))).collect::<Result<Vec<_>, _>>()?;
                    let square = |row| places.iter().try_fold(0.0, |sum, &at| Ok(sum + number(row, at)?.powi(2)));
                    found.push((0..rows.len()).map(square).collect::<Result<Vec<_>, PinnError>>()?);
                }
            }
        }
        Ok(found)
    }

    /// Refuses points where there is no solution.
    pub(crate) fn check_wanted(&self, points: &[Vec<f64>]) -> Result<(), PinnError> {
        for (i, column) in points.iter().enumerate() {
            let slack = 1e-9 * (self.high[i] - self.low[i]);
            for (row, value) in column.iter().enumerate() {
                if !(self.low[i] - slack..=self.high[i] + slack).contains(value) {
                    let (name, low, high) = (&self.language.coordinates[i], self.low[i], self.high[i]);
                    let reason = format!(
                        "row {} of the points is outside the domain: `{name}` = {value}, but runs from {low} to {high}; \
                         remove the row or widen the domain",
                        row + 1
                    );
                    return Err(PinnError::Columns { reason });
                }
            }
        }
        Ok(())
    }

    /// The names of the unknowns, in order.
    pub fn unknowns(&self) -> &[String] {
        &self.language.unknowns
    }

    /// The names of the constants to be found, in order.
    pub fn constants(&self) -> &[String] {
        &self.language.constants
    }

    /// What is odd about the problem, and no reason to refuse it.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The highest derivative of each coordinate in the equations, of one unknown or of any.
    pub(crate) fn orders(&self, unknown: Option<usize>) -> Vec<u8> {
        let mut highest = vec![0; self.low.len()];
        for equation in &self.equations {
            for (highest, order) in highest.iter_mut().zip(equation.orders(unknown)) {
                *highest = (*highest).max(order);
            }
        }
        highest
    }

    /// Is every equation and condition affine in what is sought?
    pub(crate) fn is_linear(&self) -> bool {
        self.language.constants.is_empty()
            && self.equations.iter().all(|f| f.linear)
            && self.conditions.iter().all(|c| c.formula.linear)
    }

    /// Does any formula look at other points than its own?
    pub(crate) fn is_nonlocal(&self) -> bool {
        let formulas = self.equations.iter().chain(self.conditions.iter().map(|c| &c.formula));
        self.fraction.is_some() || formulas.into_iter().any(|f| !f.integrals.is_empty())
    }

    /// The coordinate in which the problem marches from one end, and whether that is its low end.
    pub(crate) fn march(&self) -> Option<(usize, bool)> {
        let named = self.language.coordinates.iter().position(|name| name == "t");
        let coordinate = named.or_else(|| (self.low.len() == 1).then_some(0))?;
        if self.is_nonlocal() || !self.data.is_empty() || self.periodic[coordinate] || !self.initial.is_empty() {
            return None;
        }
        if self.orders(None)[coordinate] == 0 {
            return None;
        }
        let mut ends = [false; 2];
        for condition in &self.conditions {
            let Place::Fixed(fixed) = &condition.place else { continue };
            let Some(&(_, value)) = fixed.iter().find(|(i, _)| *i == coordinate) else { continue };
            if value == self.low[coordinate] {
                ends[0] = true;
            } else if value == self.high[coordinate] {
                ends[1] = true;
            } else {
                return None;
            }
        }
        match ends {
            [true, false] => Some((coordinate, true)),
            [false, true] => Some((coordinate, false)),
            _ => None,
        }
    }
}

fn known(parameter: &ParameterText) -> Option<f64> {
    match parameter {
        ParameterText::Value(value) => Some(*value),
        ParameterText::Unknown { unknown: false, initial } => Some(*initial),
        ParameterText::Unknown { .. } => None,
    }
}

/// Every name must be one that formulas can use, and mean one thing.
fn check_names(language: &Language) -> Result<(), PinnError> {
    let mut seen: Vec<&str> = Vec::new();
    let radial = |name: &str| name.starts_with("norm2(");
    let groups = language.groups.iter().map(|g| ("domain", g.name.as_str())).filter(|(_, n)| !seen_twice(language, n));
    let named = (language.coordinates.iter().map(|n| ("domain", n.as_str())).filter(|(_, n)| !radial(n)))
        .chain(groups)
        .chain(language.unknowns.iter().map(|n| ("domain.unknowns", n.as_str())))
        .chain(language.parameters.keys().map(|n| ("parameters", n.as_str())))
        .chain(language.constants.iter().map(|n| ("parameters", n.as_str())))
        .chain(language.definitions.keys().map(|n| ("definitions", n.as_str())));
    for (key, name) in named {
        vecfield_expr::check_name(name).map_err(|e| PinnError::setting(key, e.to_string()))?;
        if seen.contains(&name) {
            return Err(PinnError::setting(key, format!("the name `{name}` means two things; rename one of them")));
        }
        seen.push(name);
    }
    Ok(())
}

fn seen_twice(language: &Language, name: &str) -> bool {
    language.coordinates.iter().any(|c| c == name)
}

/// Evaluates a text without unknowns: a number such as `2*pi`.
pub(crate) fn number(text: &str) -> Option<f64> {
    let mut graph = Graph::new();
    let id = graph.parse(text, &vecfield_expr::Scope::default()).ok()?;
    let id = graph.simplify(id);
    graph.constant_value(id)
}
