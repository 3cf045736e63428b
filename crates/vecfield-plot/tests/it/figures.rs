use proptest::prelude::*;
use vecfield_plot::*;

/// Numbers as they come: mostly ordinary, some missing, some absurd.
fn cell() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -1e3..1e3_f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => any::<f64>()]
}

fn series(most: usize) -> impl Strategy<Value = Series> {
    prop::collection::vec((cell(), cell()).prop_map(|(x, y)| [x, y]), 0..most)
        .prop_map(|points| points.into_iter().collect())
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("hare".to_owned()), Just("a<b & \"c\" 'd'".to_owned()), any::<String>()]
}

/// Every kind of figure from the same columns.
fn every_figure(name: &str, a: &Series, b: &Series) -> Vec<Figure> {
    let (time, x, y) = (Variable::new("t").in_units(name), Variable::new(name), Variable::new("y"));
    let column = |k: usize| a.points().iter().map(|p| p[k]).collect::<Vec<_>>();
    let band = Band::new(name, &column(0), &column(1), &column(0)).unwrap();
    let run =
        Trajectory::new(name, vec![Fit::new(a.clone(), b.clone()).with_band(band), Fit::new(b.clone(), a.clone())]);
    let variables = [x.clone(), y.clone()];
    let residuals = Residuals::new(name, vec![a.clone(), b.clone()]);
    let forecasts = a.points().iter().map(|p| Forecast {
        trajectory: 0,
        variable: 0,
        origin: 1.0,
        time: p[0],
        predicted: p[1],
        observed: p[0],
    });
    let check = ForecastCheck::new(forecasts.collect());
    let points: Vec<_> = b.points().iter().map(|p| FrontPoint::new(p[0], p[1])).collect();
    let front = |better| Front::new(x.clone(), y.clone(), better, points.clone(), Some(0));
    let portrait = PhasePortrait::new(x.clone(), y.clone(), vec![a.clone()], vec![b.clone()]);
    vec![
        run.figure(&time, &variables),
        portrait.figure(),
        portrait.with_field(|x, y| [y, 1.0 / x]).figure(),
        RateCurve::new(x.clone(), time.clone(), &[a.clone(), b.clone()], |y| (1.0 / y).ln()).figure(),
        residuals.over_time(&time, &variables),
        residuals.quantiles(&variables),
        check.over_time(0, &run, &time, &variables),
        check.agreement(&variables),
        front(Better::Lower).figure(),
        front(Better::Higher).figure(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the values and names: well-formed XML with a title and a description, and only finite numbers.
    #[test]
    fn figures_are_well_formed(name in name(), a in series(40), b in series(40)) {
        for figure in every_figure(&name, &a, &b) {
            let svg = figure.to_svg();
            let document = roxmltree::Document::parse(&svg).map_err(|error| TestCaseError::fail(format!("{error} in {svg}")))?;
            let root = document.root_element();
            prop_assert!(root.children().any(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "title"))));
            prop_assert!(root.children().any(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "desc"))));
            let positions = ["d", "x", "y", "cx", "cy", "x1", "x2", "y1", "y2", "width", "height", "r"];
            for attribute in document.descendants().flat_map(|node| node.attributes()).filter(|a| positions.contains(&a.name())) {
                prop_assert!(!attribute.value().contains("NaN") && !attribute.value().contains("inf"), "{attribute:?}");
            }
        }
    }

    /// The same data, the same bytes.
    #[test]
    fn figures_repeat(a in series(30), b in series(30)) {
        let bytes = || every_figure("x", &a, &b).iter().map(Figure::to_svg).collect::<Vec<_>>();
        prop_assert_eq!(bytes(), bytes());
    }

    /// The front is what no model beats in size and success both, and every model is beaten by or on it.
    #[test]
    fn fronts_are_not_dominated(models in prop::collection::vec((1..9_u8, -5.0..5.0_f64), 1..40), lower in any::<bool>()) {
        let better = if lower { Better::Lower } else { Better::Higher };
        let points: Vec<_> = models.iter().map(|(size, score)| FrontPoint::new(f64::from(*size), *score)).collect();
        let front = Front::new(Variable::new("terms"), Variable::new("score"), better, points.clone(), None);
        let loss = |p: &FrontPoint| if lower { p.score } else { -p.score };
        let beats = |a: &FrontPoint, b: &FrontPoint| a.complexity <= b.complexity && loss(a) <= loss(b) && a != b;
        let best = front.best();
        for point in &points {
            prop_assert_eq!(best.contains(point), !points.iter().any(|other| beats(other, point)));
        }
        let sizes = front.best_of_each_size();
        prop_assert!(best.iter().all(|point| sizes.contains(point)));
        prop_assert!(sizes.windows(2).all(|pair| pair[0].complexity < pair[1].complexity));
    }

    /// A gap breaks a line in two and takes away one marker, nothing else.
    #[test]
    fn gaps_stay_gaps(count in 4_usize..60, at in 1_usize..58, gap in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)]) {
        let at = at.min(count - 2);
        let point = |k: usize| [k as f64, if k == at { gap } else { (k as f64).sin() }];
        let wave: Series = (0..count).map(point).collect();
        let layers = vec![Layer::Line(wave.clone(), Tone::Ink, Stroke::Solid), Layer::Points(wave, Tone::Variable(0), Marker::Dot)];
        let panel = Panel::new(Variable::new("t"), Variable::new("y"), layers);
        let svg = Figure::stack("wave", "a wave", vec![], vec![panel], 400.0, 200.0).to_svg();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let line = document.descendants().find(|node| node.attribute("class") == Some("line s-ink")).unwrap();
        prop_assert_eq!(line.attribute("d").unwrap().matches('M').count(), 2);
        prop_assert_eq!(svg.matches("class=\"dot f-v0\"").count(), count - 1);
    }
}

