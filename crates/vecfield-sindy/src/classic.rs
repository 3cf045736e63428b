//! Linear regression for sparse coefficients: derivatives, integrals or next values matched once, terms chosen on the normal equations, once
//! or over resampled blocks of rows.

use crate::bagging::{Bagging, Ensemble, Member};
use crate::constants::Projection;
use crate::constraint::Relations;
use crate::joint::{Found, Joint};
use crate::matching::Matching;
use crate::model::{Model, Trapping};
use crate::noise::difference_noise;
use crate::regression::GramSystem;
use crate::sindy::{Bag, Form, Selection, Sindy, Terms};
use crate::sparse::{
    MOST_SUBSET_FEATURES, adaptive_lasso, best_subsets, elastic_net, frols, information, lasso, on_support, sr3, ssr,
    stlsq,
};
use crate::{Library, SindyError};
use vecfield_data::Trajectories;

const AUTO_LARGEST: usize = 8;

/// The share of an ensemble's work that is reading the rows.
const READING: f64 = 0.3;

/// Blocks of rows that ensembles draw from: neighbouring rows err together.
const BLOCKS: usize = 100;

/// The fewest blocks, and numbers in the normal equations of all of them, that make them fewer.
const LEAST_BLOCKS: usize = 20;
const MOST_NUMBERS: usize = 1 << 26;

fn block_count(data: &Trajectories, library: &Library) -> usize {
    (MOST_NUMBERS / (data.dim() * library.len() * library.len()).max(1)).clamp(LEAST_BLOCKS, BLOCKS)
}

/// Fits by regression.
pub(crate) fn regress(
    sindy: &Sindy,
    matching: &Matching<'_>,
    terms: Terms,
    ties: &Relations,
) -> Result<Model, SindyError> {
    let Matching { data, paths, pulse, .. } = *matching;
    let (library, selectable) = (&terms.library, terms.selectable);
    if sindy.selection.compares_sizes() {
        like_sizes(data)?;
    }
    let members = sindy.ensemble;
    let pieces = if members > 0 { block_count(data, library) } else { 1 };
    let reading = if members > 0 { READING } else { 1.0 };
    let blocks = matching.systems(library, pieces, &|done| pulse.tell("reading rows", reading * done))?;
    let own: Vec<Vec<GramSystem>> = (0..data.dim())
        .map(|equation| blocks.iter().map(|block| terms.reduced(&block[equation], equation)).collect())
        .collect();
    let whole: Vec<GramSystem> = own.iter().map(|own| GramSystem::sum(own.iter())).collect();
    for (equation, system) in whole.iter().enumerate() {
        let places = terms.places(equation);
        system.on(&places).check_of(&|k| library.features()[places[k]].key().to_string())?;
    }
    let resampling = |share: f64| pulse.tell("fitting the ensemble", READING + (1.0 - READING) * share);
    let chosen = match alone(sindy.selection).filter(|_| ties.is_empty()) {
        Some(select) => separate(sindy, &*select, own, &whole, &terms, &resampling)?,
        None => together(sindy, &own, &whole, ties, &terms, &resampling)?,
    };
    let Chosen { coefficients, mut stderr, inclusion, trapping } = chosen;
    let mut constants = Vec::new();
    if let Some(joint) = Projection::new(&whole, &terms, &coefficients) {
        let errors = joint.errors();
        constants = errors.constants;
        if members == 0 {
            stderr = errors.coefficients;
        }
    }
    let explained: f64 = (whole.iter().enumerate())
        .map(|(i, system)| share(&blocks, i, system, &coefficients[i * selectable..(i + 1) * selectable]))
        .sum();
    let noise = match paths {
        Some(paths) => paths.noise().to_vec(),
        None if data.runs().iter().all(|run| run.len() > 3) => difference_noise(data),
        None => vec![f64::NAN; data.dim()],
    };
    let step = (sindy.form == Form::NextValue).then(|| step(data)).transpose()?;
    let derivative_r2 = explained / data.dim() as f64;
    Ok(Model {
        coefficients: terms.without_slopes(&coefficients),
        stderr: terms.without_slopes(&stderr),
        inclusion: terms.without_slopes(&inclusion),
        noise,
        step,
        derivative_r2,
        trapping,
        constants,
        ..Model::empty(&terms.closed()?)
    })
}

/// What a selection finds, `[d, p]` each.
#[derive(Default)]
struct Chosen {
    coefficients: Vec<f64>,
    stderr: Vec<f64>,
    /// Empty where nothing was resampled, NaN for an equation of which nothing was before the fit was cut short.
    inclusion: Vec<f64>,
    trapping: Option<Trapping>,
}

