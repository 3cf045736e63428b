//! Symbolic Jacobians: the slopes that are not zero by structure, compiled, and the places where they belong.

use vecfield_traits::{Elementary, Real, Sparsity};

use crate::error::CompileError;
use crate::graph::{ExprId, Graph, SymbolId};
use crate::jacobian::SPARSE_FROM;
use crate::program::{Program, Registers};

/// The slopes of formulas, row by row and by ascending column; column `n` is that in time.
pub(crate) struct Rows {
    columns: Vec<Vec<usize>>,
    slopes: Vec<ExprId>,
}

impl Rows {
    /// Of as many formulas as there are states; `inputs` are time, states, parameters. The graph grows by the slopes.
    pub(crate) fn of(graph: &mut Graph, formulas: &[ExprId], inputs: &[&str]) -> Rows {
        let n = formulas.len();
        let (mut slopes, mut rows) = (Vec::new(), Vec::with_capacity(n));
        let mut columns: Vec<(SymbolId, usize)> = Vec::with_capacity(n + 1);
        let hidden = inputs[0] != "t";
        let names = inputs[1..=n].iter().chain(&inputs[..1]).enumerate().filter(|(j, _)| *j < n || !hidden);
        columns.extend(names.filter_map(|(j, name)| Some((graph.find_symbol(name)?, j))));
        columns.sort_unstable();
        for &formula in formulas {
            let mut row = Vec::new();
            for symbol in graph.symbols(formula) {
                if let Ok(at) = columns.binary_search_by_key(&symbol, |column| column.0) {
                    row.push(columns[at].1);
                }
            }
            row.sort_unstable();
            row.retain(|&j| {
                let slope = graph.derivative(formula, if j == n { inputs[0] } else { inputs[j + 1] });
                let slope = graph.simplify(slope);
                let moves = graph.constant_value(slope) != Some(0.0);
                if moves {
                    slopes.push(slope);
                }
                moves
            });
            rows.push(row);
        }
        Rows { columns: rows, slopes }
    }

    /// The columns of row `i` in the Jacobian.
    fn states(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        self.columns[i].iter().copied().filter(|&j| j < self.columns.len())
    }
}

/// How a Jacobian of `n` states is handed out: its entries, then the slopes in time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    n: usize,
    entries: usize,
    sparsity: Option<Sparsity>,
}

impl Layout {
    /// With a place for everything in any of the parts.
    pub(crate) fn holding(n: usize, parts: &[&Rows]) -> Layout {
        let row = |i: usize| {
            let mut row: Vec<usize> = parts.iter().flat_map(|part| part.states(i)).collect();
            row.sort_unstable();
            row.dedup();
            row
        };
        let rows: Vec<Vec<usize>> = (0..n).map(row).collect();
        let count = rows.iter().map(Vec::len).sum();
        let sparse = n >= SPARSE_FROM && 2 * count <= n * n;
        let entries = if sparse { count } else { n * n };
        Layout { n, entries, sparsity: sparse.then(|| Sparsity::from_rows(rows)) }
    }

    pub(crate) fn sparsity(&self) -> Option<&Sparsity> {
        self.sparsity.as_ref()
    }

    /// Where row `i`, column `j` is handed out; the layout holds it.
    fn place(&self, i: usize, j: usize) -> usize {
        match &self.sparsity {
            _ if j == self.n => self.entries + i,
            None => i * self.n + j,
            Some(pattern) => pattern.range(i).start + pattern.row(i).partition_point(|&column| column < j),
        }
    }
}

/// The slopes of one set of formulas, compiled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Slopes {
    program: Program,
    /// Where each slope belongs in the entries of the Jacobian followed by the slopes in time.
    places: Vec<usize>,
    /// Does every entry have a slope?
    full: bool,
}

impl Slopes {
    pub(crate) fn compile(
        graph: &Graph,
        rows: &Rows,
        layout: &Layout,
        inputs: &[&str],
    ) -> Result<Slopes, CompileError> {
        let program = Program::compile(graph, &rows.slopes, inputs)?;
        let places = rows.columns.iter().enumerate().flat_map(|(i, row)| row.iter().map(move |&j| layout.place(i, j)));
        let places: Vec<usize> = places.collect();
        let full = places.iter().filter(|&&place| place < layout.entries).count() == layout.entries;
        Ok(Slopes { program, places, full })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn registers<S: Elementary>(&self) -> SlopeRegisters<S> {
        SlopeRegisters { program: self.program.registers(), values: vec![S::zero(); self.places.len()] }
    }

    /// Writes the entries and the slopes in time, at `inputs` in parts.
    pub(crate) fn write<R: Real, const P: usize>(
        &self,
        layout: &Layout,
        inputs: [&[R]; P],
        (jac, time): (&mut [R], &mut [R]),
        work: &mut SlopeRegisters<R>,
    ) {
        assert_eq!((jac.len(), time.len()), (layout.entries, layout.n), "an entry a place and a slope per state");
        self.program.eval_parts(inputs, &mut work.values, &mut work.program);
        if !self.full {
            jac.fill(R::zero());
        }
        time.fill(R::zero());
        for (&place, &value) in self.places.iter().zip(&work.values) {
            match place.checked_sub(layout.entries) {
                None => jac[place] = value,
                Some(i) => time[i] = value,
            }
        }
    }
}

/// The memory of [`Slopes`].
#[derive(Debug, Clone)]
pub(crate) struct SlopeRegisters<S> {
    program: Registers<S>,
    values: Vec<S>,
}
