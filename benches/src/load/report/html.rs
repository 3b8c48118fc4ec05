//! The report as a page of its own: figures, tables and charts in one file, without scripts and without anything from
//! outside, light or dark as the reader likes it.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::charts::{Line, Strip, lines, strips};
use super::text::figure;
use super::{Hop, Report};
use crate::load::capacity::Capacity;
use crate::load::hop::QUANTILES;
use crate::load::samples::Sample;

const STYLE: &str = include_str!("page.css");

/// What the added latency is, for readers of the page.
const ADDED: &str = "Added latency is what the engine itself adds to a turn: the sum, over all hops, of the time between \
                     what it was waiting for and what it did with it. The vendors' delays, the wait for the end of the \
                     utterance and speech itself are taken out; every moment is on the load side's clock.";

/// A value over the run: its name, its class, and where it is in a sample and the one before.
type Shown = (&'static str, &'static str, fn(&Sample, &Sample) -> Option<f64>);

/// What is charted over the run: a title and its values.
type Chart = (&'static str, Vec<Shown>);

impl Report {
    /// The report as a page.
    pub fn html(&self) -> String {
        page("otto-load", &self.verdict(), &self.body())
    }

    fn verdict(&self) -> String {
        verdict(self.held(), if self.held() { "everything held" } else { "it did not hold" })
    }

    fn body(&self) -> String {
        let mut body = self.tiles();
        body += &self.problems();
        body += &format!("<p class=\"note\">{}</p>", escape(ADDED));
        body += &strips("Every hop", &self.strips());
        body += "<div class=\"charts\">";
        body +=
            &lines("Added latency: share of turns that are quicker, in percent", " ms", &[quantiles(&self.added.sum)]);
        self.charts().iter().for_each(|chart| body += &self.over_time(chart));
        body += "</div>";
        body += &self.tables();
        body
    }

    fn tiles(&self) -> String {
        let watched = &self.watched;
        let ms = |hop: &Hop, quantile| figure((hop.count() > 0).then(|| hop.quantile_ms(quantile)));
        let tiles = [
            (
                "calls at once",
                format!("{}", watched.most_calls()),
                format!("nearly as many for {} s", watched.full_for().as_secs()),
            ),
            (
                "added latency p95",
                format!("{} ms", ms(&self.added.sum, 0.95)),
                format!("p50 {}, p99 {}", ms(&self.added.sum, 0.5), ms(&self.added.sum, 0.99)),
            ),
            ("barge-in p99", format!("{} ms", ms(&self.barge_in, 0.99)), "interim to clear".to_owned()),
            ("first audio p95", format!("{} ms", ms(&self.first_audio, 0.95)), "after start".to_owned()),
            ("pause p50", format!("{} ms", ms(&self.pause, 0.5)), "as the caller hears it".to_owned()),
            (
                "CPU a call-second",
                format!("{} ms", figure(self.cpu_ms_per_call_second())),
                format!(
                    "{} calls a processor",
                    self.calls_per_processor().map_or_else(|| "?".to_owned(), |calls| format!("{calls:.0}"))
                ),
            ),
            ("memory a call", format!("{} KiB", figure(self.memory_kib_per_call())), "beyond the first".to_owned()),
            (
                "failed calls",
                format!("{} of {}", self.failed, self.calls),
                format!("{} frames lost, {:.3} % late", self.frames.lost(), self.frames.late_percent()),
            ),
        ];
        let tile = |(name, value, more): &(&str, String, String)| {
            format!(
                "<div class=\"tile\"><span>{}</span><b>{}</b><small>{}</small></div>",
                escape(*name),
                escape(value),
                escape(more)
            )
        };
        format!("<div class=\"tiles\">{}</div>", tiles.iter().map(tile).collect::<String>())
    }

    fn problems(&self) -> String {
        let failures = self.failures.iter().map(|(reason, count)| format!("{count} × {reason}"));
        let bounds = self.broken_bounds().into_iter().map(|bound| format!("bound broken: {bound}"));
        let warnings = self.warnings().into_iter().map(|warning| format!("warning: {warning}"));
        list(failures.chain(bounds).chain(warnings))
    }

    fn strips(&self) -> Vec<Strip<'_>> {
        let measured = self.hops().into_iter().filter(|(_, _, hop)| hop.count() > 0);
        let strip = |(_, title, hop): (&str, &'static str, &Hop)| Strip {
            title,
            p50: hop.quantile_ms(0.5),
            p95: hop.quantile_ms(0.95),
            p99: hop.quantile_ms(0.99),
            max: hop.quantile_ms(1.0),
        };
        measured.map(strip).collect()
    }

    fn charts(&self) -> Vec<Chart> {
        let mib = |sample: &Sample, _: &Sample| Some(sample.engine?.resident_kib as f64 / 1_024.0);
        let mut charts: Vec<Chart> = vec![
            ("Calls at once", vec![("calls", "a", |sample, _| Some(sample.live as f64))]),
            (
                "Processors kept busy",
                vec![("engine", "a", Sample::engine_share), ("load side", "b", Sample::own_share)],
            ),
            ("Memory of the engine, MiB", vec![("resident", "a", mib)]),
        ];
        if self.soak.is_some() {
            charts.push((
                "What must not grow",
                vec![
                    ("files", "a", |sample, _| Some(sample.engine?.files as f64)),
                    ("tasks", "b", |sample, _| sample.gauges.tasks),
                    ("actors", "c", |sample, _| sample.gauges.actors),
                ],
            ));
        }
        charts
    }

    fn over_time(&self, (title, shown): &Chart) -> String {
        let samples = &self.watched.samples;
        let line = |(name, class, value): &Shown| {
            let point = |pair: &[Sample]| Some((pair[1].at.as_secs_f64(), value(&pair[1], &pair[0])?));
            Line { name, class, points: samples.windows(2).filter_map(point).collect() }
        };
        lines(title, " s", &shown.iter().map(line).collect::<Vec<_>>())
    }

    fn tables(&self) -> String {
        let heads: Vec<&str> =
            ["hop, in ms", "count"].into_iter().chain(QUANTILES.iter().map(|(name, _)| *name)).chain(["max"]).collect();
        let row = |(_, title, hop): (&str, &str, &Hop)| {
            let values = QUANTILES.iter().map(|(_, quantile)| format!("{:.2}", hop.quantile_ms(*quantile)));
            let ends = [format!("{:.2}", hop.max() as f64 / 1_000.0)];
            [title.to_owned(), hop.count().to_string()].into_iter().chain(values).chain(ends).collect()
        };
        let jitter = ("", "jitter at recogniser", &self.frames.jitter_in);
        let mut tables = table(&heads, self.hops().into_iter().chain([jitter]).map(row));
        if let Some(soak) = &self.soak {
            let row = |(what, found, most, held): (String, String, String, bool)| {
                vec![what, found, most, if held { "flat" } else { "GROWS" }.to_owned()]
            };
            let unseen = soak
                .unseen()
                .iter()
                .map(|what| vec![(*what).to_owned(), String::new(), String::new(), "UNSEEN".into()]);
            tables += &table(&["soak", "grew by", "allowed", ""], soak.rows().map(row).chain(unseen));
        }
        let text = self.to_string();
        let from = text.find("calls  ").unwrap_or(0);
        let _ = write!(tables, "<pre>{}</pre>", escape(&text[from..]));
        tables
    }
}

