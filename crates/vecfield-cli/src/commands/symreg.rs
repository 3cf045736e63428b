//! `vecfield symreg DATA.csv --target NAME`: a formula for one column of a table in the others.

mod categories;
mod live;
mod outcome;
mod page;
mod template;
mod together;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use vecfield_io::{OutputDir, read_table};
use vecfield_symreg::{Checkpoint, Guess, Loss, Operators, Progress, Rules, Shapes, Symreg, SymregError, Table, Units};

use crate::commands::belonging;
use crate::context::Context;
use crate::failure::Failure;
use crate::watch::Watch;
use outcome::{DIGITS, Outcome, entry, number_to_json, with_its_error};

const EXAMPLES: &str = "Examples:
  vecfield symreg planets.csv --target period
  vecfield symreg waves.csv --target height --operators \"+,-,*,sin,exp\" --json
  vecfield symreg decay.csv --target count --weights weight --guess \"exp(-0.5*t)*t\"
  vecfield symreg planets.csv --target period --out kepler
  vecfield symreg falls.csv --target t --units \"h: m; g: m/s^2; t: s\" --pure-numbers
  vecfield symreg waves.csv --target height --complexity \"sin: 3; exp: 2\" --nested \"sin in sin: 0; exp in exp: 0\"
  vecfield symreg doses.csv --target response --shape \"increasing dose; positive\" --shape-box \"dose: 0..100\"
  vecfield symreg heating.csv --target energy --operators \"+,-,*,/,>,cond\"
  vecfield symreg growth.csv --target height --category plant
  vecfield symreg forces.csv --target fx,fy
  vecfield symreg trips.csv --target minutes --loss \"abs(predicted - target)\"
  vecfield symreg rates.csv --target rate --template \"exp(f(T))*g(c) + base\"

Ctrl-C ends the search with the best so far; with --out it can be taken up again by --resume, and ends as if it had never stopped.

Try it:
  vecfield examples planets
  vecfield symreg planets/planets.csv --target period";

/// Arguments of `vecfield symreg`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A table with a column for each variable
    #[arg(value_name = "DATA.csv")]
    data: PathBuf,
    /// The column that the formula gives; several, `u,v`, for formulas that share parts
    #[arg(long, value_name = "NAME")]
    target: String,
    /// A column of numbers that says what kind each row is of: some numbers of the formula are each kind's own
    #[arg(long, value_name = "NAME", conflicts_with_all = ["shape", "loss", "out", "resume"])]
    category: Option<String>,
    /// The form of the formula: `f(x)*g(y, z) + c` has two unknown functions, which are searched, and a number to be fitted
    #[arg(
        long,
        value_name = "FORM",
        allow_hyphen_values = true,
        conflicts_with_all = ["category", "guess", "units", "shape", "loss", "resume"]
    )]
    template: Option<String>,
    /// What formulas are made of; + - * / ^ sqrt log exp sin cos tanh abs asin if left out, and > cond min max for laws in pieces
    #[arg(long, value_name = "OP,..", allow_hyphen_values = true)]
    operators: Option<String>,
    /// A column that says how much each row counts: 1/sigma^2 for errors of standard deviation sigma
    #[arg(long, value_name = "NAME")]
    weights: Option<String>,
    /// A formula to begin with, its numbers to be fitted; may be repeated
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    guess: Vec<String>,
    /// Units of columns, `x: m; v: m/s`: no formula adds metres to seconds, and all are in the target's unit
    #[arg(long, value_name = "NAME: UNIT; ..")]
    units: Option<String>,
    /// Numbers have no units; without, a number is in whatever makes the units agree
    #[arg(long, requires = "units")]
    pure_numbers: bool,
    /// What formulas are everywhere in a box: `increasing x; positive; even y` (also negative, decreasing, convex, concave, odd, symmetric x y, antisymmetric x y)
    #[arg(long, value_name = "SHAPE; ..")]
    shape: Option<String>,
    /// The box, `x: 0..10; y: -1..1`; sides that are not named are those of the data
    #[arg(long, value_name = "NAME: LOW..HIGH; ..", requires = "shape")]
    shape_box: Option<String>,
    /// Nodes that operations count as, `sin: 3; /: 2`; one if not named
    #[arg(long, value_name = "OP: N; ..", allow_hyphen_values = true)]
    complexity: Option<String>,
    /// How many of an operation stand in each other inside another one: `exp in exp: 0; sin in cos: 1`
    #[arg(long, value_name = "OP in OP: N; ..", allow_hyphen_values = true)]
    nested: Option<String>,
    /// The most nodes of the arguments of an operation: `exp: 5; ^: any, 1`
    #[arg(long, value_name = "OP: N; ..", allow_hyphen_values = true)]
    arguments: Option<String>,
    /// What a row costs, in `predicted` and `target`, where that is not (predicted - target)^2
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    loss: Option<String>,
    /// Rows that expressions are compared at; the best are fitted to all
    #[arg(long, value_name = "N", default_value_t = Symreg::default().sample)]
    sample: usize,
    /// The most nodes of a formula
    #[arg(long, value_name = "N", default_value_t = Symreg::default().max_size)]
    max_size: usize,
    /// How long formulas evolve after small ones have been enumerated; 0 for not at all
    #[arg(long, value_name = "G", default_value_t = Symreg::default().generations)]
    generations: usize,
    /// Stop after so many seconds with the best so far
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
    /// Write formulas.txt (LaTeX and Rust), formulas.toml, predictions.csv and report.html to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the search that was cut short in this folder, and write there
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Replace an earlier result in the folder
    #[arg(long, requires = "out")]
    force: bool,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    if let Some(category) = &arguments.category {
        return categories::run(arguments, category, context);
    }
    if let Some(template) = &arguments.template {
        return template::run(arguments, template, context);
    }
    if arguments.target.contains(',') {
        return together::run(arguments, context);
    }
    let rows = arguments.table(context)?;
    let settings = arguments.settings(&rows, &arguments.target, context)?;
    let of = belonging::of(&format!("{settings:?} {rows:?}"));
    let from = arguments.resume.as_deref().map(|folder| checkpoint(folder, &of, &rows)).transpose()?;
    let folder = arguments.folder()?;
    let (search, seconds) = watched(arguments, context, rows.names(), |goes_on| match &from {
        Some(checkpoint) => settings.resume(&rows, checkpoint, goes_on),
        None => settings.search(&rows, goes_on),
    })?;
    let outcome = Outcome {
        search: &search,
        seconds,
        target: &arguments.target,
        rows: &rows,
        loss: arguments.loss.as_deref(),
        form: None,
    };
    if let Some(folder) = &folder {
        if let Some(checkpoint) = search.checkpoint() {
            folder.write(CHECKPOINT, |to| write!(to, "{of}\n{}", checkpoint.to_text()))?;
        }
        page::leave(&outcome, arguments, folder, context)?;
    }
    context.result(&outcome.to_json(), |_| outcome.for_people())
}

