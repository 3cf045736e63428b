//! Colours for the columns of a sparse Jacobian: columns without a common row share a colour, and all columns of a colour
//! are found by one directional derivative (Curtis–Powell–Reid 1974).

use vecfield_traits::Sparsity;

/// A colour for each column of a matrix, such that no two places of a row have columns of one colour.
///
/// ```
/// use vecfield_autodiff::Colouring;
/// use vecfield_traits::Sparsity;
///
/// // A tridiagonal matrix of any size needs three directional derivatives.
/// let rows = (0..100_usize).map(|i| (i.saturating_sub(1)..(i + 2).min(100)).collect());
/// assert_eq!(Colouring::new(&Sparsity::from_rows(rows)).count(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colouring {
    colours: Vec<u32>,
    count: usize,
}

impl Colouring {
    /// Colours the columns greedily, in their own order and smallest-last (Matula–Beck 1983; Coleman–Moré 1983), and keeps
    /// what needs fewer colours. The second order is optimal for bands; no order can do better than the fullest row.
    pub fn new(pattern: &Sparsity) -> Colouring {
        let neighbours = Neighbours::new(pattern);
        let fewest = (0..pattern.n()).map(|i| pattern.row(i).len()).max().unwrap_or(0);
        let natural = greedy(&neighbours, 0..pattern.n());
        if natural.count <= fewest {
            return natural;
        }
        let other = greedy(&neighbours, smallest_last(&neighbours));
        if other.count < natural.count { other } else { natural }
    }

    /// How many colours there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The colour of column `j`, below [`count`](Colouring::count).
    ///
    /// # Panics
    ///
    /// If there is no column `j`.
    pub fn colour(&self, j: usize) -> usize {
        self.colours[j] as usize
    }
}

/// The columns that share a row with a column; not stored, since there can be far more of them than places.
struct Neighbours<'a> {
    rows: &'a Sparsity,
    /// The rows of column `j` are `by_column[starts[j]..starts[j + 1]]`.
    starts: Vec<usize>,
    by_column: Vec<usize>,
}

impl<'a> Neighbours<'a> {
    fn new(rows: &'a Sparsity) -> Self {
        let mut starts = vec![0; rows.n() + 1];
        for (_, j) in rows.places() {
            starts[j + 1] += 1;
        }
        for j in 0..rows.n() {
            starts[j + 1] += starts[j];
        }
        let (mut next, mut by_column) = (starts.clone(), vec![0; rows.len()]);
        for (i, j) in rows.places() {
            by_column[next[j]] = i;
            next[j] += 1;
        }
        Neighbours { rows, starts, by_column }
    }

    fn n(&self) -> usize {
        self.rows.n()
    }

    /// The columns that share a row with `j`: itself too, and some more than once.
    fn of(&self, j: usize) -> impl Iterator<Item = usize> + '_ {
        let rows = &self.by_column[self.starts[j]..self.starts[j + 1]];
        rows.iter().flat_map(|&i| self.rows.row(i).iter().copied())
    }
}

fn greedy(neighbours: &Neighbours<'_>, order: impl IntoIterator<Item = usize>) -> Colouring {
    const NONE: u32 = u32::MAX;
    let n = neighbours.n();
    let (mut colours, mut count) = (vec![NONE; n], 0);
    // `taken[c] == j` says that a neighbour of column `j` has the colour `c`.
    let mut taken = vec![usize::MAX; n];
    for j in order {
        for k in neighbours.of(j) {
            if let Some(mark) = taken.get_mut(colours[k] as usize) {
                *mark = j;
            }
        }
        let colour = (0..n).find(|&c| taken[c] != j).expect("a column has fewer neighbours than there are colours");
        colours[j] = colour as u32;
        count = count.max(colour + 1);
    }
    Colouring { colours, count }
}

/// The columns such that each has the fewest neighbours among those up to it: found from the end.
fn smallest_last(neighbours: &Neighbours<'_>) -> Vec<usize> {
    let n = neighbours.n();
    let mut seen = vec![usize::MAX; n];
    let mut degrees = vec![0; n];
    for j in 0..n {
        for k in neighbours.of(j) {
            if k != j && seen[k] != j {
                seen[k] = j;
                degrees[j] += 1;
            }
        }
    }
    // Columns by degree; an entry whose degree has changed since is passed over when it is met.
    let mut buckets: Vec<Vec<usize>> = vec![Vec::new(); n];
    for j in (0..n).rev() {
        buckets[degrees[j]].push(j);
    }
    let (mut order, mut placed, mut smallest) = (Vec::with_capacity(n), vec![false; n], 0);
    seen.fill(usize::MAX);
    while order.len() < n {
        let Some(j) = buckets[smallest].pop() else {
            smallest += 1;
            continue;
        };
        if placed[j] || degrees[j] != smallest {
            continue;
        }
        placed[j] = true;
        order.push(j);
        for k in neighbours.of(j) {
            if !placed[k] && seen[k] != j {
                seen[k] = j;
                degrees[k] -= 1;
                buckets[degrees[k]].push(k);
            }
        }
        smallest = smallest.saturating_sub(1);
    }
    order.reverse();
    order
}
