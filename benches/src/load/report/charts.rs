//! Charts of the page, as inline SVG: lines over time or calls, and one strip a hop. Colours are classes of the page.

use std::fmt::Write as _;

use quick_xml::escape::escape;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 220.0;
/// Room for the numbers of the axes.
const LEFT: f64 = 52.0;
const BOTTOM: f64 = 26.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 14.0;
/// Lines of the grid on each axis, about.
const GRID: f64 = 4.0;
/// Height of a strip, and the width of its title.
const STRIP: f64 = 26.0;
const STRIP_TITLE: f64 = 190.0;
/// Room for half of the last number under the strips.
const STRIP_RIGHT: f64 = 40.0;
/// The ends of the strips' scale, in milliseconds: each gridline is ten times the one before.
const STRIP_DECADES: std::ops::RangeInclusive<i32> = -2..=4;

/// A line: what it is, its class, and its points.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) class: &'a str,
    pub(super) points: Vec<(f64, f64)>,
}

/// One hop in milliseconds.
pub(super) struct Strip<'a> {
    pub(super) title: &'a str,
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

/// Lines over a common axis, which begins at 0 as do the values.
pub(super) fn lines(title: &str, x_unit: &str, lines: &[Line<'_>]) -> String {
    let all = || lines.iter().flat_map(|line| line.points.iter().copied());
    let (x_step, x_top) = scale(all().map(|point| point.0).fold(0.0, f64::max));
    let (y_step, y_top) = scale(all().map(|point| point.1).fold(0.0, f64::max));
    let x = |value: f64| LEFT + value / x_top * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / y_top * (HEIGHT - BOTTOM - TOP);
    let mut svg =
        format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">", title = escape(title));
    for value in steps(y_step, y_top) {
        let at = y(value);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>",
            WIDTH - RIGHT
        );
        let _ = write!(
            svg,
            "<text class=\"tick end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 6.0,
            at + 4.0,
            number(value)
        );
    }
    for value in steps(x_step, x_top) {
        let last = value + x_step > x_top * 1.000_001;
        let (at, unit, anchor) = if last { (WIDTH - RIGHT, x_unit, "end") } else { (x(value), "", "mid") };
        let _ = write!(
            svg,
            "<text class=\"tick {anchor}\" x=\"{at:.1}\" y=\"{:.1}\">{}{}</text>",
            HEIGHT - 8.0,
            number(value),
            escape(unit)
        );
    }
    for line in lines {
        let points: Vec<String> = line.points.iter().map(|(px, py)| format!("{:.1},{:.1}", x(*px), y(*py))).collect();
        let class = escape(line.class);
        let _ = write!(
            svg,
            "<polyline class=\"line {class}\" points=\"{}\"><title>{}</title></polyline>",
            points.join(" "),
            escape(line.name)
        );
    }
    let legend: String = lines
        .iter()
        .map(|line| format!("<span class=\"key {}\">{}</span>", escape(line.class), escape(line.name)))
        .collect();
    let title = escape(title);
    format!("<figure><figcaption><b>{title}</b>{legend}</figcaption>{svg}</svg></figure>")
}

/// One strip a hop on a logarithmic scale: a bar from the median to the 99th percentile, a mark at the 95th, and a dot
/// at the longest.
pub(super) fn strips(title: &str, strips: &[Strip<'_>]) -> String {
    let (low, high) = (f64::from(*STRIP_DECADES.start()), f64::from(*STRIP_DECADES.end()));
    let width = WIDTH * 1.5;
    let x = |ms: f64| {
        STRIP_TITLE + (ms.max(1e-9).log10().clamp(low, high) - low) / (high - low) * (width - STRIP_TITLE - STRIP_RIGHT)
    };
    let bottom = strips.len() as f64 * STRIP;
    let mut svg =
        format!("<svg viewBox=\"0 0 {width} {:.1}\" role=\"img\" aria-label=\"{}\">", bottom + BOTTOM, escape(title));
    for decade in STRIP_DECADES {
        let ms = 10f64.powi(decade);
        let at = x(ms);
        let _ = write!(svg, "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"0\" y2=\"{bottom:.1}\"/>");
        let _ =
            write!(svg, "<text class=\"tick mid\" x=\"{at:.1}\" y=\"{:.1}\">{} ms</text>", bottom + 18.0, number(ms));
    }
    for (row, strip) in strips.iter().enumerate() {
        let middle = (row as f64 + 0.5) * STRIP;
        let (from, to) = (x(strip.p50), x(strip.p99));
        let tip = format!(
            "p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
            strip.p50, strip.p95, strip.p99, strip.max
        );
        let _ = write!(
            svg,
            "<g><title>{tip}</title><text class=\"name end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\
             <rect class=\"bar\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"10\" rx=\"3\"/>\
             <line class=\"p95\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>\
             <circle class=\"dot\" cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"3\"/></g>",
            STRIP_TITLE - 10.0,
            middle + 4.0,
            escape(strip.title),
            middle - 5.0,
            (to - from).max(2.0),
            middle - 8.0,
            middle + 8.0,
            x(strip.max),
            at = x(strip.p95),
        );
    }
    let title = escape(title);
    format!(
        "<figure class=\"wide\"><figcaption><b>{title}</b><span class=\"key a\">p50 to p99</span>\
         <span class=\"key c\">p95</span><span class=\"key b\">longest</span></figcaption>{svg}</svg></figure>"
    )
}

/// A step that people count in, and the end of an axis that holds `most`.
fn scale(most: f64) -> (f64, f64) {
    if most <= 0.0 {
        return (1.0, 1.0);
    }
    let rough = most / GRID;
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade).into_iter().find(|step| *step >= rough).unwrap_or(rough);
    (step, (most / step).ceil() * step)
}

fn steps(step: f64, top: f64) -> impl Iterator<Item = f64> {
    (0..).map(move |count| f64::from(count) * step).take_while(move |value| *value <= top * 1.000_001)
}

/// A number without digits that say nothing.
fn number(value: f64) -> String {
    let digits = if value == 0.0 || value >= 10.0 {
        0
    } else if value >= 1.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (most, expected) in [(0.0, (1.0, 1.0)), (7.0, (2.0, 8.0)), (100.0, (50.0, 100.0)), (230.0, (100.0, 300.0))]
        {
            assert_eq!(scale(most), expected, "{most}");
        }
        assert_eq!(steps(50.0, 100.0).collect::<Vec<_>>(), [0.0, 50.0, 100.0]);
        assert_eq!([0.01, 0.5, 2.0, 2.5, 1_000.0].map(number), ["0.01", "0.5", "2", "2.5", "1000"]);
    }
}
