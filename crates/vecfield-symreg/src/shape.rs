//! Shapes that a formula has to have: signs, slopes, symmetries, over a box of the variables.

mod decide;
mod mirror;

use std::fmt;

use vecfield_expr::{ExprId, Graph, Interval, nearest_name};

use crate::error::SymregError;
use crate::list::{pair, parts};
use crate::table::Table;

/// A shape, of variables by name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// `f ≥ 0`
    Positive,
    /// `f ≤ 0`
    Negative,
    /// `∂f/∂x ≥ 0`
    Increasing(String),
    /// `∂f/∂x ≤ 0`
    Decreasing(String),
    /// `∂²f/∂x² ≥ 0`
    Convex(String),
    /// `∂²f/∂x² ≤ 0`
    Concave(String),
    /// `f(-x) = f(x)`
    Even(String),
    /// `f(-x) = -f(x)`
    Odd(String),
    /// `f(x, y) = f(y, x)`
    Symmetric(String, String),
    /// `f(x, y) = -f(y, x)`
    Antisymmetric(String, String),
}

/// Does a formula have the shapes?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Everywhere in the box: signs and slopes by interval arithmetic, symmetries by algebra or at points in no special position.
    Holds,
    /// At every point that was tried; intervals stayed too wide to tell of all others, as they do where a sign is only just kept.
    Undecided,
    /// Not at some point of the box.
    Broken,
}

/// Shapes that every formula of a front has, over the box of the data or another (Kronberger et al. 2022). A formula that breaks one is not on the
/// front; of one that is, [`Search::shape`](crate::Search::shape) says whether that is proved.
///
/// Rows are mirrored where a symmetry is asked for, so that what is fitted is symmetric.
///
/// ```
/// use vecfield_symreg::{Shapes, Symreg, Table, Verdict};
///
/// let x: Vec<f64> = (0..30).map(|i| 0.1 * f64::from(i)).collect();
/// // Noise makes the best fits of these rows wiggle.
/// let y = x.iter().enumerate().map(|(i, x)| x / (1.0 + x) + 0.01 * (37.0 * i as f64).sin()).collect();
/// let table = Table::new(vec!["x".into()], vec![x], y)?;
/// let shapes = Shapes::parse("increasing x; concave x", &table)?.over("x: 0..10", &table)?;
/// let search = Symreg { shapes: Some(shapes), expressions: 500, generations: 5, ..Symreg::default() };
/// let search = search.search(&table, &mut |_| true);
/// assert!(search.best().r2 > 0.95);
/// assert!(search.front().iter().all(|found| search.shape(found) != Some(Verdict::Broken)));
/// # Ok::<(), vecfield_symreg::SymregError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Shapes {
    of: Vec<Shape>,
    /// The box: a side for each variable of the table.
    sides: Vec<Interval>,
    /// Of the target's values: what is less than a trace of these is rounding.
    scale: f64,
}

impl Shapes {
    /// Shapes over the box of the data.
    ///
    /// # Errors
    ///
    /// [`SymregError::UnknownColumn`] for a variable that is none of the table's.
    pub fn new(of: Vec<Shape>, table: &Table) -> Result<Shapes, SymregError> {
        for name in of.iter().flat_map(Shape::variables) {
            if !table.names.contains(name) {
                return Err(SymregError::unknown_column(name, &table.names));
            }
        }
        let bounds = |column: &Vec<f64>| {
            let (low, high) = column.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
            Interval::new(low, high)
        };
        let scale = table.target.iter().fold(f64::MIN_POSITIVE, |most, y| most.max(y.abs()));
        Ok(Shapes { of, sides: table.columns.iter().map(bounds).collect(), scale })
    }

    /// Reads `increasing x; positive; even y; symmetric x z`.
    ///
    /// # Errors
    ///
    /// [`SymregError::ShapeSyntax`], and as [`new`](Shapes::new).
    pub fn parse(text: &str, table: &Table) -> Result<Shapes, SymregError> {
        let of: Vec<Shape> = parts(text)
            .map(|part| Shape::parse(part).map_err(|problem| SymregError::ShapeSyntax { text: part.into(), problem }))
            .collect::<Result<_, _>>()?;
        if of.is_empty() {
            let problem = "it names none; give a list such as `increasing x; positive`".into();
            return Err(SymregError::ShapeSyntax { text: text.trim().into(), problem });
        }
        Shapes::new(of, table)
    }

