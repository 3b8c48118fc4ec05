//! Conversations as data: `scripts/*.txt` say what the caller says, which tools must be called and what must be said.
//!
//! A script begins with `# title` and optional `caller new|known|withheld|verified`, `transfer`, `offers tool ...` (the
//! tools beyond the ones that every call has), `unasked` (a caller on file who has not said whether they may be
//! reminded), `two` (two appointments on file), and `reminder` or `callback` for a call that
//! Otto has placed. Then, in order:
//! `> words` is the caller, and `> words / others` plays the dialogue once with each; `booked` is an oil change that the
//! caller books for tomorrow at nine; `= tool {json}` a call that must follow, all of them and in this order; `< text` must be in
//! what Otto says, `! text` must not; `tool name {json}` is the result of the next call of that tool; `cut text` is what
//! was heard of Otto's last words.
//!
//! `scripts/takeover.txt` has conversations that another model began: `other words` is what it said, `did name {json} ->
//! {json}` a tool that it called along with that, and `user words` the caller; `go` lets the dialogue answer.

mod play;

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::ports::Message;
use play::{Call, Who};

const SCRIPTS: [(&str, &str); 13] = [
    ("booking", include_str!("scripts/booking.txt")),
    ("consent", include_str!("scripts/consent.txt")),
    ("speech", include_str!("scripts/speech.txt")),
    ("questions", include_str!("scripts/questions.txt")),
    ("colleague", include_str!("scripts/colleague.txt")),
    ("trouble", include_str!("scripts/trouble.txt")),
    ("turns", include_str!("scripts/turns.txt")),
    ("changes", include_str!("scripts/changes.txt")),
    ("afterwards", include_str!("scripts/afterwards.txt")),
    ("leaving", include_str!("scripts/leaving.txt")),
    ("wishes", include_str!("scripts/wishes.txt")),
    ("reminders", include_str!("scripts/reminders.txt")),
    ("takeover", include_str!("scripts/takeover.txt")),
];

/// Every dialogue of a file, as its lines.
fn dialogues(text: &str) -> Vec<Vec<&str>> {
    let mut found: Vec<Vec<&str>> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with("# ") {
            found.push(Vec::new());
        }
        if let Some(last) = found.last_mut() {
            last.push(line);
        }
    }
    found
}

/// In how many ways the caller says something in a dialogue.
fn ways(lines: &[&str]) -> usize {
    let said = lines.iter().filter(|line| line.starts_with("> "));
    said.map(|line| line.split(" / ").count()).max().unwrap_or(1)
}

/// What `booked` stands for.
const BOOKED: [&str; 5] = [
    "> oil change tomorrow at nine",
    "= lookup_customer",
    "= get_available_slots",
    "> yes",
    "= book_appointment {\"date\":\"2026-11-24\",\"time\":\"09:00\"}",
];

/// Plays a dialogue, said in this way; what went wrong, if anything.
fn play(lines: &[&str], way: usize) -> Result<(), String> {
    let mut call = Call::new();
    for line in lines.iter().flat_map(|line| if *line == "booked" { &BOOKED[..] } else { std::slice::from_ref(line) }) {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        match mark {
            "#" => {}
            "caller" => call.who = Who::named(rest),
            "transfer" => call.can_transfer = true,
            "unasked" => call.is_unasked = true,
            "two" => call.has_two = true,
            "reminder" => call.placed(true),
            "callback" => call.placed(false),
            "offers" => call.offers(rest),
            "other" => call.another_said(rest),
            "did" => call.another_did(rest),
            "user" => call.user(rest),
            "go" => call.go_on(),
            "tool" => call.prepare(rest),
            "cut" => call.cut(rest),
            ">" => {
                call.all_calls_expected()?;
                call.hear(rest.split(" / ").nth(way).unwrap_or(rest));
            }
            "=" => call.expect_call(rest)?,
            "<" if !call.said.contains(rest) => return Err(format!("expected {rest:?}, Otto said {:?}", call.said)),
            "!" if call.said.contains(rest) => return Err(format!("Otto should not say {rest:?}: {:?}", call.said)),
            "<" | "!" => {}
            other => return Err(format!("unknown mark {other:?}")),
        }
    }
    call.all_calls_expected()
}

