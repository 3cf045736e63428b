//! Regression once, over ensembles, and of maps.

use crate::support::Noise;
use proptest::prelude::*;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_linalg::Cholesky;
use vecfield_sindy::regression::{GramSystem, NoiseModel};
use vecfield_sindy::sparse::{Penalty, adaptive_lasso, elastic_net, frols, lasso, sr3, ssr};
use vecfield_sindy::{Bag, Constraint, Family, Form, Model, Selection, Sindy, SindyError};

/// Swings `x' = v`, `v' = -x - v/5` with noise.
fn swings(sigma: f64) -> Trajectories {
    let mut noise = Noise::new(9);
    let omega = 0.99_f64.sqrt();
    let times: Vec<f64> = (0..400).map(|k| 0.05 * f64::from(k)).collect();
    let values = times.iter().flat_map(|&t| {
        let (decay, phase) = ((-0.1 * t).exp(), omega * t);
        [decay * (phase.cos() + 0.1 / omega * phase.sin()), -decay / omega * phase.sin()]
    });
    let values = values.map(|y| y + sigma * noise.normal()).collect();
    let run = Trajectory::new(times, values, vec![]).unwrap();
    Trajectories::new(vec!["x".into(), "v".into()], vec![], vec![run]).unwrap()
}

fn keys(model: &Model, i: usize) -> Vec<String> {
    model.terms(i).map(|(key, ..)| key.to_string()).collect()
}

fn sindy(form: Form, selection: Selection) -> Sindy {
    Sindy { form, selection, ..Sindy::new(vec![Family::Polynomial(2)]) }
}

const THRESHOLD: f64 = 0.1;

#[test]
fn every_derivative_and_optimizer_finds_swings() {
    let selections = [
        Selection::Stlsq { threshold: THRESHOLD, ridge: 0.0 },
        Selection::Sr3 { threshold: THRESHOLD, penalty: Penalty::L0 },
        Selection::Sr3 { threshold: THRESHOLD, penalty: Penalty::L1 },
        Selection::Sr3 { threshold: THRESHOLD, penalty: Penalty::Cad },
        Selection::Exact { largest: 3 },
        Selection::Lasso { alpha: Some(2e-3) },
        Selection::AdaptiveLasso { alpha: Some(2e-3) },
        Selection::ElasticNet { alpha: Some(2e-3), l1_ratio: 0.7 },
        Selection::Frols { tolerance: Some(0.01) },
        Selection::Ssr { threshold: Some(THRESHOLD) },
    ];
    let forms = [
        Form::Integral,
        Form::FiniteDifference(4),
        Form::SmoothedDerivative,
        Form::SavitzkyGolay { window: 11, degree: 4 },
        Form::TotalVariation,
        Form::Spectral,
    ];
    for form in forms {
        for selection in selections {
            let model = sindy(form, selection).fit(&swings(1e-4)).unwrap();
            for (i, truth) in [vec![("v", 1.0)], vec![("x", -1.0), ("v", -0.2)]].into_iter().enumerate() {
                for (key, exact) in truth {
                    let found = model.terms(i).find(|(k, ..)| *k == key).map_or(0.0, |(_, c, _)| c);
                    assert!((found - exact).abs() < 0.02, "{form:?} {selection:?} {key}: {found}");
                }
            }
        }
    }
}

#[test]
fn ensembles_say_how_often_and_repeat() {
    let ensemble = |seed| {
        let one = sindy(Form::Integral, Selection::Stlsq { threshold: THRESHOLD, ridge: 0.0 });
        Sindy { ensemble: 40, seed, ..one }.fit(&swings(0.02)).unwrap()
    };
    let model = ensemble(1);
    assert_eq!((keys(&model, 0), keys(&model, 1)), (vec!["v".to_string()], vec!["x".to_string(), "v".to_string()]));
    assert!(model.inclusion(1).iter().all(|share| (0.0..=1.0).contains(share)));
    assert!(model.inclusion(0)[2] > 0.9 && model.inclusion(0)[0] < 0.5, "{:?}", model.inclusion(0));
    for (_, c, error) in model.terms(1) {
        assert!(error > 1e-4 && error < 0.2 * c.abs(), "{c} {error}");
    }
    assert_eq!(ensemble(1).coefficients(1), model.coefficients(1));
    assert_ne!(ensemble(2).stderr(1), model.stderr(1));
}

