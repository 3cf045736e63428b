//! The best supports of every size, by branch and bound over features left out (Furnival–Wilson 1974).
//!
//! A node is a set `A` of features of which `K ⊆ A` stay; its subtree holds every `S` with `K ⊆ S ⊆ A`. Leaving features out only
//! raises the residual, so `RSS(A)` bounds the subtree from below. Leaving out `j` costs `θⱼ² / (G_AA⁻¹)ⱼⱼ`; the costliest comes
//! first, so that the largest subtrees have the worst bounds.

use crate::SindyError;
use crate::regression::GramSystem;
use vecfield_linalg::Cholesky;

/// A support and its residual sum of squares.
#[derive(Debug, Clone, PartialEq)]
pub struct Subset {
    /// Features, increasing.
    pub support: Vec<usize>,
    /// Their least-squares coefficients.
    pub coefficients: Vec<f64>,
    /// `‖Z θ - r‖²`.
    pub rss: f64,
}

/// What [`best_subsets`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Subsets {
    /// `by_size[k]`: the best supports of `k` features, best first.
    pub by_size: Vec<Vec<Subset>>,
    /// Is nothing better left? False when the budget of nodes ran out, or when the features are so nearly dependent that bounds
    /// are rounding.
    pub certified: bool,
    /// Nodes visited.
    pub nodes: usize,
}

/// The most features [`best_subsets`] takes.
pub const MOST_SUBSET_FEATURES: usize = 64;

const MOST_NODES: usize = 2_000_000;

/// For each size up to `largest`, the `keep` supports of least residual.
///
/// # Errors
///
/// [`SindyError::TooManyFeatures`] beyond [`MOST_SUBSET_FEATURES`], [`SindyError::SingularSupport`] when the features depend on
/// each other.
pub fn best_subsets(system: &GramSystem, largest: usize, keep: usize) -> Result<Subsets, SindyError> {
    let p = system.len();
    if p > MOST_SUBSET_FEATURES {
        return Err(SindyError::TooManyFeatures { features: p, most: MOST_SUBSET_FEATURES });
    }
    let root = Node::full(system)?;
    let inflation = (0..p).map(|i| root.inverse[i * p + i]).fold(1.0, f64::max);
    let mut search = Search {
        largest: largest.min(p),
        keep: keep.max(1),
        best: vec![Vec::new(); largest.min(p) + 1],
        nodes: 0,
        slack: (1e2 * f64::EPSILON * inflation * p as f64).min(0.5),
    };
    search.record(0, root.total);
    search.backwards(&root);
    search.forwards(system)?;
    search.descend(&root, 0);
    let certified = search.nodes < MOST_NODES && search.slack < 1e-3;
    let by_size = search
        .best
        .iter()
        .map(|sets| {
            let mut subsets = Vec::with_capacity(sets.len());
            for &(mask, _) in sets {
                let support: Vec<usize> = (0..p).filter(|&i| mask >> i & 1 == 1).collect();
                let (coefficients, rss) = system.solve(&support, 0.0)?;
                subsets.push(Subset { support, coefficients, rss });
            }
            subsets.sort_by(|a, b| a.rss.total_cmp(&b.rss).then_with(|| a.support.cmp(&b.support)));
            Ok(subsets)
        })
        .collect::<Result<_, SindyError>>()?;
    Ok(Subsets { by_size, certified, nodes: search.nodes })
}

/// A set of features with the inverse of its scaled Gram matrix.
#[derive(Clone)]
struct Node {
    features: Vec<usize>,
    /// `G_AA⁻¹`, `[k, k]`.
    inverse: Vec<f64>,
    theta: Vec<f64>,
    rss: f64,
    total: f64,
}

impl Node {
    fn full(system: &GramSystem) -> Result<Self, SindyError> {
        let p = system.len();
        let mut scale = vec![0.0; p];
        for i in 0..p {
            if system.gram[i * p + i] <= 0.0 {
                return Err(SindyError::SingularSupport { feature: i });
            }
            scale[i] = 1.0 / system.gram[i * p + i].sqrt();
        }
        let scaled: Vec<f64> = (0..p * p).map(|at| system.gram[at] * scale[at / p] * scale[at % p]).collect();
        let mut cholesky = Cholesky::new(p);
        cholesky.factorize(&scaled).map_err(|error| match error {
            vecfield_linalg::LinalgError::NotPositiveDefinite { row, .. } => {
                SindyError::SingularSupport { feature: row }
            }
            _ => SindyError::SingularSupport { feature: 0 },
        })?;
        let mut inverse = vec![0.0; p * p];
        cholesky.inverse_into(&mut inverse);
        let right: Vec<f64> = system.rhs.iter().zip(&scale).map(|(r, s)| r * s).collect();
        let mut theta = right.clone();
        cholesky.solve(&mut theta);
        let explained: f64 = right.iter().zip(&theta).map(|(r, t)| r * t).sum();
        Ok(Self {
            features: (0..p).collect(),
            inverse,
            theta,
            rss: (system.total - explained).max(0.0),
            total: system.total,
        })
    }

