//! One step of recurrent cells: a row holds the input and the state before, the result the state after.

use serde::{Deserialize, Serialize};
use vecfield_kernels::{Activation, LayerMath, Slopes};

use crate::chain;
use crate::error::NnError;
use crate::layer::{Layer, Pass};
use crate::linear::Linear;
use crate::rows::copy_columns;
use crate::tensor::{Tensor, within};

/// A gated recurrent unit (Cho et al. 2014, with the reset inside, as in cuDNN): from rows `[x | h]` to `h'`,
///
/// ```text
/// r = s(W_r x + U_r h)    z = s(W_z x + U_z h)    n = tanh(W_n x + r (U_n h))    h' = n + z (h - n)
/// ```
///
/// each product with its bias. `h' - h = (1 - z)(n - h)` is the right-hand side of the GRU as an equation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gru {
    /// Numbers of the input.
    pub input: usize,
    /// Numbers of the state.
    pub hidden: usize,
}

impl Gru {
    /// A cell.
    pub fn new(input: usize, hidden: usize) -> Gru {
        Gru { input, hidden }
    }

    /// From the input, and from the state.
    fn parts(&self) -> [Linear; 2] {
        [Linear::new(self.input, 3 * self.hidden), Linear::new(self.hidden, 3 * self.hidden)]
    }
}

impl Layer for Gru {
    fn check(&self) -> Result<(), NnError> {
        check_cell(self.input, self.hidden)
    }

    fn inputs(&self) -> usize {
        self.input + self.hidden
    }

    fn outputs(&self) -> usize {
        self.hidden
    }

    fn tensors(&self) -> Vec<Tensor> {
        let [from_input, from_state] = self.parts();
        within("input", from_input.tensors()).chain(within("state", from_state.tensors())).collect()
    }

    fn parameter_count(&self) -> usize {
        chain::parameter_count(&self.parts())
    }

    fn packed_len(&self) -> usize {
        chain::packed_len(&self.parts())
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        chain::pack(&self.parts(), theta, packed);
    }

    fn tape_len(&self, rows: usize) -> usize {
        // x, h; both products and their cotangents; cotangents of x and h come last.
        rows * (2 * (self.input + self.hidden) + 9 * self.hidden)
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let (input, hidden, rows) = (self.input, self.hidden, pass.rows);
        let parts = self.parts();
        let [one, two] = chain::passes(&parts, pass);
        let [from_input, from_state] = parts;
        let (given, rest) = tape.split_at_mut(rows * input);
        let (state, rest) = rest.split_at_mut(rows * hidden);
        let (a, rest) = rest.split_at_mut(rows * 3 * hidden);
        let (b, rest) = rest.split_at_mut(rows * 3 * hidden);
        let gates = &mut rest[..rows * 3 * hidden];
        copy_columns(x, (input + hidden, 0), given, (input, 0), input);
        copy_columns(x, (input + hidden, input), state, (hidden, 0), hidden);
        from_input.record(one, given, a, &mut []);
        from_state.record(two, state, b, &mut []);
        for row in 0..rows {
            let (a, b) = (&a[row * 3 * hidden..][..3 * hidden], &b[row * 3 * hidden..][..3 * hidden]);
            let (rz, n) = gates[row * 3 * hidden..][..3 * hidden].split_at_mut(2 * hidden);
            (0..2 * hidden).for_each(|i| rz[i] = a[i] + b[i]);
            R::activate(Activation::Sigmoid, rz, Slopes::None);
            (0..hidden).for_each(|i| n[i] = a[2 * hidden + i] + rz[i] * b[2 * hidden + i]);
            R::activate(Activation::Tanh, n, Slopes::None);
            let (y, h) = (&mut y[row * hidden..][..hidden], &state[row * hidden..][..hidden]);
            (0..hidden).for_each(|i| y[i] = n[i] + rz[hidden + i] * (h[i] - n[i]));
        }
    }

    fn pull_back<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        _x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R {
        let (input, hidden, rows) = (self.input, self.hidden, pass.rows);
        let parts = self.parts();
        let [one, two] = chain::passes(&parts, pass);
        let [from_input, from_state] = parts;
        let (given, rest) = tape.split_at_mut(rows * input);
        let (state, rest) = rest.split_at_mut(rows * hidden);
        let (a, rest) = rest.split_at_mut(rows * 3 * hidden);
        let (b, rest) = rest.split_at_mut(rows * 3 * hidden);
        let (gates, rest) = rest.split_at_mut(rows * 3 * hidden);
        let (given_bar, rest) = rest.split_at_mut(rows * input);
        let state_bar = &mut rest[..rows * hidden];
        for row in 0..rows {
            let (h, bar) = (&state[row * hidden..][..hidden], &mut y_bar[row * hidden..][..hidden]);
            let gates = &gates[row * 3 * hidden..][..3 * hidden];
            let (a, b) = (&mut a[row * 3 * hidden..][..3 * hidden], &mut b[row * 3 * hidden..][..3 * hidden]);
            for i in 0..hidden {
                let (r, z, n) = (gates[i], gates[hidden + i], gates[2 * hidden + i]);
                let n_bar = bar[i] * (R::one() - z) * (R::one() - n) * (R::one() + n);
                let z_bar = bar[i] * (h[i] - n) * z * (R::one() - z);
                let r_bar = n_bar * b[2 * hidden + i] * r * (R::one() - r);
                (a[i], a[hidden + i], a[2 * hidden + i]) = (r_bar, z_bar, n_bar);
                (b[i], b[hidden + i], b[2 * hidden + i]) = (r_bar, z_bar, n_bar * r);
                bar[i] *= z;
            }
        }
        let (theta1, theta2) = theta_bar.split_at_mut(from_input.parameter_count());
        from_input.pull_back(one, given, &mut [], a, given_bar, theta1);
        from_state.pull_back(two, state, &mut [], b, state_bar, theta2);
        state_bar.iter_mut().zip(y_bar.iter()).for_each(|(state_bar, &bar)| *state_bar += bar);
        copy_columns(given_bar, (input, 0), x_bar, (input + hidden, 0), input);
        copy_columns(state_bar, (hidden, 0), x_bar, (input + hidden, input), hidden);
        R::zero()
    }
}

