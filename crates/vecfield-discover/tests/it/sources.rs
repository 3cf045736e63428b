//! Candidates from other sources than the standard ones.

use crate::data::{assert_saturating, logistic, predators_and_prey, saturating};
use vecfield_adjoint::Noise;
use vecfield_discover::source::{Drafts, Formulas, Proposal, Scene, neural, standard};
use vecfield_discover::{
    DiscoverError, Discovery, NoiseChoice, Options, Pulse, Source, Unobserved, discover, discover_from,
};

fn additive() -> Options {
    Options { noise: NoiseChoice::Only(Noise::Additive), ..Options::default() }
}

fn features(found: &Discovery) -> Vec<Vec<String>> {
    found.chosen.law.support.features(&found.vocabulary, &found.chosen.law.theta())
}

/// A source that says what it is told, and what it saw.
#[derive(Debug)]
struct Told(&'static [&'static str]);

impl Source for Told {
    fn name(&self) -> &'static str {
        "told"
    }

    fn formulas(&self, scene: &Scene<'_>, _pulse: Pulse<'_>) -> Result<Formulas, DiscoverError> {
        assert_eq!(scene.data.dim(), 1);
        Ok(vec![vec![self.0.iter().map(|text| (*text).to_string()).collect()]])
    }

    fn laws(&self, scene: &Scene<'_>, drafts: &Drafts<'_>, _pulse: Pulse<'_>) -> Result<Vec<Proposal>, DiscoverError> {
        assert!(drafts.proposals.is_empty(), "the first source sees no others");
        let equations = scene.vocabulary.formulas(0);
        let proposal =
            |set| Proposal { support: vecfield_discover::model::Support { equations: vec![set] }, constants: None };
        Ok(equations.into_iter().map(proposal).collect())
    }
}

/// One law is proposed: it and the law that nothing changes are all that competes.
#[test]
fn a_source_can_stand_alone() {
    let data = logistic(0.7, 30.0, 18, 1.0, 1);
    let sources: [Box<dyn Source>; 1] = [Box::new(Told(&["y", "y^2"]))];
    let found = discover_from(&sources, &data, &additive(), &Unobserved).unwrap();
    assert_eq!(found.competed, 2);
    assert_eq!(features(&found), [["y", "y^2"]]);
}

/// The standard sources are what `discover` asks.
#[test]
fn the_standard_sources_are_standard() {
    let (data, options) = (logistic(0.7, 30.0, 18, 1.0, 2), Options { operators: None, ..additive() });
    let by_hand = discover_from(&standard(&options), &data, &options, &Unobserved).unwrap();
    let found = discover(&data, &options, &Unobserved).unwrap();
    assert_eq!(format!("{:?}", by_hand.chosen), format!("{:?}", found.chosen));
}

/// Predator and prey from what a network has learnt of three of their cycles.
#[test]
fn predator_and_prey_are_read_out_of_a_network() {
    let options = additive();
    let sources = neural(&options, options.operators.as_ref().unwrap());
    let found = discover_from(&sources, &predators_and_prey(1.0, 24, 3), &options, &Unobserved).unwrap();
    assert_eq!(features(&found), [["prey", "prey*predator"], ["predator", "prey*predator"]]);
}

/// Few noisy points of many runs, where a fraction is the law (Kidger 2022, section 6.1).
#[test]
fn fractions_are_read_out_of_a_network() {
    let options = Options { operators: "+,-,*,/".parse().ok(), ..additive() };
    let sources = neural(&options, options.operators.as_ref().unwrap());
    let found = discover_from(&sources, &saturating(8, 10, 1.0, 5), &options, &Unobserved).unwrap();
    assert_saturating(&found);
}
