//! [`Shape`]: a part of the plane or of space, by union, difference and intersection.
//!
//! ```text
//! shape = piece { ("+" | "-" | "&") piece },     piece = name "(" numbers ")" | "(" shape ")"
//! ```

use crate::PinnError;
use crate::problem::number;

/// A part of the plane or of space.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// Corners `low`, `high`.
    Box(Vec<f64>, Vec<f64>),
    /// Centre and radius: a disk or a ball.
    Ball(Vec<f64>, f64),
    /// Corners in order.
    Polygon(Vec<[f64; 2]>),
    /// What is in one of both.
    Union(Box<Shape>, Box<Shape>),
    /// What is in the first alone.
    Difference(Box<Shape>, Box<Shape>),
    /// What is in both.
    Intersection(Box<Shape>, Box<Shape>),
}

/// A point of a boundary with its outward normal.
pub(crate) struct Rim {
    pub(crate) point: Vec<f64>,
    pub(crate) normal: Vec<f64>,
}

const KEY: &str = "domain.geometry";
/// No expression nests deeper.
const DEEPEST: usize = 64;

impl Shape {
    pub(crate) fn parse(text: &str) -> Result<Self, PinnError> {
        let mut reader = Reader { text, at: 0 };
        let shape = reader.shape(0)?;
        reader.space();
        if reader.at < text.len() {
            return Err(reader.refuse("what follows is no operator; join shapes by + - &"));
        }
        Ok(shape)
    }

    pub(crate) fn dims(&self) -> usize {
        match self {
            Self::Box(low, _) => low.len(),
            Self::Ball(centre, _) => centre.len(),
            Self::Polygon(_) => 2,
            Self::Union(a, _) | Self::Difference(a, _) | Self::Intersection(a, _) => a.dims(),
        }
    }

    pub(crate) fn contains(&self, x: &[f64]) -> bool {
        match self {
            Self::Box(low, high) => x.iter().zip(low).zip(high).all(|((x, a), b)| (a..=b).contains(&x)),
            Self::Ball(centre, r) => distance2(x, centre) <= r * r,
            Self::Polygon(corners) => in_polygon(corners, x),
            Self::Union(a, b) => a.contains(x) || b.contains(x),
            Self::Difference(a, b) => a.contains(x) && !b.contains(x),
            Self::Intersection(a, b) => a.contains(x) && b.contains(x),
        }
    }

    /// The corners of a box around it.
    pub(crate) fn bounds(&self) -> (Vec<f64>, Vec<f64>) {
        let merge = |a: &Shape, b: &Shape, lower: fn(f64, f64) -> f64, upper: fn(f64, f64) -> f64| {
            let ((a0, a1), (b0, b1)) = (a.bounds(), b.bounds());
            let join =
                |a: Vec<f64>, b: Vec<f64>, f: fn(f64, f64) -> f64| a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect();
            (join(a0, b0, lower), join(a1, b1, upper))
        };
        match self {
            Self::Box(low, high) => (low.clone(), high.clone()),
            Self::Ball(centre, r) => (centre.iter().map(|c| c - r).collect(), centre.iter().map(|c| c + r).collect()),
            Self::Polygon(corners) => {
                let extreme = |f: fn(f64, f64) -> f64| -> Vec<f64> {
                    (0..2).map(|k| corners.iter().map(|c| c[k]).reduce(f).unwrap_or(0.0)).collect()
                };
                (extreme(f64::min), extreme(f64::max))
            }
            Self::Union(a, b) => merge(a, b, f64::min, f64::max),
            Self::Difference(a, _) => a.bounds(),
            Self::Intersection(a, b) => merge(a, b, f64::max, f64::min),
        }
    }

