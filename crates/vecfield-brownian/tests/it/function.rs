//! The same bits in any order, from any walker, in any company; and the algebra of intervals.

use proptest::prelude::*;
use vecfield_brownian::{Areas, Brownian, BrownianError, Walker};

const AREAS: [Areas; 3] = [Areas::None, Areas::SpaceTime, Areas::SpaceTimeTime];

fn ask(walker: &mut Walker, (s, t): (f64, f64)) -> Vec<f64> {
    walker.query(s, t).expect("an interval of the path");
    [walker.w(), walker.h(), walker.k()].concat()
}

/// Two different times of the span, in order, at least a thousandth apart.
fn interval() -> impl Strategy<Value = (f64, f64)> {
    (0.0..0.999_f64, 0.001..1.0_f64).prop_map(|(s, share)| (s, s + (1.0 - s) * share.max(0.002)))
}

proptest! {
    #[test]
    fn order_caches_and_company_do_not_matter(
        seed in any::<u64>(), intervals in prop::collection::vec(interval(), 1..12), first in 0_u64..1000, paths in 1_usize..90,
    ) {
        for areas in AREAS {
            let path = Brownian::new(seed, (0.0, 1.0)).unwrap().with_areas(areas);
            let mut walker = path.walker(2, first, paths);
            let forwards: Vec<_> = intervals.iter().map(|&i| ask(&mut walker, i)).collect();
            let mut other = path.walker(2, first, paths);
            let mut backwards: Vec<_> = intervals.iter().rev().map(|&i| ask(&mut other, i)).collect();
            backwards.reverse();
            prop_assert_eq!(&forwards, &backwards);
            for (&interval, together) in intervals.iter().zip(&forwards) {
                prop_assert_eq!(&ask(&mut path.walker(2, first, paths), interval), together, "cold");
                // One path and one motion of many, alone.
                let alone = ask(&mut path.walker(1, first + paths as u64 / 2, 1), interval);
                let place = |term: usize| together[term * 2 * paths + paths / 2];
                prop_assert_eq!(alone, (0..areas as usize + 1).map(place).collect::<Vec<_>>());
            }
        }
    }

    /// Chen's relation, in the integrals that define the areas: ∫ (W_r - W_s) dr = h (W/2 + H), and likewise for K.
    #[test]
    fn neighbours_add_up(seed in any::<u64>(), cuts in prop::array::uniform3(0.0..1.0_f64)) {
        let mut cuts = cuts;
        cuts.sort_by(f64::total_cmp);
        prop_assume!(cuts[1] - cuts[0] > 1e-4 && cuts[2] - cuts[1] > 1e-4);
        let path = Brownian::new(seed, (0.0, 1.0)).unwrap().with_areas(Areas::SpaceTimeTime);
        let mut walker = path.walker(1, 0, 1);
        let mut moments = |s: f64, t: f64| {
            let ([w, h, k], length) = (<[f64; 3]>::try_from(ask(&mut walker, (s, t))).unwrap(), t - s);
            // ∫ dW, ∫ W_r dr and ∫ r W_r dr from the interval's start: K h² = h/2 ∫ B - ∫ r B with B the bridge.
            let once = length * (w / 2.0 + h);
            let twice = length * length * (w / 3.0 + h / 2.0 - k);
            [w, once, twice, length]
        };
        let (a, b, whole) = (moments(cuts[0], cuts[1]), moments(cuts[1], cuts[2]), moments(cuts[0], cuts[2]));
        let once = a[1] + b[1] + a[0] * b[3];
        // ∫ over the second part: (r + h₁)(W₁ + W_r).
        let twice = a[2] + b[2] + a[3] * b[1] + a[0] * (b[3] * b[3] / 2.0 + a[3] * b[3]);
        for (sum, whole) in [(a[0] + b[0], whole[0]), (once, whole[1]), (twice, whole[2])] {
            prop_assert!((sum - whole).abs() <= 1e-13, "{sum} against {whole}");
        }
    }

    /// Over a span a power of four as long the motion is a power of two as large, to the bit; over any other to rounding.
    #[test]
    fn the_scale_of_time_does_not_matter(seed in any::<u64>(), (s, t) in interval(), scale in 1e-3..1e3_f64) {
        let over = |scale: f64| {
            let path = Brownian::new(seed, (0.0, scale)).unwrap().with_areas(Areas::SpaceTimeTime);
            ask(&mut path.walker(1, 3, 1), (s * scale, t * scale))
        };
        let unit = over(1.0);
        for (a, b) in over(4.0).iter().zip(&unit) {
            prop_assert_eq!(*a, 2.0 * b);
        }
        for (a, b) in over(scale).iter().zip(&unit) {
            prop_assert!((a / scale.sqrt() - b).abs() < 1e-7, "{a} against {b}"); // rounding in time, over a leaf
        }
    }
}

#[test]
fn threads_do_not_matter() {
    let path = Brownian::new(5, (0.0, 1.0)).unwrap().with_areas(Areas::SpaceTime);
    let walk = move |first: u64| {
        let mut walker = path.walker(1, first, 64);
        (0..100).flat_map(|k| ask(&mut walker, (f64::from(k) / 100.0, f64::from(k + 1) / 100.0))).collect::<Vec<_>>()
    };
    let threads: Vec<_> = (0..4).map(|i| std::thread::spawn(move || walk(64 * i))).collect();
    for (i, thread) in (0..4).zip(threads) {
        assert_eq!(thread.join().unwrap(), walk(64 * i));
    }
}

#[test]
fn queries_do_not_allocate() {
    let path = Brownian::new(5, (0.0, 1.0)).unwrap().with_areas(Areas::SpaceTimeTime);
    let mut walker = path.walker(2, 0, 100);
    let counted = vecfield_laws::allocates_nothing(|| {
        for k in 0..50 {
            walker.query(f64::from(k) / 50.0, f64::from(k + 1) / 50.0).unwrap();
        }
    });
    assert_eq!(counted, Ok(()));
}

#[test]
fn what_is_no_interval_is_refused() {
    assert!(matches!(Brownian::new(0, (1.0, 1.0)), Err(BrownianError::Span { .. })));
    assert!(matches!(Brownian::new(0, (0.0, f64::NAN)), Err(BrownianError::Span { .. })));
    let path = Brownian::new(0, (0.0, 1.0)).unwrap();
    assert!(matches!(path.with_depth(41), Err(BrownianError::Depth { .. })));
    let mut walker = path.walker(1, 0, 1);
    assert!(matches!(walker.query(0.0, 1.1), Err(BrownianError::Outside { .. })));
    assert!(matches!(walker.query(0.0, f64::NAN), Err(BrownianError::Outside { .. })));
    assert!(matches!(walker.query(0.5, 0.4), Err(BrownianError::Order { .. })));
    let fine = walker.query(0.3, 0.3 + 1e-9).unwrap_err();
    assert!(fine.to_string().contains("raise the path's depth"), "{fine}");
    walker.query(0.3, 0.3).unwrap();
    assert_eq!(walker.w(), [0.0]);
}
