//! Numbers as people write them: a true minus sign, `10⁶` for large powers, and a value rounded to what its error allows.

/// `value` to `digits` significant digits; `—` if it is not finite.
///
/// ```
/// use vecfield_plot::significant;
/// assert_eq!(significant(0.024834, 3), "0.0248");
/// assert_eq!(significant(-1234.6, 4), "−1235");
/// assert_eq!(significant(3.2e-9, 2), "3.2·10⁻⁹");
/// assert_eq!(significant(f64::NAN, 3), "—");
/// ```
pub fn significant(value: f64, digits: usize) -> String {
    let digits = digits.clamp(1, 17);
    if !value.is_finite() {
        return "—".into();
    }
    if value == 0.0 {
        return "0".into();
    }
    // Rounding first, so that 9.996 at three digits counts as 10.0 and not as a one-digit integer part.
    let scientific = format!("{:.*e}", digits - 1, value);
    let (mantissa, exponent) = scientific.split_once('e').expect("the exponent format always has an e");
    let exponent: i32 = exponent.parse().expect("the exponent format ends in an integer");
    if (-4..6.max(digits as i32)).contains(&exponent) {
        let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
        let value: f64 = scientific.parse().expect("the exponent format is a number");
        return minus(&grouped(&format!("{value:.decimals$}")));
    }
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    match mantissa {
        "1" => format!("10{}", superscript(exponent)),
        "-1" => format!("−10{}", superscript(exponent)),
        _ => minus(&format!("{mantissa}·10{}", superscript(exponent))),
    }
}

/// A value and its standard error, both rounded to the decimal of the error's second digit.
///
/// ```
/// use vecfield_plot::with_error;
/// assert_eq!(with_error(0.48123, 0.00752), ("0.4812".into(), "0.0075".into()));
/// assert_eq!(with_error(1234.0, 150.0), ("1230".into(), "150".into()));
/// ```
pub fn with_error(value: f64, error: f64) -> (String, String) {
    if !value.is_finite() || !error.is_finite() || error <= 0.0 {
        return (significant(value, 5), if error == 0.0 { "0".into() } else { significant(error, 2) });
    }
    let place = last_place(error);
    let leading = if value == 0.0 { place } else { value.abs().log10().floor() as i32 };
    // An error much larger than the value still leaves one digit of it.
    let digits = (leading - place + 1).clamp(1, 12) as usize;
    (significant(value, digits), significant(error, 2))
}

/// The decimal exponent of the second significant digit.
fn last_place(error: f64) -> i32 {
    let scientific = format!("{error:.1e}");
    let exponent = scientific.split_once('e').and_then(|(_, e)| e.parse::<i32>().ok());
    exponent.expect("the exponent format ends in an integer") - 1
}

/// `value` with exactly `decimals` places, for tick labels; never `-0`.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    minus(&grouped(if is_zero { text.trim_start_matches('-') } else { &text }))
}

/// `10ⁿ`'s exponent.
pub(crate) fn superscript(exponent: i32) -> String {
    let raised = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
    };
    exponent.to_string().chars().map(raised).collect()
}

/// Narrow no-break spaces between groups of three, from five digits on: a year stays a year.
fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest.find('.').map_or((rest, ""), |dot| rest.split_at(dot));
    if whole.len() < 5 {
        return text.to_owned();
    }
    let mut out = sign.to_owned();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out + fraction
}

fn minus(text: &str) -> String {
    text.replace('-', "−")
}
