//! When a turn ends, what is asked, what is said.

use super::*;

#[test]
fn a_turn_ends_once_whoever_ends_it_first() {
    let asked = ["begin 1", "user: my car squeaks", "ask 1"];
    check(vec![said("my car squeaks")], &asked);
    check(vec![part("my car"), said("squeaks")], &asked);
    check(vec![part("my car squeaks"), Input::UtteranceEnd], &asked);
    check(vec![part("my car squeaks"), silence()], &asked);
    check(vec![interim("my car squeaks"), silence()], &asked);
    check(vec![part("my car"), interim("squeaks"), Input::UtteranceEnd], &asked);
    check(vec![said("my car squeaks"), Input::UtteranceEnd, silence(), words("", true, true)], &asked);
    check(vec![part("my car squeaks"), Input::UtteranceEnd, words("", true, true)], &asked);
    check(vec![part("my car squeaks"), silence(), Input::UtteranceEnd], &asked);
}

#[test]
fn two_finals_of_one_utterance_are_one_turn() {
    check(
        vec![interim("I"), part("I need"), part("new"), said("brakes")],
        &["begin 1", "user: I need new brakes", "ask 1"],
    );
}

#[test]
fn a_final_that_comes_after_its_turn_was_ended_on_interim_words_is_no_new_turn() {
    let asked = ["begin 1", "user: my car squeaks", "ask 1"];
    check(vec![interim("my car squeaks"), silence(), said("My car squeaks.")], &asked);
    check(
        vec![part("my car"), interim("squeaks"), Input::UtteranceEnd, part("squeaks"), words("", true, true)],
        &asked,
    );
    // The same words said again, after Otto's answer, are a new turn.
    check_after(
        vec![interim("hello"), silence(), text(1, "Hello. "), done(1), spoken(1)],
        vec![said("hello")],
        &["begin 2", "user: hello", "ask 2"],
    );
}

#[test]
fn a_late_final_is_known_by_its_place_however_it_is_written() {
    let taken = [placed("tomorrow at nine a m", false, 2_000), Input::UtteranceEnd];
    let after = |late: Input| taken.iter().cloned().chain([late, words("", true, true)]).collect::<Vec<_>>();
    let asked = ["begin 1", "user: tomorrow at nine a m", "ask 1"];
    check(after(placed("Tomorrow at 9 AM.", true, 2_100)), &asked);
    check(after(placed("Tomorrow at 9 AM.", false, 1_980)), &asked);
    let both = ["begin 1", "user: tomorrow at nine a m", "ask 1", "stop 1", "begin 2", "user: No, at ten.", "ask 2"];
    check(after(placed("No, at ten.", true, 2_900)), &both);
    // Where the words lie is not known across the loss of the ears.
    let deaf = taken.iter().cloned().chain([Input::Deaf, Input::Hears, placed("No, at ten.", true, 900), silence()]);
    check(deaf.collect(), &both);
}

#[test]
fn words_that_are_repeated_are_no_reason_to_wait_longer() {
    let mut machine = fresh();
    let mut waits = |input| {
        let waits = |effect: &Effect| *effect == Effect::Arm(TurnTimer::Silence);
        machine.step(input).iter().filter(|effect| waits(effect)).count()
    };
    assert_eq!([interim("my car"), interim("my car squeaks"), interim("my car squeaks")].map(&mut waits), [1, 1, 0]);
    assert_eq!([part("My car squeaks."), interim("and")].map(&mut waits), [1, 1]);
}

#[test]
fn nothing_said_is_no_turn() {
    check(vec![Input::UtteranceEnd, silence(), words("", true, true), words("", false, false)], &[]);
}

#[test]
fn a_reply_is_spoken_by_clauses_and_noted_whole() {
    check(
        vec![said("hi"), text(1, "Sure thing, I"), text(1, " have ten. "), text(1, "Fine"), done(1)],
        &[
            "begin 1",
            "user: hi",
            "ask 1",
            "say 1/1: Sure thing,",
            "say 1/1: I have ten.",
            "say 1/1: Fine",
            "finish 1",
            "otto 1: Sure thing, I have ten. Fine",
        ],
    );
}

#[test]
fn the_greeting_is_said_and_remembered() {
    check(vec![Input::Greet("Hello".into())], &["say 0/1: Hello", "finish 1", "otto 1: Hello"]);
}

