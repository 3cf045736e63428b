//! Models as text, to be kept and read again.

use crate::model::{Constant, Trapping};
use crate::refine::Rival;
use crate::{Known, Library, Model, Refinement, SindyError};

/// What a text begins with.
const HEADING: &str = "vecfield sindy model 1";

/// Numbers in the fewest digits that read back as the same bits.
fn numbers(values: &[f64]) -> String {
    values.iter().map(|value| format!(" {value:?}")).collect()
}

impl Model {
    /// The model as lines of text, with all that it knows: terms, errors, rivals, the fitted path.
    ///
    /// ```
    /// use vecfield_data::{Trajectories, Trajectory};
    /// use vecfield_sindy::{Family, Model, Sindy};
    ///
    /// let times: Vec<f64> = (0..40).map(|k| 0.1 * f64::from(k)).collect();
    /// let values = times.iter().map(|t| 2.0 - 2.0 * (-0.5 * t).exp()).collect();
    /// let data = Trajectories::new(vec!["x".into()], vec![], vec![Trajectory::new(times, values, vec![])?])?;
    ///
    /// let model = Sindy::new(vec![Family::Polynomial(3)]).fit(&data)?;
    /// let again = Model::parse(&model.to_text())?;
    /// assert_eq!(again.equations(None), model.equations(None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_text(&self) -> String {
        let names = self.variables();
        let mut text = format!("{HEADING}\n");
        let mut line = |kind: &str, rest: &str| text += &format!("{kind}{rest}\n");
        names.iter().for_each(|name| line("variable ", name));
        self.library.inputs().iter().for_each(|name| line("input ", name));
        self.library.constants().iter().for_each(|(name, value)| line("constant ", &format!("{name} {value:?}")));
        self.library.features()[..self.selectable].iter().for_each(|feature| line("feature ", feature.key()));
        for &(equation, feature) in &self.known {
            line("known ", &format!("{}: {}", names[equation], self.library.features()[feature].key()));
        }
        line("coefficients", &numbers(&self.coefficients));
        line("stderr", &numbers(&self.stderr));
        line("inclusion", &numbers(&self.inclusion));
        for rival in &self.runners_up {
            line("rival", &(numbers(&[rival.change]) + &numbers(&rival.theta)));
        }
        for Constant { name, value, stderr } in &self.constants {
            line("fitted ", &format!("{name}{}", numbers(&[*value, *stderr])));
        }
        line("noise", &numbers(&self.noise));
        line("derivative_r2", &numbers(&[self.derivative_r2]));
        self.trajectory_r2.iter().for_each(|r2| line("trajectory_r2", &numbers(&[*r2])));
        self.step.iter().for_each(|step| line("step", &numbers(&[*step])));
        match self.refinement {
            Refinement::None => {}
            Refinement::Shooting { window, tied } => line("shooting ", &format!("{window} {tied}")),
            Refinement::DidNotStart => line("did-not-start", ""),
        }
        if let Some(Trapping { centre, eigenvalues, radius }) = &self.trapping {
            line("centre", &numbers(centre));
            line("eigenvalues", &numbers(eigenvalues));
            line("radius", &numbers(&[*radius]));
        }
        self.path.iter().for_each(|run| line("path", &numbers(run)));
        if self.cut {
            line("cut", "");
        }
        text
    }

    /// Reads what [`to_text`](Model::to_text) writes.
    ///
    /// # Errors
    ///
    /// [`SindyError::BadModel`] with the line that cannot be read.
    pub fn parse(text: &str) -> Result<Model, SindyError> {
        let mut parts = Parts::default();
        let mut lines = text.lines().enumerate();
        if lines.next().is_none_or(|(_, first)| first != HEADING) {
            return Err(SindyError::BadModel { line: 1 });
        }
        for (at, line) in lines {
            parts.read(line).ok_or(SindyError::BadModel { line: at + 1 })?;
        }
        parts.model().ok_or(SindyError::BadModel { line: text.lines().count() })
    }
}

