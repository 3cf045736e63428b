//! The best small supports, by looking at all of them.
//!
//! Adding one feature at a time misses supports whose members help only together: a numerator and a denominator with a common factor look
//! right term by term. Depth first over increasing sets, each one row of a Cholesky factor more than its parent.

/// The best support of a size.
#[derive(Debug, Clone, PartialEq)]
pub struct SmallSupport {
    /// Features, increasing, without those always in.
    pub features: Vec<usize>,
    /// `hᵀ M⁻¹ h` over the support and the features always in: by how much it lowers the residual.
    pub gain: f64,
}

/// Of each size from 1, the support of `candidates` that, together with the features `always` in, lowers `θᵀMθ - 2 hᵀθ` most.
///
/// Sizes end before there would be more than `most` supports to look at. A support that depends on the rest of itself is passed over.
///
/// * `m`, `h`: `[p, p]`, `[p]`.
pub fn best_small_supports(
    m: &[f64],
    h: &[f64],
    always: &[usize],
    candidates: &[usize],
    most: usize,
) -> Vec<SmallSupport> {
    let p = h.len();
    let scale: Vec<f64> = (0..p).map(|i| 1.0 / m[i * p + i].max(f64::MIN_POSITIVE).sqrt()).collect();
    let largest = largest_size(candidates.len(), most);
    let depth = always.len() + largest;
    let mut walk = Walk {
        p,
        m,
        h,
        scale,
        set: Vec::with_capacity(depth),
        factor: vec![0.0; depth * depth],
        depth,
        right: Vec::with_capacity(depth),
        best: vec![SmallSupport { features: Vec::new(), gain: f64::NEG_INFINITY }; largest],
        always: 0,
    };
    // A member of `always` that depends on those before it adds nothing.
    for &feature in always {
        walk.push(feature);
    }
    walk.always = walk.set.len();
    let gain = walk.right.iter().map(|r| r * r).sum();
    walk.descend(candidates, largest, gain);
    walk.best.retain(|best| best.gain.is_finite());
    walk.best
}

/// The largest `k` with `C(n, 1) + .. + C(n, k) <= most`.
fn largest_size(n: usize, most: usize) -> usize {
    let (mut count, mut total) = (1_usize, 0_usize);
    for k in 1..=n {
        count = count.saturating_mul(n - k + 1) / k;
        total = total.saturating_add(count);
        if total > most {
            return k - 1;
        }
    }
    n
}

struct Walk<'a> {
    p: usize,
    m: &'a [f64],
    h: &'a [f64],
    /// To a unit diagonal.
    scale: Vec<f64>,
    set: Vec<usize>,
    /// Rows of the Cholesky factor, `[depth, depth]`, and `L⁻¹ h`.
    factor: Vec<f64>,
    depth: usize,
    right: Vec<f64>,
    best: Vec<SmallSupport>,
    always: usize,
}

/// What must be left of a feature of unit length beside the others.
const DEPENDENT: f64 = 1e-10;

impl Walk<'_> {
    /// Adds a feature; false, with nothing done, where it depends on the others.
    fn push(&mut self, feature: usize) -> bool {
        let (k, n) = (self.set.len(), self.depth);
        let (done, row) = self.factor.split_at_mut(k * n);
        let mut left = 1.0;
        let mut right = self.h[feature] * self.scale[feature];
        for a in 0..k {
            let other = &done[a * n..a * n + a + 1];
            let entry = self.m[feature * self.p + self.set[a]] * self.scale[feature] * self.scale[self.set[a]];
            let before: f64 = row[..a].iter().zip(other).map(|(x, y)| x * y).sum();
            row[a] = (entry - before) / other[a];
            left -= row[a] * row[a];
            right -= row[a] * self.right[a];
        }
        if left.is_nan() || left <= DEPENDENT {
            return false;
        }
        row[k] = left.sqrt();
        self.right.push(right / row[k]);
        self.set.push(feature);
        true
    }

    fn descend(&mut self, candidates: &[usize], largest: usize, gain: f64) {
        for (at, &feature) in candidates.iter().enumerate() {
            if !self.push(feature) {
                continue;
            }
            let gain = gain + self.right.last().map_or(0.0, |r| r * r);
            let size = self.set.len() - self.always;
            let best = &mut self.best[size - 1];
            if gain > best.gain {
                best.gain = gain;
                best.features.clear();
                best.features.extend_from_slice(&self.set[self.always..]);
            }
            if size < largest {
                self.descend(&candidates[at + 1..], largest, gain);
            }
            self.set.pop();
            self.right.pop();
        }
    }
}
