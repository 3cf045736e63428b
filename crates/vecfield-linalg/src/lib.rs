//! Dense, banded and sparse linear algebra: `A x = b`, `min ‖A x - b‖`, `A = U Σ Vᵀ`, `A = V Λ Vᵀ`.
//!
//! Matrices are flat row-major slices, `a[i * columns + j]`, sparse ones a [`Sparsity`](vecfield_traits::Sparsity) and the
//! entries at its places, row by row; a factorisation is a workspace made once by `new(n)` and then
//! refilled by `factorize`, which allocates nothing. Everything is generic over `f32` and `f64` (what solves `A x = b` over
//! [`Complex`] too).
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
//! | the same with entries near the diagonal only, or few entries | [`BandedLu`], [`SparseLu`] |
//! | the same by products alone, with a preconditioner | [`Gmres`], [`Preconditioner`], [`Ilu`] |
//! | an order that keeps a band narrow or factors sparse | [`reverse_cuthill_mckee`], [`minimum_degree`], [`zero_free_diagonal`] |
//! | a symmetric positive definite system, its determinant or inverse | [`Cholesky`] |
//! | the symmetric one with entries near the diagonal only (splines, time series) | [`BandedCholesky`] |
//! | least squares, with rank | [`least_squares`], [`Qr`] |
//! | singular values, condition numbers | [`svd()`] |
//! | eigenvalues of a symmetric matrix, of any matrix | [`symmetric_eigen`], [`eigenvalues`] |
//! | dot products, `y = A x`, `C = A B`, `AᵀA` | [`dot`], [`axpy`], [`norm`], [`matvec`], [`matvec_transpose`], [`matmul`], [`gram`] |
//! | the same for sparse matrices | [`sparse_matvec`], [`sparse_matvec_transpose`], [`sparse_matmul`] |
//!
//! **Architecture invariant:** `factorize` and `solve` never allocate, but for the first matrix of a [`SparseLu`] and where its
//! pivots change. *Why:* they sit in the step loops of implicit solvers and
//! in fits that run a hundred thousand times. *Checked by* the signatures: they
//! take `&self` or `&mut self` and slices, and review.
//!
//! **Architecture invariant:** sums run in an order fixed by the length alone. *Why:* same input, same bits, on any number of
//! threads. *Checked by* review: no thread is started here.
//!
//! **Architecture invariant:** a slice of the wrong length is a broken precondition and panics; a singular, indefinite or
//! non-finite matrix is data and gives [`LinalgError`]. *Checked by* the laws in `tests/it`.
//!
//! There is no matrix type here, no supernodal elimination and no multigrid. Jacobi rotations stand in for the faster
//! bidiagonal and tridiagonal algorithms of singular values and symmetric eigenvalues: on the small matrices of this project they are the most accurate, and short.

mod banded;
mod banded_lu;
mod cholesky;
mod complex;
mod eigen;
mod eigenvalues;
mod error;
mod gmres;
mod ilu;
mod lu;
mod ordering;
mod product;
mod qr;
mod sparse;
mod sparse_lu;
mod svd;

pub use banded::BandedCholesky;
pub use banded_lu::BandedLu;
pub use cholesky::Cholesky;
pub use complex::{Complex, Element};
pub use eigen::{SymmetricEigen, symmetric_eigen};
pub use eigenvalues::eigenvalues;
pub use error::LinalgError;
pub use gmres::{Gmres, Preconditioner, Side};
pub use ilu::Ilu;
pub use lu::Lu;
pub use ordering::{Elimination, minimum_degree, reverse_cuthill_mckee, zero_free_diagonal};
pub use product::{axpy, dot, gram, matmul, matvec, matvec_transpose, norm};
pub use qr::{LeastSquaresFit, Qr, least_squares};
pub use sparse::{sparse_matmul, sparse_matvec, sparse_matvec_transpose};
pub use sparse_lu::SparseLu;
pub use svd::{Svd, svd};
