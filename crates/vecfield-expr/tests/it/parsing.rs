//! The grammar by its values, and the errors by what a person would read.

use vecfield_expr::{Graph, NameError, Program, Scope, check_name};

use crate::tree::{NAMES, scope};

fn value(text: &str) -> f64 {
    let mut graph = Graph::new();
    let id = graph.parse(text, &scope()).unwrap_or_else(|error| panic!("{}", error.render(text)));
    let program = Program::compile(&graph, &[id], &NAMES).unwrap();
    let mut value = [0.0];
    program.eval(&[2.0, 3.0, 5.0], &mut value, &mut program.registers());
    value[0]
}

#[test]
fn operators_bind_as_in_mathematics() {
    let cases = [
        ("-x^2", -4.0),
        ("2^-3", 0.125),
        ("2^3^2", 512.0),
        ("-2^2", -4.0),
        ("(-2)^2", 4.0),
        ("2^-x^2", 0.0625),
        ("x - y - z_1", -6.0),
        ("z_1/x/y", 5.0 / 2.0 / 3.0),
        ("x*-y", -6.0),
        ("x--y", 5.0),
        ("+x", 2.0),
        ("x - +y", -1.0),
        (".5 + 5. + 1e-1 + 2E+1", 25.6),
        ("min(x, y)*max(x, y)", 6.0),
        ("sin(pi/2) + cos(0)", 2.0),
        ("log(exp(2))", 2.0),
        ("sqrt(abs(-4))", 2.0),
        ("sign(-x) + sign(0)", -1.0),
        ("(-8)^3", -512.0),
        ("4^0.5 + 4^1.5 + 4^-0.5", 10.5),
        (" x\n+\ty ", 5.0),
        ("atan(1)*4 - acos(-1)", 0.0),
        ("x > 1", 1.0),
        ("x > 2", 0.0),
        ("x < y + 1", 1.0),
        ("2*x + 3*(x > 1.7)", 7.0),
        ("(y > x) > 0", 1.0),
        ("min(x > 1, y > 4)", 0.0),
        ("cond(y - x, z_1)", 5.0),
        ("cond(x - y, z_1)", 0.0),
        ("cond(x - y, 1/0 - 1/0)", 0.0),
        ("if(x > y, 1/0, y)", 3.0),
        ("if(y - x, x, 1/0)", 2.0),
        ("cosh(0) + sinh(0) + tanh(0) + asin(0) + tan(0)", 1.0),
    ];
    for (text, wanted) in cases {
        assert_eq!(value(text), wanted, "{text}");
    }
}

#[test]
fn errors_say_what_where_and_what_to_do() {
    let cases: &[(&str, &[&str], usize)] = &[
        ("", &["empty"], 0),
        ("-a*yy", &["unknown name \"a\""], 1),
        ("-x*yy", &["\"yy\"", "did you mean \"y\"?"], 3),
        ("foo + x", &["known names are x, y, z_1, pi"], 0),
        ("sine(x)", &["unknown function \"sine\"", "\"sin\""], 0),
        ("ln(x)", &["\"log\""], 0),
        ("x(2)", &["not a function", "x*(..)"], 0),
        ("(x", &["\"(\"", "\")\""], 0),
        ("x)", &["closes nothing"], 1),
        ("x +", &["ends where a value must follow"], 3),
        ("min(x)", &["min takes 2 arguments, not 1"], 0),
        ("sin(x, y)", &["sin takes 1 argument, not 2"], 0),
        ("sin()", &["sin takes 1 argument, not 0"], 0),
        ("sin x", &["write sin(..)"], 0),
        ("2x", &["operator is missing before \"x\"", "*"], 1),
        ("x y", &["operator is missing before \"y\""], 2),
        ("x**2", &["for a power write ^"], 2),
        ("x·y", &["'·'", "for a product write *"], 1),
        ("x = 2", &["not an equation", "a > b"], 2),
        ("x >= 2", &["a > b"], 3),
        ("x < y < 2", &["do not chain", "min(a < b, b < c)"], 6),
        ("(x > 1) && y", &["min(a, b)"], 8),
        ("if(x, y)", &["if takes 3 arguments, not 2"], 0),
        ("cond(x)", &["cond takes 2 arguments, not 1"], 0),
        ("if x", &["write if(..)"], 0),
        ("x >", &["ends where a value must follow"], 3),
        ("or(x, y)", &["\"max\""], 0),
        ("1.2.3", &["\"1.2.3\" is not a number"], 0),
        ("1e999", &["not a number a double can hold"], 0),
        ("0,5*x", &["decimal point"], 1),
        ("x + é", &["'é'"], 4),
    ];
    for &(text, words, start) in cases {
        let error = Graph::new().parse(text, &scope()).unwrap_err();
        let message = error.to_string();
        for word in words {
            assert!(message.contains(word), "{text}: {message:?} lacks {word:?}");
        }
        assert_eq!(error.span().start, start, "{text}: {message}");
        let picture = error.render(text);
        let caret = picture.lines().last().unwrap().find('^').unwrap();
        assert_eq!(caret - 2, text[..start].chars().count(), "{picture}");
    }
}

#[test]
fn names_are_checked() {
    assert!(check_name("hare_2").is_ok());
    assert!(matches!(check_name("2x"), Err(NameError::Malformed { .. })));
    assert!(matches!(check_name("x-y"), Err(NameError::Malformed { .. })));
    assert!(matches!(check_name(""), Err(NameError::Malformed { .. })));
    for reserved in ["pi", "sin", "max", "sign", "cond", "if"] {
        assert!(matches!(Scope::new([reserved]), Err(NameError::Reserved { .. })), "{reserved}");
    }
}
