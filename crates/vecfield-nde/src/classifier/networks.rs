//! The three networks of a classifier, for vectors and for images.

use vecfield_kernels::Activation;
use vecfield_nn::{
    AnyLayer, Convolution, Dropout, Elementwise, Initialiser, Layer, Linear, Mlp, Network, NnError, Norm, Pool, Random,
    Sequential, Window,
};

use crate::error::{NdeError, SettingError};
use crate::model::Number;
use crate::settings::Settings;

/// Before the equation, its right-hand side, and behind it.
#[derive(Debug, Clone)]
pub(super) struct Networks<R> {
    pub(super) stem: Network<AnyLayer, R>,
    pub(super) field: Network<AnyLayer, R>,
    pub(super) head: Network<AnyLayer, R>,
}

/// Widths of the stem of vectors, channels of that of images, unless said.
const VECTOR_STEM: &[usize] = &[64, 64];
const IMAGE_STEM: &[usize] = &[16, 32];

impl<R: Number> Networks<R> {
    /// For inputs of so many numbers, or images of channels, rows and columns.
    pub(super) fn new(
        settings: &Settings,
        (inputs, image): (usize, Option<[usize; 3]>),
        classes: usize,
        random: &mut Random,
    ) -> Result<Networks<R>, NdeError> {
        let layers = match image {
            Some(image) => images(settings, image, classes)?,
            None => vectors(settings, inputs, classes)?,
        };
        let [stem, field, head] = layers;
        let initialiser = settings.field.initialiser.unwrap_or(Initialiser::He);
        Ok(Networks {
            stem: Network::initialised(stem, initialiser, random)?,
            field: Network::initialised(field, settings.initialiser(), random)?,
            head: Network::initialised(head, Initialiser::Glorot, random)?,
        })
    }

    /// The networks in the order of their parameters.
    pub(super) fn each(&self) -> [(&'static str, &Network<AnyLayer, R>); 3] {
        [("stem", &self.stem), ("field", &self.field), ("head", &self.head)]
    }

    /// Where the parameters of each begin behind those of the one before, and the end.
    pub(super) fn parts(&self) -> [usize; 4] {
        let mut ends = [0; 4];
        for (i, (_, network)) in self.each().into_iter().enumerate() {
            ends[i + 1] = ends[i] + network.theta().len();
        }
        ends
    }

    pub(super) fn set(&mut self, theta: &[R]) {
        let [_, field, head, end] = self.parts();
        self.stem.update(|own| own.copy_from_slice(&theta[..field]));
        self.field.update(|own| own.copy_from_slice(&theta[field..head]));
        self.head.update(|own| own.copy_from_slice(&theta[head..end]));
    }
}

fn vectors(settings: &Settings, inputs: usize, classes: usize) -> Result<[AnyLayer; 3], NdeError> {
    let (model, defaults) = (&settings.model, settings.model.kind.defaults());
    let activation = settings.field.activation.unwrap_or(defaults.activation);
    let stem = model.stem.as_deref().unwrap_or(VECTOR_STEM);
    let dropout = model.dropout.unwrap_or(0.0);
    let (&width, hidden) = match stem.split_last() {
        Some((width, hidden)) => (width, hidden),
        None => (&inputs, &[][..]),
    };
    let mut before: Vec<AnyLayer> = vec![];
    if !stem.is_empty() {
        before.push(Mlp::ending(inputs, hidden, width, activation, activation).into());
    }
    if dropout > 0.0 || before.is_empty() {
        before.push(Dropout::new(width, dropout).into());
    }
    let width = width + model.augment();
    let field = Mlp::new(width, settings.hidden(), width, activation);
    let mut behind: Vec<AnyLayer> = vec![];
    if dropout > 0.0 {
        behind.push(Dropout::new(width, dropout).into());
    }
    behind.push(Linear::new(width, classes).into());
    Ok([Sequential::new(before)?.into(), field.into(), Sequential::new(behind)?.into()])
}

/// Convolutions that halve the image, each with a normalisation; a right-hand side of two of them that do not; the mean of
/// each channel.
fn images(
    settings: &Settings,
    [channels, height, width]: [usize; 3],
    classes: usize,
) -> Result<[AnyLayer; 3], NdeError> {
    let (model, defaults) = (&settings.model, settings.model.kind.defaults());
    let activation = settings.field.activation.unwrap_or(defaults.activation);
    let (mut before, mut size, mut from): (Vec<AnyLayer>, _, _) = (vec![], [height, width], channels);
    for &to in model.stem.as_deref().unwrap_or(IMAGE_STEM) {
        let window = three_by_three(from, size).stride([2, 2]);
        size = window.places();
        before.push(Convolution::new(window, to).into());
        before.push(norm(to, size[0] * size[1]));
        before.push(Elementwise::new(to * size[0] * size[1], activation).into());
        from = to;
    }
    if before.is_empty() {
        let reason = "images need a stem: name the channels of its convolutions, as in `stem = [16, 32]`".into();
        return Err(SettingError::Rejected { key: "model.stem", reason }.into());
    }
    let (channels, positions) = (from + model.augment.unwrap_or(0), size[0] * size[1]);
    let inner = settings.field.layers.as_ref().and_then(|layers| layers.first().copied()).unwrap_or(channels);
    let convolution = |from, to| -> AnyLayer { Convolution::new(three_by_three(from, size), to).into() };
    let field = vec![
        norm(channels, positions),
        Elementwise::new(channels * positions, activation).into(),
        convolution(channels, inner),
        norm(inner, positions),
        Elementwise::new(inner * positions, activation).into(),
        convolution(inner, channels),
    ];
    let mut behind = vec![
        norm(channels, positions),
        Elementwise::new(channels * positions, Activation::Relu).into(),
        Pool::global(channels, size).into(),
    ];
    if let Some(rate) = model.dropout.filter(|&rate| rate > 0.0) {
        behind.push(Dropout::new(channels, rate).into());
    }
    behind.push(Linear::new(channels, classes).into());
    let sequential = |layers| Sequential::new(layers).map(AnyLayer::from);
    Ok([sequential(before)?, sequential(field)?, sequential(behind)?])
}

fn three_by_three(channels: usize, size: [usize; 2]) -> Window {
    Window::new(channels, size, [3, 3]).padding([1, 1])
}

/// Of groups of eight channels, or as many as go into them.
fn norm(channels: usize, positions: usize) -> AnyLayer {
    let groups = (1..=channels / 8).rev().find(|groups| channels.is_multiple_of(*groups)).unwrap_or(1);
    Norm::group(channels, positions, groups).into()
}

/// What a layer is called in messages of sizes that do not fit.
pub(super) fn widths<R: Number>(networks: &Networks<R>) -> Result<(), NnError> {
    let (stem, field) = (networks.stem.layer().outputs(), networks.field.layer().inputs());
    if stem > field {
        return Err(NnError::Mismatch { layer: 1, outputs: stem, inputs: field });
    }
    Ok(())
}
