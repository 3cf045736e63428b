//! [`System`]: every row that a field must satisfy in a box, with its weight, and their linearisation.
//!
//! An equation's rows are divided by the size its terms have when the unknowns vary by one over the box, so that a residual
//! of `ε` is an error of about `ε`; conditions and the joints of elements weigh [`FIRM`] times as much.

mod rows;

use std::sync::Arc;

use rayon::prelude::*;

use crate::features::chebyshev_points;
use crate::formula::Columns;
use crate::language::Jet;
use crate::mesh::{Field, Mesh};
use crate::problem::{Place, Problem};
use crate::staircase::{Panels, Span, Staircase};

/// How much more a condition weighs than an equation.
const FIRM: f64 = 30.0;

/// Rows in a box.
pub(crate) struct System<'p> {
    pub(crate) problem: &'p Problem,
    pub(crate) mesh: Mesh,
    groups: Vec<Group>,
    joints: Vec<Joint>,
    /// One block of all columns rather than one for each element.
    dense: bool,
    /// The block of each element.
    block_of: Vec<usize>,
    /// Weighs the length of the coefficients: for boxes that are larger than the domain.
    pub(crate) damping: f64,
    /// How much a measurement weighs.
    data_weight: f64,
}

/// Points of one element where one formula holds, or one jet has given values.
struct Group {
    what: What,
    element: usize,
    points: Columns,
    normals: Columns,
    weight: f64,
    is_data: bool,
    /// What each row's weight is multiplied by.
    shares: Vec<f64>,
    /// The features' tables, one for each jet of the formula.
    tables: Vec<Arc<Vec<f64>>>,
}

/// What holds at the points of a group.
enum What {
    Equation(usize),
    Condition(usize),
    /// A jet has these values.
    Values(Jet, Vec<f64>),
}

/// A derivative that two faces have in common.
struct Joint {
    unknown: usize,
    sides: [(usize, Arc<Vec<f64>>); 2],
    /// The weight of each side's row: of one sign.
    weights: [f64; 2],
}

/// What a marching solution begins with.
#[derive(Clone, Copy)]
pub(crate) enum Begin<'f> {
    /// The conditions of the problem, all of them.
    Conditions,
    /// The end of the window before, at this value of a coordinate.
    After(&'f Field, usize, f64),
}

impl<'p> System<'p> {
    pub(crate) fn new(problem: &'p Problem, mesh: &Mesh, begin: Begin<'_>, data_weight: f64) -> Self {
        let elements = mesh.elements();
        let dense = problem.is_nonlocal() || elements == 1;
        let ring = problem.periodic[mesh.chain] && elements > 2;
        // A ring is folded, so that neighbours stay within two blocks of each other: 0, E-1, 1, E-2, ..
        let block_of = (0..elements)
            .map(|e| match (dense, ring) {
                (true, _) => 0,
                (false, false) => e,
                (false, true) if 2 * e < elements => 2 * e,
                (false, true) => 2 * (elements - 1 - e) + 1,
            })
            .collect();
        let damping = if problem.shape.is_some() { 1e-13 } else { 0.0 };
        let mut system =
            Self { problem, mesh: mesh.clone(), groups: vec![], joints: vec![], dense, block_of, damping, data_weight };
        system.add_equations();
        system.add_conditions(begin);
        system.add_data();
        system.add_joints();
        system.add_open_end();
        system
    }

    fn add_equations(&mut self) {
        // In three dimensions the grid has twice as many points as the ball of degrees has features without more.
        let mut extra = if self.mesh.dims() == 3 { 0 } else { 2 };
        if self.problem.shape.is_some() {
            // Twice as many points inside as there are features.
            let reference = self.mesh.features.points(extra);
            let (inside, _) = self.inside(&reference, self.mesh.place(0, &reference));
            let wanted = 2.0 * (self.mesh.features.count() * self.mesh.dims()) as f64 / inside.len().max(1) as f64;
            let most = self.mesh.features.degrees.iter().max().map_or(1, |p| p + extra) as f64;
            extra += (most * (wanted.powf(1.0 / self.mesh.dims() as f64) - 1.0).clamp(0.0, 3.0)).ceil() as usize;
        }
        let reference = self.mesh.features.points(extra);
        for element in 0..self.mesh.elements() {
            let points = self.mesh.place(element, &reference);
            let (reference, points) = self.inside(&reference, points);
            for equation in 0..self.problem.equations.len() {
                self.add(What::Equation(equation), element, &reference, points.clone(), vec![], 1.0);
            }
        }
    }

