//! Reports of calls, written by hand, and what is measured in them. Times are in milliseconds since the call began.

use clap::Parser as _;

use super::*;
use crate::load::{Plan, callers};
use crate::record::Violation;
use crate::twilio::{HeardWord, OttoUtterance, SaidUtterance, Side, Step};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A caller who interrupts twice, the second time with a goodbye.
fn caller() -> Caller {
    let plan = Plan::parse_from(["otto-load", "--calls", "1", "--seconds", "1"]);
    callers::draw(&plan).remove(0)
}

/// A call of this caller: for each interruption when its saying began, when it was cleared, and how many words of the
/// answer before it were heard.
fn report(caller: &Caller, interruptions: &[(u64, Option<u64>, usize)]) -> CallReport {
    let mut report = CallReport::empty("CA1");
    report.hung_up_by = Side::Otto;
    let question = SaidUtterance { text: "What do you do?".into(), began: ms(500), ended: ms(900) };
    report.said.push(question);
    report.heard.push(utterance(100, 7));
    for (text, (began, cleared, words)) in caller.barge_ins().zip(interruptions) {
        report.events.push(CallerEvent { at: ms(*began), what: What::SayBegan(text.to_owned()) });
        let clear = cleared.map(|at| CallerEvent { at: ms(at), what: What::Clear { discarded_ms: 400, marks: 1 } });
        report.events.extend(clear);
        report.said.push(SaidUtterance { text: text.to_owned(), began: ms(*began), ended: ms(began + 900) });
        report.heard.push(utterance(began - 400, *words));
    }
    report
}

fn utterance(began: u64, words: usize) -> OttoUtterance {
    let word = HeardWord { text: "word".into(), at: ms(began + 50) };
    OttoUtterance { words: vec![word; words], began: ms(began), ended: ms(began + 300), cut: true }
}

/// What the recogniser wrote and the model was told: when, and how many words.
fn witnesses(caller: &Caller, report: &CallReport, seen: &[(u64, usize)]) -> Witnesses {
    let markers: Vec<String> = caller.barge_ins().map(|text| marker_in(text).unwrap()).collect();
    let all = || markers.iter().zip(seen);
    let transcripts = all().flat_map(|(marker, (at, _))| {
        let written = |at, text: String| Transcript { at: report.started + ms(at), text };
        [written(*at, marker.clone()), written(at + 250, format!("{marker}, wait a"))]
    });
    let remembered = all().map(|(marker, (_, words))| Remembered { marker: marker.clone(), words: *words });
    Witnesses::of(&transcripts.collect::<Vec<_>>(), &remembered.collect::<Vec<_>>())
}

#[test]
fn an_interruption_lasts_from_the_first_interim_to_the_clear() {
    let caller = caller();
    let report = report(&caller, &[(2_000, Some(2_303), 4), (5_000, Some(5_312), 9)]);
    let measured = measure(&caller, &report, &witnesses(&caller, &report, &[(2_300, 4), (5_300, 7)]));
    assert_eq!(measured.failures, Vec::<String>::new());
    assert_eq!(measured.barge_ins, [ms(3), ms(12)]);
    assert_eq!(measured.cut_words, [0, 2], "the second history lacks two words of nine");
}

#[test]
fn what_is_missing_is_a_failure() {
    let caller = caller();
    let whole = [(2_000, Some(2_303), 4), (5_000, Some(5_312), 9)];
    let check = |interruptions: &[(u64, Option<u64>, usize)], seen: &[(u64, usize)], reason: &str| {
        let report = report(&caller, interruptions);
        let measured = measure(&caller, &report, &witnesses(&caller, &report, seen));
        assert_eq!(measured.failures, [reason.to_owned()]);
    };
    check(&[whole[0], (5_000, None, 9)], &[(2_300, 4), (5_300, 9)], "an interruption without a clear");
    check(&[(2_000, None, 4), whole[1]], &[(2_300, 4), (5_300, 9)], "an interruption without a clear");
    check(&whole, &[(2_300, 4)], "an interruption that was never recognised");
    check(&whole[..1], &[(2_300, 4), (5_300, 9)], "an interruption that was never said");
    check(&whole, &[(2_400, 4), (5_300, 9)], "a clear before the words");
}

#[test]
fn a_call_fails_by_waiting_by_protocol_and_by_its_end() {
    let caller = caller();
    let mut report = report(&caller, &[]);
    report.hung_up_by = Side::Twilio;
    report.timeouts.push(format!("{:?}", Step::WaitForHangUp(ms(1))));
    report.violations.push(Violation::new("31951", "unknown event"));
    let reasons = failures(&caller, &report);
    let expected = ["waited in vain: WaitForHangUp", "protocol: 31951: unknown event", "ended by Twilio, not by Otto"];
    assert_eq!(reasons, expected);
}
