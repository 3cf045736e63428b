//! The loop of the lanes: every lane steps its own trajectory, and takes the next one of the queue when that ends.

use vecfield_traits::ParametricField;

use super::clock::Clocks;
use super::held::Held;
use super::outcome::{Outcome, Sheet};
use super::stepper::{Attempts, LaneStepper, Trial};
use super::{F64Lanes, Family, LANES, Member, solo};
use crate::auto::Suspicion;
use crate::clock::{Clock, part};
use crate::explicit::ExplicitRungeKutta;
use crate::outlook;
use crate::stepper::{Culprit, Evaluator, Stats, Stepper};
use crate::tableau::Tableau;
use crate::{Ending, Options, SolveError};

/// Steps between two questions whether to go on.
pub(super) const PATIENCE: u32 = 256;

/// What all trajectories of an ensemble share.
pub(super) struct Common<'a, F> {
    pub(super) family: &'a F,
    pub(super) tableau: &'static Tableau,
    pub(super) options: &'a Options<f64>,
    /// The real stability of the method, where trajectories that turn out to be stiff are handed over.
    pub(super) stability: Option<f64>,
    /// Does a trajectory that stability holds to hopelessly many steps end with that [diagnosis](SolveError::Stiff)?
    pub(super) diagnosed: bool,
}

/// A trajectory that has turned out to be stiff: to be gone on with alone.
pub(super) struct Handover<'a> {
    pub(super) member: usize,
    pub(super) y: &'a [f64],
    pub(super) clock: Clock<f64>,
    pub(super) stats: Stats,
    /// Rows already kept.
    pub(super) rows: usize,
}

/// Solves `members` into `sheet`, `LANES` at a time.
pub(super) fn drive<F: Family>(
    common: &Common<'_, F>,
    members: &[Member<'_>],
    sheet: &mut Sheet<'_>,
    stiff: &mut dyn FnMut(Handover<'_>, &mut Sheet<'_>),
    goes_on: &dyn Fn(usize) -> bool,
) {
    let mut lanes = Lanes::new(common);
    let mut work = ParametricField::<F64Lanes>::workspace(common.family);
    let mut queue = Queue { common, members, next: 0, work: ParametricField::<f64>::workspace(common.family) };
    for lane in 0..LANES {
        lanes.refill(lane, &mut queue, sheet);
    }
    let mut patience = PATIENCE;
    while lanes.active.contains(&true) {
        let trial = lanes.clocks.trial();
        let attempts = lanes.stepper.attempt(common.family, &mut work, trial, common.stability.is_some());
        let over = lanes.clocks.advance(&attempts);
        let marked = lanes.count(&attempts, &over, common);
        if marked.contains(&true) {
            lanes.save(&trial, &attempts, common.family, &mut work, sheet);
            for lane in (0..LANES).filter(|&lane| marked[lane]) {
                lanes.settle(lane, &trial, &attempts, over[lane], &mut queue, sheet, stiff);
            }
        }
        patience -= 1;
        if patience == 0 {
            patience = PATIENCE;
            if !goes_on(sheet.take_finished()) {
                return lanes.stop(sheet);
            }
        }
    }
}

/// Trajectories that have not begun.
struct Queue<'a, 'm, F: Family> {
    common: &'a Common<'a, F>,
    members: &'a [Member<'m>],
    next: usize,
    work: <F as ParametricField<f64>>::Workspace,
}

/// The trajectories under way.
struct Lanes {
    stepper: LaneStepper,
    clocks: Clocks,
    /// What begins a trajectory: the rate and the first step are those of a solve alone.
    starter: ExplicitRungeKutta<f64>,
    active: [bool; LANES],
    member: [usize; LANES],
    /// The next save time, beyond the end if there is none.
    due: [f64; LANES],
    /// 1 forth in time, -1 back.
    direction: [f64; LANES],
    rows: [usize; LANES],
    /// Where to go on after the end of the clock: behind a declared discontinuity.
    resume: [Option<f64>; LANES],
    /// The work of the starts.
    begun: [Stats; LANES],
    steps: [u64; LANES],
    rejected: [u64; LANES],
    /// Rates at the end of a step, where they are no stage.
    ends: [u64; LANES],
    /// Evaluations for dense output.
    extensions: [u64; LANES],
    suspicion: [Suspicion; LANES],
    most_steps: u64,
    row: Vec<f64>,
}