    /// The points that are in the domain.
    fn inside(&self, reference: &[f64], points: Columns) -> (Vec<f64>, Columns) {
        if self.problem.shape.is_none() {
            return (reference.to_vec(), points);
        }
        let dims = self.mesh.dims();
        let rows: Vec<usize> = (0..points[0].len())
            .filter(|&row| self.problem.contains(&points.iter().map(|c| c[row]).collect::<Vec<_>>()))
            .collect();
        let reference = rows.iter().flat_map(|&row| reference[row * dims..][..dims].to_vec()).collect();
        (reference, points.iter().map(|column| rows.iter().map(|&row| column[row]).collect()).collect())
    }

    fn add_conditions(&mut self, begin: Begin<'_>) {
        for at in 0..self.problem.conditions.len() {
            let place = &self.problem.conditions[at].place;
            match place {
                Place::Outside => {}
                Place::Boundary if self.problem.shape.is_some() => self.add_rim(at),
                Place::Boundary => {
                    for i in self.problem.language.space() {
                        if !self.problem.periodic[i] {
                            // The centre of a ball is no boundary.
                            if !self.problem.language.is_radius(i) {
                                self.add_face(at, &[(i, self.problem.low[i])]);
                            }
                            self.add_face(at, &[(i, self.problem.high[i])]);
                        }
                    }
                }
                Place::Fixed(fixed) => {
                    let later = matches!(begin, Begin::After(_, coordinate, _)
                        if fixed.iter().any(|&(i, _)| i == coordinate));
                    if !later {
                        self.add_face(at, &fixed.clone());
                    }
                }
            }
        }
        if let Begin::After(field, coordinate, value) = begin {
            self.add_handover(field, coordinate, value);
        }
    }

    /// A condition where some coordinates have given values.
    fn add_face(&mut self, condition: usize, fixed: &[(usize, f64)]) {
        for (element, reference) in self.face(fixed) {
            let points = self.mesh.place(element, &reference);
            let count = points[0].len();
            let normal = |i: usize| {
                let at = fixed.iter().find(|(k, _)| *k == i).map(|&(_, value)| value);
                let n = match at {
                    Some(value) if value == self.problem.low[i] => -1.0,
                    Some(value) if value == self.problem.high[i] => 1.0,
                    _ => 0.0,
                };
                vec![n; count]
            };
            let normals = (0..self.mesh.dims()).map(normal).collect();
            let (reference, points) =
                if self.problem.shape.is_some() { self.inside(&reference, points) } else { (reference, points) };
            self.add(What::Condition(condition), element, &reference, points, normals, FIRM);
        }
    }

    /// Reference points of a face, for each element that it meets.
    fn face(&self, fixed: &[(usize, f64)]) -> Vec<(usize, Vec<f64>)> {
        let mesh = &self.mesh;
        let dims = mesh.dims();
        let mut found = Vec::new();
        let on_chain = fixed.iter().find(|(i, _)| *i == mesh.chain).map(|&(_, value)| mesh.element_of(value));
        for element in 0..mesh.elements() {
            if on_chain.is_some_and(|only| only != element) {
                continue;
            }
            let place = |&(i, value): &(usize, f64)| {
                let [a, b] = mesh.ends(element, i);
                (i, (2.0 * (value - a) / (b - a) - 1.0).clamp(-1.0, 1.0))
            };
            let fixed: Vec<(usize, f64)> = fixed.iter().map(place).collect();
            found.push((element, self.slice(&fixed, dims)));
        }
        found
    }

    /// A grid of the reference cube with some coordinates fixed.
    fn slice(&self, fixed: &[(usize, f64)], dims: usize) -> Vec<f64> {
        let features = &self.mesh.features;
        let mut points = if dims > 3 {
            let on_face =
                (0..features.count()).filter(|&f| fixed.iter().all(|&(i, _)| features.index(f)[i] == 0)).count();
            crate::features::lattice(on_face + on_face / 2 + 1, dims, 0.5)
        } else {
            let nodes = |i: usize| match fixed.iter().find(|(k, _)| *k == i) {
                Some(&(_, value)) => vec![value],
                None => chebyshev_points(features.degrees[i] + 2),
            };
            let mut points = vec![vec![]];
            for i in 0..dims {
                let line = nodes(i);
                let longer =
                    |point: Vec<f64>| line.iter().map(move |&x| [&point[..], &[x]].concat()).collect::<Vec<_>>();
                points = points.into_iter().flat_map(longer).collect();
            }
            points.concat()
        };
        for point in points.chunks_exact_mut(dims) {
            fixed.iter().for_each(|&(i, value)| point[i] = value);
        }
        points
    }

