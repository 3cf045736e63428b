//! Euler–Maruyama steps of many series at once, each along its own times, and the exact way back.
//!
//! Without a guide the state moves by `dz = f dt + g dW`. With one its steps are drawn to where the guide believes it to be at the next
//! reading, `N(m, s²)`, as those of `dz = g dW` are when they are told of it: over a step `h` of the time `τ` that is left,
//!
//! ```text
//! Δz = (f + g u) h + r g ΔW,    u = g (m - z)/(g² τ + s²) + a network's,    r² = (g² (τ - h) + s²)/(g² τ + s²)
//! ```
//!
//! where the network adds what that law does not know. The laws of the two chains are `Σ ½ (|u|² h + r² - 1 - ln r²)` apart in the mean,
//! exactly, whatever the steps; for short ones that is Girsanov's `∫ ½ |u|² dt` (Li et al. 2020, section 5). Without `r` the last step before a
//! reading would miss it by `g √h`, however sure the guide.

mod plan;

use core::ops::Range;

use vecfield_nn::{AnyLayer, Layer, Network, Random};

pub(crate) use plan::Plan;

use crate::latent::encoder::Encoding;
use crate::model::Number;

/// What moves a state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Motion<'a, R> {
    pub(crate) drift: &'a Network<AnyLayer, R>,
    pub(crate) diffusion: &'a Network<AnyLayer, R>,
    /// Is time an input of both?
    pub(crate) time: bool,
}

/// What draws a state to the readings ahead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guide<'a, R> {
    pub(crate) control: &'a Network<AnyLayer, R>,
    pub(crate) encoding: &'a Encoding<R>,
    /// `[row of the encoding, 2 latent]`: means and logarithms of standard deviations.
    pub(crate) beliefs: &'a [R],
}

/// Where a pass back adds cotangents.
pub(crate) struct Bars<'a, R> {
    pub(crate) drift: &'a mut [R],
    pub(crate) diffusion: &'a mut [R],
    /// Of a guide: of its network, of the encoding's states and of the beliefs.
    pub(crate) control: &'a mut [R],
    pub(crate) states: &'a mut [R],
    pub(crate) beliefs: &'a mut [R],
}

/// The states of some series at all steps, and memory to find them.
///
/// Series are taken from the one of most steps to that of fewest: those that still move are the first so many rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain<R> {
    latent: usize,
    order: Vec<usize>,
    place: Vec<usize>,
    /// How many series take each step, and the row at which the states before it begin.
    moving: Vec<usize>,
    before: Vec<usize>,
    states: Vec<R>,
    /// What was drawn for each step, as the states after it.
    draws: Vec<R>,
    bars: Vec<R>,
    inputs: [Vec<R>; 2],
    tapes: [Vec<R>; 3],
    /// Values of the drift, the diffusion and the control's network.
    values: [Vec<R>; 3],
    value_bars: [Vec<R>; 3],
    input_bars: [Vec<R>; 3],
    /// How far the steps of each series are from free ones.
    pub(crate) distances: Vec<f64>,
}

/// What a belief does to a step of a component.
#[derive(Debug, Clone, Copy)]
struct Pull<R> {
    /// The control, and its derivatives by `z` (and less by `m`), `g` and `ln s`.
    u: R,
    u_by: [R; 3],
    /// The square of the part `r` of the noise that is left, and the derivatives of its logarithm by `g` and `ln s`.
    left: R,
    left_by: [R; 2],
}

impl<R: Number> Pull<R> {
    /// Where nothing is known of what lies ahead.
    fn none() -> Pull<R> {
        let zero = R::zero();
        Pull { u: zero, u_by: [zero; 3], left: R::one(), left_by: [zero; 2] }
    }

    /// That of `N(z + off, e^{2 log})` in the time `ahead`, on a step `h`.
    fn of(g: R, off: R, log: R, ahead: R, h: R) -> Pull<R> {
        let (own, two) = ((log + log).exp(), R::from_f64(2.0));
        let rest = (ahead - h).max(R::zero());
        let [all, later] = [g * g * ahead + own, g * g * rest + own];
        let scaled = off / all;
        let u_by = [-g / all, scaled * (own - g * g * ahead) / all, -(two * g * scaled * own / all)];
        let left_by = [two * g * (rest / later - ahead / all), two * own * (R::one() / later - R::one() / all)];
        Pull { u: g * scaled, u_by, left: later / all, left_by }
    }
}

