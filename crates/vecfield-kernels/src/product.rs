//! Products of matrices in registers: a block of the result stays there while the inner index runs.
//!
//! Every entry is `start + Σ_l a_il b_lj` with `l` upwards, one fused multiply-add each; how the result is cut into blocks
//! does not show in it. Blocks are of eight rows by two registers with AVX-512, four by two elsewhere.

use core::marker::PhantomData;
use core::mem::MaybeUninit;

use vecfield_traits::Scalar;

use crate::dispatch::{Job, Target, run_on};
use crate::lane::Lane;
use crate::reduction::pairwise;
use crate::register::{Plain, Register, Registers};

/// A matrix inside a slice: entry `(i, j)` at `i · row + j · column`.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, T> {
    data: &'a [T],
    row: usize,
    column: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// Rows behind each other, `width` numbers apart.
    pub fn rows(data: &'a [T], width: usize) -> Self {
        Matrix { data, row: width, column: 1 }
    }

    /// Columns behind each other, `height` numbers apart: the transpose of [`rows`](Matrix::rows).
    pub fn columns(data: &'a [T], height: usize) -> Self {
        Matrix { data, row: 1, column: height }
    }

    /// Entry `(i, j)` at `i · row + j · column`.
    pub fn strided(data: &'a [T], row: usize, column: usize) -> Self {
        Matrix { data, row, column }
    }
}

/// What a product is added to.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a, T> {
    /// Nothing: the result is overwritten.
    Zero,
    /// This row, the same for every row of the result, which is overwritten.
    Row(&'a [T]),
    /// What the result holds.
    Sum,
}

/// One product: `c ← start + a b` for `c` of `m × n`, inner dimension `k`.
pub(crate) struct Product<'a, T> {
    pub(crate) shape: (usize, usize, usize),
    pub(crate) a: Matrix<'a, T>,
    /// `[k, n]`, rows `b_row` apart.
    pub(crate) b: &'a [T],
    pub(crate) b_row: usize,
    pub(crate) start: Start<'a, T>,
    pub(crate) c: &'a mut [T],
    pub(crate) c_row: usize,
    pub(crate) c_column: usize,
}

/// The longest row of a block, in numbers.
const LONGEST: usize = 64;

pub(crate) fn multiply<T: Registers>(target: Target, product: Product<'_, T>) {
    let (m, n, k) = product.shape;
    if m == 0 || n == 0 {
        return;
    }
    let last = |rows: usize, row: usize, columns: usize, column: usize| (rows - 1) * row + (columns - 1) * column;
    if k > 0 {
        assert!(last(m, product.a.row, k, product.a.column) < product.a.data.len(), "a has {m} rows and {k} columns");
        assert!(last(k, product.b_row, n, 1) < product.b.len(), "b has {k} rows and {n} columns");
    }
    assert!(last(m, product.c_row, n, product.c_column) < product.c.len(), "c has {m} rows and {n} columns");
    if let Start::Row(row) = product.start {
        assert!(row.len() >= n, "the row has {n} numbers");
    }
    if k == 1 && matches!(product.start, Start::Sum) {
        return run_on(target, Outer(product));
    }
    match target.width() {
        64 => run_on(target, Blocked::<T::Avx512, T, 8>(product, PhantomData)),
        32 => run_on(target, Blocked::<T::Avx2, T, 4>(product, PhantomData)),
        _ => run_on(target, Blocked::<Plain<T>, T, 4>(product, PhantomData)),
    }
}

/// A column times a row, added to what the result holds: there is nothing for a block to keep in registers.
struct Outer<'a, T>(Product<'a, T>);

