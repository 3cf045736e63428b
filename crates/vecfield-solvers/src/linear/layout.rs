//! Where the entries of `σM - J` are stored, and what that was chosen by.

use vecfield_linalg::{Element, LinalgError, SparseLu, reverse_cuthill_mckee};
use vecfield_traits::{Mass, Real, Sparsity};

use super::LinearSolver;

/// Components up to which no other structure than a dense matrix is considered.
const SMALL: usize = 8;

/// How `σM - J` is stored, and where each entry goes.
#[derive(Debug)]
pub(super) struct Layout<R> {
    pub(super) n: usize,
    pub(super) storage: Storage<R>,
    /// The place in the storage of each entry of the Jacobian; none for a dense Jacobian stored dense, which has them in
    /// order.
    jacobian: Option<Vec<usize>>,
    /// Of each entry of the mass matrix; of the diagonal for the identity.
    mass: Vec<usize>,
}

/// The structure of the matrix.
#[derive(Debug)]
pub(super) enum Storage<R> {
    Dense,
    Banded {
        lower: usize,
        upper: usize,
        /// `order[k]` is the unknown that comes `k`-th; none for their own order.
        order: Option<Vec<usize>>,
    },
    /// By the places of `σM - J`, with the plan of the elimination; an error if every such matrix is singular.
    Sparse(Sparsity, Result<Box<SparseLu<R>>, LinalgError>),
    /// The same places, for products alone.
    Products(Sparsity),
}

impl<R: Real> Layout<R> {
    pub(super) fn new(
        n: usize,
        jacobian: Option<&Sparsity>,
        mass: Option<&Sparsity>,
        wish: &LinearSolver<R>,
    ) -> Layout<R> {
        let union = union(n, jacobian, mass, wish);
        let storage = match union {
            None => Storage::Dense,
            Some(pattern) => Storage::suited(pattern, wish),
        };
        let place = Places::new(n, &storage);
        let identity = Sparsity::diagonal(n);
        let mass = mass.unwrap_or(&identity).places().map(|(i, j)| place.of(i, j)).collect();
        let jacobian = match (jacobian, &storage) {
            (None, Storage::Dense) => None,
            (None, _) => Some((0..n * n).map(|at| place.of(at / n, at % n)).collect()),
            (Some(pattern), _) => Some(pattern.places().map(|(i, j)| place.of(i, j)).collect()),
        };
        Layout { n, storage, jacobian, mass }
    }

    /// Writes `σM - J` into the storage.
    pub(super) fn assemble<T: Element<Real = R>>(
        &self,
        sigma: T,
        jacobian: &[R],
        mass: Option<&Mass<R>>,
        into: &mut [T],
    ) {
        match &self.jacobian {
            None => into.iter_mut().zip(jacobian).for_each(|(entry, &j)| *entry = -T::lift(j)),
            Some(places) => {
                into.fill(T::nought());
                places.iter().zip(jacobian).for_each(|(&place, &j)| into[place] = -T::lift(j));
            }
        }
        match mass {
            None => self.mass.iter().for_each(|&place| into[place] += sigma),
            Some(mass) => {
                self.mass.iter().zip(mass.entries()).for_each(|(&place, &m)| into[place] += sigma * T::lift(m));
            }
        }
    }
}

impl<R> Layout<R> {
    /// The same error in the unknowns' own order.
    pub(super) fn own_order(&self, error: LinalgError) -> LinalgError {
        let Storage::Banded { order: Some(order), .. } = &self.storage else { return error };
        match error {
            LinalgError::Singular { column } => LinalgError::Singular { column: order[column] },
            LinalgError::NotFinite { row, column } => LinalgError::NotFinite { row: order[row], column: order[column] },
            other => other,
        }
    }
}

/// The places of `σM - J`; `None` where a dense matrix is wanted, or nothing else can be.
fn union<R>(
    n: usize,
    jacobian: Option<&Sparsity>,
    mass: Option<&Sparsity>,
    wish: &LinearSolver<R>,
) -> Option<Sparsity> {
    match (wish, jacobian) {
        (LinearSolver::Dense, _) | (LinearSolver::Auto, None) => return None,
        (LinearSolver::Auto, Some(_)) if n <= SMALL => return None,
        _ => {}
    }
    let row = |i: usize| {
        let mut row = jacobian.map_or_else(|| (0..n).collect(), |pattern| pattern.row(i).to_vec());
        match mass {
            None => row.push(i),
            Some(mass) => row.extend_from_slice(mass.row(i)),
        }
        if matches!(wish, LinearSolver::Gmres(_)) {
            row.push(i); // an incomplete factorisation wants a diagonal, be it of zeros
        }
        row
    };
    Some(Sparsity::from_rows((0..n).map(row)))
}

