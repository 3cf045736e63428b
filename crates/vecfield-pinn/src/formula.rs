//! [`Formula`]: a residual compiled with its slopes, over the jets of the unknowns.
//!
//! ```text
//! r(x, n, constants, jets, integrals)      ∂r/∂jet_j      ∂r/∂integral_i      ∂r/∂constant_k
//! ```
//!
//! A jet is an unknown or one of its derivatives at the point; an integral is a number per point that depends on jets elsewhere.

use vecfield_expr::{ExprId, Graph, Program, RowRegisters};

use crate::PinnError;
use crate::language::{
    Elsewhere, Jet, Language, Reading, elsewhere_symbol, integral_symbol, jet_symbol, normal_symbol,
};

/// A residual with its slopes.
#[derive(Debug, Clone)]
pub(crate) struct Formula {
    /// Of the equation, or what a condition gives.
    pub(crate) name: String,
    /// The path of its key.
    pub(crate) key: String,
    pub(crate) jets: Vec<Jet>,
    pub(crate) integrals: Vec<Integral>,
    /// Is the residual affine in jets, integrals and constants together?
    pub(crate) linear: bool,
    /// Does it depend on a coordinate by itself?
    program: Program,
    coordinates: usize,
    constants: usize,
}

/// `∫_a^b body(x, s, jets at x, jets elsewhere) ds`, or the body alone.
#[derive(Debug, Clone)]
pub(crate) struct Integral {
    /// `[a, b]` of coordinates and constants; none where nothing is integrated.
    pub(crate) bounds: Option<Program>,
    /// Jets at the point itself.
    pub(crate) here: Vec<Jet>,
    /// Jets at points that `places` gives.
    pub(crate) there: Vec<Jet>,
    /// Of coordinates and `s`: the coordinates of each point elsewhere, one after the other.
    pub(crate) places: Program,
    /// Of coordinates, `s`, constants, jets here, jets there: the body and its slopes by these jets.
    pub(crate) body: Program,
}

/// Values at some points, quantity by quantity.
pub(crate) type Columns = Vec<Vec<f64>>;

/// What a formula is evaluated at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) coordinates: &'a Columns,
    /// Outward normals; empty where there are none.
    pub(crate) normals: &'a Columns,
    pub(crate) constants: &'a [f64],
    pub(crate) jets: &'a Columns,
    pub(crate) integrals: &'a Columns,
}

/// A residual and its slopes at some points.
#[derive(Debug, Default, Clone)]
pub(crate) struct Slopes {
    pub(crate) residual: Vec<f64>,
    pub(crate) by_jet: Columns,
    pub(crate) by_integral: Columns,
    pub(crate) by_constant: Columns,
}

impl Formula {
    pub(crate) fn compile(
        name: &str,
        key: &str,
        id: ExprId,
        language: &Language,
        reading: &mut Reading,
    ) -> Result<Self, PinnError> {
        let refused = |e: vecfield_expr::CompileError| PinnError::setting(key, e.to_string());
        let id = reading.graph.simplify(id);
        let symbols = symbols_of(&reading.graph, id);
        let jets: Vec<Jet> = symbols.iter().filter_map(|name| jet_of(name)).collect();
        let mut integrals = Vec::new();
        let mut integral_names = Vec::new();
        for at in 0..reading.integrals.len() {
            if symbols.contains(&integral_symbol(at)) {
                let text = reading.integrals[at].clone();
                integrals.push(Integral::compile(key, text.body, text.over, language, reading)?);
                integral_names.push(integral_symbol(at));
            }
        }
        for at in 0..reading.elsewhere.len() {
            if symbols.contains(&elsewhere_symbol(at)) {
                let body = reading.graph.symbol(&elsewhere_symbol(at));
                integrals.push(Integral::compile(key, body, None, language, reading)?);
                integral_names.push(elsewhere_symbol(at));
            }
        }
        let mut inputs = language.coordinates.clone();
        inputs.extend((0..language.coordinates.len()).map(normal_symbol));
        inputs.extend(language.constants.iter().cloned());
        let moving: Vec<String> =
            jets.iter().map(jet_symbol).chain(integral_names).chain(language.constants.iter().cloned()).collect();
        inputs.extend(moving[..moving.len() - language.constants.len()].iter().cloned());
        let mut outputs = vec![id];
        for name in &moving {
            let slope = reading.graph.derivative(id, name);
            outputs.push(reading.graph.simplify(slope));
        }
        let bends = |slope: &ExprId| symbols_of(&reading.graph, *slope).iter().any(|s| moving.contains(s));
        let linear = !outputs[1..].iter().any(bends)
            && integrals.iter().all(|integral: &Integral| integral.is_linear(reading, language));
        let program = Program::compile(&reading.graph, &outputs, &inputs).map_err(refused)?;
        Ok(Self {
            name: name.into(),
            key: key.into(),
            jets,
            integrals,
            linear,
            program,
            coordinates: language.coordinates.len(),
            constants: language.constants.len(),
        })
    }