/// Equation by equation.
fn separate(
    sindy: &Sindy,
    select: &Select,
    own: Vec<Vec<GramSystem>>,
    whole: &[GramSystem],
    terms: &Terms,
    goes_on: &(dyn Fn(f64) -> bool + Sync),
) -> Result<Chosen, SindyError> {
    let places: Vec<Vec<usize>> = (0..whole.len()).map(|equation| terms.places(equation)).collect();
    let whole: Vec<GramSystem> = whole.iter().zip(&places).map(|(system, places)| system.on(places)).collect();
    let mut ensembles: Vec<Option<Ensemble>> = whole.iter().map(|_| None).collect();
    if sindy.ensemble > 0 {
        let of_equation = |(blocks, places): (Vec<GramSystem>, &Vec<usize>)| -> Vec<GramSystem> {
            blocks.into_iter().map(|block| block.on(places)).collect()
        };
        let own: Vec<Vec<GramSystem>> = own.into_iter().zip(&places).map(of_equation).collect();
        let member = |equation: usize, member| {
            member_of(&Bagging { sindy, equation }, select, member, &own[equation], &whole[equation])
        };
        ensembles = Ensemble::of_each(whole.len(), sindy.ensemble, member, goes_on)?;
    }
    let mut chosen = Chosen::default();
    for ((whole, places), ensemble) in whole.iter().zip(&places).zip(&ensembles) {
        let found = of_equation(sindy, select, whole, ensemble.as_ref())?;
        let widened = |part: Vec<f64>| {
            let mut wide = vec![0.0; terms.selectable];
            places.iter().zip(part).for_each(|(&k, value)| wide[k] = value);
            wide
        };
        chosen.coefficients.extend(widened(found.coefficients));
        chosen.stderr.extend(widened(found.stderr));
        if sindy.ensemble > 0 {
            chosen.inclusion.extend(widened(found.inclusion));
        }
    }
    Ok(chosen)
}

/// An equation by what its ensemble has; by all its rows where there is none.
fn of_equation(
    sindy: &Sindy,
    select: &Select,
    whole: &GramSystem,
    ensemble: Option<&Ensemble>,
) -> Result<Chosen, SindyError> {
    let Some(ensemble) = ensemble else {
        let coefficients = select(whole)?;
        let stderr = whole.standard_errors(&coefficients)?;
        return Ok(Chosen { coefficients, stderr, inclusion: vec![f64::NAN; whole.len()], trapping: None });
    };
    let coefficients = on_support(whole, |k| ensemble.share(k) >= 0.5)?;
    let stderr = match sindy.bag {
        Bag::Library => whole.standard_errors(&coefficients)?,
        Bag::Rows | Bag::Both => ensemble.spreads(&coefficients),
    };
    let inclusion = (0..whole.len()).map(|k| ensemble.share(k)).collect();
    Ok(Chosen { coefficients, stderr, inclusion, trapping: None })
}

fn member_of(
    bagging: &Bagging<'_>,
    select: &Select,
    member: usize,
    own: &[GramSystem],
    whole: &GramSystem,
) -> Result<Member, SindyError> {
    let system = bagging.rows(member, own, whole);
    let offered = bagging.terms(member, &vec![true; whole.len()], &[]);
    let places: Vec<usize> = (0..offered.len()).filter(|&k| offered[k]).collect();
    let mut theta = vec![0.0; offered.len()];
    places.iter().zip(select(&system.on(&places))?).for_each(|(&k, c)| theta[k] = c);
    Ok(Member { theta, offered })
}

/// All equations at once, as relations between their coefficients ask for.
fn together(
    sindy: &Sindy,
    own: &[Vec<GramSystem>],
    whole: &[GramSystem],
    ties: &Relations,
    terms: &Terms,
    goes_on: &(dyn Fn(f64) -> bool + Sync),
) -> Result<Chosen, SindyError> {
    let joint = Joint::new(whole, terms);
    let Found { coefficients, stderr, trapping } = joint.fit(sindy.selection, ties, terms, &terms.allowed)?;
    if sindy.ensemble == 0 {
        return Ok(Chosen { coefficients, stderr, inclusion: Vec::new(), trapping });
    }
    let bagging = Bagging { sindy, equation: 0 };
    let required: Vec<usize> = ties.required().collect();
    let member = |_, member| {
        let systems: Vec<GramSystem> =
            own.iter().zip(whole).map(|(own, whole)| bagging.rows(member, own, whole)).collect();
        let offered = bagging.terms(member, &terms.allowed, &required);
        let found = Joint::new(&systems, terms).fit(sindy.selection, ties, terms, &offered)?;
        Ok(Member { theta: found.coefficients, offered })
    };
    let Some(ensemble) = Ensemble::of_each(1, sindy.ensemble, member, goes_on)?.swap_remove(0) else {
        let inclusion = vec![f64::NAN; coefficients.len()];
        return Ok(Chosen { coefficients, stderr, inclusion, trapping });
    };
    let inclusion: Vec<f64> = (0..coefficients.len()).map(|k| ensemble.share(k)).collect();
    let support: Vec<bool> = inclusion.iter().map(|share| *share >= 0.5).collect();
    let coefficients = joint.on_support(&support, ties)?;
    let stderr = match sindy.bag {
        Bag::Library => joint.standard_errors(&coefficients, ties),
        Bag::Rows | Bag::Both => ensemble.spreads(&coefficients),
    };
    Ok(Chosen { coefficients, stderr, inclusion, trapping })
}

