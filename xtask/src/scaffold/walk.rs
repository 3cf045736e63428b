//! The walk-throughs of CONTRIBUTING, followed to the letter in a copy of the tree: a toy method, a toy layer and a toy library term
//! are begun by `cargo xtask new`, compile, and are judged by the laws for no more than being there.

use anyhow::Context as _;
use xshell::cmd;

use super::{Kind, apply};
use crate::workspace::Workspace;

/// That the term can be asked for by its name, which no test that is there already does.
const TERM: &str = r#"//! A toy, asked for by its name.

use vecfield_sindy::{Family, Library};

#[test]
fn the_toy_is_a_family() {
    let families = Family::parse_list("polynomial:1,toy:2").unwrap();
    let library = Library::new(&families, &["x".to_owned()], &[]).unwrap();
    assert_eq!(library.len(), 4);
    assert_eq!(library.position("exp(-2*x)"), Some(3));
}
"#;

pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let copy = workspace.root.join("target/walk");
    let sh = workspace.shell()?;
    sh.remove_path(&copy)?;
    for file in workspace.files()? {
        let path = copy.join(&file.path);
        std::fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
        std::fs::write(path, &file.text)?;
    }
    sh.change_dir(&copy);
    // What is compiled from the registry serves the copy too.
    sh.set_var("CARGO_TARGET_DIR", workspace.root.join("target"));
    for kind in [Kind::Method, Kind::Layer, Kind::Feature] {
        let touched = apply(&copy, kind, "toy")?;
        println!("{kind:?}: {}", touched.join(", "));
        let (package, tests) = (kind.package(), kind.tests());
        if kind == Kind::Feature {
            sh.write_file(copy.join("crates/vecfield-sindy/tests/walk.rs"), TERM)?;
            cmd!(sh, "cargo test --quiet --package {package} --test walk").run()?;
        } else {
            cmd!(sh, "cargo test --quiet --package {package} --test it -- {tests...}").run()?;
        }
    }
    sh.remove_path(&copy)?;
    Ok(())
}
