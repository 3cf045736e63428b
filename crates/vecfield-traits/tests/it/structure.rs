//! Laws of what is known of a field: patterns, mass matrices, halves, noise.

use proptest::prelude::*;
use vecfield_traits::{Dependence, Half, Layout, Mass, Noise, Partition, Sparsity};

/// Rows of an `n × n` pattern, in any order and with repetitions.
fn rows() -> impl Strategy<Value = Vec<Vec<usize>>> {
    (1..8_usize).prop_flat_map(|n| prop::collection::vec(prop::collection::vec(0..n, 0..2 * n), n))
}

proptest! {
    /// Every place that was named is there once, in ascending order, and no other.
    #[test]
    fn a_pattern_has_the_places_named(rows in rows()) {
        let pattern = Sparsity::from_rows(rows.clone());
        let places: Vec<(usize, usize)> = pattern.places().collect();
        prop_assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
        prop_assert_eq!((pattern.n(), pattern.len(), pattern.is_empty()), (rows.len(), places.len(), places.is_empty()));
        for i in 0..rows.len() {
            for j in 0..rows.len() {
                prop_assert_eq!(rows[i].contains(&j), places.contains(&(i, j)));
            }
            let of_row: Vec<usize> = places[pattern.range(i)].iter().map(|place| place.1).collect();
            prop_assert_eq!(pattern.row(i), &of_row[..]);
        }
        let again = Sparsity::from_rows((0..rows.len()).map(|i| pattern.row(i).to_vec()));
        prop_assert_eq!(again, pattern);
    }

    /// No place is beyond the band, and one is at each edge of it.
    #[test]
    fn bands_are_tight(rows in rows()) {
        let pattern = Sparsity::from_rows(rows);
        let (lower, upper) = pattern.bandwidths();
        let below = pattern.places().map(|(i, j)| i.saturating_sub(j)).max().unwrap_or(0);
        let above = pattern.places().map(|(i, j)| j.saturating_sub(i)).max().unwrap_or(0);
        prop_assert_eq!((lower, upper), (below, above));
    }

    /// `M (a x + y) = a M x + M y`, with the entries where the pattern says. Small integers leave no rounding.
    #[test]
    fn a_mass_matrix_is_linear(rows in rows(), seed in any::<u64>(), a in -5..5_i32) {
        let n = rows.len();
        let pattern = Sparsity::from_rows(rows);
        let mut state = seed;
        let mut small = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 60) as f64 - 8.0
        };
        let entries: Vec<f64> = (0..pattern.len()).map(|_| small()).collect();
        let mass = Mass::new(pattern.clone(), entries.clone());
        let apply = |x: &[f64]| {
            let mut out = vec![f64::NAN; n];
            mass.apply(x, &mut out);
            out
        };
        let (x, y): (Vec<f64>, Vec<f64>) = (0..n).map(|_| (small(), small())).unzip();
        let a = f64::from(a);
        let (mx, my) = (apply(&x), apply(&y));
        let sum: Vec<f64> = x.iter().zip(&y).map(|(x, y)| a * x + y).collect();
        let of_sum: Vec<f64> = mx.iter().zip(&my).map(|(x, y)| a * x + y).collect();
        prop_assert_eq!(apply(&sum), of_sum);
        for (entry, (i, j)) in entries.iter().zip(pattern.places()) {
            let mut axis = vec![0.0; n];
            axis[j] = 1.0;
            prop_assert_eq!(apply(&axis)[i], *entry);
        }
        let diagonal: Vec<f64> = (0..n).map(|_| small()).collect();
        let mut scaled = vec![f64::NAN; n];
        Mass::diagonal(diagonal.clone()).apply(&x, &mut scaled);
        prop_assert_eq!(scaled, diagonal.iter().zip(&x).map(|(d, x)| d * x).collect::<Vec<_>>());
    }

    /// Every component is in one half, ascending, whatever order the positions were named in.
    #[test]
    fn halves_are_the_whole(n in 1..12_usize, named in prop::collection::vec(0..12_usize, 0..20)) {
        let named: Vec<usize> = named.into_iter().filter(|&i| i < n).collect();
        let partition = Partition::with_positions(n, named.clone());
        let mut all = [partition.half(Half::Positions), partition.half(Half::Momenta)].concat();
        for half in [partition.positions(), partition.momenta()] {
            prop_assert!(half.windows(2).all(|pair| pair[0] < pair[1]), "{half:?}");
        }
        prop_assert!(partition.positions().iter().all(|i| named.contains(i)));
        prop_assert!(partition.momenta().iter().all(|i| !named.contains(i)));
        all.sort_unstable();
        prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
        prop_assert_eq!(partition.n(), n);
        prop_assert_eq!(Partition::with_positions(n, named.into_iter().rev()), partition);
    }

    /// A diagonal keeps an entry a component, a dense diffusion one a component and motion; one motion always commutes.
    #[test]
    fn a_diffusion_has_as_many_entries_as_its_layout(dim in 1..9_usize, columns in 1..9_usize) {
        prop_assert_eq!(Noise::diagonal(dim).entries(dim), dim);
        for noise in [Noise::scalar(), Noise::additive(columns), Noise::general(columns)] {
            prop_assert_eq!(noise.entries(dim), dim * noise.columns);
            prop_assert_eq!(noise.layout, Layout::Dense);
        }
        prop_assert_eq!(Noise::general(columns).dependence == Dependence::General, columns > 1);
    }
}
