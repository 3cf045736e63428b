//! [`Mesh`] and [`Field`]: a box cut into elements along one coordinate, with the same features in each, and a sum of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::features::Features;
use crate::formula::Columns;
use crate::language::{FRACTION, Jet};

/// A box cut into elements along one coordinate.
#[derive(Debug, Clone)]
pub(crate) struct Mesh {
    pub(crate) low: Vec<f64>,
    pub(crate) high: Vec<f64>,
    /// The coordinate along which elements follow one another.
    pub(crate) chain: usize,
    /// Where elements begin and end, `low[chain]` and `high[chain]` included.
    pub(crate) breaks: Vec<f64>,
    pub(crate) features: Arc<Features>,
    tables: Arc<Tables>,
}

/// Tables of features at reference points, kept: every element uses the same.
type Tables = Mutex<HashMap<(Vec<u64>, Vec<u8>), Arc<Vec<f64>>>>;

/// A sum of features in every element, for every unknown.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) mesh: Mesh,
    pub(crate) unknowns: usize,
    /// `[element, unknown, feature]`
    pub(crate) coefficients: Vec<f64>,
}

impl Mesh {
    pub(crate) fn new(low: Vec<f64>, high: Vec<f64>, chain: usize, breaks: Vec<f64>, features: Features) -> Self {
        Self { low, high, chain, breaks, features: Arc::new(features), tables: Arc::default() }
    }

    /// The same features over another box with other elements.
    pub(crate) fn over(&self, low: Vec<f64>, high: Vec<f64>, breaks: Vec<f64>) -> Self {
        Self { low, high, breaks, ..self.clone() }
    }

    pub(crate) fn elements(&self) -> usize {
        self.breaks.len() - 1
    }

    pub(crate) fn dims(&self) -> usize {
        self.low.len()
    }

    /// Where an element begins and ends in a coordinate.
    pub(crate) fn ends(&self, element: usize, coordinate: usize) -> [f64; 2] {
        if coordinate == self.chain {
            [self.breaks[element], self.breaks[element + 1]]
        } else {
            [self.low[coordinate], self.high[coordinate]]
        }
    }

    /// The element that has a value of the chain's coordinate; of two at their border, the one below.
    pub(crate) fn element_of(&self, x: f64) -> usize {
        self.breaks[1..self.elements()].partition_point(|&b| b < x)
    }

    /// From the reference cube to an element.
    pub(crate) fn place(&self, element: usize, reference: &[f64]) -> Columns {
        let dims = self.dims();
        let column = |i: usize| {
            let [a, b] = self.ends(element, i);
            let at = |x: &f64| if *x == 1.0 { b } else { a + 0.5 * (x + 1.0) * (b - a) };
            reference.iter().skip(i).step_by(dims).map(at).collect()
        };
        (0..dims).map(column).collect()
    }

    /// From an element to the reference cube.
    pub(crate) fn reference(&self, element: usize, points: &Columns, row: usize) -> Vec<f64> {
        (0..self.dims())
            .map(|i| {
                let [a, b] = self.ends(element, i);
                if b > a { 2.0 * (points[i][row] - a) / (b - a) - 1.0 } else { 0.0 }
            })
            .collect()
    }

    /// What a derivative on the reference cube is multiplied by in an element.
    pub(crate) fn scale(&self, element: usize, order: &[u8]) -> f64 {
        let factor = |(i, &times): (usize, &u8)| {
            let [a, b] = self.ends(element, i);
            match times {
                FRACTION => (2.0 / (b - a)).powf(2.0 * self.exponent()),
                times => (2.0 / (b - a)).powi(i32::from(times)),
            }
        };
        order.iter().enumerate().map(factor).product()
    }

    fn exponent(&self) -> f64 {
        self.features.fraction().map_or(0.0, |(_, s)| s)
    }

    /// The features' table at reference points that come back often.
    pub(crate) fn table(&self, reference: &[f64], order: &[u8]) -> Arc<Vec<f64>> {
        let key = (reference.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), order.to_vec());
        let mut tables = self.tables.lock().unwrap_or_else(|broken| broken.into_inner());
        Arc::clone(tables.entry(key).or_insert_with(|| Arc::new(self.features.table(reference, order))))
    }
}

impl Field {
    pub(crate) fn zero(mesh: &Mesh, unknowns: usize) -> Self {
        let count = mesh.elements() * unknowns * mesh.features.count();
        Self { mesh: mesh.clone(), unknowns, coefficients: vec![0.0; count] }
    }

