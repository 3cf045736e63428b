//! Where the members of a batch begin, and how large their first steps are.

use vecfield_traits::{BatchRows, Real, Scalar};

use super::lane::{Lane, Lanes, place};
use super::outcome::Kept;
use super::plan::Plan;
use super::{BatchMember, BatchWitness};
use crate::clock::Clock;
use crate::initial::Look;
use crate::stepper::first_not_finite;
use crate::{SolveError, Stats};

/// Puts all members that can begin into lanes.
pub(super) fn start<R: Real>(
    plan: &Plan<R>,
    lanes: &mut Lanes<R>,
    members: &[BatchMember<'_, R>],
    kept: &mut Kept<R>,
    witness: &mut dyn BatchWitness<R>,
) {
    lanes.clear(plan, members.len());
    for (index, member) in members.iter().enumerate() {
        match check(member, plan.width) {
            Ok(()) => lanes.enter(Lane::new(index, member.span.0, plan), member.y0),
            Err(error) => kept.end(index, Err(error), member.span.0, Stats::default()),
        }
    }
    evaluate(plan, lanes, members, kept, witness);
    first_steps(plan, lanes, members, witness);
    lanes.retire(plan, members, kept);
}

/// Says what is wrong with a member.
fn check<R: Real>(member: &BatchMember<'_, R>, width: usize) -> Result<(), SolveError> {
    let (t0, t1) = member.span;
    if member.y0.len() != width {
        return Err(SolveError::Dimension { what: "y0", found: member.y0.len(), expected: width });
    }
    if let Some(component) = first_not_finite(member.y0) {
        return Err(SolveError::BadInitial { component });
    }
    for (what, t) in [("the beginning", t0), ("the end", t1)] {
        if !Scalar::is_finite(&t) {
            return Err(SolveError::BadTime { what, t: t.to_f64(), expected: "finite" });
        }
    }
    let mut before = t0;
    for &t in member.save {
        let onward = if t1 >= t0 { before <= t && t <= t1 } else { before >= t && t >= t1 };
        if !onward {
            let expected = "within the span of the member, behind the save time before it";
            return Err(SolveError::BadTime { what: "a save time", t: t.to_f64(), expected });
        }
        before = t;
    }
    Ok(())
}

/// The rates where members begin; those without leave.
fn evaluate<R: Real>(
    plan: &Plan<R>,
    lanes: &mut Lanes<R>,
    members: &[BatchMember<'_, R>],
    kept: &mut Kept<R>,
    witness: &mut dyn BatchWitness<R>,
) {
    let n = lanes.numbers(plan);
    lanes.t.clear();
    lanes.t.extend(lanes.lanes.iter().map(|lane| lane.clock.t));
    witness.eval(0, BatchRows { member: &lanes.member, t: &lanes.t, y: &lanes.states[..n] }, &mut lanes.rates[..n]);
    let width = plan.width;
    for row in (0..lanes.lanes.len()).rev() {
        let lane = &mut lanes.lanes[row];
        lane.stats.rhs_evals += 1;
        let (index, t) = (lane.member, lane.clock.t);
        if let Some(component) = first_not_finite(&lanes.rates[row * width..][..width]) {
            kept.end(index, Err(SolveError::undefined(component, t)), t, lane.stats);
            lanes.leave(plan, row);
            continue;
        }
        let save = members[index].save;
        while save.get(lane.due).is_some_and(|&due| due == t) {
            kept.state(index, lane.due, width).copy_from_slice(members[index].y0);
            lane.due += 1;
        }
    }
}

/// Sets the clocks of all lanes.
fn first_steps<R: Real>(
    plan: &Plan<R>,
    lanes: &mut Lanes<R>,
    members: &[BatchMember<'_, R>],
    witness: &mut dyn BatchWitness<R>,
) {
    match plan.options.given_step() {
        Some(given) => lanes.lanes.iter_mut().for_each(|lane| lane.clock.h = given),
        None => look(plan, lanes, members, witness),
    }
    for lane in &mut lanes.lanes {
        lane.clock = Clock::set(members[lane.member].span, lane.clock.h, &plan.options);
    }
}

/// The first step of every lane from an Euler step of each, all evaluated together; again, where one leaves the domain.
fn look<R: Real>(
    plan: &Plan<R>,
    lanes: &mut Lanes<R>,
    members: &[BatchMember<'_, R>],
    witness: &mut dyn BatchWitness<R>,
) {
    let Lanes { lanes, states, rates, looks, group, .. } = lanes;
    looks.clear();
    looks.extend(lanes.iter().enumerate().map(|(row, lane)| {
        let (t0, t1) = members[lane.member].span;
        let (y, rate) = (&states[place(plan, row)], &rates[place(plan, row)]);
        (row, Look::new(plan.norm.of(y, y), plan.norm.of(rate, y), (t1 - t0).abs()))
    }));
    while !looks.is_empty() {
        group.clear();
        for &(row, look) in looks.iter() {
            let (t0, t1) = members[lanes[row].member].span;
            let signed = if t1 < t0 { -look.h } else { look.h };
            let (y, rate) = (&states[place(plan, row)], &rates[place(plan, row)]);
            group.push(lanes[row].member, t0 + signed, y.iter().zip(rate).map(|(y, rate)| *y + *rate * signed));
            lanes[row].stats.rhs_evals += 1;
        }
        group.eval(0, witness);
        let mut next = 0;
        looks.retain_mut(|(row, look)| {
            let change = &mut group.rates[next * plan.width..][..plan.width];
            next += 1;
            change.iter_mut().zip(&rates[place(plan, *row)]).for_each(|(new, old)| *new -= *old);
            let found = look.step(plan.norm.of(change, &states[place(plan, *row)]), plan.tableau.error_exponent());
            found.map(|found| lanes[*row].clock.h = found).is_none()
        });
    }
}
