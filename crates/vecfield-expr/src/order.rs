//! An order for what is defined by each other.

/// An order in which everything comes after what it needs (`needs[i]` are the places of what `i` needs), or a circle, its
/// first item once more at its end.
///
/// ```
/// use vecfield_expr::dependency_order;
///
/// assert_eq!(dependency_order(&[vec![1, 2], vec![2], vec![]]), Ok(vec![2, 1, 0]));
/// assert_eq!(dependency_order(&[vec![1], vec![0]]), Err(vec![0, 1, 0]));
/// ```
///
/// # Errors
///
/// The circle.
///
/// # Panics
///
/// If something needs what is not there.
pub fn dependency_order(needs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut waiting: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut needed_by = vec![Vec::new(); needs.len()];
    for (i, list) in needs.iter().enumerate() {
        for &j in list {
            needed_by[j].push(i);
        }
    }
    let mut order: Vec<usize> = (0..needs.len()).filter(|&i| waiting[i] == 0).collect();
    let mut done = 0;
    while let Some(&i) = order.get(done) {
        done += 1;
        for &j in &needed_by[i] {
            waiting[j] -= 1;
            if waiting[j] == 0 {
                order.push(j);
            }
        }
    }
    let Some(start) = (0..needs.len()).find(|&i| waiting[i] > 0) else { return Ok(order) };
    // Whatever still waits needs something that waits: following that must come back to a place already seen.
    let mut path = vec![start];
    loop {
        let last = path[path.len() - 1];
        let Some(&next) = needs[last].iter().find(|&&j| waiting[j] > 0) else { return Err(path) };
        if let Some(seen) = path.iter().position(|&i| i == next) {
            path.push(next);
            return Err(path.split_off(seen));
        }
        path.push(next);
    }
}