    /// A condition on the boundary of a shape, at all times.
    fn add_rim(&mut self, condition: usize) {
        let Some(shape) = &self.problem.shape else { return };
        let space = self.problem.language.space();
        let dims = self.mesh.dims();
        let most = space.iter().map(|&i| self.mesh.features.degrees[i]).max().unwrap_or(1);
        let count = if space.len() == 2 { 8 * most } else { 6 * most * most };
        let times: Vec<Vec<f64>> = (0..dims)
            .filter(|i| !space.contains(i))
            .map(|i| {
                chebyshev_points(self.mesh.features.degrees[i] + 2)
                    .into_iter()
                    .map(|x| {
                        let [a, b] = self.mesh.ends(0, i);
                        a + 0.5 * (x + 1.0) * (b - a)
                    })
                    .collect()
            })
            .collect();
        let times: Vec<Option<f64>> = match times.first() {
            Some(times) => times.iter().map(|&t| Some(t)).collect(),
            None => vec![None],
        };
        let (mut points, mut normals): (Columns, Columns) = (vec![vec![]; dims], vec![vec![]; dims]);
        for rim in shape.rim(count) {
            let slack = |k: usize| 1e-9 * (self.problem.high[space[k]] - self.problem.low[space[k]]);
            let in_box = space.iter().enumerate().all(|(k, &i)| {
                (self.problem.low[i] - slack(k)..=self.problem.high[i] + slack(k)).contains(&rim.point[k])
            });
            if !in_box {
                continue;
            }
            for time in &times {
                for i in 0..dims {
                    let k = space.iter().position(|&s| s == i);
                    points[i].push(k.map_or(time.unwrap_or(0.0), |k| rim.point[k]));
                    normals[i].push(k.map_or(0.0, |k| rim.normal[k]));
                }
            }
        }
        if points[0].is_empty() {
            return;
        }
        let reference: Vec<f64> = (0..points[0].len()).flat_map(|row| self.mesh.reference(0, &points, row)).collect();
        self.add(What::Condition(condition), 0, &reference, points, normals, FIRM);
    }

    /// Values and time derivatives as at the end of the window before.
    fn add_handover(&mut self, before: &Field, coordinate: usize, value: f64) {
        for unknown in 0..self.problem.language.unknowns.len() {
            let order = self.problem.orders(Some(unknown))[coordinate];
            for (element, reference) in self.face(&[(coordinate, value)]) {
                let points = self.mesh.place(element, &reference);
                for times in 0..order {
                    let mut jet = self.problem.language.value(unknown);
                    jet.order[coordinate] = times;
                    let values = before.jet(&jet, &points);
                    let weight = FIRM / self.mesh.scale(element, &jet.order);
                    self.add(What::Values(jet, values), element, &reference, points.clone(), vec![], weight);
                }
            }
        }
    }

    /// Little bending where the box ends and the problem does not.
    fn add_open_end(&mut self) {
        let Some(i) = self.problem.open else { return };
        for unknown in 0..self.problem.language.unknowns.len() {
            let mut jet = self.problem.language.value(unknown);
            jet.order[i] = 2;
            for (element, reference) in self.face(&[(i, self.problem.high[i])]) {
                let points = self.mesh.place(element, &reference);
                let weight = 0.01 * FIRM / self.mesh.scale(element, &jet.order);
                let values = vec![0.0; points[0].len()];
                self.add(What::Values(jet.clone(), values), element, &reference, points, vec![], weight);
            }
        }
    }

