//! Order conditions of one-step methods from rooted trees, for any table: `Σ b_i Φ_i(τ) = 1/γ(τ)` for every tree `τ` of up to
//! `p` nodes (Hairer–Nørsett–Wanner I, II.2, theorem 2.13).
//!
//! | table | trees | `Φ_i(τ) = Π Σ_j w_ij Φ_j(branch)` over the branches of `τ` |
//! |---|---|---|
//! | Runge–Kutta, explicit or implicit: [`Forest::runge_kutta`] | [`Forest::plain`] | `w = A` |
//! | additive, `f = f⁰ + f¹ + ..`: [`Forest::additive`] | [`Forest::coloured`] | `w = A` of the colour of the branch's root |
//! | Rosenbrock: [`Forest::rosenbrock`] | [`Forest::plain`] | `w = α + Γ` below a single branch, `α` below several |
//!
//! A [`Weights`] then has a [`defect`](Conditions::defect) at every number of nodes, relative to the size of the terms that
//! cancel: coefficients correct to rounding leave less than [`ROUNDING`], whatever their size.

/// What correct coefficients may leave: some tens of roundings of the terms.
pub(crate) const ROUNDING: f64 = 1e-14;

/// All rooted trees up to a number of nodes, smallest first; nodes may have colours.
pub(crate) struct Forest {
    trees: Vec<Tree>,
}

/// Branches grafted onto a root, by their index in the forest.
struct Tree {
    nodes: u32,
    colour: usize,
    branches: Vec<usize>,
    /// `γ`, the product of the sizes of all subtrees.
    density: f64,
}

/// What the weights of a [`Conditions`] are to give.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// The step: `1/γ`.
    Step,
    /// The solution at a fraction `θ` of the step: `θ^|τ|/γ`.
    Dense(f64),
    /// Nothing, as the difference of two methods does: `0`.
    Nothing,
}

/// A number and the sum of the absolute values of the terms it was added up from, which its rounding is measured by.
#[derive(Clone, Copy)]
struct Sum {
    value: f64,
    size: f64,
}

/// `b`, one row a colour.
pub(crate) struct Weights(Vec<Vec<Sum>>);

/// `Φ_i(τ)` for all trees of a forest and all stages of a table.
pub(crate) struct Conditions<'a> {
    forest: &'a Forest,
    phi: Vec<Vec<Sum>>,
}

impl Forest {
    /// Trees of one colour.
    pub(crate) fn plain(nodes: u32) -> Forest {
        Forest::coloured(nodes, 1)
    }

    /// Trees whose every node has one of some colours.
    pub(crate) fn coloured(nodes: u32, colours: usize) -> Forest {
        let mut trees: Vec<Tree> = vec![];
        for size in 1..=nodes {
            let mut grown = vec![];
            graft(&trees, size - 1, trees.len(), &mut vec![], &mut grown);
            for branches in grown {
                let density = f64::from(size) * branches.iter().map(|&b: &usize| trees[b].density).product::<f64>();
                trees.extend((0..colours).map(|colour| {
                    let branches = branches.clone();
                    Tree { nodes: size, colour, branches, density }
                }));
            }
        }
        Forest { trees }
    }

    /// How many trees have this many nodes?
    pub(crate) fn count(&self, nodes: u32) -> usize {
        self.trees.iter().filter(|tree| tree.nodes == nodes).count()
    }

