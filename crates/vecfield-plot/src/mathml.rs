//! Formulas as presentation MathML, checked at the door: a page takes them as markup, so nothing but the elements and
//! attributes of mathematics gets in, whatever a variable was called.

use crate::error::PlotError;

const ELEMENTS: [&str; 21] = [
    "mrow",
    "mi",
    "mn",
    "mo",
    "mtext",
    "mspace",
    "msup",
    "msub",
    "msubsup",
    "mfrac",
    "msqrt",
    "mroot",
    "mover",
    "munder",
    "munderover",
    "mstyle",
    "mpadded",
    "mphantom",
    "mtable",
    "mtr",
    "mtd",
];
const ATTRIBUTES: [&str; 16] = [
    "mathvariant",
    "stretchy",
    "fence",
    "separator",
    "form",
    "lspace",
    "rspace",
    "minsize",
    "maxsize",
    "displaystyle",
    "scriptlevel",
    "width",
    "height",
    "depth",
    "linethickness",
    "columnalign",
];

/// Well-formed presentation MathML: the inside of a `<math>` element.
///
/// ```
/// use vecfield_plot::MathMl;
///
/// assert!(MathMl::new("<math><mn>2</mn><mi>x</mi></math>").is_ok());
/// assert!(MathMl::new("<mi>x</mi><script>alert(1)</script>").is_err());
/// assert!(MathMl::new("<mi href='https://example.org'>x</mi>").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MathMl(String);

impl MathMl {
    /// Takes `markup` with or without its outer `<math>` element.
    ///
    /// # Errors
    /// [`PlotError::Markup`] for anything that is not well-formed, or an element, attribute or entity that mathematics does not need.
    pub fn new(markup: &str) -> Result<Self, PlotError> {
        let markup = markup.trim();
        let skipped = if markup.starts_with("<math") { markup.find('>').map_or(0, |end| end + 1) } else { 0 };
        let inside = markup[skipped..].trim_end();
        let inside = if skipped > 0 { inside.strip_suffix("</math>").unwrap_or(inside) } else { inside };
        check(inside).map_err(|(at, problem)| PlotError::Markup { at: at + skipped, problem })?;
        Ok(Self(inside.to_owned()))
    }

    /// A name: one letter in italics, more upright, `x_1` with an index.
    pub fn name(name: &str) -> Self {
        let identifier = |text: &str| format!("<mi>{}</mi>", escaped(text));
        match name.rsplit_once('_') {
            Some((base, index)) if !base.is_empty() && !index.is_empty() && index.chars().count() <= 3 => {
                Self(format!("<msub>{}{}</msub>", identifier(base), identifier(index)))
            }
            _ => Self(identifier(name)),
        }
    }

    /// `dx/dt` for symbols `x` and `t`.
    pub fn rate(variable: &Self, time: &Self) -> Self {
        // A d before one letter reads as a differential, before a word as the word's first letter.
        let differential = |symbol: &Self| {
            let word =
                symbol.0.split("<mi>").skip(1).any(|rest| rest.split('<').next().unwrap_or("").chars().count() > 1);
            let gap = if word { "<mspace width=\"0.1em\"></mspace>" } else { "" };
            format!("<mrow><mi mathvariant=\"normal\">d</mi>{gap}{}</mrow>", symbol.0)
        };
        Self(format!("<mfrac>{}{}</mfrac>", differential(variable), differential(time)))
    }

    /// A sum cut before each plus and minus that stands outside all brackets, fractions and roots: browsers break no line inside
    /// a formula, but they do between formulas. The parts, one after the other, are the formula.
    ///
    /// ```
    /// use vecfield_plot::MathMl;
    ///
    /// let sum = MathMl::new("<mrow><mi>x</mi><mo>−</mo><mfrac><mrow><mi>y</mi><mo>+</mo><mn>1</mn></mrow><mn>2</mn></mfrac></mrow>")?;
    /// assert_eq!(sum.terms().len(), 2);
    /// # Ok::<(), vecfield_plot::PlotError>(())
    /// ```
    pub fn terms(&self) -> Vec<Self> {
        let sum = unwrapped(&self.0);
        let mut cuts = vec![0];
        for (at, depth) in tags(sum) {
            let sign = ["<mo>+</mo>", "<mo>−</mo>", "<mo>-</mo>"].iter().any(|sign| sum[at..].starts_with(sign));
            if depth == 0 && sign && at > 0 {
                cuts.push(at);
            }
        }
        cuts.push(sum.len());
        cuts.windows(2).map(|ends| Self(sum[ends[0]..ends[1]].to_owned())).collect()
    }

