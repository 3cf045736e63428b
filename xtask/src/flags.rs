//! The command line of `cargo xtask`.

xflags::xflags! {
    /// The project's own chores.
    cmd xtask {
        /// Everything that must hold before a change lands, with the time each step took.
        cmd ci {
            /// Only this step, as in `documented`; a step may need what earlier ones build.
            optional --only step: String
        }
        /// Rules that the compiler does not check: layers, front pages, lengths, documents.
        cmd tidy {}
        /// Writes the generated pages and builds the API documentation and the book.
        cmd docs {
            /// Fail where a generated page is out of date, instead of writing it.
            optional --check
            /// Only the generated pages.
            optional --pages
        }
        /// Compares the public items of every crate with those kept in `api/`.
        cmd api {
            /// Keep those of today.
            optional --keep
        }
        /// Begins a method, a layer or a feature: its files, and its lines in others.
        cmd new {
            /// `method`, `layer` or `feature` (a family of library terms).
            required kind: String
            /// Its name, as in `my-method`.
            required name: String
        }
        /// Sets the book's formulas, for mdBook to call.
        cmd formulas {
            /// mdBook asks `supports RENDERER` first.
            repeated question: String
        }
        /// The long run: walk-throughs, features together, and the acceptance scripts that lie beside the repository, where there are any.
        cmd accept {
            /// Only `walk`, `features`, or the scripts whose name contains this.
            optional --only name: String
        }
        /// Runs the property tests and shows the smallest case that breaks one.
        cmd laws {
            /// Of this crate, with or without `vecfield-` before it; of all unless said.
            optional member: String
            /// How many cases, in rounds of 256 with a seed each; a law that takes fewer a round keeps its share.
            optional --cases count: u32
            /// The seed of the first round.
            optional --seed seed: u64
        }
        /// Hands made-up inputs to every parser: none may panic, hang or eat the memory.
        cmd fuzz {
            /// Only this target; all unless said.
            optional target: String
            /// How many inputs each.
            optional --runs count: u64
        }
        /// Measures the hot paths on this machine.
        cmd bench {
            /// Only the measurements whose crate or example contains this.
            optional --only name: String
            /// Count instructions of the inner loops under valgrind instead, against the counts kept in the tree.
            optional --instructions
            /// With `--instructions`: keep the counts of this run.
            optional --keep
        }
        /// Times the same work done by other libraries, side by side, where their scripts lie beside the repository.
        cmd peers {
            /// What: `lorenz`, `sde`, `training`, `networks`, `regression`, or `ode` for work against precision;
            /// everything unless said.
            optional what: String
        }
    }
}
