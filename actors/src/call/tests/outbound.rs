//! Calls that Otto has placed, from the first sound to what came of them.

use super::*;
use crate::domain::{
    AnsweredBy, Appointment, AppointmentId, AppointmentStatus, BayId, CustomerId, ReminderId, ReminderOutcome,
    VehicleId,
};
use crate::limits;
use crate::names::Leg;
use crate::registry::Purpose;
use crate::testing::world::sid;

const APPOINTMENT: AppointmentId = AppointmentId(1);
const REMIND: Purpose = Purpose::Reminder { reminder: Some(ReminderId(5)), appointment: APPOINTMENT };
const CALL_BACK: Purpose = Purpose::CallBack { reminder: ReminderId(5) };
const WHO: &str = "Hello, this is Otto from Otto's Auto. Am I speaking with Maria?";
const REMINDER: &str = "You have a brake inspection for your 2003 Honda Accord tomorrow, Tuesday, November 24 at 10 AM. \
                        Will you be there?";
const VOICEMAIL: &str = "Hello Maria, this is Otto from Otto's Auto. A reminder of your appointment on Tuesday, November \
                         24 at 10 AM. If you cannot come, please call us. Goodbye!";
const MACHINE: &str = "You have reached the Lopez family, please leave a message after the tone.";

/// Maria's brakes are on Tuesday at ten.
fn store() -> FakeStore {
    let store = FakeStore::default();
    let at = "2026-11-24T16:00:00Z".parse().unwrap();
    let brakes = Appointment::new(APPOINTMENT, CustomerId(1), "Brake inspection", at, 60, BayId(1));
    store.change(|records| {
        records.appointments.push(Appointment { vehicle: Some(VehicleId(1)), ..brakes });
    });
    store
}

async fn world() -> World {
    World::with(FakeModel::built_in(), store()).await
}

fn verdict(world: &World, by: AnsweredBy) {
    world.calls.answered_by(&sid(1), by);
}

/// What came of the call, when it is over and nothing is left of it.
async fn came_of(world: World) -> Option<ReminderOutcome> {
    let store = world.leaves_nothing().await;
    assert_eq!(store.started.all().iter().map(|call| call.direction).collect::<Vec<_>>(), ["outbound"]);
    let ended = store.ended.all();
    assert_eq!(ended.len(), 1, "one end of one call");
    ended[0].1.reminder.map(|(id, outcome)| {
        assert_eq!(id, ReminderId(5));
        outcome
    })
}