impl<T: Lane> Job for Outer<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Product { shape: (m, n, _), a, b, c, c_row, c_column, .. } = self.0;
        if c_column == 1 {
            for i in 0..m {
                let x = a.data[i * a.row];
                for (c, &y) in c[i * c_row..][..n].iter_mut().zip(b) {
                    *c = x.fma::<FUSED>(y, *c);
                }
            }
            return;
        }
        for (j, &y) in b[..n].iter().enumerate() {
            for i in 0..m {
                let c = &mut c[i * c_row + j * c_column];
                *c = a.data[i * a.row].fma::<FUSED>(y, *c);
            }
        }
    }
}

struct Blocked<'a, V, T, const ROWS: usize>(Product<'a, T>, PhantomData<V>);

impl<T: Registers, V: Register<Number = T>, const ROWS: usize> Job for Blocked<'_, V, T, ROWS> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let mut product = self.0;
        let (m, n, _) = product.shape;
        let mut j = 0;
        while j < n {
            let left = n - j;
            // A single row has few sums under way: make it a long one.
            let width = if m == 1 && left > 4 * V::WIDTH {
                let mut tile = Tile { product: &mut product, i: 0, j, width: left.min(8 * V::WIDTH) };
                tile.run::<V, FUSED, 1, 8>()
            } else if m == 1 && left > 2 * V::WIDTH {
                let mut tile = Tile { product: &mut product, i: 0, j, width: left.min(4 * V::WIDTH) };
                tile.run::<V, FUSED, 1, 4>()
            } else if left > V::WIDTH {
                strip::<V, FUSED, ROWS, 2>(&mut product, j, left.min(2 * V::WIDTH))
            } else {
                strip::<V, FUSED, ROWS, 1>(&mut product, j, left)
            };
            j += width;
        }
    }
}

/// Columns `j..j + width` of the result.
#[inline(always)]
fn strip<V: Register, const FUSED: bool, const ROWS: usize, const WIDE: usize>(
    product: &mut Product<'_, V::Number>,
    j: usize,
    width: usize,
) -> usize {
    let m = product.shape.0;
    let mut tile = Tile { product, i: 0, j, width };
    while tile.i + ROWS <= m {
        tile.run::<V, FUSED, ROWS, WIDE>();
        tile.i += ROWS;
    }
    if ROWS > 4 && tile.i + 4 <= m {
        tile.run::<V, FUSED, 4, WIDE>();
        tile.i += 4;
    }
    while tile.i < m {
        tile.run::<V, FUSED, 1, WIDE>();
        tile.i += 1;
    }
    width
}

/// Rows from `i`, columns `j..j + width`.
struct Tile<'t, 'a, T> {
    product: &'t mut Product<'a, T>,
    i: usize,
    j: usize,
    width: usize,
}

impl<T: Lane> Tile<'_, '_, T> {
    #[inline(always)]
    fn run<V: Register<Number = T>, const FUSED: bool, const ROWS: usize, const WIDE: usize>(&mut self) -> usize {
        let mut sums = self.begin::<V, ROWS, WIDE>();
        // Known to be whole, a row is loaded without a mask.
        let whole = WIDE * V::WIDTH;
        if self.width == whole {
            self.accumulate::<V, FUSED, ROWS, WIDE>(&mut sums, whole);
        } else {
            self.accumulate::<V, FUSED, ROWS, WIDE>(&mut sums, self.width);
        }
        self.end(&sums);
        self.width
    }

    /// `sums += a b`.
    #[inline(always)]
    fn accumulate<V: Register<Number = T>, const FUSED: bool, const ROWS: usize, const WIDE: usize>(
        &self,
        sums: &mut [[V; WIDE]; ROWS],
        width: usize,
    ) {
        let Tile { ref product, i, j, .. } = *self;
        let Matrix { data: a, row: a_row, column: a_column } = product.a;
        let b = &product.b[j.min(product.b.len())..];
        for l in 0..product.shape.2 {
            // SAFETY: `multiply` has checked that the last row of b is there, `width` numbers of it from j on.
            let row = unsafe { read::<V, WIDE>(b.as_ptr().add(l * product.b_row), width) };
            for r in 0..ROWS {
                // SAFETY: `multiply` has checked that the last entry of a is there.
                let x = V::splat(unsafe { *a.get_unchecked((i + r) * a_row + l * a_column) });
                for s in 0..WIDE {
                    sums[r][s] = x.fma::<FUSED>(row[s], sums[r][s]);
                }
            }
        }
    }

