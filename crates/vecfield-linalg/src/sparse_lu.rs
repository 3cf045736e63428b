//! `P A Q = L U` for sparse `A`, column by column (Gilbert–Peierls 1988).
//!
//! `Q` keeps the factors sparse and depends on the pattern alone; `P` is found with the first matrix, the diagonal preferred
//! wherever it is not small. Later matrices of the pattern keep both, and with them the places of the factors, as long as no
//! pivot has become small against the entries below it; only then is `P` sought anew.

use std::sync::Arc;

use crate::ordering::{Elimination, minimum_degree, zero_free_diagonal};
use crate::{Element, LinalgError};
use vecfield_traits::{Real, Scalar, Sparsity};

/// A diagonal entry is taken as pivot if it is at least this part of the largest entry in its column.
const PREFERRED: f64 = 0.01;
/// A pivot is kept for the next matrix while it is at least this part of the largest entry in its column.
const KEPT: f64 = 1e-3;

const UNSEEN: u32 = u32::MAX;

/// An LU factorisation of a sparse matrix, refilled in place.
///
/// ```
/// use vecfield_linalg::SparseLu;
/// use vecfield_traits::Sparsity;
///
/// // An arrow: [4 1 1; 1 2 .; 1 . 2] (2, 1, 0) = (9, 4, 2).
/// let pattern = Sparsity::from_rows([vec![0, 1, 2], vec![0, 1], vec![0, 2]]);
/// let mut lu = SparseLu::new(&pattern)?;
/// lu.factorize(&[4.0, 1.0, 1.0, 1.0, 2.0, 1.0, 2.0])?;
/// let mut x = [9.0, 4.0, 2.0];
/// lu.solve(&mut x);
/// assert!((x[0] - 2.0_f64).abs() < 1e-14 && (x[1] - 1.0).abs() < 1e-14);
/// assert_eq!(lu.fill(), 7); // nothing new beside the entries of the matrix
/// # Ok::<(), vecfield_linalg::LinalgError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SparseLu<T> {
    plan: Arc<Plan>,
    /// Is there a `P`, with the places of the factors?
    pivoted: bool,
    /// `row_of[k]`: the row of `A` that step `k` takes as pivot; and its inverse.
    row_of: Vec<u32>,
    step_of: Vec<u32>,
    /// Below the diagonal of `L`, in steps.
    lower: Columns<T>,
    /// Above the diagonal of `U`, in steps, ascending.
    upper: Columns<T>,
    /// The reciprocals of the diagonal of `U`: divisions are what small systems spend their time on.
    inverses: Vec<T>,
    /// A column being worked on: by step, or by row while `P` is sought; zero between columns.
    column: Vec<T>,
    search: Search,
}

/// What depends on the pattern alone; shared by the factorisations of one field.
#[derive(Debug)]
struct Plan {
    /// `column_of[k]`: the column of `A` that step `k` eliminates, and the row preferred as pivot.
    column_of: Vec<u32>,
    preferred: Vec<u32>,
    /// The entries of step `k`'s column are `starts[k]..starts[k + 1]` of `rows`, and `entries` their numbers in the pattern.
    starts: Vec<usize>,
    rows: Vec<u32>,
    entries: Vec<u32>,
    work: u64,
}

/// A triangular matrix by columns.
#[derive(Debug, Clone)]
struct Columns<T> {
    starts: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<T>,
}

/// Memory of the search for the rows that a column reaches.
#[derive(Debug, Clone)]
struct Search {
    /// The last column that reached each row.
    reached: Vec<u32>,
    /// Steps reached by the column, ascending in the end.
    steps: Vec<u32>,
    /// Rows reached that are no pivot yet.
    rows: Vec<u32>,
    stack: Vec<u32>,
}

