//! Model files.

use vecfield_nde::{Kind, Precision, Settings};

fn settings(text: &str) -> Result<Settings, String> {
    let settings: Settings = toml::from_str(text).map_err(|e| e.to_string())?;
    settings.check().map_err(|e| format!("{}: {e}", e.key()))?;
    Ok(settings)
}

#[test]
fn two_lines_are_enough_for_every_kind() {
    for kind in Kind::ALL {
        // But for the one whose formulas nobody else can write.
        let formulas = if kind == Kind::Ude { "[equations]\nx = \"net(x)\"\n" } else { "" };
        let settings = settings(&format!("[model]\nkind = \"{}\"\n{formulas}", kind.name())).unwrap();
        assert_eq!(settings.model.kind, kind);
        assert!(settings.plan(1000).unwrap().steps() > 0);
    }
}

#[test]
fn what_is_left_out_is_left_out_when_written_too() {
    let settings = settings("[model]\nkind = \"augmented-ode\"\naugment = 1\n[solver]\nmemory = \"64MiB\"\n").unwrap();
    let text = toml::to_string(&settings).unwrap();
    assert_eq!(text.matches('=').count(), 3, "{text}");
    assert_eq!(toml::from_str::<Settings>(&text).unwrap(), settings);
}

#[test]
fn precision_follows_the_tolerance() {
    let with =
        |rtol| settings(&format!("[model]\nkind = \"neural-ode\"\n[solver]\nrtol = {rtol}\n")).unwrap().precision();
    assert_eq!(with(1e-3), Precision::Single);
    assert_eq!(with(1e-8), Precision::Double);
}

#[test]
fn phases_come_one_after_the_other() {
    let text = "[model]\nkind = \"neural-ode\"\n[optimizer]\nlearning_rate = 0.5\nschedule = \"linear\"\nwarm_up = 2\n\
                phases = [{steps = 4, horizon = 0.1}, {steps = 2, learning_rate = 0.25}]\n";
    let plan = settings(text).unwrap().plan(10).unwrap();
    let rates: Vec<f64> = (0..6).map(|step| plan.at(step).2).collect();
    assert_eq!(rates, [0.25, 0.375, 0.25, 0.125, 0.25, 0.125]);
    assert_eq!((plan.at(3).1.horizon, plan.at(4).1.horizon, plan.steps(), plan.batch), (0.1, 1.0, 6, 10));
}

#[test]
fn what_contradicts_itself_is_refused_with_its_key() {
    for (lines, words) in [
        ("[optimizer]\nsteps = 10\nepochs = 2\n", "optimizer.epochs: `steps` and `epochs` both say"),
        ("[optimizer]\nlearning_rate = 0\n", "optimizer.learning_rate: optimizer.learning_rate is 0"),
        ("[optimizer]\nname = \"adam\"\nmomentum = 0.5\n", "optimizer.momentum: this rule has no momentum"),
        ("[optimizer]\nphases = []\n", "optimizer.phases"),
        ("[optimizer]\nphases = [{steps = 5, horizon = 2.0}]\n", "(horizon) above 0"),
        ("[solver]\nrtol = 2.0\n", "solver.rtol"),
        ("[solver]\nmethod = \"tist5\"\n", "tsit5"),
        ("[solver]\nmethod = \"euler\"\n", "step"),
        ("[solver]\nadjoint = \"reversible\"\n", "reversible-tsit5"),
        ("[field]\nlayers = [0]\n", "field.layers"),
        ("[solver]\nmemory = \"much\"\n", "512MiB"),
        ("[field]\nactivation = \"tahn\"\n", "`tanh`"),
    ] {
        let error = settings(&format!("[model]\nkind = \"neural-ode\"\n{lines}")).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}
