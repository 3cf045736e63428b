//! Patterns, colours and sparse Jacobians: against dense ones, entry for entry.

use std::cell::Cell;

use proptest::prelude::*;
use vecfield_autodiff::{
    ByDifferences, ByDuals, Colouring, Dependencies, Lifted, WINDOW, field_sparsity, jacobian, sparse_jacobian,
    sparsity,
};
use vecfield_traits::{Dynamics, Elementary, Jacobian, Scalar, Sparsity, VectorField, Vjp};

/// A formula whose component `i` uses the components `uses[i]`, through every kind of operation in turn.
#[derive(Clone, Debug)]
struct Web {
    uses: Vec<Vec<usize>>,
}

impl Dynamics for Web {
    fn dim(&self) -> usize {
        self.uses.len()
    }
    fn parameter_count(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        for (dy, uses) in dy.iter_mut().zip(&self.uses) {
            *dy = theta[0] * t;
            for (k, &j) in uses.iter().enumerate() {
                let x = y[j] + S::constant(3.0);
                *dy = match k % 6 {
                    0 => *dy + x.sin(),
                    1 => *dy * x,
                    2 => *dy / x,
                    3 => *dy - theta[1] * x.powi(3),
                    4 => x.powf(dy.cos()),
                    _ => *dy + x.sqrt() * x.abs(),
                };
            }
        }
    }
}

fn web() -> impl Strategy<Value = Web> {
    (1..40_usize)
        .prop_flat_map(|n| prop::collection::vec(prop::collection::vec(0..n, 0..5), n))
        .prop_map(|uses| Web { uses })
}

fn state(n: usize) -> Vec<f64> {
    (0..n).map(|i| (1.7 * i as f64).sin()).collect()
}

/// The pattern, the entries there, and `∂f/∂t`.
fn sparse_of<F: Jacobian<f64>>(field: &F, t: f64, y: &[f64]) -> (Sparsity, Vec<f64>, Vec<f64>) {
    let pattern = field.sparsity().expect("a pattern was asked for").clone();
    let (mut entries, mut time) = (vec![f64::NAN; pattern.len()], vec![f64::NAN; y.len()]);
    field.jacobian(t, y, &mut entries, &mut time, &mut field.workspace());
    (pattern, entries, time)
}

const THETA: [f64; 2] = [0.6, -1.1];

proptest! {
    /// The entries of the sparse Jacobian are those of the dense one, and nothing lies elsewhere.
    #[test]
    fn sparse_jacobians_are_the_dense_ones(web in web(), t in 0.1..2.0_f64) {
        let (n, y) = (web.uses.len(), state(web.uses.len()));
        let dense = Lifted::new(web.clone(), THETA.to_vec());
        let sparse = Lifted::sparse(web, THETA.to_vec(), t, &y);
        let (mut jac, mut time) = (vec![f64::NAN; n * n], vec![f64::NAN; n]);
        dense.jacobian(t, &y, &mut jac, &mut time, &mut dense.workspace());
        let (pattern, entries, sparse_time) = sparse_of(&sparse, t, &y);
        prop_assert_eq!(&time, &sparse_time);
        for ((i, j), entry) in pattern.places().zip(entries) {
            prop_assert_eq!(entry, jac[i * n + j]);
            jac[i * n + j] = 0.0;
        }
        prop_assert!(jac.iter().all(|&entry| entry == 0.0));
    }

    /// Differences at the places of a pattern are those of all columns: what moves along shares no row.
    #[test]
    fn sparse_differences_are_the_dense_ones(web in web(), t in 0.1..2.0_f64) {
        let (n, y) = (web.uses.len(), state(web.uses.len()));
        let pattern = Lifted::sparse(web.clone(), THETA.to_vec(), t, &y).sparsity().unwrap().clone();
        let opaque = || ByDifferences::new(Lifted::new(web.clone(), THETA.to_vec()));
        let (dense, sparse) = (opaque(), opaque().with_sparsity(pattern));
        let (mut jac, mut time) = (vec![f64::NAN; n * n], vec![f64::NAN; n]);
        dense.jacobian(t, &y, &mut jac, &mut time, &mut dense.workspace());
        let (pattern, entries, sparse_time) = sparse_of(&sparse, t, &y);
        prop_assert_eq!(&time, &sparse_time);
        for ((i, j), entry) in pattern.places().zip(entries) {
            prop_assert_eq!(entry, jac[i * n + j]);
        }
    }

    /// Pulling back through colours and through columns is the same sum, in another order.
    #[test]
    fn sparse_pullbacks_are_the_dense_ones(web in web(), t in 0.1..2.0_f64) {
        let (n, y) = (web.uses.len(), state(web.uses.len()));
        let w: Vec<f64> = (0..n).map(|i| (0.9 * i as f64).cos()).collect();
        let pulled = |field: &Lifted<Web>| {
            let (mut y_bar, mut theta_bar) = (vec![1.0; n], vec![-1.0; 2]);
            let t_bar = field.vjp(t, &y, &w, &mut y_bar, &mut theta_bar, &mut field.workspace());
            y_bar.into_iter().chain(theta_bar).chain([t_bar]).collect::<Vec<f64>>()
        };
        let dense = pulled(&Lifted::new(web.clone(), THETA.to_vec()));
        let sparse = pulled(&Lifted::sparse(web, THETA.to_vec(), t, &y));
        let size = dense.iter().fold(1.0, |size: f64, x| size.max(x.abs()));
        for (a, b) in dense.iter().zip(&sparse) {
            prop_assert!((a - b).abs() <= 1e-13 * size, "{a} against {b}");
        }
    }

    /// No row has two places of one colour, and no colour is left out.
    #[test]
    fn columns_of_a_colour_share_no_row(web in web()) {
        let pattern = Sparsity::from_rows(web.uses);
        let colouring = Colouring::new(&pattern);
        for i in 0..pattern.n() {
            let mut colours: Vec<usize> = pattern.row(i).iter().map(|&j| colouring.colour(j)).collect();
            colours.sort_unstable();
            colours.dedup();
            prop_assert_eq!(colours.len(), pattern.row(i).len());
        }
        for colour in 0..colouring.count() {
            prop_assert!((0..pattern.n()).any(|j| colouring.colour(j) == colour));
        }
    }

    /// A band, its rows and columns shuffled alike, still needs no more colours than its fullest row has places.
    #[test]
    fn shuffled_bands_need_their_width(n in 1..60_usize, width in 0..4_usize, seed in any::<u64>()) {
        let mut at: Vec<usize> = (0..n).collect();
        at.sort_by_key(|&i| (i as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
        let mut rows = vec![Vec::new(); n];
        for i in 0..n {
            rows[at[i]] = (i.saturating_sub(width)..(i + width + 1).min(n)).map(|j| at[j]).collect();
        }
        prop_assert_eq!(Colouring::new(&Sparsity::from_rows(rows)).count(), (2 * width + 1).min(n));
    }
}

/// `x_i'` from `x_{i-2} .. x_{i+2}`, counting evaluations.
struct Band<'a> {
    n: usize,
    evaluations: &'a Cell<usize>,
}

impl<S: Elementary> VectorField<S> for Band<'_> {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        self.n
    }
    fn eval(&self, t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
        self.evaluations.set(self.evaluations.get() + 1);
        for i in 0..self.n {
            let near = i.saturating_sub(2)..(i + 3).min(self.n);
            dy[i] = near.fold(t * y[i] * y[i], |sum, j| sum + y[j] * S::constant(1.0 + j as f64));
        }
    }
}