    /// The inside of the `<math>` element.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The places of opening and empty tags, with how many elements are open there.
fn tags(markup: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut depth = 0_usize;
    markup.match_indices('<').filter_map(move |(at, _)| {
        let rest = &markup[at..];
        if rest.starts_with("</") {
            depth = depth.saturating_sub(1);
            return None;
        }
        let found = (at, depth);
        let is_empty = rest.find('>').is_some_and(|end| rest[..end].ends_with('/'));
        depth += usize::from(!is_empty);
        Some(found)
    })
}

/// The inside of an `<mrow>` that is all there is.
fn unwrapped(markup: &str) -> &str {
    let alone = tags(markup).filter(|&(_, depth)| depth == 0).count() == 1;
    match markup.strip_prefix("<mrow>").and_then(|rest| rest.strip_suffix("</mrow>")) {
        Some(inside) if alone => unwrapped(inside),
        _ => markup,
    }
}

fn escaped(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .map(|c| match c {
            '&' => "&amp;".into(),
            '<' => "&lt;".into(),
            '>' => "&gt;".into(),
            '"' => "&quot;".into(),
            other => other.to_string(),
        })
        .collect()
}

type Found = (usize, String);

fn check(markup: &str) -> Result<(), Found> {
    let mut open: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < markup.len() {
        let rest = &markup[at..];
        if let Some(tag) = rest.strip_prefix('<') {
            let end = tag_end(tag).ok_or((at, "a tag without an end".to_owned()))?;
            check_tag(&tag[..end], &mut open).map_err(|problem| (at, problem))?;
            at += end + 2;
        } else {
            let end = rest.find('<').unwrap_or(rest.len());
            check_text(&rest[..end]).map_err(|(offset, problem)| (at + offset, problem))?;
            at += end;
        }
    }
    open.last().map_or(Ok(()), |name| Err((markup.len(), format!("<{name}> is never closed"))))
}

/// Where the `>` stands that ends a tag; one inside quotes does not.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    tag.char_indices().find_map(|(i, c)| match quote {
        Some(q) => {
            quote = (c != q).then_some(q);
            None
        }
        None if c == '"' || c == '\'' => {
            quote = Some(c);
            None
        }
        None => (c == '>').then_some(i),
    })
}

fn check_tag<'a>(tag: &'a str, open: &mut Vec<&'a str>) -> Result<(), String> {
    if let Some(name) = tag.strip_prefix('/') {
        return match open.pop() {
            Some(opened) if opened == name.trim_end() => Ok(()),
            Some(opened) => Err(format!("</{name}> where </{opened}> was expected")),
            None => Err(format!("</{name}> closes nothing")),
        };
    }
    let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
    let (name, attributes) = tag.find(char::is_whitespace).map_or((tag, ""), |end| tag.split_at(end));
    if !ELEMENTS.contains(&name) {
        return Err(format!("the element <{name}>"));
    }
    check_attributes(attributes)?;
    if !empty {
        open.push(name);
    }
    Ok(())
}

fn check_attributes(mut rest: &str) -> Result<(), String> {
    let mut seen: Vec<&str> = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(());
        }
        let (key, value) = rest.split_once('=').ok_or_else(|| format!("an attribute without a value: {rest}"))?;
        let quote =
            value.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or_else(|| format!("{key} without quotes"))?;
        let (value, after) = value[1..].split_once(quote).ok_or_else(|| format!("{key} without a closing quote"))?;
        if !ATTRIBUTES.contains(&key) || seen.contains(&key) {
            return Err(format!("the attribute {key}"));
        }
        if !value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-' | '%' | '+')) {
            return Err(format!("the value {value} of {key}"));
        }
        seen.push(key);
        rest = after;
    }
}

/// Entities must be XML's own or numbers: a page knows more, an SVG or XML reader does not.
fn check_text(text: &str) -> Result<(), Found> {
    for (at, _) in text.match_indices('&') {
        let entity = text[at + 1..].split_once(';').map(|(name, _)| name);
        let known = |name: &str| {
            matches!(name, "amp" | "lt" | "gt" | "quot" | "apos")
                || name
                    .strip_prefix("#x")
                    .is_some_and(|hex| !hex.is_empty() && hex.len() <= 6 && hex.chars().all(|c| c.is_ascii_hexdigit()))
                || name
                    .strip_prefix('#')
                    .is_some_and(|d| !d.is_empty() && d.len() <= 7 && d.chars().all(|c| c.is_ascii_digit()))
        };
        if !entity.is_some_and(known) {
            return Err((at, "an entity that is not XML's".into()));
        }
    }
    Ok(())
}
