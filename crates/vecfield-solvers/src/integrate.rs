//! The one integration loop: every method, save time, event and observer goes through [`integrate`].

use vecfield_traits::{Scalar, VectorField};

use crate::checkpoint::Checkpoint;
use crate::clock::Clock;
use crate::event::{Verdict, Watch};
use crate::observe::{Flow, Step, Witness};
use crate::stepper::{Evaluator, Stepper};
use crate::{Options, SolveError};

/// How a solve ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At the end asked for.
    Reached,
    /// At an observer's wish.
    Stopped,
    /// At an event, by its index.
    Event(usize),
}

/// Integrates from `(t0, y0)` to `t1`, through the jumps of `events`, showing every accepted step to `witness`.
///
/// # Errors
///
/// The field not finite, the step too small, too many steps or jumps; the witness has then seen all that is good.
pub(crate) fn integrate<F, K>(
    stepper: &mut K,
    field: &mut Evaluator<'_, F, K::Scalar>,
    (t0, t1): (RealOf<F, K>, RealOf<F, K>),
    y0: &[K::Scalar],
    options: &Options<RealOf<F, K>>,
    events: &mut Watch<'_, '_, K::Scalar, F>,
    witness: &mut (impl Witness<F, K> + ?Sized),
) -> Result<Halt<RealOf<F, K>>, SolveError>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    stepper.start(field, t0, y0)?;
    witness.begin(t0, stepper.y());
    events.begin(field.field, t0, stepper.y())?;
    let clock = Clock::new(stepper, field, (t0, t1), options);
    go_on(stepper, field, (clock, t1), options, events, witness)
}

/// Goes on from a checkpoint.
///
/// # Errors
///
/// As [`integrate`].
pub(crate) fn resume<F, K>(
    stepper: &mut K,
    field: &mut Evaluator<'_, F, K::Scalar>,
    from: &Checkpoint<K::Scalar>,
    options: &Options<RealOf<F, K>>,
    events: &mut Watch<'_, '_, K::Scalar, F>,
    witness: &mut (impl Witness<F, K> + ?Sized),
) -> Result<Halt<RealOf<F, K>>, SolveError>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    let (t, t1) = (from.clock.t, from.span.1);
    events.recall(&from.events);
    if from.events.due.is_empty() {
        stepper.restore(field, &from.stepper);
        // What is evaluated again was counted when it was evaluated first.
        field.stats = from.stats;
        witness.begin(t, stepper.y());
        return go_on(stepper, field, (from.clock.clone(), t1), options, events, witness);
    }
    field.stats = from.stats;
    witness.begin(t, &from.y);
    events.state.copy_from_slice(&from.y);
    let clock = jump(stepper, field, (t, t1), options, events, witness)?;
    go_on(stepper, field, (clock, t1), options, events, witness)
}

/// How the loop ended, and where it can go on if an observer ended it.
pub(crate) struct Halt<R> {
    pub(crate) ending: Ending,
    pub(crate) pause: Option<Pause<R>>,
}

/// Where a solve was stopped.
pub(crate) enum Pause<R> {
    /// Between two steps.
    Between(Clock<R>),
    /// Before the jumps that are due at this time.
    Jump(R),
}

impl<R> From<Ending> for Halt<R> {
    fn from(ending: Ending) -> Halt<R> {
        Halt { ending, pause: None }
    }
}

/// The loop.
fn go_on<F, K>(
    stepper: &mut K,
    field: &mut Evaluator<'_, F, K::Scalar>,
    (mut clock, t1): (Clock<RealOf<F, K>>, RealOf<F, K>),
    options: &Options<RealOf<F, K>>,
    events: &mut Watch<'_, '_, K::Scalar, F>,
    witness: &mut (impl Witness<F, K> + ?Sized),
) -> Result<Halt<RealOf<F, K>>, SolveError>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    loop {
        if clock.done() {
            let Some(t) = clock.resume() else { return Ok(Ending::Reached.into()) };
            events.state.copy_from_slice(stepper.y());
            witness.restarted(t, &events.state, &[]);
            stepper.start(field, t, &events.state)?;
            clock = Clock::new(stepper, field, (t, t1), options);
            continue;
        }
        let leg = clock.advance(stepper, field, options.max_steps)?;
        let t = clock.t;
        let mut step = Step { stepper: &mut *stepper, field: &mut *field, t0: t, t1: leg.end, h: leg.h, end: None };
        let verdict = events.pass(&mut step)?;
        if let Verdict::Jump(t) | Verdict::Stop(t, _) = verdict {
            step.t1 = t;
            step.end = Some(&events.state);
        }
        let flow = witness.step(&mut step);
        match verdict {
            Verdict::Stop(_, event) => return Ok(Ending::Event(event).into()),
            Verdict::Jump(t) if flow == Flow::Stop => {
                return Ok(Halt { ending: Ending::Stopped, pause: Some(Pause::Jump(t)) });
            }
            Verdict::Jump(t) => clock = jump(stepper, field, (t, t1), options, events, witness)?,
            Verdict::GoOn => {
                stepper.commit();
                clock.accept(&leg);
                if flow == Flow::Stop {
                    return Ok(Halt { ending: Ending::Stopped, pause: Some(Pause::Between(clock)) });
                }
                witness.advanced(stepper, &clock);
                clock.check(stepper, true)?;
            }
        }
    }
}

/// Makes the jumps due at `t`, and begins anew there.
fn jump<F, K>(
    stepper: &mut K,
    field: &mut Evaluator<'_, F, K::Scalar>,
    (t, t1): (RealOf<F, K>, RealOf<F, K>),
    options: &Options<RealOf<F, K>>,
    events: &mut Watch<'_, '_, K::Scalar, F>,
    witness: &mut (impl Witness<F, K> + ?Sized),
) -> Result<Clock<RealOf<F, K>>, SolveError>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    events.jump(field.field, t)?;
    witness.restarted(t, &events.state, &events.due);
    stepper.start(field, t, &events.state)?;
    Ok(Clock::new(stepper, field, (t, t1), options))
}

type RealOf<F, K> = <<K as Stepper<F>>::Scalar as Scalar>::Real;
