//! Numbers that begin where a cache line does: a wide register read across two lines takes twice as long, which is half the
//! time of a network with one row.

use core::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest register.
const LINE: usize = 64;

/// A slice whose first number stands at the beginning of a cache line.
#[derive(Debug)]
pub(crate) struct Aligned<R> {
    numbers: Vec<R>,
    at: usize,
    len: usize,
}

impl<R: Copy + Default> Aligned<R> {
    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Aligned<R> {
        let numbers = vec![R::default(); len + spare::<R>()];
        Aligned { at: beginning(&numbers), numbers, len }
    }
}

impl<R: Copy + Default> From<&[R]> for Aligned<R> {
    fn from(numbers: &[R]) -> Aligned<R> {
        let mut aligned = Aligned::zeros(numbers.len());
        aligned.copy_from_slice(numbers);
        aligned
    }
}

impl<R> Deref for Aligned<R> {
    type Target = [R];

    #[inline]
    fn deref(&self) -> &[R] {
        &self.numbers[self.at..][..self.len]
    }
}

impl<R> DerefMut for Aligned<R> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [R] {
        &mut self.numbers[self.at..][..self.len]
    }
}

/// A copy lies elsewhere, and begins elsewhere in it.
impl<R: Clone> Clone for Aligned<R> {
    fn clone(&self) -> Aligned<R> {
        let mut numbers = self.numbers.clone();
        let at = beginning(&numbers);
        let total = numbers.len();
        numbers.rotate_right((at + total - self.at) % total);
        Aligned { numbers, at, len: self.len }
    }
}

impl<R: PartialEq> PartialEq for Aligned<R> {
    fn eq(&self, other: &Aligned<R>) -> bool {
        **self == **other
    }
}

/// How many numbers may lie before the first.
fn spare<R>() -> usize {
    LINE / size_of::<R>()
}

/// Where in these numbers a line begins.
fn beginning<R>(numbers: &[R]) -> usize {
    numbers.as_ptr().align_offset(LINE).min(spare::<R>())
}