    /// `Y_i = y + h Σ a_ij f(Y_j)`; rows may be shorter than there are stages.
    pub(crate) fn runge_kutta(&self, a: &[Vec<f64>]) -> Conditions<'_> {
        self.conditions(a.len(), |_, _| a)
    }

    /// `Y_i = y + h Σ_c Σ_j a^c_ij f^c(Y_j)`, one matrix a colour.
    pub(crate) fn additive(&self, a: &[&[Vec<f64>]]) -> Conditions<'_> {
        self.conditions(a[0].len(), |_, branch| a[branch.colour])
    }

    /// `k_i = h f(y + Σ α_ij k_j) + h J Σ γ_ij k_j` with the exact Jacobian `J`; `beta` is `α + Γ`, its diagonal included
    /// (Hairer–Wanner II, IV.7, theorem 7.4).
    pub(crate) fn rosenbrock(&self, alpha: &[Vec<f64>], beta: &[Vec<f64>]) -> Conditions<'_> {
        let (alpha, beta) = (alpha.to_vec(), beta.to_vec());
        self.conditions(alpha.len(), |parent, _| if parent.branches.len() == 1 { &beta } else { &alpha })
    }

    /// `matrix` says which one an edge from a parent to the root of a branch stands for.
    fn conditions<'m>(&self, stages: usize, matrix: impl Fn(&Tree, &Tree) -> &'m [Vec<f64>]) -> Conditions<'_> {
        let mut phi: Vec<Vec<Sum>> = vec![];
        for tree in &self.trees {
            let stage = |i: usize| {
                tree.branches.iter().fold(Sum { value: 1.0, size: 1.0 }, |product, &branch| {
                    let row = matrix(tree, &self.trees[branch])[i].iter().map(|&a| Sum::of(a));
                    let sum = dot(row, &phi[branch]);
                    Sum { value: product.value * sum.value, size: product.size * sum.size }
                })
            };
            let row = (0..stages).map(stage).collect();
            phi.push(row);
        }
        Conditions { forest: self, phi }
    }
}

impl Weights {
    /// One weight a stage.
    pub(crate) fn of(b: &[f64]) -> Weights {
        Weights::additive(&[b])
    }

    /// One weight a stage and colour.
    pub(crate) fn additive(b: &[&[f64]]) -> Weights {
        Weights(b.iter().map(|b| b.iter().map(|&b| Sum::of(b)).collect()).collect())
    }

    /// Those of dense output: `b_i(θ) = Σ_p polynomials[i][p] θ^(p+1)`.
    pub(crate) fn dense<P: AsRef<[f64]>>(polynomials: &[P], theta: f64) -> Weights {
        let at = |polynomial: &P| {
            polynomial.as_ref().iter().rev().fold(Sum { value: 0.0, size: 0.0 }, |sum, w| Sum {
                value: (sum.value + w) * theta,
                size: (sum.size + w.abs()) * theta,
            })
        };
        Weights(vec![polynomials.iter().map(at).collect()])
    }
}

impl Conditions<'_> {
    /// The largest defect among the trees of exactly so many nodes, relative to the size of the terms.
    pub(crate) fn defect(&self, weights: &Weights, target: Target, nodes: u32) -> f64 {
        let trees = self.forest.trees.iter().zip(&self.phi).filter(|(tree, _)| tree.nodes == nodes);
        let defect = |(tree, phi): (&Tree, &Vec<Sum>)| {
            let expected = match target {
                Target::Step => 1.0 / tree.density,
                Target::Dense(theta) => theta.powi(nodes as i32) / tree.density,
                Target::Nothing => 0.0,
            };
            let row = weights.0.get(tree.colour).expect("weights for every colour");
            let sum = dot(row.iter().copied(), phi);
            let size = sum.size.max(expected);
            if size == 0.0 { 0.0 } else { (sum.value - expected).abs() / size }
        };
        trees.map(defect).fold(0.0, f64::max)
    }

    /// The order met to [`ROUNDING`], up to the largest trees there are.
    pub(crate) fn order(&self, weights: &Weights, target: Target) -> u32 {
        let largest = self.forest.trees.last().map_or(0, |tree| tree.nodes);
        (1..=largest).take_while(|&nodes| self.defect(weights, target, nodes) < ROUNDING).last().unwrap_or(0)
    }

    /// Panics unless the weights meet every condition up to `order`, and miss one of the next by a wide margin.
    pub(crate) fn assert_order(&self, what: &str, weights: &Weights, target: Target, order: u32) {
        for nodes in 1..=order {
            let defect = self.defect(weights, target, nodes);
            assert!(defect < ROUNDING, "{what}: trees of {nodes} nodes, off by {defect:e} of the terms");
        }
        let next = self.defect(weights, target, order + 1);
        let known = self.forest.count(order + 1) > 0;
        assert!(!known || next > 1e4 * ROUNDING, "{what} has a higher order than {order}");
    }
}