impl<R: Number> Chain<R> {
    /// Moves `starts`, `[series, latent]`, by what `random` draws for each series.
    pub(crate) fn go(
        &mut self,
        motion: Motion<'_, R>,
        guide: Option<Guide<'_, R>>,
        plans: &[&Plan<R>],
        starts: &[R],
        random: impl Fn(usize) -> Random,
    ) {
        self.arrange(motion, plans);
        let latent = self.latent;
        for (row, &i) in self.order.iter().enumerate() {
            self.states[row * latent..(row + 1) * latent].copy_from_slice(&starts[i * latent..(i + 1) * latent]);
        }
        let mut chance: Vec<Random> = self.order.iter().map(|&i| random(i)).collect();
        for n in 0..self.moving.len() {
            self.evaluate(motion, guide, plans, n);
            let (after, all) = (self.before[n + 1] * latent, self.moving[n]);
            for row in 0..all {
                let (i, at) = (self.order[row], row * latent..(row + 1) * latent);
                let step = plans[i].steps[n];
                let root = step.h.sqrt();
                let mut far = R::zero();
                for c in at {
                    let pull = self.pull(guide, plans, n, c);
                    let [f, g] = [self.values[0][c], self.values[1][c]];
                    let draw = R::from_f64(chance[row].normal());
                    far += pull.u * pull.u * step.h + pull.left - R::one() - pull.left.ln();
                    self.draws[after + c] = draw;
                    let moved = (f + g * pull.u) * step.h + g * root * pull.left.sqrt() * draw;
                    self.states[after + c] = self.states[self.before[n] * latent + c] + moved;
                }
                self.distances[i] += 0.5 * far.to_f64();
            }
        }
    }

    fn arrange(&mut self, motion: Motion<'_, R>, plans: &[&Plan<R>]) {
        self.latent = motion.drift.layer().outputs();
        self.order.clear();
        self.order.extend(0..plans.len());
        self.order.sort_by_key(|&i| core::cmp::Reverse(plans[i].steps.len()));
        self.place.resize(plans.len(), 0);
        self.order.iter().enumerate().for_each(|(row, &i)| self.place[i] = row);
        let longest = self.order.first().map_or(0, |&i| plans[i].steps.len());
        self.moving.clear();
        self.before.clear();
        self.before.push(0);
        let mut next = plans.len();
        for n in 0..longest {
            self.before.push(next);
            self.moving.push(self.order.iter().take_while(|&&i| plans[i].steps.len() > n).count());
            next += self.moving[n];
        }
        self.states.resize(next * self.latent, R::zero());
        self.draws.resize(next * self.latent, R::zero());
        self.distances.clear();
        self.distances.resize(plans.len(), 0.0);
    }

    /// The networks at the states before step `n`.
    fn evaluate(&mut self, motion: Motion<'_, R>, guide: Option<Guide<'_, R>>, plans: &[&Plan<R>], n: usize) {
        let (latent, rows, from) = (self.latent, self.moving[n], self.before[n] * self.latent);
        let [inputs, told] = &mut self.inputs;
        inputs.clear();
        told.clear();
        for row in 0..rows {
            let step = &plans[self.order[row]].steps[n];
            let z = &self.states[from + row * latent..from + (row + 1) * latent];
            inputs.extend_from_slice(z);
            inputs.extend(motion.time.then_some(step.t));
            if let Some(guide) = guide {
                let hidden = guide.control.layer().inputs() - latent - 1;
                told.extend_from_slice(z);
                match step.ahead {
                    Some((reading, left)) => {
                        let at = guide.encoding.row(self.order[row], reading);
                        told.extend_from_slice(&guide.encoding.states()[at * hidden..(at + 1) * hidden]);
                        told.push(left);
                    }
                    None => told.resize(told.len() + hidden + 1, R::zero()),
                }
            }
        }
        let networks = [
            Some((motion.drift, &*inputs)),
            Some((motion.diffusion, inputs)),
            guide.map(|guide| (guide.control, &*told)),
        ];
        for (k, (network, x)) in networks.into_iter().enumerate().filter_map(|(k, of)| Some((k, of?))) {
            let layer = network.layer();
            self.values[k].resize(rows * latent, R::zero());
            self.tapes[k].resize(layer.tape_len(rows), R::zero());
            layer.record(network.pass(rows, R::zero()), x, &mut self.values[k], &mut self.tapes[k]);
        }
    }