    /// What the sums begin with.
    #[inline(always)]
    fn begin<V: Register<Number = T>, const ROWS: usize, const WIDE: usize>(&self) -> [[V; WIDE]; ROWS] {
        let Tile { ref product, i, j, width } = *self;
        let mut sums = [[V::splat(T::zero()); WIDE]; ROWS];
        match product.start {
            Start::Zero => {}
            Start::Row(row) => {
                // SAFETY: the slice has `width` numbers.
                let row = unsafe { read(row[j..j + width].as_ptr(), width) };
                sums = [row; ROWS];
            }
            Start::Sum if product.c_column == 1 => {
                for r in 0..ROWS {
                    let at = (i + r) * product.c_row + j;
                    // SAFETY: the slice has `width` numbers.
                    sums[r] = unsafe { read(product.c[at..at + width].as_ptr(), width) };
                }
            }
            Start::Sum => {
                for r in 0..ROWS {
                    let at = (i + r) * product.c_row + j * product.c_column;
                    let mut row = [MaybeUninit::<T>::uninit(); LONGEST];
                    for s in 0..width {
                        row[s].write(product.c[at + s * product.c_column]);
                    }
                    // SAFETY: `width` numbers have been written there.
                    sums[r] = unsafe { read(row.as_ptr().cast(), width) };
                }
            }
        }
        sums
    }

    /// Writes the sums to their places.
    #[inline(always)]
    fn end<V: Register<Number = T>, const ROWS: usize, const WIDE: usize>(&mut self, sums: &[[V; WIDE]; ROWS]) {
        let Tile { ref mut product, i, j, width } = *self;
        for (r, sums) in sums.iter().enumerate() {
            let at = (i + r) * product.c_row + j * product.c_column;
            if product.c_column == 1 {
                // SAFETY: the slice has `width` places.
                unsafe { write(sums, product.c[at..at + width].as_mut_ptr(), width) };
                continue;
            }
            let mut row = [MaybeUninit::<T>::uninit(); LONGEST];
            // SAFETY: there are `LONGEST` places, and `width` is no more.
            unsafe { write(sums, row.as_mut_ptr().cast(), width) };
            for s in 0..width {
                // SAFETY: `width` numbers have been written there.
                product.c[at + s * product.c_column] = unsafe { row[s].assume_init() };
            }
        }
    }
}

/// `width` numbers, and zeros behind.
///
/// # Safety
///
/// `width` numbers can be read there.
#[inline(always)]
unsafe fn read<V: Register, const WIDE: usize>(from: *const V::Number, width: usize) -> [V; WIDE] {
    // A loop: a closure given to `array::from_fn` may be compiled apart, without the registers of whoever calls it.
    let mut registers = [V::splat(<V::Number as Scalar>::zero()); WIDE];
    for s in 0..WIDE {
        let at = s * V::WIDTH;
        // SAFETY: the caller's contract; no more than `width` numbers are read.
        unsafe {
            if at + V::WIDTH <= width {
                registers[s] = V::load(from.add(at));
            } else if at < width {
                registers[s] = V::load_part(from.add(at), width - at);
            }
        }
    }
    registers
}

/// The first `width` numbers of the registers.
///
/// # Safety
///
/// `width` numbers can be written there.
#[inline(always)]
unsafe fn write<V: Register, const WIDE: usize>(registers: &[V; WIDE], to: *mut V::Number, width: usize) {
    for (s, register) in registers.iter().enumerate() {
        let at = s * V::WIDTH;
        // SAFETY: the caller's contract; no more than `width` numbers are written.
        unsafe {
            if at + V::WIDTH <= width {
                register.store(to.add(at));
            } else if at < width {
                register.store_part(to.add(at), width - at);
            }
        }
    }
}

