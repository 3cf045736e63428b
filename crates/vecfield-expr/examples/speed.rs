//! Time per evaluation of right-hand sides given as formulas, and of formulas over many rows:
//! `cargo run --release -p vecfield-expr --example speed`.

use std::hint::black_box;
use std::time::Instant;

use vecfield_expr::{Binary, Column, ExprField, ExprId, Graph, Node, Program, Scope, Unary};
use vecfield_kernels::{Function, VectorMath};
use vecfield_traits::{ParametricField, VectorField};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lorenz = ["sigma*(y - x)", "x*(rho - z) - y", "x*y - beta*z"];
    time("Lorenz", &["x", "y", "z"], &lorenz, &[("sigma", 10.0), ("rho", 28.0), ("beta", 8.0 / 3.0)])?;
    let lotka = ["a*hare - b*hare*lynx", "c*hare*lynx - d*lynx"];
    time("Lotka-Volterra", &["hare", "lynx"], &lotka, &[("a", 0.55), ("b", 0.028), ("c", 0.026), ("d", 0.84)])?;
    let pendulum = ["v", "-9.81/length*sin(x) - drag*v*abs(v) + cos(t)"];
    time("driven pendulum", &["x", "v"], &pendulum, &[("length", 1.0), ("drag", 0.1)])?;
    time_rows::<f64>("arithmetic f64", "(x*y - 2.5*z)*(x + y*z) - x*x/3*y + z*(y - x)*x")?;
    time_rows::<f32>("arithmetic f32", "(x*y - 2.5*z)*(x + y*z) - x*x/3*y + z*(y - x)*x")?;
    time_rows::<f64>("no division f64", "(x*y - 2.5*z)*(x + y*z) - x*x*y + z*(y - x)*x")?;
    time_rows::<f32>("no division f32", "(x*y - 2.5*z)*(x + y*z) - x*x*y + z*(y - x)*x")?;
    time_rows::<f64>("functions f64", "exp(-x)*sin(y) + tanh(z)")?;
    time_rows::<f32>("functions f32", "exp(-x)*sin(y) + tanh(z)")?;
    time_rows::<f64>("powers f64", "(x^2 + y^2 + 1)^1.5")?;
    for function in Function::ALL {
        println!(
            "{:10} f32 {:6.3} ns, f64 {:6.3} ns",
            function.name(),
            element::<f32>(function),
            element::<f64>(function)
        );
    }
    for functions in [true, false] {
        for rows in [200, 1000, 100_000] {
            mix::<f32>(functions, rows)?;
            mix::<f64>(functions, rows)?;
        }
    }
    Ok(())
}