impl Plan {
    fn new(pattern: &Sparsity) -> Result<Plan, LinalgError> {
        let n = pattern.n();
        let row_for = zero_free_diagonal(pattern)?;
        // With row row_for[j] moved to place j the diagonal is free of zeros; the order is that of the matrix so permuted.
        let mut place_of = vec![0; n];
        row_for.iter().enumerate().for_each(|(j, &row)| place_of[row] = j);
        let mut moved = vec![Vec::new(); n];
        (0..n).for_each(|i| moved[place_of[i]] = pattern.row(i).to_vec());
        let Elimination { order, work } = minimum_degree(&Sparsity::from_rows(moved));
        let mut columns = vec![Vec::new(); n];
        for (entry, (i, j)) in pattern.places().enumerate() {
            columns[j].push((i as u32, entry as u32));
        }
        let (mut starts, mut rows, mut entries) = (vec![0], Vec::new(), Vec::new());
        for &j in &order {
            rows.extend(columns[j].iter().map(|place| place.0));
            entries.extend(columns[j].iter().map(|place| place.1));
            starts.push(rows.len());
        }
        let column_of = order.iter().map(|&j| j as u32).collect();
        let preferred = order.iter().map(|&j| row_for[j] as u32).collect();
        Ok(Plan { column_of, preferred, starts, rows, entries, work })
    }

    fn n(&self) -> usize {
        self.column_of.len()
    }

    /// The row of `A` and the number of each entry in the column of step `k`.
    fn column(&self, k: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let range = self.starts[k]..self.starts[k + 1];
        self.rows[range.clone()].iter().zip(&self.entries[range]).map(|(&row, &entry)| (row as usize, entry as usize))
    }
}

impl<T: Element> SparseLu<T> {
    /// Plans the elimination of matrices with this pattern.
    ///
    /// # Errors
    ///
    /// [`LinalgError::Singular`] if every matrix of this pattern is.
    pub fn new(pattern: &Sparsity) -> Result<Self, LinalgError> {
        Ok(Self::from_plan(Arc::new(Plan::new(pattern)?)))
    }

    /// An empty factorisation over other numbers that shares the plan of this one.
    pub fn like<U: Element>(&self) -> SparseLu<U> {
        SparseLu::from_plan(Arc::clone(&self.plan))
    }

    fn from_plan(plan: Arc<Plan>) -> Self {
        let n = plan.n();
        let search = Search { reached: vec![UNSEEN; n], steps: Vec::new(), rows: Vec::new(), stack: Vec::new() };
        SparseLu {
            plan,
            pivoted: false,
            row_of: vec![0; n],
            step_of: vec![UNSEEN; n],
            lower: Columns::empty(),
            upper: Columns::empty(),
            inverses: vec![T::unit(); n],
            column: vec![T::nought(); n],
            search,
        }
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.plan.n()
    }

    /// About how many multiplications a factorisation takes.
    pub fn work(&self) -> u64 {
        self.plan.work
    }

    /// The number of non-zeros in both factors, the diagonal counted once; only the diagonal before the first matrix.
    pub fn fill(&self) -> usize {
        self.n() + self.lower.rows.len() + self.upper.rows.len()
    }

    /// Factorises the matrix with these entries at the places of the pattern, row by row. Allocates for the first matrix,
    /// and where new pivots bring more non-zeros than there ever were.
    ///
    /// # Errors
    ///
    /// [`LinalgError::Singular`] when a column has no non-zero pivot, [`LinalgError::NotFinite`] when elimination meets NaN or
    /// infinity. The factorisation must not be used after an error.
    ///
    /// # Panics
    ///
    /// If there is not one entry a place.
    pub fn factorize(&mut self, entries: &[T]) -> Result<(), LinalgError> {
        assert_eq!(entries.len(), self.plan.entries.len(), "one entry a place");
        if self.pivoted && self.refill(entries) {
            return Ok(());
        }
        self.pivoted = false;
        self.seek_pivots(entries)?;
        self.pivoted = true;
        Ok(())
    }

