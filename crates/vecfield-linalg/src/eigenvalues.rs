//! Eigenvalues of any square matrix: balanced, reduced to Hessenberg form, then by the QR algorithm with Wilkinson's shifts
//! (Golub–Van Loan, 4th ed., sections 7.4 and 7.5), over complex numbers, which needs one shift at a time.

use crate::error::all_finite;
use crate::{Complex, Element, LinalgError};
use vecfield_traits::{Real, Scalar};

/// Iterations for one eigenvalue, at most; three are usual.
const ITERATIONS: usize = 60;

/// The eigenvalues of `a` (`[n, n]`, row-major), the largest real part first and of a pair the positive imaginary part.
///
/// ```
/// use vecfield_linalg::eigenvalues;
///
/// // A rotation that grows, and a decay: 1 ± 2i and -3.
/// let found = eigenvalues(&[1.0, -2.0, 0.0, 2.0, 1.0, 0.0, 5.0, 5.0, -3.0], 3)?;
/// assert!((found[0].re - 1.0_f64).abs() < 1e-13 && (found[0].im - 2.0).abs() < 1e-13);
/// assert!((found[2].re + 3.0).abs() < 1e-13 && found[2].im.abs() < 1e-13);
/// # Ok::<(), vecfield_linalg::LinalgError>(())
/// ```
///
/// # Errors
///
/// [`LinalgError::NotFinite`] with the first entry that is not finite; [`LinalgError::NoConvergence`] when entries overflow.
///
/// # Panics
///
/// If `a` does not have `n²` entries.
pub fn eigenvalues<R: Real>(a: &[R], n: usize) -> Result<Vec<Complex<R>>, LinalgError> {
    assert_eq!(a.len(), n * n, "the matrix must be n × n");
    all_finite(a, n)?;
    let mut real = a.to_vec();
    balance(&mut real, n);
    reduce(&mut real, n);
    let mut h: Vec<Complex<R>> = real.into_iter().map(Complex::lift).collect();
    let mut found = Vec::with_capacity(n);
    let (mut end, mut iterations) = (n, 0);
    while end > 0 {
        let start = deflated(&mut h, n, end);
        if start + 1 == end {
            found.push(h[start * n + start]);
            (end, iterations) = (start, 0);
            continue;
        }
        if iterations == ITERATIONS {
            return Err(LinalgError::NoConvergence { sweeps: ITERATIONS });
        }
        iterations += 1;
        let last = h[(end - 1) * n + end - 1];
        // An exceptional shift breaks the rare circle.
        let shift = match iterations % 10 {
            0 => last + h[(end - 1) * n + end - 2],
            _ => wilkinson(&h, n, end),
        };
        sweep(&mut h, n, start..end, shift);
    }
    found.sort_by(|a, b| {
        let order = |x: R, y: R| y.partial_cmp(&x).unwrap_or(core::cmp::Ordering::Equal);
        order(a.re, b.re).then(order(a.im, b.im))
    });
    Ok(found)
}

/// Scales rows against columns by powers of two, so that rounding is relative to each (Parlett–Reinsch 1969).
fn balance<R: Real>(a: &mut [R], n: usize) {
    let (two, much) = (R::from_f64(2.0), R::from_f64(0.95));
    for _ in 0..100 {
        let mut settled = true;
        for i in 0..n {
            let (mut row, mut column) = (R::zero(), R::zero());
            for j in (0..n).filter(|&j| j != i) {
                row += a[i * n + j].abs();
                column += a[j * n + i].abs();
            }
            if row == R::zero() || column == R::zero() || !Scalar::is_finite(&(row + column)) {
                continue;
            }
            let (mut factor, mut scaled, sum) = (R::one(), column, row + column);
            while scaled < row / two {
                (factor, scaled) = (factor * two, scaled * two * two);
            }
            while scaled > row * two {
                (factor, scaled) = (factor / two, scaled / (two * two));
            }
            if (scaled + row) / factor < much * sum {
                settled = false;
                for j in 0..n {
                    a[i * n + j] /= factor;
                    a[j * n + i] *= factor;
                }
            }
        }
        if settled {
            return;
        }
    }
}

/// Householder reflections from both sides, until nothing is left below the first sub-diagonal.
fn reduce<R: Real>(a: &mut [R], n: usize) {
    let mut v = vec![R::zero(); n];
    for k in 0..n.saturating_sub(2) {
        let mut scale = R::zero();
        (k + 1..n).for_each(|i| scale += a[i * n + k].abs());
        if scale == R::zero() {
            continue;
        }
        let mut squares = R::zero();
        for i in k + 1..n {
            v[i] = a[i * n + k] / scale;
            squares += v[i] * v[i];
        }
        let length = if v[k + 1] > R::zero() { -squares.sqrt() } else { squares.sqrt() };
        // ‖v‖² / 2 after the reflection vector is formed.
        let half = squares - v[k + 1] * length;
        v[k + 1] -= length;
        for j in k..n {
            let along = (k + 1..n).fold(R::zero(), |sum, i| sum + v[i] * a[i * n + j]) / half;
            (k + 1..n).for_each(|i| a[i * n + j] -= along * v[i]);
        }
        for row in a.chunks_exact_mut(n) {
            let along = (k + 1..n).fold(R::zero(), |sum, j| sum + v[j] * row[j]) / half;
            (k + 1..n).for_each(|j| row[j] -= along * v[j]);
        }
        a[(k + 1) * n + k] = scale * length;
        (k + 2..n).for_each(|i| a[i * n + k] = R::zero());
    }
}

