//! The ledger of a discovery as a file: what a run that was cut short leaves for one that goes on.

use std::path::Path;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use vecfield_discover::ledger::{Entries, Judged};
use vecfield_discover::source::Formulas;
use vecfield_io::OutputDir;

use crate::failure::Failure;

/// Where it lies in a result's folder.
pub(super) const FILE: &str = "ledger.json";

/// What is written: numbers by their bits, so that none is read back as another.
#[derive(Serialize, Deserialize)]
struct Written {
    /// The program, the data and the options that it belongs to.
    of: String,
    judged: BTreeMap<String, (String, Option<String>)>,
    formulas: BTreeMap<String, Formulas>,
}

/// Writes the entries of a run over `of`.
pub(super) fn write(folder: &OutputDir, of: &str, entries: Entries) -> Result<(), Failure> {
    let bits = |x: f64| format!("{:016x}", x.to_bits());
    let judged = entries.judged.into_iter();
    let judged = judged.map(|(name, judged)| (name, (bits(judged.error), judged.cost.map(bits)))).collect();
    let written = Written { of: of.to_string(), judged, formulas: entries.formulas };
    let text = serde_json::to_string(&written).map_err(|e| Failure::Computation(format!("{FILE}: {e}")))?;
    folder.write(FILE, |to| write!(to, "{text}"))?;
    Ok(())
}

/// Reads the entries that a run over `of` left in a folder.
pub(super) fn read(folder: &Path, of: &str) -> Result<Entries, Failure> {
    let path = folder.join(FILE);
    let refused = |reason: String| Failure::Argument(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(&path)
        .map_err(|e| refused(format!("{e}; give the folder of a discovery that was cut short")))?;
    let written: Written = serde_json::from_str(&text).map_err(|e| refused(e.to_string()))?;
    if written.of != of {
        return Err(refused(
            "this run had other data, other options or another version of the program; begin again with --out".into(),
        ));
    }
    let number = |text: &String| {
        let bits = u64::from_str_radix(text, 16).map_err(|_| refused(format!("`{text}` is no number of this file")));
        bits.map(f64::from_bits)
    };
    let judged = written.judged.iter().map(|(name, (error, cost))| {
        let judged = Judged { error: number(error)?, cost: cost.as_ref().map(number).transpose()? };
        Ok((name.clone(), judged))
    });
    Ok(Entries { judged: judged.collect::<Result<_, Failure>>()?, formulas: written.formulas })
}
