//! What is read from the end of a series: a class, or a number.

use serde::{Deserialize, Serialize};
use vecfield_data::Trajectories;

use crate::classes::{cross_entropy, judged, softmax, told};
use crate::data::{Data, DataKind, Metric};
use crate::error::NdeError;
use crate::kind::Kind;
use crate::model::Number;

/// What the outputs of the head mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reading {
    /// Logits of these classes.
    Classes(Vec<i64>),
    /// A number in units of its mean and deviation.
    Value {
        /// Over the series that were learned from.
        mean: f64,
        /// The same.
        scale: f64,
    },
}

impl Reading {
    /// That of these data, with the target of each series: the place of its class, or its number in units of the reading.
    pub(super) fn of(kind: Kind, data: &Data) -> Result<(Reading, &Trajectories, Vec<f64>), NdeError> {
        match data {
            Data::Series(series, labels) => {
                let mut classes = labels.clone();
                classes.sort_unstable();
                classes.dedup();
                if classes.len() < 2 {
                    let (what, remedy) =
                        ("all series have the same label".into(), "give series of two classes or more");
                    return Err(NdeError::NothingToLearn { what, remedy });
                }
                let places = labels.iter().map(|label| classes.partition_point(|class| class < label) as f64).collect();
                Ok((Reading::Classes(classes), series, places))
            }
            Data::Valued(series, values) => {
                let count = values.len() as f64;
                let mean = values.iter().sum::<f64>() / count;
                let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
                if !(variance > 0.0 && variance.is_finite()) {
                    let (what, remedy) = ("all series have the same number".into(), "give series of different ones");
                    return Err(NdeError::NothingToLearn { what, remedy });
                }
                let scale = variance.sqrt();
                let targets = values.iter().map(|value| (value - mean) / scale).collect();
                Ok((Reading::Value { mean, scale }, series, targets))
            }
            _ => Err(NdeError::Data { kind, takes: DataKind::LabelledTrajectories, found: data.kind() }),
        }
    }

    /// Numbers that the head gives.
    pub(super) fn outputs(&self) -> usize {
        match self {
            Reading::Classes(classes) => classes.len(),
            Reading::Value { .. } => 1,
        }
    }

    /// What outputs cost by their target, as it descends and in the data's units; their slopes are put in their place.
    pub(super) fn cost<R: Number>(&self, outputs: &mut [R], target: f64, smoothing: f64) -> [f64; 2] {
        match (self, outputs) {
            (Reading::Value { scale, .. }, [output]) => {
                let miss = output.to_f64() - target;
                *output = R::from_f64(2.0 * miss);
                [miss * miss, scale * scale * miss * miss]
            }
            (_, logits) => [cross_entropy(logits, target as usize, smoothing); 2],
        }
    }

    /// What the outputs of a series say: the probabilities of all classes, or the number.
    pub(super) fn say<R: Number>(&self, outputs: &[R]) -> Vec<f64> {
        match self {
            Reading::Classes(_) => softmax(outputs),
            Reading::Value { mean, scale } => outputs.iter().map(|output| mean + scale * output.to_f64()).collect(),
        }
    }

    /// How good what was said of all series is; nothing where they have no labels.
    pub(super) fn judge(&self, kind: Kind, said: &[f64], data: &Data) -> Result<Vec<Metric>, NdeError> {
        let values = match (self, data) {
            (Reading::Classes(classes), Data::Series(_, labels)) => return Ok(judged(said, classes, labels).into()),
            (_, Data::Trajectories(_)) => return Ok(vec![]),
            (Reading::Value { .. }, Data::Valued(_, values)) => values.clone(),
            (Reading::Value { .. }, Data::Series(_, labels)) => labels.iter().map(|&label| label as f64).collect(),
            _ => {
                return Err(NdeError::Request {
                    kind,
                    what: "that tells classes apart has whole numbers for labels; give it those",
                });
            }
        };
        let squares: f64 = said.iter().zip(&values).map(|(said, value)| (said - value) * (said - value)).sum();
        Ok(vec![("rmse".into(), (squares / values.len() as f64).sqrt())])
    }

    /// The columns of an answer and its values.
    pub(super) fn table(&self, said: Vec<f64>) -> (Vec<String>, Vec<f64>) {
        match self {
            Reading::Classes(classes) => told(&said, classes),
            Reading::Value { .. } => (vec!["label".into()], said),
        }
    }
}
