//! `vecfield symreg --template "f(x)*g(z) + c"`: the unknown functions of a formula whose form is given.

use serde_json::{Map, Value, json};
use vecfield_expr::TextStyle;
use vecfield_plot::{Equation, MathMl};
use vecfield_symreg::{Found, Function, Progress, Template, Templated};

use super::{Arguments, Outcome, number_to_json, page, watched, with_its_error};
use crate::commands::pages;
use crate::context::Context;
use crate::failure::Failure;

pub(super) fn run(arguments: &Arguments, text: &str, context: &Context) -> Result<(), Failure> {
    if arguments.target.contains(',') {
        return Err(Failure::Argument("--template is for one target; search the targets one by one".into()));
    }
    let rows = arguments.table(context)?;
    let settings = arguments.settings(&rows, &arguments.target, context)?;
    let refused = |e| Failure::Argument(format!("--template: {e}"));
    let template = Template::parse(text, &rows).map_err(refused)?;
    let folder = arguments.folder()?;
    let work = |goes_on: &mut dyn FnMut(Progress<'_>) -> bool| settings.search_template(&rows, &template, goes_on);
    let (found, seconds) = watched(arguments, context, rows.names(), work)?;
    let found = found.map_err(refused)?;
    let outcome = Outcome {
        search: found.search(),
        seconds,
        target: &arguments.target,
        rows: &rows,
        loss: None,
        form: Some(Form { text, found: &found }),
    };
    if let Some(folder) = &folder {
        page::leave(&outcome, arguments, folder, context)?;
    }
    context.result(&outcome.to_json(), |_| outcome.for_people())
}

/// A template, and what was found for it.
pub(super) struct Form<'a> {
    pub(super) text: &'a str,
    found: &'a Templated,
}

impl Form<'_> {
    /// Puts the functions and numbers of a formula beside it.
    pub(super) fn add_to(&self, entry: &mut Value, found: &Found) {
        let function = |function: &Function| {
            let (graph, formula) = function.formula();
            json!({
                "name": function.name,
                "arguments": function.arguments,
                "expression": function.expression,
                "latex": graph.to_latex(formula),
                "numbers": function.numbers.iter().map(number_to_json).collect::<Vec<_>>(),
            })
        };
        entry["parts"] = self.found.functions(found).iter().map(function).collect::<Vec<_>>().into();
        let numbers = self.found.numbers(found).iter().map(|(name, number)| (name.clone(), number_to_json(number)));
        entry["parameters"] = numbers.collect::<Map<String, Value>>().into();
    }

    /// A line for each function and number of a formula.
    pub(super) fn lines(&self, found: &Found) -> String {
        let function = |function: &Function| {
            let errors: Vec<String> = function.numbers.iter().map(with_its_error).collect();
            let errors = if errors.is_empty() { String::new() } else { format!("    ({})", errors.join(", ")) };
            format!("{} = {}{errors}\n", head(function), function.expression)
        };
        let functions = self.found.functions(found).iter().map(function);
        let numbers = self.found.numbers(found).iter();
        functions.chain(numbers.map(|(name, number)| format!("{name} = {}\n", with_its_error(number)))).collect()
    }

    /// The same as fields of TOML.
    pub(super) fn fields(&self, found: &Found) -> String {
        let function = |function: &Function| {
            let (graph, formula) = function.formula();
            format!(
                "{{ name = {:?}, arguments = {:?}, expression = {:?}, latex = {:?}, rust = {:?} }}",
                function.name,
                function.arguments,
                function.expression,
                graph.to_latex(formula),
                graph.to_rust(formula)
            )
        };
        let functions: Vec<String> = self.found.functions(found).iter().map(function).collect();
        let numbers = self.found.numbers(found).iter().map(|(name, number)| format!("{name} = {:e}", number.value));
        let numbers = numbers.collect::<Vec<_>>().join(", ");
        format!("parts = [{}]\nparameters = {{ {numbers} }}\n", functions.join(", "))
    }

    /// The functions of a formula, typeset.
    pub(super) fn equations(&self, found: &Found) -> Vec<Equation> {
        let style = TextStyle::digits(pages::DIGITS);
        let equation = |function: &Function| {
            let (graph, formula) = function.formula();
            let text = graph.to_text_styled(formula, style);
            let right = pages::typeset(&graph.to_mathml_styled(formula, style), &text);
            let names: Vec<String> =
                function.arguments.iter().map(|name| MathMl::name(name).as_str().to_owned()).collect();
            let left =
                format!("{}<mo>(</mo>{}<mo>)</mo>", MathMl::name(&function.name).as_str(), names.join("<mo>,</mo>"));
            Equation::of_value(head(function), pages::typeset(&left, &function.name), right, text)
        };
        self.found.functions(found).iter().map(equation).collect()
    }
}

/// `f(x, z)`.
fn head(function: &Function) -> String {
    format!("{}({})", function.name, function.arguments.join(", "))
}