/// A logarithmic axis without a positive value, or with an absurd window, is still an axis.
#[test]
fn logarithmic_axes_take_any_window() {
    for window in [[0.0, 1.0], [-1.0, -0.5], [0.0, 0.0], [1e-300, 1e300], [f64::NAN, f64::INFINITY]] {
        let points: Series = [[0.0, -1.0], [1.0, 0.0], [2.0, 5.0]].into_iter().collect();
        let layers = vec![Layer::Points(points, Tone::Ink, Marker::Dot)];
        let panel = Panel::new(Variable::new("x"), Variable::new("y"), layers).scaled(Scale::Log);
        for panel in [panel.clone(), panel.within([0.0, 1.0], window)] {
            let svg = Figure::stack("log", "log", vec![], vec![panel], 400.0, 200.0).to_svg();
            assert!(roxmltree::Document::parse(&svg).is_ok() && svg.len() < 20_000);
        }
    }
}

/// Two columns of different lengths are refused with their lengths.
#[test]
fn columns_must_agree() {
    let error = Series::new(&[0.0, 1.0], &[1.0]).unwrap_err();
    assert_eq!(error, PlotError::Length { what: "a series' y column", expected: 2, found: 1 });
    assert!(Band::new("b", &[0.0], &[0.0], &[]).is_err());
}

#[test]
fn empty_figures_say_so() {
    for figure in every_figure("x", &Series::default(), &Series::default()) {
        let svg = figure.to_svg();
        assert!(svg.contains("class=\"empty\"") || svg.contains("class=\"line s-ink\""), "{svg}");
    }
}

/// A million points are a small file: the curve keeps what can be seen, markers are thinned and the legend says so.
#[test]
fn huge_trajectories_stay_small() {
    let noisy = |k: usize| (k as f64 * 0.001).sin() + 0.3 * (k as f64 * 12.9898).sin();
    let long: Series = (0..1_000_000).map(|k| [k as f64, noisy(k)]).collect();
    let run = Trajectory::new("long", vec![Fit::new(long.clone(), long)]);
    let svg = run.figure(&Variable::new("t"), &[Variable::new("y")]).to_svg();
    assert!(svg.len() < 500_000, "{} bytes", svg.len());
    assert!(svg.contains("measured (1 of 500 drawn)"));
    let document = roxmltree::Document::parse(&svg).unwrap();
    let line = document.descendants().find(|node| {
        node.attribute("class") == Some("line s-v0") && node.has_tag_name(("http://www.w3.org/2000/svg", "path"))
    });
    let vertices = line.unwrap().attribute("d").unwrap().matches(' ').count();
    assert!((100..8_001).contains(&vertices), "{vertices} numbers");
}

