//! Small dense and banded linear algebra: `A x = b`, `min ‖A x - b‖`, `A = U Σ Vᵀ`, `A = V Λ Vᵀ`.
//!
//! Matrices are flat row-major slices, `a[i * columns + j]`; a factorisation is a workspace made once by `new(n)` and then
//! refilled by `factorize`, which allocates nothing. Everything is generic over `f32` and `f64` ([`Lu`] over [`Complex`] too).
//!
//! ```
//! use vecfield_linalg::{Lu, least_squares};
//!
//! // 2x + y = 5, x - 3y = -1: x = 2, y = 1.
//! let mut lu = Lu::new(2);
//! lu.factorize(&[2.0, 1.0, 1.0, -3.0])?;
//! let mut x = [5.0, -1.0];
//! lu.solve(&mut x);
//! assert!((x[0] - 2.0_f64).abs() < 1e-14 && (x[1] - 1.0).abs() < 1e-14);
//!
//! // The line through (0, 1), (1, 3), (2, 5) is 1 + 2t; a third column that is a copy adds nothing to the rank.
//! let fit = least_squares(&[1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0], 3, 3, &[1.0, 3.0, 5.0])?;
//! assert_eq!((fit.rank, fit.dropped.len()), (2, 1));
//! # Ok::<(), vecfield_linalg::LinalgError>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | to solve a square system again and again | [`Lu`]; over [`Complex`] numbers for implicit Runge–Kutta methods |
//! | a symmetric positive definite system, its determinant or inverse | [`Cholesky`] |
//! | the same with entries near the diagonal only (splines, time series) | [`BandedCholesky`] |
//! | least squares, with rank | [`least_squares`], [`Qr`] |
//! | singular values, condition numbers | [`svd()`] |
//! | eigenvalues of a symmetric matrix | [`symmetric_eigen`] |
//! | dot products, `y = A x`, `C = A B`, `AᵀA` | [`dot`], [`axpy`], [`norm`], [`matvec`], [`matvec_transpose`], [`matmul`], [`gram`] |
//!
//! **Architecture invariant:** `factorize` and `solve` never allocate. *Why:* they sit in the step loops of implicit solvers and
//! in fits that run a hundred thousand times. *Checked by* the signatures: they
//! take `&self` or `&mut self` and slices, and review.
//!
//! **Architecture invariant:** sums run in an order fixed by the length alone. *Why:* same input, same bits, on any number of
//! threads. *Checked by* review: no thread is started here.
//!
//! **Architecture invariant:** a slice of the wrong length is a broken precondition and panics; a singular, indefinite or
//! non-finite matrix is data and gives [`LinalgError`]. *Checked by* the laws in `tests/it`.
//!
//! There is no matrix type, no sparse format and no iterative method here. Jacobi rotations stand in for the faster
//! bidiagonal and tridiagonal algorithms: on the small matrices of this project they are the most accurate, and short.

mod banded;
mod cholesky;
mod complex;
mod eigen;
mod error;
mod lu;
mod product;
mod qr;
mod svd;

pub use banded::BandedCholesky;
pub use cholesky::Cholesky;
pub use complex::{Complex, Element};
pub use eigen::{SymmetricEigen, symmetric_eigen};
pub use error::LinalgError;
pub use lu::Lu;
pub use product::{axpy, dot, gram, matmul, matvec, matvec_transpose, norm};
pub use qr::{LeastSquaresFit, Qr, least_squares};
pub use svd::{Svd, svd};