    fn add_data(&mut self) {
        for observations in &self.problem.data {
            let mut by_element: Vec<Vec<usize>> = vec![vec![]; self.mesh.elements()];
            let rows = observations.points[0].len();
            (0..rows).for_each(|r| by_element[self.mesh.element_of(observations.points[self.mesh.chain][r])].push(r));
            for (element, rows) in by_element.iter().enumerate() {
                for unknown in 0..self.problem.language.unknowns.len() {
                    let measured: Vec<usize> =
                        rows.iter().copied().filter(|&r| observations.values[unknown][r].is_finite()).collect();
                    if measured.is_empty() {
                        continue;
                    }
                    let points: Columns =
                        observations.points.iter().map(|c| measured.iter().map(|&r| c[r]).collect()).collect();
                    let reference: Vec<f64> =
                        (0..measured.len()).flat_map(|row| self.mesh.reference(element, &points, row)).collect();
                    let values = measured.iter().map(|&r| observations.values[unknown][r]).collect();
                    let jet = self.problem.language.value(unknown);
                    // Rows are divided by the root of their number below; measurements count one by one.
                    let weight = self.data_weight * (measured.len() as f64).sqrt();
                    self.add(What::Values(jet, values), element, &reference, points, vec![], weight);
                    self.groups.last_mut().expect("measurements were added").is_data = true;
                }
            }
        }
    }

    fn add(&mut self, what: What, element: usize, reference: &[f64], points: Columns, normals: Columns, weight: f64) {
        if points[0].is_empty() {
            return;
        }
        let jets: Vec<Jet> = match &what {
            What::Equation(at) => self.problem.equations[*at].jets.clone(),
            What::Condition(at) => self.problem.conditions[*at].formula.jets.clone(),
            What::Values(jet, _) => vec![jet.clone()],
        };
        let tables = jets.iter().map(|jet| self.mesh.table(reference, &jet.order)).collect();
        let weight = weight / (points[0].len() as f64).sqrt();
        // Chebyshev points are dense towards the faces: each stands for its part of the element (Clenshaw–Curtis weights,
        // nearly), so that singular corners do not outweigh the inside.
        let share = |x: &f64| (1.0 - x * x).max(0.0).powf(0.25);
        let shares = match what {
            What::Equation(_) => {
                reference.chunks_exact(self.mesh.dims()).map(|x| x.iter().map(share).product()).collect()
            }
            _ => vec![1.0; points[0].len()],
        };
        self.groups.push(Group { what, is_data: false, element, points, normals, weight, shares, tables });
    }

    /// Elements fit together, and the ends of periodic coordinates, up to one derivative less than the equations have.
    fn add_joints(&mut self) {
        let mesh = self.mesh.clone();
        let mut pairs = Vec::new();
        for element in 1..mesh.elements() {
            pairs.push((mesh.chain, element - 1, element));
        }
        for i in 0..mesh.dims() {
            if !self.problem.periodic[i] {
                continue;
            }
            match i == mesh.chain {
                true => pairs.push((i, mesh.elements() - 1, 0)),
                false => (0..mesh.elements()).for_each(|e| pairs.push((i, e, e))),
            }
        }
        for (i, left, right) in pairs {
            let (high, low) = (self.slice(&[(i, 1.0)], mesh.dims()), self.slice(&[(i, -1.0)], mesh.dims()));
            let count = (high.len() / mesh.dims()) as f64;
            for unknown in 0..self.problem.language.unknowns.len() {
                for times in 0..self.problem.orders(Some(unknown))[i] {
                    let mut order = vec![0; mesh.dims()];
                    order[i] = times;
                    let [a, b] = [left, right].map(|element| mesh.scale(element, &order));
                    // In units of the smaller element, where the derivative is largest.
                    let weight = FIRM / count.sqrt() / a.max(b);
                    self.joints.push(Joint {
                        unknown,
                        sides: [(left, mesh.table(&high, &order)), (right, mesh.table(&low, &order))],
                        weights: [weight * a, weight * b],
                    });
                }
            }
        }
    }

    /// The number of columns of an element.
    fn width(&self) -> usize {
        self.mesh.features.count() * self.problem.language.unknowns.len()
    }

    /// Where an element's columns begin in its block.
    fn offset(&self, element: usize) -> usize {
        if self.dense { element * self.width() } else { 0 }
    }

    /// Multiplications of a step, roughly: twice as many rows as columns.
    pub(crate) fn work(&self) -> f64 {
        let (size, blocks) = match self.dense {
            true => (self.width() * self.mesh.elements(), 1),
            false => (self.width(), self.mesh.elements()),
        };
        4.0 * (size as f64).powi(3) * blocks as f64
    }

