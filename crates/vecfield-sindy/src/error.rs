//! Why a data set gives no equations.

/// What is wrong with the data, the library or the request.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SindyError {
    /// The values of a variable are so large or small that products of them leave the range of a number.
    #[error(
        "the values of `{variable}` are about {size:e}, and their products are out of range; measure it in another unit"
    )]
    Unit {
        /// The variable.
        variable: String,
        /// Its root mean square.
        size: f64,
    },
    /// There is not enough to fit.
    #[error("{found} measurements of a variable are too few; at least {needed} are needed")]
    TooFewPoints {
        /// Measurements there are.
        found: usize,
        /// Measurements needed.
        needed: usize,
    },
    /// Sample times are so uneven that smoothing loses all digits.
    #[error(
        "sample times nearly coincide: the smallest gap is lost beside the largest; merge measurements taken at the \
         same time, or split the run at its long gap"
    )]
    SpacingTooUneven,
    /// More candidates than measurements.
    #[error(
        "{features} features cannot be told apart by {rows} rows; use a smaller library (a lower degree), or measure more"
    )]
    MoreFeaturesThanRows {
        /// Features in the library.
        features: usize,
        /// Independent rows.
        rows: usize,
    },
    /// Two features are the same on these data.
    #[error(
        "the features `{first}` and `{second}` are proportional on these data; remove one of them from the library, or \
         measure where they differ"
    )]
    Collinear {
        /// One feature.
        first: String,
        /// The other.
        second: String,
    },
    /// A feature is a combination of several others.
    #[error(
        "the feature `{feature}` is a combination of others on these data ({others}); remove one of them from the \
         library, or measure where they differ"
    )]
    Dependent {
        /// The feature.
        feature: String,
        /// The features it is made of, comma-separated.
        others: String,
    },
    /// A feature vanishes.
    #[error("the feature `{feature}` is zero on all the data; remove it from the library")]
    ZeroFeature {
        /// The feature.
        feature: String,
    },
    /// A feature is not finite on the data.
    #[error("the feature `{feature}` is not finite at t = {t}; remove it, or restrict the data to where it is defined")]
    FeatureNotFinite {
        /// The feature.
        feature: String,
        /// A time at which it is not.
        t: f64,
    },
    /// A derivative by differences needs every cell.
    #[error(
        "variable `{variable}` has a missing value at t = {t}; finite differences need every cell: use the integral form \
         (`--weak`) or `--derivative spline`"
    )]
    MissingCell {
        /// The variable.
        variable: String,
        /// The time.
        t: f64,
    },
    /// The text of a library cannot be read.
    #[error("`{text}` is not a library: {problem}; write for example `polynomial:3,fourier:2,\"custom:exp(-x)\"`")]
    LibrarySyntax {
        /// The part that cannot be read.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A library would be too large.
    #[error("the library has {features} features, more than {most}; lower the degree or use fewer variables")]
    TooManyFeatures {
        /// Features it would have.
        features: usize,
        /// Features allowed.
        most: usize,
    },
    /// Features of a support depend on each other.
    #[error(
        "feature number {feature} is a combination of others in its support; check the library against the data first"
    )]
    SingularSupport {
        /// Index of the feature.
        feature: usize,
    },
    /// A known part cannot be read.
    #[error("`{text}` is not a known part of an equation; write `variable: formula`, for example `x: -0.5*x`")]
    KnownSyntax {
        /// The text.
        text: String,
    },
    /// A constraint cannot be read.
    #[error(
        "`{text}` is no constraint: {problem}; write for example `x[y] = -x[x]`, where `x[y]` is the coefficient of `y` in the equation of \
         `x`, `z[z] <= 0`, or `energy`"
    )]
    ConstraintSyntax {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A constraint is of a term that is not in the library.
    #[error("there is no term `{term}` in the library; did you mean `{nearest}`?")]
    UnknownTerm {
        /// The term.
        term: String,
        /// The feature most like it.
        nearest: String,
    },
    /// Constraints exclude each other.
    #[error("the constraints contradict each other: no coefficients satisfy all of them; leave one out")]
    Contradiction,
    /// A selection knows no constraints.
    #[error("constraints are for the optimizers `auto`, `stlsq`, `sr3` and `trapping`, for sums; choose one of these")]
    ConstraintsNeedOther,
    /// Trapping is for quadratic systems.
    #[error(
        "a trapping region is of equations with constant, linear and quadratic terms, and `{term}` is none; take the library `polynomial:2` \
         and no known part"
    )]
    NotQuadratic {
        /// The term.
        term: String,
    },
    /// No bounded system was found.
    #[error(
        "no coefficients that keep the energy have a trapping region and come near the data; leave out `trapping`, or lower the threshold"
    )]
    NotTrapped,
    /// An equation has no library.
    #[error(
        "the equation of `{variable}` has no library; add `{variable}: polynomial:2` to `--library`, or a part without a variable for all equations \
         that are not named"
    )]
    NoCandidates {
        /// The variable.
        variable: String,
    },
    /// Units or symmetries that leave an equation no term.
    #[error(
        "units and symmetries leave the equation of `{variable}` no term of the library; give it one that may stand there, or look for a slip in \
         them"
    )]
    NothingAllowed {
        /// The variable.
        variable: String,
    },
    /// A unit cannot be read.
    #[error("`{text}`: {problem}")]
    UnitSyntax {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A symmetry cannot be read, or is none of this table.
    #[error(
        "`{text}` is no symmetry: {problem}; write for example `x: -x; y: -y`, `x: y; y: z; z: x` or `v: -v; t: -t`"
    )]
    SymmetrySyntax {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Data of other columns than those that a model was fitted to.
    #[error("the columns are {found}, and the equations are for {wanted}; give data with these, in this order")]
    OtherColumns {
        /// Variables and inputs of the data.
        found: String,
        /// Those of the model.
        wanted: String,
    },
    /// Constants inside features of quotients.
    #[error(
        "`{name}` is no variable, and constants inside features are fitted in sums; leave out `--implicit`, or give it a number"
    )]
    ConstantsNeedSums {
        /// The first of them.
        name: String,
    },
    /// Too many constants to look for.
    #[error("{found} constants inside features ({names}) are too many to look for; give numbers to all but {most}")]
    TooManyConstants {
        /// How many there are.
        found: usize,
        /// Their names.
        names: String,
        /// How many there may be.
        most: usize,
    },
    /// No value of the constants gives features that are numbers.
    #[error(
        "no value of the constants inside features ({names}) that was tried gives numbers on these data; check the formulas"
    )]
    NoConstants {
        /// Their names.
        names: String,
    },
    /// A known part is of a variable that is not there.
    #[error("there is no variable `{name}` in the data; did you mean `{nearest}`?")]
    UnknownVariable {
        /// The name.
        name: String,
        /// The variable most like it.
        nearest: String,
    },
    /// A model with inputs cannot run by itself.
    #[error(
        "the equations depend on inputs, whose values between and after the samples are not known; simulate a model without"
    )]
    NeedsInputs,
    /// Quotients are found by evidence alone.
    #[error(
        "quotients are found in integral form by evidence; leave out the other form (`--derivative`) and the other optimizer"
    )]
    RationalNeedsAuto,
    /// Measured rates are to be matched, and there are none.
    #[error(
        "measured rates are to be matched, and none are given; give them (`Fitting::with_rates`), or choose another form"
    )]
    NoRates,
    /// Measured rates are given, and something else is to be matched.
    #[error("measured rates are given, and the equations are to be matched to something else; choose `Form::Measured`")]
    RatesNeedForm,
    /// Measured rates are of other variables.
    #[error("there are {found} columns of rates, and {wanted} variables; give a rate for each, in their order")]
    OtherRates {
        /// Columns of rates.
        found: usize,
        /// Variables.
        wanted: usize,
    },
    /// Measured rates are of other times.
    #[error("the rates are not at the times of the states; give both for the same rows")]
    RatesAtOtherTimes,
    /// A text is no model.
    #[error("line {line} is none of a model; give what `Model::to_text` wrote, whole")]
    BadModel {
        /// The line, from 1.
        line: usize,
    },
    /// The fit was cut short.
    #[error("the fit was cut short before there were equations; give it more time, or fewer rows or terms")]
    Cut,
    /// One threshold cannot serve variables of such sizes.
    #[error(
        "values of `{small}` are about {least:e} and those of `{large}` {most:e}, so that no threshold serves the coefficients of both; give them \
         units of like size, or choose terms by `--optimizer auto`, `exact` or `lasso`"
    )]
    UnlikeSizes {
        /// The variable of the smallest values.
        small: String,
        /// Their root mean square.
        least: f64,
        /// The variable of the largest.
        large: String,
        /// Their root mean square.
        most: f64,
    },
    /// A map needs every cell.
    #[error(
        "variable `{variable}` has no value at t = {t}, and a map needs every one; leave the runs out, or split them at the gap"
    )]
    MissingValue {
        /// The variable.
        variable: String,
        /// The time.
        t: f64,
    },
    /// A map needs even times.
    #[error(
        "times are not even (at t = {t}); a map goes from a value to the next: give evenly spaced rows, or fit a differential equation"
    )]
    UnevenMap {
        /// Where they are not.
        t: f64,
    },
    /// A method needs even times.
    #[error(
        "times are not even (at t = {t}), which a spectral derivative needs; use `--derivative spline`, or the integral form (`--weak`)"
    )]
    UnevenTimes {
        /// Where they first are not.
        t: f64,
    },
    /// A grid cannot be read.
    #[error(
        "`{text}` is not a grid; write FIRST:STEP, the first point and the distance to the next, for example `-8:0.25`, or in two or three \
         dimensions one of these for each, with commas between them"
    )]
    GridSyntax {
        /// The text.
        text: String,
    },
    /// A grid has other points than the field.
    #[error("the grid has {points} points along a coordinate, and the field {columns}; give a coordinate for each")]
    GridPoints {
        /// Points of the grid.
        points: usize,
        /// Points of the field.
        columns: usize,
    },
    /// The points of a grid do not increase.
    #[error(
        "the points of the grid must increase, and {after} follows {before}; sort them, and the columns of the field with them"
    )]
    GridOrder {
        /// A point.
        before: f64,
        /// The next.
        after: f64,
    },
    /// A column is no point of a field.
    #[error(
        "column `{column}` is out of place in a field; name the columns u_0, u_1, .. in order, as many for each field; in two dimensions u_0_0, \
         u_0_1, .. u_1_0, .."
    )]
    NotAField {
        /// The column.
        column: String,
    },
    /// A field has too few points or times.
    #[error("a field of {points} points at {times} times is too small; at least {needed} of both are needed")]
    SmallField {
        /// Points of the grid.
        points: usize,
        /// Times of the longest run.
        times: usize,
        /// The fewest.
        needed: usize,
    },
    /// A field has a gap.
    #[error("`{variable}` has no value at t = {t}; a field must be complete: fill the cell, or leave out that time")]
    FieldCell {
        /// The column.
        variable: String,
        /// The time.
        t: f64,
    },
    /// The equations cannot be integrated.
    #[error("the equations cannot be integrated: {0}")]
    Solve(vecfield_solvers::SolveError),
}