/// Members that lack terms say how often a term is taken where it is offered: what the law has is taken always, and the same bits come out for
/// any number of threads.
#[test]
fn libraries_are_bagged_too() {
    let fit = |bag, threads: usize| {
        let one = sindy(Form::Integral, Selection::Stlsq { threshold: THRESHOLD, ridge: 0.0 });
        let sindy = Sindy { ensemble: 60, bag, seed: 3, ..one };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| sindy.fit(&swings(0.01)).unwrap())
    };
    for bag in [Bag::Library, Bag::Both] {
        let model = fit(bag, 1);
        assert_eq!((keys(&model, 0), keys(&model, 1)), (vec!["v".to_string()], vec!["x".to_string(), "v".to_string()]));
        assert!(model.inclusion(0)[2] > 0.95 && model.inclusion(1)[1] > 0.95, "{:?}", model.inclusion(1));
        for (_, c, error) in model.terms(1) {
            assert!(error > 1e-5 && error < 0.2 * c.abs(), "{c} {error}");
        }
        let other = fit(bag, 4);
        assert_eq!((model.coefficients(1), model.stderr(1)), (other.coefficients(1), other.stderr(1)));
        assert_eq!((model.inclusion(0), model.inclusion(1)), (other.inclusion(0), other.inclusion(1)));
    }
    // Without a term of the law others make up for it, which rows alone never show.
    let spurious = |model: &Model| model.inclusion(1).iter().filter(|share| **share > 0.0).count();
    assert!(spurious(&fit(Bag::Library, 1)) > spurious(&fit(Bag::Rows, 1)));
    // Terms that relations need are never left out.
    let tied = vec![Constraint::parse("x[v] = 1").unwrap()];
    let stlsq = Selection::Stlsq { threshold: THRESHOLD, ridge: 0.0 };
    let model =
        Sindy { ensemble: 30, bag: Bag::Both, constraints: tied, ..sindy(Form::Integral, stlsq) }.fit(&swings(0.01));
    let model = model.unwrap();
    assert!((model.coefficients(0)[2] - 1.0).abs() < 1e-12 && model.inclusion(0)[2] == 1.0);
}

#[test]
fn a_map_is_found_and_iterated() {
    let (mut x, mut y, mut values) = (0.3, 0.2, Vec::new());
    for _ in 0..200 {
        values.extend([x, y]);
        (x, y) = (1.0 - 1.4 * x * x + y, 0.3 * x);
    }
    let of = |times: Vec<f64>, values: Vec<f64>| {
        let run = Trajectory::new(times, values, vec![]).unwrap();
        Trajectories::new(vec!["x".into(), "y".into()], vec![], vec![run]).unwrap()
    };
    let times: Vec<f64> = (0..200).map(f64::from).collect();
    let model = sindy(Form::NextValue, Selection::Auto).fit(&of(times.clone(), values.clone())).unwrap();
    assert!(model.is_map() && model.derivative_r2() > 0.999_999);
    assert_eq!((keys(&model, 0), keys(&model, 1)), (vec!["1".into(), "y".into(), "x^2".into()], vec!["x".to_string()]));
    let path = model.simulate(&values[..2], &[0.0, 1.0, 2.5, 4.0]).unwrap();
    for (k, row) in [0, 1, 2, 4].into_iter().enumerate() {
        assert!((path[2 * k] - values[2 * row]).abs() < 1e-9, "{k}");
    }
    let mut uneven = times.clone();
    uneven[5] += 0.2;
    let error = sindy(Form::NextValue, Selection::Auto).fit(&of(uneven, values.clone())).unwrap_err();
    assert!(matches!(error, SindyError::UnevenMap { .. }));
    values[9] = f64::NAN;
    let error = sindy(Form::NextValue, Selection::Auto).fit(&of(times, values)).unwrap_err();
    assert!(matches!(error, SindyError::MissingValue { t, .. } if t == 4.0));
}

