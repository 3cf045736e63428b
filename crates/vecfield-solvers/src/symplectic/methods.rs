//! The coefficients of symplectic methods.

use super::Splitting;

/// Every symplectic method, lowest order first.
pub const ALL: &[&Splitting] = &[
    &SYMPLECTIC_EULER_A,
    &SYMPLECTIC_EULER_B,
    &VERLET,
    &POSITION_VERLET,
    &MCLACHLAN_2,
    &RUTH_3,
    &YOSHIDA_4,
    &SUZUKI_4,
    &BLANES_MOAN_4,
    &YOSHIDA_6,
    &KAHAN_LI_6,
    &BLANES_MOAN_6,
    &YOSHIDA_8,
    &SUZUKI_UMENO_8,
    &KAHAN_LI_8,
];

/// Symplectic Euler, positions first.
pub const SYMPLECTIC_EULER_A: Splitting = Splitting {
    name: "symplectic-euler-a",
    order: 1,
    drifts: &[1.0],
    kicks: &[1.0],
    when: "teaching; positions move first",
    source: "de Vogelaere 1956; Hairer-Lubich-Wanner I.1.2",
};

/// Symplectic Euler, momenta first.
pub const SYMPLECTIC_EULER_B: Splitting = Splitting {
    name: "symplectic-euler-b",
    order: 1,
    drifts: &[0.0, 1.0],
    kicks: &[1.0, 0.0],
    when: "teaching; momenta move first",
    source: "de Vogelaere 1956; Hairer-Lubich-Wanner I.1.2",
};

/// Störmer–Verlet, kick–drift–kick: velocity Verlet, leapfrog.
pub const VERLET: Splitting = Splitting {
    name: "verlet",
    order: 2,
    drifts: &[0.0, 1.0],
    kicks: &[0.5, 0.5],
    when: "long runs at low accuracy: molecular dynamics, one force a step",
    source: "Verlet 1967; Hairer-Lubich-Wanner I.1.4",
};

/// Störmer–Verlet, drift–kick–drift: position Verlet.
pub const POSITION_VERLET: Splitting = Splitting {
    name: "position-verlet",
    order: 2,
    drifts: &[0.5, 0.5],
    kicks: &[1.0, 0.0],
    when: "as verlet, with the force in the middle of the step",
    source: "Tuckerman, Berne and Martyna 1992; Hairer-Lubich-Wanner I.1.4",
};

/// The member with the smallest error constants of the family drift–kick–drift–kick–drift of order two.
pub const MCLACHLAN_2: Splitting = Splitting {
    name: "mclachlan2",
    order: 2,
    drifts: &[MCLACHLAN, 1.0 - 2.0 * MCLACHLAN, MCLACHLAN],
    kicks: &[0.5, 0.5, 0.0],
    when: "long runs at low accuracy: a third of Verlet's error for the same forces",
    source: "McLachlan 1995, SIAM J. Sci. Comput. 16, section 4",
};
const MCLACHLAN: f64 = 0.193_183_327_503_783_56;

/// Ruth's method of order three, the first beyond Verlet; it is not symmetric.
pub const RUTH_3: Splitting = Splitting {
    name: "ruth3",
    order: 3,
    drifts: &[1.0, -2.0 / 3.0, 2.0 / 3.0],
    kicks: &[-1.0 / 24.0, 3.0 / 4.0, 7.0 / 24.0],
    when: "order three with three forces a step",
    source: "Ruth 1983",
};

/// The triple jump: three Verlet steps, the middle one backwards (found by Forest and Ruth, Suzuki, and Yoshida).
pub const YOSHIDA_4: Splitting = Splitting {
    name: "yoshida4",
    order: 4,
    drifts: &TRIPLE_JUMP.0,
    kicks: &TRIPLE_JUMP.1,
    when: "order four with three forces a step; blanes-moan4 errs less for the same work",
    source: "Forest and Ruth 1990; Yoshida 1990; Hairer-Lubich-Wanner II.4.4",
};
/// `1/(2 - ∛2)`.
const TRIPLE_JUMP: ([f64; 4], [f64; 4]) = of_verlet(&[1.351_207_191_959_657_5]);

