//! The decisions when the voice is away, input by input, and what is said without it.

use super::*;
use crate::limits::{TTS_FILLER_AFTER_MS, TTS_FLUSHES_PER_WINDOW, TTS_SILENCE_MAX_MS};
use crate::ports::{VendorError, VendorErrorKind};

fn stalled() -> Pumped {
    Pumped::Lost(VendorError::new("fake", VendorErrorKind::TimedOut, "scripted"))
}

// What is ready -------------------------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn what_is_ready_needs_no_session() {
    let mut bench = Bench::closed(Vec::new());
    bench.says_whole(1, "Hello.").does(Input::Open).wanted(&["begin at 0", "connect 1", "play 2400", "end"]);
    bench.then().begins(0).ends(2_400).line(2_400, 2_400).played(2_400).wanted(&["started 1", "spoken 1: Hello."]);
    bench.then().pumps(Pumped::Connected).wanted(&[]);
}

#[tokio::test(start_paused = true)]
async fn what_is_ready_is_played_before_it_is_complete_and_goes_on_with_the_session() {
    let mut bench = Bench::ready();
    bench.says(1, "Hello.").wanted(&["play 2400"]);
    bench.then().begins(0).says(1, " We open at nine.").wanted(&["started 1", "speak  We open at nine."]);
    // The session's first audio is not the beginning of the utterance.
    bench.then().finishes(1).begins(2_400).ends(9_000).wanted(&["flush"]);
    bench.then().line(9_000, 9_000).played(9_000).wanted(&["spoken 1: Hello. We open at nine."]);
}

#[tokio::test(start_paused = true)]
async fn what_is_ready_waits_for_what_the_session_has_in_hand() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "One.").says_whole(2, "Hello.").wanted(&["speak One.", "flush", "speak Hello.", "flush"]);
    let mut bench = Bench::ready();
    bench.says_whole(1, "One.").begins(0).ends(4_000).then().says_whole(2, "Hello.").wanted(&["play 2400", "end"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_prepared_is_forgotten_once_it_was_said() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "Hello.").begins(0).ends(2_400).line(2_400, 2_400).played(2_400);
    bench.then().says_whole(2, "Hello.").wanted(&["speak Hello.", "flush"]);
    let mut bench = Bench::ready();
    bench.says_whole(1, "Hello.").begins(0).ends(2_400).line(2_400, 400).does(Input::Hush);
    bench.then().says_whole(2, "Hello.").wanted(&["speak Hello.", "flush"]);
}

