//! The loop over orders.

use vecfield_kernels::Job;
use vecfield_traits::Real;

use super::convolution::{FRONT, WIDTH, convolve, square, weighted};
use super::{Past, Rule, Series, SeriesMemory, Step, Value};

/// One expansion, compiled for every instruction set.
pub(super) struct Expansion<'a, R> {
    pub(super) series: &'a Series,
    pub(super) memory: &'a mut SeriesMemory<R>,
    pub(super) order: usize,
    pub(super) coefficients: &'a mut [R],
}

/// Numbers from the front of one row to the front of the next.
pub(super) fn stride(order: usize) -> usize {
    FRONT + (order + WIDTH).next_multiple_of(WIDTH)
}

impl<R: Real> SeriesMemory<R> {
    fn fit(&mut self, series: &Series, order: usize) {
        let stride = stride(order);
        // Cleared, since convolutions read beyond the coefficients that are there.
        self.file.clear();
        self.file.resize(series.rows * stride, R::zero());
        self.heads.resize(series.rows, R::zero());
        self.now.resize(series.rows, R::zero());
        self.factors.clear();
        self.factors.extend(series.terms.iter().map(|&(_, place)| self.places[place as usize]));
        self.histories.resize(series.steps.len(), R::zero());
        self.inverses.resize(series.steps.len(), R::zero());
        for k in self.numbers.len()..stride {
            self.numbers.push(R::from_f64(k as f64));
            self.reciprocals.push(R::from_f64(1.0 / k as f64));
        }
        self.order = order;
    }
}

impl<R: Real> Job for Expansion<'_, R> {
    type Output = ();

    // Products and sums are never fused, so that every machine gives the same bits.
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Expansion { series, memory, order, coefficients } = self;
        memory.fit(series, order);
        let SeriesMemory { places, file, heads, now, factors, histories, inverses, numbers, reciprocals, .. } = memory;
        let (places, numbers, factors) = (&places[..], &numbers[..], &factors[..]);
        let (file, heads, now, histories) = (&mut file[..], &mut heads[..], &mut now[..], &mut histories[..]);
        let (n, stride) = (series.rates.len(), stride(order));
        let Series { steps, pasts, rates, .. } = series;
        heads.fill(R::zero());
        heads[..=n].copy_from_slice(&places[..=n]);
        coefficients[..n].copy_from_slice(&places[1..=n]);
        let combinations = Combinations { terms: &series.terms, factors };
        for (step, inverse) in steps.iter().zip(&mut inverses[..]) {
            let value = head(step.rule, heads, places, &combinations);
            heads[step.row as usize] = value;
            *inverse = divisor(step, heads);
        }
        now.copy_from_slice(heads);
        for (row, &head) in heads.iter().enumerate() {
            file[row * stride + FRONT] = head;
        }
        for k in 0..order {
            if k > 0 {
                let row = |row: u32| &file[row as usize * stride..][..stride];
                for &(step, past) in pasts {
                    histories[step as usize] = match past {
                        Past::Convolution(x, y) => convolve(row(x), row(y), k),
                        Past::Square(x) => square(row(x), k),
                        Past::Weighted(x, y, p) => {
                            weighted(row(x), row(y), k, (places[p as usize] + R::one(), numbers[k]), numbers)
                        }
                    };
                }
                now[0] = if k == 1 { R::one() } else { R::zero() }; // time
                now[1..=n].copy_from_slice(&coefficients[k * n..][..n]);
                for (row, &c) in now[..=n].iter().enumerate() {
                    file[row * stride + FRONT + k] = c;
                }
                let order = Order { k: numbers[k], share: reciprocals[k], heads, places, combinations };
                for ((step, &history), inverse) in steps.iter().zip(&*histories).zip(&mut inverses[..]) {
                    let value = order.coefficient(step, history, inverse, now);
                    let row = step.row as usize;
                    now[row] = value;
                    file[row * stride + FRONT + k] = value;
                    if let Rule::Antiquotient { minus, .. } = step.rule {
                        let slope = if minus { -value } else { value } * order.k;
                        now[row + 1] = slope;
                        file[(row + 1) * stride + FRONT + k] = slope;
                    }
                }
            }
            for (i, rate) in rates.iter().enumerate() {
                let rate = match *rate {
                    Value::Moving { row, factor } => now[row as usize] * places[factor as usize],
                    Value::Still(place) if k == 0 => places[place as usize],
                    Value::Still(_) => R::zero(),
                };
                coefficients[(k + 1) * n + i] = rate * reciprocals[k + 1];
            }
        }
    }
}

/// The linear combinations of a series.
#[derive(Clone, Copy)]
struct Combinations<'a, R> {
    terms: &'a [(u32, u32)],
    factors: &'a [R],
}

impl<R: Real> Combinations<'_, R> {
    #[inline(always)]
    fn sum(&self, first: u32, count: u32, rows: &[R]) -> R {
        let range = first as usize..(first + count) as usize;
        let terms = self.terms[range.clone()].iter().zip(&self.factors[range]);
        terms.fold(R::zero(), |sum, (&(row, _), &factor)| sum + rows[row as usize] * factor)
    }
}