    fn len(&self) -> usize {
        self.features.len()
    }

    fn mask(&self) -> u64 {
        self.features.iter().fold(0, |mask, &i| mask | 1 << i)
    }

    /// What leaving out the feature in place `k` costs.
    fn cost(&self, k: usize) -> f64 {
        self.theta[k] * self.theta[k] / self.inverse[k * self.len() + k]
    }

    /// The node without the feature in place `k`, by a rank-one update.
    fn without(&self, k: usize) -> Node {
        let n = self.len();
        let pivot = self.inverse[k * n + k];
        let places: Vec<usize> = (0..n).filter(|&i| i != k).collect();
        let ratio = self.theta[k] / pivot;
        let mut inverse = Vec::with_capacity((n - 1) * (n - 1));
        for &i in &places {
            let factor = self.inverse[i * n + k] / pivot;
            inverse.extend(places.iter().map(|&j| self.inverse[i * n + j] - factor * self.inverse[k * n + j]));
        }
        Node {
            features: places.iter().map(|&i| self.features[i]).collect(),
            inverse,
            theta: places.iter().map(|&i| self.theta[i] - self.inverse[i * n + k] * ratio).collect(),
            rss: self.rss + self.cost(k),
            total: self.total,
        }
    }
}

struct Search {
    largest: usize,
    keep: usize,
    /// Per size: masks and residuals, best first.
    best: Vec<Vec<(u64, f64)>>,
    nodes: usize,
    /// Relative rounding error allowed for in bounds.
    slack: f64,
}

impl Search {
    fn record(&mut self, mask: u64, rss: f64) {
        let size = mask.count_ones() as usize;
        if size > self.largest {
            return;
        }
        let list = &mut self.best[size];
        if list.iter().any(|entry| entry.0 == mask) {
            return;
        }
        let at = list.partition_point(|entry| entry.1 <= rss);
        list.insert(at, (mask, rss));
        list.truncate(self.keep);
    }

    /// Can a residual of at least `bound` still enter a list of sizes `low ..= high`?
    fn hopeful(&self, bound: f64, low: usize, high: usize) -> bool {
        let bound = bound * (1.0 - self.slack);
        (low..=high.min(self.largest)).any(|size| {
            let list = &self.best[size];
            list.len() < self.keep || list.last().is_some_and(|worst| bound < worst.1)
        })
    }

    /// A first guess: leave out the cheapest feature again and again, looking at every neighbour on the way.
    fn backwards(&mut self, root: &Node) {
        let mut node = root.clone();
        self.record(node.mask(), node.rss);
        while node.len() > 1 {
            for k in 0..node.len() {
                self.record(node.mask() & !(1 << node.features[k]), node.rss + node.cost(k));
            }
            let cheapest = (0..node.len()).min_by(|&a, &b| node.cost(a).total_cmp(&node.cost(b))).unwrap_or(0);
            node = node.without(cheapest);
        }
    }

    /// The other first guess: take in the feature that helps most.
    fn forwards(&mut self, system: &GramSystem) -> Result<(), SindyError> {
        let p = system.len();
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < self.largest {
            let mut best = (f64::INFINITY, 0);
            for feature in 0..p {
                if chosen.contains(&feature) {
                    continue;
                }
                chosen.push(feature);
                let (_, rss) = system.solve(&chosen, 0.0)?;
                self.record(chosen.iter().fold(0, |mask, &i| mask | 1 << i), rss);
                if rss < best.0 {
                    best = (rss, feature);
                }
                chosen.pop();
            }
            chosen.push(best.1);
        }
        Ok(())
    }

    /// Visits the subsets of `node` that hold `kept`.
    fn descend(&mut self, node: &Node, kept: u64) {
        self.nodes += 1;
        if self.nodes >= MOST_NODES {
            return;
        }
        self.record(node.mask(), node.rss);
        let mut free: Vec<(f64, usize)> =
            (0..node.len()).filter(|&k| kept >> node.features[k] & 1 == 0).map(|k| (node.cost(k), k)).collect();
        free.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut kept = kept;
        for &(cost, k) in &free {
            let low = kept.count_ones() as usize;
            if low > self.largest {
                break;
            }
            if self.hopeful(node.rss + cost, low, node.len() - 1) {
                self.descend(&node.without(k), kept);
            }
            kept |= 1 << node.features[k];
        }
    }
}