/// Suzuki's fractal of five Verlet steps, smaller ones than the triple jump's.
pub const SUZUKI_4: Splitting = Splitting {
    name: "suzuki4",
    order: 4,
    drifts: &FRACTAL.0,
    kicks: &FRACTAL.1,
    when: "order four with five forces a step, robust at large steps",
    source: "Suzuki 1990; Hairer-Lubich-Wanner II.4.5",
};
/// `1/(4 - ∛4)`.
const FRACTAL: ([f64; 6], [f64; 6]) = of_verlet(&[0.414_490_771_794_375_77, 0.414_490_771_794_375_77]);

/// Blanes and Moan's method S₆ of order four.
pub const BLANES_MOAN_4: Splitting = Splitting {
    name: "blanes-moan4",
    order: 4,
    drifts: &BLANES_MOAN_SIX.0,
    kicks: &BLANES_MOAN_SIX.1,
    when: "long runs at medium accuracy: the most accurate of order four for its work",
    source: "Blanes and Moan 2002, J. Comput. Appl. Math. 142, Table 2, S6",
};
// The digits beyond those published solve the order conditions next to them.
const BLANES_MOAN_SIX: ([f64; 7], [f64; 7]) = palindrome(
    &[0.079_203_696_431_195_67, 0.353_172_906_049_773_97, -0.042_065_080_357_719_53],
    &[0.209_515_106_613_362, -0.143_851_773_179_818],
);

/// Yoshida's solution A of order six, seven Verlet steps.
pub const YOSHIDA_6: Splitting = Splitting {
    name: "yoshida6",
    order: 6,
    drifts: &SOLUTION_A.0,
    kicks: &SOLUTION_A.1,
    when: "order six with seven forces a step",
    source: "Yoshida 1990, Table 1, solution A; Hairer-Lubich-Wanner V.3, eq. (3.11)",
};
const SOLUTION_A: ([f64; 8], [f64; 8]) =
    of_verlet(&[0.784_513_610_477_557_3, 0.235_573_213_359_358_13, -1.177_679_984_178_871]);

/// Kahan and Li's nine Verlet steps of order six.
pub const KAHAN_LI_6: Splitting = Splitting {
    name: "kahan-li6",
    order: 6,
    drifts: &NINE.0,
    kicks: &NINE.1,
    when: "order six with nine forces a step, a tenth of yoshida6's error",
    source: "Kahan and Li 1997, s9odr6a; Hairer-Lubich-Wanner V.3, eq. (3.12)",
};
const NINE: ([f64; 10], [f64; 10]) =
    of_verlet(&[0.392_161_444_007_314_1, 0.332_599_136_789_359_43, -0.706_246_172_557_639_3, 0.082_213_596_293_550_8]);

/// Blanes and Moan's method S₁₀ of order six.
pub const BLANES_MOAN_6: Splitting = Splitting {
    name: "blanes-moan6",
    order: 6,
    drifts: &BLANES_MOAN_TEN.0,
    kicks: &BLANES_MOAN_TEN.1,
    when: "long runs at high accuracy: the most accurate of order six for its work",
    source: "Blanes and Moan 2002, J. Comput. Appl. Math. 142, Table 2, S10",
};
const BLANES_MOAN_TEN: ([f64; 11], [f64; 11]) = palindrome(
    &[
        0.050_262_764_400_392_686,
        0.413_514_300_428_343_8,
        0.045_079_889_794_398_066,
        -0.188_054_853_819_568_9,
        0.541_960_678_450_780_1,
    ],
    &[0.148_816_447_901_043_23, -0.132_385_865_767_783_66, 0.067_307_604_692_184_46, 0.432_666_402_578_173_6],
);

/// Yoshida's solution D of order eight, fifteen Verlet steps.
pub const YOSHIDA_8: Splitting = Splitting {
    name: "yoshida8",
    order: 8,
    drifts: &SOLUTION_D.0,
    kicks: &SOLUTION_D.1,
    when: "order eight with fifteen forces a step; kahan-li8 errs less for the same work",
    source: "Yoshida 1990, Table 2, solution D",
};
const SOLUTION_D: ([f64; 16], [f64; 16]) = of_verlet(&[
    0.914_844_246_229_791_5,
    0.253_693_336_566_211_35,
    -1.444_852_236_860_605_2,
    -0.158_240_635_368_050_2,
    1.938_139_137_622_526,
    -1.960_610_232_975_310_8,
    0.102_799_849_391_796_44,
]);

