//! Interruptions that turn out to be none: Otto takes up from the first sentence that was not heard.

use super::*;

fn nothing_came() -> Input {
    Input::Due(TurnTimer::FalseAlarm)
}

/// The vendor takes its words back.
fn retracted() -> Input {
    words("", true, false)
}

/// Three sentences, the last of which the model has not finished.
fn in_the_middle() -> Vec<Input> {
    vec![said("go"), text(1, "The first one. The second one. And the"), interim("wait")]
}

#[test]
fn nothing_final_resumes_from_the_first_unheard_sentence() {
    for over in [nothing_came, retracted] {
        check_after(
            [speaking(), vec![interim("wait")]].concat(),
            vec![cut(1, &[(1, "A long answer. With")]), over(), spoken(2)],
            &["cut 1: A long answer. With", "ignored", "say 2/2: With an end.", "finish 2", "otto 2: With an end."],
        );
    }
}

#[test]
fn the_model_s_stream_goes_on_in_the_present_turn() {
    check_after(
        in_the_middle(),
        vec![cut(1, &[(1, "The first one. The")]), text(1, " third. "), nothing_came(), text(1, "Bye."), done(1)],
        &[
            "cut 1: The first one. The",
            "ignored",
            "say 2/2: The second one.",
            "say 2/2: And the third.",
            "say 2/2: Bye.",
            "finish 2",
            "otto 2: The second one. And the third. Bye.",
        ],
    );
}

#[test]
fn what_was_heard_whole_is_not_said_again() {
    check_after(
        in_the_middle(),
        vec![cut(1, &[(1, "The first one. The second one.")]), nothing_came(), text(1, " third."), done(1)],
        &[
            "cut 1: The first one. The second one.",
            "ignored",
            "say 2/2: And the third.",
            "finish 2",
            "otto 2: And the third.",
        ],
    );
    check_after(
        [speaking(), vec![interim("wait"), cut(1, &[(1, "A long answer. With an end.")])]].concat(),
        vec![nothing_came()],
        &["ignored"],
    );
}

#[test]
fn it_waits_for_the_word_of_what_was_heard() {
    check_after(
        [speaking(), vec![interim("wait"), retracted()]].concat(),
        vec![cut(1, &[(1, "A")])],
        &[
            "cut 1: A",
            "ignored",
            "say 2/2: A long answer. With an end.",
            "finish 2",
            "otto 2: A long answer. With an end.",
        ],
    );
    // Until then the caller may still go on.
    check_after(
        [speaking(), vec![interim("wait"), retracted(), interim("wait a")]].concat(),
        vec![cut(1, &[(1, "A")]), said("wait a minute")],
        &["cut 1: A", "user: wait a minute", "ask 2"],
    );
}

#[test]
fn a_final_word_drops_what_was_kept_back() {
    check_after(
        in_the_middle(),
        vec![cut(1, &[(1, "The first")]), part("wait"), text(1, " third. "), done(1), nothing_came(), silence()],
        &["cut 1: The first", "stop 1", "user: wait", "ask 2"],
    );
}

#[test]
fn a_final_listening_noise_is_no_interruption() {
    check_after(
        [speaking(), vec![interim("okay so what"), cut(1, &[(1, "A long")])]].concat(),
        vec![said("okay")],
        &["ignored", "say 2/2: A long answer. With an end.", "finish 2", "otto 2: A long answer. With an end."],
    );
    // It may be the beginning of more.
    check_after(
        [speaking(), vec![interim("okay so what"), cut(1, &[(1, "A long")])]].concat(),
        vec![part("okay"), said("so what")],
        &["user: okay so what", "ask 2"],
    );
}

#[test]
fn silence_makes_no_turn_of_a_doubt() {
    let ends = || vec![silence(), Input::UtteranceEnd];
    check_after([speaking(), vec![interim("wait"), cut(1, &[(1, "A")])]].concat(), ends(), &[]);
}