proptest! {
    /// With orthogonal features of unit length every solution is known: those whose `|Zᵀr|` is above the penalty or the threshold, or the
    /// largest that leave no more than the tolerance, or whose number the criterion wants; on them `Zᵀr`.
    #[test]
    fn orthogonal_features_have_closed_forms(
        r in prop::collection::vec(-1.0..1.0_f64, 9), level in 0.02..0.9_f64, ratio in 0.1..1.0_f64, tolerance in 0.001..0.9_f64,
    ) {
        let (n, p) = (9, 6);
        // Reflection at the plane of a vector: orthogonal columns of unit length.
        let v: Vec<f64> = (0..n).map(|i| 1.0 + (i as f64).sin()).collect();
        let square: f64 = v.iter().map(|v| v * v).sum();
        let entry = |i: usize, k: usize| f64::from(u8::from(i == k)) - 2.0 * v[i] * v[k] / square;
        let z: Vec<f64> = (0..n * p).map(|at| entry(at / p, at % p)).collect();
        let system = GramSystem::from_rows(&z, &r, NoiseModel::WhiteOnValues);
        let h = system.rhs.clone();
        let hard = |level: f64| h.iter().map(|&h| if h.abs() > level { h } else { 0.0 }).collect::<Vec<f64>>();
        let mut sizes: Vec<f64> = h.iter().map(|h| h.abs()).collect();
        sizes.sort_by(|a, b| b.total_cmp(a));
        let left: Vec<f64> = (0..=p).map(|k| system.total - sizes[..k].iter().map(|s| s * s).sum::<f64>()).collect();
        let largest = |k: usize| hard(sizes.get(k).copied().unwrap_or(0.0));
        let score = |k: &usize| n as f64 * (left[*k] / n as f64).ln() + *k as f64 * (n as f64).ln();
        let fewest = (0..=p).find(|&k| left[k] <= tolerance * system.total).unwrap_or(p);
        let best = (0..=p).min_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
        let alpha = level / 3.0; // the root of n is 3
        for (what, found, wanted) in [
            ("sr3", sr3(&system, level, Penalty::L0).unwrap(), hard(level)),
            // Half of the way from one's own least squares to the other's, which is a threshold nearer to zero, has to be above it.
            ("sr3 with L1", sr3(&system, level, Penalty::L1).unwrap(), hard(2.0 * level)),
            ("sr3 with CAD", sr3(&system, level, Penalty::Cad).unwrap(), hard(2.0 * level)),
            ("lasso", lasso(&system, Some(alpha)).unwrap(), hard(level)),
            ("adaptive lasso", adaptive_lasso(&system, Some(alpha)).unwrap(), hard((level * system.total.sqrt()).sqrt())),
            ("elastic net", elastic_net(&system, Some(alpha), ratio).unwrap(), hard(level * ratio)),
            ("frols", frols(&system, Some(tolerance)).unwrap(), largest(fewest)),
            ("best frols", frols(&system, None).unwrap(), largest(best)),
            ("ssr", ssr(&system, Some(level)).unwrap(), hard(level)),
            ("best ssr", ssr(&system, None).unwrap(), largest(best)),
        ] {
            let close = found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-9);
            prop_assert!(close, "{}: {:?} {:?} of {:?}", what, found, wanted, h);
        }
    }

    /// Where features resemble each other relaxation ends where its rounds do, with no shortcut.
    #[test]
    fn relaxation_ends_where_its_rounds_do(seed in 0..10_000_u64, threshold in 0.1..0.5_f64) {
        let (n, p) = (40, 5);
        let mut noise = Noise::new(seed);
        let mut z = Vec::new();
        for _ in 0..n {
            let common = 0.5 * noise.normal();
            z.extend((0..p).map(|_| 0.5 * (common + noise.normal())));
        }
        let r: Vec<f64> = z.chunks(p).map(|row| 4.0 * row[0] - 0.9 * row[3] + 0.6 * row[4] + noise.normal()).collect();
        let system = GramSystem::from_rows(&z, &r, NoiseModel::WhiteOnValues);
        let mut tied = system.gram.clone();
        (0..p).for_each(|k| tied[k * p + k] += 1.0);
        let mut factor = Cholesky::new(p);
        factor.factorize(&tied).unwrap();
        let everything: Vec<usize> = (0..p).collect();
        for penalty in [Penalty::L0, Penalty::L1, Penalty::Cad] {
            let shrunk = |w: f64| match penalty {
                Penalty::L0 => if w.abs() >= threshold { w } else { 0.0 },
                _ if penalty == Penalty::Cad && w.abs() > 5.5 * threshold => w,
                _ => w.signum() * (w.abs() - threshold).max(0.0),
            };
            let mut u = system.solve(&everything, 0.0).unwrap().0;
            for _ in 0..3000 {
                let mut w: Vec<f64> = system.rhs.iter().zip(&u).map(|(h, u)| h + u).collect();
                factor.solve(&mut w);
                u = w.into_iter().map(shrunk).collect();
            }
            let found = sr3(&system, threshold, penalty).unwrap();
            let support = |theta: &[f64]| (0..p).filter(|&k| theta[k] != 0.0).collect::<Vec<_>>();
            prop_assert_eq!(support(&found), support(&u), "{:?}", penalty);
        }
    }

    /// Where features resemble each other forward regression takes what leaves least, backward regression lets go the smallest: as fits from
    /// scratch do.
    #[test]
    fn steps_are_those_of_fits_from_scratch(seed in 0..10_000_u64, tolerance in 0.05..0.9_f64, threshold in 0.05..0.6_f64) {
        let (n, p) = (30, 6);
        let mut noise = Noise::new(seed);
        let mut z = Vec::new();
        for _ in 0..n {
            let common = noise.normal();
            z.extend((0..p).map(|_| common + noise.normal()));
        }
        let r: Vec<f64> = z.chunks(p).map(|row| row[0] - 0.5 * row[3] + noise.normal()).collect();
        let system = GramSystem::from_rows(&z, &r, NoiseModel::WhiteOnValues);
        let (mut taken, mut left) = (Vec::new(), system.total);
        while left > tolerance * system.total && taken.len() < p {
            let with = |k: usize| system.solve(&[&taken[..], &[k]].concat(), 0.0).unwrap().1;
            let next = (0..p).filter(|k| !taken.contains(k)).min_by(|&a, &b| with(a).total_cmp(&with(b))).unwrap();
            left = with(next);
            taken.push(next);
        }
        taken.sort_unstable();
        let mut kept: Vec<usize> = (0..p).collect();
        while !kept.is_empty() {
            let theta = system.solve(&kept, 0.0).unwrap().0;
            let smallest = (0..kept.len()).min_by(|&a, &b| theta[a].abs().total_cmp(&theta[b].abs())).unwrap();
            if theta[smallest].abs() >= threshold {
                break;
            }
            kept.remove(smallest);
        }
        let support = |theta: Vec<f64>| (0..p).filter(|&k| theta[k] != 0.0).collect::<Vec<_>>();
        prop_assert_eq!(support(frols(&system, Some(tolerance)).unwrap()), taken);
        prop_assert_eq!(support(ssr(&system, Some(threshold)).unwrap()), kept);
    }
}

