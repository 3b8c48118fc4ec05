//! The decisions, input by input. A sample is an eighth of a millisecond; positions are samples of the epoch.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_utterance_is_flushed_at_its_end_and_order_is_kept() {
    let mut bench = Bench::ready();
    bench.says(1, "One. ").says(1, "Two. ").wanted(&["speak One. ", "speak Two. "]);
    bench.then().finishes(1).finishes(1).wanted(&["flush"]);
    bench.then().says_whole(2, "Three.").wanted(&["speak Three.", "flush"]);
    bench.then().begins(0).ends(8_000).begins(8_000).ends(12_000).wanted(&["started 1", "started 2"]);
    bench.then().line(12_000, 8_000).played(8_000).wanted(&["spoken 1: One. Two. "]);
    bench.then().played(12_000).played(12_000).wanted(&["spoken 2: Three."]);
}

#[tokio::test(start_paused = true)]
async fn a_clause_is_flushed_before_the_sentence_is_whole_while_flushes_are_plenty() {
    let mut bench = Bench::ready();
    bench.says(1, "Well, ").says(1, "we, ").says(1, "do. ").finishes(1);
    bench.wanted(&["speak Well, ", "flush the beginning", "speak we, ", "speak do. ", "flush"]);
    // The next one waits for its turn in the session anyway.
    bench.then().says(2, "And ").finishes(2).wanted(&["speak And ", "flush"]);
    bench.begins(0).ends(4_000).begins(4_000).ends(6_000);
    // What was flushed already is whole with it.
    bench.then().says_whole(3, "Yes").wanted(&["speak Yes", "flush the beginning", "seal"]);
    bench.begins(6_000).ends(7_000);
    for id in 4..10 {
        bench.says_whole(id, "Sure. ").ends(7_000 + id);
    }
    bench.then().says(10, "Well, ").wanted(&["speak Well, "]);
}

#[tokio::test(start_paused = true)]
async fn a_new_utterance_completes_the_one_before() {
    let mut bench = Bench::ready();
    bench.says(1, "One. ").says(2, "Two. ").wanted(&["speak One. ", "flush", "speak Two. "]);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_before_the_line_is_open_waits() {
    let mut bench = Bench::closed(Vec::new());
    bench.says_whole(1, "Good day.").wanted(&[]);
    bench.does(Input::Open).wanted(&["begin at 0", "connect 1"]);
    bench.then().pumps(Pumped::Connected).wanted(&["speak Good day.", "flush"]);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_says_what_was_heard() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "one two three four").says_whole(2, "five").begins(0).ends(14_400);
    // 800 samples a character.
    bench.then().line(14_400, 6_000).does(Input::Hush).wanted(&["clear", "cut [1: one two, 2: ]"]);
    bench.then().says(3, "six").wanted(&[]);
    bench.pumps(Pumped::Cleared).wanted(&["speak six", "flush the beginning"]);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_of_nothing_is_answered() {
    Bench::ready().does(Input::Hush).wanted(&["cut []"]);
    Bench::closed(Vec::new()).does(Input::Hush).wanted(&["cut []"]);
    let mut bench = Bench::closed(Vec::new());
    bench.does(Input::Open).says(1, "Hello there").then().does(Input::Hush).wanted(&["clear line", "cut [1: ]"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_session_said_before_it_was_cleared_is_not_the_next_utterance() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "One.").begins(0).line(4_000, 100).does(Input::Hush).says_whole(2, "Two.");
    // On their way when the interruption came: the end of the old flush, the beginning of another.
    let (epoch, first_byte) = (Epoch(0), Instant::now());
    bench.then().pumps(Pumped::Ended { epoch, position: 8_000 });
    bench.pumps(Pumped::Began { epoch, position: 8_000, first_byte }).wanted(&[]);
    bench.pumps(Pumped::Cleared).wanted(&["speak Two.", "flush"]);
    bench.then().begins(0).ends(4_000).line(4_000, 4_000).played(4_000).wanted(&["started 2", "spoken 2: Two."]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_session_says_again_from_the_first_sentence_that_was_not_heard() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "First one. Second one. Third one.").begins(0).line(12_000, 9_000);
    // 9,000 samples are 16 characters at the rate that is assumed: "First one. Secon".
    bench.then().loses_session().wanted(&["trouble", "clear line", "connect 2"]);
    bench.then().pumps(Pumped::Connected).wanted(&["speak Second one. Third one.", "flush"]);
    bench.then().begins(0).ends(8_000).line(8_000, 8_000).played(8_000);
    bench.wanted(&["started 1", "spoken 1: First one. Second one. Third one."]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_session_keeps_what_is_whole_on_its_way() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "One.").says_whole(2, "Two.").begins(0).ends(4_000).line(4_000, 1_000);
    bench.then().loses_session().wanted(&["trouble", "connect 2"]);
    bench.then().pumps(Pumped::Connected).wanted(&["speak Two.", "flush"]);
    bench.then().begins(4_000).ends(8_000).played(4_000).played(8_000);
    bench.wanted(&["started 2", "spoken 1: One.", "spoken 2: Two."]);
}

#[tokio::test(start_paused = true)]
async fn what_was_heard_whole_is_over_and_not_said_again_in_silence() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "One.").says_whole(2, "Two.").begins(0).ends(4_000).begins(4_000).line(6_000, 5_000);
    // The mark of the first is not back yet, and half of the second must be taken back: an empty text has no audio and
    // would never end.
    bench.then().loses_session().pumps(Pumped::Connected);
    bench.wanted(&["trouble", "clear line", "spoken 1: One.", "connect 2", "speak Two.", "flush"]);
}