    /// Evaluates at every point.
    pub(crate) fn eval(&self, at: At<'_>) -> Slopes {
        let rows = at.coordinates[0].len();
        let zeros = vec![0.0; rows];
        let constants: Columns = at.constants.iter().map(|&value| vec![value; rows]).collect();
        let mut inputs: Vec<&[f64]> = at.coordinates.iter().map(Vec::as_slice).collect();
        if at.normals.is_empty() {
            inputs.extend((0..self.coordinates).map(|_| zeros.as_slice()));
        } else {
            inputs.extend(at.normals.iter().map(Vec::as_slice));
        }
        inputs.extend(constants.iter().chain(at.jets).chain(at.integrals).map(Vec::as_slice));
        let mut outputs: Columns = vec![vec![0.0; rows]; self.program.output_count()];
        let mut views: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        self.program.eval_rows(&inputs, &mut views, &mut RowRegisters::new());
        let mut outputs = outputs.into_iter();
        let mut take = |count: usize| -> Columns { outputs.by_ref().take(count).collect() };
        Slopes {
            residual: take(1).pop().unwrap_or_default(),
            by_jet: take(self.jets.len()),
            by_integral: take(self.integrals.len()),
            by_constant: take(self.constants),
        }
    }

    /// How many numbers [`eval_stacked`](Formula::eval_stacked) gives at a point.
    pub(crate) fn outputs(&self) -> usize {
        self.program.output_count()
    }

    /// Evaluates a formula without integrals at points that lie column behind column: `around` are coordinates and normals,
    /// `out` the residual, its slopes by the jets and by the constants. Allocates nothing after the first call.
    pub(crate) fn eval_stacked(
        &self,
        [around, constants, jets]: [&[f64]; 3],
        rows: usize,
        out: &mut [f64],
        registers: &mut RowRegisters<f64>,
    ) {
        self.program.eval_stacked([around, constants, jets], rows, out, registers);
    }

    /// [Evaluates](Formula::eval) a condition without normals and integrals where every jet is zero: less than what it gives.
    pub(crate) fn at_zero(&self, points: &Columns, constants: &[f64]) -> Slopes {
        let zero = vec![vec![0.0; points[0].len()]; self.jets.len()];
        self.eval(At { coordinates: points, normals: &vec![], constants, jets: &zero, integrals: &vec![] })
    }

    /// The highest derivative of each coordinate in it.
    pub(crate) fn orders(&self, unknown: Option<usize>) -> Vec<u8> {
        let mut highest = vec![0; self.coordinates];
        let wanted = |jet: &&Jet| unknown.is_none_or(|unknown| jet.unknown == unknown);
        for jet in self.jets.iter().filter(wanted) {
            for (highest, &order) in highest.iter_mut().zip(&jet.order) {
                *highest = (*highest).max(if order == crate::language::FRACTION { 2 } else { order });
            }
        }
        highest
    }
}

