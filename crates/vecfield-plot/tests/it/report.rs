use proptest::prelude::*;
use vecfield_plot::*;

use crate::sample;

/// No request leaves the page: no address in an attribute that loads, no import, no script.
fn stands_alone(page: &str) {
    for attribute in ["src", "href", "srcset", "action", "data", "poster", "background"] {
        assert!(!page.contains(&format!(" {attribute}=")), "the page has {attribute}=");
    }
    for needle in ["@import", "url(", "<script", "<link", "<iframe", "<object", "<base", "http-equiv"] {
        assert!(!page.contains(needle), "the page has {needle}");
    }
    // The one address allowed is the name of the SVG namespace, which nothing fetches.
    assert!(!page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "").contains("://"));
}

#[test]
fn reports_stand_alone_and_are_small() {
    for report in [sample::lynx_hare(), sample::yeast(), sample::lorenz_runs()] {
        let page = report.render().unwrap();
        stands_alone(&page);
        assert!(page.len() < 500_000, "{} bytes", page.len());
        assert_eq!(page, report.render().unwrap(), "the same report, the same bytes");
    }
}

#[test]
fn every_part_is_on_the_page() {
    let page = sample::lynx_hare().render().unwrap();
    for part in [
        "The equations",
        "Data and model",
        "Does it forecast?",
        "What it leaves unexplained",
        "What else was tried",
        "About the data",
        "Use it",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        page.contains("prefers-color-scheme:dark")
            && page.contains("@media print")
            && page.contains("name=\"viewport\"")
    );
    assert_eq!(page.matches("<svg xmlns").count(), page.matches("<title>").count() - 1 - hovers(&page));
}

/// Titles inside markers, which show values under the pointer.
fn hovers(page: &str) -> usize {
    page.matches("</title></circle>").count()
}