    /// Eliminates with the pivots there are; false if one has become too small.
    fn refill(&mut self, entries: &[T]) -> bool {
        let kept = T::Real::from_f64(KEPT);
        let SparseLu { plan, step_of, lower, upper, inverses, column, .. } = self;
        for k in 0..plan.n() {
            for (row, entry) in plan.column(k) {
                column[step_of[row] as usize] = entries[entry];
            }
            for at in upper.range(k) {
                let j = upper.rows[at] as usize;
                let x = core::mem::replace(&mut column[j], T::nought());
                upper.values[at] = x;
                lower.subtract(j, x, column);
            }
            let pivot = core::mem::replace(&mut column[k], T::nought());
            let inverse = T::unit() / pivot;
            let mut largest = T::Real::zero();
            let range = lower.range(k);
            for (&row, value) in lower.rows[range.clone()].iter().zip(&mut lower.values[range]) {
                let x = core::mem::replace(&mut column[row as usize], T::nought());
                let size = x.size();
                if size > largest || size.is_nan() {
                    largest = size;
                }
                *value = x * inverse;
            }
            inverses[k] = inverse;
            let size = pivot.size();
            // A pivot may be so small that its reciprocal overflows.
            if !(size >= kept * largest && size.is_finite() && inverse.size().is_finite()) {
                column.fill(T::nought());
                return false;
            }
        }
        true
    }

    /// Eliminates, choosing the pivots and with them the places of the factors.
    fn seek_pivots(&mut self, entries: &[T]) -> Result<(), LinalgError> {
        self.lower.clear();
        self.upper.clear();
        self.step_of.fill(UNSEEN);
        self.search.reached.fill(UNSEEN);
        let plan = Arc::clone(&self.plan);
        for k in 0..plan.n() {
            self.search.reach(k as u32, &plan, &self.step_of, &self.lower);
            for (row, entry) in plan.column(k) {
                self.column[row] = entries[entry];
            }
            for &j in &self.search.steps {
                let x = core::mem::replace(&mut self.column[self.row_of[j as usize] as usize], T::nought());
                self.upper.push(j, x);
                self.lower.subtract(j as usize, x, &mut self.column);
            }
            self.upper.close();
            match self.choose(k) {
                Ok(pivot) => self.take(k, pivot),
                Err(error) => {
                    self.column.fill(T::nought());
                    return Err(error);
                }
            }
        }
        // From rows of A to steps, now that all are known.
        for row in &mut self.lower.rows {
            *row = self.step_of[*row as usize];
        }
        Ok(())
    }

    /// The row of the pivot of step `k`.
    fn choose(&self, k: usize) -> Result<u32, LinalgError> {
        let (preferred, column) = (self.plan.preferred[k], self.plan.column_of[k] as usize);
        let (mut pivot, mut largest) = (None, T::Real::zero());
        for &row in &self.search.rows {
            let size = self.column[row as usize].size();
            if size.is_nan() || size == T::Real::INFINITY {
                return Err(LinalgError::NotFinite { row: row as usize, column });
            }
            if size > largest {
                (pivot, largest) = (Some(row), size);
            }
        }
        if !(T::unit() / T::lift(largest)).size().is_finite() {
            return Err(LinalgError::Singular { column }); // nothing there, or so little that its reciprocal overflows
        }
        // A row that is a pivot already is not reached, and holds zero.
        let free = self.step_of[preferred as usize] == UNSEEN;
        if free {
            let size = self.column[preferred as usize].size();
            if size >= T::Real::from_f64(PREFERRED) * largest {
                return Ok(preferred);
            }
        }
        pivot.ok_or(LinalgError::Singular { column })
    }

    fn take(&mut self, k: usize, pivot: u32) {
        let x = core::mem::replace(&mut self.column[pivot as usize], T::nought());
        let inverse = T::unit() / x;
        self.inverses[k] = inverse;
        self.row_of[k] = pivot;
        self.step_of[pivot as usize] = k as u32;
        for &row in &self.search.rows {
            if row != pivot {
                let below = core::mem::replace(&mut self.column[row as usize], T::nought());
                self.lower.push(row, below * inverse);
            }
        }
        self.lower.close();
    }

