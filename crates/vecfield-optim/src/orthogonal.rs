//! The nearest matrix with orthonormal rows or columns, roughly: Newton–Schulz iterations of the fifth order whose
//! coefficients push every singular value to about one (Jordan et al. 2024).

use vecfield_kernels::{LayerMath, Matrix, Start, dot};

/// `X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X`.
const COEFFICIENTS: [f64; 3] = [3.4445, -4.7750, 2.0315];
const ITERATIONS: usize = 5;

/// Room for [`orthogonalise`].
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Room<R> {
    x: Vec<R>,
    product: Vec<R>,
    square: Vec<R>,
    moved: Vec<R>,
}

impl<R: LayerMath> Room<R> {
    /// For matrices up to this size.
    pub(crate) fn fit(&mut self, rows: usize, columns: usize) {
        let (small, len) = (rows.min(columns), rows * columns);
        for (buffer, len) in [
            (&mut self.x, len),
            (&mut self.moved, len),
            (&mut self.product, small * small),
            (&mut self.square, small * small),
        ] {
            if buffer.len() < len {
                buffer.resize(len, R::zero());
            }
        }
    }

    /// Replaces `matrix`, `[rows, columns]`; every singular value goes to between 0.68 and 1.13, unless it was tiny.
    pub(crate) fn orthogonalise(&mut self, matrix: &mut [R], rows: usize, columns: usize) {
        // The smaller side comes first: its products are smaller.
        let (m, n) = (rows.min(columns), rows.max(columns));
        let flipped = rows > columns;
        let (x, moved) = (&mut self.x[..m * n], &mut self.moved[..m * n]);
        let (product, square) = (&mut self.product[..m * m], &mut self.square[..m * m]);
        // The largest singular value is at most the Frobenius norm.
        let scale = R::one() / (dot(matrix, matrix).sqrt() + R::from_f64(1e-7));
        for (i, x) in x.iter_mut().enumerate() {
            let from = if flipped { i % n * m + i / n } else { i };
            *x = scale * matrix[from];
        }
        let [a, b, c] = COEFFICIENTS.map(R::from_f64);
        for _ in 0..ITERATIONS {
            R::inner((m, m, n), x, x, Start::Zero, product);
            R::multiply((m, m, m), Matrix::rows(product, m), product, Start::Zero, square);
            for (square, &product) in square.iter_mut().zip(&*product) {
                *square = b * product + c * *square;
            }
            R::multiply((m, n, m), Matrix::rows(square, m), x, Start::Zero, moved);
            for (x, &moved) in x.iter_mut().zip(&*moved) {
                *x = a * *x + moved;
            }
        }
        for (i, &x) in x.iter().enumerate() {
            let to = if flipped { i % n * m + i / n } else { i };
            matrix[to] = x;
        }
    }
}
