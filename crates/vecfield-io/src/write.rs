//! Results on disk: never over an earlier one unasked, and never half a file under its final name.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use vecfield_data::Trajectories;

/// A folder that results are written to, file by file.
///
/// Each file is written under a temporary name beside its place and renamed when complete, so whoever reads the folder
/// sees a whole file or none.
#[derive(Debug)]
pub struct OutputDir {
    path: PathBuf,
    overwrite: Overwrite,
}

/// May an earlier result be replaced?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// An earlier result stays, and is an error.
    Never,
    /// An earlier result is replaced (`--force`).
    Allowed,
}

impl OutputDir {
    /// Prepares `path` for files called `names`, before anything is computed for them.
    ///
    /// # Errors
    ///
    /// [`WriteError::Exists`] when one of them is there and must stay, [`WriteError::Io`] when the folder cannot be made.
    pub fn create(path: &Path, names: &[&str], overwrite: Overwrite) -> Result<Self, WriteError> {
        let dir = Self { path: path.into(), overwrite };
        for name in names {
            dir.check(&path.join(name))?;
        }
        fs::create_dir_all(path).map_err(|e| WriteError::io(path, &e))?;
        Ok(dir)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one file, and returns its path.
    ///
    /// # Errors
    ///
    /// As [`OutputDir::create`].
    pub fn write(
        &self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<PathBuf, WriteError> {
        let (path, partial) = (self.path.join(name), self.path.join(format!(".{name}.partial")));
        self.check(&path)?;
        let written = File::create(&partial).and_then(|file| {
            let mut file = BufWriter::new(file);
            content(&mut file)?;
            file.into_inner().map_err(|e| e.into_error())?.sync_all()?;
            fs::rename(&partial, &path)
        });
        written.map_err(|e| {
            // The reason why writing failed is what matters, not whether its remains could be cleared away.
            let _ = fs::remove_file(&partial);
            WriteError::io(&path, &e)
        })?;
        Ok(path)
    }

    /// Takes a file away that a later result has made worthless, if it is there.
    ///
    /// # Errors
    ///
    /// [`WriteError::Io`].
    pub fn remove(&self, name: &str) -> Result<(), WriteError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(WriteError::io(&path, &e)),
            _ => Ok(()),
        }
    }

    fn check(&self, path: &Path) -> Result<(), WriteError> {
        if self.overwrite == Overwrite::Never && path.exists() {
            return Err(WriteError::Exists { path: path.into() });
        }
        Ok(())
    }
}

/// Why a result was not written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// An earlier result is there.
    #[error("{}: there is a result already; choose another folder, or give --force to replace it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{}: cannot write: {reason}; check the path, its permissions and the space left", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
}

impl WriteError {
    fn io(path: &Path, error: &io::Error) -> Self {
        Self::Io { path: path.into(), reason: error.to_string() }
    }
}

/// Writes a table as CSV: a header, then rows (`values` is `[rows, columns]`); NaN becomes an empty cell. Numbers read
/// back bit for bit.
///
/// # Errors
///
/// Those of the writer.
pub fn write_table(to: &mut dyn Write, columns: &[&str], values: &[f64]) -> io::Result<()> {
    writeln!(to, "{}", columns.join(","))?;
    for row in values.chunks_exact(columns.len()) {
        write_row(to, row.iter().copied())?;
    }
    Ok(())
}

/// Writes runs as [`read_trajectories`](crate::read_trajectories) reads them: `trajectory` (when there is more than one),
/// `t`, inputs, variables.
///
/// # Errors
///
/// Those of the writer.
pub fn write_trajectories(to: &mut dyn Write, data: &Trajectories) -> io::Result<()> {
    let several = data.runs().len() > 1;
    let numbered = several.then_some("trajectory");
    let names = data.inputs().iter().chain(data.variables()).map(String::as_str);
    let header: Vec<&str> = numbered.into_iter().chain(["t"]).chain(names).collect();
    writeln!(to, "{}", header.join(","))?;
    for (number, run) in data.runs().iter().enumerate() {
        for (k, t) in run.times().iter().enumerate() {
            if several {
                write!(to, "{number},")?;
            }
            write_row(to, [*t].into_iter().chain(run.input_row(k).iter().copied()).chain(run.row(k).iter().copied()))?;
        }
    }
    Ok(())
}

fn write_row(to: &mut dyn Write, row: impl Iterator<Item = f64>) -> io::Result<()> {
    for (i, value) in row.enumerate() {
        let comma = if i > 0 { "," } else { "" };
        match value {
            missing if missing.is_nan() => write!(to, "{comma}")?,
            value => write!(to, "{comma}{}", number_text(value))?,
        }
    }
    writeln!(to)
}

/// The shortest text that reads back as the same number, without a fraction where there is none: `30`, `0.1`, `1e-20`.
pub fn number_text(value: f64) -> String {
    let text = format!("{value:?}");
    match text.strip_suffix(".0") {
        Some(whole) => whole.into(),
        None => text,
    }
}
