//! What the tree is made of: its crates and their edges from `cargo metadata`, its files from `git`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use xshell::{Shell, cmd};

/// The repository as the checks see it.
pub(crate) struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// Every member, by name.
    pub crates: Vec<Crate>,
}

/// A workspace member.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crate {
    pub name: String,
    pub description: String,
    /// The folder of its manifest, relative to the root.
    pub folder: String,
    /// The crate's front page, relative to the root: `lib.rs`, or `main.rs` where there is no library.
    pub front_page: String,
    /// Has a library target, so that its front page is compiled by `cargo test`.
    pub is_library: bool,
    /// Edges to other members.
    pub edges: Vec<Edge>,
    /// The names of its `examples/`.
    pub examples: Vec<String>,
    /// Its features, each with what it asks for.
    pub features: BTreeMap<String, Vec<String>>,
}

/// A dependency on another member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    pub to: String,
    /// Needed by tests, examples and benchmarks only.
    pub is_dev: bool,
}

impl Workspace {
    pub(crate) fn read() -> anyhow::Result<Self> {
        let sh = Shell::new()?;
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let text = cmd!(sh, "{cargo} metadata --format-version 1 --no-deps").quiet().read()?;
        Self::from_metadata(&text)
    }

    fn from_metadata(text: &str) -> anyhow::Result<Self> {
        let metadata: Metadata = serde_json::from_str(text).context("`cargo metadata` printed something unexpected")?;
        let root = metadata.workspace_root;
        let names: Vec<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
        let mut crates: Vec<Crate> = metadata.packages.iter().map(|package| package.to_crate(&root, &names)).collect();
        crates.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { root, crates })
    }

    /// The member of that name, if it exists already.
    pub(crate) fn find(&self, name: &str) -> Option<&Crate> {
        self.crates.iter().find(|member| member.name == name)
    }

    /// The terms of everything that is built from a registry. Nothing is fetched: the lock file has been resolved before.
    pub(crate) fn licences(&self) -> anyhow::Result<Vec<Licence>> {
        let sh = self.shell()?;
        let text = cmd!(sh, "cargo metadata --format-version 1 --locked").quiet().ignore_stderr().read()?;
        let metadata: Metadata =
            serde_json::from_str(&text).context("`cargo metadata` printed something unexpected")?;
        let terms = |package: &Package| Licence {
            name: format!("{} {}", package.name, package.version),
            terms: package.license.clone().unwrap_or_default(),
        };
        Ok(metadata.packages.iter().map(terms).collect())
    }

    /// A shell that stands at the root.
    pub(crate) fn shell(&self) -> anyhow::Result<Shell> {
        let sh = Shell::new()?;
        sh.change_dir(&self.root);
        Ok(sh)
    }

    /// The files of the project that are text, with their contents: tracked ones and new ones that git does not ignore.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<File>> {
        let sh = self.shell()?;
        let listed = cmd!(sh, "git ls-files --cached --others --exclude-standard")
            .quiet()
            .read()
            .context("the list of files comes from git: run this inside a clone")?;
        let mut paths: Vec<&str> = listed.lines().collect();
        paths.sort_unstable();
        paths.dedup();
        let read =
            |path: &str| Some(File { path: path.into(), text: std::fs::read_to_string(self.root.join(path)).ok()? });
        Ok(paths.into_iter().filter_map(read).collect())
    }
}

/// The terms that a package comes under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Licence {
    /// With its version.
    pub name: String,
    /// An SPDX expression.
    pub terms: String,
}

/// A text file, by its path from the root.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub path: String,
    pub text: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    version: String,
    license: Option<String>,
    description: Option<String>,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
    src_path: PathBuf,
}

impl Package {
    fn to_crate(&self, root: &Path, members: &[&str]) -> Crate {
        let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let of_kind =
            |kind: &'static str| self.targets.iter().filter(move |target| target.kind.iter().any(|k| k == kind));
        let library = of_kind("lib").next();
        let edges = self.dependencies.iter().filter(|dependency| members.contains(&dependency.name.as_str()));
        Crate {
            name: self.name.clone(),
            description: self.description.clone().unwrap_or_default(),
            folder: relative(self.manifest_path.parent().unwrap_or(root)),
            front_page: library.or(of_kind("bin").next()).map(|target| relative(&target.src_path)).unwrap_or_default(),
            is_library: library.is_some(),
            edges: edges.map(|d| Edge { to: d.name.clone(), is_dev: d.kind.as_deref() == Some("dev") }).collect(),
            examples: of_kind("example").map(|target| target.name.clone()).collect(),
            features: self.features.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_becomes_crates_with_their_edges() {
        let text = r#"{"workspace_root": "/tree", "packages": [
            {"name": "b", "description": "B", "features": {"f": []}, "manifest_path": "/tree/crates/b/Cargo.toml",
             "dependencies": [{"name": "a", "kind": null}, {"name": "serde", "kind": null}, {"name": "a", "kind": "dev"}],
             "targets": [{"name": "b", "kind": ["lib"], "src_path": "/tree/crates/b/src/lib.rs"},
                         {"name": "tour", "kind": ["example"], "src_path": "/tree/crates/b/examples/tour.rs"}]},
            {"name": "a", "description": null, "features": {}, "manifest_path": "/tree/crates/a/Cargo.toml", "dependencies": [],
             "targets": [{"name": "a", "kind": ["bin"], "src_path": "/tree/crates/a/src/main.rs"}]}]}"#;
        let workspace = Workspace::from_metadata(text).unwrap();
        let b = workspace.find("b").unwrap();
        assert_eq!(b.folder, "crates/b");
        assert_eq!(b.front_page, "crates/b/src/lib.rs");
        assert_eq!(b.examples, ["tour"]);
        assert_eq!(b.features.keys().collect::<Vec<_>>(), ["f"]);
        assert_eq!(b.edges, [Edge { to: "a".into(), is_dev: false }, Edge { to: "a".into(), is_dev: true }]);
        assert!(!workspace.find("a").unwrap().is_library);
    }
}