/// Cells are the deeper the larger they are, of the colour of their sign, with their errors; the rest is dots.
#[test]
fn coefficients_are_a_heat_map() {
    let mut report = sample::lynx_hare();
    assert!(!report.render().unwrap().contains("Coefficients by term"));
    let mut map = HeatMap::new(vec!["1".into(), "a<b".into()], vec!["x'".into(), "y'".into()]);
    map.set(0, 0, HeatCell { value: 100.0, stderr: Some(2.0) });
    map.set(0, 1, HeatCell { value: -1.0, stderr: None });
    map.set(1, 1, HeatCell { value: 1e-9, stderr: Some(f64::NAN) });
    map.set(7, 1, HeatCell { value: 1.0, stderr: None });
    report.coefficients = Some(map);
    let page = report.render().unwrap();
    stands_alone(&page);
    let (_, table) = page.split_once("Coefficients by term").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    let depths: Vec<f64> =
        table.split("--depth:").skip(1).map(|rest| rest.split_once('%').unwrap().0.parse().unwrap()).collect();
    assert_eq!(depths.len(), 3, "{table}");
    assert!(depths[0] > depths[1] && depths[1] > depths[2] && depths[2] > 0.0, "{depths:?}");
    assert_eq!((table.matches("number plus").count(), table.matches("number minus").count()), (2, 1), "{table}");
    assert!(table.contains("± 2") && table.matches('·').count() == 1 && table.contains("a&lt;b"), "{table}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Text from outside never becomes markup, wherever it stands.
    #[test]
    fn text_is_escaped(tail in "[a-z<>&\"']{0,12}") {
        let wild = format!("</style></title><script>alert('{tail}')</script><img src=\"x\" onerror=y>");
        let point = Series::new(&[0.0, 1.0], &[1.0, 2.0]).unwrap();
        let equation = Equation::new(&*wild, MathMl::name(&wild), MathMl::name(&wild), &*wild);
        let run = Trajectory::new(&*wild, vec![Fit::new(point.clone(), point.clone())]);
        let named = Variable::new(&*wild).in_units(&*wild);
        let mut report = Report::new(&*wild, Verdict::None, &*wild, named.clone(), vec![named.clone()], vec![equation.clone()], vec![run]);
        (report.source, report.method, report.noise, report.provenance) = (wild.clone(), wild.clone(), wild.clone(), wild.clone());
        report.facts = vec![Fact::new(&*wild, &*wild, &*wild)];
        report.constants = vec![Constant::new(&*wild, &*wild, 1.0, Some(0.1))];
        report.residuals = Some(Residuals::new(&*wild, vec![point]));
        report.front = Some(Front::new(named.clone(), named, Better::Higher, vec![FrontPoint::new(1.0, 1.0)], Some(0)));
        report.alternatives = vec![Alternative::new(vec![equation], 1.0, f64::NAN, 0.5, Standing::Rejected(wild.clone()))];
        report.notes = vec![Note::warning(&*wild), Note::info(&*wild)];
        report.commands = vec![Command::new(&*wild, &*wild)];
        let page = report.render().unwrap();
        prop_assert!(!page.contains("<script") && !page.contains("<img"));
        prop_assert_eq!(page.matches("</style>").count(), 1);
    }

    /// Formulas are MathML or refused: what is accepted parses as XML and holds nothing but mathematics.
    #[test]
    fn formulas_are_mathematics(markup in "(<(/?)(mi|mn|mrow|script|svg|mfrac)( (href|mathvariant)=\"[a-z]{0,4}\")?(/?)>|[a-z&;<>0-9]{1,4}){0,6}") {
        if let Ok(formula) = MathMl::new(&markup) {
            let document = format!("<math>{}</math>", formula.as_str());
            let parsed = roxmltree::Document::parse(&document).map_err(|error| TestCaseError::fail(format!("{error} in {document}")))?;
            prop_assert!(parsed.descendants().all(|node| node.attribute("href").is_none() && !node.has_tag_name("script") && !node.has_tag_name("svg")));
        }
    }
}

#[test]
fn markup_that_is_not_mathematics_is_refused() {
    for (markup, at) in [
        ("<mi>x</mi><script>1</script>", 10),
        ("<math><svg/></math>", 6),
        ("<mi onclick=\"y\">x</mi>", 0),
        ("<mi href='https://example.org'>x</mi>", 0),
        ("<mo lspace=\"url(x)\">+</mo>", 0),
        ("<mi>x</mo>", 5),
        ("<mi>x", 5),
        ("a &nbsp; b", 2),
        ("<mi", 0),
        ("<!-- x -->", 0),
    ] {
        let error = MathMl::new(markup).unwrap_err();
        assert!(matches!(error, PlotError::Markup { at: found, .. } if found == at), "{markup}: {error}");
    }
}

/// The terms of a sum, one after the other, are the sum; signs inside brackets and fractions part nothing.
#[test]
fn terms_make_the_sum() {
    let inner = "<mi>a</mi><mo>−</mo><mrow><mo>(</mo><mi>b</mi><mo>+</mo><mn>1</mn><mo>)</mo></mrow><mo>+</mo><mspace width=\"1em\"/><mi>c</mi>";
    for markup in
        [inner.to_owned(), format!("<mrow>{inner}</mrow>"), format!("<math><mrow><mrow>{inner}</mrow></mrow></math>")]
    {
        let terms = MathMl::new(&markup).unwrap().terms();
        assert_eq!(terms.len(), 3);
        assert_eq!(terms.iter().map(MathMl::as_str).collect::<String>(), inner);
    }
    assert_eq!(MathMl::new("<mo>−</mo><mi>a</mi>").unwrap().terms().len(), 1);
    assert_eq!(MathMl::new("<mrow><mi>a</mi></mrow><mo>+</mo><mrow><mi>b</mi></mrow>").unwrap().terms().len(), 2);
}

#[test]
fn parts_must_have_the_reports_variables() {
    let mut report = sample::lynx_hare();
    report.residuals = Some(Residuals::new("r", vec![]));
    assert_eq!(report.render(), Err(PlotError::Variables { what: "the residuals", expected: 2, found: 0 }));
    let mut report = sample::yeast();
    report.forecasts = Some(ForecastCheck::new(vec![Forecast {
        trajectory: 0,
        variable: 1,
        origin: 0.0,
        time: 1.0,
        predicted: 1.0,
        observed: 1.0,
    }]));
    assert!(report.render().is_err());
}

/// Nothing found, nothing measured: still a page, and it says so.
#[test]
fn an_empty_report_is_a_page() {
    let nothing = Report::new("", Verdict::None, "", Variable::new("t"), vec![], vec![], vec![]);
    let page = nothing.render().unwrap();
    stands_alone(&page);
    assert!(page.contains("No equation is supported"));
}

/// Long noisy runs of many variables: the page is thinned until it is small, and says so.
#[test]
fn a_huge_report_is_still_small() {
    let wild = |seed: usize| {
        (0..3_000).map(move |k| [k as f64, (k as f64 * (12.9 + seed as f64)).sin() * 1e3]).collect::<Series>()
    };
    let fits = |n: usize| (0..12).map(|i| Fit::new(wild(i + n), wild(i))).collect();
    let runs: Vec<_> = (0..9).map(|n| Trajectory::new(format!("run {n}"), fits(n))).collect();
    let variables: Vec<_> = (0..12).map(|i| Variable::new(format!("x_{i}"))).collect();
    let mut report = Report::new("Long", Verdict::Law, "", Variable::new("t"), variables, vec![], runs);
    report.residuals = Some(Residuals::new("residual", (0..12).map(wild).collect()));
    let page = report.render().unwrap();
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("Not drawn: 3 more trajectories, 4 more variables."));
    assert!(page.contains("To keep it small"));
}