#[tokio::test(start_paused = true)]
async fn only_the_exact_text_is_ready() {
    for text in ["Hello!", "Hello. ", "Hello. There."] {
        Bench::ready().says_whole(1, text).wanted(&[&format!("speak {text}"), "flush"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_becomes_ready_while_it_waits_is_played() {
    let mut bench = Bench::closed(Vec::new());
    bench.does(Input::Open).says_whole(1, "Hi Maria.").then();
    let prepared = Prepared { text: "Hi Maria.".into(), audio: Bytes::from_static(&[b'm'; 800]) };
    bench.does(Input::Prepared(prepared)).wanted(&["play 800", "end"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_played_is_interrupted_without_the_session() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "Hello.").begins(0).ends(2_400).line(2_400, 800);
    bench.then().does(Input::Hush).wanted(&["clear line", "cut [1: ]"]);
    bench.then().says_whole(2, "Yes?").wanted(&["speak Yes?", "flush"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_played_is_not_lost_with_a_session() {
    let mut bench = Bench::closed(Vec::new());
    bench.does(Input::Open).says(1, "Hello.").begins(0).line(2_400, 400);
    bench.then().loses_session().wanted(&["trouble", "connect 2"]);
    bench.then().says(1, " Yes?").finishes(1).pumps(Pumped::Connected).wanted(&["speak  Yes?", "flush"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_about_to_be_played_is_not_played_twice() {
    let mut bench = Bench::ready();
    // The session was lost before the first text came; the word of it comes after the second.
    bench.says(1, "Hello.").says_whole(1, " Yes?").wanted(&["play 2400", "speak  Yes?", "flush"]);
    let old = bench.line.epoch;
    bench.then().loses_session().wanted(&["trouble", "clear line", "connect 2"]);
    let began = Pumped::Began { epoch: old, position: 0, first_byte: Instant::now() };
    bench.then().pumps(began).wanted(&[]);
    bench.pumps(Pumped::Connected).wanted(&["speak Hello. Yes?", "flush"]);
}

// Sockets and requests ------------------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn after_two_lost_sockets_requests_speak() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "One. Two.").loses_session().then().loses_session();
    bench.wanted(&["trouble", "connect 3 over requests"]);
    bench.then().pumps(Pumped::Connected).wanted(&["speak One. Two.", "flush"]);
    bench.then().begins(0).ends(8_000).line(8_000, 8_000).played(8_000).wanted(&["started 1", "spoken 1: One. Two."]);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_costs_time_is_not_tried_twice() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "One.").then().pumps(stalled()).wanted(&["trouble", "connect 2 over requests"]);
    let mut bench = Bench::ready();
    bench.pumps(Pumped::Lost(crate::testing::fatal())).wanted(&["trouble", "connect 2 over requests"]);
}

#[tokio::test(start_paused = true)]
async fn an_utterance_that_is_delivered_whole_forgives_a_lost_socket() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "One.").loses_session().pumps(Pumped::Connected).begins(0).ends(4_000);
    bench.then().says_whole(2, "Two.").loses_session();
    bench.wanted(&["speak Two.", "flush", "trouble", "connect 3"]);
}

#[tokio::test(start_paused = true)]
async fn the_socket_is_tried_again_when_nothing_is_to_be_said() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "One.").pumps(stalled()).pumps(Pumped::Connected);
    bench.then().due(PlaybackTimer::Socket).wanted(&[]);
    assert_eq!(bench.armed(), ["Socket 10000"], "later");
    bench.begins(0).ends(4_000);
    bench.then().due(PlaybackTimer::Socket).wanted(&["connect 3"]);
    // It is still away: no second attempt in a row.
    bench.then().loses_session().wanted(&["trouble", "connect 4 over requests"]);
}

#[tokio::test(start_paused = true)]
async fn after_two_lost_requests_somebody_else_speaks_from_the_first_unheard_sentence() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "First one. Second one.").begins(0).line(12_000, 9_000).pumps(stalled());
    bench.says(2, "Third").loses_session().then().loses_session().wanted(&["trouble"]);
    // Nothing is left out that is about to be said.
    bench.then().says(2, " one.").wanted(&[]);
    bench.finishes(2).wanted(&["mute: Second one. Third one."]);
    // From here on only questions are answered.
    bench.then().says_whole(3, "Four.").pumps(Pumped::Connected).loses_session().wanted(&[]);
    bench.due(PlaybackTimer::Socket).due(PlaybackTimer::Quiet).wanted(&[]);
    bench.does(Input::Hush);
    assert!(bench.log.iter().any(|l| l.starts_with("cut")), "{:?}", bench.log);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_gives_requests_another_chance() {
    let mut bench = Bench::ready();
    bench.says(1, "First").pumps(stalled()).loses_session().then().loses_session().wanted(&["trouble"]);
    bench.then().does(Input::Hush).wanted(&["clear line", "cut [1: ]", "connect 4 over requests"]);
    bench.then().pumps(Pumped::Connected).says_whole(2, "Yes?").wanted(&["speak Yes?", "flush"]);
}

#[tokio::test(start_paused = true)]
async fn with_nothing_to_say_nobody_else_is_needed() {
    let mut bench = Bench::ready();
    for _ in 0..20 {
        bench.loses_session();
    }
    assert!(!bench.log.iter().any(|l| l.starts_with("mute")), "{:?}", bench.log);
}

#[tokio::test(start_paused = true)]
async fn a_socket_has_no_more_flushes_than_the_vendor_takes() {
    let mut bench = Bench::ready();
    let most = u64::try_from(TTS_FLUSHES_PER_WINDOW).unwrap();
    (1..=most + 2).for_each(|id| {
        bench.says_whole(id, "Word.");
    });
    let count = |bench: &Bench, what: &str| bench.log.iter().filter(|l| l.starts_with(what)).count();
    assert_eq!((count(&bench, "speak"), count(&bench, "flush"), count(&bench, "connect")), (19, 19, 0));
    (0..most - 1).for_each(|n| {
        bench.begins(n * 4_000).ends((n + 1) * 4_000);
    });
    assert_eq!(count(&bench, "connect"), 0, "the old one still speaks");
    bench.begins(18 * 4_000).then().ends(19 * 4_000).wanted(&["connect 2"]);
    bench.then().pumps(Pumped::Connected).wanted(&["speak Word.", "flush", "speak Word.", "flush"]);
}

// Silence -------------------------------------------------------------------------------------------------------------

/// Lets time pass, and the timer fire when it is due.
async fn waits(bench: &mut Bench, time: Duration) {
    tokio::time::advance(time).await;
    bench.then().due(PlaybackTimer::Quiet);
}

fn with_filler(bench: &mut Bench) {
    let audio = Bytes::from_static(&[b'o'; 8_000]);
    bench.does(Input::Prepared(Prepared { text: "One moment.".into(), audio })).log.clear();
}

#[tokio::test(start_paused = true)]
async fn a_voice_that_is_away_asks_for_patience_once_and_then_gives_up() {
    let mut bench = Bench::closed(Vec::new());
    bench.does(Input::Open);
    with_filler(&mut bench);
    bench.says_whole(1, "One. Two.");
    assert!(bench.log.contains(&format!("arm Quiet {}", TTS_FILLER_AFTER_MS.as_millis())), "{:?}", bench.log);
    waits(&mut bench, TTS_FILLER_AFTER_MS).await;
    bench.wanted(&["fill 8000"]);
    bench.line(8_000, 0);
    waits(&mut bench, TTS_FILLER_AFTER_MS).await;
    bench.wanted(&[]);
    // A second of the filler, and then silence.
    waits(&mut bench, TTS_SILENCE_MAX_MS).await;
    bench.wanted(&["mute: One. Two."]);
}

#[tokio::test(start_paused = true)]
async fn without_a_filler_it_gives_up_at_once() {
    let mut bench = Bench::closed(Vec::new());
    bench.does(Input::Open).says_whole(1, "One.");
    waits(&mut bench, TTS_FILLER_AFTER_MS).await;
    bench.wanted(&[]);
    waits(&mut bench, TTS_SILENCE_MAX_MS - TTS_FILLER_AFTER_MS).await;
    bench.wanted(&["mute: One."]);
}

#[tokio::test(start_paused = true)]
async fn a_sound_ends_the_wait() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "One.").begins(0);
    waits(&mut bench, TTS_SILENCE_MAX_MS).await;
    bench.wanted(&[]);
    bench.ends(4_000).then().does(Input::Hush);
    waits(&mut bench, TTS_SILENCE_MAX_MS).await;
    bench.wanted(&[]);
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_not_complete_is_waited_for() {
    let mut bench = Bench::ready();
    bench.says(1, "One");
    waits(&mut bench, TTS_SILENCE_MAX_MS).await;
    bench.wanted(&[]);
}
