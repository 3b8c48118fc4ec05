//! Reports of calls, written by hand, and what is measured in them. Times are in milliseconds since the call began.

use clap::Parser as _;

use super::*;
use crate::deepgram_tts::Spoken;
use crate::load::Plan;
use crate::record::Violation;
use crate::twilio::{HeardWord, OttoUtterance, SaidUtterance, Side, Step};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A caller who interrupts twice, the second time with a goodbye.
fn caller() -> Caller {
    let plan = Plan::parse_from(["otto-load", "--calls", "1", "--seconds", "1"]);
    Caller::draw(&plan, 0, Duration::from_secs(1))
}

/// A call of this caller: for each interruption when its saying began, when it was cleared, and how many words of the
/// answer before it were heard.
fn report(caller: &Caller, interruptions: &[(u64, Option<u64>, usize)]) -> CallReport {
    let mut report = CallReport::empty("CA1");
    report.hung_up_by = Side::Otto;
    let question = SaidUtterance { text: "c0q1, what do you do?".into(), began: ms(500), ended: ms(900) };
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
    let word = HeardWord { text: "word".into(), at: ms(began + 50), samples: 4 * 480 };
    OttoUtterance { words: vec![word; words], began: ms(began), ended: ms(began + 300), cut: true }
}

/// What the recogniser wrote and the model was told: when, and how many words.
fn traces(caller: &Caller, report: &CallReport, seen: &[(u64, usize)]) -> Traces {
    let turns = caller.barge_ins().map(|text| Marker::find(text).unwrap().turn);
    let trace = |(at, words): &(u64, usize)| Trace {
        interim: Some(report.started + ms(*at)),
        remembered: Some(*words),
        ..Trace::default()
    };
    turns.zip(seen.iter().map(trace)).collect()
}

#[test]
fn an_interruption_lasts_from_the_first_interim_to_the_clear() {
    let caller = caller();
    let report = report(&caller, &[(2_000, Some(2_303), 4), (5_000, Some(5_312), 9)]);
    let measured = measure(&caller, &report, &traces(&caller, &report, &[(2_300, 4), (5_300, 7)]), 60);
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
        let measured = measure(&caller, &report, &traces(&caller, &report, seen), 60);
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

#[test]
fn sound_that_is_missing_within_words_is_counted() {
    let word = |text: &str, samples| HeardWord { text: text.into(), at: ms(0), samples };
    let words = [word("oil", 3 * 480), word("change", 6 * 480 - 160), word("br", 500)];
    assert_eq!(samples_lost(&words, true, 60), 160, "the word that was cut is left out");
    assert_eq!(samples_lost(&words, false, 60), 160 + 460);
    assert_eq!(samples_lost(&[], true, 60), 0);
}

#[test]
fn an_answer_must_begin_with_the_words_that_the_voice_was_given() {
    let now = tokio::time::Instant::now();
    let spoken = Spoken { text: "c0b2 We do oil changes, ".into(), asked: now, began: now };
    let trace = Trace { spoken: Some(spoken), ..Trace::default() };
    for (heard, expected) in [
        ("Hello c0b2 We do oil changes, tire", false),
        ("c0b2 We do oi", false),
        ("c0b2 We c0b3 We do", false),
        ("Hello", false),
        ("c0b2 We oil changes,", true),
        ("c0b2 We dx oil", true),
    ] {
        assert_eq!(garbled(&trace, heard.split(' ')), expected, "{heard}");
    }
}
