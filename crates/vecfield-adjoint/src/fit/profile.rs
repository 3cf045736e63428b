//! Profile likelihood: how the best fit worsens as one constant is held elsewhere.
//!
//! The interval of a constant holds the values at which the deviance, minimised over everything else, exceeds its minimum by no more
//! than a quantile of `χ²₁` (Venzon & Moolgavkar 1988). Unlike a standard error it is right for a valley that is curved, one-sided or
//! open, and does not depend on the scale the constant is measured in.

use vecfield_data::Trajectories;

use super::options::{FitOptions, Scale};
use super::shooting::Shooting;
use super::{Course, Fit, FitObserver, Stage, Start, Unknowns};
use crate::{AdjointError, Differentiable};

/// The profile of one constant.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Values of the constant, increasing, and by how much the deviance exceeds that of the fit there.
    pub points: Vec<(f64, f64)>,
    /// Where the interval begins; none where the data set no bound below.
    pub lower: Option<f64>,
    /// Where it ends; none where they set none above.
    pub upper: Option<f64>,
    /// Did the observer break it off?
    pub cut: bool,
}

/// The 95 % quantile of `χ²₁`.
pub const CHI_SQUARE_95: f64 = 3.841_458_820_694_124;

/// Farther than this many standard errors, or this many factors of `e` where it moves by factors, a constant counts as not bounded.
const FARTHEST: (f64, f64) = (50.0, 12.0);
/// By how much a step along the profile is to raise the root of the excess, as a share of that of the level.
const RISE: f64 = 1.0 / 6.0;
const MOST_POINTS: usize = 40;

impl Profile {
    /// The profile of the unknown constant at `index` (in the order of [`Uncertainty::covariance`](super::Uncertainty::covariance))
    /// around `fit`, as far as the deviance rises by `level`. `stderr` is a first guess of its scale, where there is one.
    ///
    /// # Errors
    ///
    /// When the fit cannot be evaluated again.
    ///
    /// # Panics
    ///
    /// If there is no such constant.
    #[allow(clippy::too_many_arguments)]
    pub fn of<F: Differentiable>(
        family: &F,
        data: &Trajectories,
        fit: &Fit,
        options: &FitOptions,
        index: usize,
        stderr: Option<f64>,
        level: f64,
        observer: FitObserver<'_>,
    ) -> Result<Profile, AdjointError> {
        let slot = Unknowns::new(options, data.runs().len(), &fit.thetas, fit.dim).slots[index];
        let best = fit.x[index];
        let spread = stderr.map(|s| s / slot.slope(slot.value(best)).abs()).filter(|s| s.is_finite() && *s > 0.0);
        let scale = spread.unwrap_or(0.1 * if slot.scale == Scale::Log || best == 0.0 { 1.0 } else { best.abs() });
        let limit = match slot.scale {
            Scale::Log => FARTHEST.1,
            Scale::Linear => FARTHEST.0 * scale,
        };
        let mut walk = Walk { family, data, fit, options, index, observer, cut: false };
        let bounds = options.bounds.get(slot.place).copied().unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        let bound = |value: f64| match slot.scale {
            Scale::Linear => value,
            Scale::Log => value.max(0.0).ln(),
        };
        let down = walk.side(-0.5 * scale.min(limit), (best - limit).max(bound(bounds.0)), level)?;
        let up = walk.side(0.5 * scale.min(limit), (best + limit).min(bound(bounds.1)), level)?;
        let mut points: Vec<(f64, f64)> = down.points.iter().rev().copied().collect();
        points.push((best, 0.0));
        points.extend(&up.points);
        points.iter_mut().for_each(|(x, _)| *x = slot.value(*x));
        let end = |side: &Side| side.end.map(|x| slot.value(x));
        Ok(Profile { points, lower: end(&down), upper: end(&up), cut: walk.cut })
    }
}

/// One side of a profile, in the unknown's own scale.
struct Side {
    points: Vec<(f64, f64)>,
    end: Option<f64>,
}

struct Walk<'a, 'o, F: Differentiable> {
    family: &'a F,
    data: &'a Trajectories,
    fit: &'a Fit,
    options: &'a FitOptions,
    index: usize,
    observer: FitObserver<'o>,
    cut: bool,
}

