//! Memory that is asked for.
//!
//! Counting needs an allocator that counts, and a program has one: whoever depends on this crate has it, in tests alone.

pub use allocation_counter::measure;

use crate::broken::Broken;

/// Does `work` allocate nothing on this thread? Let it run once before, where its first run makes room.
///
/// ```
/// let mut y = Vec::with_capacity(8);
/// vecfield_laws::allocates_nothing(|| y.push(1.0))?;
/// assert!(vecfield_laws::allocates_nothing(|| drop(y.clone())).is_err());
/// # Ok::<(), vecfield_laws::Broken>(())
/// ```
///
/// # Errors
///
/// [`Broken::Allocates`].
pub fn allocates_nothing(work: impl FnOnce()) -> Result<(), Broken> {
    let counted = measure(work);
    match counted.count_total {
        0 => Ok(()),
        count => Err(Broken::Allocates { count, bytes: counted.bytes_total }),
    }
}
