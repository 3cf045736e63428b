//! A model is data.

use vecfield_laws::comes_back;
use vecfield_nn::{AnyLayer, Initialiser, Layer, NnError, Random, Role, Sequential};

use crate::instances::all;

#[test]
fn descriptions_come_back() {
    for layer in all() {
        comes_back(&layer, |layer| serde_json::to_string(layer).unwrap(), |text| serde_json::from_str(text)).unwrap();
        comes_back(&layer, |layer| toml::to_string(layer).unwrap(), |text| toml::from_str(text)).unwrap();
    }
}

#[test]
fn a_description_reads_like_one() {
    let text = r#"
        kind = "sequential"
        [[layers]]
        kind = "elementwise"
        width = 2
        activation = "cube"
        [[layers]]
        kind = "mlp"
        inputs = 2
        hidden = [50]
        outputs = 2
        activation = "tanh"
    "#;
    let layer: AnyLayer = toml::from_str(text).unwrap();
    assert_eq!((layer.inputs(), layer.outputs(), layer.parameter_count()), (2, 2, 252));
    let names: Vec<String> = layer.tensors().into_iter().map(|tensor| tensor.name).collect();
    assert_eq!(names, ["1.0.weight", "1.0.bias", "1.1.weight", "1.1.bias"]);
    let wrong = text.replace("inputs = 2", "inputs = 3");
    assert!(toml::from_str::<AnyLayer>(&wrong).unwrap_err().to_string().contains("takes 3 numbers and gets 2"));
    let wrong = text.replace("tanh", "tahn");
    assert!(toml::from_str::<AnyLayer>(&wrong).unwrap_err().to_string().contains("unknown activation \"tahn\""));
    assert_eq!(Sequential::new(vec![]), Err(NnError::Empty));
}

/// Each initialiser's weights have the variance it is named for, and orthogonal ones are.
#[test]
fn initialisers_have_their_variances() {
    let layer = vecfield_nn::Linear::new(60, 120);
    for initialiser in Initialiser::ALL {
        let theta: Vec<f64> = initialiser.parameters(&layer, &mut Random::new(11));
        let (weights, biases) = theta.split_at(60 * 120);
        let variance = weights.iter().map(|w| w * w).sum::<f64>() / weights.len() as f64;
        let expected = match initialiser {
            Initialiser::Glorot | Initialiser::GlorotNormal => 2.0 / 180.0,
            Initialiser::He => 2.0 / 60.0,
            Initialiser::LeCun => 1.0 / 60.0,
            Initialiser::Orthogonal => 1.0 / 120.0,
            Initialiser::Uniform => 1.0 / 180.0,
            other => panic!("state the variance of {other:?}"),
        };
        // 7200 samples: the variance is known to 1.7 %; four deviations.
        assert!((variance / expected - 1.0).abs() < 0.07, "{initialiser:?}: {variance} {expected}");
        assert_eq!(biases.iter().all(|&b| b == 0.0), initialiser != Initialiser::Uniform);
        if initialiser == Initialiser::Orthogonal {
            for (i, j) in (0..60).flat_map(|i| (0..=i).map(move |j| (i, j))) {
                let along: f64 = (0..120).map(|o| weights[o * 60 + i] * weights[o * 60 + j]).sum();
                assert!((along - if i == j { 1.0 } else { 0.0 }).abs() < 1e-13);
            }
        }
        assert_eq!(theta, initialiser.parameters::<f64>(&layer, &mut Random::new(11)));
    }
    assert!(matches!(layer.tensors()[0].role, Role::Weight { fan_in: 60, fan_out: 120 }));
}