    /// What is known of number `c` of step `n`.
    fn pull(&self, guide: Option<Guide<'_, R>>, plans: &[&Plan<R>], n: usize, c: usize) -> Pull<R> {
        let latent = self.latent;
        let (i, component) = (self.order[c / latent], c % latent);
        let step = plans[i].steps[n];
        let (Some(guide), Some((reading, ahead))) = (guide, step.ahead) else { return Pull::none() };
        let belief = &guide.beliefs[guide.encoding.row(i, reading) * 2 * latent..];
        let off = belief[component] - self.states[self.before[n] * latent + c];
        let pull = Pull::of(self.values[1][c], off, belief[latent + component], ahead, step.h);
        Pull { u: pull.u + self.values[2][c], ..pull }
    }

    /// The state of a series after so many steps.
    pub(crate) fn state(&self, series: usize, steps: usize) -> &[R] {
        &self.states[self.at(series, steps)]
    }

    /// Its cotangent.
    pub(crate) fn bar(&mut self, series: usize, steps: usize) -> &mut [R] {
        let at = self.at(series, steps);
        &mut self.bars[at]
    }

    fn at(&self, series: usize, steps: usize) -> Range<usize> {
        let row = self.before[steps] + self.place[series];
        row * self.latent..(row + 1) * self.latent
    }

    /// What would be measured at all rows of all series: `[series, rows, variables]`, from the states there.
    pub(crate) fn decode(
        &self,
        decoder: &Network<AnyLayer, R>,
        plans: &[&Plan<R>],
        visited: &mut Vec<R>,
        decoded: &mut Vec<R>,
        tape: &mut Vec<R>,
    ) {
        visited.clear();
        for (i, plan) in plans.iter().enumerate() {
            plan.reached.iter().for_each(|&steps| visited.extend_from_slice(self.state(i, steps)));
        }
        let layer = decoder.layer();
        let rows = visited.len() / layer.inputs();
        decoded.resize(rows * layer.outputs(), R::zero());
        tape.resize(layer.tape_len(rows), R::zero());
        layer.record(decoder.pass(rows, R::zero()), visited, decoded, tape);
    }

