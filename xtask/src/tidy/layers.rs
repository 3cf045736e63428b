//! A crate depends on crates of lower rows only.

use super::Finding;
use crate::workspace::Crate;

/// The house, lowest row first. This table is the truth; the crate map of the book is generated from it.
pub(crate) const LAYERS: &[&[&str]] = &[
    &["vecfield-traits"],
    &["vecfield-kernels", "vecfield-autodiff", "vecfield-data", "vecfield-laws"],
    &["vecfield-linalg", "vecfield-expr", "vecfield-paths", "vecfield-brownian"],
    &["vecfield-solvers", "vecfield-optim", "vecfield-nn"],
    &["vecfield-adjoint"],
    &["vecfield-nde", "vecfield-pinn", "vecfield-sindy", "vecfield-symreg"],
    &["vecfield-discover", "vecfield-io", "vecfield-plot"],
    &["vecfield-cli", "vecfield"],
];

/// Edges within a row, each with its reason.
const SIDEWAYS: &[(&str, &str, &str)] =
    &[("vecfield-autodiff", "vecfield-kernels", "series are propagated in the widest registers the processor has")];

pub(super) fn check(crates: &[Crate]) -> Vec<Finding> {
    let members: Vec<&Crate> = crates.iter().filter(|member| member.name != "xtask").collect();
    let mut findings = Vec::new();
    for member in &members {
        let Some(row) = row_of(&member.name) else {
            findings.push(Finding::new(&member.folder, "is in no row of LAYERS; add it to xtask/src/tidy/layers.rs"));
            continue;
        };
        for edge in &member.edges {
            let Some(below) = row_of(&edge.to) else {
                continue;
            };
            let allowed = if edge.is_dev {
                edge.to != "vecfield-cli"
            } else {
                below < row || is_sideways(&member.name, &edge.to)
            };
            if !allowed {
                let what = format!(
                    "{} (row {row}) may not depend on {} (row {below}): arrows point down",
                    member.name, edge.to
                );
                findings.push(Finding::new(format!("{}/Cargo.toml", member.folder), what));
            }
        }
    }
    if let Some(cycle) = find_cycle(&members) {
        findings.push(Finding::new(
            "Cargo.toml",
            format!("development dependencies close a cycle: {}", cycle.join(" -> ")),
        ));
    }
    findings
}

/// Names in the table that no crate has: a map with holes.
pub(super) fn holes(crates: &[Crate]) -> Vec<Finding> {
    let names = LAYERS.iter().copied().flatten().filter(|name| !crates.iter().any(|member| member.name == **name));
    names
        .map(|name| {
            Finding::new("xtask/src/tidy/layers.rs", format!("there is no crate {name}; take it out of LAYERS"))
        })
        .collect()
}

fn row_of(name: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&name))
}

fn is_sideways(from: &str, to: &str) -> bool {
    SIDEWAYS.iter().any(|(a, b, _why)| (*a, *b) == (from, to))
}

/// A cycle over dependencies of every kind. Cargo refuses those without a development edge; those with one it builds, but
/// then a change at the bottom is tested with types that are not its own.
fn find_cycle(members: &[&Crate]) -> Option<Vec<String>> {
    fn visit(name: &str, members: &[&Crate], path: &mut Vec<String>, done: &mut Vec<String>) -> bool {
        if done.iter().any(|seen| seen == name) {
            return false;
        }
        if let Some(start) = path.iter().position(|seen| seen == name) {
            path.drain(..start);
            path.push(name.into());
            return true;
        }
        path.push(name.into());
        let edges = members.iter().find(|member| member.name == name).map(|member| member.edges.as_slice());
        if edges.unwrap_or_default().iter().any(|edge| visit(&edge.to, members, path, done)) {
            return true;
        }
        path.pop();
        done.push(name.into());
        false
    }
    let (mut path, mut done) = (Vec::new(), Vec::new());
    members.iter().any(|member| visit(&member.name, members, &mut path, &mut done)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Edge;

    fn member(name: &str, edges: &[(&str, bool)]) -> Crate {
        let edges = edges.iter().map(|(to, is_dev)| Edge { to: (*to).into(), is_dev: *is_dev }).collect();
        Crate { name: name.into(), folder: format!("crates/{name}"), edges, ..Crate::default() }
    }

    #[test]
    fn arrows_point_down() {
        let down = [member("vecfield-traits", &[]), member("vecfield-expr", &[("vecfield-traits", false)])];
        assert_eq!(check(&down), []);
        let up = [member("vecfield-traits", &[("vecfield-expr", false)]), member("vecfield-expr", &[])];
        let findings = check(&up);
        assert!(
            findings[0].what.contains("vecfield-traits (row 0) may not depend on vecfield-expr (row 2)"),
            "{findings:?}"
        );
        let sideways = [member("vecfield-solvers", &[("vecfield-optim", false)]), member("vecfield-optim", &[])];
        assert_eq!(check(&sideways).len(), 1);
    }

    #[test]
    fn development_edges_are_free_but_acyclic() {
        let upward = [member("vecfield-solvers", &[]), member("vecfield-expr", &[("vecfield-solvers", true)])];
        assert_eq!(check(&upward), []);
        let cycle = [
            member("vecfield-solvers", &[("vecfield-expr", false)]),
            member("vecfield-expr", &[("vecfield-solvers", true)]),
        ];
        assert!(check(&cycle)[0].what.contains("vecfield-solvers -> vecfield-expr -> vecfield-solvers"));
        let cli = [member("vecfield-io", &[("vecfield-cli", true)]), member("vecfield-cli", &[])];
        assert_eq!(check(&cli).len(), 1);
    }

    #[test]
    fn a_row_without_a_crate_is_found() {
        let all: Vec<Crate> = LAYERS.iter().copied().flatten().map(|name| member(name, &[])).collect();
        assert_eq!(holes(&all), []);
        assert!(holes(&all[1..])[0].what.contains("no crate vecfield-traits"));
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        assert!(check(&[member("vecfield-more", &[])])[0].what.contains("no row"));
    }
}