impl Lanes {
    fn new<F: Family>(common: &Common<'_, F>) -> Lanes {
        let n = ParametricField::<f64>::dim(common.family);
        let parameters = ParametricField::<f64>::parameter_count(common.family);
        let served = "options that served when the ensemble was made";
        Lanes {
            stepper: LaneStepper::new(common.tableau, n, parameters, common.options).expect(served),
            clocks: Clocks::new(common.options),
            starter: ExplicitRungeKutta::new(common.tableau, n, common.options).expect(served),
            active: [false; LANES],
            member: [0; LANES],
            due: [0.0; LANES],
            direction: [1.0; LANES],
            rows: [0; LANES],
            resume: [None; LANES],
            begun: [Stats::default(); LANES],
            steps: [0; LANES],
            rejected: [0; LANES],
            ends: [0; LANES],
            extensions: [0; LANES],
            suspicion: [Suspicion::default(); LANES],
            most_steps: common.options.max_steps,
            row: vec![0.0; n],
        }
    }

    /// Begins the next trajectory that can begin in this lane, or lets it rest.
    fn refill<F: Family>(&mut self, lane: usize, queue: &mut Queue<'_, '_, F>, sheet: &mut Sheet<'_>) {
        self.active[lane] = false;
        while queue.next < queue.members.len() {
            let index = queue.next;
            queue.next += 1;
            let mut stats = Stats::default();
            match self.begin(lane, &mut stats, index, queue, sheet) {
                Ok(true) => {
                    self.active[lane] = true;
                    return;
                }
                Ok(false) => {
                    let member = &queue.members[index];
                    sheet.keep_end(index, member.y0);
                    sheet.end(index, Outcome::ended(stats, member.span.1, Ending::Reached));
                }
                Err(error) => sheet.end(index, Outcome::failed(stats, queue.members[index].span.0, error)),
            }
        }
        self.clocks.rest(lane);
    }

    /// Puts a trajectory into the lane; false if it ends where it begins.
    fn begin<F: Family>(
        &mut self,
        lane: usize,
        stats: &mut Stats,
        index: usize,
        queue: &mut Queue<'_, '_, F>,
        sheet: &mut Sheet<'_>,
    ) -> Result<bool, SolveError> {
        let (common, member) = (queue.common, &queue.members[index]);
        let (t0, t1) = member.span;
        let parameters = ParametricField::<f64>::parameter_count(common.family);
        solo::check(member, self.row.len(), parameters, sheet)?;
        self.enter(lane, stats, (t0, t1), member.y0, member.theta, queue)?;
        self.rows[lane] = sheet.keep_beginning(index, t0, member.y0);
        if self.clocks.done(lane) {
            return Ok(false);
        }
        self.member[lane] = index;
        self.direction[lane] = if t1 < t0 { -1.0 } else { 1.0 };
        self.due[lane] = sheet.due(self.rows[lane], self.direction[lane]);
        self.begun[lane] = *stats;
        (self.steps[lane], self.rejected[lane], self.ends[lane], self.extensions[lane]) = (0, 0, 0, 0);
        Ok(true)
    }

    /// Begins at `(t, y)`, at the beginning of a trajectory or after a declared discontinuity.
    fn enter<F: Family>(
        &mut self,
        lane: usize,
        stats: &mut Stats,
        (t, t1): (f64, f64),
        y: &[f64],
        theta: &[f64],
        queue: &mut Queue<'_, '_, F>,
    ) -> Result<(), SolveError> {
        let common = queue.common;
        let (end, resume) = part(&common.options.discontinuities, (t, t1));
        let mut field = Held { family: common.family, theta };
        let mut evaluator = Evaluator { field: &mut field, work: &mut queue.work, stats: *stats };
        let starter = &mut self.starter;
        let started = starter.start(&mut evaluator, t, y);
        *stats = evaluator.stats;
        started?;
        self.stepper.load(lane, theta, y, starter.rate());
        let first = match common.options.given_step() {
            Some(h) => h,
            None => {
                let first = starter.first_step(&mut evaluator, t, end - t);
                *stats = evaluator.stats;
                first
            }
        };
        self.clocks.set(lane, (t, end), first, common.options);
        (self.resume[lane], self.suspicion[lane]) = (resume, Suspicion::default());
        Ok(())
    }

