//! What the gallery has: the files of `examples/` and `data/`, a line on what each shows, and its command.
//!
//! `gallery/` leads to those two folders of the repository, so that the package holds what the program is built from.

/// Files to begin with.
pub(super) struct Example {
    /// As users type it.
    pub(super) name: &'static str,
    /// What one sees, in a line.
    pub(super) shows: &'static str,
    /// Names and contents.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// What follows `vecfield`; words that are names of `files` stand for them, wherever they were written.
    pub(super) command: &'static [&'static str],
}

/// Files by their names and the folders of the repository that they lie in.
macro_rules! files {
    ($($folder:literal / $name:literal),*) => {
        &[$(($name, include_str!(concat!("../../../gallery/", $folder, "/", $name)))),*]
    };
}

/// The gallery, in the order of the six questions.
pub(super) const GALLERY: &[Example] = &[
    Example {
        name: "lotka-volterra",
        shows: "hares and lynxes, a circle of plenty and hunger",
        files: files!["examples" / "lotka-volterra.toml"],
        command: &["solve", "lotka-volterra.toml"],
    },
    Example {
        name: "lorenz",
        shows: "a convection cell, the first chaos",
        files: files!["examples" / "lorenz.toml"],
        command: &["solve", "lorenz.toml"],
    },
    Example {
        name: "lorenz-ensemble",
        shows: "a thousand of them, side by side in the processor's lanes",
        files: files!["examples" / "lorenz-ensemble.toml"],
        command: &["solve", "lorenz-ensemble.toml"],
    },
    Example {
        name: "bouncing-ball",
        shows: "events: five bounces, each with a jump",
        files: files!["examples" / "bouncing-ball.toml"],
        command: &["solve", "bouncing-ball.toml"],
    },
    Example {
        name: "robertson",
        shows: "a stiff reaction, over eleven orders of magnitude in time",
        files: files!["examples" / "robertson.toml"],
        command: &["solve", "robertson.toml"],
    },
    Example {
        name: "relaxation",
        shows: "a fast part treated implicitly, a slow one explicitly",
        files: files!["examples" / "relaxation.toml"],
        command: &["solve", "relaxation.toml", "--method", "kc4-imex"],
    },
    Example {
        name: "pendulum",
        shows: "a pendulum on its rod: an algebraic equation among the others",
        files: files!["examples" / "pendulum.toml"],
        command: &["solve", "pendulum.toml"],
    },
    Example {
        name: "henon-heiles",
        shows: "a star in a galaxy, its energy kept to 1e-10 by a symplectic method",
        files: files!["examples" / "henon-heiles.toml"],
        command: &["solve", "henon-heiles.toml"],
    },
    Example {
        name: "outer-planets",
        shows: "Jupiter to Pluto over 550 years",
        files: files!["examples" / "outer-planets.toml"],
        command: &["solve", "outer-planets.toml"],
    },
    Example {
        name: "double-well",
        shows: "a particle that noise carries over a barrier: a stochastic equation",
        files: files!["examples" / "double-well.toml"],
        command: &["solve", "double-well.toml", "--paths", "1000", "--expect", "x^2"],
    },
    Example {
        name: "lynx-hare-fit",
        shows: "the constants behind 21 years of pelts, with priors and standard errors",
        files: files!["examples" / "lynx-hare.toml", "data" / "lynx-hare.csv"],
        command: &["fit", "lynx-hare.toml", "lynx-hare.csv"],
    },
    Example {
        name: "lynx-hare",
        shows: "the law behind 21 years of pelts, found from the numbers alone",
        files: files!["data" / "lynx-hare.csv"],
        command: &["discover", "lynx-hare.csv"],
    },
    Example {
        name: "yeast",
        shows: "the logistic law from 19 readings of a growing culture",
        files: files!["data" / "yeast.csv"],
        command: &["discover", "yeast.csv"],
    },
    Example {
        name: "swing",
        shows: "a damped pendulum that a known torque drives, as a sparse sum of terms",
        files: files!["examples" / "swing.csv"],
        command: &[
            "sindy",
            "swing.csv",
            "--control",
            "torque",
            "--library",
            "polynomial:1,custom:sin(angle)",
            "--known",
            "angle: speed",
        ],
    },
    Example {
        name: "lorenz-noisy",
        shows: "Lorenz' law from readings with noise, without a derivative",
        files: files!["examples" / "lorenz-noisy.csv"],
        command: &["sindy", "lorenz-noisy.csv"],
    },
    Example {
        name: "lorenz-noisier",
        shows: "the same with twice the noise, and the odds of what it then takes for the law",
        files: files!["examples" / "lorenz-noisier.csv"],
        command: &["sindy", "lorenz-noisier.csv"],
    },
    Example {
        name: "enzyme",
        shows: "Michaelis and Menten's rate, a quotient, from six noisy runs",
        files: files!["examples" / "enzyme.csv"],
        command: &["sindy", "enzyme.csv", "--implicit"],
    },
    Example {
        name: "burgers-field",
        shows: "a partial differential equation from a film of its solution",
        files: files!["examples" / "burgers.csv"],
        command: &["sindy", "burgers.csv", "--pde", "--grid=-8:0.25", "--periodic"],
    },
    Example {
        name: "planets",
        shows: "Kepler's third law, as a formula for a column of a table",
        files: files!["examples" / "planets.csv"],
        command: &["symreg", "planets.csv", "--target", "period"],
    },
    Example {
        name: "heating",
        shows: "a law in pieces: energy against the temperature outside, and where heating and cooling begin",
        files: files!["examples" / "heating.csv"],
        command: &["symreg", "heating.csv", "--target", "energy", "--operators", "+,-,*,/,>,cond"],
    },
    Example {
        name: "neural-ode",
        shows: "hares and lynxes once more, their law a network",
        files: files!["examples/train" / "neural-ode.toml", "data" / "lynx-hare.csv"],
        command: &["train", "neural-ode.toml", "lynx-hare.csv", "--out", "neural-ode-trained"],
    },
    Example {
        name: "neural-ode-early",
        shows: "the same from 16 of the 21 years, judged by all of them",
        files: files![
            "examples/train" / "neural-ode.toml",
            "examples/train" / "lynx-hare-early.csv",
            "data" / "lynx-hare.csv"
        ],
        command: &[
            "train",
            "neural-ode.toml",
            "lynx-hare-early.csv",
            "--test",
            "lynx-hare.csv",
            "--out",
            "neural-ode-early-trained",
        ],
    },
    Example {
        name: "ude",
        shows: "a law known in part, the rest of it a network",
        files: files!["examples/train" / "ude.toml", "examples/train" / "ude.csv"],
        command: &["train", "ude.toml", "ude.csv", "--out", "ude-trained"],
    },
    Example {
        name: "ode-classifier",
        shows: "a disc and the ring around it, told apart by a flow in three dimensions",
        files: files!["examples/train" / "ode-classifier.toml", "examples/train" / "ode-classifier.csv"],
        command: &["train", "ode-classifier.toml", "ode-classifier.csv", "--out", "ode-classifier-trained"],
    },
    Example {
        name: "latent-ode",
        shows: "spirals as readings of a hidden state, at irregular times",
        files: files!["examples/train" / "latent-ode.toml", "examples/train" / "latent-ode.csv"],
        command: &["train", "latent-ode.toml", "latent-ode.csv", "--out", "latent-ode-trained"],
    },
    Example {
        name: "neural-cde",
        shows: "which way a series turns, some of its cells missing",
        files: files![
            "examples/train" / "neural-cde.toml",
            "examples/train" / "neural-cde.csv",
            "examples/train" / "neural-cde.labels.csv"
        ],
        command: &[
            "train",
            "neural-cde.toml",
            "neural-cde.csv",
            "--labels",
            "neural-cde.labels.csv",
            "--out",
            "neural-cde-trained",
        ],
    },
    Example {
        name: "neural-sde",
        shows: "series that chance drives apart, and others like them",
        files: files!["examples/train" / "neural-sde.toml", "examples/train" / "neural-sde.csv"],
        command: &["train", "neural-sde.toml", "neural-sde.csv", "--out", "neural-sde-trained"],
    },
    Example {
        name: "latent-sde",
        shows: "a hidden state that chance pushes between two valleys",
        files: files!["examples/train" / "latent-sde.toml", "examples/train" / "latent-sde.csv"],
        command: &["train", "latent-sde.toml", "latent-sde.csv", "--out", "latent-sde-trained"],
    },
    Example {
        name: "cnf",
        shows: "the density of two moons, by a flow",
        files: files!["examples/train" / "cnf.toml", "examples/train" / "cnf.csv"],
        command: &["train", "cnf.toml", "cnf.csv", "--out", "cnf-trained"],
    },
    Example {
        name: "diffusion",
        shows: "the density of a spiral, by taking out noise",
        files: files!["examples/train" / "diffusion.toml", "examples/train" / "diffusion.csv"],
        command: &["train", "diffusion.toml", "diffusion.csv", "--out", "diffusion-trained"],
    },
    Example {
        name: "decay",
        shows: "y' = -y, its solution a network, to rounding",
        files: files!["examples/pinn" / "decay.toml", "examples/pinn" / "decay.csv"],
        command: &["pinn", "decay.toml", "--evaluate", "decay.csv"],
    },
    Example {
        name: "decay-adam",
        shows: "the same by the textbook's way, two layers and plain Adam",
        files: files!["examples/pinn" / "decay-adam.toml"],
        command: &["pinn", "decay-adam.toml"],
    },
    Example {
        name: "burgers",
        shows: "Burgers' equation and its shock, solved by a network",
        files: files!["examples/pinn" / "burgers.toml"],
        command: &["pinn", "burgers.toml"],
    },
    Example {
        name: "burgers-deep",
        shows: "the same shock by three layers, trained by self-scaled Broyden steps",
        files: files!["examples/pinn" / "burgers-deep.toml"],
        command: &["pinn", "burgers-deep.toml"],
    },
    Example {
        name: "rod",
        shows: "a rod that cools at its ends, and its conductivity from 60 readings",
        files: files!["examples/pinn" / "rod.toml", "examples/pinn" / "rod.csv"],
        command: &["pinn", "rod.toml", "--evaluate", "rod.csv"],
    },
];