/// The person says these things, and Otto answers each with something like this.
async fn talks(world: &World, phone: &Phone, words: &[(&str, &str)]) {
    for (said, answered) in words {
        world.stt.says(said).await;
        phone.hears(answered).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_answers_and_confirms() {
    let world = world().await;
    let phone = world.calls_maria(REMIND).await;
    verdict(&world, AnsweredBy::Human);
    phone.hears(WHO).await;
    let words = [("yes", REMINDER), ("yes I will", "is confirmed"), ("no thanks", "Goodbye!")];
    talks(&world, &phone, &words).await;
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    assert_eq!(world.store.appointments()[0].status, AppointmentStatus::Confirmed);
    assert_eq!(came_of(world).await, Some(ReminderOutcome::Confirmed));
}

#[tokio::test(start_paused = true)]
async fn what_came_of_it() {
    let fact = ("April 12th 1985", "");
    let scenes: [(&[(&str, &str)], ReminderOutcome); 7] = [
        (
            &[
                ("yes", REMINDER),
                ("can we do Thursday at ten thirty", "licence plate."),
                (fact.0, "Shall I move it to Thursday, November 26 at 10:30 AM?"),
                ("yes", "Is there anything else I can do?"),
                ("bye", "Goodbye!"),
            ],
            ReminderOutcome::Rescheduled,
        ),
        (
            &[
                ("yes", REMINDER),
                ("please cancel it", "licence plate."),
                (fact.0, "Shall I cancel your brake inspection on Tuesday, November 24 at 10 AM?"),
                ("yes", "Is there anything else I can do?"),
                ("bye", "Goodbye!"),
            ],
            ReminderOutcome::Cancelled,
        ),
        (&[("stop calling me", "Goodbye!")], ReminderOutcome::OptedOut),
        (&[("no, wrong number", "Goodbye!")], ReminderOutcome::WrongNumber),
        (&[("I'm busy, call me at half past six pm", "Goodbye!")], ReminderOutcome::CallLater),
        (&[("can I talk to a person", "connecting you")], ReminderOutcome::Transferred),
        (&[("no, this is her husband", "Please ask Maria to call us back at Otto's Auto.")], ReminderOutcome::Answered),
    ];
    for (words, expected) in scenes {
        let world = world().await;
        let phone = world.calls_maria(REMIND).await;
        phone.hears(WHO).await;
        talks(&world, &phone, words).await;
        phone.is_closed().await;
        world.verdict().await;
        assert_eq!(came_of(world).await, Some(expected), "{words:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_word_before_the_greeting_begins_it_and_is_no_turn() {
    let world = world().await;
    let phone = world.calls_maria(REMIND).await;
    let begun = tokio::time::Instant::now();
    world.stt.says("Hello?").await;
    phone.gets(WHO).await;
    assert!(begun.elapsed() < limits::PICKUP_SILENCE_MS, "{:?}", begun.elapsed());
    phone.hears(WHO).await;
    world.stt.says("yes").await;
    phone.hears(REMINDER).await;
    let said = |message: &Message| matches!(message, Message::User(text) if text == "Hello?");
    assert!(!world.model.requests.all().concat().iter().any(said));
    phone.hangs_up();
    phone.is_closed().await;
    assert_eq!(came_of(world).await, Some(ReminderOutcome::Answered));
}

#[tokio::test(start_paused = true)]
async fn a_silent_line_is_greeted_and_given_up() {
    let world = world().await;
    let phone = world.calls_maria(REMIND).await;
    let begun = tokio::time::Instant::now();
    phone.gets("Hello").await;
    assert!(begun.elapsed() >= limits::PICKUP_SILENCE_MS, "{:?}", begun.elapsed());
    phone.hears(WHO).await;
    phone.hears("Are you still there?").await;
    phone.is_closed().await;
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    assert_eq!(came_of(world).await, None, "nobody was reached");
}

#[tokio::test(start_paused = true)]
async fn a_machine_gets_a_message_without_details() {
    let world = world().await;
    let phone = world.calls_maria(REMIND).await;
    for words in ["You have reached", "You have reached the Lopez", "You have reached the Lopez family please"] {
        world.stt.begins(words).await;
        tokio::time::sleep(ms(1_500)).await;
    }
    world.stt.says(MACHINE).await;
    verdict(&world, AnsweredBy::Machine);
    phone.gets("Hello Maria").await;
    // Whatever is heard now is no interruption.
    world.stt.says("thank you for your call, goodbye").await;
    phone.sends(MediaEvent::Dtmf('1'));
    phone.hears(VOICEMAIL).await;
    phone.is_closed().await;
    assert_eq!(phone.heard(), VOICEMAIL);
    assert_eq!(world.verdict().await, StreamEnd::HangUp);
    assert_eq!(world.model.requests.len(), 0, "nobody thinks about a machine");
    assert_eq!(came_of(world).await, Some(ReminderOutcome::Voicemail));
}

#[tokio::test(start_paused = true)]
async fn a_verdict_after_the_greeting_cuts_it() {
    for crashes in [false, true] {
        let world = world().await;
        let phone = world.calls_maria(REMIND).await;
        world.stt.says("Hello.").await;
        phone.gets("Hello, this").await;
        tokio::time::sleep(ms(300)).await;
        verdict(&world, AnsweredBy::Machine);
        if crashes {
            world.crash(Leg::Turn);
        }
        phone.hears(VOICEMAIL).await;
        phone.is_closed().await;
        assert!(!phone.heard().contains("Am I speaking"), "{}", phone.heard());
        assert_eq!(phone.heard().matches("Goodbye").count(), 1, "{}", phone.heard());
        world.verdict().await;
        assert_eq!(came_of(world).await, Some(ReminderOutcome::Voicemail));
    }
}

#[tokio::test(start_paused = true)]
async fn a_verdict_does_not_end_a_conversation() {
    let world = world().await;
    let phone = world.calls_maria(REMIND).await;
    phone.hears(WHO).await;
    talks(&world, &phone, &[("yes", REMINDER)]).await;
    verdict(&world, AnsweredBy::Machine);
    talks(&world, &phone, &[("yes I will", "is confirmed"), ("bye", "Goodbye!")]).await;
    phone.is_closed().await;
    assert!(!phone.heard().contains("If you cannot come"), "{}", phone.heard());
    world.verdict().await;
    assert_eq!(came_of(world).await, Some(ReminderOutcome::Confirmed));
}

#[tokio::test(start_paused = true)]
async fn nobody_talks_to_a_fax_or_to_whoever_screens_calls() {
    for screened in [None, Some("Please state your name and why you are calling."), Some("this call is being screened")]
    {
        let world = world().await;
        let phone = world.calls_maria(REMIND).await;
        match screened {
            None => verdict(&world, AnsweredBy::Fax),
            Some(words) => world.stt.says(words).await,
        }
        phone.is_closed().await;
        assert_eq!(phone.heard(), "", "{screened:?}");
        assert_eq!(world.verdict().await, StreamEnd::HangUp);
        assert_eq!(came_of(world).await, Some(ReminderOutcome::Screened), "{screened:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_verdict_that_never_comes_is_not_waited_for() {
    let world = world().await;
    let phone = world.calls_maria(REMIND).await;
    world.stt.says(MACHINE).await;
    let spoken = tokio::time::Instant::now();
    phone.gets("Hello").await;
    assert!(spoken.elapsed() >= limits::PICKUP_VERDICT_MS, "{:?}", spoken.elapsed());
    phone.hears(WHO).await;
    phone.hangs_up();
    phone.is_closed().await;
    assert_eq!(came_of(world).await, Some(ReminderOutcome::Answered), "something was there");
}

#[tokio::test(start_paused = true)]
async fn a_call_back_is_greeted_by_name_and_leaves_word() {
    let hello = "Hello Maria, this is Otto from Otto's Auto. You asked us to call you back.";
    for (by, then, outcome) in [
        (AnsweredBy::Unknown, "How can I help you?", ReminderOutcome::Answered),
        (AnsweredBy::Machine, "Please call us again any time. Goodbye!", ReminderOutcome::Voicemail),
    ] {
        let world = world().await;
        let phone = world.calls_maria(CALL_BACK).await;
        verdict(&world, by);
        phone.hears(&format!("{hello} {then}")).await;
        phone.hangs_up();
        phone.is_closed().await;
        world.verdict().await;
        assert_eq!(came_of(world).await, Some(outcome));
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_appointment_there_is_nothing_to_say() {
    for by in [AnsweredBy::Human, AnsweredBy::Machine] {
        let store = store();
        store.change(|records| records.appointments[0].status = AppointmentStatus::Cancelled);
        let world = World::with(FakeModel::built_in(), store).await;
        let phone = world.calls_maria(REMIND).await;
        verdict(&world, by);
        phone.is_closed().await;
        assert_eq!(phone.heard().contains("technical trouble"), by == AnsweredBy::Human, "{}", phone.heard());
        assert_eq!(world.verdict().await, StreamEnd::HangUp);
        world.leaves_nothing().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_answers_came_to_nothing() {
    let world = world().await;
    let call = crate::registry::IncomingCall { purpose: REMIND, ..crate::testing::world::incoming(1, KNOWN_PHONE) };
    world.calls.admit(call).await.unwrap();
    assert_eq!(came_of(world).await, None);
}

#[tokio::test(start_paused = true)]
async fn whatever_the_model_does_somebody_else_hears_nothing() {
    let own = r#"{"appointment_id":1}"#;
    let cancel = r#"{"appointment_id":1,"reason":null}"#;
    let attack = || {
        vec![
            call("a", "get_upcoming_appointments", "{}"),
            call("b", "confirm_appointment", own),
            call("c", "cancel_appointment", cancel),
            call("d", "answer_reminder", r#"{"is_customer":false}"#),
            call("e", "answer_reminder", r#"{"is_customer":true}"#),
            call("f", "get_service_history", "{}"),
            call("g", "confirm_appointment", r#"{"appointment_id":2}"#),
        ]
    };
    let again = vec![
        call("h", "answer_reminder", r#"{"is_customer":true}"#),
        call("i", "confirm_appointment", own),
        call("j", "cancel_appointment", cancel),
    ];
    let model = FakeModel::scripted(vec![attack(), again, vec![text("Goodbye then.")]]);
    let world = World::with(model, store()).await;
    let phone = world.calls_maria(REMIND).await;
    phone.hears(WHO).await;
    talks(&world, &phone, &[("no, this is her neighbor", "Goodbye then.")]).await;
    let history = world.model.requests.all().last().cloned().unwrap();
    let results: Vec<String> = history
        .into_iter()
        .filter_map(|message| if let Message::Tool { content, .. } = message { Some(content) } else { None })
        .collect();
    assert_eq!(results.len(), 10);
    for secret in ["rake", "Tuesday", "10:00", "10 AM", "Accord", "2026-11-24"] {
        assert!(results.iter().all(|result| !result.contains(secret)), "{secret}: {results:?}");
    }
    phone.hangs_up();
    phone.is_closed().await;
    assert_eq!(world.store.appointments()[0].status, AppointmentStatus::Scheduled);
    assert_eq!(came_of(world).await, Some(ReminderOutcome::Answered));
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_without_words_thanks_nobody_for_calling() {
    let model = FakeModel::scripted(vec![vec![call("e", "end_call", r#"{"reason":"done"}"#)]]);
    let world = World::with(model, store()).await;
    let phone = world.calls_maria(REMIND).await;
    phone.hears(WHO).await;
    talks(&world, &phone, &[("no", "Thank you for your time. Goodbye!")]).await;
    phone.is_closed().await;
    world.verdict().await;
    assert_eq!(came_of(world).await, Some(ReminderOutcome::Answered));
}