impl Integral {
    fn compile(
        key: &str,
        body: ExprId,
        over: Option<(String, ExprId, ExprId)>,
        language: &Language,
        reading: &mut Reading,
    ) -> Result<Self, PinnError> {
        let refused = |e: vecfield_expr::CompileError| PinnError::setting(key, e.to_string());
        let graph = &mut reading.graph;
        let body = graph.simplify(body);
        let symbols = symbols_of(graph, body);
        let here: Vec<Jet> = symbols.iter().filter_map(|name| jet_of(name)).collect();
        let remote: Vec<(String, Elsewhere)> = (reading.elsewhere.iter().enumerate())
            .map(|(at, elsewhere)| (elsewhere_symbol(at), elsewhere.clone()))
            .filter(|(name, _)| symbols.contains(name))
            .collect();
        // Where nothing is integrated `s` is an input that nothing depends on.
        let variable = over.as_ref().map_or("_s_".to_string(), |(name, ..)| name.clone());
        let mut around = language.coordinates.clone();
        if around.contains(&variable) {
            let reason =
                format!("the integral runs over the coordinate `{variable}`; give its variable a name of its own");
            return Err(PinnError::setting(key, reason));
        }
        around.push(variable);
        let places: Vec<ExprId> = remote.iter().flat_map(|(_, elsewhere)| elsewhere.arguments.clone()).collect();
        let places = Program::compile(graph, &places, &around).map_err(refused)?;
        let moving: Vec<String> =
            here.iter().map(jet_symbol).chain(remote.iter().map(|(name, _)| name.clone())).collect();
        let mut outputs = vec![body];
        for name in &moving {
            let slope = graph.derivative(body, name);
            outputs.push(graph.simplify(slope));
        }
        let mut inputs = around.clone();
        inputs.extend(language.constants.iter().cloned());
        inputs.extend(moving);
        let body = Program::compile(graph, &outputs, &inputs).map_err(refused)?;
        let mut outside = language.coordinates.clone();
        outside.extend(language.constants.iter().cloned());
        let bounds = over.map(|(_, a, b)| Program::compile(graph, &[a, b], &outside)).transpose().map_err(refused)?;
        let there = remote.into_iter().map(|(_, elsewhere)| elsewhere.jet).collect();
        Ok(Self { bounds, here, there, places, body })
    }

    /// Is the body affine in its jets? Its slopes then depend on none.
    fn is_linear(&self, _reading: &Reading, language: &Language) -> bool {
        // Two evaluations at different jets tell: slopes of an affine body are the same bits.
        let around = language.coordinates.len() + 1 + language.constants.len();
        let jets = self.here.len() + self.there.len();
        let eval = |shift: f64| {
            let mut inputs: Vec<f64> = (0..around).map(|i| 0.3 + 0.1 * i as f64).collect();
            inputs.extend((0..jets).map(|i| 0.37 + shift * (i as f64 + 1.0)));
            let mut outputs = vec![0.0; jets + 1];
            self.body.eval(&inputs, &mut outputs, &mut self.body.registers());
            outputs.split_off(1)
        };
        let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        bits(eval(0.0)) == bits(eval(0.71))
    }
}

fn symbols_of(graph: &Graph, id: ExprId) -> Vec<String> {
    graph.symbols(id).into_iter().map(|symbol| graph.name(symbol).to_string()).collect()
}

/// The jet that a symbol stands for: the reverse of [`jet_symbol`].
fn jet_of(symbol: &str) -> Option<Jet> {
    let (unknown, orders) = symbol.strip_prefix('u')?.strip_suffix(']')?.split_once('[')?;
    let order = orders.split(',').map(|order| order.parse().ok()).collect::<Option<Vec<u8>>>()?;
    Some(Jet { unknown: unknown.parse().ok()?, order })
}
