//! Colours and type, once for light, dark and print. SVG elements carry classes only; a page gives them colours through
//! custom properties, a stand-alone file gets the light colours written out (many SVG viewers know no `var()`).
//!
//! The variables' hues are those of Okabe and Ito (*Color Universal Design*, 2008), told apart with any colour vision.

/// How many hues there are; variables beyond them start over.
pub(crate) const HUES: usize = 6;

/// What an element is for; its colour follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// The `i`-th variable's hue, the same in every figure of a report.
    Variable(usize),
    /// The colour of text: a model's path in the phase plane, a chosen point.
    Ink,
    /// What stands behind: references, rejected models, the flow.
    Muted,
    /// One emphasis that is no variable's: measured points in the phase plane.
    Accent,
}

impl Tone {
    pub(crate) fn class(self) -> String {
        match self {
            Self::Variable(index) => format!("v{}", index % HUES),
            Self::Ink => "ink".into(),
            Self::Muted => "mut".into(),
            Self::Accent => "acc".into(),
        }
    }
}

struct Colour {
    name: &'static str,
    light: &'static str,
    dark: &'static str,
}

const fn colour(name: &'static str, light: &'static str, dark: &'static str) -> Colour {
    Colour { name, light, dark }
}

const COLOURS: [Colour; 18] = [
    colour("page", "#f6f6f3", "#101317"),
    colour("card", "#ffffff", "#181c22"),
    colour("ink", "#1b1f24", "#e8eaed"),
    colour("soft", "#5a626b", "#a3abb5"),
    colour("mut", "#8b939c", "#7d8690"),
    colour("rule", "#e3e4e0", "#2c323a"),
    colour("flow", "#b4bcc6", "#4a535f"),
    colour("acc", "#8e3f7e", "#e29bc3"),
    colour("v0", "#0072b2", "#56b4e9"),
    colour("v1", "#d55e00", "#f58a3c"),
    colour("v2", "#00866a", "#2fc79a"),
    colour("v3", "#a8558a", "#e29bc3"),
    colour("v4", "#b07800", "#e6b422"),
    colour("v5", "#3a86c8", "#9ecbf2"),
    colour("good", "#0b6b50", "#4fd3a6"),
    colour("warn", "#8a5a00", "#f0bd4f"),
    colour("bad", "#a1260d", "#ff8f75"),
    colour("wash", "#f1f2ee", "#20252c"),
];

/// The style of every figure, with colours as custom properties (`--v0`).
pub(crate) fn figure_style() -> String {
    COLOURS.iter().fold(FIGURE_STYLE.to_owned(), |style, colour| {
        style.replace(&format!("${};", colour.name), &format!("var(--{});", colour.name))
    })
}

/// The same with the light colours written out.
pub(crate) fn standalone_style() -> String {
    let style = COLOURS.iter().fold(FIGURE_STYLE.to_owned(), |style, colour| {
        style.replace(&format!("${};", colour.name), &format!("{};", colour.light))
    });
    style.split('\n').map(str::trim).collect()
}

/// Declarations of the custom properties: `--ink:#1b1f24;`.
pub(crate) fn light_properties() -> String {
    COLOURS.iter().map(|colour| format!("--{}:{};", colour.name, colour.light)).collect()
}

/// The same for a dark page.
pub(crate) fn dark_properties() -> String {
    COLOURS.iter().map(|colour| format!("--{}:{};", colour.name, colour.dark)).collect()
}

/// `$name;` stands for a colour. Every selector begins at `.vf`, so that a page's own classes cannot meet these.
const FIGURE_STYLE: &str = "\
.vf{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-size:12px}
.vf text{fill:$soft;font-variant-numeric:tabular-nums}
.vf .head{fill:$ink;font-size:13px;font-weight:600}
.vf .name{fill:$ink;font-size:12.5px}
.vf .empty{fill:$soft;font-style:italic;font-size:13px}
.vf .back{fill:$card;}
.vf .grid{stroke:$rule;stroke-width:1}
.vf .axis{stroke:$mut;stroke-width:1}
.vf .line{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}
.vf .thin{fill:none;stroke-width:1.1;stroke-linejoin:round;stroke-linecap:round;opacity:.75}
.vf .dash{fill:none;stroke-width:1.3;stroke-dasharray:5 4}
.vf .band{stroke:none;opacity:.17}
.vf .dot{stroke:$card;stroke-width:1.2}
.vf .dot.many{stroke-width:.5}
.vf .ring{fill:$card;stroke-width:1.7}
.vf .halo{fill:none;stroke-width:1.8}
.vf .faint{stroke:none;opacity:.5}
.vf .cloud{fill:none;stroke-linecap:round}
.vf .dim{opacity:.5}
.vf .stem{stroke-width:1.6;opacity:.55}
.vf .flow{fill:none;stroke:$flow;stroke-width:1.1;stroke-linecap:round;stroke-linejoin:round}
.vf .tip{fill:$flow;stroke:none}
.vf .s-v0{stroke:$v0;}.vf .s-v1{stroke:$v1;}.vf .s-v2{stroke:$v2;}.vf .s-v3{stroke:$v3;}.vf .s-v4{stroke:$v4;}.vf .s-v5{stroke:$v5;}
.vf .f-v0{fill:$v0;}.vf .f-v1{fill:$v1;}.vf .f-v2{fill:$v2;}.vf .f-v3{fill:$v3;}.vf .f-v4{fill:$v4;}.vf .f-v5{fill:$v5;}
.vf .s-ink{stroke:$ink;}.vf .f-ink{fill:$ink;}.vf .s-mut{stroke:$mut;}.vf .f-mut{fill:$mut;}.vf .s-acc{stroke:$acc;}.vf .f-acc{fill:$acc;}
";

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2, relative luminance.
    fn luminance(hex: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Text has a contrast of 4.5 on every ground, what is drawn one of 3 (WCAG 2.2, criteria 1.4.3 and 1.4.11).
    #[test]
    fn everything_can_be_read() {
        for pick in [|c: &Colour| c.light, |c: &Colour| c.dark] {
            let named = |name: &str| pick(COLOURS.iter().find(|colour| colour.name == name).unwrap());
            for (least, names) in [
                (4.5, &["ink", "soft", "good", "warn", "bad"][..]),
                (3.0, &["mut", "acc", "v0", "v1", "v2", "v3", "v4", "v5"]),
            ] {
                for name in names {
                    for ground in ["card", "page", "wash"].iter().take(if least > 4.0 { 3 } else { 1 }) {
                        let found = contrast(named(name), named(ground));
                        assert!(found >= least, "{name} on {ground}: {found:.2}");
                    }
                }
            }
        }
    }
}