#[test]
fn a_thought_is_taken_up_again_too() {
    check_after(
        vec![said("go"), interim("wait"), text(1, "Here you are. "), done(1)],
        vec![nothing_came()],
        &["ignored", "say 2/1: Here you are.", "finish 1", "otto 1: Here you are."],
    );
    // One that had failed is tried again.
    check_after(vec![said("go"), interim("wait"), fails(1)], vec![nothing_came()], &["ignored", "ask 2"]);
}

#[test]
fn a_tool_call_of_a_turn_in_doubt_is_not_run() {
    let in_doubt = || vec![said("book it"), interim("no wait"), tool(1, "a"), done(1)];
    check(in_doubt(), &["begin 1", "user: book it", "ask 1", "begin 2"]);
    check_after(in_doubt(), vec![said("no wait")], &["stop 1", "user: no wait", "ask 2"]);
    check_after(in_doubt(), vec![nothing_came()], &["ignored", "otto 0: [a]", "run 2/a"]);
}

#[test]
fn tools_that_ran_are_told_and_the_model_is_asked_again() {
    check_after(
        [with_tools(&["a"]), vec![interim("wait")]].concat(),
        vec![nothing_came(), result("a")],
        &["ignored", "result a", "ask 2"],
    );
    let with_words = vec![said("go"), text(1, "Let me see. "), tool(1, "a"), done(1), interim("wait")];
    check_after(
        with_words,
        vec![cut(1, &[(1, "Let")]), result("a"), nothing_came()],
        &["cut 1: Let", "result a", "ignored", "say 2/2: Let me see.", "finish 2", "otto 2: Let me see.", "ask 2"],
    );
}

#[test]
fn a_goodbye_goes_on_and_ends_the_call() {
    let goodbye = vec![said("bye"), text(1, "Goodbye then. "), tool(1, "end"), done(1), ends("end", EndKind::HangUp)];
    check_after(
        [goodbye, vec![interim("oh what")]].concat(),
        vec![cut(1, &[(1, "Good")]), nothing_came(), spoken(2)],
        &[
            "cut 1: Good",
            "ignored",
            "say 2/2: Goodbye then.",
            "finish 2",
            "otto 2: Goodbye then.",
            "ending HangUp",
            "end HangUp",
        ],
    );
}

#[test]
fn a_filler_is_not_said_again() {
    let filler = Input::Due(TurnTimer::Thinking);
    check_after(
        vec![said("go"), filler, interim("wait")],
        vec![cut(1, &[(1, "FIL")]), nothing_came(), text(1, "Yes."), done(1)],
        &["ignored", "say 2/2: Yes.", "finish 2", "otto 2: Yes."],
    );
}

#[test]
fn a_key_is_never_a_false_alarm() {
    check_after(
        [speaking(), vec![Input::Key('1'), cut(1, &[(1, "A")])]].concat(),
        vec![nothing_came(), Input::Due(TurnTimer::Keys)],
        &["user: (keys pressed: 1)", "ask 2"],
    );
    check_after(
        [in_the_middle(), vec![cut(1, &[(1, "The")]), Input::Key('1')]].concat(),
        vec![nothing_came(), Input::Key('#')],
        &["user: wait (keys pressed: 1)", "ask 2"],
    );
}

#[test]
fn what_was_interrupted_for_good_before_is_not_said_again() {
    check_after(
        [speaking(), vec![said("no, brakes"), interim("wait"), cut(1, &[(1, "A long")])]].concat(),
        vec![nothing_came()],
        &["ignored", "ask 2"],
    );
}

#[test]
fn words_in_silence_that_are_taken_back_are_no_turn() {
    check(vec![interim("hello"), retracted(), silence()], &[]);
    check(vec![part("my car"), interim("squeaks"), retracted(), silence()], &["begin 1", "user: my car", "ask 1"]);
}
