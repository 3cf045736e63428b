//! The front of a search that goes on, as lines below its bar.

use vecfield_expr::{Graph, Scope, TextStyle};
use vecfield_symreg::Found;

use crate::layout::table;

/// Digits of numbers in formulas: there is little room.
const DIGITS: usize = 4;
/// Lines of the terminal that are left to the bar, the header and what was there before.
const LEFT: usize = 4;

/// The front, as high and as wide as a terminal has room for: of a longer one the formulas that gain most.
pub(super) fn lines(front: &[Found], names: &[String], height: u16, width: u16) -> String {
    let shown = telling(front, usize::from(height).saturating_sub(LEFT).max(1));
    let row = |found: &&Found| {
        vec![found.complexity.to_string(), format!("{:.3e}", found.loss), short(&found.expression, names)]
    };
    let cells: Vec<Vec<String>> = shown.iter().map(row).collect();
    // A line as long as the terminal is wide would be broken in two.
    let width = usize::from(width).saturating_sub(1).max(1);
    let cut = |line: &str| match line.char_indices().nth(width) {
        Some(_) => line.chars().take(width - 1).chain(['…']).collect::<String>() + "\n",
        None => line.to_string() + "\n",
    };
    table(&["nodes", "loss", "formula"], &cells, &[2]).lines().map(cut).collect()
}

/// So many of a front, in its order: the best, and before it those that gain most over the one before.
fn telling(front: &[Found], most: usize) -> Vec<&Found> {
    let mut shown: Vec<&Found> = front.iter().collect();
    let size = |found: &Found| found.loss.max(f64::MIN_POSITIVE).ln();
    while shown.len() > most {
        let gain = |at: &usize| size(shown[*at]) - size(shown[at - 1]);
        let least = (1..shown.len() - 1).max_by(|a, b| gain(a).total_cmp(&gain(b))).unwrap_or(0);
        shown.remove(least);
    }
    shown
}

/// A formula with fewer digits.
fn short(expression: &str, names: &[String]) -> String {
    let mut graph = Graph::new();
    let parsed = Scope::new(names).ok().and_then(|scope| graph.parse(expression, &scope).ok());
    parsed.map_or_else(|| expression.into(), |formula| graph.to_text_styled(formula, TextStyle::digits(DIGITS)))
}

#[cfg(test)]
mod tests {
    use super::lines;
    use vecfield_symreg::{Symreg, Table};

    /// No line is wider than the terminal and no more are shown than it has, and the best stays.
    #[test]
    fn the_front_has_room() {
        let x: Vec<f64> = (0..40).map(|k| 0.1 * f64::from(k) + 0.2).collect();
        let y = x.iter().map(|x: &f64| (1.3 * x).sin() / (x + 0.7) + 0.2 * (3.1 * x).cos()).collect();
        let table = Table::new(vec!["time".into()], vec![x], y).unwrap();
        let search = Symreg { expressions: 400, generations: 4, ..Symreg::default() }.search(&table, &mut |_| true);
        let front = search.front();
        assert!(front.len() > 5);
        let all = lines(front, table.names(), 60, 500);
        assert_eq!(all.lines().count(), front.len() + 1, "{all}");
        assert!(all.contains("time") && !all.contains('…'));
        let least = front[front.len() - 1].loss;
        for (height, width) in [(9, 30), (7, 80), (1, 1), (0, 0)] {
            let few = lines(front, table.names(), height, width);
            assert!(few.lines().count() <= usize::from(height.max(6)) - 3, "{few}");
            assert!(few.lines().all(|line| line.chars().count() < usize::from(width.max(2))), "{few}");
            assert!(height < 7 || few.contains(&format!("{least:.3e}")), "{few}");
        }
    }
}