    /// About `count` points of the boundary, evenly on each piece of it, with outward normals.
    pub(crate) fn rim(&self, count: usize) -> Vec<Rim> {
        let (low, high) = self.bounds();
        let size = low.iter().zip(&high).map(|(a, b)| b - a).fold(0.0, f64::max);
        let mut found = Vec::new();
        self.pieces(count, &mut found);
        // A piece of a part is on the whole's boundary where the whole is on one side alone.
        found
            .into_iter()
            .filter_map(|mut rim| {
                let beside = |sign: f64| -> Vec<f64> {
                    rim.point.iter().zip(&rim.normal).map(|(x, n)| x + sign * 1e-7 * size * n).collect()
                };
                match (self.contains(&beside(1.0)), self.contains(&beside(-1.0))) {
                    (false, true) => Some(rim),
                    (true, false) => {
                        rim.normal.iter_mut().for_each(|n| *n = -*n);
                        Some(rim)
                    }
                    _ => None,
                }
            })
            .collect()
    }

    fn pieces(&self, count: usize, found: &mut Vec<Rim>) {
        match self {
            Self::Union(a, b) | Self::Difference(a, b) | Self::Intersection(a, b) => {
                a.pieces(count, found);
                b.pieces(count, found);
            }
            Self::Box(low, high) => {
                let dims = low.len();
                let each = (count / (2 * dims)).max(2);
                for fixed in 0..dims {
                    let points = crate::features::lattice(each, dims, 0.5);
                    for (end, sign) in [(low[fixed], -1.0), (high[fixed], 1.0)] {
                        for cube in points.chunks_exact(dims) {
                            let place = |i: usize| low[i] + 0.5 * (cube[i] + 1.0) * (high[i] - low[i]);
                            let mut point: Vec<f64> = (0..dims).map(place).collect();
                            point[fixed] = end;
                            let mut normal = vec![0.0; dims];
                            normal[fixed] = sign;
                            found.push(Rim { point, normal });
                        }
                    }
                }
            }
            Self::Ball(centre, r) => {
                for k in 0..count {
                    let turn = (k as f64 + 0.5) / count as f64;
                    let normal = if centre.len() == 2 {
                        let angle = 2.0 * core::f64::consts::PI * turn;
                        vec![angle.cos(), angle.sin()]
                    } else {
                        // The golden spiral.
                        let (z, angle) = (1.0 - 2.0 * turn, core::f64::consts::PI * (1.0 + 5.0_f64.sqrt()) * k as f64);
                        let ring = (1.0 - z * z).sqrt();
                        vec![ring * angle.cos(), ring * angle.sin(), z]
                    };
                    let point = centre.iter().zip(&normal).map(|(c, n)| c + r * n).collect();
                    found.push(Rim { point, normal });
                }
            }
            Self::Polygon(corners) => {
                let each = (count / corners.len()).max(2);
                for (i, a) in corners.iter().enumerate() {
                    let b = corners[(i + 1) % corners.len()];
                    let length = (b[0] - a[0]).hypot(b[1] - a[1]);
                    for x in crate::features::chebyshev_points(each) {
                        let s = 0.5 * (x + 1.0);
                        let point = vec![a[0] + s * (b[0] - a[0]), a[1] + s * (b[1] - a[1])];
                        found.push(Rim { point, normal: vec![(b[1] - a[1]) / length, (a[0] - b[0]) / length] });
                    }
                }
            }
        }
    }
}