/// Inner products of rows, `c_ij ← start + Σ_l a_il b_jl`: for few `j`, where a block of the result would be mostly empty.
///
/// Element `l` goes to partial sum `l mod 16`, and the sixteen are added pairwise, then to the start.
pub(crate) struct Inner<'a, T> {
    pub(crate) shape: (usize, usize, usize),
    /// `[m, k]`
    pub(crate) a: &'a [T],
    /// `[n, k]`
    pub(crate) b: &'a [T],
    pub(crate) start: Start<'a, T>,
    /// `[m, n]`
    pub(crate) c: &'a mut [T],
}

const PARTIAL: usize = 16;

pub(crate) fn inner<T: Registers>(target: Target, inner: Inner<'_, T>) {
    match target.width() {
        64 => run_on(target, InnerIn::<T::Avx512, T>(inner, PhantomData)),
        32 => run_on(target, InnerIn::<T::Avx2, T>(inner, PhantomData)),
        _ => run_on(target, InnerIn::<Plain<T>, T>(inner, PhantomData)),
    }
}

struct InnerIn<'a, V, T>(Inner<'a, T>, PhantomData<V>);

impl<T: Registers, V: Register<Number = T>> Job for InnerIn<'_, V, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Inner { shape: (m, n, k), a, b, start, c } = self.0;
        for i in 0..m {
            let x = &a[i * k..(i + 1) * k];
            for j in 0..n {
                let sum = along::<V, FUSED>(x, &b[j * k..(j + 1) * k]);
                let c = &mut c[i * n + j];
                *c = match start {
                    Start::Zero => sum,
                    Start::Row(start) => start[j] + sum,
                    Start::Sum => *c + sum,
                };
            }
        }
    }
}

/// `Σ x_l y_l`.
#[inline(always)]
fn along<V: Register, const FUSED: bool>(x: &[V::Number], y: &[V::Number]) -> V::Number {
    // Sixteen numbers take at most four registers, and some fewer.
    const MOST: usize = 4;
    let registers = PARTIAL / V::WIDTH;
    let zero = <V::Number as Scalar>::zero();
    let mut sums = [V::splat(zero); MOST];
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<PARTIAL>(), y.as_chunks::<PARTIAL>());
    let add = |sums: &mut [V; MOST], x: &[V::Number; PARTIAL], y: &[V::Number; PARTIAL]| {
        for s in 0..registers {
            let at = s * V::WIDTH;
            // SAFETY: both have sixteen numbers, and `at + WIDTH` is at most that.
            let (x, y) = unsafe { (V::load(x.as_ptr().add(at)), V::load(y.as_ptr().add(at))) };
            sums[s] = x.fma::<FUSED>(y, sums[s]);
        }
    };
    for (x, y) in x.iter().zip(y) {
        add(&mut sums, x, y);
    }
    for s in 0..registers {
        let (at, left) = (s * V::WIDTH, x_rest.len().min(y_rest.len()));
        if at < left {
            let count = left - at;
            // SAFETY: `count` numbers are left in both from `at` on.
            let (x, y) = unsafe {
                let (x, y) = (x_rest.as_ptr().add(at), y_rest.as_ptr().add(at));
                if count >= V::WIDTH {
                    (V::load(x), V::load(y))
                } else {
                    (V::load_part(x, count), V::load_part(y, count))
                }
            };
            sums[s] = x.fma::<FUSED>(y, sums[s]);
        }
    }
    let mut partial = [zero; PARTIAL];
    for s in 0..registers {
        // SAFETY: as above.
        unsafe { sums[s].store(partial.as_mut_ptr().add(s * V::WIDTH)) };
    }
    pairwise(partial)
}