#[test]
fn keys_are_a_turn_ended_by_a_hash_or_by_silence() {
    let asked = ["begin 1", "user: (keys pressed: 12)", "ask 1"];
    check(vec![Input::Key('1'), Input::Key('2'), Input::Key('#')], &asked);
    let keys_are_over = || Input::Due(TurnTimer::Keys);
    check(vec![Input::Key('1'), Input::Key('2'), keys_are_over()], &asked);
    check(vec![Input::Key('#')], &["ignored"]);
    // Keys take their own time, whatever is heard meanwhile.
    check(
        vec![Input::Key('1'), said("one"), silence(), Input::UtteranceEnd, Input::Key('2'), keys_are_over()],
        &["begin 1", "user: one (keys pressed: 12)", "ask 1"],
    );
}

#[test]
fn a_zero_alone_asks_for_a_human() {
    let zero = || vec![Input::Key('0'), Input::Due(TurnTimer::Keys)];
    let asked = "user: (keys pressed: 0, which asks for a human)";
    let said_so = ["say 1/1: TRANSFER", "finish 1", "otto 1: TRANSFER", "end Transfer"];
    let expected = [&["begin 1", asked, "ending Transfer"], &said_so[..]].concat();
    check([zero(), vec![spoken(1)]].concat(), &expected);
    let mut nobody = TurnMachine::new(Rules { can_transfer: false, ..rules() }, Standing::default());
    assert_eq!(run(&mut nobody, zero()), format!("begin 1 | {asked} | ask 1"));
    // A zero among keys, or after keys, or with words, is a digit.
    check(vec![Input::Key('0'), Input::Key('1'), Input::Key('#')], &["begin 1", "user: (keys pressed: 01)", "ask 1"]);
    let one = || vec![Input::Key('1'), Input::Key('#'), text(1, "And?"), done(1), spoken(1)];
    check_after(one(), zero(), &["begin 2", "user: (keys pressed: 0)", "ask 2"]);
    check([vec![part("zero")], zero()].concat(), &["begin 1", "user: zero (keys pressed: 0)", "ask 1"]);
    // While Otto speaks it waits until he has stopped.
    check_after(
        speaking(),
        [zero(), vec![cut(1, &[(1, "A")])]].concat(),
        &[
            "begin 2",
            "hush",
            "barge-in: ",
            asked,
            "ending Transfer",
            "cut 1: A",
            "say 2/2: TRANSFER",
            "finish 2",
            "otto 2: TRANSFER",
        ],
    );
}

#[test]
fn a_model_that_fails_is_asked_once_more_and_then_otto_says_sorry() {
    check_after(vec![said("hi")], vec![fails(1)], &["ask 2"]);
    check_after(vec![said("hi"), fails(1)], vec![fails(2)], &["say 1/1: TROUBLE", "finish 1", "otto 1: TROUBLE"]);
    // Words that were not spoken yet are forgotten with the attempt.
    check_after(
        vec![said("hi"), text(1, "Wel"), fails(1)],
        vec![text(2, "Good day."), done(2)],
        &["say 1/1: Good day.", "finish 1", "otto 1: Good day."],
    );
}

#[test]
fn a_final_error_is_not_tried_again() {
    let refused = Input::Model { step: Step(1), event: Err(crate::testing::fatal()) };
    check_after(vec![said("hi")], vec![refused], &["say 1/1: TROUBLE", "finish 1", "otto 1: TROUBLE"]);
}

#[test]
fn a_model_that_fails_after_it_has_spoken_is_asked_for_the_rest() {
    let said_first = || vec![said("hi"), text(1, "Good day. And"), tool(1, "a")];
    let asked_again = ["finish 1", "otto 1: Good day.", "goes on", "ask 2"];
    check_after(said_first(), vec![fails(1)], &asked_again);
    // The rest is an utterance of its own, and may be nothing.
    let before = || [said_first(), vec![fails(1)]].concat();
    check_after(
        before(),
        vec![text(2, "And more."), done(2)],
        &["say 1/2: And more.", "finish 2", "otto 2: And more."],
    );
    check_after(before(), vec![done(2)], &[]);
    check_after(before(), vec![tool(2, "b"), done(2)], &["otto 0: [b]", "run 1/b"]);
    check_after(
        before(),
        vec![text(2, "And more. Or"), fails(2)],
        &[
            "say 1/2: And more.",
            "finish 2",
            "otto 2: And more.",
            "goes on",
            "say 1/3: TROUBLE",
            "finish 3",
            "otto 3: TROUBLE",
        ],
    );
}

#[test]
fn an_empty_reply_is_trouble() {
    let trouble = ["ask 2", "say 1/1: TROUBLE", "finish 1", "otto 1: TROUBLE"];
    check_after(vec![said("hi")], vec![done(1), done(2)], &trouble);
    check_after(vec![said("hi")], vec![text(1, "  \n"), done(1), done(2)], &trouble);
    check_after(vec![said("hi")], vec![tool(1, "a"), truncated(1), fails(2)], &trouble);
}