    /// Goes on behind a declared discontinuity, from the end of the step.
    fn resume<F: Family>(&mut self, lane: usize, t: f64, queue: &mut Queue<'_, '_, F>) -> Result<(), SolveError> {
        let member = &queue.members[self.member[lane]];
        self.stepper.read(lane, true, &mut self.row);
        let y = core::mem::take(&mut self.row);
        let mut evaluations = Stats::default();
        let entered = self.enter(lane, &mut evaluations, (t, member.span.1), &y, member.theta, queue);
        self.begun[lane].rhs_evals += evaluations.rhs_evals;
        self.row = y;
        entered
    }

    /// Counts the work of a step, and marks the lanes where more is to be done than to go on.
    #[inline(always)]
    fn count<F>(&mut self, attempts: &Attempts, over: &[bool; LANES], common: &Common<'_, F>) -> [bool; LANES] {
        let next = self.clocks.next();
        let mut marked = [false; LANES];
        for i in 0..LANES {
            self.steps[i] += u64::from(attempts.accepted[i]);
            self.rejected[i] += u64::from(!attempts.accepted[i]);
            self.ends[i] += u64::from(attempts.tried_end[i]);
            let due = attempts.accepted[i] & ((self.due[i] - next[i]) * self.direction[i] <= 0.0);
            let look = outlook::due(self.steps[i] + self.rejected[i], self.most_steps);
            marked[i] = self.active[i] & (due | over[i] | look);
        }
        if let Some(stability) = common.stability {
            for i in 0..LANES {
                let stiff = attempts.accepted[i] && self.suspicion[i].see(|| attempts.strain(i), stability);
                marked[i] |= self.active[i] & stiff;
            }
        }
        marked
    }

    /// Keeps the states that fell due in this step; a lane whose dense output is not finite is told by a row left out.
    #[inline(never)]
    fn save<F: Family>(
        &mut self,
        trial: &Trial,
        attempts: &Attempts,
        family: &F,
        work: &mut <F as ParametricField<F64Lanes>>::Workspace,
        sheet: &mut Sheet<'_>,
    ) {
        let next = *self.clocks.next();
        let is_due = |lanes: &Lanes, i: usize| {
            lanes.active[i] && attempts.accepted[i] && (lanes.due[i] - next[i]) * lanes.direction[i] <= 0.0
        };
        let (mut extended, mut counted, mut broken) = (false, [false; LANES], [false; LANES]);
        loop {
            let (mut theta, mut inside) = (vecfield_kernels::Lanes::splat(0.5), [false; LANES]);
            for i in 0..LANES {
                if !is_due(self, i) || broken[i] {
                    continue;
                }
                inside[i] = self.due[i] != next[i];
                theta.0[i] = if inside[i] { (self.due[i] - trial.t.0[i]) / trial.h.0[i] } else { 0.5 };
                if !inside[i] {
                    sheet.keep(self.member[i], self.rows[i], self.stepper.y_new(), i);
                    self.pass(i, sheet);
                } else if !counted[i] {
                    self.extensions[i] += self.stepper.extension();
                    counted[i] = true;
                }
            }
            if !inside.contains(&true) {
                if (0..LANES).any(|i| is_due(self, i) && !broken[i]) {
                    continue; // several rows at the end of the step
                }
                return;
            }
            if !extended {
                self.stepper.extend(family, work, *trial);
                extended = true;
            }
            let states = self.stepper.dense(trial.h, theta);
            for i in (0..LANES).filter(|&i| inside[i]) {
                broken[i] = !sheet.keep(self.member[i], self.rows[i], states, i);
            }
            for i in (0..LANES).filter(|&i| inside[i] && !broken[i]) {
                self.pass(i, sheet);
            }
        }
    }

    /// The row that was due is kept: which is next?
    fn pass(&mut self, lane: usize, sheet: &Sheet<'_>) {
        self.rows[lane] += 1;
        self.due[lane] = sheet.due(self.rows[lane], self.direction[lane]);
    }