/// The share of the spread of an equation's right-hand sides that it explains, known parts included.
fn share(blocks: &[Vec<GramSystem>], equation: usize, whole: &GramSystem, theta: &[f64]) -> f64 {
    let (support, chosen): (Vec<usize>, Vec<f64>) = theta.iter().enumerate().filter(|(_, c)| **c != 0.0).unzip();
    let left = whole.rss(&support, &chosen);
    let spread = GramSystem::sum(blocks.iter().map(|block| &block[equation])).spread();
    // A rate that never changes is matched or not.
    if spread > 0.0 { 1.0 - left / spread } else { f64::from(u8::from(left == 0.0)) }
}

/// Thresholds compare coefficients, which they can only where variables are of like size.
fn like_sizes(data: &Trajectories) -> Result<(), SindyError> {
    let size = |i: &usize| data.rms(*i);
    let found = || (0..data.dim()).filter(|i| size(i) > 0.0);
    let least = found().min_by(|a, b| size(a).total_cmp(&size(b)));
    let most = found().max_by(|a, b| size(a).total_cmp(&size(b)));
    match least.zip(most) {
        Some((least, most)) if size(&most) > LARGEST_RATIO * size(&least) => Err(SindyError::UnlikeSizes {
            small: data.variables()[least].clone(),
            least: size(&least),
            large: data.variables()[most].clone(),
            most: size(&most),
        }),
        _ => Ok(()),
    }
}

/// Sizes of variables beyond which one threshold cannot serve all coefficients.
const LARGEST_RATIO: f64 = 1e6;

/// The time from a value to the next, which must be the same everywhere.
fn step(data: &Trajectories) -> Result<f64, SindyError> {
    let mut step = None;
    for run in data.runs() {
        for pair in run.times().windows(2) {
            let first = *step.get_or_insert(pair[1] - pair[0]);
            if ((pair[1] - pair[0]) - first).abs() > 1e-6 * first {
                return Err(SindyError::UnevenMap { t: pair[1] });
            }
        }
    }
    step.ok_or(SindyError::TooFewPoints { found: 1, needed: 2 })
}

/// The coefficients of an equation by its normal equations.
type Select = dyn Fn(&GramSystem) -> Result<Vec<f64>, SindyError> + Sync;

/// How a selection goes about an equation alone; not at all where it is one of all equations together.
fn alone(selection: Selection) -> Option<Box<Select>> {
    Some(match selection {
        Selection::Stlsq { threshold, ridge } => Box::new(move |system| stlsq(system, threshold, ridge)),
        Selection::Sr3 { threshold, penalty } => Box::new(move |system| sr3(system, threshold, penalty)),
        Selection::Lasso { alpha } => Box::new(move |system| lasso(system, alpha)),
        Selection::AdaptiveLasso { alpha } => Box::new(move |system| adaptive_lasso(system, alpha)),
        Selection::ElasticNet { alpha, l1_ratio } => Box::new(move |system| elastic_net(system, alpha, l1_ratio)),
        Selection::Frols { tolerance } => Box::new(move |system| frols(system, tolerance)),
        Selection::Ssr { threshold } => Box::new(move |system| ssr(system, threshold)),
        Selection::Exact { largest } => Box::new(move |system| exact(system, largest)),
        Selection::Auto => Box::new(|system| match system.len() > MOST_SUBSET_FEATURES {
            true => lasso(system, None),
            false => exact(system, AUTO_LARGEST),
        }),
        Selection::Trapping { .. } => return None,
    })
}

/// The best subset by the Bayesian information criterion.
fn exact(system: &GramSystem, largest: usize) -> Result<Vec<f64>, SindyError> {
    let mut best = vec![0.0; system.len()];
    let mut score = information(system, &best);
    for subset in best_subsets(system, largest, 1)?.by_size.into_iter().flatten() {
        let mut theta = vec![0.0; system.len()];
        subset.support.iter().zip(&subset.coefficients).for_each(|(&k, &c)| theta[k] = c);
        let other = information(system, &theta);
        if other < score {
            (best, score) = (theta, other);
        }
    }
    Ok(best)
}