#[test]
fn scripted_dialogues() {
    let mut problems = Vec::new();
    let mut count = 0;
    for (file, text) in SCRIPTS {
        for lines in dialogues(text) {
            count += 1;
            for way in 0..ways(&lines) {
                if let Err(problem) = play(&lines, way) {
                    problems.push(format!("{file}, {}, {way}: {problem}", lines[0]));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{} of {count}:\n{}", problems.len(), problems.join("\n"));
    assert!(count >= 60, "only {count} dialogues");
}

#[tokio::test]
async fn a_reply_is_a_stream_that_ends() {
    let model = BuiltInDialogue::new(Arc::default());
    let mut call = Call::new();
    call.history.push(Message::User("oil change tomorrow".into()));
    let events: Vec<_> = model.reply(call.request()).await.expect("a reply").collect().await;
    let names: Vec<&str> = events
        .iter()
        .map(|event| match event {
            Ok(ModelEvent::Text(_)) => "text",
            Ok(ModelEvent::ToolCall(call)) => call.name.as_str(),
            Ok(ModelEvent::Done(_)) => "done",
            Err(_) => "error",
        })
        .collect();
    assert_eq!(names, ["lookup_customer", "get_available_slots", "done"]);
}

/// Words that mean something, so that random turns get somewhere.
const VOCABULARY: [&str; 58] = [
    "yes",
    "no",
    "oil",
    "change",
    "brakes",
    "tomorrow",
    "next",
    "Tuesday",
    "the",
    "first",
    "one",
    "ten",
    "thirty",
    "half",
    "past",
    "quarter",
    "to",
    "book",
    "cancel",
    "move my",
    "confirm my appointment",
    "complaint",
    "my",
    "appointment",
    "how",
    "much",
    "bye",
    "that's",
    "all",
    "never",
    "mind",
    "human",
    "name",
    "is",
    "John",
    "March",
    "3rd",
    "in",
    "two",
    "weeks",
    "after",
    "lunch",
    "A",
    "B",
    "1234",
    "double",
    "five",
    "twenty",
    "Honda",
    "hours",
    "noon",
    "speaking",
    "call me back",
    "don't call me",
    "wrong number",
    "I'll be there",
    "can't make it",
    "her husband",
];

/// What another model may have said.
const OTHERS: [&str; 8] = [
    "What time works for you?",
    "And your name?",
    "Shall I go ahead and book it?",
    "Would you like me to cancel it?",
    "I have nine or ten. Which one?",
    "Is there anything else?",
    "Let me",
    "Are you sure?",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_words_get_an_answer(texts in prop::collection::vec(".{0,60}", 1..6)) {
        let mut call = Call::new();
        for text in &texts {
            // Panics when a reply is empty or tools are called without end.
            call.hear(text);
        }
    }

    #[test]
    fn any_known_words_get_an_answer(
        turns in prop::collection::vec(prop::collection::vec(0..VOCABULARY.len(), 0..9), 1..12),
        who in 0..4usize,
        can_transfer: bool,
        can_change: bool,
        result in 0..3usize,
        placed in 0..3usize,
    ) {
        let mut call = Call::new();
        if placed > 0 {
            call.placed(placed == 1);
            let failure = r#"{"success":false,"error":"unavailable"}"#;
            for tool in ["answer_reminder", "request_call_back", "stop_reminders"].into_iter().skip(result) {
                call.results.push((tool.into(), failure.into()));
            }
        }
        if can_change {
            call.offers("cancel_appointment reschedule_appointment confirm_appointment take_message");
            let error = ["not_found", "unavailable", "x"][result];
            let failure = format!("{{\"success\":false,\"error\":\"{error}\"}}");
            for tool in ["cancel_appointment", "reschedule_appointment", "confirm_appointment", "take_message"] {
                call.results.push((tool.into(), failure.clone()));
            }
        }
        call.who = [Who::Known, Who::New, Who::Withheld, Who::Verified][who];
        call.can_transfer = can_transfer;
        for turn in &turns {
            let words: Vec<&str> = turn.iter().map(|index| VOCABULARY[*index]).collect();
            call.hear(&words.join(" "));
        }
    }

    #[test]
    fn any_words_of_another_model_get_an_answer(
        turns in prop::collection::vec((0..OTHERS.len(), prop::collection::vec(0..VOCABULARY.len(), 0..6)), 1..8),
    ) {
        let mut call = Call::new();
        for (other, words) in &turns {
            let words: Vec<&str> = words.iter().map(|index| VOCABULARY[*index]).collect();
            call.user(&words.join(" "));
            call.another_said(OTHERS[*other]);
        }
        call.go_on();
        call.hear("yes");
    }

    #[test]
    fn any_result_gets_an_answer(content in ".{0,80}", error in "[a-z_]{0,12}") {
        let refused = format!("{{\"success\":false,\"error\":\"{error}\",\"message\":\"x\"}}");
        for result in [content, refused, "{\"success\":true}".to_owned()] {
            let mut call = Call::new();
            call.results.push(("get_available_slots".into(), result.clone()));
            call.results.push(("book_appointment".into(), result));
            for text in ["oil change tomorrow at ten", "yes", "yes", "yes"] {
                call.hear(text);
            }
        }
    }
}