    /// The same over another box, `x: 0..10; y: -1..1`; variables that are not named keep the sides of theirs.
    ///
    /// # Errors
    ///
    /// [`SymregError::ShapeSyntax`] for what is no range, and [`SymregError::UnknownColumn`].
    pub fn over(mut self, text: &str, table: &Table) -> Result<Shapes, SymregError> {
        for part in parts(text) {
            let wrong = || SymregError::ShapeSyntax {
                text: part.into(),
                problem: "it is no name with a range behind a colon, such as `x: 0..10`".into(),
            };
            let (name, range) = pair(part).ok_or_else(wrong)?;
            let (low, high) = range.split_once("..").ok_or_else(wrong)?;
            let bound = |text: &str| text.trim().parse::<f64>().ok().filter(|x| x.is_finite());
            let (low, high) = bound(low).zip(bound(high)).filter(|(low, high)| low <= high).ok_or_else(wrong)?;
            let place = table.names.iter().position(|known| known == name);
            let place = place.ok_or_else(|| SymregError::unknown_column(name, &table.names))?;
            self.sides[place] = Interval::new(low, high);
        }
        Ok(self)
    }

    /// The shapes.
    pub fn shapes(&self) -> &[Shape] {
        &self.of
    }

    /// The box, a side for each variable of the table.
    pub fn sides(&self) -> &[Interval] {
        &self.sides
    }

    /// Does a formula over `names`, the table's variables, have all of them? The worst of the answers.
    ///
    /// # Panics
    ///
    /// If there are not as many names as variables of the table, or others are in the formula.
    pub fn verdict(&self, graph: &mut Graph, formula: ExprId, names: &[String]) -> Verdict {
        assert_eq!(names.len(), self.sides.len(), "a name for each side of the box");
        let mut worst = Verdict::Holds;
        for shape in &self.of {
            worst = worst.max(self.decide(shape, graph, formula, names));
            if worst == Verdict::Broken {
                break;
            }
        }
        worst
    }
}

/// The words for shapes, each with how many variables it has.
const WORDS: [(&str, usize); 10] = [
    ("positive", 0),
    ("negative", 0),
    ("increasing", 1),
    ("decreasing", 1),
    ("convex", 1),
    ("concave", 1),
    ("even", 1),
    ("odd", 1),
    ("symmetric", 2),
    ("antisymmetric", 2),
];

impl Shape {
    fn parse(text: &str) -> Result<Shape, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (word, variables) = words.split_first().ok_or("it is empty")?;
        let Some(&(word, count)) = WORDS.iter().find(|known| known.0 == *word) else {
            let near = nearest_name(word, WORDS.iter().map(|known| known.0));
            let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            let known = WORDS.map(|known| known.0).join(" ");
            return Err(format!("there is no shape `{word}`{hint}; there are {known}"));
        };
        if variables.len() != count {
            let such = ["", " x", " x y"][count];
            return Err(format!(
                "`{word}` takes {count} variables and is given {}; write `{word}{such}`",
                variables.len()
            ));
        }
        let name = |i: usize| variables[i].to_string();
        Ok(match word {
            "positive" => Shape::Positive,
            "negative" => Shape::Negative,
            "increasing" => Shape::Increasing(name(0)),
            "decreasing" => Shape::Decreasing(name(0)),
            "convex" => Shape::Convex(name(0)),
            "concave" => Shape::Concave(name(0)),
            "even" => Shape::Even(name(0)),
            "odd" => Shape::Odd(name(0)),
            "symmetric" => Shape::Symmetric(name(0), name(1)),
            _ => Shape::Antisymmetric(name(0), name(1)),
        })
    }

    fn variables(&self) -> Vec<&String> {
        match self {
            Shape::Positive | Shape::Negative => vec![],
            Shape::Increasing(x) | Shape::Decreasing(x) | Shape::Convex(x) | Shape::Concave(x) => vec![x],
            Shape::Even(x) | Shape::Odd(x) => vec![x],
            Shape::Symmetric(x, y) | Shape::Antisymmetric(x, y) => vec![x, y],
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Holds => "holds",
            Verdict::Undecided => "undecided",
            Verdict::Broken => "broken",
        })
    }
}