/// The page of a search for the capacity: its steps, and the report of the best one.
pub(in crate::load) fn capacity_page(capacity: &Capacity) -> String {
    let held = capacity.found().is_some();
    let title = capacity
        .found()
        .map_or_else(|| "no number of calls held".to_owned(), |calls| format!("{calls} calls at once hold"));
    let mut body = format!("<p class=\"lead\">{}</p>", escape(capacity.advice().trim()));
    let mut points: Vec<(f64, f64)> =
        capacity.probes().map(|probe| (f64::from(probe.calls), probe.added_p95_ms)).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let last = points.last().map_or(0.0, |point| point.0);
    let limit = vec![(0.0, capacity.limit_ms()), (last, capacity.limit_ms())];
    let tried = Line { name: "added latency p95", class: "a", points };
    body += &lines(
        "Added latency p95 by calls at once, in ms",
        " calls",
        &[tried, Line { name: "bound", class: "c", points: limit }],
    );
    let row = |probe: &crate::load::capacity::Probe| {
        let why = if probe.held { "held".to_owned() } else { probe.why.clone() };
        vec![probe.calls.to_string(), format!("{:.2}", probe.added_p95_ms), probe.failed.to_string(), why]
    };
    body += &table(&["calls at once", "added p95, ms", "failed", ""], capacity.probes().map(row));
    if let Some(best) = capacity.best() {
        body += "<h2>The largest that held</h2>";
        body += &best.body();
    }
    page("otto-load: capacity", &verdict(held, &title), &body)
}

fn page(title: &str, verdict: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"/><meta name=\"color-scheme\" content=\"light dark\"/>\
         <title>{title}</title><style>{STYLE}</style></head><body><main><header><h1>{title}</h1>{verdict}</header>{body}\
         </main></body></html>\n"
    )
}

fn verdict(held: bool, text: &str) -> String {
    format!("<span class=\"verdict {}\">{}</span>", if held { "good" } else { "bad" }, escape(text))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: String = items.map(|item| format!("<li>{}</li>", escape(&item))).collect();
    if items.is_empty() { items } else { format!("<ul class=\"problems\">{items}</ul>") }
}

fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let cells = |cells: &[String], tag: &str| -> String {
        cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect()
    };
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let rows: String = rows.map(|row| format!("<tr>{}</tr>", cells(&row, "td"))).collect();
    format!("<table><thead><tr>{}</tr></thead><tbody>{rows}</tbody></table>", cells(&heads, "th"))
}

/// How much of a hop is below each value: its quantiles, closer to one another towards the end.
fn quantiles(hop: &Hop) -> Line<'static> {
    let percents = (0..100).map(f64::from).chain((1..=9).map(|tenth| 99.0 + f64::from(tenth) / 10.0));
    let points = percents.map(|percent| (hop.quantile_ms(percent / 100.0), percent)).collect();
    Line { name: "added latency", class: "a", points }
}
