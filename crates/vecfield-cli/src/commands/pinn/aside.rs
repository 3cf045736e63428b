//! A training is put aside now and then, so that it can go on.

use std::path::Path;
use std::time::{Duration, Instant};

use vecfield_io::OutputDir;
use vecfield_nn::Checkpoint;
use vecfield_pinn::Standing;

use super::CHECKPOINT;
use crate::failure::Failure;

/// So often, so that a machine that fails does not take it along.
const EVERY: Duration = Duration::from_secs(30);

/// Puts a training aside in a folder.
pub(super) struct Aside<'a> {
    folder: Option<&'a OutputDir>,
    last: Instant,
    failure: Option<Failure>,
}

impl<'a> Aside<'a> {
    pub(super) fn new(folder: Option<&'a OutputDir>) -> Self {
        Self { folder, last: Instant::now(), failure: None }
    }

    /// Where it is time; says whether the job goes on.
    pub(super) fn put(&mut self, standing: Option<&Standing>) -> bool {
        let (Some(folder), Some(standing)) = (self.folder, standing) else { return true };
        if self.last.elapsed() > EVERY {
            self.last = Instant::now();
            self.failure = write(folder, standing).err();
        }
        self.failure.is_none()
    }

    /// Why something could not be put aside.
    pub(super) fn end(self) -> Result<(), Failure> {
        self.failure.map_or(Ok(()), Err)
    }
}

/// Writes what a training can go on from.
pub(super) fn write(folder: &OutputDir, standing: &Standing) -> Result<(), Failure> {
    let bytes = standing.checkpoint().and_then(|checkpoint| checkpoint.to_bytes());
    let bytes = bytes.map_err(|e| Failure::Computation(format!("the training cannot be put aside: {e}")))?;
    folder.write(CHECKPOINT, |to| to.write_all(&bytes))?;
    Ok(())
}

/// What a training in a folder can go on from.
pub(super) fn read_standing(folder: &Path) -> Result<Standing, Failure> {
    let path = folder.join(CHECKPOINT);
    let refused = |reason: String| Failure::Argument(format!("{}: {reason}", path.display()));
    let bytes = std::fs::read(&path)
        .map_err(|e| refused(format!("{e}; give the folder of `vecfield pinn --out`, of a deep network")))?;
    let checkpoint = Checkpoint::from_bytes(&bytes).map_err(|e| refused(e.to_string()))?;
    Standing::read(&checkpoint).map_err(|e| refused(e.to_string()))
}
