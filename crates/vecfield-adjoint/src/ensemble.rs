//! Sums over many runs and their gradients, the same bits for any number of threads and runs at a time.
//!
//! Runs are independent, so each is solved and pulled back by itself; the gradients are added in the order of the runs, one after
//! the other, whoever computed them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use vecfield_traits::Real;

use crate::AdjointError;
use crate::discrete::Gradient;

/// How the runs of a sum are shared out: nothing here changes the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Threads that take runs; one at least.
    pub threads: usize,
    /// Runs that a thread takes at a time; one at least.
    pub batch: usize,
}

/// The sum of the values of all runs, and its gradient.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Total<R> {
    /// The sum of the values.
    pub value: R,
    /// By the parameters, which all runs share.
    pub parameters: Vec<R>,
    /// By the initial state of each run; empty for one that failed.
    pub initial: Vec<Vec<R>>,
    /// Runs without a gradient, which the sum leaves out, and why.
    pub failed: Vec<(usize, AdjointError)>,
}

impl<R> Total<R> {
    /// The sum, if no run failed.
    ///
    /// # Errors
    ///
    /// That of the first run that failed.
    pub fn complete(self) -> Result<Total<R>, AdjointError> {
        match self.failed.first() {
            Some((_, error)) => Err(error.clone()),
            None => Ok(self),
        }
    }
}

/// Adds up the values and gradients of the runs `0..count`. `worker` makes what a thread solves with (a
/// [`Discrete`](crate::Discrete) and a field); `run` solves one run and pulls its cotangents back.
///
/// ```
/// use vecfield_adjoint::{Budget, Cotangents, Discrete, Share, total};
/// use vecfield_autodiff::Lifted;
/// use vecfield_solvers::{Options, tableau::TSIT5};
/// use vecfield_traits::{Dynamics, Elementary};
///
/// /// y' = -θ y
/// struct Decay;
/// impl Dynamics for Decay {
///     fn dim(&self) -> usize { 1 }
///     fn parameter_count(&self) -> usize { 1 }
///     fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) { dy[0] = -theta[0] * y[0]; }
/// }
///
/// // Σ y_i(1) over y_i(0) = i for i < 100: its slope by θ is -Σ i exp(-θ).
/// let options = Options::tolerances(1e-9, 1e-9);
/// let adjoint = Discrete::explicit(&TSIT5, 1, &options, Budget::default())?;
/// let found = total(
///     100,
///     Share { threads: 2, batch: 8 },
///     || (adjoint.clone(), Lifted::new(Decay, vec![0.5])),
///     |(adjoint, field), i| {
///         let solution = adjoint.solve(field, (0.0, 1.0), &[i as f64], &[])?;
///         Ok((solution.last()[0], adjoint.pull_back(field, &Cotangents::end(&[1.0]))?))
///     },
/// )
/// .complete()?;
/// assert!((found.parameters[0] + 4950.0 * (-0.5_f64).exp()).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn total<R: Real + Send, W>(
    count: usize,
    share: Share,
    worker: impl Fn() -> W + Sync,
    run: impl Fn(&mut W, usize) -> Result<(R, Gradient<R>), AdjointError> + Sync,
) -> Total<R> {
    let Share { threads, batch } = Share { threads: share.threads.max(1), batch: share.batch.max(1) };
    let mut sum =
        Total { value: R::zero(), parameters: Vec::new(), initial: Vec::with_capacity(count), failed: Vec::new() };
    if threads == 1 {
        let mut worker = worker();
        (0..count).for_each(|index| sum.add(index, run(&mut worker, index)));
        return sum;
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..threads {
            let (send, next, worker, run) = (send.clone(), &next, &worker, &run);
            scope.spawn(move || {
                let mut worker = worker();
                loop {
                    let first = next.fetch_add(batch, Ordering::Relaxed);
                    if first >= count {
                        return;
                    }
                    let found: Vec<_> =
                        (first..count.min(first + batch)).map(|index| run(&mut worker, index)).collect();
                    if send.send((first, found)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        // Batches come as they are ready, and wait for those before them.
        let (mut waiting, mut due) = (BTreeMap::new(), 0);
        for (first, found) in receive {
            waiting.insert(first, found);
            while let Some(found) = waiting.remove(&due) {
                for run in found {
                    sum.add(due, run);
                    due += 1;
                }
            }
        }
    });
    sum
}

impl<R: Real> Total<R> {
    fn add(&mut self, index: usize, run: Result<(R, Gradient<R>), AdjointError>) {
        match run {
            Ok((value, gradient)) => {
                self.value += value;
                self.parameters.resize(gradient.parameters.len(), R::zero());
                for (sum, bar) in self.parameters.iter_mut().zip(&gradient.parameters) {
                    *sum += *bar;
                }
                self.initial.push(gradient.initial);
            }
            Err(error) => {
                self.failed.push((index, error));
                self.initial.push(Vec::new());
            }
        }
    }
}
