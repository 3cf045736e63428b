//! A formula over many rows: its value, and its gradient by three constants.

use serde_json::json;
use vecfield_expr::{Column, Graph, Program, Scope};
use vecfield_kernels::VectorMath;

use super::measure::{Bench, Line, failed, uniform};
use crate::failure::Failure;

const FORMULA: &str = "a*x0*x0 - b*sin(x1)*x2 + c*x3";
const NODES: usize = 16;
const CONSTANTS: [(&str, f64); 3] = [("a", 2.5), ("b", 1.3), ("c", 0.5)];
const COLUMNS: [&str; 4] = ["x0", "x1", "x2", "x3"];

/// `2.5 x₀² - 1.3 sin(x₁) x₂ + 0.5 x₃` at 1,000 and 100,000 rows, two million a run.
pub(super) fn evaluation(bench: &Bench) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    for rows in [1000, 100_000] {
        let stream = uniform(42, 5 * rows);
        let column = |k: usize| (0..rows).map(|row| -3.0 + 6.0 * stream[5 * row + k]).collect();
        let columns: Vec<Vec<f64>> = (0..COLUMNS.len()).map(column).collect();
        lines.push(value::<f64>(bench, &columns, "f64")?);
        lines.push(value::<f32>(bench, &columns, "f32")?);
        lines.push(gradient(bench, &columns)?);
    }
    Ok(lines)
}

fn value<R: VectorMath>(bench: &Bench, columns: &[Vec<f64>], dtype: &str) -> Result<Line, Failure> {
    let text =
        CONSTANTS.iter().fold(FORMULA.to_owned(), |text, (name, value)| text.replacen(name, &value.to_string(), 1));
    let mut graph = Graph::new();
    let id = graph.parse(&text, &Scope::new(COLUMNS).map_err(failed)?).map_err(failed)?;
    let program = Program::compile(&graph, &[id], &COLUMNS).map_err(failed)?;
    let columns: Vec<Vec<R>> = columns.iter().map(|column| column.iter().map(|&x| R::from_f64(x)).collect()).collect();
    let columns: Vec<&[R]> = columns.iter().map(Vec::as_slice).collect();
    let rows = columns[0].len();
    let (mut values, mut work) = (vec![R::zero(); rows], program.row_registers());
    let runs = 2_000_000 / rows;
    let (timing, ()) = bench.time(|| {
        (0..runs).for_each(|_| program.eval_rows(std::hint::black_box(&columns), &mut [&mut values], &mut work));
        Ok(())
    })?;
    let rate = (runs * rows * NODES) as f64 / timing.seconds;
    let work = json!({"rows": rows, "nodes": NODES, "repetitions": runs, "dtype": dtype, "node_rows_per_s": rate});
    let sum: f64 = values.iter().map(|value| value.to_f64()).sum();
    Ok(Line::new("symreg_eval", &format!("vecfield_eval_{dtype}"), timing, work, json!({"sum": sum})))
}

/// Value and gradient in one sweep, the constants open.
fn gradient(bench: &Bench, columns: &[Vec<f64>]) -> Result<Line, Failure> {
    let by = CONSTANTS.map(|(name, _)| name);
    let names: Vec<&str> = COLUMNS.into_iter().chain(by).collect();
    let mut graph = Graph::new();
    let id = graph.parse(FORMULA, &Scope::new(names.iter().copied()).map_err(failed)?).map_err(failed)?;
    let program = Program::compile_with_slopes(&mut graph, id, &by, &names).map_err(failed)?;
    let rows = columns[0].len();
    let columns: Vec<Column<'_, f64>> = (columns.iter().map(|column| Column::Rows(column)))
        .chain(CONSTANTS.map(|(_, value)| Column::Same(value)))
        .collect();
    let mut values = vec![vec![0.0; rows]; program.output_count()];
    let (mut work, runs) = (program.row_registers(), 2_000_000 / rows);
    let (timing, ()) = bench.time(|| {
        for _ in 0..runs {
            let [value, a, b, c] = &mut values[..] else { continue };
            program.eval_columns(std::hint::black_box(&columns), &mut [value, a, b, c], &mut work);
        }
        Ok(())
    })?;
    let rate = (runs * rows * NODES) as f64 / timing.seconds;
    let work = json!({"rows": rows, "nodes": NODES, "repetitions": runs, "dtype": "f64", "node_rows_per_s": rate});
    let sums: Vec<f64> = values.iter().map(|column| column.iter().sum()).collect();
    Ok(Line::new("symreg_eval", "vecfield_grad3", timing, work, json!({"sum": sums[0], "sums_of_slopes": sums[1..]})))
}
