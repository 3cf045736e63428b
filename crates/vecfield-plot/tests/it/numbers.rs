use proptest::prelude::*;
use vecfield_plot::{Ticks, significant, with_error};

/// Any finite range, of any magnitude and width.
fn range() -> impl Strategy<Value = (f64, f64)> {
    (-1e3..1e3_f64, 0.0..1e3_f64, -200..200_i32).prop_map(|(low, width, exponent)| {
        let unit = 10_f64.powi(exponent);
        (low * unit, (low + width) * unit)
    })
}

fn parsed(label: &str) -> f64 {
    let plain: String = label.chars().filter(|c| *c != '\u{202f}').map(|c| if c == '−' { '-' } else { c }).collect();
    let raised = |text: &str| {
        text.chars()
            .map(|c| match c {
                '⁻' => '-',
                '¹' => '1',
                '²' => '2',
                '³' => '3',
                c => char::from_digit((c as u32).wrapping_sub('⁰' as u32), 10).unwrap_or('?'),
            })
            .collect::<String>()
    };
    let power = |sign: &str, text: &str| format!("{sign}1e{}", raised(text)).parse().expect("a power of ten");
    match plain.split_once("·10") {
        Some((mantissa, power)) => format!("{mantissa}e{}", raised(power)).parse().expect("a number"),
        None if plain.ends_with(|c: char| raised(&c.to_string()) != "?" && !c.is_ascii()) => {
            match plain.strip_prefix("-10") {
                Some(exponent) => power("-", exponent),
                None => power("", plain.trim_start_matches("10")),
            }
        }
        None => plain.parse().expect("a number"),
    }
}

proptest! {
    /// Ticks cover what they were asked to cover, evenly, with no more than half as many intervals again as asked.
    #[test]
    fn ticks_cover_the_range((low, high) in range(), count in 1_usize..10) {
        let ticks = Ticks::covering(low, high, count);
        let (values, step) = (ticks.values(), ticks.step());
        prop_assert!(values[0] <= low + 1e-9 * step && values[values.len() - 1] >= high - 1e-9 * step, "{values:?} for {low}..{high}");
        prop_assert!(values.len() as f64 <= 1.6 * count as f64 + 3.0, "{} ticks for {count} intervals", values.len());
        prop_assert!(values.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 1e-6 * step));
    }

    /// The step is 1, 2, 2.5 or 5 times a power of ten, and every tick a multiple of it.
    #[test]
    fn ticks_are_round((low, high) in range(), count in 1_usize..10) {
        let ticks = Ticks::covering(low, high, count);
        let fraction = ticks.step() / 10_f64.powf(ticks.step().log10().floor());
        prop_assert!([1.0, 2.0, 2.5, 5.0, 10.0].iter().any(|nice| (fraction - nice).abs() < 1e-6), "{fraction}");
        // Rounding of a product is half a unit in the last place of a multiple of up to 1e9 steps.
        prop_assert!(ticks.values().iter().all(|v| (v / ticks.step() - (v / ticks.step()).round()).abs() < 1e-5));
    }

    /// A label says its tick's value, and different ticks have different labels.
    #[test]
    fn labels_say_the_value((low, high) in range(), count in 1_usize..10) {
        let ticks = Ticks::covering(low, high, count);
        let labels: Vec<_> = ticks.values().iter().map(|&v| ticks.label(v)).collect();
        for (label, value) in labels.iter().zip(ticks.values()) {
            prop_assert!((parsed(label) - value).abs() <= 1e-6 * ticks.step(), "{label} for {value}");
        }
        prop_assert!(labels.windows(2).all(|pair| pair[0] != pair[1]), "{labels:?}");
    }

    /// Any two numbers at all, infinities and NaN too, give ticks.
    #[test]
    fn any_range_has_ticks(low in any::<f64>(), high in any::<f64>()) {
        let ticks = Ticks::covering(low, high, 5);
        prop_assert!(ticks.values().len() >= 2 && ticks.values().iter().all(|v| v.is_finite()));
    }

    /// Rounding to n digits moves a value by half a unit of the last one.
    #[test]
    fn significant_digits(mantissa in 1.0..10.0_f64, exponent in -200..200_i32, digits in 1_usize..9) {
        let value = mantissa * 10_f64.powi(exponent);
        let shown = parsed(&significant(value, digits));
        prop_assert!((shown / value - 1.0).abs() <= 0.500_001 * 10_f64.powi(1 - digits as i32), "{shown} for {value}");
    }

    /// A value is shown to the place its error allows.
    #[test]
    fn errors_decide_the_digits(value in -1e3..1e3_f64, error in 1e-4..1e2_f64) {
        let (shown, stderr) = with_error(value, error);
        prop_assert!((parsed(&stderr) / error - 1.0).abs() <= 0.051);
        prop_assert!(value.abs() < error || (parsed(&shown) - value).abs() <= 0.051 * error, "{shown} ± {stderr} for {value} ± {error}");
    }
}