/// What a search gives that is watched, below its bar the front so far; and how many seconds it took.
fn watched<T: Send>(
    arguments: &Arguments,
    context: &Context,
    names: &[String],
    search: impl FnOnce(&mut dyn FnMut(Progress<'_>) -> bool) -> T + Send,
) -> Result<(T, f64), Failure> {
    let (watch, clock) = (Watch::new(context, arguments.seconds)?, Instant::now());
    let goes_on = &mut |progress: Progress<'_>| {
        let lines = |height, width| live::lines(progress.front, names, height, width);
        watch.goes_on_with_lines("searching", progress.share, lines)
    };
    let found = context.on_threads(|| search(goes_on))?;
    // What is below the bar is cleared before anything stands there.
    drop(watch);
    Ok((found, clock.elapsed().as_secs_f64()))
}

/// Where a search that was cut short can be taken up, in a result's folder.
const CHECKPOINT: &str = "checkpoint.txt";

/// The checkpoint that a search of this table left in a folder.
fn checkpoint(folder: &Path, of: &str, rows: &Table) -> Result<Checkpoint, Failure> {
    let path = folder.join(CHECKPOINT);
    let refused = |reason: String| Failure::Argument(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(&path)
        .map_err(|e| refused(format!("{e}; give the folder of a search that was cut short")))?;
    match text.split_once('\n') {
        Some((first, rest)) if first == of => Checkpoint::parse(rest, rows).map_err(|e| refused(e.to_string())),
        _ => Err(refused(
            "this search had other data, other options or another version of the program; begin again with --out"
                .into(),
        )),
    }
}

impl Arguments {
    /// The folder that is written to.
    fn folder(&self) -> Result<Option<OutputDir>, Failure> {
        let names: Vec<&str> = page::FILES.into_iter().chain([CHECKPOINT]).collect();
        let Some((path, overwrite)) = belonging::folder(&self.resume, &self.out, self.force) else {
            return Ok(None);
        };
        Ok(Some(OutputDir::create(path, &names, overwrite)?))
    }

    fn settings(&self, table: &Table, target: &str, context: &Context) -> Result<Symreg, Failure> {
        let of = |text: &String| text.parse::<Operators>().map_err(|e| Failure::Argument(format!("--operators: {e}")));
        let operators = self.operators.as_ref().map(of).transpose()?.unwrap_or_default();
        if self.max_size == 0 {
            return Err(Failure::Argument("--max-size 0: give a number, 1 or larger".into()));
        }
        if self.sample < LEAST_SAMPLE {
            return Err(Failure::Argument(format!(
                "--sample {}: give a number, {LEAST_SAMPLE} or larger: fewer rows do not tell formulas apart",
                self.sample
            )));
        }
        let guess = |text: &String| Guess::parse(text, table).map_err(|e| Failure::Argument(format!("--guess: {e}")));
        let guesses = self.guess.iter().map(guess).collect::<Result<Vec<Guess>, Failure>>()?;
        let (units, shapes, rules) = (self.units(table, target)?, self.shapes(table)?, self.rules()?);
        let loss = |text: &String| Loss::parse(text, table).map_err(|e| Failure::Argument(format!("--loss: {e}")));
        Ok(Symreg {
            operators,
            max_size: self.max_size,
            generations: self.generations,
            seed: context.seed,
            guesses,
            units,
            shapes,
            rules,
            loss: self.loss.as_ref().map(loss).transpose()?,
            sample: self.sample,
            ..Symreg::default()
        })
    }

    fn rules(&self) -> Result<Rules, Failure> {
        type Read = fn(Rules, &str) -> Result<Rules, SymregError>;
        let given: [(&str, &Option<String>, Read); 3] = [
            ("--complexity", &self.complexity, |rules, text| rules.with_complexity(text)),
            ("--nested", &self.nested, |rules, text| rules.with_nested(text)),
            ("--arguments", &self.arguments, |rules, text| rules.with_arguments(text)),
        ];
        given.into_iter().try_fold(Rules::default(), |rules, (flag, text, read)| match text {
            Some(text) => read(rules, text).map_err(|e| Failure::Argument(format!("{flag}: {e}"))),
            None => Ok(rules),
        })
    }

    fn shapes(&self, table: &Table) -> Result<Option<Shapes>, Failure> {
        let read = |text: &String| {
            let shapes = Shapes::parse(text, table).map_err(|e| Failure::Argument(format!("--shape: {e}")))?;
            let sides = self.shape_box.as_deref().unwrap_or_default();
            shapes.over(sides, table).map_err(|e| Failure::Argument(format!("--shape-box: {e}")))
        };
        self.shape.as_ref().map(read).transpose()
    }

    fn units(&self, table: &Table, target: &str) -> Result<Option<Units>, Failure> {
        let read = |text: &String| {
            let units = Units::parse(text, target, table);
            let units = units.map_err(|e| Failure::Argument(format!("--units: {e}")))?;
            Ok(if self.pure_numbers { units.with_pure_numbers() } else { units })
        };
        self.units.as_ref().map(read).transpose()
    }

    fn table(&self, context: &Context) -> Result<Table, Failure> {
        let (names, columns) = self.columns()?;
        let given = columns.first().map_or(0, Vec::len);
        let named = Table::of_weighted_columns(names, columns, &self.target, self.weights.as_deref());
        let table = named.map_err(|e| self.refused(&e))?;
        self.tell_of_rows(given, table.rows(), context);
        Ok(table)
    }

    /// The names and the columns of the file.
    fn columns(&self) -> Result<(Vec<String>, Vec<Vec<f64>>), Failure> {
        let read = read_table(&self.data)?;
        let column = |i: usize| read.rows().map(|row| row[i]).collect();
        Ok((read.columns().to_vec(), (0..read.columns().len()).map(column).collect()))
    }

    /// Why the file is no table for this search, and by which option.
    fn refused(&self, error: &SymregError) -> Failure {
        let of = |flag: &str| Failure::Argument(format!("{flag}: {error}"));
        match error {
            SymregError::UnknownColumn { name, .. } if *name == self.target => of("--target"),
            SymregError::UnknownColumn { name, .. } if Some(name) == self.category.as_ref() => of("--category"),
            SymregError::OneCategory | SymregError::SmallCategory { .. } => of("--category"),
            SymregError::UnknownColumn { .. } => of("--weights"),
            _ => Failure::Argument(format!("{}: {error}", self.data.display())),
        }
    }

    fn tell_of_rows(&self, given: usize, complete: usize, context: &Context) {
        if complete < given {
            let left_out = given - complete;
            context
                .remark(&format!("warning: {left_out} rows have a missing cell or the weight zero and are left out"));
        }
    }
}

/// Rows of a sample at the least.
const LEAST_SAMPLE: usize = 8;
