//! What a solved problem obeys, and what is refused.

mod errors;
mod laws;

use vecfield_pinn::{Description, Found, PinnError, Problem, Settings, Table, solve};

/// The problem of a file.
fn problem(text: &str, data: &[Table]) -> Result<Problem, PinnError> {
    let description: Description = toml::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    Problem::new(&description, data)
}

/// Its solution.
fn solved(text: &str) -> (Problem, Found) {
    solved_to(text, Settings::default().levels)
}

/// Its solution after so many levels.
fn solved_to(text: &str, levels: usize) -> (Problem, Found) {
    let settings = Settings { levels, ..Settings::default() };
    let problem = problem(text, &[]).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let found = solve(&problem, None, &settings, &mut |_| true).unwrap_or_else(|e| panic!("{e}\n{text}"));
    (problem, found)
}

/// Points in the box, coordinate by coordinate.
fn points(ranges: &[[f64; 2]], count: usize) -> Vec<Vec<f64>> {
    let fraction =
        |i: usize, k: usize| (0.5 + (k as f64 + 1.0) * [0.618_033_988, 0.414_213_562, 0.732_050_808][i % 3]).fract();
    let column = |(i, [a, b]): (usize, &[f64; 2])| (0..count).map(|k| a + (b - a) * fraction(i, k)).collect();
    ranges.iter().enumerate().map(column).collect()
}
