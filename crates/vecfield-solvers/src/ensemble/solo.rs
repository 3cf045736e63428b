//! Members solved one by one: with events, by methods that have no lanes, and from where they have turned out to be stiff.

use vecfield_traits::Jacobian;

use super::drive::{Handover, PATIENCE};
use super::outcome::{Outcome, Sheet};
use super::{Member, Rows};
use crate::any::AnyStepper;
use crate::auto::Auto;
use crate::clock::Clock;
use crate::event::Event;
use crate::integrator::Integrator;
use crate::observe::{Flow, Observer, Segment, Step};
use crate::solution::{Sampler, Save};
use crate::stepper::{Evaluator, Stepper, first_not_finite};
use crate::{Ending, Interrupted, Options, SolveError};

/// Can this member be solved, and these rows of it be kept?
pub(super) fn check(member: &Member<'_>, n: usize, parameters: usize, sheet: &Sheet<'_>) -> Result<(), SolveError> {
    let (t0, t1) = member.span;
    for (what, found, expected) in [("y0", member.y0.len(), n), ("theta", member.theta.len(), parameters)] {
        if found != expected {
            return Err(SolveError::Dimension { what, found, expected });
        }
    }
    if let Some(component) = first_not_finite(member.y0) {
        return Err(SolveError::BadInitial { component });
    }
    for (what, t) in [("the beginning of the interval", t0), ("the end of the interval", t1)] {
        if !t.is_finite() {
            return Err(SolveError::BadTime { what, t, expected: "a finite number" });
        }
    }
    match sheet.rows {
        Rows::End => Ok(()),
        Rows::At(times) => Save::At(times).validate(member.span),
    }
}

/// Solves a member from its beginning, by any method, with its events.
pub(super) fn solve<G: Jacobian<f64>>(
    integrator: &mut Integrator<AnyStepper<f64>, f64>,
    field: &mut G,
    events: &mut [Event<'_, f64, G>],
    member: (usize, &Member<'_>),
    sheet: &mut Sheet<'_>,
    goes_on: &dyn Fn(usize) -> bool,
) {
    let (index, member) = member;
    let save = match sheet.rows {
        Rows::End => Save::End,
        Rows::At(times) => Save::At(times),
    };
    let solved = integrator.run(field, member.span, member.y0, save, events, &mut Patience::new(goes_on));
    let (ending, solution) = match solved {
        Ok(solution) => (Ok(solution.ending), solution),
        Err(Interrupted { error, partial }) => (Err(error), *partial),
    };
    match sheet.rows {
        Rows::End if ending.is_ok() => sheet.keep_end(index, solution.last()),
        Rows::End => {}
        Rows::At(times) => {
            // A solve that ends early adds a row of its own, which is none of those asked for.
            let rows = times.iter().zip(&solution.t).take_while(|(t, kept)| t == kept).count();
            let kept = rows * sheet.dim;
            sheet.rows_from(index, 0)[..kept].copy_from_slice(&solution.y[..kept]);
        }
    }
    let t = solution.t.last().copied().unwrap_or(member.span.0);
    sheet.end(index, Outcome { ending, t, stats: solution.stats, events: solution.events });
}

/// Goes on with a member that its lane has found to be stiff, as the automatic method would have done alone.
pub(super) fn go_on<G: Jacobian<f64>>(
    auto: &mut Auto<f64>,
    field: &mut G,
    (options, t1): (&Options<f64>, f64),
    handover: Handover<'_>,
    sheet: &mut Sheet<'_>,
    goes_on: &dyn Fn(usize) -> bool,
) {
    let Handover { member, y, mut clock, stats, rows } = handover;
    auto.take_over(y);
    let times = match sheet.rows {
        Rows::End => &[],
        Rows::At(times) => &times[rows..],
    };
    let mut work = field.workspace();
    let mut evaluator = Evaluator { field, work: &mut work, stats };
    let mut sampler = Sampler::new(times, sheet.rows_from(member, rows));
    sampler.begin(clock.t, y);
    let mut patience = Patience::new(goes_on);
    let ending = loop {
        if clock.done() {
            let Some(t) = clock.resume() else { break Ok(Ending::Reached) };
            let y = Stepper::<G>::y(auto).to_vec();
            if let Err(error) = auto.start(&mut evaluator, t, &y) {
                break Err(error);
            }
            clock = Clock::new(auto, &mut evaluator, (t, t1), options);
            continue;
        }
        let leg = match clock.advance(auto, &mut evaluator, options.max_steps) {
            Ok(leg) => leg,
            Err(error) => break Err(error),
        };
        let mut step =
            Step { stepper: &mut *auto, field: &mut evaluator, t0: leg.start, t1: leg.end, h: leg.h, end: None };
        let flow = sampler.step(&mut step);
        if let (Flow::Stop, Some(error)) = (flow, sampler.broken.take()) {
            break Err(error);
        }
        let flow = patience.step(&mut step);
        Stepper::<G>::commit(auto);
        clock.accept(&leg);
        if flow == Flow::Stop {
            break Ok(Ending::Stopped);
        }
        if let Err(error) = clock.check::<G, _>(auto, true) {
            break Err(error);
        }
    };
    let (stats, t) = (evaluator.stats, clock.t());
    if ending.is_ok() {
        sheet.keep_end(member, Stepper::<G>::y(auto));
    }
    sheet.end(member, Outcome { ending, t, stats, events: Vec::new() });
}

/// Asks now and then whether to go on.
struct Patience<'a> {
    goes_on: &'a dyn Fn(usize) -> bool,
    left: u32,
}

impl<'a> Patience<'a> {
    fn new(goes_on: &'a dyn Fn(usize) -> bool) -> Self {
        Patience { goes_on, left: PATIENCE }
    }
}

impl Observer<f64> for Patience<'_> {
    fn step(&mut self, _segment: &mut dyn Segment<f64>) -> Flow {
        self.left -= 1;
        if self.left > 0 {
            return Flow::Continue;
        }
        self.left = PATIENCE;
        if (self.goes_on)(0) { Flow::Continue } else { Flow::Stop }
    }
}