/// Nanoseconds per element of an array in the first-level cache.
fn element<R: VectorMath>(function: Function) -> f64 {
    let x: Vec<R> = (0..256).map(|i| R::from_f64(0.01 + 0.013 * f64::from(i))).collect();
    let mut y = x.clone();
    let mut best = f64::INFINITY;
    for _ in 0..300 {
        let start = Instant::now();
        for _ in 0..20 {
            R::map_into(function, black_box(&x), &mut y);
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    black_box(&y);
    best * 1e9 / 256.0 / 20.0
}

const VARIABLES: [&str; 5] = ["x0", "x1", "x2", "x3", "x4"];

/// SplitMix64.
struct Draw(u64);

impl Draw {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }
}

#[derive(Clone, Copy)]
enum Step {
    Constant(f64),
    Variable(usize),
    Function(usize),
    Operator(usize),
}

fn leaf(draw: &mut Draw) -> Step {
    if draw.unit() < 0.5 { Step::Constant(-2.0 + 4.0 * draw.unit()) } else { Step::Variable(draw.below(5)) }
}

/// A random tree in postfix order: leaves are replaced by operations until there are `size` nodes.
fn tree(draw: &mut Draw, size: usize, functions: bool) -> Vec<Step> {
    let mut steps = vec![leaf(draw)];
    while steps.len() < size {
        let arity = if functions { 1 + draw.below((size - steps.len()).min(2)) } else { 2 };
        let operation = if arity == 1 { Step::Function(draw.below(2)) } else { Step::Operator(draw.below(4)) };
        let leaves: Vec<usize> =
            (0..steps.len()).filter(|&i| matches!(steps[i], Step::Constant(_) | Step::Variable(_))).collect();
        let at = leaves[draw.below(leaves.len())];
        let mut new: Vec<Step> = (0..arity).map(|_| leaf(draw)).collect();
        new.push(operation);
        steps.splice(at..=at, new);
    }
    steps
}

/// The tree in a graph, its constants written out or symbols with the values that are returned.
fn build(steps: &[Step], graph: &mut Graph, open: bool) -> (ExprId, Vec<f64>) {
    let (mut stack, mut constants) = (Vec::new(), Vec::new());
    let pop = |stack: &mut Vec<ExprId>| stack.pop().expect("an operation comes after its arguments");
    for &step in steps {
        let id = match step {
            Step::Constant(value) if open => {
                constants.push(value);
                graph.symbol(&format!("c{}", constants.len() - 1))
            }
            Step::Constant(value) => graph.constant(value),
            Step::Variable(i) => graph.symbol(VARIABLES[i]),
            Step::Function(which) => {
                let x = pop(&mut stack);
                graph.intern(Node::Unary([Unary::Cos, Unary::Exp][which], x))
            }
            Step::Operator(which) => {
                let (b, a) = (pop(&mut stack), pop(&mut stack));
                graph.intern(Node::Binary([Binary::Add, Binary::Sub, Binary::Mul, Binary::Div][which], a, b))
            }
        };
        stack.push(id);
    }
    (pop(&mut stack), constants)
}

/// Node-rows per second over a hundred random trees of 19 or 20 nodes over five columns, half of the leaves constants: with
/// `+ - * /` alone, or with `cos` and `exp` for half of the steps, the mix of the crate `dynamic_expressions`' own benchmark.
/// Then with the constants open: the value, and the value with its slopes by all constants.
fn mix<R: VectorMath>(functions: bool, rows: usize) -> Result<(), Box<dyn std::error::Error>> {
    let mut draw = Draw(u64::from(!functions));
    let trees: Vec<Vec<Step>> = (0..100).map(|_| tree(&mut draw, if functions { 20 } else { 19 }, functions)).collect();
    let nodes: usize = trees.iter().map(Vec::len).sum();
    let columns: Vec<Vec<R>> = (0..VARIABLES.len())
        .map(|k| (0..rows).map(|row| R::from_f64((row % 1000) as f64 * 0.01 + k as f64 * 0.1)).collect())
        .collect();
    let mut rates = Vec::new();
    for (open, slopes) in [(false, false), (true, false), (true, true)] {
        let (mut work, mut outputs) = (Vec::new(), Vec::new());
        for tree in &trees {
            let mut graph = Graph::new();
            let (id, constants) = build(tree, &mut graph, open);
            let by: Vec<String> = (0..constants.len()).map(|i| format!("c{i}")).collect();
            let names: Vec<&str> = VARIABLES.into_iter().chain(by.iter().map(String::as_str)).collect();
            let program = if slopes {
                Program::compile_with_slopes(&mut graph, id, &by, &names)?
            } else {
                Program::compile(&graph, &[id], &names)?
            };
            let columns: Vec<Column<'_, R>> = (columns.iter().map(|column| Column::Rows(column)))
                .chain(constants.iter().map(|&value| Column::Same(R::from_f64(value))))
                .collect();
            outputs.resize(outputs.len().max(rows * program.output_count()), R::zero());
            let registers = program.row_registers::<R>();
            work.push((program, columns, registers));
        }
        let mut outputs: Vec<&mut [R]> = outputs.chunks_mut(rows).collect();
        let (mut best, begun) = (f64::INFINITY, Instant::now());
        while begun.elapsed().as_secs_f64() < 0.5 {
            let start = Instant::now();
            for (program, columns, registers) in &mut work {
                program.eval_columns(black_box(columns), &mut outputs[..program.output_count()], registers);
            }
            best = best.min(start.elapsed().as_secs_f64());
        }
        rates.push((nodes * rows) as f64 / best);
    }
    println!(
        "{} {} {rows:6} rows: {:.2e} node-rows/s; open constants {:.2e}, with slopes {:.2e}, {:.1} values",
        if functions { "mix       " } else { "arithmetic" },
        core::any::type_name::<R>(),
        rates[0],
        rates[1],
        rates[2],
        rates[1] / rates[2]
    );
    Ok(())
}

/// Node-rows per second: the nodes of the formula times the rows it is evaluated at.
fn time_rows<R: VectorMath>(name: &str, text: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut graph = Graph::new();
    let names = ["x", "y", "z"];
    let id = graph.parse(text, &Scope::new(names)?)?;
    let program = Program::compile(&graph, &[id], &names)?;
    let rows = 8192;
    let columns: Vec<Vec<R>> =
        (1..4).map(|k| (0..rows).map(|i| R::from_f64(((i * k) % 1000) as f64 * 1e-3)).collect()).collect();
    let columns: Vec<&[R]> = columns.iter().map(Vec::as_slice).collect();
    let (mut values, mut work) = (vec![R::zero(); rows], program.row_registers());
    let mut best = f64::INFINITY;
    for _ in 0..200 {
        let start = Instant::now();
        program.eval_rows(black_box(&columns), &mut [&mut values], &mut work);
        best = best.min(start.elapsed().as_secs_f64());
    }
    let nodes = graph.complexity(id);
    println!(
        "{name:20} {:6.2e} node-rows/s, {nodes} nodes, {} instructions",
        nodes as f64 * rows as f64 / best,
        program.instruction_count()
    );
    Ok(())
}

fn time(
    name: &str,
    states: &[&str],
    equations: &[&str],
    parameters: &[(&str, f64)],
) -> Result<(), Box<dyn std::error::Error>> {
    let mut graph = Graph::new();
    let names: Vec<&str> = parameters.iter().map(|&(name, _)| name).collect();
    let scope = Scope::new(states.iter().chain(&names).copied().chain(["t"]))?;
    let equations = equations.iter().map(|text| graph.parse(text, &scope)).collect::<Result<Vec<_>, _>>()?;
    let field = ExprField::new(&graph, &equations, states, &names)?;
    let at = field.at(parameters.iter().map(|&(_, value)| value).collect());
    let (mut work, mut y, mut dy) = (at.workspace(), vec![0.3_f64; states.len()], vec![0.0; states.len()]);
    let (calls, mut best) = (10_000, f64::INFINITY);
    for _ in 0..500 {
        let start = Instant::now();
        for i in 0..calls {
            at.eval(f64::from(i) * 1e-3, black_box(&y), &mut dy, &mut work);
            // Each call waits for the one before, as in an integration.
            for (y, dy) in y.iter_mut().zip(&dy) {
                *y = 0.3 + 1e-9 * dy;
            }
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    black_box(&dy);
    let nanoseconds = best * 1e9 / f64::from(calls);
    println!("{name:20} {nanoseconds:6.1} ns, {} instructions", field.program().instruction_count());
    Ok(())
}
