//! Laws of the CSV reader.

use proptest::prelude::*;
use vecfield_io::{TableError, TrajectoryFormat, parse_table, parse_trajectories};

fn read(text: &str) -> Result<vecfield_data::Trajectories, TableError> {
    parse_trajectories("data.csv", text.as_bytes(), &TrajectoryFormat::default())
}

fn message(text: &str) -> String {
    read(text).expect_err("the table is wrong").to_string()
}

proptest! {
    /// Any bytes are a table or an error with the name of the file, never a panic.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let read = parse_trajectories("data.csv", bytes.as_slice(), &TrajectoryFormat::default());
        prop_assert!(read.is_ok() || read.unwrap_err().to_string().starts_with("data.csv"));
    }

    /// The same for text that looks like a table.
    #[test]
    fn any_cells(text in "(t|x|trajectory|u|,|\"|\n|\r\n| |[0-9]|-|\\.|nan|inf|e){0,80}") {
        for format in [TrajectoryFormat::default(), TrajectoryFormat { controls: vec!["u".into()], min_rows: 1 }] {
            let read = parse_trajectories("data.csv", text.as_bytes(), &format);
            prop_assert!(read.is_ok() || read.unwrap_err().to_string().starts_with("data.csv"));
        }
        let _ = parse_table("data.csv", text.as_bytes());
    }

    /// Whatever stands in quotes is one cell: commas, quotes (doubled), any letter.
    #[test]
    fn quotes_hold_cells_together(names in prop::collection::hash_set("[a-z\",; é∂]{1,8}", 2..6)) {
        let names: Vec<String> = names.into_iter().map(|name| format!("x{name}y")).collect();
        let quoted: Vec<String> = names.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
        let text = format!("{}\n{}\n", quoted.join(","), vec!["\"1.5\""; names.len()].join(","));
        let table = parse_table("data.csv", text.as_bytes()).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(table.columns(), names);
        prop_assert!(table.values().iter().all(|v| *v == 1.5));
    }

    /// A bad cell is reported at its line and column, whatever blank lines and line ends come before it.
    #[test]
    fn the_place_is_exact(rows in 1..20_usize, bad in 0..20_usize, blank in prop::collection::vec(any::<bool>(), 20), crlf: bool) {
        let (bad, end) = (bad % rows, if crlf { "\r\n" } else { "\n" });
        let (mut text, mut line, mut wanted) = (format!("t,x,y{end}"), 1, 0);
        for row in 0..rows {
            if blank[row] {
                text += end;
                line += 1;
            }
            line += 1;
            let cell = if row == bad { wanted = line; "apple".to_string() } else { row.to_string() };
            text += &format!("{row},1,{cell}{end}");
        }
        let start = format!("data.csv:{wanted}, column `y`: \"apple\"");
        prop_assert!(message(&text).starts_with(&start), "{}", message(&text));
    }
}

#[test]
fn reads_what_the_format_allows() {
    let data = read("\u{feff}trajectory,t, x ,\"y\"\r\n1,0,1,\r\n1,2.5,nan,2e3\r\n\r\n7,-1,0,0\r\n7,0,1,1").unwrap();
    assert_eq!(data.variables(), ["x", "y"]);
    assert_eq!(data.runs().len(), 2);
    assert_eq!(data.runs()[1].times(), [-1.0, 0.0]);
    assert_eq!(data.observed_count(), 6);
}

#[test]
fn controls_are_inputs() {
    let format = TrajectoryFormat { controls: vec!["u".into()], min_rows: 2 };
    let data = parse_trajectories("d", "t,u,x\n0,5,1\n1,6,2\n".as_bytes(), &format).unwrap();
    assert_eq!((data.inputs(), data.runs()[0].input_row(1)), (&["u".to_string()][..], &[6.0][..]));
    let missing = parse_trajectories("d", "t,u,x\n0,5,1\n1,,2\n".as_bytes(), &format).unwrap_err();
    assert!(missing.to_string().starts_with("d:3, column `u`: the cell is empty"));
    let unknown = parse_trajectories("d", "t,v,x\n0,5,1\n".as_bytes(), &format).unwrap_err();
    assert!(unknown.to_string().contains("no column `u`"));
}

/// Every row: what is wrong, and words the message must have (the place first).
#[test]
fn says_where_and_what_to_do() {
    for (text, words) in [
        ("", &["empty", "header line"][..]),
        ("\n\n", &["empty"]),
        ("t,x,y\n", &["no rows"]),
        ("time,x\n0,1\n1,2\n", &["data.csv:1", "no column `t`", "rename"]),
        ("t,x,y\n0,1,2\n1,2\n2,3,4\n", &["data.csv:3", "2 cells", "3"]),
        ("t,x\n0,1\n1,apple\n", &["data.csv:3", "`x`", "apple"]),
        ("t,x\n0,1\n1,inf\n", &["data.csv:3", "`x`", "not finite"]),
        ("t,x\n0,1\n1,1e999\n", &["data.csv:3", "1e999", "not finite"]),
        ("t,x\n0,1\n2,2\n1,3\n", &["data.csv:4", "`t`", "t = 1 comes after t = 2 (line 3)", "sort"]),
        ("t,x\n0,1\n1,2\n1,3\n", &["data.csv:4", "merge"]),
        ("t,x\n0,1\n,2\n", &["data.csv:3", "`t`", "empty"]),
        ("t,x\n0,1\n", &["data.csv:2", "1 row(s)"]),
        ("trajectory,t,x\n0,0,1\n0,1,1\n1,0,1\n", &["data.csv:4", "trajectory 1"]),
        ("trajectory,t,x\na,0,1\n", &["data.csv:2", "\"a\"", "integer"]),
        ("t,x,x\n0,1,1\n", &["data.csv:1", "2 and 3", "`x`"]),
        ("t,x,\n0,1,1\n", &["data.csv:1", "column 3"]),
        ("t;x\n0;1\n", &["data.csv:1", "semicolons", "commas"]),
        ("0,1\n1,2\n", &["data.csv:1", "header"]),
        ("t\n0\n1\n", &["data.csv:1", "state"]),
        ("t,dx/dt\n0,1\n", &["data.csv:1", "dx_dt"]),
        ("t,exp\n0,1\n", &["data.csv:1", "x_exp"]),
        ("t,x\n0,\n1,nan\n", &["`x`", "no cell"]),
        ("t,x\n0,\"1\n1,2\n", &["data.csv:2", "quote"]),
        ("\0\u{1}\u{2}", &["data.csv:1", "not text"]),
    ] {
        let said = message(text);
        for word in words {
            assert!(said.contains(word), "{text:?}: {said:?} lacks {word:?}");
        }
    }
}
