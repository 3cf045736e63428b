//! What is known of a field before it is evaluated: which entries of its Jacobian may differ from zero, and the matrix
//! before `dy/dt`.

use crate::number::Real;

/// The places of a square matrix that may differ from zero, row by row (compressed sparse rows).
///
/// ```
/// use vecfield_traits::Sparsity;
///
/// // The second difference on four points.
/// let pattern = Sparsity::from_rows([vec![0, 1], vec![0, 1, 2], vec![1, 2, 3], vec![2, 3]]);
/// assert_eq!((pattern.n(), pattern.len()), (4, 10));
/// assert_eq!(pattern.row(1), [0, 1, 2]);
/// assert_eq!(pattern.bandwidths(), (1, 1));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sparsity {
    /// The places of row `i` are `columns[starts[i]..starts[i + 1]]`.
    starts: Vec<usize>,
    columns: Vec<usize>,
}

impl Sparsity {
    /// The pattern with these columns in each row, in any order; a column named twice counts once.
    ///
    /// # Panics
    ///
    /// If a column is not below the number of rows.
    pub fn from_rows(rows: impl IntoIterator<Item = Vec<usize>>) -> Sparsity {
        let (mut starts, mut columns) = (vec![0], Vec::new());
        for mut row in rows {
            row.sort_unstable();
            row.dedup();
            columns.append(&mut row);
            starts.push(columns.len());
        }
        let n = starts.len() - 1;
        assert!(columns.iter().all(|&column| column < n), "a square matrix of {n} rows has no column beyond");
        Sparsity { starts, columns }
    }

    /// The diagonal of an `n × n` matrix.
    pub fn diagonal(n: usize) -> Sparsity {
        Sparsity { starts: (0..=n).collect(), columns: (0..n).collect() }
    }

    /// The number of rows, and of columns.
    pub fn n(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of places.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Is there no place at all?
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The columns of row `i`, ascending.
    ///
    /// # Panics
    ///
    /// If there is no row `i`.
    pub fn row(&self, i: usize) -> &[usize] {
        &self.columns[self.range(i)]
    }

    /// Where the entries of row `i` sit among all entries.
    ///
    /// # Panics
    ///
    /// If there is no row `i`.
    pub fn range(&self, i: usize) -> core::ops::Range<usize> {
        self.starts[i]..self.starts[i + 1]
    }

    /// Every place as `(row, column)`, in the order of the entries.
    pub fn places(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.n()).flat_map(|i| self.row(i).iter().map(move |&j| (i, j)))
    }

    /// How far the places reach below and above the diagonal.
    pub fn bandwidths(&self) -> (usize, usize) {
        self.places()
            .fold((0, 0), |(lower, upper), (i, j)| (lower.max(i.saturating_sub(j)), upper.max(j.saturating_sub(i))))
    }
}

/// The constant matrix `M` of `M dy/dt = f(t, y)`; singular for differential-algebraic equations.
#[derive(Debug, Clone, PartialEq)]
pub struct Mass<R> {
    sparsity: Sparsity,
    entries: Vec<R>,
}

impl<R: Real> Mass<R> {
    /// The matrix with these entries at the places of the pattern, row by row.
    ///
    /// # Panics
    ///
    /// If there is not one entry a place.
    pub fn new(sparsity: Sparsity, entries: Vec<R>) -> Mass<R> {
        assert_eq!(sparsity.len(), entries.len(), "one entry a place");
        Mass { sparsity, entries }
    }

    /// A diagonal matrix: a zero makes its row an algebraic equation `0 = f_i(t, y)`.
    pub fn diagonal(entries: Vec<R>) -> Mass<R> {
        Mass { sparsity: Sparsity::diagonal(entries.len()), entries }
    }

    /// Its pattern.
    pub fn sparsity(&self) -> &Sparsity {
        &self.sparsity
    }

    /// Its entries, row by row.
    pub fn entries(&self) -> &[R] {
        &self.entries
    }

    /// `out = M x`.
    ///
    /// # Panics
    ///
    /// If a slice does not fit.
    pub fn apply(&self, x: &[R], out: &mut [R]) {
        for (i, out) in out.iter_mut().enumerate() {
            let entries = &self.entries[self.sparsity.range(i)];
            let products = self.sparsity.row(i).iter().zip(entries).map(|(&j, entry)| *entry * x[j]);
            *out = products.fold(R::zero(), |sum, product| sum + product);
        }
    }
}

/// The two halves of a separable Hamiltonian: the rates of the positions depend on the momenta (and time) alone, those of
/// the momenta on the positions (and time) alone.
///
/// ```
/// use vecfield_traits::Partition;
///
/// // The state x, v, y, w of a particle in the plane.
/// let partition = Partition::with_positions(4, [0, 2]);
/// assert_eq!((partition.positions(), partition.momenta()), (&[0, 2][..], &[1, 3][..]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    positions: Vec<usize>,
    momenta: Vec<usize>,
}

/// Which half of a [`Partition`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// The positions.
    Positions,
    /// The momenta, or velocities.
    Momenta,
}

impl Partition {
    /// The partition of `n` components with these positions; all others are momenta.
    ///
    /// # Panics
    ///
    /// If a position is not below `n`.
    pub fn with_positions(n: usize, positions: impl IntoIterator<Item = usize>) -> Partition {
        let mut is_position = vec![false; n];
        for i in positions {
            assert!(i < n, "{n} components have no position {i}");
            is_position[i] = true;
        }
        let (positions, momenta) = (0..n).partition(|&i| is_position[i]);
        Partition { positions, momenta }
    }

    /// The components that are positions, ascending.
    pub fn positions(&self) -> &[usize] {
        &self.positions
    }

    /// The components that are momenta, or velocities, ascending.
    pub fn momenta(&self) -> &[usize] {
        &self.momenta
    }

    /// The components of one half, ascending.
    pub fn half(&self, half: Half) -> &[usize] {
        match half {
            Half::Positions => &self.positions,
            Half::Momenta => &self.momenta,
        }
    }

    /// The number of components.
    pub fn n(&self) -> usize {
        self.positions.len() + self.momenta.len()
    }
}
