//! Layers behind each other: `y = f_n(.. f_2(f_1(x)))`.
//!
//! On the tape stand, for each layer but the last, its own tape and its result; the tape of the last; then room for two
//! cotangents on their way back.

use vecfield_kernels::LayerMath;

use crate::error::NnError;
use crate::layer::{Among, Deferred, Jets, Layer, Order, Pass};

/// The methods of [`Layer`] for a type that is such a chain, from its field of layers.
macro_rules! delegate {
    ($layers:ident) => {
        fn check(&self) -> Result<(), NnError> {
            chain::check(&self.$layers)
        }

        fn parameter_count(&self) -> usize {
            chain::parameter_count(&self.$layers)
        }

        fn sees_time(&self) -> bool {
            self.$layers.iter().any(Layer::sees_time)
        }

        fn packed_len(&self) -> usize {
            chain::packed_len(&self.$layers)
        }

        fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
            chain::pack(&self.$layers, theta, packed);
        }

        fn tape_len(&self, rows: usize) -> usize {
            chain::tape_len(&self.$layers, rows)
        }

        fn kept_len(&self, rows: usize) -> usize {
            chain::kept_len(&self.$layers, rows)
        }

        fn keep<R: LayerMath>(&self, rows: usize, tape: &[R], kept: &mut [R]) {
            chain::keep(&self.$layers, rows, tape, kept);
        }

        fn recall<R: LayerMath>(&self, rows: usize, y: &[R], kept: &[R], tape: &mut [R]) {
            chain::recall(&self.$layers, rows, y, kept, tape);
        }

        fn scratch_len(&self, rows: usize) -> usize {
            chain::scratch_len(&self.$layers, rows)
        }

        fn forward<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], scratch: &mut [R]) {
            chain::forward(&self.$layers, pass, x, y, scratch);
        }

        fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
            chain::record(&self.$layers, pass, x, y, tape);
        }

        fn pull_back<R: LayerMath>(
            &self,
            pass: Pass<'_, R>,
            x: &[R],
            tape: &mut [R],
            y_bar: &mut [R],
            x_bar: &mut [R],
            theta_bar: &mut [R],
        ) -> R {
            chain::pull_back(&self.$layers, pass, x, tape, y_bar, x_bar, theta_bar)
        }

        fn deferred_len(&self) -> Option<usize> {
            chain::deferred_len(&self.$layers)
        }

        fn pull_deferring<R: LayerMath>(
            &self,
            pass: Pass<'_, R>,
            among: Among,
            x: &[R],
            tape: &mut [R],
            y_bar: &mut [R],
            x_bar: &mut [R],
            deferred: Deferred<'_, R>,
        ) -> R {
            chain::pull_deferring(&self.$layers, (pass, among), x, tape, (y_bar, x_bar), deferred)
        }

        fn settle<R: LayerMath>(&self, deferred: Deferred<'_, R>, theta_bar: &mut [R]) {
            chain::settle(&self.$layers, deferred, theta_bar);
        }

        fn jet_tape_len(&self, rows: usize, order: Order) -> Option<usize> {
            chain::jet_tape_len(&self.$layers, rows, order)
        }

        fn record_jet<R: LayerMath>(&self, pass: Pass<'_, R>, jets: Jets<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
            chain::record_jet(&self.$layers, pass, jets, x, y, tape);
        }

        fn pull_jet<R: LayerMath>(
            &self,
            pass: Pass<'_, R>,
            jets: Jets<'_, R>,
            x: &[R],
            tape: &mut [R],
            y_bar: &mut [R],
            x_bar: &mut [R],
            theta_bar: &mut [R],
        ) -> R {
            chain::pull_jet(&self.$layers, pass, jets, x, tape, y_bar, x_bar, theta_bar)
        }
    };
}
pub(crate) use delegate;

/// The widest result between two layers.
fn widest(layers: &[impl Layer]) -> usize {
    layers.iter().rev().skip(1).map(Layer::outputs).max().unwrap_or(0)
}

/// Results of all but the last, in a pass over so many rows.
fn between(layers: &[impl Layer], rows: usize) -> usize {
    layers.iter().rev().skip(1).map(|layer| rows * layer.outputs()).sum()
}

