//! The way back between two checkpoints: which states are computed again, in which order, and which are kept meanwhile.
//!
//! With room for `s` more checkpoints and `r` repetitions, `(s+r choose s)` stretches can be passed through backwards
//! (Griewank and Walther 2000, Algorithm 799): the schedule takes the smallest `r` that is enough.

/// What to do next on the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// From the checkpoint at step `from`, go on to step `at` and keep a checkpoint there.
    Keep { from: usize, at: usize },
    /// From the checkpoint at step `from`, go on to step `start`, keep the stages of the steps up to `end`, and pull back
    /// through them.
    Pull { from: usize, start: usize, end: usize },
    /// Forget the checkpoint at this step.
    Drop { at: usize },
}

impl Action {
    /// How many steps it takes again.
    pub(crate) fn steps(self) -> usize {
        match self {
            Action::Keep { from, at } => at - from,
            Action::Pull { from, end, .. } => end - from,
            Action::Drop { .. } => 0,
        }
    }
}

/// Goes back from step `end` to the checkpoint at step `from`, with the stages of `stretch` steps kept at once and room for
/// `room` more checkpoints.
pub(crate) fn go_back<E>(
    from: usize,
    end: usize,
    stretch: usize,
    room: usize,
    act: &mut impl FnMut(Action) -> Result<(), E>,
) -> Result<(), E> {
    let stretches = (end - from).div_ceil(stretch);
    if stretches <= 1 || room == 0 {
        let mut end = end;
        while end > from {
            let start = end.saturating_sub(stretch).max(from);
            act(Action::Pull { from, start, end })?;
            end = start;
        }
        return Ok(());
    }
    let mut repetitions = 1;
    while binomial(room, repetitions) < stretches {
        repetitions += 1;
    }
    let behind = binomial(room - 1, repetitions).min(stretches - 1);
    let at = end - behind * stretch;
    act(Action::Keep { from, at })?;
    go_back(at, end, stretch, room - 1, act)?;
    act(Action::Drop { at })?;
    go_back(from, at, stretch, room, act)
}

/// `(s + r choose s)`, saturating.
fn binomial(s: usize, r: usize) -> usize {
    let small = s.min(r);
    (1..=small).fold(1_u128, |product, i| (product * (s + r - small + i) as u128 / i as u128).min(1 << 60)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(end: usize, stretch: usize, room: usize) -> usize {
        let (mut total, mut reached, mut kept) = (0, end, 0_usize);
        go_back(0, end, stretch, room, &mut |action| {
            total += action.steps();
            match action {
                Action::Keep { .. } => kept += 1,
                Action::Drop { .. } => kept -= 1,
                Action::Pull { start, end, .. } => {
                    assert!(end == reached && end - start <= stretch, "backwards, without a gap");
                    reached = start;
                }
            }
            assert!(kept <= room);
            Ok::<(), ()>(())
        })
        .unwrap();
        assert_eq!((reached, kept), (0, 0));
        total
    }

    #[test]
    fn every_step_is_passed_once_within_the_room() {
        for end in [1, 2, 3, 10, 97, 1000] {
            for stretch in [1, 2, 7, 64] {
                for room in [0, 1, 2, 5, 40] {
                    steps(end, stretch, room);
                }
            }
        }
    }

    #[test]
    fn the_repetitions_are_those_of_the_binomial_bound() {
        // 10 places reach (14 choose 4) = 1001 steps with four repetitions of each,
        // and the stages of each step are computed once more.
        assert!(steps(1000, 1, 10) <= (4 + 1) * 1000);
        // One step at a time without room: the quadratic sum.
        assert_eq!(steps(100, 1, 0), 100 * 101 / 2);
        assert_eq!(steps(64, 64, 0), 64);
    }

    #[test]
    fn binomials() {
        assert_eq!((binomial(10, 4), binomial(0, 3), binomial(3, 0), binomial(2, 2)), (1001, 1, 1, 6));
        assert!(binomial(5000, 5000) > 1 << 59);
    }
}
