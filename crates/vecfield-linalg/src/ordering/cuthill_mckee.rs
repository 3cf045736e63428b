//! The reverse Cuthill–McKee order (Cuthill–McKee 1969), from a peripheral node found as by George and Liu 1979.

use std::collections::VecDeque;

use super::symmetric_graph;
use vecfield_traits::Sparsity;

/// An order in which the places of `A + Aᵀ` lie near the diagonal: `order[k]` is the unknown that comes `k`-th.
///
/// ```
/// use vecfield_linalg::reverse_cuthill_mckee;
/// use vecfield_traits::Sparsity;
///
/// // A ring: every unknown with both its neighbours, so the corners are far from the diagonal.
/// let ring = Sparsity::from_rows((0..8).map(|i| vec![(i + 7) % 8, i, (i + 1) % 8]));
/// assert_eq!(ring.bandwidths(), (7, 7));
/// let mut place = [0; 8];
/// reverse_cuthill_mckee(&ring).iter().enumerate().for_each(|(k, &i)| place[i] = k);
/// assert!(ring.places().all(|(i, j)| place[i].abs_diff(place[j]) <= 2));
/// ```
pub fn reverse_cuthill_mckee(pattern: &Sparsity) -> Vec<usize> {
    let graph = symmetric_graph(pattern);
    let n = graph.len();
    let mut walk = Walk { order: Vec::with_capacity(n), level: vec![usize::MAX; n], seen: vec![false; n] };
    for start in 0..n {
        if !walk.seen[start] {
            let root = walk.peripheral(&graph, start);
            walk.component(&graph, root);
        }
    }
    walk.order.reverse();
    walk.order
}

struct Walk {
    order: Vec<usize>,
    level: Vec<usize>,
    seen: Vec<bool>,
}

impl Walk {
    /// A node of the component of `start` from which the farthest one is about as far as can be.
    fn peripheral(&mut self, graph: &[Vec<u32>], start: usize) -> usize {
        let (mut root, mut depth) = (start, 0);
        loop {
            let (far, reached) = self.farthest(graph, root);
            // Each round must go deeper, so the search ends.
            if reached <= depth {
                return root;
            }
            (root, depth) = (far, reached);
        }
    }

    /// The node of least degree in the last level of the breadth-first search from `root`, and the number of that level.
    fn farthest(&mut self, graph: &[Vec<u32>], root: usize) -> (usize, usize) {
        let mut queue = VecDeque::from([root]);
        let mut visited = vec![root];
        self.level[root] = 0;
        let (mut far, mut depth) = (root, 0);
        while let Some(i) = queue.pop_front() {
            let level = self.level[i];
            if level > depth || graph[i].len() < graph[far].len() {
                (far, depth) = (i, level);
            }
            for &j in &graph[i] {
                let j = j as usize;
                if self.level[j] == usize::MAX {
                    self.level[j] = level + 1;
                    visited.push(j);
                    queue.push_back(j);
                }
            }
        }
        visited.into_iter().for_each(|i| self.level[i] = usize::MAX);
        (far, depth)
    }

    /// Appends the component of `root`, neighbours of fewer neighbours first.
    fn component(&mut self, graph: &[Vec<u32>], root: usize) {
        let mut next = self.order.len();
        self.order.push(root);
        self.seen[root] = true;
        while next < self.order.len() {
            let from = self.order.len();
            for &j in &graph[self.order[next]] {
                if !core::mem::replace(&mut self.seen[j as usize], true) {
                    self.order.push(j as usize);
                }
            }
            self.order[from..].sort_by_key(|&j| (graph[j].len(), j));
            next += 1;
        }
    }
}