#[test]
fn the_second_trouble_in_a_row_ends_in_a_way_out() {
    let refuses = |step| Input::Model { step: Step(step), event: Err(crate::testing::fatal()) };
    let before = || vec![said("hi"), refuses(1), spoken(1)];
    check_after(
        before(),
        vec![said("hello?"), refuses(2), spoken(2)],
        &[
            "begin 2",
            "user: hello?",
            "ask 2",
            "ending Transfer",
            "say 2/2: APOLOGY",
            "finish 2",
            "otto 2: APOLOGY",
            "end Transfer",
        ],
    );
    let mut nobody = TurnMachine::new(Rules { can_transfer: false, ..rules() }, Standing::default());
    run(&mut nobody, before());
    assert!(run(&mut nobody, vec![said("hello?"), refuses(2), spoken(2)]).ends_with("end HangUp"));
    // An answer in between makes the next one the first again.
    let answered = [before(), vec![said("hi"), text(2, "Yes."), done(2), spoken(2), said("and")]].concat();
    check_after(answered, vec![refuses(3)], &["say 3/3: TROUBLE", "finish 3", "otto 3: TROUBLE"]);
}

#[test]
fn a_vendor_that_asks_for_a_pause_gets_a_short_one() {
    let later = |step, ms| {
        let error = crate::ports::VendorError { retry_after: Some(crate::testing::ms(ms)), ..passing() };
        Input::Model { step: Step(step), event: Err(error) }
    };
    let again = Input::Due(TurnTimer::Retry);
    check_after(vec![said("hi")], vec![later(1, 700), again], &["retry after 700 ms", "ask 2"]);
    check_after(vec![said("hi")], vec![later(1, 0)], &["ask 2"]);
    check_after(vec![said("hi")], vec![later(1, 1_001)], &["say 1/1: TROUBLE", "finish 1", "otto 1: TROUBLE"]);
    // The caller has gone on meanwhile.
    check_after(vec![said("hi"), later(1, 700), said("oh no")], vec![Input::Due(TurnTimer::Retry)], &[]);
}

#[test]
fn the_rest_of_a_reply_that_was_cut_by_its_length_is_asked_for() {
    let ends =
        |reply: &str, expected: &[&str]| check_after(vec![said("hi"), text(1, reply)], vec![truncated(1)], expected);
    ends("Good day. We have", &["finish 1", "otto 1: Good day.", "goes on", "ask 2"]);
    ends("Good day. We have ten.", &["say 1/1: We have ten.", "finish 1", "otto 1: Good day. We have ten."]);
    ends("Good day, we have", &["finish 1", "otto 1: Good day,", "goes on", "ask 2"]);
    ends("Good", &["ask 2"]);
    let twice = |again: &str, expected: &[&str]| {
        check_after(vec![said("hi"), text(1, "Good"), truncated(1), text(2, again)], vec![truncated(2)], expected);
    };
    twice("Good day. We", &["finish 1", "otto 1: Good day."]);
    twice("Good", &["say 1/1: TROUBLE", "finish 1", "otto 1: TROUBLE"]);
}

#[test]
fn a_reply_that_pauses_is_heard_as_far_as_it_goes() {
    let before = || vec![said("hi"), text(1, "Good day. We")];
    let pauses = || Input::Paused(Step(1));
    check_after(before(), vec![pauses(), pauses()], &["finish 1", "otto 1: Good day.", "goes on"]);
    let rest = ["say 1/2: We have ten.", "finish 2", "otto 2: We have ten."];
    check_after([before(), vec![pauses()]].concat(), vec![text(1, " have ten."), done(1)], &rest);
    check_after(vec![said("hi")], vec![pauses()], &[]);
}

#[test]
fn late_events_of_an_old_request_are_dropped() {
    check_after(vec![said("hi"), fails(1)], vec![text(1, "Old words. "), tool(1, "a"), done(1)], &[]);
    check_after(speaking(), vec![text(1, "More words. "), done(1), fails(1)], &[]);
    check_after(vec![said("hi"), said("no, wait")], vec![text(1, "Old words. "), done(1)], &[]);
}

#[test]
fn long_text_of_a_caller_is_bounded() {
    let long = "word ".repeat(2_000);
    let mut machine = fresh();
    machine.step(said(&long));
    let Some(Entry::User(noted)) = machine.history().entries().first() else { panic!("no turn") };
    assert_eq!(noted.chars().count(), crate::limits::USER_TEXT_MAX_CHARS - 1, "the bound, less its last space");
}
