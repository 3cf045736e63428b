//! Order conditions from rooted trees: `Σ b_i Φ_i(τ) = 1/γ(τ)` for every tree `τ` of up to `p` nodes
//! (Hairer–Nørsett–Wanner I, II.2, theorem 2.13), and `Σ b_i(θ) Φ_i(τ) = θ^|τ|/γ(τ)` for dense output.

use vecfield_solvers::tableau::{ALL, ErrorEstimate, Tableau};

/// Grafts trees onto a root; trees are named by their index in the forest.
struct Tree {
    nodes: u32,
    branches: Vec<usize>,
    /// `γ`, the product of the sizes of all subtrees.
    density: f64,
}

/// All rooted trees of up to `nodes` nodes, smallest first.
fn forest(nodes: u32) -> Vec<Tree> {
    let mut trees = vec![Tree { nodes: 1, branches: vec![], density: 1.0 }];
    for size in 2..=nodes {
        let (known, mut grown) = (trees.len(), vec![]);
        graft(&trees, size - 1, known, &mut vec![], &mut grown);
        for branches in grown {
            let density = f64::from(size) * branches.iter().map(|&b: &usize| trees[b].density).product::<f64>();
            trees.push(Tree { nodes: size, branches, density });
        }
    }
    trees
}

/// Every multiset of trees with `left` nodes in all, in non-increasing order of index.
fn graft(trees: &[Tree], left: u32, below: usize, chosen: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) {
    if left == 0 {
        out.push(chosen.clone());
        return;
    }
    for i in (0..below).filter(|&i| trees[i].nodes <= left) {
        chosen.push(i);
        graft(trees, left - trees[i].nodes, i + 1, chosen, out);
        chosen.pop();
    }
}

/// The full matrix of a tableau, interpolant's rows included.
fn matrix(tableau: &Tableau) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = tableau.a.iter().map(|row| row.to_vec()).collect();
    if tableau.end_slot() == tableau.stages() {
        rows.push(tableau.b.to_vec());
    }
    rows.extend(tableau.interpolant.a.iter().map(|row| row.to_vec()));
    rows
}

/// `Φ_i(τ)` and the sum of the absolute values of its terms, which rounding is measured by.
fn weights(a: &[Vec<f64>], trees: &[Tree]) -> Vec<Vec<(f64, f64)>> {
    let mut all: Vec<Vec<(f64, f64)>> = vec![];
    for tree in trees {
        let stage = |i: usize| {
            tree.branches.iter().fold((1.0, 1.0), |(value, size), &branch| {
                let terms = || a[i].iter().zip(&all[branch]);
                let sum: f64 = terms().map(|(a, phi)| a * phi.0).sum();
                let magnitude: f64 = terms().map(|(a, phi)| a.abs() * phi.1).sum();
                (value * sum, size * magnitude)
            })
        };
        all.push((0..a.len()).map(stage).collect());
    }
    all
}

fn residual(b: &[f64], phi: &[(f64, f64)], expected: f64) -> f64 {
    let sum: f64 = b.iter().zip(phi).map(|(b, phi)| b * phi.0).sum();
    let size: f64 = b.iter().zip(phi).map(|(b, phi)| (b * phi.1).abs()).sum();
    (sum - expected).abs() / size.max(1.0)
}

#[test]
fn trees_are_counted_right() {
    let trees = forest(9);
    let counts: Vec<_> = (1..=9).map(|n| trees.iter().filter(|tree| tree.nodes == n).count()).collect();
    assert_eq!(counts, [1, 1, 2, 4, 9, 20, 48, 115, 286]); // Hairer–Nørsett–Wanner I, II.2, Table 2.2
}

#[test]
fn weights_meet_the_order_conditions() {
    let trees = forest(9);
    for tableau in ALL {
        let phi = weights(&matrix(tableau), &trees);
        for (tree, phi) in trees.iter().zip(&phi).filter(|(tree, _)| tree.nodes <= tableau.order) {
            let error = residual(tableau.b, phi, 1.0 / tree.density);
            assert!(error < 1e-14, "{}: {} nodes, off by {error:e}", tableau.name, tree.nodes);
        }
    }
}

#[test]
fn the_order_is_not_understated() {
    let trees = forest(9);
    for tableau in ALL.iter().filter(|tableau| tableau.order < 9) {
        let phi = weights(&matrix(tableau), &trees);
        let misses = trees.iter().zip(&phi).filter(|(tree, phi)| {
            tree.nodes == tableau.order + 1 && residual(tableau.b, phi, 1.0 / tree.density) > 1e-10
        });
        assert!(misses.count() > 0, "{} has a higher order than it says", tableau.name);
    }
}

#[test]
fn embedded_weights_meet_their_order_conditions() {
    let trees = forest(9);
    for tableau in ALL {
        let (weights_of_error, order): (Vec<&[f64]>, Vec<u32>) = match tableau.error {
            ErrorEstimate::Fixed => continue,
            ErrorEstimate::Embedded { weights, order } => (vec![weights], vec![order]),
            ErrorEstimate::Pair { fifth, third } => (vec![fifth, third], vec![5, 3]),
        };
        let phi = weights(&matrix(tableau), &trees);
        for (e, order) in weights_of_error.into_iter().zip(order) {
            for (tree, phi) in trees.iter().zip(&phi).filter(|(tree, _)| tree.nodes <= order) {
                let error = residual(e, phi, 0.0);
                assert!(error < 1e-14, "{}: {} nodes, off by {error:e}", tableau.name, tree.nodes);
            }
            let sees =
                trees.iter().zip(&phi).any(|(tree, phi)| tree.nodes == order + 1 && residual(e, phi, 0.0) > 1e-10);
            assert!(sees, "{}: the error estimate is of higher order than it says", tableau.name);
        }
    }
}

#[test]
fn dense_output_meets_its_order_conditions() {
    let trees = forest(9);
    for tableau in ALL {
        let phi = weights(&matrix(tableau), &trees);
        for theta in [0.1_f64, 0.35, 0.5, 0.8, 1.0] {
            let polynomial = |row: &&[f64]| row.iter().rev().fold(0.0, |sum, w| (sum + w) * theta);
            let b: Vec<f64> = tableau.interpolant.weights.iter().map(polynomial).collect();
            let largest =
                tableau.interpolant.weights.iter().flat_map(|row| row.iter()).fold(1.0_f64, |m, w| m.max(w.abs()));
            for (tree, phi) in trees.iter().zip(&phi).filter(|(tree, _)| tree.nodes <= tableau.interpolant.order) {
                let error = residual(&b, phi, theta.powi(tree.nodes as i32) / tree.density);
                // The powers of θ cancel to about one: rounding is that of the largest coefficient.
                assert!(error < 1e-14 * largest, "{} at {theta}: {} nodes, off by {error:e}", tableau.name, tree.nodes);
            }
        }
    }
}
