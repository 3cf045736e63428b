//! `[ensemble]`: which trajectories it means, and that each is the one a solve of its own gives.

use proptest::prelude::*;
use vecfield_io::{EnsembleRun, EnsembleSolver, Population, PopulationError, Problem, Solver};
use vecfield_solvers::Ending;

const DECAY: &str = "[parameters]\nk = 1.0\nb = 0.5\n[initial]\nx = \"2*b\"\ny = 0.0\n[equations]\nx = \"-k*x\"\n\
                     y = \"b*x*x - y\"\n[solve]\nt = [0.0, 2.0]\nsave = [1.0, 2.0]\nrtol = 1e-9\n";

fn problem(ensemble: &str) -> Problem {
    Problem::parse("p.toml", &format!("{DECAY}{ensemble}")).unwrap()
}

fn population(ensemble: &str) -> Population {
    let problem = problem(ensemble);
    Population::new(&problem, problem.ensemble().unwrap(), 0).unwrap()
}

fn members(population: &Population) -> Vec<Vec<f64>> {
    (0..population.len()).map(|i| population.member(i).to_vec()).collect()
}

fn refused(ensemble: &str, words: &[&str]) {
    let message = Problem::parse("p.toml", &format!("{DECAY}{ensemble}")).unwrap_err().to_string();
    for word in words.iter().chain(&["p.toml:"]) {
        assert!(message.contains(word), "{message:?} lacks {word:?}");
    }
}

#[test]
fn lists_go_side_by_side_or_each_with_each() {
    let two = "[ensemble]\nk = [1, 2]\nx = { from = 3, to = 4, count = 2 }\n";
    let zipped = population(two);
    assert_eq!(zipped.names(), ["k", "initial.x"]);
    assert_eq!(members(&zipped), [[1.0, 3.0], [2.0, 4.0]]);
    let grid = population(&format!("{two}grid = true\n"));
    assert_eq!(members(&grid), [[1.0, 3.0], [1.0, 4.0], [2.0, 3.0], [2.0, 4.0]]);
    let dotted = population("[ensemble]\ninitial.x = [7]\n");
    assert_eq!((dotted.names(), members(&dotted)), (&["initial.x".to_string()][..], vec![vec![7.0]]));
}

#[test]
fn ranges_end_where_they_say() {
    let range = population("[ensemble]\nk = { from = 0.1, to = 0.7, count = 7 }\n");
    assert_eq!((range.member(0), range.member(6)), (&[0.1][..], &[0.7][..]));
    assert!((range.member(3)[0] - 0.4).abs() < 1e-15);
    let powers = population("[ensemble]\nk = { from = 1, to = 1000, count = 4, spacing = \"log\" }\n");
    assert_eq!((powers.member(0), powers.member(3)), (&[1.0][..], &[1000.0][..]));
    assert!((powers.member(1)[0] - 10.0).abs() < 1e-13);
}

#[test]
fn tables_are_members_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("p.toml", &format!("{DECAY}[ensemble]\nfile = \"values.csv\"\nb = [5, 6, 7]\n"));
    let population = || {
        let problem = Problem::read(&folder.path().join("p.toml")).unwrap();
        Population::new(&problem, problem.ensemble().unwrap(), 0)
    };
    write("values.csv", "k,y\n1,10\n2,20\n3,30\n");
    let read = population().unwrap();
    assert_eq!(read.names(), ["b", "k", "initial.y"]);
    assert_eq!(members(&read)[1], [6.0, 2.0, 20.0]);
    for (text, words) in [
        ("k,z\n1,10\n", "column `z`"),
        ("k,y\n1,10\n", "3 values of `b` but 1 rows"),
        ("k,y\n1,10\n2,\n3,4\n", "`y` has no number in row 2"),
        ("k,b\n1,10\n2,2\n3,4\n", "`b` is a column"),
        ("y,initial.y\n1,10\n2,2\n3,4\n", "`initial.y` is a column"),
    ] {
        write("values.csv", text);
        let message = population().unwrap_err().to_string();
        assert!(message.contains("values.csv") && message.contains(words), "{message}");
    }
    std::fs::remove_file(folder.path().join("values.csv")).unwrap();
    assert!(matches!(population(), Err(PopulationError::Table(_))));
}

