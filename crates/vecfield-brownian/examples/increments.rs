//! What an increment costs: 1,024 paths of about 1,000 steps, by areas, by depth, and from cold.
//!
//! `cargo run --release -p vecfield-brownian --example increments`

use std::hint::black_box;
use std::time::Instant;

use vecfield_brownian::{Areas, Brownian, BrownianError};

const PATHS: usize = 1024;
const TOGETHER: usize = 256;

fn main() -> Result<(), BrownianError> {
    println!("nanoseconds a path and step");
    for areas in [Areas::None, Areas::SpaceTime, Areas::SpaceTimeTime] {
        for (depth, steps) in [(10, 1024), (11, 1000), (20, 1024), (20, 1000)] {
            let path = Brownian::new(1, (0.0, 1.0))?.with_depth(depth)?.with_areas(areas);
            let mut best = f64::INFINITY;
            for _ in 0..5 {
                let clock = Instant::now();
                for first in (0..PATHS).step_by(TOGETHER) {
                    let mut walker = path.walker(1, first as u64, TOGETHER);
                    for k in 0..steps {
                        walker.query(f64::from(k) / f64::from(steps), f64::from(k + 1) / f64::from(steps))?;
                        black_box(walker.w());
                    }
                }
                best = clock.elapsed().as_secs_f64().min(best);
            }
            let each = best * 1e9 / (PATHS as f64 * f64::from(steps));
            println!("{areas:?}, depth {depth}, {steps} steps: {each:.1}");
        }
    }
    Ok(())
}