    /// Pulls the cotangents of what was [decoded](Chain::decode) back to those of the states, which are zero before.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn back_from_decoded(
        &mut self,
        decoder: &Network<AnyLayer, R>,
        plans: &[&Plan<R>],
        visited: &[R],
        tape: &mut [R],
        decoded_bar: &mut [R],
        visited_bar: &mut Vec<R>,
        theta_bar: &mut [R],
    ) {
        visited_bar.resize(visited.len(), R::zero());
        let pass = decoder.pass(visited.len() / self.latent, R::zero());
        decoder.layer().pull_back(pass, visited, tape, decoded_bar, visited_bar, theta_bar);
        self.bars.clear();
        self.bars.resize(self.states.len(), R::zero());
        let mut rows = visited_bar.chunks_exact(self.latent);
        for (i, plan) in plans.iter().enumerate() {
            for (&steps, from) in plan.reached.iter().zip(&mut rows) {
                self.bar(i, steps).iter_mut().zip(from).for_each(|(to, &from)| *to += from);
            }
        }
    }

    /// Pulls the cotangents of the states, and of each series' distance, back to the starts: [`bar`](Chain::bar) of no steps.
    pub(crate) fn back(
        &mut self,
        motion: Motion<'_, R>,
        guide: Option<Guide<'_, R>>,
        plans: &[&Plan<R>],
        distance_bars: &[R],
        bars: &mut Bars<'_, R>,
    ) {
        for n in (0..self.moving.len()).rev() {
            self.evaluate(motion, guide, plans, n);
            self.back_to_values(guide, plans, n, distance_bars, bars);
            self.back_to_states(motion, guide, plans, n, bars);
        }
    }

    /// From the states after step `n` to the values of the networks, the beliefs, and the states before as they enter beside them.
    fn back_to_values(
        &mut self,
        guide: Option<Guide<'_, R>>,
        plans: &[&Plan<R>],
        n: usize,
        distance_bars: &[R],
        bars: &mut Bars<'_, R>,
    ) {
        let (latent, rows, half) = (self.latent, self.moving[n], R::from_f64(0.5));
        let [from, after] = [self.before[n] * latent, self.before[n + 1] * latent];
        self.value_bars.iter_mut().for_each(|bars| bars.resize(rows * latent, R::zero()));
        for c in 0..rows * latent {
            let i = self.order[c / latent];
            let step = plans[i].steps[n];
            let Pull { u, u_by, left, left_by } = self.pull(guide, plans, n, c);
            let (g, bar) = (self.values[1][c], self.bars[after + c]);
            let distance = guide.map_or(R::zero(), |_| distance_bars[i]);
            let rate = bar * step.h;
            // Of the noise as it is without `g`, of `u`, and of the logarithm of `r²`.
            let noise = step.h.sqrt() * left.sqrt() * self.draws[after + c];
            let u_bar = guide.and(step.ahead).map_or(R::zero(), |_| rate * g + distance * u * step.h);
            let left_bar = half * (bar * g * noise + distance * (left - R::one()));
            self.value_bars[0][c] = rate;
            self.value_bars[1][c] = rate * u + bar * noise + u_bar * u_by[1] + left_bar * left_by[0];
            self.value_bars[2][c] = u_bar;
            self.bars[from + c] += bar + u_bar * u_by[0];
            if let (Some(guide), Some((reading, _))) = (guide, step.ahead) {
                let belief = &mut bars.beliefs[guide.encoding.row(i, reading) * 2 * latent..];
                belief[c % latent] -= u_bar * u_by[0];
                belief[latent + c % latent] += u_bar * u_by[2] + left_bar * left_by[1];
            }
        }
    }

    /// From the values of the networks to the states before step `n`, to what is remembered of the readings, to the parameters.
    fn back_to_states(
        &mut self,
        motion: Motion<'_, R>,
        guide: Option<Guide<'_, R>>,
        plans: &[&Plan<R>],
        n: usize,
        bars: &mut Bars<'_, R>,
    ) {
        let (latent, rows, from) = (self.latent, self.moving[n], self.before[n] * self.latent);
        let [inputs, told] = &self.inputs;
        let control = guide.map(|guide| (guide.control, told, &mut *bars.control));
        let networks = [
            Some((motion.drift, inputs, &mut *bars.drift)),
            Some((motion.diffusion, inputs, &mut *bars.diffusion)),
            control,
        ];
        for (k, (network, x, theta)) in networks.into_iter().enumerate().filter_map(|(k, of)| Some((k, of?))) {
            let width = network.layer().inputs();
            self.input_bars[k].resize(rows * width, R::zero());
            let (tape, bar, x_bar) = (&mut self.tapes[k], &mut self.value_bars[k], &mut self.input_bars[k]);
            network.layer().pull_back(network.pass(rows, R::zero()), x, tape, bar, x_bar, theta);
            for (z_bar, x_bar) in self.bars[from..].chunks_exact_mut(latent).zip(x_bar.chunks_exact(width)) {
                z_bar.iter_mut().zip(x_bar).for_each(|(z_bar, &x_bar)| *z_bar += x_bar);
            }
        }
        let Some(guide) = guide else { return };
        let width = guide.control.layer().inputs();
        let hidden = width - latent - 1;
        for (row, x_bar) in self.input_bars[2][..rows * width].chunks_exact(width).enumerate() {
            let i = self.order[row];
            if let Some((reading, _)) = plans[i].steps[n].ahead {
                let at = guide.encoding.row(i, reading) * hidden;
                let remembered = bars.states[at..at + hidden].iter_mut();
                remembered.zip(&x_bar[latent..]).for_each(|(to, &from)| *to += from);
            }
        }
    }
}