/// Sets negligible sub-diagonal entries to zero and returns where the last block before `end` starts.
fn deflated<R: Real>(h: &mut [Complex<R>], n: usize, end: usize) -> usize {
    for i in (1..end).rev() {
        let around = h[i * n + i].size() + h[(i - 1) * n + i - 1].size();
        if h[i * n + i - 1].size() <= R::EPSILON * around {
            h[i * n + i - 1] = Complex::nought();
            return i;
        }
    }
    0
}

/// The eigenvalue of the last two rows and columns that is nearer to the last entry.
fn wilkinson<R: Real>(h: &[Complex<R>], n: usize, end: usize) -> Complex<R> {
    let at = |i: usize, j: usize| h[(end - 2 + i) * n + end - 2 + j];
    let half = Complex::lift(R::from_f64(0.5));
    let mean = (at(0, 0) + at(1, 1)) * half;
    let spread = (at(0, 0) - at(1, 1)) * half;
    let root = root(spread * spread + at(0, 1) * at(1, 0));
    let (plus, minus) = (mean + root, mean - root);
    if (plus - at(1, 1)).size() < (minus - at(1, 1)).size() { plus } else { minus }
}

/// A QR step of the block: `H - μI = QR`, then `RQ + μI`.
fn sweep<R: Real>(h: &mut [Complex<R>], n: usize, block: core::ops::Range<usize>, shift: Complex<R>) {
    let (start, end) = (block.start, block.end);
    (start..end).for_each(|i| h[i * n + i] -= shift);
    let mut before: Option<(R, Complex<R>)> = None;
    for k in start..end {
        if k + 1 < end {
            let (a, b) = (h[k * n + k], h[(k + 1) * n + k]);
            let turn = rotation(a, b);
            let (c, s) = (Complex::lift(turn.0), turn.1);
            for j in k..end {
                let (x, y) = (h[k * n + j], h[(k + 1) * n + j]);
                h[k * n + j] = c * x + s.conjugate() * y;
                h[(k + 1) * n + j] = c * y - s * x;
            }
            if let Some(turn) = before.replace(turn) {
                from_right(h, n, (start, k), turn);
            }
        } else if let Some(turn) = before {
            from_right(h, n, (start, k), turn);
        }
    }
    (start..end).for_each(|i| h[i * n + i] += shift);
}

/// Applies the adjoint of a rotation of the columns `k - 1` and `k` to the rows `start..=k`.
fn from_right<R: Real>(h: &mut [Complex<R>], n: usize, (start, k): (usize, usize), (c, s): (R, Complex<R>)) {
    let c = Complex::lift(c);
    for i in start..=k {
        let (x, y) = (h[i * n + k - 1], h[i * n + k]);
        h[i * n + k - 1] = x * c + y * s;
        h[i * n + k] = y * c - x * s.conjugate();
    }
}

/// `c` and `s` with `-s a + c b = 0` and `c² + |s|² = 1`.
fn rotation<R: Real>(a: Complex<R>, b: Complex<R>) -> (R, Complex<R>) {
    let (size_a, size_b) = (modulus(a), modulus(b));
    if size_b == R::zero() {
        return (R::one(), Complex::nought());
    }
    if size_a == R::zero() {
        return (R::zero(), Complex::unit());
    }
    let radius = modulus(Complex::new(size_a, size_b));
    // s = c b / a.
    (size_a / radius, Complex::lift(size_a / radius) * (b / a))
}

fn modulus<R: Real>(z: Complex<R>) -> R {
    let (re, im) = (z.re.abs(), z.im.abs());
    let (large, small) = if re > im { (re, im) } else { (im, re) };
    if large == R::zero() { large } else { large * (R::one() + (small / large) * (small / large)).sqrt() }
}

/// A square root.
fn root<R: Real>(z: Complex<R>) -> Complex<R> {
    let half = R::from_f64(0.5);
    let re = ((modulus(z) + z.re.abs()) * half).sqrt();
    if re == R::zero() {
        return Complex::nought();
    }
    let im = z.im * half / re;
    match (z.re >= R::zero(), z.im >= R::zero()) {
        (true, _) => Complex::new(re, im),
        (false, true) => Complex::new(im.abs(), re),
        (false, false) => Complex::new(im.abs(), -re),
    }
}
