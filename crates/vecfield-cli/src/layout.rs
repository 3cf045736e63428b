//! Numbers and tables for people.

/// A number in six significant digits, without zeros that say nothing.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let size = value.abs().log10().floor();
    let text = if (-4.0..9.0).contains(&size) {
        format!("{value:.*}", (5.0 - size).max(0.0) as usize)
    } else {
        format!("{value:.5e}")
    };
    match text.split_once('e') {
        Some((digits, exponent)) => format!("{}e{exponent}", trim_zeros(digits)),
        None => trim_zeros(&text).into(),
    }
}

fn trim_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// A duration for people.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{} us", number((s * 1e7).round() / 10.0)),
        s if s < 1.0 => format!("{} ms", number((s * 1e5).round() / 100.0)),
        s => format!("{} s", number((s * 100.0).round() / 100.0)),
    }
}

/// Lines of cells under a header, columns aligned: to the right, but for those in `left`.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>], left: &[usize]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (column, (cell, &width)) in cells.zip(&widths).enumerate() {
            let gap = if column > 0 { "  " } else { "" };
            line += &match left.contains(&column) {
                true => format!("{gap}{cell:<width$}"),
                false => format!("{gap}{cell:>width$}"),
            };
        }
        line.trim_end().to_string() + "\n"
    };
    let body = rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
    line(&mut header.iter().copied()) + &body.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-1.0, "-1"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.333333"),
            (123456.789, "123457"),
            (1e5, "100000"),
            (6.02214076e23, "6.02214e23"),
            (-1.5e-7, "-1.5e-7"),
            (30.0, "30"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".into(), "1".into()], vec!["long".into(), "22".into()]];
        assert_eq!(table(&["name", "n"], &rows, &[0]), "name   n\na      1\nlong  22\n");
    }
}
