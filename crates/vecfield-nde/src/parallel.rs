//! Work cut into chunks that do not depend on the number of threads, and put together in their order.

use std::sync::OnceLock;

use rayon::prelude::*;

use crate::model::{Cost, Model, Number, Pass};

/// So many chunks are at work before their gradients are added up.
const WAVE: usize = 16;

/// Memory for the chunks of a batch.
pub(crate) struct Slots<R, M>(Vec<Slot<R, M>>);

struct Slot<R, M> {
    gradient: Vec<R>,
    memory: M,
    cost: Cost,
}

impl<R: Number, M: Send> Slots<R, M> {
    /// None yet; the first batch makes them.
    pub(crate) fn new() -> Slots<R, M> {
        Slots(vec![])
    }

    /// What `batch` costs in sum, and the gradient of that, written; an empty `gradient` asks for the cost alone.
    pub(crate) fn cost<T: Model<R, Memory = M>>(
        &mut self,
        model: &T,
        batch: &[usize],
        pass: &Pass,
        gradient: &mut [R],
    ) -> Cost {
        let chunk = model.chunk().max(1);
        let needed = batch.len().div_ceil(chunk).min(WAVE);
        while self.0.len() < needed {
            self.0.push(Slot { gradient: vec![], memory: model.memory(), cost: Cost::default() });
        }
        gradient.fill(R::zero());
        let mut whole = Cost::default();
        for wave in batch.chunks(chunk * WAVE) {
            let slots = &mut self.0[..wave.len().div_ceil(chunk)];
            let work = |(slot, samples): (&mut Slot<R, M>, &[usize])| {
                slot.gradient.clear();
                slot.gradient.resize(gradient.len(), R::zero());
                slot.cost = model.cost(samples, pass, &mut slot.gradient, &mut slot.memory);
            };
            if let [only] = slots {
                work((only, wave));
            } else {
                slots.par_iter_mut().zip(wave.par_chunks(chunk)).for_each(work);
            }
            for slot in slots {
                for (sum, &part) in gradient.iter_mut().zip(&slot.gradient) {
                    *sum += part;
                }
                whole.add(core::mem::take(&mut slot.cost));
            }
        }
        whole
    }
}

/// `work` of every chunk of so many of `0..count`, in their order, or the first error.
pub(crate) fn chunks<T: Send + Sync, E: Send + Sync>(
    count: usize,
    chunk: usize,
    work: impl Fn(core::ops::Range<usize>) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let starts: Vec<usize> = (0..count).step_by(chunk.max(1)).collect();
    let done: Vec<OnceLock<Result<T, E>>> = starts.iter().map(|_| OnceLock::new()).collect();
    each(starts.len(), &|index| {
        let at = starts[index];
        let first = done[index].set(work(at..(at + chunk).min(count))).is_ok();
        debug_assert!(first, "every chunk is asked for once");
    });
    // All are done before the first error is looked for, so that it is the first one whatever thread was faster.
    done.into_iter().map(|done| done.into_inner().expect("every chunk is asked for")).collect()
}

/// `work` of each of `0..count` on all threads: for all that is done so, compiled once.
fn each(count: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..count).into_par_iter().for_each(work);
}
