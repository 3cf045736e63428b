//! Rates that were measured: columns of the table beside those of the variables.

use vecfield_data::Trajectories;

use crate::failure::Failure;

/// The columns that `--derivative columns:NAME,..` names.
pub(super) struct Rates(Vec<String>);

impl Rates {
    /// Those of `--derivative`; none where it says something else.
    pub(super) fn named(derivative: Option<&str>) -> Option<Self> {
        let names = derivative?.strip_prefix("columns:")?;
        Some(Self(names.split(',').map(|name| name.trim().to_string()).collect()))
    }

    /// The table apart: its variables, and the rate of each.
    pub(super) fn split(&self, table: &Trajectories) -> Result<(Trajectories, Trajectories), Failure> {
        let names = table.variables();
        let place = |name: &String| {
            names.iter().position(|other| other == name).ok_or_else(|| {
                refused(&format!("there is no column `{name}`; give some of {} (and no input)", names.join(", ")))
            })
        };
        let places: Vec<usize> = self.0.iter().map(place).collect::<Result<_, _>>()?;
        if let Some(twice) = (1..places.len()).find(|&k| places[..k].contains(&places[k])) {
            return Err(refused(&format!("`{}` is named twice; give each variable a rate of its own", self.0[twice])));
        }
        let data = self.without(table)?;
        if data.dim() != places.len() {
            let variables = data.variables().join(", ");
            return Err(refused(&format!(
                "apart from {} the variables are {variables}; name the rate of each, in their order",
                self.0.join(", ")
            )));
        }
        let rates = table.with_variables(&places).map_err(|e| refused(&e.to_string()))?;
        Ok((data, rates))
    }

    /// The variables of a table.
    pub(super) fn without(&self, table: &Trajectories) -> Result<Trajectories, Failure> {
        let rest: Vec<usize> = (0..table.dim()).filter(|&i| !self.0.contains(&table.variables()[i])).collect();
        table.with_variables(&rest).map_err(|_| {
            refused("every column is named as a rate; the variables that change at these rates are columns too")
        })
    }
}

fn refused(what: &str) -> Failure {
    Failure::Argument(format!("--derivative columns: {what}"))
}