/// The lasso's own counterexample (Zou 2006, section 5, model 1): a feature that is not in the truth and resembles those that are. No penalty
/// leaves the truth alone to the lasso; some does to the adaptive one.
#[test]
fn an_adaptive_lasso_is_right_where_the_lasso_cannot_be() {
    let mut noise = Noise::new(11);
    let (mut z, mut r) = (Vec::new(), Vec::new());
    for _ in 0..400 {
        let (a, b, c) = (noise.normal(), noise.normal(), noise.normal());
        // Of unit variance all, with correlations of -0.39 among the three and of 0.23 with the fourth.
        let mean = (a + b + c) / 3.0;
        let [a, b, c] = [a, b, c].map(|x| 1.39_f64.sqrt() * (x - mean) + 0.22_f64.sqrt() * mean);
        let fourth = (a + b + c) * 0.23 / 0.22 + 0.279_f64.sqrt() * noise.normal();
        z.extend([a, b, c, fourth]);
        r.push(5.6 * (a + b + c) + 2.0 * noise.normal());
    }
    let system = GramSystem::from_rows(&z, &r, NoiseModel::WhiteOnValues);
    let truth = [true, true, true, false];
    let right = |theta: Vec<f64>| theta.iter().zip(truth).all(|(c, inside)| (*c != 0.0) == inside);
    let penalties = || (0..60).map(|k| 10.0 * 0.8_f64.powi(k));
    assert!(!penalties().any(|alpha| right(lasso(&system, Some(alpha)).unwrap())));
    assert!(penalties().any(|alpha| right(adaptive_lasso(&system, Some(alpha)).unwrap())));
    assert!(right(adaptive_lasso(&system, None).unwrap()));
}

/// Two features that are nearly the same: the lasso takes one of them, the elastic net both.
#[test]
fn an_elastic_net_keeps_what_is_alike_together() {
    let mut noise = Noise::new(4);
    let (mut z, mut r) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let common = noise.normal();
        z.extend([common + 0.02 * noise.normal(), common + 0.02 * noise.normal(), noise.normal()]);
        r.push(2.0 * z[z.len() - 3] + 0.01 * noise.normal());
    }
    let system = GramSystem::from_rows(&z, &r, NoiseModel::WhiteOnValues);
    let support = |theta: Vec<f64>| theta.iter().map(|c| *c != 0.0).collect::<Vec<_>>();
    assert_eq!(support(lasso(&system, Some(0.5)).unwrap()), [true, false, false]);
    assert_eq!(support(elastic_net(&system, Some(0.5), 0.5).unwrap()), [true, true, false]);
}
