//! A staircase against the normal equations of the same rows.

use super::{Panels, Span, Staircase};
use proptest::prelude::*;

/// Three blocks of `n` columns, a border of one: own rows, and rows that couple neighbours and the ends.
struct Rows {
    n: usize,
    numbers: Vec<f64>,
}

impl Rows {
    fn width(&self) -> usize {
        3 * self.n + 2
    }

    /// All rows over all columns, the border and the right-hand side.
    fn full(&self) -> Vec<Vec<f64>> {
        let (n, mut numbers) = (self.n, self.numbers.iter().cycle());
        let mut rows = Vec::new();
        for (blocks, count) in
            [(vec![0], n + 3), (vec![1], n + 2), (vec![2], n + 4), (vec![0, 1], 3), (vec![1, 2], 4), (vec![0, 2], 2)]
        {
            for _ in 0..count {
                let mut row = vec![0.0; self.width()];
                for &block in &blocks {
                    row[block * n..(block + 1) * n].iter_mut().for_each(|x| *x = *numbers.next().expect("they repeat"));
                }
                row[3 * n..].iter_mut().for_each(|x| *x = *numbers.next().expect("they repeat"));
                rows.push(row);
            }
        }
        rows
    }

    fn staircase(&self) -> Staircase {
        let n = self.n;
        let full = self.full();
        let own = |block: usize| -> Panels {
            let outside =
                |row: &&Vec<f64>| (0..3 * n).all(|j| j / n == block || row[j] == 0.0) && row[block * n] != 0.0;
            let rows: Vec<&Vec<f64>> = full.iter().filter(outside).collect();
            let mut panels = Panels::new(rows.len(), n, 2);
            rows.iter()
                .enumerate()
                .for_each(|(i, row)| panels.set_row(i, &row[block * n..(block + 1) * n], &row[3 * n..]));
            panels
        };
        let spans = [(0, 1), (1, 2), (0, 2)].map(|(first, last): (usize, usize)| {
            let inside = |row: &&Vec<f64>| row[first * n] != 0.0 && row[last * n] != 0.0;
            let rows: Vec<&Vec<f64>> = full.iter().filter(inside).collect();
            let entries =
                rows.iter().flat_map(|row| [&row[first * n..(last + 1) * n], &row[3 * n..]].concat()).collect();
            Span { first, last, rows: rows.len(), entries }
        });
        Staircase::reduce(&[n, n, n], 1, own, spans.to_vec(), 0.0)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// At the solution the residual is orthogonal to every column.
    #[test]
    fn the_residual_is_orthogonal_to_the_columns(n in 2_usize..40, numbers in prop::collection::vec(0.1..1.0_f64, 997)) {
        let rows = Rows { n, numbers };
        let (x, border) = rows.staircase().solve();
        let columns = [&x[..], &border].concat();
        let full = rows.full();
        let residual: Vec<f64> = full
            .iter()
            .map(|row| row[..columns.len()].iter().zip(&columns).map(|(a, x)| a * x).sum::<f64>() - row[columns.len()])
            .collect();
        let size: f64 = columns.iter().map(|x| x.abs()).fold(1.0, f64::max);
        for j in 0..columns.len() {
            let product: f64 = full.iter().zip(&residual).map(|(row, r)| row[j] * r).sum();
            // Rounding of sums of a hundred products with the solution's size.
            prop_assert!(product.abs() < 1e-11 * size, "column {j}: {product:e} of {size:e}");
        }
    }
}
