//! Searches a formula for the last column of a CSV: `cargo run --release --example formula -- DATA.csv`.

use vecfield_symreg::{Symreg, Table};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(std::env::args().nth(1).ok_or("give a CSV")?)?;
    let mut lines = text.lines();
    let names: Vec<String> = lines.next().ok_or("an empty file")?.split(',').map(String::from).collect();
    let mut columns = vec![Vec::new(); names.len()];
    for line in lines {
        for (cell, column) in line.split(',').zip(&mut columns) {
            column.push(cell.trim().parse()?);
        }
    }
    let target = names.last().ok_or("no column")?.clone();
    let table = Table::of_columns(names, columns, &target)?;
    let search = Symreg::default().search(&table, &mut || true);
    for found in search.front() {
        println!("{:3}  {:.3e}  {}", found.complexity, found.loss, found.expression);
    }
    println!("best: {}", search.best().expression);
    Ok(())
}