impl Sum {
    fn of(value: f64) -> Sum {
        Sum { value, size: value.abs() }
    }
}

fn dot(row: impl Iterator<Item = Sum>, phi: &[Sum]) -> Sum {
    row.zip(phi).fold(Sum { value: 0.0, size: 0.0 }, |sum, (a, phi)| Sum {
        value: sum.value + a.value * phi.value,
        size: sum.size + a.size * phi.size,
    })
}

/// Every multiset of trees with `left` nodes in all, in non-increasing order of index.
fn graft(trees: &[Tree], left: u32, below: usize, chosen: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) {
    if left == 0 {
        out.push(chosen.clone());
        return;
    }
    for i in (0..below).take_while(|&i| trees[i].nodes <= left) {
        chosen.push(i);
        graft(trees, left - trees[i].nodes, i + 1, chosen, out);
        chosen.pop();
    }
}

#[test]
fn trees_are_counted_right() {
    let (plain, two) = (Forest::plain(10), Forest::coloured(6, 2));
    // Hairer–Nørsett–Wanner I, II.2, Table 2.2; OEIS A000151.
    assert_eq!([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(|n| plain.count(n)), [1, 1, 2, 4, 9, 20, 48, 115, 286, 719]);
    assert_eq!([1, 2, 3, 4, 5, 6].map(|n| two.count(n)), [2, 4, 14, 52, 214, 916]);
}

/// Gauss's method of two stages is of order four, its parts as an additive method as well.
#[test]
fn gauss_is_of_order_four() {
    let root = 3.0_f64.sqrt() / 6.0;
    let a = vec![vec![0.25, 0.25 - root], vec![0.25 + root, 0.25]];
    let weights = Weights::of(&[0.5, 0.5]);
    Forest::plain(6).runge_kutta(&a).assert_order("gauss", &weights, Target::Step, 4);
    let twice = Weights::additive(&[&[0.5, 0.5], &[0.5, 0.5]]);
    assert_eq!(Forest::coloured(6, 2).additive(&[&a, &a]).order(&twice, Target::Step), 4);
}

/// The trapezoidal rule with Euler's explicit method for the second part: order one together, though each has one of its own.
#[test]
fn parts_that_do_not_fit_each_other_are_noticed() {
    let (trapezoid, euler) = (vec![vec![0.0, 0.0], vec![0.5, 0.5]], vec![vec![0.0, 0.0], vec![1.0, 0.0]]);
    let forest = Forest::coloured(3, 2);
    let together =
        |b: &[f64]| forest.additive(&[&trapezoid, &euler]).order(&Weights::additive(&[&[0.5, 0.5], b]), Target::Step);
    assert_eq!((together(&[1.0, 0.0]), together(&[0.5, 0.5])), (1, 2));
}

/// ROS2 (Verwer, Spee, Blom and Hundsdorfer 1999) is of order two for any `γ`; `1 - 1/√2` makes it L-stable.
#[test]
fn rosenbrock_conditions_see_the_jacobian() {
    let gamma = 1.0 - 0.5_f64.sqrt();
    let (alpha, beta) = (vec![vec![], vec![1.0]], vec![vec![gamma], vec![1.0 - 2.0 * gamma, gamma]]);
    let weights = Weights::of(&[0.5, 0.5]);
    Forest::plain(3).rosenbrock(&alpha, &beta).assert_order("ros2", &weights, Target::Step, 2);
    let plain = Forest::plain(3).rosenbrock(&alpha, &alpha).order(&weights, Target::Step);
    assert_eq!(plain, 2, "without Γ it is Heun's method");
}
