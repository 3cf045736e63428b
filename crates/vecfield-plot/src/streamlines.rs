//! Evenly spaced streamlines of a planar field: B. Jobard and W. Lefer, *Creating evenly-spaced streamlines of arbitrary
//! density* (1997), with seeds on a fixed lattice so that the picture is the same every time.
//!
//! Everything happens in the unit square; the field is divided by the window's sides and then by its length, so that a
//! line advances the same distance at each step wherever the flow is fast or slow.

/// Distance between neighbouring lines, and how near a line may come to another before it ends (the paper's `d_test`).
const APART: f64 = 0.058;
const NEAREST: f64 = 0.45 * APART;
const STEP: f64 = 0.006;
/// Steps after which a line has left the neighbourhood of where it was.
const CLEARANCE: usize = 10;
/// Shorter lines are specks.
const SHORTEST: f64 = 0.09;
const MOST_STEPS: usize = 900;

/// A planar vector field sampled on a lattice over a window and read between the nodes bilinearly.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SampledField {
    pub(crate) x: [f64; 2],
    pub(crate) y: [f64; 2],
    nodes: usize,
    rates: Vec<[f64; 2]>,
}

impl SampledField {
    /// Asks `field` at `nodes × nodes` points of the window.
    pub(crate) fn new(x: [f64; 2], y: [f64; 2], nodes: usize, mut field: impl FnMut(f64, f64) -> [f64; 2]) -> Self {
        let at = |[low, high]: [f64; 2], i: usize| low + (high - low) * i as f64 / (nodes - 1) as f64;
        let mut rates = Vec::with_capacity(nodes * nodes);
        for row in 0..nodes {
            for column in 0..nodes {
                let [dx, dy] = field(at(x, column), at(y, row));
                rates.push([dx / (x[1] - x[0]), dy / (y[1] - y[0])]);
            }
        }
        Self { x, y, nodes, rates }
    }

    /// The direction of the flow at a point of the unit square, of length 1; `None` outside, where the field is not
    /// finite and where nothing moves.
    fn direction(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        if !(0.0..=1.0).contains(&x) || !(0.0..=1.0).contains(&y) {
            return None;
        }
        let cells = self.nodes - 1;
        let (gx, gy) = (x * cells as f64, y * cells as f64);
        let (i, j) = ((gx as usize).min(cells - 1), (gy as usize).min(cells - 1));
        let (fx, fy) = (gx - i as f64, gy - j as f64);
        let node = |di: usize, dj: usize| self.rates[(j + dj) * self.nodes + i + di];
        let corners = [(node(0, 0), (1.0 - fx) * (1.0 - fy)), (node(1, 0), fx * (1.0 - fy))];
        let more = [(node(0, 1), (1.0 - fx) * fy), (node(1, 1), fx * fy)];
        let rate = corners
            .iter()
            .chain(&more)
            .fold([0.0; 2], |sum, (rate, weight)| [sum[0] + rate[0] * weight, sum[1] + rate[1] * weight]);
        let speed = rate[0].hypot(rate[1]);
        (speed.is_finite() && speed > 1e-12).then(|| [rate[0] / speed, rate[1] / speed])
    }

    /// Lines in the coordinates of the unit square, each in the direction of the flow.
    pub(crate) fn streamlines(&self) -> Vec<Vec<[f64; 2]>> {
        let mut taken = Occupied::new();
        let mut lines = Vec::new();
        for seed in seeds() {
            if taken.near(seed, APART) {
                continue;
            }
            let line = self.line_through(seed, &taken);
            if line.len() as f64 * STEP >= SHORTEST {
                taken.extend(&line);
                lines.push(line);
            }
        }
        lines
    }

