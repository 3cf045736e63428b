//! The program as a user runs it.

mod bench;
mod discover;
mod ensemble;
mod errors;
mod fit;
mod front_door;
mod laws;
mod pinn;
mod sindy;
mod solve;
mod stochastic;
mod symreg;
mod train;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of one test, with files in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("the folder is writable");
        path
    }

    /// Runs the program here.
    fn vecfield(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vecfield"));
        command.args(arguments).current_dir(self.path());
        command.output().expect("the program starts").into()
    }
}

/// What a run of the program left.
struct Ran {
    status: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    /// The JSON object on standard output.
    fn json(&self) -> serde_json::Value {
        assert_eq!(self.status, Some(0), "{}", self.err);
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }

    /// A failed run says why on standard error, and nothing on standard output.
    fn failed(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, Some(status), "{} {}", self.out, self.err);
        assert_eq!(self.out, "", "a failed run has no output");
        for word in words {
            assert!(self.err.contains(word), "{:?} lacks {word:?}", self.err);
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
    }
}
