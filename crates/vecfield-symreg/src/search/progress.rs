//! [`Progress`]: what a search tells while it goes on.

use crate::front::Found;

/// How far a search is, and what it has found. Told before and after every part of the work, so that whoever is told can end it.
///
/// ```
/// use vecfield_symreg::{Symreg, Table};
///
/// let x: Vec<f64> = (0..30).map(|i| 0.1 * f64::from(i)).collect();
/// let y = x.iter().map(|x| x.sin() * x.exp()).collect();
/// let table = Table::new(vec!["x".into()], vec![x], y)?;
/// // Good enough is good enough.
/// let search = Symreg::default().search(&table, &mut |progress| progress.front.iter().all(|found| found.r2 < 0.9));
/// assert!(search.front().iter().any(|found| found.r2 >= 0.9));
/// # Ok::<(), vecfield_symreg::SymregError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The share of the work that is done, from zero to one.
    pub share: f64,
    /// The best formula of each complexity so far, the simplest first.
    pub front: &'a [Found],
}

/// What is told of a stage's share and the front, and says whether the work goes on.
pub(super) type GoesOn<'a> = dyn FnMut(f64, &[Found]) -> bool + 'a;
