//! A vector register by name: what the matrix kernels are written over.
//!
//! The elementary functions leave vectorisation to LLVM; a product of matrices cannot, because its partial sums must stay in
//! registers over the whole loop.

use vecfield_traits::Real;

use crate::lane::Lane;

/// `WIDTH` numbers in one register.
pub(crate) trait Register: Copy {
    /// The number.
    type Number: Lane;
    /// How many.
    const WIDTH: usize;

    /// The same number in every lane.
    fn splat(x: Self::Number) -> Self;

    /// Reads the lanes from `from`.
    ///
    /// # Safety
    ///
    /// `WIDTH` numbers can be read there, and the processor has the register's instructions.
    unsafe fn load(from: *const Self::Number) -> Self;

    /// Writes the lanes to `to`.
    ///
    /// # Safety
    ///
    /// `WIDTH` numbers can be written there, and the processor has the register's instructions.
    unsafe fn store(self, to: *mut Self::Number);

    /// Reads the first `count < WIDTH` lanes from `from`; the others are zero.
    ///
    /// # Safety
    ///
    /// `count` numbers can be read there, and the processor has the register's instructions.
    unsafe fn load_part(from: *const Self::Number, count: usize) -> Self;

    /// Writes the first `count < WIDTH` lanes to `to`.
    ///
    /// # Safety
    ///
    /// `count` numbers can be written there, and the processor has the register's instructions.
    unsafe fn store_part(self, to: *mut Self::Number, count: usize);

    /// `self · b + c` lane by lane, rounded once where `FUSED`.
    fn fma<const FUSED: bool>(self, b: Self, c: Self) -> Self;
}

/// The register of a machine without wide vectors: an array.
#[derive(Clone, Copy)]
pub(crate) struct Plain<T>([T; 4]);

impl<T: Lane> Register for Plain<T> {
    type Number = T;
    const WIDTH: usize = 4;

    #[inline(always)]
    fn splat(x: T) -> Self {
        Plain([x; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller lets four numbers be read there; an array of them has their alignment.
        Plain(unsafe { from.cast::<[T; 4]>().read() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller lets four numbers be written there.
        unsafe { to.cast::<[T; 4]>().write(self.0) };
    }

    #[inline(always)]
    unsafe fn load_part(from: *const T, count: usize) -> Self {
        let mut lanes = [T::zero(); 4];
        // SAFETY: the caller lets `count` numbers be read there, fewer than four.
        lanes[..count].copy_from_slice(unsafe { core::slice::from_raw_parts(from, count) });
        Plain(lanes)
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut T, count: usize) {
        // SAFETY: the caller lets `count` numbers be written there, fewer than four.
        unsafe { core::ptr::copy_nonoverlapping(self.0.as_ptr(), to, count) };
    }

    #[inline(always)]
    fn fma<const FUSED: bool>(mut self, b: Self, c: Self) -> Self {
        for i in 0..4 {
            self.0[i] = self.0[i].fma::<FUSED>(b.0[i], c.0[i]);
        }
        self
    }
}

/// The registers of `f32` and `f64` on each level of [`Target`](crate::Target).
pub(crate) trait Registers: Lane + Real {
    /// AVX2.
    type Avx2: Register<Number = Self>;
    /// AVX-512.
    type Avx512: Register<Number = Self>;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64 as arch;

    use super::{Register, Registers};

    macro_rules! register {
        ($register:ident $float:ident $width:literal $splat:ident $load:ident $store:ident $fma:ident
            |$count:ident| $mask:expr, $load_part:ident $store_part:ident) => {
            impl Register for arch::$register {
                type Number = $float;
                const WIDTH: usize = $width;

                #[inline(always)]
                fn splat(x: $float) -> Self {
                    // SAFETY: values of this type are made only by code entered through `run_on`, which checked the processor.
                    unsafe { arch::$splat(x) }
                }
                #[inline(always)]
                unsafe fn load(from: *const $float) -> Self {
                    // SAFETY: the caller's contract.
                    unsafe { arch::$load(from) }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut $float) {
                    // SAFETY: the caller's contract.
                    unsafe { arch::$store(to, self) }
                }
                #[inline(always)]
                unsafe fn load_part(from: *const $float, $count: usize) -> Self {
                    // SAFETY: the caller's contract; lanes outside the mask are not read.
                    unsafe { register!(@load $load_part $mask, from) }
                }
                #[inline(always)]
                unsafe fn store_part(self, to: *mut $float, $count: usize) {
                    // SAFETY: the caller's contract; lanes outside the mask are not written.
                    unsafe { arch::$store_part(to, $mask, self) }
                }
                #[inline(always)]
                fn fma<const FUSED: bool>(self, b: Self, c: Self) -> Self {
                    // SAFETY: as for `splat`.
                    unsafe { arch::$fma(self, b, c) }
                }
            }
        };
        // The older instruction takes the mask second, the newer first.
        (@load _mm256_maskload_ps $mask:expr, $from:ident) => { arch::_mm256_maskload_ps($from, $mask) };
        (@load _mm256_maskload_pd $mask:expr, $from:ident) => { arch::_mm256_maskload_pd($from, $mask) };
        (@load $load_part:ident $mask:expr, $from:ident) => { arch::$load_part($mask, $from) };
    }

    /// Ones, then zeros: eight from `8 - n` on are a mask of `n` lanes, and of half as many twice as wide.
    const ONES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

    /// The mask of `count ≤ 8` lanes of 32 bits.
    #[inline(always)]
    unsafe fn mask(count: usize) -> arch::__m256i {
        debug_assert!(count <= 8, "a register has eight lanes");
        // SAFETY: eight of the sixteen numbers, from `8 - count` on.
        unsafe { arch::_mm256_loadu_si256(ONES.as_ptr().add(8 - count).cast()) }
    }

    register!(__m256 f32 8 _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps
        |count| mask(count), _mm256_maskload_ps _mm256_maskstore_ps);
    register!(__m256d f64 4 _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_fmadd_pd
        |count| mask(2 * count), _mm256_maskload_pd _mm256_maskstore_pd);
    register!(__m512 f32 16 _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps
        |count| (1 << count) - 1, _mm512_maskz_loadu_ps _mm512_mask_storeu_ps);
    register!(__m512d f64 8 _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_fmadd_pd
        |count| (1 << count) - 1, _mm512_maskz_loadu_pd _mm512_mask_storeu_pd);

    impl Registers for f32 {
        type Avx2 = arch::__m256;
        type Avx512 = arch::__m512;
    }

    impl Registers for f64 {
        type Avx2 = arch::__m256d;
        type Avx512 = arch::__m512d;
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod other {
    use super::{Plain, Registers};

    impl Registers for f32 {
        type Avx2 = Plain<f32>;
        type Avx512 = Plain<f32>;
    }

    impl Registers for f64 {
        type Avx2 = Plain<f64>;
        type Avx512 = Plain<f64>;
    }
}
