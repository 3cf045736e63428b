//! A function that may be anything smooth: products of Chebyshev polynomials of its arguments, each scaled to `-1..1`.

/// Functions of some arguments, by which any smooth one is a sum.
#[derive(Debug, Clone)]
pub(super) struct Basis {
    /// The least and the largest value of each argument.
    sides: Vec<(f64, f64)>,
    /// The degree in each argument, the lowest in all first.
    degrees: Vec<Vec<usize>>,
}

/// The highest degree.
const HIGHEST: usize = 7;
/// Functions at the most.
const MOST: usize = 20;

impl Basis {
    /// * `arguments`: the values of each argument, all calls together.
    /// * `room`: how many numbers the rows can tell.
    pub(super) fn of(arguments: &[Vec<f64>], room: usize) -> Basis {
        let side = |values: &Vec<f64>| {
            values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
        };
        let all = |degree: usize| {
            let mut degrees = vec![vec![]];
            for _ in arguments {
                let longer = |begun: &Vec<usize>| {
                    let (begun, left) = (begun.clone(), degree - begun.iter().sum::<usize>());
                    (0..=left).map(move |own| [&begun[..], &[own]].concat())
                };
                degrees = degrees.iter().flat_map(longer).collect();
            }
            degrees.sort_by_key(|degrees| degrees.iter().sum::<usize>());
            degrees
        };
        let fits = |degrees: &Vec<Vec<usize>>| degrees.len() <= room.min(MOST);
        let degrees = (1..=HIGHEST).rev().map(all).find(fits).unwrap_or_else(|| all(1));
        Basis { sides: arguments.iter().map(side).collect(), degrees }
    }

    /// How many functions it has.
    pub(super) fn len(&self) -> usize {
        self.degrees.len()
    }

    /// How many functions are of no higher degree: the first ones.
    pub(super) fn up_to(&self, degree: usize) -> usize {
        self.degrees.iter().filter(|degrees| degrees.iter().sum::<usize>() <= degree).count()
    }

    /// The values of each function, given those of the arguments.
    pub(super) fn columns(&self, arguments: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let rows = arguments.first().map_or(0, Vec::len);
        let scaled = |argument: usize, row: usize| {
            let (low, high) = self.sides[argument];
            let half = 0.5 * (high - low);
            if half > 0.0 { (arguments[argument][row] - low) / half - 1.0 } else { 0.0 }
        };
        let value = |degrees: &Vec<usize>, row: usize| {
            degrees.iter().enumerate().map(|(argument, &degree)| chebyshev(degree, scaled(argument, row))).product()
        };
        self.degrees.iter().map(|degrees| (0..rows).map(|row| value(degrees, row)).collect()).collect()
    }
}

/// `T_n(x)` by its recurrence.
fn chebyshev(degree: usize, x: f64) -> f64 {
    let (mut before, mut now) = (1.0, x);
    for _ in 0..degree {
        (before, now) = (now, 2.0 * x * now - before);
    }
    before
}

#[cfg(test)]
mod tests {
    use super::Basis;

    #[test]
    fn functions_are_products_of_chebyshev_polynomials() {
        let arguments = [vec![0.0, 1.0, 4.0], vec![-1.0, 1.0, 0.0]];
        let basis = Basis::of(&arguments, 6);
        assert_eq!((basis.len(), basis.up_to(1), basis.up_to(0)), (6, 3, 1));
        let columns = basis.columns(&arguments);
        // At the second row the arguments are -1/2 and 1: T_2 is -1/2 and 1 there.
        let second: Vec<f64> = columns.iter().map(|column| column[1]).collect();
        assert_eq!(second[0], 1.0);
        let mut rest = second[3..].to_vec();
        rest.sort_by(f64::total_cmp);
        assert_eq!(rest, [-0.5, -0.5, 1.0]);
        // Too few rows for two numbers: a straight line all the same.
        assert_eq!(Basis::of(&arguments[..1], 1).len(), 2);
    }
}