/// A long short-term memory cell (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000): from rows
/// `[x | h | c]` to `[h' | c']`,
///
/// ```text
/// i, f, o = s(W [x h] + b)    g = tanh(W_g [x h] + b_g)    c' = f c + i g    h' = o tanh c'
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lstm {
    /// Numbers of the input.
    pub input: usize,
    /// Numbers of each half of the state.
    pub hidden: usize,
}

impl Lstm {
    /// A cell.
    pub fn new(input: usize, hidden: usize) -> Lstm {
        Lstm { input, hidden }
    }

    /// All gates at once: input, forget, output, candidate.
    fn gates(&self) -> Linear {
        Linear::new(self.input + self.hidden, 4 * self.hidden)
    }
}

impl Layer for Lstm {
    fn check(&self) -> Result<(), NnError> {
        check_cell(self.input, self.hidden)
    }

    fn inputs(&self) -> usize {
        self.input + 2 * self.hidden
    }

    fn outputs(&self) -> usize {
        2 * self.hidden
    }

    fn tensors(&self) -> Vec<Tensor> {
        self.gates().tensors()
    }

    fn parameter_count(&self) -> usize {
        self.gates().parameter_count()
    }

    fn packed_len(&self) -> usize {
        self.gates().packed_len()
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        self.gates().pack(theta, packed);
    }

    fn tape_len(&self, rows: usize) -> usize {
        // [x h] and its cotangent, the gates, tanh c'.
        rows * (2 * (self.input + self.hidden) + 5 * self.hidden)
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let (known, hidden, rows) = (self.input + self.hidden, self.hidden, pass.rows);
        let (given, rest) = tape.split_at_mut(rows * known);
        let (gates, rest) = rest.split_at_mut(rows * 4 * hidden);
        let ends = &mut rest[..rows * hidden];
        copy_columns(x, (known + hidden, 0), given, (known, 0), known);
        self.gates().record(pass, given, gates, &mut []);
        for row in 0..rows {
            let gates = &mut gates[row * 4 * hidden..][..4 * hidden];
            R::activate(Activation::Sigmoid, &mut gates[..3 * hidden], Slopes::None);
            R::activate(Activation::Tanh, &mut gates[3 * hidden..], Slopes::None);
            let c = &x[row * (known + hidden) + known..][..hidden];
            let (h_next, c_next) = y[row * 2 * hidden..][..2 * hidden].split_at_mut(hidden);
            for i in 0..hidden {
                c_next[i] = gates[hidden + i] * c[i] + gates[i] * gates[3 * hidden + i];
            }
            let end = &mut ends[row * hidden..][..hidden];
            end.copy_from_slice(c_next);
            R::activate(Activation::Tanh, end, Slopes::None);
            (0..hidden).for_each(|i| h_next[i] = gates[2 * hidden + i] * end[i]);
        }
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
        let (known, hidden, rows) = (self.input + self.hidden, self.hidden, pass.rows);
        let (given, rest) = tape.split_at_mut(rows * known);
        let (gates, rest) = rest.split_at_mut(rows * 4 * hidden);
        let (ends, rest) = rest.split_at_mut(rows * hidden);
        let given_bar = &mut rest[..rows * known];
        for row in 0..rows {
            let gates = &mut gates[row * 4 * hidden..][..4 * hidden];
            let at = row * (known + hidden) + known;
            let (c, c_bar) = (&x[at..][..hidden], &mut x_bar[at..][..hidden]);
            let (h_bar, next_bar) = y_bar[row * 2 * hidden..][..2 * hidden].split_at(hidden);
            for j in 0..hidden {
                let end = ends[row * hidden + j];
                let (i, f, o, g) = (gates[j], gates[hidden + j], gates[2 * hidden + j], gates[3 * hidden + j]);
                let bar = next_bar[j] + h_bar[j] * o * (R::one() - end) * (R::one() + end);
                gates[j] = bar * g * i * (R::one() - i);
                gates[hidden + j] = bar * c[j] * f * (R::one() - f);
                gates[2 * hidden + j] = h_bar[j] * end * o * (R::one() - o);
                gates[3 * hidden + j] = bar * i * (R::one() - g) * (R::one() + g);
                c_bar[j] = bar * f;
            }
        }
        self.gates().pull_back(pass, given, &mut [], gates, given_bar, theta_bar);
        copy_columns(given_bar, (known, 0), x_bar, (known + hidden, 0), known);
        R::zero()
    }
}

fn check_cell(input: usize, hidden: usize) -> Result<(), NnError> {
    for (what, found) in [("the input of a cell", input), ("the state of a cell", hidden)] {
        if found == 0 {
            return Err(NnError::TooSmall { what, found, least: 1 });
        }
    }
    Ok(())
}
