//! What must be the same again: values read back from text, results of any number of threads.

use core::fmt::{Debug, Display};

use crate::broken::Broken;

/// Is what is printed read back as the same? The text of what was read must be the first text, too.
///
/// ```
/// use vecfield_laws::comes_back;
///
/// comes_back(&0.1_f64, f64::to_string, |text| text.parse::<f64>())?;
/// // Three digits are not enough.
/// assert!(comes_back(&0.1234_f64, |x| format!("{x:.3}"), |text| text.parse::<f64>()).is_err());
/// # Ok::<(), vecfield_laws::Broken>(())
/// ```
///
/// # Errors
///
/// [`Broken::NotReadBack`], with the text and what came of it.
pub fn comes_back<T: PartialEq + Debug, E: Display>(
    value: &T,
    print: impl Fn(&T) -> String,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<(), Broken> {
    let text = print(value);
    let read = match parse(&text) {
        Ok(read) if read == *value && print(&read) == text => return Ok(()),
        Ok(read) => format!("{read:?}, printed as `{}`", print(&read)),
        Err(error) => format!("the error \"{error}\""),
    };
    Err(Broken::NotReadBack { value: format!("{value:?}"), text, read })
}

/// Is the result the same, bit for bit, on any number of threads? `run(n)` does the work on `n` of them; give `PartialEq` results
/// in which every bit counts.
///
/// # Errors
///
/// [`Broken::DependsOnThreads`], for the first number of threads that gives another result than the first.
pub fn threads_do_not_matter<T: PartialEq + Debug>(
    threads: &[usize],
    mut run: impl FnMut(usize) -> T,
) -> Result<(), Broken> {
    let Some((&reference, others)) = threads.split_first() else {
        return Ok(());
    };
    let expected = run(reference);
    for &threads in others {
        let found = run(threads);
        if found != expected {
            let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
            return Err(Broken::DependsOnThreads { threads, reference, found, expected });
        }
    }
    Ok(())
}
