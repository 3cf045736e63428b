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
    use proptest::prelude::*;

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

    /// Numbers of every size, of either sign.
    fn of_any_size() -> impl Strategy<Value = f64> {
        (1.0..10.0_f64, -300..300_i32, any::<bool>()).prop_map(|(digits, exponent, minus)| {
            let size = digits * 10.0_f64.powi(exponent);
            if minus { -size } else { size }
        })
    }

    proptest! {
        /// Read back it is the number to half a unit of its sixth digit, and is then written alike.
        #[test]
        fn a_number_reads_back(value in of_any_size()) {
            let text = number(value);
            let read: f64 = text.parse().unwrap();
            prop_assert!((read - value).abs() <= 5.0000001e-6 * value.abs(), "{value:e} became {text}");
            prop_assert_eq!(number(read), text.clone());
            prop_assert!(text.len() <= 14, "{text} is long");
        }

        /// In its own unit a duration reads back to the last place that is written.
        #[test]
        fn a_duration_reads_back(exponent in -7.0..6.0_f64) {
            let seconds = 10.0_f64.powf(exponent);
            let text = duration(seconds);
            let (digits, unit) = text.split_once(' ').unwrap();
            let (unit, place) = match unit {
                "us" => (1e-6, 0.1),
                "ms" => (1e-3, 0.01),
                _ => (1.0, 0.01),
            };
            let read: f64 = digits.parse().unwrap();
            let allowed = 0.5001 * place + 5.0000001e-6 * read;
            prop_assert!((read - seconds / unit).abs() <= allowed, "{seconds:e} became {text}");
            prop_assert!((0.0..=1000.0).contains(&read) || unit == 1.0, "{text}");
        }

        /// Whatever the cells, each stands in its column, at the left or the right of it; columns are two spaces apart.
        #[test]
        fn cells_stand_in_their_columns(
            header in prop::collection::vec("[a-zα-ω²]{1,7}", 1..5),
            cells in prop::collection::vec(prop::collection::vec("[a-zα-ω0-9.√-]{0,9}", 4), 0..6),
            to_the_left in prop::collection::vec(any::<bool>(), 4),
        ) {
            let names: Vec<&str> = header.iter().map(String::as_str).collect();
            let rows: Vec<Vec<String>> = cells.iter().map(|row| row[..names.len()].to_vec()).collect();
            let left: Vec<usize> = (0..names.len()).filter(|&column| to_the_left[column]).collect();
            let text = table(&names, &rows, &left);
            let all = [vec![header.clone()], rows].concat();
            prop_assert_eq!(text.lines().count(), all.len());
            let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            for (line, row) in text.lines().zip(&all) {
                prop_assert_eq!(line, line.trim_end());
                let mut letters = line.chars().chain(std::iter::repeat(' '));
                for (column, cell) in row.iter().enumerate() {
                    let gap: String = letters.by_ref().take(if column > 0 { 2 } else { 0 }).collect();
                    prop_assert!(gap.trim().is_empty());
                    let found: String = letters.by_ref().take(width(column)).collect();
                    let spaces = " ".repeat(width(column) - cell.chars().count());
                    let wanted = if left.contains(&column) { format!("{cell}{spaces}") } else { format!("{spaces}{cell}") };
                    prop_assert_eq!(found, wanted, "{}", text);
                }
            }
        }
    }
}