/// Up is up: along a constant flow to the upper right, lines end to the right of and above where they began.
#[test]
fn streamlines_point_along_the_field() {
    let window: Series = [[0.0, 0.0], [1.0, 1.0]].into_iter().collect();
    let svg = PhasePortrait::new(Variable::new("x"), Variable::new("y"), vec![], vec![window])
        .with_field(|_, _| [1.0, 0.5])
        .figure()
        .to_svg();
    let document = roxmltree::Document::parse(&svg).unwrap();
    for line in document.descendants().filter(|n| n.attribute("class") == Some("flow")).filter_map(|n| n.attribute("d"))
    {
        let numbers: Vec<f64> = line.split(['M', 'L', ' ']).filter_map(|v| v.parse().ok()).collect();
        let [x0, y0, .., x1, y1] = numbers[..] else { panic!("{line}") };
        assert!(x1 > x0 && y1 < y0, "{line}");
    }
}

/// Forecasts of several variables are compared in standard deviations: units make no difference to the picture.
#[test]
fn agreement_knows_no_units() {
    let picture = |unit: f64| {
        let at = |variable: usize, k: i32| {
            let observed = f64::from(k * k % 7);
            Forecast {
                trajectory: 0,
                variable,
                origin: 0.0,
                time: f64::from(k),
                predicted: unit * (observed + 0.25 * f64::from(k % 3)),
                observed: unit * observed,
            }
        };
        let forecasts = (0..2).flat_map(|variable| (1..9).map(move |k| at(variable, k))).collect();
        let svg = ForecastCheck::new(forecasts).agreement(&[Variable::new("x"), Variable::new("y")]).to_svg();
        let document = roxmltree::Document::parse(&svg).unwrap();
        document
            .descendants()
            .filter_map(|node| Some((node.attribute("cx")?.to_owned(), node.attribute("cy")?.to_owned())))
            .collect::<Vec<_>>()
    };
    assert_eq!(picture(1.0), picture(1024.0));
}

/// Every streamline follows the field: along a rotation the radius stays.
#[test]
fn streamlines_follow_the_field() {
    let square: Series = [[-1.0, -1.0], [1.0, 1.0]].into_iter().collect();
    let figure = PhasePortrait::new(Variable::new("x"), Variable::new("y"), vec![], vec![square])
        .with_field(|x, y| [y, -x])
        .figure();
    let svg = figure.to_svg();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let plot = document
        .descendants()
        .find(|n| n.has_tag_name(("http://www.w3.org/2000/svg", "svg")) && n.attribute("viewBox").is_none())
        .unwrap();
    let side = |name: &str| plot.attribute(name).unwrap().parse::<f64>().unwrap();
    let (width, height) = (side("width"), side("height"));
    let lines: Vec<_> =
        document.descendants().filter(|n| n.attribute("class") == Some("flow") && n.attribute("d").is_some()).collect();
    assert!(lines.len() > 10);
    for line in lines {
        let numbers: Vec<f64> =
            line.attribute("d").unwrap().split(['M', 'L', ' ']).filter_map(|v| v.parse().ok()).collect();
        let radii: Vec<f64> = numbers.chunks(2).map(|p| (p[0] / width - 0.5).hypot(p[1] / height - 0.5)).collect();
        let spread = radii.iter().fold(0.0_f64, |most, r| most.max((r - radii[0]).abs()));
        // The picture is simplified to a quarter of a unit in some 300.
        assert!(spread < 4e-3, "radius changes by {spread}");
    }
}