impl<R: Real> Storage<R> {
    fn suited(pattern: Sparsity, wish: &LinearSolver<R>) -> Storage<R> {
        match wish {
            LinearSolver::Dense => Storage::Dense,
            LinearSolver::Banded => Storage::band(&pattern),
            LinearSolver::Gmres(_) => Storage::Products(pattern),
            LinearSolver::Sparse => Storage::sparse(pattern),
            LinearSolver::Auto => Storage::cheapest(pattern),
        }
    }

    fn sparse(pattern: Sparsity) -> Storage<R> {
        let plan = SparseLu::new(&pattern).map(Box::new);
        Storage::Sparse(pattern, plan)
    }

    fn band(pattern: &Sparsity) -> Storage<R> {
        let own = pattern.bandwidths();
        let order = reverse_cuthill_mckee(pattern);
        let mut place = vec![0; pattern.n()];
        order.iter().enumerate().for_each(|(k, &i)| place[i] = k);
        let moved = pattern.places().fold((0, 0), |(lower, upper): (usize, usize), (i, j)| {
            (lower.max(place[i].saturating_sub(place[j])), upper.max(place[j].saturating_sub(place[i])))
        });
        match band_work(moved) < band_work(own) {
            true => Storage::Banded { lower: moved.0, upper: moved.1, order: Some(order) },
            false => Storage::Banded { lower: own.0, upper: own.1, order: None },
        }
    }

    /// What takes least time.
    fn cheapest(pattern: Sparsity) -> Storage<R> {
        let n = pattern.n();
        let banded = Storage::band(&pattern);
        let Storage::Banded { lower, upper, .. } = banded else { return banded };
        let (dense, in_band) = (cost::dense(n), cost::banded(n, (lower, upper)));
        let other = |storage| if dense < in_band { Storage::Dense } else { storage };
        if dense.min(in_band) < cost::sparse(n, pattern.len(), 0) {
            return other(banded);
        }
        let entries = pattern.len();
        let sparse = Storage::sparse(pattern);
        match &sparse {
            Storage::Sparse(_, Ok(plan)) if cost::sparse(n, entries, plan.work()) >= dense.min(in_band) => {
                other(banded)
            }
            _ => sparse, // an error is worth keeping
        }
    }
}

/// What a factorisation of real numbers takes with four solutions, in nanoseconds of a machine of 2020, by measurement on
/// patterns from tridiagonal to full of 8 to 400 rows. With complex numbers everything takes 1.5 to 3 times as long.
mod cost {
    use super::band_work;

    pub(super) fn dense(n: usize) -> f64 {
        let n = n as f64;
        n * (n * n / 13.0 + 1.44 * n + 26.0)
    }

    pub(super) fn banded(n: usize, (lower, upper): (usize, usize)) -> f64 {
        n as f64 * (31.0 + band_work((lower, upper)) as f64 / 5.0 + 0.6 * (2 * lower + upper) as f64)
    }

    /// By the entries of the matrix and the multiplications of its elimination.
    pub(super) fn sparse(n: usize, entries: usize, work: u64) -> f64 {
        27.0 * n as f64 + 4.0 * entries as f64 + 0.65 * work as f64
    }
}

/// Multiplications for a row of a band.
fn band_work((lower, upper): (usize, usize)) -> u64 {
    (lower * (lower + upper + 1)) as u64
}

/// Where an entry is stored.
enum Places<'a> {
    Dense(usize),
    Banded { lower: usize, upper: usize, width: usize, place: Vec<usize> },
    Sparse(&'a Sparsity),
}

impl<'a> Places<'a> {
    fn new<R: Real>(n: usize, storage: &'a Storage<R>) -> Places<'a> {
        match storage {
            Storage::Dense => Places::Dense(n),
            Storage::Banded { lower, upper, order } => {
                let mut place: Vec<usize> = (0..n).collect();
                order.iter().flatten().enumerate().for_each(|(k, &i)| place[i] = k);
                Places::Banded { lower: *lower, upper: *upper, width: 2 * lower + upper + 1, place }
            }
            Storage::Sparse(pattern, _) | Storage::Products(pattern) => Places::Sparse(pattern),
        }
    }

    fn of(&self, i: usize, j: usize) -> usize {
        match self {
            Places::Dense(n) => i * n + j,
            Places::Banded { lower, upper, width, place } => {
                let (i, j) = (place[i], place[j]);
                debug_assert!(j + lower >= i && j <= i + upper, "the band holds every place");
                i * width + j + lower - i
            }
            Places::Sparse(pattern) => {
                let at = pattern.row(i).binary_search(&j).expect("the pattern is the union of both");
                pattern.range(i).start + at
            }
        }
    }
}