    /// Replaces `b` (`[n]`) by `A⁻¹ b`. Mutable for its scratch memory.
    pub fn solve(&mut self, b: &mut [T]) {
        let n = self.n();
        assert_eq!(b.len(), n, "one right-hand side entry per row");
        let x = &mut self.column;
        for (x, &row) in x.iter_mut().zip(&self.row_of) {
            *x = b[row as usize];
        }
        for k in 0..n {
            self.lower.subtract(k, x[k], x);
        }
        for k in (0..n).rev() {
            let solved = x[k] * self.inverses[k];
            b[self.plan.column_of[k] as usize] = solved;
            x[k] = T::nought();
            self.upper.subtract(k, solved, x);
        }
    }

    /// Replaces `b` (`[n]`) by `A⁻ᵀ b` (the plain transpose, not the conjugate). Mutable for its scratch memory.
    pub fn solve_transpose(&mut self, b: &mut [T]) {
        let n = self.n();
        assert_eq!(b.len(), n, "one right-hand side entry per row");
        let x = &mut self.column;
        for k in 0..n {
            x[k] = (b[self.plan.column_of[k] as usize] - self.upper.product(k, x)) * self.inverses[k];
        }
        for k in (0..n).rev() {
            x[k] = x[k] - self.lower.product(k, x);
            b[self.row_of[k] as usize] = x[k];
        }
        x.fill(T::nought());
    }
}

impl<T: Element> Columns<T> {
    fn empty() -> Self {
        Columns { starts: vec![0], rows: Vec::new(), values: Vec::new() }
    }

    fn clear(&mut self) {
        self.starts.truncate(1);
        self.rows.clear();
        self.values.clear();
    }

    fn push(&mut self, row: u32, value: T) {
        self.rows.push(row);
        self.values.push(value);
    }

    /// Ends a column.
    fn close(&mut self) {
        self.starts.push(self.rows.len());
    }

    #[inline(always)]
    fn range(&self, k: usize) -> core::ops::Range<usize> {
        self.starts[k]..self.starts[k + 1]
    }

    /// `to -= x` times column `k`.
    #[inline(always)]
    fn subtract(&self, k: usize, x: T, to: &mut [T]) {
        let range = self.range(k);
        for (&row, &value) in self.rows[range.clone()].iter().zip(&self.values[range]) {
            to[row as usize] -= value * x;
        }
    }

    /// The product of column `k` and `x`.
    #[inline(always)]
    fn product(&self, k: usize, x: &[T]) -> T {
        let range = self.range(k);
        let mut sum = T::nought();
        for (&row, &value) in self.rows[range.clone()].iter().zip(&self.values[range]) {
            sum += value * x[row as usize];
        }
        sum
    }
}

impl Search {
    /// Finds the steps and the rows where the column of step `k` is non-zero once the steps before have been subtracted.
    fn reach<T: Element>(&mut self, k: u32, plan: &Plan, step_of: &[u32], lower: &Columns<T>) {
        self.steps.clear();
        self.rows.clear();
        for (row, _) in plan.column(k as usize) {
            self.visit(row as u32, k, step_of);
            while let Some(step) = self.stack.pop() {
                for at in lower.range(step as usize) {
                    self.visit(lower.rows[at], k, step_of);
                }
            }
        }
        // Steps depend on earlier ones only, so ascending is an order to subtract them in.
        self.steps.sort_unstable();
    }

    fn visit(&mut self, row: u32, k: u32, step_of: &[u32]) {
        if core::mem::replace(&mut self.reached[row as usize], k) == k {
            return;
        }
        match step_of[row as usize] {
            UNSEEN => self.rows.push(row),
            step => {
                self.steps.push(step);
                self.stack.push(step);
            }
        }
    }
}
