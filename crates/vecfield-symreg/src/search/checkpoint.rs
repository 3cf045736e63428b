//! [`Checkpoint`]: where a search that was broken off stands, to go on from as if it had never stopped.

use crate::error::SymregError;
use crate::evolve::{Population, Sum, Voyage};
use crate::front::Found;
use crate::relation::Relation;
use crate::table::Table;
use crate::text::{bits, number, real};

/// Where a search that was broken off stands: the stage it is in, what was found, and the islands of formulas that evolve.
///
/// ```
/// use vecfield_symreg::{Checkpoint, Symreg, Table};
///
/// let x: Vec<f64> = (0..30).map(|i| 0.1 * f64::from(i) + 0.2).collect();
/// let y = x.iter().map(|x: &f64| (1.3 * x).sin() / (x + 0.7) + 0.1 * x.cos()).collect();
/// let table = Table::new(vec!["x".into()], vec![x], y)?;
/// let search = Symreg { expressions: 200, generations: 6, ..Symreg::default() };
///
/// let whole = search.search(&table, &mut |_| true);
/// let broken_off = search.search(&table, &mut |progress| progress.share < 0.3);
/// let text = broken_off.checkpoint().unwrap().to_text();
/// let rest = search.resume(&table, &Checkpoint::parse(&text, &table)?, &mut |_| true);
/// assert_eq!(rest.front(), whole.front());
/// # Ok::<(), vecfield_symreg::SymregError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The stage that was not done.
    pub(crate) stage: usize,
    pub(crate) evaluations: u64,
    pub(crate) front: Vec<Found>,
    pub(crate) seeds: Vec<Sum>,
    pub(crate) evolved: Vec<Sum>,
    /// The formula at whose errors rows are weighed, where the loss is no square.
    pub(crate) weighing: Option<String>,
    /// What evolves at that stage, if it had begun to.
    pub(crate) evolution: Option<Evolution>,
}

/// An evolution between two generations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Evolution {
    /// The generation that comes next.
    pub(crate) generation: usize,
    /// The least description length, and the generations without a shorter one, and after an exact fit.
    pub(crate) choice: f64,
    pub(crate) since: usize,
    pub(crate) exact: usize,
    /// Relation, size and what was left of the sums that were fitted to all rows.
    pub(crate) handed: Vec<(Relation, usize, f64)>,
    pub(crate) voyage: Voyage,
}

impl Checkpoint {
    /// The checkpoint as lines of text; numbers by their bits, so that none is read back as another.
    pub fn to_text(&self) -> String {
        let mut text = format!("stage {}\nevaluations {}\n", self.stage, self.evaluations);
        for Found { complexity, loss, r2, expression, numbers } in &self.front {
            text += &format!("found {complexity} {} {} {numbers} {expression}\n", bits(*loss), bits(*r2));
        }
        self.seeds.iter().for_each(|sum| text += &format!("seed {}\n", sum.to_text()));
        self.evolved.iter().for_each(|sum| text += &format!("evolved {}\n", sum.to_text()));
        self.weighing.iter().for_each(|formula| text += &format!("weighing {formula}\n"));
        if let Some(evolution) = &self.evolution {
            let Evolution { generation, choice, since, exact, handed, voyage } = evolution;
            text += &format!("evolution {generation} {} {since} {exact} {}\n", bits(*choice), voyage.round);
            for (relation, size, left) in handed {
                text += &format!("handed {} {size} {}\n", relation.place(), bits(*left));
            }
            voyage.islands.iter().for_each(|island| text += &island.to_text());
        }
        text
    }

    /// Reads what [`to_text`](Checkpoint::to_text) writes, of a search over a table like this.
    ///
    /// # Errors
    ///
    /// [`SymregError::BadCheckpoint`] with the line that cannot be read.
    pub fn parse(text: &str, table: &Table) -> Result<Checkpoint, SymregError> {
        let mut checkpoint = Checkpoint {
            stage: 0,
            evaluations: 0,
            front: Vec::new(),
            seeds: Vec::new(),
            evolved: Vec::new(),
            weighing: None,
            evolution: None,
        };
        for (at, line) in text.lines().enumerate() {
            checkpoint.read(line, table.names.len()).ok_or(SymregError::BadCheckpoint { line: at + 1 })?;
        }
        if checkpoint.front.is_empty() {
            return Err(SymregError::BadCheckpoint { line: text.lines().count() });
        }
        Ok(checkpoint)
    }

    fn read(&mut self, line: &str, variables: usize) -> Option<()> {
        let (kind, rest) = line.split_once(' ')?;
        let mut words = rest.split(' ');
        match kind {
            "stage" => self.stage = number(&mut words)?,
            "evaluations" => self.evaluations = number(&mut words)?,
            "found" => {
                let mut parts = rest.splitn(5, ' ');
                let complexity = number(&mut parts)?;
                let (loss, r2, numbers) = (real(&mut parts)?, real(&mut parts)?, number(&mut parts)?);
                self.front.push(Found { complexity, loss, r2, expression: parts.next()?.into(), numbers });
            }
            "seed" => self.seeds.push(Sum::parse(rest, variables)?),
            "evolved" => self.evolved.push(Sum::parse(rest, variables)?),
            "weighing" => self.weighing = Some(rest.into()),
            "evolution" => {
                let (generation, choice) = (number(&mut words)?, real(&mut words)?);
                let (since, exact) = (number(&mut words)?, number(&mut words)?);
                let voyage = Voyage { round: number(&mut words)?, islands: Vec::new() };
                self.evolution = Some(Evolution { generation, choice, since, exact, handed: Vec::new(), voyage });
            }
            "handed" => {
                let relation = Relation::at(number(&mut words)?)?;
                self.evolution.as_mut()?.handed.push((relation, number(&mut words)?, real(&mut words)?));
            }
            "island" => self.evolution.as_mut()?.voyage.islands.push(Population::begin(rest)?),
            _ => self.evolution.as_mut()?.voyage.islands.last_mut()?.read(kind, rest, variables)?,
        }
        Some(())
    }
}