    /// Solves the linearised rows: what to add to the field and to the constants.
    pub(crate) fn step(&self, field: &Field, constants: &[f64]) -> Step {
        let (width, border) = (self.width(), constants.len());
        let sizes = if self.dense { vec![width * self.mesh.elements()] } else { vec![width; self.mesh.elements()] };
        let local = |block: usize| self.block_rows(block, field, constants, sizes[block]);
        let spans = if self.dense { vec![] } else { self.spans(field, border) };
        let staircase = Staircase::reduce(&sizes, border, local, spans, self.damping);
        let (x, constants) = staircase.solve();
        Step { coefficients: self.field_of(&x).coefficients, constants, staircase }
    }

    /// Columns, block by block, as a field.
    pub(crate) fn field_of(&self, x: &[f64]) -> Field {
        let width = self.width();
        let mut field = Field::zero(&self.mesh, self.problem.language.unknowns.len());
        for element in 0..self.mesh.elements() {
            let from = if self.dense { self.offset(element) } else { self.block_of[element] * width };
            field.coefficients[element * width..(element + 1) * width].copy_from_slice(&x[from..from + width]);
        }
        field
    }

    /// How much the measurements count in the solution: the sum of their leverages, `Σ aᵢᵀ (RᵀR)⁻¹ aᵢ`.
    pub(crate) fn leverage(&self, field: &Field, constants: &[f64], staircase: &Staircase) -> f64 {
        let size = self.width() * self.mesh.elements();
        let width = if self.dense { size } else { self.width() };
        let mut sum = 0.0;
        for group in self.groups.iter().filter(|group| group.is_data) {
            let count = group.points[0].len();
            let mut panels = Panels::new(count, width, constants.len() + 1);
            self.group_rows(group, field, constants, &mut panels, 0, width);
            let offset = if self.dense { 0 } else { self.block_of[group.element] * width };
            let full = |row: usize| {
                let mut full = vec![0.0; size];
                full[offset..offset + width].copy_from_slice(&panels.row(row, width));
                full
            };
            let rows: Vec<Vec<f64>> = (0..count).map(full).collect();
            sum += rows.par_iter().map(|row| staircase.leverage(row)).collect::<Vec<_>>().iter().sum::<f64>();
        }
        sum
    }

    fn block_rows(&self, block: usize, field: &Field, constants: &[f64], size: usize) -> Panels {
        let own: Vec<&Group> = self.groups.iter().filter(|g| self.block_of[g.element] == block).collect();
        let joints: Vec<&Joint> = self.joints.iter().filter(|joint| self.is_local(joint, block)).collect();
        let rows = own.iter().map(|g| g.points[0].len()).sum::<usize>()
            + joints.iter().map(|joint| self.joint_rows(joint)).sum::<usize>();
        let mut panels = Panels::new(rows, size, constants.len() + 1);
        let mut row = 0;
        for group in own {
            row = self.group_rows(group, field, constants, &mut panels, row, size);
        }
        for joint in joints {
            row = self.local_joint(joint, field, constants.len(), &mut panels, row, size);
        }
        panels
    }

    fn is_local(&self, joint: &Joint, block: usize) -> bool {
        let [a, b] = [joint.sides[0].0, joint.sides[1].0].map(|element| self.block_of[element]);
        a == b && a == block
    }

    fn spans(&self, field: &Field, border: usize) -> Vec<Span> {
        let far = |joint: &&Joint| self.block_of[joint.sides[0].0] != self.block_of[joint.sides[1].0];
        // Joints of one pair of blocks together: fewer, taller eliminations.
        let mut by_pair: std::collections::BTreeMap<(usize, usize), Vec<&Joint>> = std::collections::BTreeMap::new();
        for joint in self.joints.iter().filter(far) {
            let [a, b] = [joint.sides[0].0, joint.sides[1].0].map(|element| self.block_of[element]);
            by_pair.entry((a.min(b), a.max(b))).or_default().push(joint);
        }
        by_pair.into_iter().map(|((first, last), joints)| self.span(first, last, &joints, field, border)).collect()
    }

    /// The weighted sum of squares of all rows.
    pub(crate) fn merit(&self, field: &Field, constants: &[f64]) -> f64 {
        let groups: Vec<f64> = self.groups.par_iter().map(|group| self.group_merit(group, field, constants)).collect();
        groups.iter().sum::<f64>() + self.joints.iter().map(|joint| self.joint_merit(joint, field)).sum::<f64>()
    }
}

/// The solution of a linearised system.
pub(crate) struct Step {
    pub(crate) coefficients: Vec<f64>,
    pub(crate) constants: Vec<f64>,
    pub(crate) staircase: Staircase,
}