    /// Where the coefficients of an unknown in an element are.
    pub(crate) fn part(&self, element: usize, unknown: usize) -> core::ops::Range<usize> {
        let count = self.mesh.features.count();
        let begin = (element * self.unknowns + unknown) * count;
        begin..begin + count
    }

    /// A jet at any points of the box.
    pub(crate) fn jet(&self, jet: &Jet, points: &Columns) -> Vec<f64> {
        let mesh = &self.mesh;
        let rows = points[0].len();
        let mut values = vec![0.0; rows];
        let mut by_element: Vec<Vec<usize>> = vec![vec![]; mesh.elements()];
        (0..rows).for_each(|row| by_element[mesh.element_of(points[mesh.chain][row])].push(row));
        for (element, rows) in by_element.iter().enumerate() {
            let scale = mesh.scale(element, &jet.order);
            let coefficients = &self.coefficients[self.part(element, jet.unknown)];
            // In parts: a table of all points of a fine grid would be large.
            for rows in rows.chunks(256) {
                let reference: Vec<f64> = rows.iter().flat_map(|&row| mesh.reference(element, points, row)).collect();
                let table = mesh.features.table(&reference, &jet.order);
                for (&row, features) in rows.iter().zip(table.chunks_exact(coefficients.len())) {
                    values[row] = scale * vecfield_kernels::dot(features, coefficients);
                }
            }
        }
        values
    }

    /// The field that has the values of `of` (by unknown and point) as nearly as its features can.
    pub(crate) fn fit(mesh: &Mesh, unknowns: usize, of: impl Fn(usize, &Columns) -> Vec<f64>) -> Self {
        let reference = mesh.features.points(2);
        let count = mesh.features.count();
        let table = mesh.table(&reference, &vec![0; mesh.dims()]);
        let rows = reference.len() / mesh.dims();
        let mut field = Self::zero(mesh, unknowns);
        let parts = mesh.elements() * unknowns;
        let mut values = Vec::with_capacity(parts);
        for element in 0..mesh.elements() {
            let points = mesh.place(element, &reference);
            values.extend((0..unknowns).map(|unknown| of(unknown, &points)));
        }
        let local = |_: usize| {
            let mut panels = crate::staircase::Panels::new(rows, count, parts);
            let mut tail = vec![0.0; parts];
            for (row, features) in table.chunks_exact(count).enumerate() {
                tail.iter_mut().zip(&values).for_each(|(t, v)| *t = v[row]);
                panels.set_row(row, features, &tail);
            }
            panels
        };
        let solutions = crate::staircase::solve_many(count, parts, local(0));
        for (part, solution) in solutions.into_iter().enumerate() {
            field.coefficients[part * count..(part + 1) * count].copy_from_slice(&solution);
        }
        field
    }

    /// How large the last coefficients are in each coordinate, by element: `[element][coordinate]`, relative to the
    /// largest of the unknown anywhere, in the L2 norm of the whole box.
    pub(crate) fn tails(&self, scales: &[f64]) -> Vec<Vec<f64>> {
        let features = &self.mesh.features;
        let dims = features.dims;
        let mut tails = vec![vec![0.0; dims]; self.mesh.elements()];
        let last: Vec<bool> = (0..features.count() * dims).map(|at| features.is_last(at / dims, at % dims)).collect();
        let breaks = &self.mesh.breaks;
        for (element, tails) in tails.iter_mut().enumerate() {
            // What is small in L2 may be large in a small element.
            let share = ((breaks[element + 1] - breaks[element]) / (breaks[breaks.len() - 1] - breaks[0])).sqrt();
            for unknown in 0..self.unknowns {
                let mut sums = vec![0.0; dims];
                for (feature, c) in self.coefficients[self.part(element, unknown)].iter().enumerate() {
                    (0..dims).filter(|&i| last[feature * dims + i]).for_each(|i| sums[i] += c * c);
                }
                for (tail, sum) in tails.iter_mut().zip(sums) {
                    *tail = f64::max(*tail, share * sum.sqrt() / scales[unknown].max(1e-300));
                }
            }
        }
        tails
    }

    /// The largest root mean square of each unknown's coefficients over elements.
    pub(crate) fn scales(&self) -> Vec<f64> {
        let size = |element: usize, unknown: usize| {
            let part = &self.coefficients[self.part(element, unknown)];
            vecfield_kernels::dot(part, part).sqrt()
        };
        (0..self.unknowns).map(|u| (0..self.mesh.elements()).map(|e| size(e, u)).fold(0.0, f64::max)).collect()
    }
}
