//! A picture: panels with a legend above them, and words for those who cannot see it.

use crate::draw::{Below, Frame, draw, left_margin};
use crate::panel::Panel;
use crate::simplify::Detail;
use crate::svg::{Svg, text_width};
use crate::theme::{Tone, standalone_style};

const HEAD: f64 = 33.0;
const FOOT: f64 = 44.0;
const GAP: f64 = 26.0;
const BETWEEN: f64 = 8.0;
const RIGHT: f64 = 10.0;
const LEGEND_ROW: f64 = 20.0;
/// Phones show legends larger than they are drawn; the places are wide enough for that.
const LEGEND_SIZE: f64 = 13.5;
/// The width of a figure on a page: two stand side by side on a desk, one fills a phone.
pub(crate) const WIDTH: f64 = 440.0;

/// The height of one panel that stands beside a stack of `count` panels of height `each`, so that their axes end together.
pub(crate) fn beside_stack(count: usize, each: f64) -> f64 {
    let count = count.max(1) as f64;
    count * each + (count - 1.0) * (HEAD + BETWEEN)
}

/// What a legend's entry shows before its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swatch {
    /// A filled marker.
    Dot,
    /// An open marker.
    Ring,
    /// A line.
    Line,
    /// A dashed line.
    Dashed,
    /// A translucent patch.
    Band,
    /// A line of flow.
    Flow,
    /// Words alone.
    Nothing,
}

/// One entry of a legend. Legends stand above the panels and never cover data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is shown.
    pub swatch: Swatch,
    /// Its colour.
    pub tone: Tone,
    /// What it means.
    pub words: String,
}

impl Entry {
    /// An entry.
    pub fn new(swatch: Swatch, tone: Tone, words: impl Into<String>) -> Self {
        Self { swatch, tone, words: words.into() }
    }
}

/// A picture made of panels, ready to be written as SVG.
///
/// ```
/// use vecfield_plot::{Figure, Layer, Panel, Series, Stroke, Tone, Variable};
///
/// let decay: Series = (0..50).map(|k| 0.1 * f64::from(k)).map(|t| [t, (-t).exp()]).collect();
/// let layers = vec![Layer::Line(decay, Tone::Variable(0), Stroke::Solid)];
/// let panel = Panel::new(Variable::new("t"), Variable::new("y"), layers);
/// let svg = Figure::stack("Decay", "y falls from 1 towards 0", vec![], vec![panel], 480.0, 200.0).to_svg();
/// assert!(svg.starts_with("<svg") && svg.contains("<title>Decay</title>"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    title: String,
    description: String,
    width: f64,
    height: f64,
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq)]
enum Item {
    Panel(Box<Panel>, Frame, Below),
    Legend(Vec<(Entry, [f64; 2])>),
}

impl Figure {
    /// Panels one above the other over a common horizontal axis, each `panel_height` high between its axes.
    pub fn stack(
        title: impl Into<String>,
        description: impl Into<String>,
        legend: Vec<Entry>,
        panels: Vec<Panel>,
        width: f64,
        panel_height: f64,
    ) -> Self {
        let (legend, top) = placed(legend, width);
        let left = panels.iter().map(|panel| left_margin(panel, panel_height)).fold(0.0, f64::max);
        let last = panels.len().saturating_sub(1);
        let mut items = vec![Item::Legend(legend)];
        let mut y = top;
        for (i, panel) in panels.into_iter().enumerate() {
            let frame = Frame { x: left, y: y + HEAD, width: width - left - RIGHT, height: panel_height, edge: 0.0 };
            let below = if i == last { Below::Labels } else { Below::Nothing };
            items.push(Item::Panel(Box::new(panel), frame, below));
            y += HEAD + panel_height + if i == last { 0.0 } else { BETWEEN };
        }
        Self { title: title.into(), description: description.into(), width, height: y + FOOT, items }
    }

    /// Panels side by side, `columns` to a row, each with its own axes.
    pub fn grid(
        title: impl Into<String>,
        description: impl Into<String>,
        legend: Vec<Entry>,
        panels: Vec<Panel>,
        columns: usize,
        width: f64,
        panel_height: f64,
    ) -> Self {
        let (legend, top) = placed(legend, width);
        let columns = columns.clamp(1, panels.len().max(1));
        let rows = panels.len().div_ceil(columns);
        let cell = (width - GAP * (columns - 1) as f64) / columns as f64;
        let row_height = HEAD + panel_height + FOOT;
        let mut items = vec![Item::Legend(legend)];
        for (i, panel) in panels.into_iter().enumerate() {
            let left = left_margin(&panel, panel_height);
            let x = (i % columns) as f64 * (cell + GAP) + left;
            let y = top + (i / columns) as f64 * (row_height + 6.0) + HEAD;
            let frame = Frame { x, y, width: cell - left - RIGHT, height: panel_height, edge: x - left };
            items.push(Item::Panel(Box::new(panel), frame, Below::Labels));
        }
        let height = top + rows as f64 * row_height + rows.saturating_sub(1) as f64 * 6.0;
        Self { title: title.into(), description: description.into(), width, height, items }
    }

    /// Figures side by side in one picture, their tops aligned.
    pub fn beside(title: impl Into<String>, description: impl Into<String>, figures: Vec<Figure>) -> Self {
        let mut items = Vec::new();
        let (mut x, mut height) = (0.0, 0.0_f64);
        for figure in figures {
            items.extend(figure.items.into_iter().map(|item| item.moved(x)));
            x += figure.width + GAP;
            height = height.max(figure.height);
        }
        Self { title: title.into(), description: description.into(), width: (x - GAP).max(0.0), height, items }
    }

