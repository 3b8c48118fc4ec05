//! What the figures of calls add up to, and that every form of the report tells them.

use clap::Parser as _;
use quick_xml::events::Event;

use super::*;
use crate::load::samples::tests::watched;

/// The report of these calls, all of which have ended without residue.
pub(in crate::load) fn report_of(options: &str, calls: Vec<Measured>) -> Report {
    let plan = Plan::parse_from(["otto-load"].into_iter().chain(options.split_whitespace()));
    let mut report = Report::new(&plan);
    calls.iter().for_each(|call| report.add(call));
    report.surround(
        watched(&[(0, 1_000), (1, 1_400), (3, 2_000), (3, 2_000)]),
        Hop::default(),
        Some(0),
        Surroundings::default(),
    );
    report
}

/// A call of ten seconds with one interruption and one answer, to whose pause Otto added so much.
pub(in crate::load) fn call(barge_in_ms: u64, off_by: u64, added_ms: u64, failure: Option<&str>) -> Measured {
    let ms = Duration::from_millis;
    Measured {
        barge_ins: vec![ms(barge_in_ms)],
        cut_words: vec![off_by],
        added: vec![Added { ear: ms(added_ms - 1), mouth: ms(1), ..Added::default() }],
        length: Duration::from_secs(10),
        failures: failure.map(str::to_owned).into_iter().collect(),
        ..Measured::default()
    }
}

#[test]
fn failures_and_broken_bounds_decide() {
    let cases = [
        ("", vec![call(9, 9, 9, None)], true),
        ("", vec![call(1, 0, 1, None), call(1, 0, 1, Some("lost"))], false),
        ("--max-barge-in-p99-ms 5", vec![call(4, 9, 9, None)], true),
        ("--max-barge-in-p99-ms 5", vec![call(6, 0, 1, None)], false),
        ("--max-cut-words 1", vec![call(9, 1, 9, None)], true),
        ("--max-cut-words 1", vec![call(9, 2, 1, None)], false),
        ("--max-added-p95-ms 8.5", vec![call(9, 9, 8, None)], true),
        ("--max-added-p95-ms 7.5", vec![call(1, 0, 8, None)], false),
        ("--max-cpu-ms-per-call-second 150", vec![call(1, 0, 1, None)], true),
        ("--max-cpu-ms-per-call-second 149", vec![call(1, 0, 1, None)], false),
        ("--max-memory-kib-per-call 300", vec![call(1, 0, 1, None)], true),
        ("--max-memory-kib-per-call 299", vec![call(1, 0, 1, None)], false),
        ("--max-lost-frames 0", vec![Measured { samples_lost: 1, ..call(1, 0, 1, None) }], false),
        ("--max-lost-frames 0", vec![Measured { bytes_sent: 160, ..call(1, 0, 1, None) }], false),
        ("--max-barge-in-p99-ms 5", vec![], false),
    ];
    for (options, calls, held) in cases {
        let report = report_of(options, calls);
        assert_eq!(report.held(), held, "{options}: {report}");
    }
}

#[test]
fn what_is_left_of_calls_or_unknown_is_a_failure() {
    for residue in [Some(1), None] {
        assert!(!Report { residue, ..report_of("", vec![call(1, 0, 1, None)]) }.held());
    }
}

#[test]
fn usage_is_told_for_each_call() {
    let report = report_of("", vec![call(1, 0, 1, None), call(1, 0, 1, None)]);
    assert_eq!((report.cpu_ms_per_call_second(), report.calls_per_processor()), (Some(75.0), Some(1_000.0 / 75.0)));
    assert_eq!(report.memory_kib_per_call(), Some(300.0));
    assert_eq!(report.json()["engine"]["memory_kib_per_call"], 300.0);
}

#[test]
fn frames_that_came_late_are_told_as_a_share() {
    let late = Measured { holes: vec![Duration::from_millis(40)], bytes_received: 32_000, ..call(1, 0, 1, None) };
    let report = report_of("", vec![late]);
    assert_eq!((report.frames.late, report.frames.late_percent()), (2, 1.0));
}

#[test]
fn reasons_are_counted() {
    let calls = vec![call(1, 0, 1, Some("waited in vain: Say")), call(1, 0, 1, Some("waited in vain: Say"))];
    let report = report_of("", calls);
    assert_eq!((report.failed, report.failures["waited in vain: Say"]), (2, 2));
    assert!(report.to_string().contains("2 waited in vain: Say"), "{report}");
}

/// Reads a page as XML, which it is as well.
fn check_well_formed(page: &str) {
    let mut reader = quick_xml::Reader::from_str(page);
    let mut open = Vec::new();
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(tag) => open.push(tag.name().as_ref().to_owned()),
            Event::End(tag) => assert_eq!(open.pop().as_deref(), Some(tag.name().as_ref())),
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_page_has_the_figures_and_nothing_from_outside() {
    let page = report_of("--soak 5s", vec![call(7, 0, 12, Some("a <b> & \"c\""))]).html();
    check_well_formed(&page);
    for expected in
        ["<b>12.0", "7.00", "150.00 ms", "it did not hold", "a &lt;b&gt; &amp; &quot;c&quot;", "UNSEEN", "<polyline"]
    {
        assert!(page.contains(expected), "{expected}");
    }
    for outside in ["<script", "http:", "https:", "@import", "url(", "NaN"] {
        assert!(!page.contains(outside), "{outside}");
    }
}