/// Suzuki and Umeno's fifteen Verlet steps of order eight.
pub const SUZUKI_UMENO_8: Splitting = Splitting {
    name: "suzuki-umeno8",
    order: 8,
    drifts: &FIFTEEN.0,
    kicks: &FIFTEEN.1,
    when: "order eight with fifteen forces a step, all steps shorter than the whole",
    source: "Suzuki and Umeno 1993; Hairer-Lubich-Wanner V.3, eq. (3.13)",
};
const FIFTEEN: ([f64; 16], [f64; 16]) = of_verlet(&[
    0.741_670_364_350_613,
    -0.409_100_825_800_031_6,
    0.190_754_710_296_238_4,
    -0.573_862_471_116_082_2,
    0.299_064_181_303_655_9,
    0.334_624_918_245_298_16,
    0.315_293_092_396_766_6,
]);

/// Kahan and Li's seventeen Verlet steps of order eight.
pub const KAHAN_LI_8: Splitting = Splitting {
    name: "kahan-li8",
    order: 8,
    drifts: &SEVENTEEN.0,
    kicks: &SEVENTEEN.1,
    when: "long runs near the precision of the numbers: planets over millions of years",
    source: "Kahan and Li 1997, s17odr8a; Hairer-Lubich-Wanner V.3, eq. (3.14)",
};
const SEVENTEEN: ([f64; 18], [f64; 18]) = of_verlet(&[
    0.130_202_483_088_890_07,
    0.561_162_981_775_108_4,
    -0.389_474_962_644_847_3,
    0.158_841_906_555_155_6,
    -0.395_903_894_133_237_57,
    0.184_539_640_978_315_7,
    0.258_374_387_686_322_04,
    0.295_011_723_609_310_3,
]);

const _: () = {
    let mut i = 0;
    while i < ALL.len() {
        ALL[i].check();
        i += 1;
    }
};

/// Verlet steps of these sizes, of a middle one that brings their sum to one, and of the same sizes in reverse:
/// drift–kick–drift each, neighbouring drifts as one. `S` is the number of steps and one more.
const fn of_verlet<const S: usize>(first: &[f64]) -> ([f64; S], [f64; S]) {
    assert!(S == 2 * first.len() + 2, "the sizes before the middle, it, the same again, and one place more");
    let (mut kicks, mut middle, mut i) = ([0.0; S], 1.0, 0);
    while i < first.len() {
        kicks[i] = first[i];
        kicks[S - 2 - i] = first[i];
        middle -= 2.0 * first[i];
        i += 1;
    }
    kicks[first.len()] = middle;
    let (mut drifts, mut before, mut i) = ([0.0; S], 0.0, 0);
    while i < S {
        drifts[i] = (before + kicks[i]) / 2.0;
        before = kicks[i];
        i += 1;
    }
    (drifts, kicks)
}

/// Drifts `a₁, .., a_k, a, a_k, .., a₁` and kicks `b₁, .., b_l, b, b, b_l, .., b₁` by turns, the middle ones such that both
/// sum to one. `S` is the number of drifts.
const fn palindrome<const S: usize>(a: &[f64], b: &[f64]) -> ([f64; S], [f64; S]) {
    assert!(S == 2 * a.len() + 1 && a.len() == b.len() + 1, "one drift more than kicks");
    let (mut drifts, mut middle, mut i) = ([0.0; S], 1.0, 0);
    while i < a.len() {
        drifts[i] = a[i];
        drifts[S - 1 - i] = a[i];
        middle -= 2.0 * a[i];
        i += 1;
    }
    drifts[a.len()] = middle;
    let (mut kicks, mut middle, mut i) = ([0.0; S], 0.5, 0);
    while i < b.len() {
        kicks[i] = b[i];
        kicks[S - 2 - i] = b[i];
        middle -= b[i];
        i += 1;
    }
    kicks[b.len()] = middle;
    kicks[b.len() + 1] = middle;
    (drifts, kicks)
}
