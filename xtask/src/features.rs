//! Crates compile with whichever of their features are asked for: each alone in `ci`, and many together in the long run.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use xshell::cmd;

use crate::workspace::{Crate, Workspace};

/// Up to so many features every set of them is tried.
const MOST_FOR_ALL_SETS: usize = 6;

/// Every crate compiles without its default features, and with each of its features alone.
pub(crate) fn alone(workspace: &Workspace) -> anyhow::Result<()> {
    check(workspace, one_or_none)
}

/// Every crate compiles with every set of its features; where these are too many, with every two, with all but one and with all. A mistake
/// that only three at once bring out is then not found: it needs a condition on three, and a reviewer who lets it pass.
pub(crate) fn together(workspace: &Workspace) -> anyhow::Result<()> {
    check(workspace, sets)
}

/// Sets to try, of the names of features.
type Sets = for<'a> fn(&[&'a str]) -> Vec<Vec<&'a str>>;

fn check(workspace: &Workspace, sets: Sets) -> anyhow::Result<()> {
    let sh = workspace.shell()?;
    for member in workspace.crates.iter().filter(|member| !member.features.is_empty()) {
        let package = &member.name;
        let sets = different(member, sets);
        for set in &sets {
            let features = set.iter().copied().collect::<Vec<_>>().join(",");
            cmd!(sh, "cargo check --quiet --package {package} --no-default-features --features={features}")
                .quiet()
                .run()
                .with_context(|| format!("{package} does not compile with the features `{features}`"))?;
        }
        println!("{package}: compiles with each of {} sets of features", sets.len());
    }
    Ok(())
}

/// Those of the sets that differ in what they switch on in the end.
fn different(member: &Crate, sets: Sets) -> BTreeSet<BTreeSet<&str>> {
    let names: Vec<&str> = member.features.keys().map(String::as_str).filter(|name| *name != "default").collect();
    sets(&names).iter().map(|set| closed(&member.features, set)).collect()
}

/// With all that these features ask for.
fn closed<'a>(features: &'a BTreeMap<String, Vec<String>>, set: &[&'a str]) -> BTreeSet<&'a str> {
    let (mut on, mut asked) = (BTreeSet::new(), set.to_vec());
    while let Some(name) = asked.pop() {
        if let Some(more) = features.get(name)
            && on.insert(name)
        {
            asked.extend(more.iter().map(String::as_str));
        }
    }
    on
}

fn one_or_none<'a>(names: &[&'a str]) -> Vec<Vec<&'a str>> {
    names.iter().map(|name| vec![*name]).chain([vec![]]).collect()
}

fn sets<'a>(names: &[&'a str]) -> Vec<Vec<&'a str>> {
    let with = |wanted: &dyn Fn(usize) -> bool| -> Vec<&'a str> {
        (0..names.len()).filter(|&k| wanted(k)).map(|k| names[k]).collect()
    };
    if names.len() <= MOST_FOR_ALL_SETS {
        return (0..1_usize << names.len()).map(|bits| with(&|k| bits >> k & 1 == 1)).collect();
    }
    let mut sets = vec![vec![], names.to_vec()];
    for i in 0..names.len() {
        sets.push(with(&|k| k != i));
        sets.extend((0..=i).map(|j| with(&|k| k == i || k == j)));
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(features: &[(&str, &[&str])]) -> Crate {
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let features = features.iter().map(|(name, asks)| ((*name).to_owned(), of(asks))).collect();
        Crate { features, ..Crate::default() }
    }

    #[test]
    fn few_features_are_tried_in_every_set_and_many_in_every_two() {
        let few = member(&[("a", &["dep:x"]), ("b", &[]), ("c", &[]), ("default", &["a"])]);
        assert_eq!(different(&few, sets).len(), 8);
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let many = member(&names.map(|name| (name, &[] as &[&str])));
        let found = different(&many, sets);
        // None, all, all but one; each alone, every two.
        assert_eq!(found.len(), 1 + 1 + 8 + 8 + 28);
        assert!(found.contains(&BTreeSet::from(["c", "g"])) && found.contains(&BTreeSet::from(["h"])));
    }

    #[test]
    fn sets_that_come_to_the_same_are_tried_once() {
        let chain = member(&[("a", &["b", "dep:x"]), ("b", &["c"]), ("c", &[])]);
        let found = different(&chain, sets);
        assert_eq!(found, [vec![], vec!["c"], vec!["b", "c"], vec!["a", "b", "c"]].map(BTreeSet::from_iter).into());
    }
}
