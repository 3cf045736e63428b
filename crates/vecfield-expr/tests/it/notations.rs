//! LaTeX, MathML and Rust: what people would have typeset, well-formed for whatever is printed, and code that compiles.

use proptest::prelude::*;
use vecfield_expr::{Graph, Program, Scope, TextStyle};

use crate::tree::{NAMES, same, scope, tree};

#[test]
fn latex_as_typeset_by_hand() {
    let cases = [
        ("alpha*hare - 0.028*hare*lynx", r"\alpha \, \mathrm{hare} - 0.028 \, \mathrm{hare} \, \mathrm{lynx}"),
        ("x1^2 + x_jup", r"x_{1}^{2} + x_{\mathrm{jup}}"),
        ("-x/y", r"-\frac{x}{y}"),
        ("a - -2*x/y", r"a + \frac{2 \, x}{y}"),
        ("(x/y)^2", r"\left(\frac{x}{y}\right)^{2}"),
        ("1.5e-7*x", r"1.5 \cdot 10^{-7} \, x"),
        ("x*2", r"x \cdot 2"),
        ("sin(x)^2", r"\sin^{2}\left(x\right)"),
        ("sin(x)^-1", r"\left(\sin\left(x\right)\right)^{-1}"),
        ("exp(-x)^2", r"\left(e^{-x}\right)^{2}"),
        ("sqrt(x)*abs(y)", r"\sqrt{x} \, \left|y\right|"),
        ("x^0.5", r"\sqrt{x}"),
        ("min(x, y)", r"\min\left(x, y\right)"),
        ("(x + y)*(x - y)", r"\left(x + y\right) \, \left(x - y\right)"),
        ("2*pi", r"2 \, \pi"),
        ("x*(-3)", r"x \cdot \left(-3\right)"),
        ("2*(x > y + 1)", r"2 \, \left[x > y + 1\right]"),
        ("a - cond(x - 2, (x - 2)^2)", r"a - \left[x - 2 > 0\right] \, \left(x - 2\right)^{2}"),
        ("2 > x", r"\left[x < 2\right]"),
        ("cond(x < y, 3)/a", r"\frac{\left[y > x\right] \cdot 3}{a}"),
    ];
    let scope = Scope::new(["alpha", "hare", "lynx", "x1", "x_jup", "x", "y", "a"]).unwrap();
    for (text, wanted) in cases {
        let mut graph = Graph::new();
        let id = graph.parse(text, &scope).unwrap();
        assert_eq!(graph.to_latex(id), wanted, "{text}");
    }
}

#[test]
fn mathml_as_typeset_by_hand() {
    let mut graph = Graph::new();
    let scope = Scope::new(["x", "k_1", "omega"]).unwrap();
    let id = graph.parse("-1.23456*omega*k_1 + sin(x)^2", &scope).unwrap();
    let wanted = "<math><mrow><mo>−</mo><mn>1.23</mn><mo>\u{2062}</mo><mspace width=\"0.17em\"></mspace><mi>ω</mi>\
                  <mo>\u{2062}</mo><mspace width=\"0.17em\"></mspace><msub><mi>k</mi><mn>1</mn></msub><mo>+</mo>\
                  <msup><mrow><mi>sin</mi></mrow><mrow><mn>2</mn></mrow></msup><mo>\u{2061}</mo><mrow><mo>(</mo><mi>x</mi>\
                  <mo>)</mo></mrow></mrow></math>";
    assert_eq!(graph.to_mathml_styled(id, TextStyle::digits(3)), wanted);
}

/// Are tags closed in order, and does each element have as many children as it must?
fn well_formed(markup: &str) -> Result<(), String> {
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut rest = markup;
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').ok_or("a tag without an end")? + at;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let (opened, children) = open.pop().ok_or("a tag closed twice")?;
            let wanted = if matches!(name, "mfrac" | "msup" | "msub") { 2 } else { children };
            if opened != name || children != wanted {
                return Err(format!("<{opened}> with {children} children closed by {name}"));
            }
        } else {
            if let Some((_, children)) = open.last_mut() {
                *children += 1;
            }
            open.push((tag.split(' ').next().unwrap_or(tag), 0));
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("left open: {open:?}")) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    /// Whatever the formula, braces and tags match.
    #[test]
    fn markup_is_well_formed(tree in tree()) {
        let mut graph = Graph::new();
        let id = tree.build(&mut graph);
        let mathml = graph.to_mathml(id);
        prop_assert!(well_formed(&mathml).is_ok(), "{mathml}: {:?}", well_formed(&mathml));
        let latex = graph.to_latex(id);
        let count = |c: char| latex.matches(c).count();
        prop_assert_eq!(count('{'), count('}'));
        prop_assert_eq!(latex.matches(r"\left").count(), latex.matches(r"\right").count());
    }
}

/// The text, the same as Rust, and that Rust compiled: the printed code is the code, and has the value of the formula.
macro_rules! code {
    ($($text:literal => $code:expr;)*) => {
        [$(($text, stringify!($code), $code)),*]
    };
}

#[test]
#[allow(unused_parens, clippy::neg_multiply)]
fn rust_compiles_to_the_same_value() {
    let (x, y, z_1) = (0.3_f64, 1.7_f64, -2.5_f64);
    let cases = code! {
        "x + y*2 - z_1/3" => x + y*2.0 - z_1/3.0;
        "-(x + y)^2" => -(x + y).powi(2);
        "(-x)^y" => (-x).powf(y);
        "y^2.5" => y.powf(2.5);
        "2^x" => 2.0_f64.powf(x);
        "(-2)^3*x" => (-2.0_f64).powi(3)*x;
        "sin(2)*x" => 2.0_f64.sin()*x;
        "sqrt(abs(z_1))*log(y)" => z_1.abs().sqrt()*y.ln();
        "min(x, 2) + max(3, y)" => x.min(2.0) + 3.0_f64.max(y);
        "x*(y - 1e-30)" => x*(y - 1e-30);
        "x*pi/(y/z_1)" => x*core::f64::consts::PI/(y/z_1);
        "-x*(-3)" => -x*(-3.0);
        "tanh(x)^-2" => x.tanh().powi(-2);
        "2*(x > z_1) + (y < x)" => 2.0*f64::from(x > z_1) + f64::from(x > y);
        "cond(x - y, 1/x)*2" => (if x - y > 0.0 { 1.0/x } else { 0.0 })*2.0;
        "cond(y > x, z_1)^2" => (if y > x { z_1 } else { 0.0 }).powi(2);
        "sign(-x)*2" => ({ let x: f64 = -x; if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x * 0.0_f64 } })*2.0;
    };
    for (text, code, value) in cases {
        let mut graph = Graph::new();
        let id = graph.parse(text, &scope()).unwrap();
        let plain = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(plain(&graph.to_rust(id)), plain(code), "{text}");
        let program = Program::compile(&graph, &[id], &NAMES).unwrap();
        let mut got = [0.0];
        program.eval(&[x, y, z_1], &mut got, &mut program.registers());
        assert!(same(got[0], value) || (got[0] - value).abs() < 1e-15 * value.abs(), "{text}: {} and {value}", got[0]);
    }
    let mut graph = Graph::new();
    let keyword = graph.symbol("type");
    assert_eq!(graph.to_rust(keyword), "r#type");
}
