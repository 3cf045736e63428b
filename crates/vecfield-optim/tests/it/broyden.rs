//! Self-scaled Broyden on functions whose minima are known.

use proptest::prelude::*;
use vecfield_laws::allocates_nothing;
use vecfield_optim::{Broyden, Infeasible, OptimError, Scaling, Stepped};

use crate::valley;

const ALL: [Scaling; 3] = [Scaling::None, Scaling::Bfgs, Scaling::Broyden];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Rosenbrock's valley in many dimensions, from anywhere; every step goes down, none allocates.
    #[test]
    fn valleys(start in prop::collection::vec(-2.0..2.0_f64, 6), which in 0_usize..3) {
        let mut x = start;
        let mut broyden = Broyden::new(6, ALL[which]);
        broyden.begin(&x, &mut valley).unwrap();
        let (mut steps, mut last) = (0, broyden.value());
        while broyden.slope() > 1e-9 && steps < 400 {
            let mut stepped = Stepped::Moved;
            prop_assert_eq!(allocates_nothing(|| stepped = broyden.step(&mut x, &mut valley)), Ok(()));
            if stepped == Stepped::Stuck {
                break;
            }
            prop_assert!(broyden.value() <= last);
            (steps, last) = (steps + 1, broyden.value());
        }
        prop_assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-6), "{:?} after {steps} steps: {x:?}", ALL[which]);
    }

    /// A run that goes on from what it remembered has the bits of one that never stopped.
    #[test]
    fn memory_is_all_there_is(start in prop::collection::vec(-2.0..2.0_f64, 4), before in 0_usize..9) {
        let run = |x: &mut Vec<f64>, broyden: &mut Broyden, steps: usize| {
            broyden.begin(x, &mut valley).unwrap();
            for _ in 0..steps {
                broyden.step(x, &mut valley);
            }
        };
        let (mut x, mut broyden) = (start, Broyden::new(4, Scaling::Broyden));
        run(&mut x, &mut broyden, before);
        let (mut y, mut other) = (x.clone(), Broyden::new(4, Scaling::Broyden));
        other.resume(broyden.memory()).unwrap();
        run(&mut x, &mut broyden, 5);
        run(&mut y, &mut other, 5);
        prop_assert_eq!(x, y);
    }
}

#[test]
fn what_cannot_begin_says_so() {
    let mut broyden = Broyden::new(2, Scaling::Broyden);
    assert_eq!(broyden.begin(&[0.0, 0.0], &mut |_, _| Err(Infeasible)), Err(OptimError::InfeasibleStart));
    assert!(matches!(broyden.resume(&[1.0]), Err(OptimError::MemoryLength { found: 1, expected: 3 })));
}
