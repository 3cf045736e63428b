//! Approximate minimum degree (Amestoy–Davis–Duff 1996) on the quotient graph: eliminated unknowns become *elements*, the
//! cliques they leave behind, and what an unknown sees is a list of unknowns and a list of elements.

use super::symmetric_graph;
use vecfield_traits::Sparsity;

/// An order in which to eliminate the unknowns, and what that costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elimination {
    /// `order[k]` is the unknown that comes `k`-th.
    pub order: Vec<usize>,
    /// About how many multiplications a factorisation takes, if every pivot lies on the diagonal.
    pub work: u64,
}

/// An order with few new non-zeros in the factors of a matrix with the pattern of `A + Aᵀ`.
pub fn minimum_degree(pattern: &Sparsity) -> Elimination {
    let mut quotient = Quotient::new(symmetric_graph(pattern));
    while let Some(pivot) = quotient.next() {
        quotient.eliminate(pivot);
    }
    Elimination { order: quotient.order(), work: quotient.work }
}

const NONE: u32 = u32::MAX;

struct Quotient {
    /// Unknowns seen directly, by unknown.
    unknowns: Vec<Vec<u32>>,
    /// Elements seen, by unknown.
    elements: Vec<Vec<u32>>,
    /// Unknowns of each element; empty once it is absorbed into a later one.
    members: Vec<Vec<u32>>,
    /// How many unknowns each stands for: more than one where several see the same, none once it is eliminated or merged.
    weight: Vec<u32>,
    /// The weight of each element's members.
    extent: Vec<u32>,
    /// The element or unknown each was merged into, in order.
    merged: Vec<Vec<u32>>,
    degrees: Degrees,
    eliminated: u32,
    work: u64,
    pivots: Vec<u32>,
    /// `Lₑ \ Lₚ` by weight, valid where `stamp` is the present one.
    outside: Vec<u32>,
    stamp: Vec<u32>,
    /// The pivot whose element each unknown is in.
    in_element: Vec<u32>,
}

impl Quotient {
    fn new(graph: Vec<Vec<u32>>) -> Quotient {
        let n = graph.len();
        let mut degrees = Degrees::new(n);
        for (i, neighbours) in graph.iter().enumerate().rev() {
            degrees.insert(i as u32, neighbours.len() as u32);
        }
        Quotient {
            unknowns: graph,
            elements: vec![Vec::new(); n],
            members: vec![Vec::new(); n],
            weight: vec![1; n],
            extent: vec![0; n],
            merged: vec![Vec::new(); n],
            degrees,
            eliminated: 0,
            work: 0,
            pivots: Vec::new(),
            outside: vec![0; n],
            stamp: vec![NONE; n],
            in_element: vec![NONE; n],
        }
    }

    fn next(&mut self) -> Option<u32> {
        self.degrees.take_least()
    }

    fn eliminate(&mut self, pivot: u32) {
        let p = pivot as usize;
        self.pivots.push(pivot);
        let before = self.eliminated;
        self.eliminated += self.weight[p];
        self.weight[p] = 0;
        let mut members = self.form_element(pivot);
        for &i in &members {
            self.degrees.remove(i);
            for &e in &self.elements[i as usize] {
                let e = e as usize;
                if self.extent[e] == 0 {
                    continue; // absorbed
                }
                if self.stamp[e] != pivot {
                    (self.stamp[e], self.outside[e]) = (pivot, self.extent[e]);
                }
                self.outside[e] -= self.weight[i as usize];
            }
        }
        let extent = members.iter().map(|&i| self.weight[i as usize]).sum::<u32>();
        let mut hashes = Vec::with_capacity(members.len());
        for &i in &members {
            if let Some(hash) = self.update(i, pivot, extent) {
                hashes.push((hash, i));
            }
        }
        self.merge_alike(hashes);
        members.retain(|&i| self.weight[i as usize] > 0);
        self.extent[p] = members.iter().map(|&i| self.weight[i as usize]).sum();
        let rest = self.weight.len() as u32 - self.eliminated;
        let together = self.eliminated - before;
        self.work += (0..together).map(|k| u64::from(k + self.extent[p]).pow(2)).sum::<u64>();
        for &i in &members {
            let weight = self.weight[i as usize];
            let degree = self.degrees.of[i as usize].saturating_sub(weight).min(rest - weight);
            self.degrees.insert(i, degree);
        }
        self.members[p] = members;
    }