    fn line_through(&self, seed: [f64; 2], taken: &Occupied) -> Vec<[f64; 2]> {
        let mut forward = self.half_line(seed, 1.0, taken, &mut Occupied::new());
        if closes(seed, &forward) {
            forward.insert(0, seed);
            forward.push(seed);
            return forward;
        }
        // The backward half must not run along the forward one, but starts beside it.
        let mut own = Occupied::new();
        own.extend(forward.get(CLEARANCE..).unwrap_or(&[]));
        let mut line = self.half_line(seed, -1.0, taken, &mut own);
        line.reverse();
        line.push(seed);
        line.extend(forward);
        line
    }

    /// Midpoint steps from the seed until the line leaves, stalls, meets another line or comes back to itself.
    fn half_line(&self, seed: [f64; 2], sign: f64, taken: &Occupied, own: &mut Occupied) -> Vec<[f64; 2]> {
        let mut line = Vec::new();
        let mut at = seed;
        while line.len() < MOST_STEPS {
            let Some(k1) = self.direction(at) else { break };
            let half = [at[0] + 0.5 * sign * STEP * k1[0], at[1] + 0.5 * sign * STEP * k1[1]];
            let Some(k2) = self.direction(half) else { break };
            // Opposite directions half a step apart: a sink, a source or a jump of the field.
            if k1[0] * k2[0] + k1[1] * k2[1] < 0.0 {
                break;
            }
            at = [at[0] + sign * STEP * k2[0], at[1] + sign * STEP * k2[1]];
            if self.direction(at).is_none() || taken.near(at, NEAREST) || own.near(at, 0.5 * NEAREST) {
                break;
            }
            line.push(at);
            // Its own last points are always near; they count once the line has moved on.
            if let Some(past) = line.len().checked_sub(CLEARANCE) {
                own.insert(line[past]);
            }
        }
        line
    }
}

/// Whether a line has come round to where it began.
fn closes(seed: [f64; 2], line: &[[f64; 2]]) -> bool {
    line.len() > 2 * CLEARANCE && line.last().is_some_and(|end| (end[0] - seed[0]).hypot(end[1] - seed[1]) < NEAREST)
}

/// Lattice points from the middle outwards.
fn seeds() -> Vec<[f64; 2]> {
    const SIDE: usize = 41;
    let at = |i: usize| (i as f64 + 0.5) / SIDE as f64;
    let mut seeds: Vec<[f64; 2]> = (0..SIDE * SIDE).map(|k| [at(k % SIDE), at(k / SIDE)]).collect();
    let from_centre = |p: &[f64; 2]| (p[0] - 0.5).hypot(p[1] - 0.5);
    seeds.sort_by(|a, b| {
        from_centre(a).total_cmp(&from_centre(b)).then(a[0].total_cmp(&b[0])).then(a[1].total_cmp(&b[1]))
    });
    seeds
}

/// Points in square cells of side [`APART`], so that neighbours are found in nine cells.
struct Occupied {
    side: usize,
    cells: Vec<Vec<[f64; 2]>>,
}

impl Occupied {
    fn new() -> Self {
        let side = (1.0 / APART).ceil() as usize + 1;
        Self { side, cells: vec![Vec::new(); side * side] }
    }

    fn cell(&self, [x, y]: [f64; 2]) -> (usize, usize) {
        let index = |v: f64| ((v / APART) as usize).min(self.side - 1);
        (index(x), index(y))
    }

    fn insert(&mut self, point: [f64; 2]) {
        let (i, j) = self.cell(point);
        self.cells[j * self.side + i].push(point);
    }

    fn extend(&mut self, line: &[[f64; 2]]) {
        line.iter().for_each(|&point| self.insert(point));
    }

    fn near(&self, point: [f64; 2], distance: f64) -> bool {
        let (i, j) = self.cell(point);
        let around = |k: usize| k.saturating_sub(1)..=(k + 1).min(self.side - 1);
        around(j).any(|row| {
            around(i).any(|column| {
                self.cells[row * self.side + column].iter().any(|q| (q[0] - point[0]).hypot(q[1] - point[1]) < distance)
            })
        })
    }
}
