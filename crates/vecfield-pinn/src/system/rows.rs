//! The rows of a [`System`] at a field: residuals, and their slopes by coefficients and constants.

use super::{Group, Joint, System, What};
use crate::formula::{At, Columns, Formula, Slopes};
use crate::integrals::{self, Remote};
use crate::language::Jet;
use crate::mesh::Field;
use crate::staircase::{Panels, Span};

impl System<'_> {
    /// Divides each equation's rows by the size of its terms at `field`.
    pub(crate) fn calibrate(&mut self, field: &Field, constants: &[f64]) {
        let lengths: Vec<f64> = self.mesh.low.iter().zip(&self.mesh.high).map(|(a, b)| b - a).collect();
        let mut sizes = vec![(0.0, 0.0); self.problem.equations.len()];
        for group in &self.groups {
            let What::Equation(at) = group.what else { continue };
            let formula = &self.problem.equations[at];
            let slopes = self.slopes(formula, group, field, constants).0;
            for (jet, slope) in formula.jets.iter().zip(&slopes.by_jet) {
                let scale: f64 = jet
                    .order
                    .iter()
                    .zip(&lengths)
                    .map(|(&times, length)| length.powi(-i32::from(times.min(2))))
                    .product();
                sizes[at].0 += slope.iter().map(|s| (s * scale).abs()).sum::<f64>();
            }
            sizes[at].1 += group.points[0].len() as f64;
        }
        let weight = |at: usize| {
            let (sum, count) = sizes[at];
            if sum > 0.0 && count > 0.0 { count / sum } else { 1.0 }
        };
        for group in &mut self.groups {
            if let What::Equation(at) = group.what {
                group.weight = weight(at) / (group.points[0].len() as f64).sqrt();
            }
        }
    }

    fn formula(&self, group: &Group) -> Option<&Formula> {
        match group.what {
            What::Equation(at) => Some(&self.problem.equations[at]),
            What::Condition(at) => Some(&self.problem.conditions[at].formula),
            What::Values(..) => None,
        }
    }

    /// A jet at the points of a group, from its table.
    fn jet_values(&self, jet: &Jet, table: &[f64], element: usize, field: &Field) -> Vec<f64> {
        let coefficients = &field.coefficients[field.part(element, jet.unknown)];
        let scale = self.mesh.scale(element, &jet.order);
        table.chunks_exact(coefficients.len()).map(|row| scale * vecfield_kernels::dot(row, coefficients)).collect()
    }

    fn slopes(&self, formula: &Formula, group: &Group, field: &Field, constants: &[f64]) -> (Slopes, Vec<Remote>) {
        let jets: Columns = (formula.jets.iter().zip(&group.tables))
            .map(|(jet, table)| self.jet_values(jet, table, group.element, field))
            .collect();
        let remotes: Vec<Remote> =
            formula.integrals.iter().map(|i| integrals::evaluate(i, &group.points, constants, field)).collect();
        let values: Columns = remotes.iter().map(|remote| remote.values.clone()).collect();
        let at = At { coordinates: &group.points, normals: &group.normals, constants, jets: &jets, integrals: &values };
        (formula.eval(at), remotes)
    }

    /// What the rows of a group depend on, their residuals and slopes.
    fn linearised(&self, group: &Group, field: &Field, constants: &[f64]) -> (Vec<Jet>, Slopes, Vec<Remote>) {
        let What::Values(jet, values) = &group.what else {
            let Some(formula) = self.formula(group) else { return Default::default() };
            let (slopes, remotes) = self.slopes(formula, group, field, constants);
            return (formula.jets.clone(), slopes, remotes);
        };
        let now = self.jet_values(jet, &group.tables[0], group.element, field);
        let rows = values.len();
        let slopes = Slopes {
            residual: now.iter().zip(values).map(|(a, b)| a - b).collect(),
            by_jet: vec![vec![1.0; rows]],
            by_integral: vec![],
            by_constant: vec![vec![0.0; rows]; constants.len()],
        };
        (vec![jet.clone()], slopes, vec![])
    }

    /// Writes a group's rows from `row` on; gives the row behind them.
    pub(super) fn group_rows(
        &self,
        group: &Group,
        field: &Field,
        constants: &[f64],
        panels: &mut Panels,
        row: usize,
        size: usize,
    ) -> usize {
        let (count, offset) = (self.mesh.features.count(), self.offset(group.element));
        let (jets, slopes, remotes) = self.linearised(group, field, constants);
        let scales: Vec<f64> = jets.iter().map(|jet| self.mesh.scale(group.element, &jet.order)).collect();
        let (mut entries, mut tail) = (vec![0.0; size], vec![0.0; constants.len() + 1]);
        let rows = group.points[0].len();
        for i in 0..rows {
            entries.fill(0.0);
            let weight = group.weight * group.shares[i];
            for (j, jet) in jets.iter().enumerate() {
                let factor = weight * slopes.by_jet[j][i] * scales[j];
                if factor != 0.0 {
                    let begin = offset + jet.unknown * count;
                    let features = &group.tables[j][i * count..(i + 1) * count];
                    vecfield_kernels::axpy(factor, features, &mut entries[begin..begin + count]);
                }
            }
            for (remote, slope) in remotes.iter().zip(&slopes.by_integral) {
                vecfield_kernels::axpy(weight * slope[i], remote.row(i), &mut entries);
            }
            for (tail, slope) in tail.iter_mut().zip(&slopes.by_constant) {
                *tail = weight * slope[i];
            }
            tail[constants.len()] = -weight * slopes.residual[i];
            panels.set_row(row + i, &entries, &tail);
        }
        row + rows
    }

    pub(super) fn group_merit(&self, group: &Group, field: &Field, constants: &[f64]) -> f64 {
        let residual = match (&group.what, self.formula(group)) {
            (What::Values(jet, values), _) => {
                let now = self.jet_values(jet, &group.tables[0], group.element, field);
                now.iter().zip(values).map(|(a, b)| a - b).collect()
            }
            (_, Some(formula)) => self.slopes(formula, group, field, constants).0.residual,
            (_, None) => vec![],
        };
        let sum: f64 = residual.iter().zip(&group.shares).map(|(r, share)| (group.weight * share * r).powi(2)).sum();
        if sum.is_finite() { sum } else { f64::INFINITY }
    }

    /// The sum of squares of what measurements and field differ by, and how many measurements there are.
    pub(crate) fn misfit(&self, field: &Field) -> (f64, usize) {
        let (mut sum, mut count) = (0.0, 0);
        for observations in &self.problem.data {
            for unknown in 0..field.unknowns {
                let now = field.jet(&self.problem.language.value(unknown), &observations.points);
                for (a, b) in now.iter().zip(&observations.values[unknown]).filter(|(_, b)| b.is_finite()) {
                    sum += (a - b).powi(2);
                    count += 1;
                }
            }
        }
        (sum, count)
    }

    /// The sum of squares of all measurements.
    pub(crate) fn data_size(&self) -> f64 {
        let all = self.problem.data.iter().flat_map(|observations| observations.values.iter().flatten());
        all.filter(|value| value.is_finite()).map(|value| value * value).sum()
    }

    pub(super) fn joint_rows(&self, joint: &Joint) -> usize {
        joint.sides[0].1.len() / self.mesh.features.count()
    }

    /// What both sides of a joint differ by, weighted.
    fn gap(&self, joint: &Joint, field: &Field) -> Vec<f64> {
        let count = self.mesh.features.count();
        let side = |which: usize| -> Vec<f64> {
            let (element, table) = &joint.sides[which];
            let coefficients = &field.coefficients[field.part(*element, joint.unknown)];
            let value = |row: &[f64]| joint.weights[which] * vecfield_kernels::dot(row, coefficients);
            table.chunks_exact(count).map(value).collect()
        };
        side(0).into_iter().zip(side(1)).map(|(a, b)| a - b).collect()
    }

    pub(super) fn joint_merit(&self, joint: &Joint, field: &Field) -> f64 {
        self.gap(joint, field).iter().map(|gap| gap * gap).sum()
    }

    /// Adds row `i` of a joint to `entries`, with the columns of an element where `begin` says.
    fn add_joint(&self, joint: &Joint, i: usize, entries: &mut [f64], begin: impl Fn(usize) -> usize) {
        let count = self.mesh.features.count();
        for ((element, table), (weight, sign)) in joint.sides.iter().zip(joint.weights.iter().zip([1.0, -1.0])) {
            let begin = begin(*element) + joint.unknown * count;
            let features = &table[i * count..(i + 1) * count];
            vecfield_kernels::axpy(sign * weight, features, &mut entries[begin..begin + count]);
        }
    }

    pub(super) fn local_joint(
        &self,
        joint: &Joint,
        field: &Field,
        border: usize,
        panels: &mut Panels,
        row: usize,
        size: usize,
    ) -> usize {
        let gap = self.gap(joint, field);
        let (mut entries, mut tail) = (vec![0.0; size], vec![0.0; border + 1]);
        for (i, gap) in gap.iter().enumerate() {
            entries.fill(0.0);
            self.add_joint(joint, i, &mut entries, |element| self.offset(element));
            tail[border] = -gap;
            panels.set_row(row + i, &entries, &tail);
        }
        row + gap.len()
    }

    /// The joints between two blocks: rows over the columns of every block from the first to the last.
    pub(super) fn span(&self, first: usize, last: usize, joints: &[&Joint], field: &Field, border: usize) -> Span {
        let width = self.width();
        let full = (last - first + 1) * width + border + 1;
        let rows: usize = joints.iter().map(|joint| self.joint_rows(joint)).sum();
        let mut entries = vec![0.0; rows * full];
        let mut lines = entries.chunks_exact_mut(full);
        for joint in joints {
            for (i, gap) in self.gap(joint, field).into_iter().enumerate() {
                let Some(line) = lines.next() else { break };
                self.add_joint(joint, i, line, |element| (self.block_of[element] - first) * width);
                line[full - 1] = -gap;
            }
        }
        Span { first, last, rows, entries }
    }
}