    /// The unknowns that the elimination of `pivot` joins, which absorbs the elements it sees.
    fn form_element(&mut self, pivot: u32) -> Vec<u32> {
        let p = pivot as usize;
        self.in_element[p] = pivot;
        let mut members = Vec::new();
        let mut add = |list: &[u32]| {
            for &i in list {
                if self.weight[i as usize] > 0 && self.in_element[i as usize] != pivot {
                    self.in_element[i as usize] = pivot;
                    members.push(i);
                }
            }
        };
        add(&core::mem::take(&mut self.unknowns[p]));
        for e in core::mem::take(&mut self.elements[p]) {
            add(&core::mem::take(&mut self.members[e as usize]));
            self.extent[e as usize] = 0;
        }
        members
    }

    /// Forgets what `i` sees through the new element alone, bounds its degree (with its own weight still in it), and returns
    /// a hash of what it sees; `None` where that is the new element alone, so that `i` is eliminated with the pivot.
    fn update(&mut self, i: u32, pivot: u32, extent: u32) -> Option<u64> {
        let at = i as usize;
        let (mut degree, mut hash) = (0, 0_u64);
        let (extents, outside) = (&mut self.extent, &self.outside);
        self.elements[at].retain(|&e| {
            // An element inside the new one says nothing more: it is absorbed.
            let sees = extents[e as usize] > 0 && outside[e as usize] > 0;
            if sees {
                degree += outside[e as usize];
                hash = hash.wrapping_add(u64::from(e));
            } else {
                extents[e as usize] = 0;
            }
            sees
        });
        let (weights, in_element) = (&self.weight, &self.in_element);
        self.unknowns[at].retain(|&j| {
            let sees = weights[j as usize] > 0 && in_element[j as usize] != pivot;
            if sees {
                degree += weights[j as usize];
                hash = hash.wrapping_add(u64::from(j));
            }
            sees
        });
        if degree == 0 {
            self.eliminated += self.weight[at];
            self.weight[at] = 0;
            self.merged[pivot as usize].push(i);
            return None;
        }
        self.elements[at].push(pivot);
        let through_all = degree + extent;
        self.degrees.of[at] = through_all.min(self.degrees.of[at] + extent);
        Some(hash)
    }

    /// Merges unknowns that see the same, which stay alike until both are eliminated.
    fn merge_alike(&mut self, mut hashes: Vec<(u64, u32)>) {
        hashes.sort_unstable();
        for group in hashes.chunk_by(|a, b| a.0 == b.0) {
            for (k, &(_, i)) in group.iter().enumerate() {
                for &(_, j) in &group[k + 1..] {
                    if self.weight[i as usize] > 0 && self.weight[j as usize] > 0 && self.alike(i, j) {
                        self.weight[i as usize] += self.weight[j as usize];
                        self.weight[j as usize] = 0;
                        self.merged[i as usize].push(j);
                    }
                }
            }
        }
    }

    fn alike(&self, i: u32, j: u32) -> bool {
        let same = |lists: &[Vec<u32>]| {
            let (a, b) = (&lists[i as usize], &lists[j as usize]);
            a.len() == b.len() && a.iter().all(|x| b.contains(x))
        };
        same(&self.elements) && same(&self.unknowns)
    }

    /// The pivots with what was merged into them.
    fn order(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.weight.len());
        let mut stack = Vec::new();
        for &pivot in &self.pivots {
            stack.push(pivot);
            while let Some(i) = stack.pop() {
                order.push(i as usize);
                stack.extend(self.merged[i as usize].iter().rev());
            }
        }
        order
    }
}

/// Unknowns by degree, in doubly linked lists.
struct Degrees {
    of: Vec<u32>,
    head: Vec<u32>,
    next: Vec<u32>,
    before: Vec<u32>,
    least: usize,
}

impl Degrees {
    fn new(n: usize) -> Degrees {
        Degrees { of: vec![0; n], head: vec![NONE; n + 1], next: vec![NONE; n], before: vec![NONE; n], least: 0 }
    }

    fn insert(&mut self, i: u32, degree: u32) {
        let (at, slot) = (i as usize, degree as usize);
        self.of[at] = degree;
        let second = core::mem::replace(&mut self.head[slot], i);
        (self.next[at], self.before[at]) = (second, NONE);
        if second != NONE {
            self.before[second as usize] = i;
        }
        self.least = self.least.min(slot);
    }

    /// Takes `i` out; its degree stays.
    fn remove(&mut self, i: u32) {
        let (next, before) = (self.next[i as usize], self.before[i as usize]);
        match before {
            NONE => self.head[self.of[i as usize] as usize] = next,
            before => self.next[before as usize] = next,
        }
        if next != NONE {
            self.before[next as usize] = before;
        }
    }

    fn take_least(&mut self) -> Option<u32> {
        while *self.head.get(self.least)? == NONE {
            self.least += 1;
        }
        let i = self.head[self.least];
        self.remove(i);
        Some(i)
    }
}