fn distance2(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// An odd number of edges to the right.
fn in_polygon(corners: &[[f64; 2]], x: &[f64]) -> bool {
    let mut inside = false;
    for (i, a) in corners.iter().enumerate() {
        let b = corners[(i + 1) % corners.len()];
        if (a[1] > x[1]) != (b[1] > x[1]) && x[0] < (b[0] - a[0]) * (x[1] - a[1]) / (b[1] - a[1]) + a[0] {
            inside = !inside;
        }
    }
    inside
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn refuse(&self, reason: &str) -> PinnError {
        PinnError::Formula { key: KEY.into(), inside: self.at..self.text.len().max(self.at), reason: reason.into() }
    }

    fn space(&mut self) {
        self.at += self.text[self.at..].len() - self.text[self.at..].trim_start().len();
    }

    fn take(&mut self, mark: char) -> bool {
        self.space();
        let there = self.text[self.at..].starts_with(mark);
        self.at += if there { mark.len_utf8() } else { 0 };
        there
    }

    fn shape(&mut self, depth: usize) -> Result<Shape, PinnError> {
        let mut left = self.piece(depth)?;
        loop {
            let join: fn(Box<Shape>, Box<Shape>) -> Shape = if self.take('+') {
                Shape::Union
            } else if self.take('-') {
                Shape::Difference
            } else if self.take('&') {
                Shape::Intersection
            } else {
                return Ok(left);
            };
            let right = self.piece(depth)?;
            if right.dims() != left.dims() {
                return Err(
                    self.refuse("shapes of different dimensions cannot be joined; use a ball with a box of 6 numbers")
                );
            }
            left = join(Box::new(left), Box::new(right));
        }
    }

    fn piece(&mut self, depth: usize) -> Result<Shape, PinnError> {
        if depth > DEEPEST {
            return Err(self.refuse("parentheses nest too deeply"));
        }
        if self.take('(') {
            let inner = self.shape(depth + 1)?;
            return if self.take(')') { Ok(inner) } else { Err(self.refuse("a \")\" is missing")) };
        }
        self.space();
        let begin = self.at;
        let rest = &self.text[begin..];
        let name = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len())];
        self.at += name.len();
        if !self.take('(') {
            self.at = begin;
            return Err(
                self.refuse("a shape is missing here: rectangle, disk, ball, polygon or annulus with its numbers")
            );
        }
        let end = self.text[self.at..].find(')').map(|end| self.at + end);
        let Some(end) = end else { return Err(self.refuse("a \")\" is missing")) };
        let numbers: Option<Vec<f64>> = self.text[self.at..end].split(',').map(number).collect();
        let Some(numbers) = numbers else { return Err(self.refuse("these must be numbers, separated by commas")) };
        self.at = end + 1;
        self.primitive(name, &numbers, begin)
    }

    fn primitive(&mut self, name: &str, numbers: &[f64], begin: usize) -> Result<Shape, PinnError> {
        let refuse =
            |reason: &str| PinnError::Formula { key: KEY.into(), inside: begin..self.at, reason: reason.into() };
        match (name, numbers) {
            ("rectangle" | "box", &[a, b, c, d]) if a < c && b < d => Ok(Shape::Box(vec![a, b], vec![c, d])),
            ("rectangle" | "box", &[a, b, c, d, e, f]) if a < d && b < e && c < f => {
                Ok(Shape::Box(vec![a, b, c], vec![d, e, f]))
            }
            ("rectangle" | "box", _) => {
                Err(refuse("a rectangle has its lower left and its upper right corner: rectangle(x0,y0, x1,y1)"))
            }
            ("disk" | "ball", &[x, y, r]) if r > 0.0 => Ok(Shape::Ball(vec![x, y], r)),
            ("disk" | "ball", &[x, y, z, r]) if r > 0.0 => Ok(Shape::Ball(vec![x, y, z], r)),
            ("disk" | "ball", _) => {
                Err(refuse("a disk has its centre and a radius above 0: disk(x,y, r), ball(x,y,z, r)"))
            }
            ("annulus", &[x, y, inner, outer]) if 0.0 < inner && inner < outer => Ok(Shape::Difference(
                Box::new(Shape::Ball(vec![x, y], outer)),
                Box::new(Shape::Ball(vec![x, y], inner)),
            )),
            ("annulus", _) => {
                Err(refuse("an annulus has its centre, the inner and the outer radius: annulus(x,y, r, R)"))
            }
            ("polygon", corners) if corners.len() >= 6 && corners.len().is_multiple_of(2) => {
                Ok(Shape::Polygon(corners.chunks_exact(2).map(|c| [c[0], c[1]]).collect()))
            }
            ("polygon", _) => Err(refuse("a polygon has at least three corners, two numbers each")),
            _ => Err(refuse("there is no such shape; there are rectangle, disk, ball, polygon and annulus")),
        }
    }
}