/// A point of the profile with everything else at its best.
struct Held {
    x: Vec<f64>,
    sigma: Vec<f64>,
    excess: f64,
}

impl<F: Differentiable> Walk<'_, '_, F> {
    /// Steps away from the fit until the deviance has risen by `level`, then finds where it did.
    fn side(&mut self, first: f64, farthest: f64, level: f64) -> Result<Side, AdjointError> {
        let mut side = Side { points: vec![], end: None };
        let mut inside = Held { x: self.fit.x.clone(), sigma: self.fit.sigma.clone(), excess: 0.0 };
        let mut step = first;
        while side.points.len() < MOST_POINTS && !self.cut {
            let from = inside.x[self.index];
            let to = if first < 0.0 { (from + step).max(farthest) } else { (from + step).min(farthest) };
            if to == from {
                return Ok(side);
            }
            let Some(held) = self.hold(&inside, to)? else {
                // It cannot be integrated there: nearer, unless that is next to nothing.
                step *= 0.5;
                if step.abs() < 1e-6 * first.abs() {
                    return Ok(side);
                }
                continue;
            };
            if self.cut {
                return Ok(side);
            }
            if held.excess > level {
                let end = self.crossing(inside, (to, held.excess), level)?;
                side.points.push((end, level));
                side.points.push((to, held.excess));
                side.end = Some(end);
                return Ok(side);
            }
            side.points.push((to, held.excess));
            // The root of a parabola is straight.
            let rise = (held.excess.max(0.0).sqrt() - inside.excess.max(0.0).sqrt()) / level.sqrt();
            step *= (RISE / rise.max(1e-3)).clamp(0.5, 3.0);
            inside = held;
        }
        Ok(side)
    }

    /// Where the excess is `level`, between a point inside and one outside: the excess is nearly a parabola, so its root is
    /// nearly straight (regula falsi on the root, Illinois variant).
    fn crossing(&mut self, inside: Held, outside: (f64, f64), level: f64) -> Result<f64, AdjointError> {
        let root = |excess: f64| excess.max(0.0).sqrt() - level.sqrt();
        let (mut a, mut fa) = (inside.x[self.index], root(inside.excess));
        let (mut b, mut fb) = (outside.0, root(outside.1));
        let mut near = inside;
        for _ in 0..12 {
            let to = (a * fb - b * fa) / (fb - fa);
            if !to.is_finite() || self.cut {
                break;
            }
            let Some(held) = self.hold(&near, to)? else { break };
            let f = root(held.excess);
            if f.abs() < 1e-4 * level.sqrt() {
                return Ok(to);
            }
            if f < 0.0 {
                (a, fa) = (to, f);
                fb *= 0.5;
                near = held;
            } else {
                (b, fb) = (to, f);
                fa *= 0.5;
            }
        }
        Ok(0.5 * (a + b))
    }

    /// The best fit with the constant at `value`, from `near`; `None` where it cannot be integrated.
    fn hold(&mut self, near: &Held, value: f64) -> Result<Option<Held>, AdjointError> {
        let start = Start { theta: vec![], state: &|_, _, _| {} };
        let windows = self.fit.windows.clone();
        let mut course = Course {
            family: self.family,
            data: self.data,
            options: self.options,
            start: &start,
            stages: vec![Stage { windows: windows.clone(), thetas: None }],
            thetas: self.fit.thetas.clone(),
            sigma: near.sigma.clone(),
            iterations: 0,
            best: None,
            finished: None,
            pinned: Some(self.index),
        };
        let mut problem: Shooting<'_, F> = course.problem(&windows)?;
        let mut x = near.x.clone();
        x[self.index] = value;
        let mut cut = false;
        let observer = &mut *self.observer;
        let mut look = |progress: &super::Progress<'_>| {
            let flow = observer(progress);
            cut = flow.is_break();
            flow
        };
        let descended: Result<_, AdjointError> = course.descend(0, &mut problem, &mut x, None, &mut look);
        self.cut |= cut;
        let Ok(_) = descended else { return Ok(None) };
        let Ok(fit) = Fit::gather(&mut problem, x, 0, true) else { return Ok(None) };
        let excess = fit.deviance() - self.fit.deviance();
        Ok(Some(Held { x: fit.x, sigma: fit.sigma, excess }))
    }
}