    /// What it shows, in a few words.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What it shows, for those who cannot see it.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// A file of its own: light background, colours written out, no reference to anything outside.
    pub fn to_svg(&self) -> String {
        const MARGIN: f64 = 14.0;
        let (width, height) = (self.width + 2.0 * MARGIN, self.height + 2.0 * MARGIN);
        let mut svg = Svg::default();
        self.open(&mut svg, [-MARGIN, -MARGIN, width, height], true);
        svg.raw("<style>");
        svg.raw(&standalone_style());
        svg.raw("</style>");
        let place =
            [("x", (-MARGIN).into()), ("y", (-MARGIN).into()), ("width", width.into()), ("height", height.into())];
        svg.leaf("rect", &[&[("class", "back".into())], &place[..]].concat());
        self.draw(&mut svg, Detail::FULL);
        svg.finish() + "\n"
    }

    /// An element for a page that gives the colours.
    pub(crate) fn to_inline(&self, detail: Detail) -> String {
        let mut svg = Svg::default();
        self.open(&mut svg, [0.0, 0.0, self.width, self.height], false);
        self.draw(&mut svg, detail);
        svg.finish()
    }

    fn open(&self, svg: &mut Svg, [x, y, width, height]: [f64; 4], sized: bool) {
        let view = format!("{x} {y} {:.0} {:.0}", width.ceil(), height.ceil());
        let mut attributes =
            vec![("xmlns", "http://www.w3.org/2000/svg".into()), ("class", "vf".into()), ("role", "img".into())];
        attributes.push(("viewBox", (&view).into()));
        if sized {
            attributes.extend([("width", width.ceil().into()), ("height", height.ceil().into())]);
        }
        svg.open("svg", &attributes);
        svg.text("title", &[], &self.title);
        svg.text("desc", &[], &self.description);
    }

    fn draw(&self, svg: &mut Svg, detail: Detail) {
        for item in &self.items {
            match item {
                Item::Panel(panel, frame, below) => draw(svg, panel, *frame, *below, detail),
                Item::Legend(entries) => entries.iter().for_each(|(entry, at)| draw_entry(svg, entry, *at)),
            }
        }
    }
}

impl Item {
    fn moved(self, by: f64) -> Self {
        match self {
            Self::Panel(panel, frame, below) => {
                Self::Panel(panel, Frame { x: frame.x + by, edge: frame.edge + by, ..frame }, below)
            }
            Self::Legend(entries) => {
                Self::Legend(entries.into_iter().map(|(entry, [x, y])| (entry, [x + by, y])).collect())
            }
        }
    }
}

/// Positions of a legend's entries, broken into lines, and the height they take.
fn placed(entries: Vec<Entry>, width: f64) -> (Vec<(Entry, [f64; 2])>, f64) {
    let mut at = [2.0, 12.0];
    let mut out = Vec::with_capacity(entries.len());
    for entry in entries {
        let needed = indent(entry.swatch) + text_width(&entry.words, LEGEND_SIZE) + 16.0;
        if at[0] > 2.0 && at[0] + needed > width {
            at = [2.0, at[1] + LEGEND_ROW];
        }
        out.push((entry, at));
        at[0] += needed;
    }
    let height = if out.is_empty() { 0.0 } else { at[1] + 12.0 };
    (out, height)
}

/// From an entry's left edge to its words.
fn indent(swatch: Swatch) -> f64 {
    match swatch {
        Swatch::Nothing => 0.0,
        Swatch::Dot | Swatch::Ring => 14.0,
        Swatch::Line | Swatch::Dashed | Swatch::Band | Swatch::Flow => 26.0,
    }
}

fn draw_entry(svg: &mut Svg, entry: &Entry, [x, y]: [f64; 2]) {
    let tone = entry.tone.class();
    let middle = y - 4.0;
    let line = |svg: &mut Svg, class: &str| {
        svg.leaf(
            "line",
            &[
                ("class", class.into()),
                ("x1", x.into()),
                ("x2", (x + 20.0).into()),
                ("y1", middle.into()),
                ("y2", middle.into()),
            ],
        );
    };
    let circle = |svg: &mut Svg, class: String| {
        svg.leaf(
            "circle",
            &[("class", (&class).into()), ("cx", (x + 4.0).into()), ("cy", middle.into()), ("r", 4.0.into())],
        );
    };
    match entry.swatch {
        Swatch::Dot => circle(svg, format!("dot f-{tone}")),
        Swatch::Ring => circle(svg, format!("ring s-{tone}")),
        Swatch::Line => line(svg, &format!("line s-{tone}")),
        Swatch::Dashed => line(svg, &format!("dash s-{tone}")),
        Swatch::Flow => line(svg, "flow"),
        Swatch::Nothing => {}
        Swatch::Band => {
            let class = format!("band f-{tone}");
            let place =
                [("x", x.into()), ("y", (middle - 6.0).into()), ("width", 20.0.into()), ("height", 12.0.into())];
            svg.leaf("rect", &[&[("class", (&class).into())], &place[..]].concat());
        }
    }
    svg.text("text", &[("x", (x + indent(entry.swatch)).into()), ("y", y.into())], &entry.words);
}
