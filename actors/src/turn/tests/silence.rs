//! What the caller hears when nothing is heard: fillers, prompts, and word that Otto cannot hear.

use super::*;

fn due(timer: TurnTimer) -> Input {
    Input::Due(timer)
}

/// The timers that are running after these inputs.
fn running(machine: &mut TurnMachine, inputs: Vec<Input>) -> Vec<TurnTimer> {
    let mut running: Vec<TurnTimer> = Vec::new();
    for input in inputs {
        if let Input::Due(timer) = &input {
            running.retain(|other| other != timer);
        }
        for effect in machine.step(input) {
            match effect {
                Effect::Arm(timer) | Effect::Disarm(timer) => running.retain(|other| *other != timer),
                _ => {}
            }
            if let Effect::Arm(timer) = effect {
                running.push(timer);
            }
        }
    }
    running
}

#[track_caller]
fn check_running(inputs: Vec<Input>, expected: &[TurnTimer]) {
    assert_eq!(running(&mut fresh(), inputs), expected);
}

#[test]
fn one_timer_watches_the_silence() {
    use TurnTimer::{
        Deaf, FalseAlarm, Filler, Keys, Overdue, Quiet, Silence, Stable, StillDeaf, StillThinking, Thinking,
    };
    let greeted = || vec![Input::Greet("Hello".into()), spoken(1)];
    check_running(vec![Input::Greet("Hello".into())], &[]);
    check_running(greeted(), &[Quiet]);
    check_running([greeted(), vec![interim("my")]].concat(), &[Stable, Silence]);
    check_running(vec![said("go")], &[Thinking]);
    check_running(vec![part("go"), silence()], &[Overdue]);
    check_running(vec![Input::Key('1'), due(Keys)], &[Overdue]);
    check_running(vec![Input::Key('1'), due(Keys), due(Overdue), spoken(1)], &[StillThinking]);
    check_running(vec![part("go"), silence(), said("on")], &[Thinking]);
    check_running(vec![said("go"), text(1, "Let me see. ")], &[]);
    check_running(with_tools(&["a"]), &[Thinking, Filler]);
    check_running([with_tools(&["a"]), vec![due(Filler)]].concat(), &[]);
    check_running([with_tools(&["a"]), vec![due(Filler), spoken(1)]].concat(), &[StillThinking]);
    check_running([with_tools(&["a"]), vec![due(Filler), spoken(1), result("a")]].concat(), &[StillThinking]);
    check_running([speaking(), vec![spoken(1)]].concat(), &[Quiet]);
    check_running([speaking(), vec![interim("wait")]].concat(), &[Stable, FalseAlarm]);
    check_running([greeted(), vec![Input::Deaf]].concat(), &[Deaf]);
    check_running([greeted(), vec![Input::Deaf, due(Deaf), spoken(2)]].concat(), &[StillDeaf]);
    check_running([greeted(), vec![Input::Deaf, Input::Hears]].concat(), &[Quiet]);
    check_running([greeted(), vec![part("my car"), Input::Deaf]].concat(), &[Stable, Deaf]);
    check_running([greeted(), vec![part("my car"), Input::Deaf, Input::Hears]].concat(), &[Stable, Silence]);
    let silent = || [greeted(), vec![part("my car"), Input::FellSilent]].concat();
    check_running([silent(), vec![Input::Deaf]].concat(), &[Silence, Deaf]);
    check_running([silent(), vec![part("squeaks"), Input::Deaf]].concat(), &[Stable, Deaf]);
    check_running(vec![said("go"), Input::Deaf], &[Thinking]);
}

#[test]
fn fillers_go_on_as_long_as_an_answer_is_due() {
    use TurnTimer::{StillThinking, Thinking};
    check_after(
        vec![said("go")],
        vec![due(Thinking), spoken(1), due(StillThinking), spoken(2), due(StillThinking), text(1, "Yes."), done(1)],
        &[
            "say 1/1: FILLER",
            "finish 1",
            "say 1/2: FILLER AGAIN",
            "finish 2",
            "say 1/3: FILLER AGAIN",
            "finish 3",
            "say 1/4: Yes.",
            "finish 4",
            "otto 4: Yes.",
        ],
    );
    // Also between the words of a reply that has stopped in the middle.
    check_after(
        vec![said("go"), text(1, "Let me see. We"), Input::Paused(Step(1)), spoken(1)],
        vec![due(Thinking), text(1, " have ten."), done(1)],
        &["say 1/2: FILLER", "finish 2", "say 1/3: We have ten.", "finish 3", "otto 3: We have ten."],
    );
    check_after(vec![said("go"), text(1, "Let me see. ")], vec![due(Thinking)], &[]);
}

#[test]
fn a_silent_caller_is_asked_twice_and_then_otto_hangs_up() {
    let quiet = || due(TurnTimer::Quiet);
    let greeted = || vec![Input::Greet("Hello".into()), spoken(1)];
    check_after(
        greeted(),
        vec![quiet(), spoken(2), quiet(), spoken(3), quiet(), spoken(4)],
        &[
            "say 0/2: STILL THERE?",
            "finish 2",
            "otto 2: STILL THERE?",
            "say 0/3: STILL THERE AGAIN?",
            "finish 3",
            "otto 3: STILL THERE AGAIN?",
            "ending HangUp",
            "say 0/4: SILENT GOODBYE",
            "finish 4",
            "otto 4: SILENT GOODBYE",
            "end HangUp",
        ],
    );
    // Words and keys count from the beginning again.
    for answer in [vec![said("yes")], vec![Input::Key('1'), due(TurnTimer::Keys)]] {
        let before = [greeted(), vec![quiet(), spoken(2)], answer, vec![text(1, "Fine."), done(1), spoken(3)]].concat();
        check_after(before, vec![quiet()], &["say 1/4: STILL THERE?", "finish 4", "otto 4: STILL THERE?"]);
    }
    // A prompt can be interrupted.
    check_after(
        [greeted(), vec![quiet()]].concat(),
        vec![said("I am")],
        &["begin 1", "hush", "barge-in: I am", "user: I am"],
    );
}

#[test]
fn who_cannot_be_heard_is_told_so_and_not_hung_up_on() {
    use TurnTimer::{Deaf, Quiet, StillDeaf};
    let greeted = || vec![Input::Greet("Hello".into()), spoken(1)];
    check_after(
        greeted(),
        vec![Input::Deaf, due(Quiet), due(Deaf), spoken(2), due(StillDeaf), spoken(3), due(Quiet), Input::Hears],
        &["say 0/2: DEAF", "finish 2", "otto 2: DEAF", "say 0/3: FILLER AGAIN", "finish 3", "otto 3: FILLER AGAIN"],
    );
    // The next time it is told again.
    let again = [greeted(), vec![Input::Deaf, due(Deaf), spoken(2), Input::Hears, Input::Deaf]].concat();
    check_after(again, vec![due(Deaf)], &["say 0/3: DEAF", "finish 3", "otto 3: DEAF"]);
    // What the caller had begun to say is not taken for all.
    let begun = || [greeted(), vec![part("my car"), Input::Deaf]].concat();
    check_after(begun(), vec![Input::Hears, said("squeaks")], &["begin 1", "user: my car squeaks", "ask 1"]);
}
