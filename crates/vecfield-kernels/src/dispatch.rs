//! One source, three machines: a [`Job`] is compiled for the baseline, for AVX2 with FMA and for AVX-512, and the best
//! that the processor has is entered at run time.

use core::fmt;

/// A piece of work whose loops gain from wide vectors.
///
/// Mark `run` and everything it calls `#[inline(always)]`: only code inlined into the entry points is compiled for their
/// instructions. Write the loops branch-free, over `chunks_exact` or arrays; LLVM does the rest.
///
/// ```
/// use vecfield_kernels::{Job, run};
///
/// /// y ← y² + 1.
/// struct Step<'a>(&'a mut [f64]);
/// impl Job for Step<'_> {
///     type Output = ();
///     #[inline(always)]
///     fn run<const FUSED: bool>(self) {
///         for y in self.0 {
///             *y = if FUSED { y.mul_add(*y, 1.0) } else { *y * *y + 1.0 };
///         }
///     }
/// }
/// let mut y = [2.0; 100];
/// run(Step(&mut y));
/// assert_eq!(y, [5.0; 100]);
/// ```
pub trait Job {
    /// What the work returns.
    type Output;

    /// Does it. `FUSED` says that `mul_add` is one instruction here; elsewhere it is a library call, fifty times slower
    /// than a product and a sum.
    fn run<const FUSED: bool>(self) -> Self::Output;
}

/// `a b + c`, in one rounding where that is one instruction: for loops of a [`Job`].
#[inline(always)]
pub fn fused<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// A set of vector instructions that this processor has been found to have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Target(Level);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Target {
    /// What every processor of the target architecture has: SSE2 on x86-64.
    pub const BASELINE: Target = Target(Level::Baseline);

    /// The widest instructions this processor has.
    #[inline]
    pub fn best() -> Target {
        #[cfg(target_arch = "x86_64")]
        {
            // `std` asks the processor once and remembers.
            if has_avx512() {
                return Target(Level::Avx512);
            }
            if has_avx2() {
                return Target(Level::Avx2);
            }
        }
        Target::BASELINE
    }

    /// Everything this processor has, from the baseline up.
    pub fn all() -> Vec<Target> {
        #[allow(unused_mut)]
        let mut all = vec![Target::BASELINE];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(has_avx2().then_some(Target(Level::Avx2)));
            all.extend(has_avx512().then_some(Target(Level::Avx512)));
        }
        all
    }

    /// Bytes in a vector register that matrix kernels use.
    #[inline]
    pub(crate) fn width(self) -> usize {
        match self.0 {
            Level::Baseline => 16,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => 32,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => 64,
        }
    }

    /// `baseline`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Does the job with the best instructions there are.
#[inline]
pub fn run<J: Job>(job: J) -> J::Output {
    run_on(Target::best(), job)
}

/// Does the job with the given instructions: for tests and measurements.
#[inline]
pub fn run_on<J: Job>(target: Target, job: J) -> J::Output {
    match target.0 {
        Level::Baseline => job.run::<BASELINE_FUSED>(),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Target` of this level is made only after `has_avx2`, which checks every feature `avx2` enables.
        Level::Avx2 => unsafe { avx2(job) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Target` of this level is made only after `has_avx512`, which checks every feature `avx512` enables.
        Level::Avx512 => unsafe { avx512(job) },
    }
}

/// FMA is part of the architecture on aarch64, and of the baseline when the compiler was told so.
const BASELINE_FUSED: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

#[cfg(target_arch = "x86_64")]
#[inline]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<J: Job>(job: J) -> J::Output {
    job.run::<true>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")]
fn avx512<J: Job>(job: J) -> J::Output {
    job.run::<true>()
}