pub(crate) fn check(layers: &[impl Layer]) -> Result<(), NnError> {
    if layers.is_empty() {
        return Err(NnError::Empty);
    }
    layers.iter().try_for_each(Layer::check)?;
    for (i, pair) in layers.windows(2).enumerate() {
        let (outputs, inputs) = (pair[0].outputs(), pair[1].inputs());
        if outputs != inputs {
            return Err(NnError::Mismatch { layer: i + 1, outputs, inputs });
        }
    }
    Ok(())
}

pub(crate) fn parameter_count(layers: &[impl Layer]) -> usize {
    layers.iter().map(Layer::parameter_count).sum()
}

pub(crate) fn packed_len(layers: &[impl Layer]) -> usize {
    layers.iter().map(Layer::packed_len).sum()
}

pub(crate) fn pack<R: LayerMath>(layers: &[impl Layer], mut theta: &[R], mut packed: &mut [R]) {
    for layer in layers {
        let (own, rest) = theta.split_at(layer.parameter_count());
        let (to, packed_rest) = packed.split_at_mut(layer.packed_len());
        layer.pack(own, to);
        (theta, packed) = (rest, packed_rest);
    }
}

/// The passes of layers whose parameters stand behind each other.
pub(crate) fn passes<'a, R, L: Layer, const N: usize>(layers: &[L; N], pass: Pass<'a, R>) -> [Pass<'a, R>; N]
where
    R: LayerMath,
{
    let mut at = (0, 0);
    layers.each_ref().map(|layer| {
        let own = pass.part(at, layer);
        at = (at.0 + layer.parameter_count(), at.1 + layer.packed_len());
        own
    })
}

pub(crate) fn tape_len(layers: &[impl Layer], rows: usize) -> usize {
    let tapes: usize = layers.iter().map(|layer| layer.tape_len(rows)).sum();
    tapes + between(layers, rows) + 2 * rows * widest(layers)
}

/// What each layer keeps, and the results between them.
pub(crate) fn kept_len(layers: &[impl Layer], rows: usize) -> usize {
    let kept: usize = layers.iter().map(|layer| layer.kept_len(rows)).sum();
    kept + between(layers, rows)
}

pub(crate) fn keep<R: LayerMath>(layers: &[impl Layer], rows: usize, mut tape: &[R], mut kept: &mut [R]) {
    for (i, layer) in layers.iter().enumerate() {
        let (own, rest) = tape.split_at(layer.tape_len(rows));
        let (to, behind) = kept.split_at_mut(layer.kept_len(rows));
        layer.keep(rows, own, to);
        let result = if i + 1 < layers.len() { rows * layer.outputs() } else { 0 };
        behind[..result].copy_from_slice(&rest[..result]);
        (tape, kept) = (&rest[result..], &mut behind[result..]);
    }
}

pub(crate) fn recall<R: LayerMath>(layers: &[impl Layer], rows: usize, y: &[R], mut kept: &[R], mut tape: &mut [R]) {
    for (i, layer) in layers.iter().enumerate() {
        let (from, rest) = kept.split_at(layer.kept_len(rows));
        let (own, behind) = tape.split_at_mut(layer.tape_len(rows));
        let result = if i + 1 < layers.len() { rows * layer.outputs() } else { 0 };
        behind[..result].copy_from_slice(&rest[..result]);
        layer.recall(rows, if result == 0 { y } else { &rest[..result] }, from, own);
        (kept, tape) = (&rest[result..], &mut behind[result..]);
    }
}

pub(crate) fn scratch_len(layers: &[impl Layer], rows: usize) -> usize {
    let scratch = layers.iter().map(|layer| layer.scratch_len(rows)).max().unwrap_or(0);
    scratch + 2 * rows * widest(layers)
}

pub(crate) fn forward<R: LayerMath>(layers: &[impl Layer], pass: Pass<'_, R>, x: &[R], y: &mut [R], scratch: &mut [R]) {
    let Some((last, before)) = layers.split_last() else { return y.copy_from_slice(x) };
    let room = pass.rows * widest(layers);
    let (mut from, rest) = scratch.split_at_mut(room);
    let (mut to, scratch) = rest.split_at_mut(room);
    let mut at = (0, 0);
    let mut width = 0;
    for (i, layer) in before.iter().enumerate() {
        let out = pass.rows * layer.outputs();
        let input = if i == 0 { x } else { &from[..width] };
        layer.forward(pass.part(at, layer), input, &mut to[..out], &mut scratch[..layer.scratch_len(pass.rows)]);
        (from, to) = (to, from);
        width = out;
        at = (at.0 + layer.parameter_count(), at.1 + layer.packed_len());
    }
    let input = if before.is_empty() { x } else { &from[..width] };
    last.forward(pass.part(at, last), input, y, &mut scratch[..last.scratch_len(pass.rows)]);
}

pub(crate) fn record<R: LayerMath>(layers: &[impl Layer], pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
    let lens = |layer: &_| (Layer::tape_len(layer, pass.rows), pass.rows * Layer::outputs(layer));
    run_forward(layers, pass, x, y, tape, lens, |layer, pass, x, y, tape| layer.record(pass, x, y, tape));
}

pub(crate) fn pull_back<R: LayerMath, L: Layer>(
    layers: &[L],
    pass: Pass<'_, R>,
    x: &[R],
    tape: &mut [R],
    y_bar: &mut [R],
    x_bar: &mut [R],
    theta_bar: &mut [R],
) -> R {
    let lens = |layer: &L| both(layer.tape_len(pass.rows), pass.rows * layer.outputs());
    let bars = Bars { y: y_bar, x: x_bar, own: theta_bar };
    run_back(layers, pass, x, tape, bars, (lens, L::parameter_count), |layer, pass, x, tape, bars| {
        layer.pull_back(pass, x, tape, bars.y, bars.x, bars.own)
    })
}

pub(crate) fn deferred_len(layers: &[impl Layer]) -> Option<usize> {
    layers.iter().map(Layer::deferred_len).sum()
}

/// The numbers a row of a layer that is known to defer.
fn left_behind(layer: &impl Layer) -> usize {
    layer.deferred_len().expect("the chain defers, so each of its layers does")
}

pub(crate) fn pull_deferring<R: LayerMath, L: Layer>(
    layers: &[L],
    (pass, among): (Pass<'_, R>, Among),
    x: &[R],
    tape: &mut [R],
    (y, x_bar): (&mut [R], &mut [R]),
    Deferred { numbers, capacity, at }: Deferred<'_, R>,
) -> R {
    let lens = |layer: &L| {
        let width = layer.outputs();
        (layer.tape_len(among.recorded), among.recorded * width, pass.rows * width)
    };
    let bars = Bars { y, x: x_bar, own: numbers };
    let own = |layer: &L| capacity * left_behind(layer);
    run_back(layers, pass, x, tape, bars, (lens, own), |layer, pass, x, tape, bars| {
        layer.pull_deferring(pass, among, x, tape, bars.y, bars.x, Deferred { numbers: bars.own, capacity, at })
    })
}

pub(crate) fn settle<R: LayerMath>(layers: &[impl Layer], mut deferred: Deferred<'_, R>, mut theta_bar: &mut [R]) {
    for layer in layers {
        let (own, rest) = deferred.split(left_behind(layer));
        let (theta, behind) = theta_bar.split_at_mut(layer.parameter_count());
        layer.settle(own, theta);
        (deferred, theta_bar) = (rest, behind);
    }
}

pub(crate) fn jet_tape_len(layers: &[impl Layer], rows: usize, order: Order) -> Option<usize> {
    let mut tapes = 0;
    for layer in layers {
        tapes += layer.jet_tape_len(rows, order)?;
    }
    let rows = rows * order.blocks();
    Some(tapes + between(layers, rows) + 2 * rows * widest(layers))
}

/// The tape and the result of a layer that is known to carry jets.
fn jet_lens<R>(layer: &impl Layer, rows: usize, jets: Jets<'_, R>) -> (usize, usize) {
    let tape = layer.jet_tape_len(rows, jets.order()).expect("the chain carries jets, so each of its layers does");
    (tape, rows * jets.order().blocks() * layer.outputs())
}

pub(crate) fn record_jet<R: LayerMath>(
    layers: &[impl Layer],
    pass: Pass<'_, R>,
    jets: Jets<'_, R>,
    x: &[R],
    y: &mut [R],
    tape: &mut [R],
) {
    let lens = |layer: &_| jet_lens(layer, pass.rows, jets);
    run_forward(layers, pass, x, y, tape, lens, |layer, pass, x, y, tape| layer.record_jet(pass, jets, x, y, tape));
}

#[allow(clippy::too_many_arguments)]
pub(crate) fn pull_jet<R: LayerMath, L: Layer>(
    layers: &[L],
    pass: Pass<'_, R>,
    jets: Jets<'_, R>,
    x: &[R],
    tape: &mut [R],
    y_bar: &mut [R],
    x_bar: &mut [R],
    theta_bar: &mut [R],
) -> R {
    let lens = |layer: &L| {
        let (tape, result) = jet_lens(layer, pass.rows, jets);
        both(tape, result)
    };
    let bars = Bars { y: y_bar, x: x_bar, own: theta_bar };
    run_back(layers, pass, x, tape, bars, (lens, L::parameter_count), |layer, pass, x, tape, bars| {
        layer.pull_jet(pass, jets, x, tape, bars.y, bars.x, bars.own)
    })
}

/// Cotangents on their way through one layer, and what it writes besides: those of its parameters, or what it defers.
struct Bars<'a, R> {
    y: &'a mut [R],
    x: &'a mut [R],
    own: &'a mut [R],
}

fn run_forward<R: LayerMath, L: Layer>(
    layers: &[L],
    pass: Pass<'_, R>,
    x: &[R],
    y: &mut [R],
    tape: &mut [R],
    lens: impl Fn(&L) -> (usize, usize),
    each: impl Fn(&L, Pass<'_, R>, &[R], &mut [R], &mut [R]),
) {
    let Some((last, before)) = layers.split_last() else { return y.copy_from_slice(x) };
    let (mut input, mut rest, mut at) = (x, tape, (0, 0));
    for layer in before {
        let (tape, out) = lens(layer);
        let (own, behind) = rest.split_at_mut(tape);
        let (result, behind) = behind.split_at_mut(out);
        each(layer, pass.part(at, layer), input, result, own);
        (input, rest) = (result, behind);
        at = (at.0 + layer.parameter_count(), at.1 + layer.packed_len());
    }
    let own = &mut rest[..lens(last).0];
    each(last, pass.part(at, last), input, y, own);
}

/// The tape of a layer, its result on the tape, and the cotangent of that, of all the rows.
fn both(tape: usize, result: usize) -> (usize, usize, usize) {
    (tape, result, result)
}

/// `lens` says of a layer how long its tape is, its result on the tape behind it, and the cotangent of the result.
fn run_back<R: LayerMath, L: Layer>(
    layers: &[L],
    pass: Pass<'_, R>,
    x: &[R],
    tape: &mut [R],
    bars: Bars<'_, R>,
    (lens, own_len): (impl Fn(&L) -> (usize, usize, usize), impl Fn(&L) -> usize),
    each: impl Fn(&L, Pass<'_, R>, &[R], &mut [R], Bars<'_, R>) -> R,
) -> R {
    let Some((first, behind)) = layers.split_first() else {
        bars.x.copy_from_slice(bars.y);
        return R::zero();
    };
    let room = layers.iter().rev().skip(1).map(|layer| lens(layer).1).max().unwrap_or(0);
    let (mut rest, spare) = tape.split_at_mut(tape.len() - 2 * room);
    let (mut from, mut to) = spare.split_at_mut(room);
    let (mut own, mut own_before) = (bars.own, layers.iter().map(&own_len).sum::<usize>());
    let mut at = (parameter_count(layers), packed_len(layers));
    let mut t_bar = R::zero();
    let mut bar_len = bars.y.len();
    for (i, layer) in behind.iter().enumerate().rev() {
        at = (at.0 - layer.parameter_count(), at.1 - layer.packed_len());
        own_before -= own_len(layer);
        let (before, tape) = rest.split_at_mut(rest.len() - lens(layer).0);
        let (_, result, width) = lens(&layers[i]);
        let (before, input) = before.split_at_mut(before.len() - result);
        let (others, this) = own.split_at_mut(own_before);
        let y = if i + 1 == behind.len() { &mut *bars.y } else { &mut from[..bar_len] };
        t_bar += each(layer, pass.part(at, layer), input, tape, Bars { y, x: &mut to[..width], own: this });
        (from, to) = (to, from);
        (rest, own, bar_len) = (before, others, width);
    }
    let y = if behind.is_empty() { bars.y } else { &mut from[..bar_len] };
    t_bar + each(first, pass.part((0, 0), first), x, rest, Bars { y, x: bars.x, own })
}