#[test]
fn draws_are_repeated_and_stay_when_more_are_asked_for() {
    let random = |paths: u64, seed: u64| {
        let mut problem = problem("[ensemble]\nk = { normal = [3.0, 0.5] }\nx = { uniform = [-1.0, 4.0] }\n");
        problem.settings_mut().set_paths(paths).unwrap();
        members(&Population::new(&problem, problem.ensemble().unwrap(), seed).unwrap())
    };
    assert_eq!(random(20, 1), random(30, 1)[..20]);
    assert_ne!(random(20, 1), random(20, 2));
    // With 40 000 draws the means have standard errors of 0.0025 and 0.0072: four of them are missed once in 16 000 runs.
    let many = random(40_000, 0);
    let mean = |i: usize| many.iter().map(|row| row[i]).sum::<f64>() / 40_000.0;
    let square = |i: usize, m: f64| many.iter().map(|row| (row[i] - m).powi(2)).sum::<f64>() / 40_000.0;
    assert!((mean(0) - 3.0).abs() < 0.01 && (mean(1) - 1.5).abs() < 0.03);
    assert!((square(0, 3.0).sqrt() - 0.5).abs() < 0.008 && (square(1, 1.5) - 25.0 / 12.0).abs() < 0.04);
    assert!(many.iter().all(|row| (-1.0..4.0).contains(&row[1])));
    let product: f64 = many.iter().map(|row| (row[0] - 3.0) * (row[1] - 1.5)).sum::<f64>() / 40_000.0;
    assert!(product.abs() < 4.0 * 0.5 * 1.45 / 200.0, "the two are independent: {product}");
    // Every combination is drawn `paths` times.
    let mut both = problem("[ensemble]\nk = [1, 2]\nx = { normal = [0.0, 1.0] }\n");
    both.settings_mut().set_paths(3).unwrap();
    let drawn = members(&Population::new(&both, both.ensemble().unwrap(), 0).unwrap());
    assert_eq!(drawn.iter().map(|row| row[0]).collect::<Vec<_>>(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    refused("[ensemble]\nq = [1]\n", &["cannot vary `q`", "k, b, x, y"]);
    refused("[ensemble]\n", &["nothing that differs"]);
    refused("[ensemble]\nk = [1, 2]\nb = [1]\n", &["2 values of `k` but 1 of `b`", "grid = true"]);
    refused("[ensemble]\nx = [1]\ninitial.x = [1]\n", &["two entries for `initial.x`"]);
    refused("[ensemble]\nk = 3\n", &["must be a list of numbers, { from"]);
    refused("[ensemble]\nk = []\n", &["at least one number"]);
    refused("[ensemble]\nk = { from = 0, to = 1, count = 3, spacing = \"log\" }\n", &["above zero"]);
    refused("[ensemble]\nk = { from = 0, to = 1 }\n", &["no `count`"]);
    refused("[ensemble]\nk = { normal = [1.0, -1.0] }\n", &["not negative"]);
    refused("[ensemble]\nk = { normal = [1.0] }\n", &["two numbers"]);
    refused("[ensemble]\ngrid = 1\nk = [1]\n", &["true or false"]);
    let random = problem("[ensemble]\nk = { normal = [1.0, 0.1] }\n");
    let made = Population::new(&random, random.ensemble().unwrap(), 0);
    assert_eq!(made, Err(PopulationError::NoCount));
    let mut listed = problem("[ensemble]\nk = [1, 2]\n");
    listed.settings_mut().set_paths(5).unwrap();
    let made = Population::new(&listed, listed.ensemble().unwrap(), 0);
    assert_eq!(made, Err(PopulationError::NothingRandom { paths: 5 }));
    let axis = "{ from = 0, to = 1, count = 10000 }";
    let huge = problem(&format!("[ensemble]\ngrid = true\nk = {axis}\nb = {axis}\n"));
    assert!(matches!(Population::new(&huge, huge.ensemble().unwrap(), 0), Err(PopulationError::TooMany { .. })));
    let message = listed.set("k", 3.0).unwrap_err().to_string();
    assert!(message.contains("differs from one trajectory"), "{message}");
}

fn solved(problem: &Problem) -> EnsembleRun {
    EnsembleSolver::new(problem, 0).unwrap().expect("an ensemble").solve(&|_| true)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Each trajectory is the solve of the problem with its values set, bit for bit where its formulas are sums and products.
    #[test]
    fn members_are_solves_of_their_own(
        ks in prop::collection::vec(0.0..9.0_f64, 1..40), b in -2.0..2.0_f64, method in prop::sample::select(vec!["auto", "dop853", "radau5"]),
    ) {
        let ensemble = format!("[ensemble]\nk = {ks:?}\nb = {:?}\n", vec![b; ks.len()]);
        let mut many = problem(&ensemble);
        many.settings_mut().set_method(method).unwrap();
        let run = solved(&many);
        for (i, k) in ks.iter().enumerate() {
            let mut one = problem("");
            one.settings_mut().set_method(method).unwrap();
            one.set("k", *k).unwrap();
            one.set("b", b).unwrap(); // the initial value follows
            let alone = Solver::new(&one).unwrap().solve().unwrap();
            let rows: Vec<f64> = run.rows(i).flat_map(|(_, row)| row.to_vec()).collect();
            prop_assert_eq!(rows, alone.values());
        }
    }
}

#[test]
fn events_are_each_trajectory_s_own() {
    let ball = "[parameters]\ne = 0.5\n[initial]\nh = 5.0\nv = 0.0\n[equations]\nh = \"v\"\nv = \"-10\"\n[[event]]\n\
                name = \"landing\"\nwhen = \"h\"\ndirection = \"falling\"\nset = { v = \"-e*v\" }\nstop_after = 3\n\
                [solve]\nt = [0.0, 9.0]\nsave = [0.5, 2.5, 9.0]\n";
    let ensemble = "[ensemble]\ne = { from = 0.1, to = 0.9, count = 9 }\n";
    let run = solved(&Problem::parse("p.toml", &format!("{ball}{ensemble}")).unwrap());
    for (i, ending) in run.endings().iter().enumerate() {
        let mut one = Problem::parse("p.toml", ball).unwrap();
        one.set("e", 0.1 + 0.8 * i as f64 / 8.0).unwrap();
        let alone = Solver::new(&one).unwrap().solve().unwrap();
        assert_eq!(ending, &Ok(Ending::Event(0)));
        let mine: Vec<f64> = run.occurrences().iter().filter(|(m, _)| *m == i).map(|(_, e)| e.t).collect();
        let wanted: Vec<f64> = alone.occurrences().iter().map(|e| e.t).collect();
        for (mine, wanted) in mine.iter().zip(&wanted) {
            assert!((mine - wanted).abs() < 1e-9, "{mine} {wanted}");
        }
        assert_eq!(mine.len(), 3);
    }
    // The bounciest goes on longest, and nobody reaches 9: that time is left out, and those on the ground do not count.
    let moments = run.moments();
    assert_eq!(moments.counts[0], 9);
    assert!(moments.counts.len() == 2 && moments.counts[1] < 9, "{:?}", moments.counts);
}

/// No lane steps with a mass matrix: such members are solved alone.
#[test]
fn algebraic_equations_hold_in_every_trajectory() {
    let text = "[parameters]\nk = 1.0\n[initial]\nx = 1.0\nz = 0.3\n[equations]\nx = \"z - k*x\"\n[algebraic]\n\
                z = \"2*z - x\"\n[solve]\nt = [0.0, 2.0]\nsave = [2.0]\nrtol = 1e-9\n";
    let run = solved(&Problem::parse("p.toml", &format!("{text}[ensemble]\nk = [0.5, 1.0, 3.0]\n")).unwrap());
    for (i, k) in [0.5, 1.0, 3.0].into_iter().enumerate() {
        let (_, row) = run.rows(i).next().expect("the end");
        let exact = (2.0_f64 * (0.5 - k)).exp();
        assert!((row[0] - exact).abs() < 1e-7 && (row[1] - 0.5 * exact).abs() < 1e-7, "{row:?}, not {exact}");
    }
}
