//! Orders of the unknowns of a sparse system: few new non-zeros in its factors, or a narrow band.

use vecfield_traits::Sparsity;

mod cuthill_mckee;
mod matching;
mod minimum_degree;

pub use cuthill_mckee::reverse_cuthill_mckee;
pub use matching::zero_free_diagonal;
pub use minimum_degree::{Elimination, minimum_degree};

/// The graph of `A + Aᵀ` without loops: `neighbours[i]`, ascending.
fn symmetric_graph(pattern: &Sparsity) -> Vec<Vec<u32>> {
    let mut neighbours = vec![Vec::new(); pattern.n()];
    for (i, j) in pattern.places().filter(|(i, j)| i != j) {
        neighbours[i].push(j as u32);
        neighbours[j].push(i as u32);
    }
    for list in &mut neighbours {
        list.sort_unstable();
        list.dedup();
    }
    neighbours
}
