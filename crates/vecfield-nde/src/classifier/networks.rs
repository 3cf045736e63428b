//! The three networks of a classifier, for vectors and for images.

use vecfield_kernels::Activation;
use vecfield_nn::{
    AnyLayer, Convolution, Elementwise, Initialiser, Linear, Mlp, Network, Norm, Pool, Random, Residual, Sequential,
    Window,
};

use crate::error::{NdeError, SettingError};
use crate::model::Number;
use crate::settings::Settings;
use crate::stack::Stack;

/// Before the equation, its right-hand side, and behind it.
pub(super) type Networks<R> = Stack<R, 3>;

pub(super) const NAMES: [&str; 3] = ["stem", "field", "head"];

/// Widths of the stem of vectors, channels of that of images, unless said.
const VECTOR_STEM: &[usize] = &[64, 64];
const IMAGE_STEM: &[usize] = &[16, 32];

/// For inputs of so many numbers, or images of channels, rows and columns.
pub(super) fn networks<R: Number>(
    settings: &Settings,
    (inputs, image): (usize, Option<[usize; 3]>),
    classes: usize,
    random: &mut Random,
) -> Result<Networks<R>, NdeError> {
    let [stem, field, head] = match image {
        Some(image) => images(settings, image, classes)?,
        None => vectors(settings, inputs, classes)?,
    };
    let before = settings.field.initialiser.unwrap_or(Initialiser::He);
    let stem = Network::initialised(stem, before, random)?;
    let field = match settings.model.residual {
        Some(blocks) => {
            let blocks = vec![Residual::new(field).into(); blocks];
            Network::initialised(Sequential::new(blocks)?.into(), settings.initialiser(), random)?
        }
        None => {
            let mut field = Network::initialised(field, settings.initialiser(), random)?;
            settings.begin(&mut field, 1.0);
            field
        }
    };
    let head = Network::initialised(head, Initialiser::Glorot, random)?;
    Ok(Stack::new(NAMES, [stem, field, head]))
}

fn vectors(settings: &Settings, inputs: usize, classes: usize) -> Result<[AnyLayer; 3], NdeError> {
    let (model, defaults) = (&settings.model, settings.model.kind.defaults());
    let activation = settings.field.activation.unwrap_or(defaults.activation);
    let stem = model.stem.as_deref().unwrap_or(VECTOR_STEM);
    let (&width, hidden) = match stem.split_last() {
        Some((width, hidden)) => (width, hidden),
        None => (&inputs, &[][..]),
    };
    let before: AnyLayer = match stem {
        [] => Elementwise::new(inputs, Activation::Identity).into(),
        _ => Mlp::ending(inputs, hidden, width, activation, activation).into(),
    };
    let width = width + model.augment();
    let field = Mlp::new(width, settings.hidden(), width, activation);
    Ok([before, field.into(), Linear::new(width, classes).into()])
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
    let behind = vec![
        norm(channels, positions),
        Elementwise::new(channels * positions, Activation::Relu).into(),
        Pool::global(channels, size).into(),
        Linear::new(channels, classes).into(),
    ];
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
