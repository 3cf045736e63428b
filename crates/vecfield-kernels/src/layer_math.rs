//! The second front door: [`LayerMath`], what layers of networks are made of.

use crate::activation::{Activation, Slopes, activate, slopes_of_values};
use crate::dispatch::Target;
use crate::product::{Inner, Matrix, Product, Start, inner, multiply};
use crate::vector_math::VectorMath;

/// Products of matrices and activations; `f32` and `f64`.
///
/// ```
/// use vecfield_kernels::{Activation, LayerMath, Matrix, Slopes, Start};
///
/// // Two rows through a layer of three neurons: z = b + x wᵀ, h = tanh z.
/// let x = [1.0, 2.0, -1.0, 0.5];
/// let w_transposed = [0.5, -1.0, 0.0, 0.25, 1.0, 2.0];
/// let mut h = [0.0; 6];
/// f64::multiply((2, 3, 2), Matrix::rows(&x, 2), &w_transposed, Start::Row(&[0.1, 0.2, 0.3]), &mut h);
/// assert_eq!(h[2], 0.3 + 2.0 * 2.0);
/// f64::activate(Activation::Tanh, &mut h, Slopes::None);
/// assert!((h[2] - 4.3_f64.tanh()).abs() < 1e-15);
/// ```
pub trait LayerMath: VectorMath {
    /// `c ← start + a b` for `c` of `(m, n)` rows and columns, `a` of `(m, k)` and `b` of `(k, n)`, the last two numbers of
    /// `shape` being `n` and `k`; `b` and `c` row by row.
    ///
    /// An entry of `c` is `start + Σ_l a_il b_lj` with `l` upwards, fused where the machine fuses: it depends on neither `m`
    /// nor `n`.
    ///
    /// # Panics
    ///
    /// If a slice is too short.
    fn multiply(shape: (usize, usize, usize), a: Matrix<'_, Self>, b: &[Self], start: Start<'_, Self>, c: &mut [Self]) {
        Self::multiply_on(Target::best(), shape, a, b, start, c);
    }

    /// [`multiply`](LayerMath::multiply) with the given instructions: for tests and measurements.
    fn multiply_on(
        target: Target,
        shape: (usize, usize, usize),
        a: Matrix<'_, Self>,
        b: &[Self],
        start: Start<'_, Self>,
        c: &mut [Self],
    );

    /// [`multiply`](LayerMath::multiply) into the transpose: `c` holds the result column by column, `m` numbers each.
    fn multiply_transposed(
        shape: (usize, usize, usize),
        a: Matrix<'_, Self>,
        b: &[Self],
        start: Start<'_, Self>,
        c: &mut [Self],
    );

    /// `c_ij ← start + Σ_l a_il b_jl` for `a` of `(m, k)`, `b` of `(n, k)`, all row by row: faster than
    /// [`multiply`](LayerMath::multiply) where `n` is small.
    ///
    /// Element `l` goes to partial sum `l mod 16`; the sixteen are added pairwise, then to the start.
    ///
    /// # Panics
    ///
    /// If a slice is too short.
    fn inner(shape: (usize, usize, usize), a: &[Self], b: &[Self], start: Start<'_, Self>, c: &mut [Self]) {
        Self::inner_on(Target::best(), shape, a, b, start, c);
    }

    /// [`inner`](LayerMath::inner) with the given instructions: for tests and measurements.
    fn inner_on(
        target: Target,
        shape: (usize, usize, usize),
        a: &[Self],
        b: &[Self],
        start: Start<'_, Self>,
        c: &mut [Self],
    );

    /// `z_i ← σ(z_i)`, and derivatives at the old `z_i` as asked for.
    ///
    /// # Panics
    ///
    /// If a slice of derivatives is too short.
    fn activate(activation: Activation, z: &mut [Self], slopes: Slopes<'_, Self>) {
        Self::activate_on(Target::best(), activation, z, slopes);
    }

    /// [`activate`](LayerMath::activate) with the given instructions: for tests and measurements.
    fn activate_on(target: Target, activation: Activation, z: &mut [Self], slopes: Slopes<'_, Self>);

    /// The first derivatives from the values `h_i = σ(z_i)`, with the bits that [`activate`](LayerMath::activate) gives.
    ///
    /// # Panics
    ///
    /// If the value does not [tell](Activation::value_tells_slope).
    fn slopes_of_values(activation: Activation, h: &[Self], slopes: &mut [Self]);
}

macro_rules! layer_math {
    ($($float:ident),*) => {$(
        impl LayerMath for $float {
            fn multiply_on(
                target: Target,
                shape: (usize, usize, usize),
                a: Matrix<'_, $float>,
                b: &[$float],
                start: Start<'_, $float>,
                c: &mut [$float],
            ) {
                let width = shape.1;
                multiply(target, Product { shape, a, b, b_row: width, start, c, c_row: width, c_column: 1 });
            }

            fn multiply_transposed(
                shape: (usize, usize, usize),
                a: Matrix<'_, $float>,
                b: &[$float],
                start: Start<'_, $float>,
                c: &mut [$float],
            ) {
                let (height, width) = (shape.0, shape.1);
                multiply(Target::best(), Product { shape, a, b, b_row: width, start, c, c_row: 1, c_column: height });
            }

            fn inner_on(
                target: Target,
                shape: (usize, usize, usize),
                a: &[$float],
                b: &[$float],
                start: Start<'_, $float>,
                c: &mut [$float],
            ) {
                inner(target, Inner { shape, a, b, start, c });
            }

            fn activate_on(target: Target, activation: Activation, z: &mut [$float], slopes: Slopes<'_, $float>) {
                activate(target, activation, z, slopes);
            }

            fn slopes_of_values(activation: Activation, h: &[$float], slopes: &mut [$float]) {
                slopes_of_values(activation, h, slopes);
            }
        }
    )*};
}
layer_math!(f32, f64);