#[test]
fn a_band_costs_its_width_however_long() {
    for n in [5, 100, 3 * WINDOW + 7] {
        let evaluations = Cell::new(0);
        let y = state(n);
        let field = ByDuals::sparse(Band { n, evaluations: &evaluations }, 0.0, &y);
        assert_eq!(evaluations.replace(0), n.div_ceil(WINDOW));
        let (pattern, entries, time) = sparse_of(&field, 0.5, &y);
        assert_eq!(evaluations.get(), 1, "five colours and time fit in eight lanes");
        assert_eq!((pattern.bandwidths(), pattern.len()), ((2, 2), 5 * n - 6));
        for ((i, j), entry) in pattern.places().zip(entries) {
            let expected = 1.0 + j as f64 + if i == j { y[i] } else { 0.0 };
            assert!((entry - expected).abs() < 1e-12 * expected, "({i}, {j})");
        }
        assert!(time.iter().zip(&y).all(|(time, y)| *time == y * y));
    }
}

#[test]
fn a_full_row_is_honoured() {
    // An arrow: everything acts on the first component.
    fn arrow<S: Elementary>(x: &[S], y: &mut [S]) {
        y[0] = x.iter().fold(S::zero(), |sum, &x| sum + x * x);
        y[1..].copy_from_slice(&x[1..]);
    }
    let x = state(20);
    let pattern = sparsity(arrow, &x);
    assert_eq!(Colouring::new(&pattern).count(), 20);
    let entries = sparse_jacobian(arrow, &pattern, &x);
    let dense = jacobian(arrow, 20, &x);
    assert!(pattern.places().zip(entries).all(|((i, j), entry)| entry == dense[20 * i + j]));
}

#[test]
fn sets_follow_the_rules_of_slopes() {
    let [x, y] = [0, 1].map(|i| Dependencies::<f64>::variable(0.5, i));
    let both = |z: Dependencies<f64>| z.variables().collect::<Vec<_>>();
    assert_eq!(both(x.min(y)), [0, 1]);
    assert_eq!(both(x.max(y)), [0, 1]);
    assert_eq!(both(x.greater(y)), []);
    assert_eq!(both(x.where_positive(y)), [0]);
    assert_eq!(both(x.powf(y)), [0, 1]);
    assert_eq!(both(x.powi(0)), []);
    assert_eq!(both(x.sign() * y), [1]);
    assert_eq!(both(-x.atan().scale(2.0) / Scalar::constant(2.0)), [0]);
    assert_eq!((x - y).value(), 0.0);
    let last = Dependencies::variable(1.0, WINDOW - 1);
    assert_eq!(both(last + x), [0, WINDOW - 1]);
}

#[test]
fn nothing_has_no_pattern() {
    assert!(sparsity::<f64>(|_, _| {}, &[]).is_empty());
    assert_eq!(Colouring::new(&sparsity::<f64>(|_, _| {}, &[])).count(), 0);
    let still = ByDuals::sparse(Constant(3), 0.0, &[1.0; 3]);
    assert_eq!(sparse_of(&still, 0.0, &[1.0; 3]), (Sparsity::from_rows(vec![vec![]; 3]), vec![], vec![0.0; 3]));
    assert!(field_sparsity(still.field(), 0.0, &[1.0; 3]).is_empty());
}

struct Constant(usize);

impl<S: Elementary> VectorField<S> for Constant {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        self.0
    }
    fn eval(&self, _t: S, _y: &[S], dy: &mut [S], _work: &mut ()) {
        dy.fill(S::one());
    }
}
