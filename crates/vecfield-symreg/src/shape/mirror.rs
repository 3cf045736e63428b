//! Rows in the mirror: what is fitted to rows and their images under a symmetry is symmetric by itself.

use super::{Shape, Shapes};
use crate::table::Table;

impl Shapes {
    /// The table with the image of every row under each of the symmetries; `None` where there is none.
    pub(crate) fn mirrored(&self, table: &Table) -> Option<Table> {
        let place = |name: &String| table.names.iter().position(|known| known == name);
        let mut mirrored = table.clone();
        for shape in &self.of {
            let mut image = mirrored.clone();
            match shape {
                Shape::Even(x) | Shape::Odd(x) => image.columns[place(x)?].iter_mut().for_each(|x| *x = -*x),
                Shape::Symmetric(x, y) | Shape::Antisymmetric(x, y) => image.columns.swap(place(x)?, place(y)?),
                _ => continue,
            }
            if matches!(shape, Shape::Odd(_) | Shape::Antisymmetric(..)) {
                image.target.iter_mut().for_each(|y| *y = -*y);
            }
            mirrored.append(image);
        }
        (mirrored.rows() > table.rows()).then_some(mirrored)
    }
}