/// A text taken apart.
#[derive(Default)]
struct Parts {
    variables: Vec<String>,
    inputs: Vec<String>,
    constants: Vec<(String, f64)>,
    fitted: Vec<Constant>,
    features: Vec<String>,
    known: Vec<Known>,
    coefficients: Vec<f64>,
    stderr: Vec<f64>,
    inclusion: Vec<f64>,
    rivals: Vec<Rival>,
    noise: Vec<f64>,
    derivative_r2: Option<f64>,
    trajectory_r2: Option<f64>,
    step: Option<f64>,
    refinement: Option<Refinement>,
    centre: Vec<f64>,
    eigenvalues: Vec<f64>,
    radius: Option<f64>,
    path: Vec<Vec<f64>>,
    cut: bool,
}

impl Parts {
    fn read(&mut self, line: &str) -> Option<()> {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        let numbers = || rest.split_ascii_whitespace().map(|word| word.parse().ok()).collect::<Option<Vec<f64>>>();
        let number = || rest.trim().parse::<f64>().ok();
        match kind {
            "variable" => self.variables.push(rest.into()),
            "input" => self.inputs.push(rest.into()),
            "constant" => {
                let (name, value) = rest.split_once(' ')?;
                self.constants.push((name.into(), value.parse().ok()?));
            }
            "fitted" => {
                let mut words = rest.split(' ');
                let name = words.next()?.into();
                let (value, stderr) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
                self.fitted.push(Constant { name, value, stderr });
            }
            "feature" => self.features.push(rest.into()),
            "known" => self.known.push(Known::parse(rest).ok()?),
            "coefficients" => self.coefficients = numbers()?,
            "stderr" => self.stderr = numbers()?,
            "inclusion" => self.inclusion = numbers()?,
            "rival" => {
                let numbers = numbers()?;
                let (change, theta) = numbers.split_first()?;
                self.rivals.push(Rival { theta: theta.to_vec(), change: *change });
            }
            "noise" => self.noise = numbers()?,
            "derivative_r2" => self.derivative_r2 = Some(number()?),
            "trajectory_r2" => self.trajectory_r2 = Some(number()?),
            "step" => self.step = Some(number()?),
            "shooting" => {
                let (window, tied) = rest.split_once(' ')?;
                let (window, tied) = (window.parse().ok()?, tied.parse().ok()?);
                self.refinement = Some(Refinement::Shooting { window, tied });
            }
            "did-not-start" => self.refinement = Some(Refinement::DidNotStart),
            "centre" => self.centre = numbers()?,
            "eigenvalues" => self.eigenvalues = numbers()?,
            "radius" => self.radius = Some(number()?),
            "path" => self.path.push(numbers()?),
            "cut" => self.cut = true,
            _ => return None,
        }
        Some(())
    }

    /// The model, where its parts fit each other.
    fn model(self) -> Option<Model> {
        let (d, selectable) = (self.variables.len(), self.features.len());
        let library = Library::of_keys(&self.features, &self.variables, &self.inputs, &self.constants).ok()?;
        let (library, known) = library.with_known(&self.known).ok()?;
        let (sums, count) = (d * selectable, self.coefficients.len());
        let fits = sums > 0
            && (count == sums || count == 2 * sums)
            && self.stderr.len() == count
            && [0, sums, count].contains(&self.inclusion.len())
            && self.rivals.iter().all(|rival| rival.theta.len() == count)
            && self.noise.len() == d
            && self.path.iter().all(|run| run.len().is_multiple_of(d));
        let trapping = self.radius.map(|radius| {
            let (centre, eigenvalues) = (self.centre, self.eigenvalues);
            Trapping { centre, eigenvalues, radius }
        });
        let whole = |ball: &Trapping| ball.centre.len() == d && ball.eigenvalues.len() == d;
        (fits && trapping.as_ref().is_none_or(whole)).then_some(Model {
            library,
            selectable,
            coefficients: self.coefficients,
            stderr: self.stderr,
            inclusion: self.inclusion,
            runners_up: self.rivals,
            known,
            noise: self.noise,
            derivative_r2: self.derivative_r2?,
            trajectory_r2: self.trajectory_r2,
            refinement: self.refinement.unwrap_or(Refinement::None),
            path: self.path,
            step: self.step,
            trapping,
            constants: self.fitted,
            cut: self.cut,
        })
    }
}