#[tokio::test(start_paused = true)]
async fn a_text_without_any_sound_is_over_at_once() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "First one.").begins(0).line(9_000, 9_000).says(1, " ");
    bench.then().loses_session().pumps(Pumped::Connected);
    assert!(!bench.log.iter().any(|l| l == "flush"), "{:?}", bench.log);
    bench.then().does(Input::Hush);
    assert!(bench.log.iter().any(|l| l.starts_with("cut")));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_replaced_is_not_listened_to() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "One.").loses_session().then();
    let lost = Pumped::Lost(crate::testing::passing());
    bench.does(Input::Pumped { session: 1, what: lost }).does(Input::Pumped { session: 1, what: Pumped::Connected });
    bench.wanted(&[]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_mark_is_made_good_by_the_clock() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "One.").begins(0).line(4_000, 0).then().ends(4_000);
    assert_eq!(bench.armed(), ["Mark 2000"], "500 ms of audio and the grace");
    tokio::time::advance(Duration::from_millis(2_000)).await;
    bench.then().due(PlaybackTimer::Mark).wanted(&["spoken 1: One."]);
    assert!(bench.armed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_runs_late_is_asked_again() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "One.").begins(0).ends(4_000);
    bench.then().line(4_000, 3_000).due(PlaybackTimer::Mark).wanted(&[]);
    assert_eq!(bench.armed(), ["Mark 1500"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_was_started_again_goes_on() {
    // One is whole on its way, two was not begun.
    let mut bench = Bench::closed(vec![utterance(1, "One.", Some((0, Some(4_000)))), utterance(2, "Two.", None)]);
    bench.line(4_000, 1_000).does(Input::Open).wanted(&["begin at 4000", "connect 1"]);
    assert_eq!(bench.armed(), ["Mark 1875"], "its mark may have come back while nobody was there");
    bench.then().pumps(Pumped::Connected).wanted(&["speak Two.", "flush"]);
    bench.then().played(4_000).wanted(&["spoken 1: One."]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_was_started_again_takes_half_an_utterance_back() {
    let mut bench = Bench::closed(vec![utterance(1, "First one. Second one.", Some((0, None)))]);
    bench.line(12_000, 9_000).does(Input::Open).pumps(Pumped::Connected);
    bench.wanted(&["clear line", "begin at 0", "connect 1", "speak Second one.", "flush"]);
}

#[tokio::test(start_paused = true)]
async fn where_audio_lies_is_said_with_the_text_it_belongs_to() {
    let mut bench = Bench::ready();
    bench.says_whole(1, "First one. Second one.").begins(0).line(12_000, 9_000).loses_session();
    bench.pumps(Pumped::Connected);
    let epoch = bench.line.epoch;
    let began = Pumped::Began { epoch, position: 0, first_byte: Instant::now() };
    let effects = bench.machine.step(Input::Pumped { session: 2, what: began }, bench.line, Instant::now());
    let placed = effects.iter().find_map(|effect| match effect {
        Effect::Report(PlaybackReport::Placed { resumed_at, .. }) => Some(*resumed_at),
        _ => None,
    });
    assert_eq!(placed, Some("First one. ".len()));
}