/// The coefficient of order zero.
#[inline(always)]
fn head<R: Real>(rule: Rule, heads: &[R], places: &[R], combinations: &Combinations<'_, R>) -> R {
    let at = |row: u32| heads[row as usize];
    let place = |place: u32| places[place as usize];
    match rule {
        Rule::Still(p) => place(p),
        Rule::Scaled(a, p) => at(a) * place(p),
        Rule::Sum(a, p, b, q) => at(a) * place(p) + at(b) * place(q),
        Rule::Shifted(a, p, q) => at(a) * place(p) + place(q),
        Rule::Combination { first, count, constant } => combinations.sum(first, count, heads) + place(constant),
        Rule::Product(a, b) => at(a) * at(b),
        Rule::Square(a) => at(a) * at(a),
        Rule::OnePlusSquare(a) => R::one() + at(a) * at(a),
        // As a product: no cancellation near |a| = 1.
        Rule::OneMinusSquare(a) => (R::one() - at(a)) * (R::one() + at(a)),
        Rule::Quotient(a, b) => at(a) / at(b),
        Rule::Inverse(b) => R::one() / at(b),
        Rule::Root(a) => at(a).sqrt(),
        Rule::Power(a, p) => at(a).powf(place(p)),
        Rule::Slope(_) => R::zero(),
        Rule::Integral { function, a, .. } | Rule::Antiquotient { function, a, .. } => function.apply(at(a)),
        Rule::Absolute(a) => at(a).abs(),
        Rule::Sign(a) => at(a).sign(),
        Rule::Smaller(a, b) => at(a).min(at(b)),
        Rule::Larger(a, b) => at(a).max(at(b)),
        Rule::Greater(a, b) => at(a).greater(at(b)),
        Rule::WherePositive(a, b) => at(a).where_positive(at(b)),
    }
}

/// One over what the rule divides every coefficient by.
#[inline(always)]
fn divisor<R: Real>(step: &Step, heads: &[R]) -> R {
    let at = |row: u32| heads[row as usize];
    match step.rule {
        Rule::Quotient(_, b) | Rule::Inverse(b) => R::one() / at(b),
        Rule::Root(_) => R::from_f64(0.5) / at(step.row),
        Rule::Antiquotient { w, .. } => R::one() / at(w),
        Rule::Power(a, _) if at(a) == R::zero() => R::zero(), // set once `a` moves
        Rule::Power(a, _) => R::one() / at(a),
        _ => R::zero(),
    }
}

/// What all steps of one order share.
struct Order<'a, R> {
    k: R,
    /// `1/k`
    share: R,
    heads: &'a [R],
    places: &'a [R],
    combinations: Combinations<'a, R>,
}

impl<R: Real> Order<'_, R> {
    /// The coefficient of one step, from those of this order and what lower orders contribute.
    #[inline(always)]
    fn coefficient(&self, step: &Step, history: R, inverse: &mut R, now: &[R]) -> R {
        let at = |row: u32| now[row as usize];
        let head = |row: u32| self.heads[row as usize];
        let place = |place: u32| self.places[place as usize];
        let twice = |a: u32| {
            let half = head(a) * at(a);
            half + half + history
        };
        match step.rule {
            Rule::Still(_) | Rule::Sign(_) | Rule::Greater(..) => R::zero(),
            Rule::Scaled(a, p) | Rule::Shifted(a, p, _) => at(a) * place(p),
            Rule::Sum(a, p, b, q) => at(a) * place(p) + at(b) * place(q),
            Rule::Combination { first, count, .. } => self.combinations.sum(first, count, now),
            Rule::Product(a, b) => head(a) * at(b) + at(a) * head(b) + history,
            Rule::Square(a) | Rule::OnePlusSquare(a) => twice(a),
            Rule::OneMinusSquare(a) => -twice(a),
            Rule::Quotient(a, b) => (at(a) - (at(b) * head(step.row) + history)) * *inverse,
            Rule::Inverse(b) => -(at(b) * head(step.row) + history) * *inverse,
            // √0 stands still if what is under it does.
            Rule::Root(a) if head(a) == R::zero() && at(a) == R::zero() && history == R::zero() => R::zero(),
            Rule::Root(a) => (at(a) - history) * *inverse,
            Rule::Power(a, p) if head(a) == R::zero() => self.power_at_zero(at(a), place(p), inverse),
            Rule::Power(a, p) => (place(p) * self.k * at(a) * head(step.row) + history) * (self.share * *inverse),
            Rule::Slope(a) => at(a) * self.k,
            Rule::Integral { slope, w, minus, .. } => {
                let value = (at(slope) * head(w) + history) * self.share;
                if minus { -value } else { value }
            }
            // What stands still has no slope to lose, were it infinite.
            Rule::Antiquotient { a, w, .. } if head(w) == R::zero() && at(a) == R::zero() && history == R::zero() => {
                R::zero()
            }
            Rule::Antiquotient { a, minus, .. } => {
                let value = (at(a) - history * self.share) * *inverse;
                if minus { -value } else { value }
            }
            Rule::Absolute(a) => at(a) * head(a).sign(),
            Rule::Smaller(a, b) => at(if head(a).is_nan() || head(a) < head(b) { a } else { b }),
            Rule::Larger(a, b) => at(if head(a).is_nan() || head(a) > head(b) { a } else { b }),
            Rule::WherePositive(a, b) => at(a).where_positive(head(b)),
        }
    }

    /// `aᵉ` where `a` begins at zero: zero below the order `e`, and from there on if `a` stands still; else no power series.
    /// Its divisor, zero, is of no use; `moved` is set once `a` has moved.
    #[cold]
    fn power_at_zero(&self, a: R, e: R, moved: &mut R) -> R {
        if a != R::zero() {
            *moved = R::one();
        }
        if *moved == R::one() && self.k >= e { R::NAN } else { R::zero() }
    }
}
