//! Trainings that are interrupted.

use vecfield_io::{OutputDir, Overwrite};
use vecfield_kernels::Activation;
use vecfield_nn::{AnyLayer, Checkpoint, CheckpointError, Initialiser, Layer, Mlp, Network, Random, loss};
use vecfield_optim::{Descent, Rule};

use crate::instances::{all, network};

/// A training as it stands: everything that the next step depends on.
struct Training {
    network: Network<AnyLayer, f32>,
    descent: Descent<f32>,
    random: Random,
}

impl Training {
    fn new(rule: Rule) -> Training {
        let mut random = Random::new(5);
        let layer: AnyLayer = Mlp::new(2, &[16], 1, Activation::Silu).into();
        let descent = Descent::new(rule, layer.parameter_count());
        Training { network: Network::initialised(layer, Initialiser::LeCun, &mut random).unwrap(), descent, random }
    }

    /// One step on a batch of eight points of `x₀ x₁`.
    fn step(&mut self) -> f32 {
        let x: Vec<f32> = (0..16).map(|_| self.random.normal() as f32).collect();
        let target: Vec<f32> = x.chunks(2).map(|x| x[0] * x[1]).collect();
        let (mut y, mut bar, mut x_bar) = ([0.0; 8], [0.0; 8], [0.0; 16]);
        let mut memory = self.network.memory(8);
        self.network.record(8, 0.0, &x, &mut y, &mut memory);
        let cost = loss::mean_squared(&y, &target, &mut bar);
        let mut gradient = vec![0.0; self.network.theta().len()];
        self.network.pull_back(8, 0.0, &x, &bar, &mut x_bar, &mut gradient, &mut memory);
        self.network.update(|theta| self.descent.step(theta, &gradient, 1e-2));
        cost
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut checkpoint = Checkpoint::new();
        checkpoint.put_network("model", &self.network).unwrap();
        checkpoint.note("rule", &self.descent.rule()).unwrap();
        checkpoint.note("steps", &self.descent.steps()).unwrap();
        checkpoint.note("random", &self.random).unwrap();
        for (name, numbers) in self.descent.memory() {
            checkpoint.put(name, &[numbers.len()], numbers);
        }
        checkpoint.to_bytes().unwrap()
    }

    fn from_bytes(bytes: &[u8]) -> Training {
        let checkpoint = Checkpoint::from_bytes(bytes).unwrap();
        let network: Network<AnyLayer, f32> = checkpoint.network("model").unwrap();
        let mut descent = Descent::new(checkpoint.noted("rule").unwrap(), network.theta().len());
        let memory = ["first", "second"].map(|name| checkpoint.get::<f32>(name).unwrap());
        descent.resume(checkpoint.noted("steps").unwrap(), [&memory[0], &memory[1]]).unwrap();
        Training { network, descent, random: checkpoint.noted("random").unwrap() }
    }
}

/// A training that is written to disk, read and resumed ends with the bits of one that never stopped, for every rule.
#[test]
fn resuming_is_exact_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    for rule in Rule::ALL {
        let mut whole = Training::new(rule);
        let costs: Vec<f32> = (0..60).map(|_| whole.step()).collect();
        let mut before = Training::new(rule);
        (0..23).for_each(|_| _ = before.step());
        let out = OutputDir::create(folder.path(), &[], Overwrite::Allowed).unwrap();
        let path = out.write("model.safetensors", |file| file.write_all(&before.to_bytes())).unwrap();
        drop(before);
        let mut after = Training::from_bytes(&std::fs::read(path).unwrap());
        let resumed: Vec<f32> = (23..60).map(|_| after.step()).collect();
        assert_eq!(resumed, costs[23..], "{rule:?}");
        assert_eq!(after.to_bytes(), whole.to_bytes(), "{rule:?}");
    }
}

#[test]
fn every_layer_goes_through_a_file() {
    for layer in all() {
        let network = network(&layer, 9);
        let mut checkpoint = Checkpoint::new();
        checkpoint.put_network("net", &network).unwrap();
        let read = Checkpoint::from_bytes(&checkpoint.to_bytes().unwrap()).unwrap();
        assert_eq!(read, checkpoint);
        assert_eq!(read.network::<AnyLayer, f64>("net").unwrap(), network);
    }
}

#[test]
fn broken_files_say_what_is_wrong() {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("x", &[2], &[1.0_f64, f64::from_bits(0x7ff8_0000_0000_0123)]);
    let bytes = checkpoint.to_bytes().unwrap();
    let read = Checkpoint::from_bytes(&bytes).unwrap();
    assert_eq!(read.get::<f64>("x").unwrap()[1].to_bits(), 0x7ff8_0000_0000_0123, "not a number, to the bit");
    for end in 0..bytes.len() {
        assert!(matches!(Checkpoint::from_bytes(&bytes[..end]), Err(CheckpointError::Format { .. })));
    }
    assert!(matches!(read.get::<f32>("x"), Err(CheckpointError::Kind { .. })));
    let missing = read.get::<f64>("y").unwrap_err().to_string();
    assert!(missing.contains("no \"y\", only x"), "{missing}");
    assert!(matches!(read.noted::<u64>("steps"), Err(CheckpointError::Missing { .. })));
    checkpoint.note("steps", &"many").unwrap();
    assert!(matches!(checkpoint.noted::<u64>("steps"), Err(CheckpointError::Note { .. })));
    checkpoint.put("y", &[3], &[1.0_f64]);
    assert!(matches!(checkpoint.to_bytes(), Err(CheckpointError::Format { .. })));
}