    /// Ends a trajectory that is at its end, stuck, out of steps or broken, or hands it over if it is stiff.
    #[allow(clippy::too_many_arguments)]
    #[inline(never)]
    fn settle<F: Family>(
        &mut self,
        lane: usize,
        trial: &Trial,
        attempts: &Attempts,
        over: bool,
        queue: &mut Queue<'_, '_, F>,
        sheet: &mut Sheet<'_>,
        stiff: &mut dyn FnMut(Handover<'_>, &mut Sheet<'_>),
    ) {
        let (index, t, next) = (self.member[lane], self.clocks.t(lane), self.clocks.next()[lane]);
        let accepted = attempts.accepted[lane];
        let missed = accepted && (self.due[lane] - next) * self.direction[lane] <= 0.0;
        let stats = self.stats(lane);
        let outcome = if missed {
            let component = sheet.not_finite(index, self.rows[lane]);
            let (t, step) = (trial.t.0[lane], next - trial.t.0[lane]);
            Outcome::failed(stats, t, SolveError::NotFinite { component, t, step, stage: None })
        } else if let (true, true, Some(t)) = (over, self.clocks.done(lane), self.resume[lane]) {
            match self.resume(lane, t, queue) {
                Ok(()) => return,
                Err(error) => Outcome::failed(self.stats(lane), t, error),
            }
        } else if over && self.clocks.done(lane) {
            self.stepper.read(lane, true, &mut self.row);
            sheet.keep_end(index, &self.row);
            Outcome::ended(stats, t, Ending::Reached)
        } else if over {
            let culprit = self.stepper.culprit(lane, attempts.tried_end[lane]);
            Outcome::failed(stats, t, self.failure(lane, culprit))
        } else if let Err(error) = self.check_outlook(lane, accepted, queue) {
            Outcome::failed(stats, t, error)
        } else if self.suspicion[lane].confirmed() && accepted {
            self.stepper.read(lane, true, &mut self.row);
            let rows = self.rows[lane];
            let (y, clock) = (&self.row[..], self.clocks.clock(lane, self.resume[lane]));
            stiff(Handover { member: index, y, clock, stats, rows }, sheet);
            return self.refill(lane, queue, sheet);
        } else {
            return; // a row was kept, no more
        };
        sheet.end(index, outcome);
        self.refill(lane, queue, sheet);
    }

    /// [`outlook::check`] of a trajectory, if it is time for it.
    fn check_outlook<F: Family>(
        &mut self,
        lane: usize,
        accepted: bool,
        queue: &mut Queue<'_, '_, F>,
    ) -> Result<(), SolveError> {
        let (stats, limit) = (self.stats(lane), self.most_steps);
        if !outlook::due(stats.steps + stats.rejected, limit) {
            return Ok(());
        }
        let clock = self.clocks.clock(lane, self.resume[lane]);
        self.stepper.read(lane, accepted, &mut self.row);
        let mut field = Held { family: queue.common.family, theta: queue.members[self.member[lane]].theta };
        let mut evaluator = Evaluator { field: &mut field, work: &mut queue.work, stats };
        let stability = || queue.common.diagnosed.then(|| queue.common.tableau.real_stability());
        outlook::check(&mut evaluator, &clock, &self.row, stability, limit)
    }

    fn stats(&self, lane: usize) -> Stats {
        let tries = self.steps[lane] + self.rejected[lane];
        let ends = if self.stepper.end_is_extra() { self.ends[lane] } else { 0 };
        let rhs_evals = self.begun[lane].rhs_evals + tries * self.stepper.evaluations() + ends + self.extensions[lane];
        Stats { steps: self.steps[lane], rejected: self.rejected[lane], rhs_evals, ..Stats::default() }
    }

    fn failure(&self, lane: usize, culprit: Culprit) -> SolveError {
        culprit.failure(self.clocks.t(lane), self.clocks.h(lane), self.clocks.fixed())
    }

    /// Ends every trajectory where it is, at the caller's wish.
    fn stop(&mut self, sheet: &mut Sheet<'_>) {
        for lane in (0..LANES).filter(|&lane| self.active[lane]) {
            let outcome = Outcome::ended(self.stats(lane), self.clocks.t(lane), Ending::Stopped);
            sheet.end(self.member[lane], outcome);
        }
    }
}
