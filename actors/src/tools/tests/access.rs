//! Who may see and change what.

use serde_json::json;

use super::*;
use crate::domain::IdentityFact;
use crate::domain::customer::fact_matches;

fn fact(fact: &str, value: &str) -> String {
    json!({ "fact": fact, "value": value }).to_string()
}

const WRONG: (&str, &str) = ("date_of_birth", "1999-01-01");
const RIGHT: (&str, &str) = ("date_of_birth", "1985-04-12");

async fn verify(bench: &mut Bench, (name, value): (&str, &str)) -> String {
    bench.error("verify_identity", &fact(name, value)).await
}

#[tokio::test(start_paused = true)]
async fn appointments_are_seen_after_one_more_fact() {
    let mut bench = Bench::known().await;
    bench.run("book_appointment", BOOK).await;
    let denied = bench.result("get_upcoming_appointments", "{}").await;
    assert_eq!(denied["error"], "not_verified");
    assert!(!denied.to_string().contains("Oil change"));
    assert_eq!(verify(&mut bench, RIGHT).await, "ok");
    let seen = bench.result("get_upcoming_appointments", "{}").await;
    assert_eq!(seen["data"]["appointments"][0]["service"], "Oil change");
    assert_eq!(seen["data"]["appointments"][0]["time"], "10:00");
}

#[tokio::test(start_paused = true)]
async fn every_fact_verifies() {
    for right in [RIGHT, ("street", "12 oak street"), ("vin", "1hgcm82633a004352"), ("plate", "ab-123")] {
        let mut bench = Bench::known().await;
        assert_eq!(verify(&mut bench, right).await, "ok", "{right:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn three_wrong_facts_lock_the_call() {
    let mut bench = Bench::known().await;
    for _ in 0..3 {
        assert_eq!(verify(&mut bench, WRONG).await, "no_match");
    }
    for _ in 0..2 {
        assert_eq!(verify(&mut bench, RIGHT).await, "locked");
    }
    assert_eq!(bench.error("get_upcoming_appointments", "{}").await, "locked");
    assert_eq!(bench.error("book_appointment", BOOK).await, "ok", "booking needs no more than the caller id");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_fact_does_not_say_what_is_on_file() {
    let mut bench = Bench::known().await;
    for (name, value) in [WRONG, ("street", "1 Elm Street"), ("vin", "X"), ("plate", "")] {
        let result = bench.result("verify_identity", &fact(name, value)).await.to_string();
        for secret in ["1985", "Oak", "1HGCM", "AB 123", "Lopez"] {
            assert!(!result.contains(secret), "{result}");
        }
    }
}

fn guess(n: u32) -> ToolCall {
    let arguments = fact("date_of_birth", &format!("1985-04-{n:02}"));
    ToolCall { id: format!("guess_{n}"), name: "verify_identity".into(), arguments }
}

#[test]
fn guessing_in_parallel_gains_nothing() {
    let mut identity = known();
    let admitted: Vec<_> = (0..10).map(|n| identity.admit(Tool::VerifyIdentity, &guess(n))).collect();
    let granted = admitted.iter().filter(|access| matches!(access, Access::Granted(_))).count();
    assert_eq!(granted, 3, "attempts are counted when they are asked");
}

#[tokio::test(start_paused = true)]
async fn a_guess_of_a_turn_that_is_started_again_is_the_same_guess() {
    let mut bench = Bench::known().await;
    for round in 0..4 {
        bench.calls = 0;
        for wrong in ["1999-01-01", "1999-01-02"] {
            assert_eq!(verify(&mut bench, ("date_of_birth", wrong)).await, "no_match", "round {round}");
        }
    }
    assert_eq!(bench.identity.attempts(), 2);
    // The same name for another guess is another guess.
    bench.calls = 0;
    assert_eq!(verify(&mut bench, ("date_of_birth", "1999-01-03")).await, "no_match");
    bench.calls = 0;
    assert_eq!(verify(&mut bench, RIGHT).await, "locked");
}

#[tokio::test(start_paused = true)]
async fn a_fact_that_could_not_be_compared_is_no_wrong_answer() {
    let mut bench = Bench::known().await;
    let crm = bench.world.addresses.crm.clone();
    bench.router.crm = crate::address::Address::default();
    for _ in 0..5 {
        assert_eq!(verify(&mut bench, RIGHT).await, "unavailable");
        assert_eq!(bench.error("verify_identity", "{}").await, "bad_arguments");
    }
    assert_eq!(bench.identity.attempts(), 0);
    bench.router.crm = crm;
    assert_eq!(verify(&mut bench, RIGHT).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn what_needs_a_fact_and_what_does_not() {
    use Tool::{AddVehicle, CancelAppointment, ConfirmAppointment, RescheduleAppointment};
    use Tool::{CreateCustomer, GetServiceHistory, GetUpcomingAppointments, UpdateCustomer};
    let needs_a_fact = [
        GetUpcomingAppointments,
        CancelAppointment,
        RescheduleAppointment,
        ConfirmAppointment,
        UpdateCustomer,
        AddVehicle,
        GetServiceHistory,
    ];
    let call = |tool: Tool| ToolCall { id: "x".into(), name: tool.name().into(), arguments: "{}".into() };
    let decides = |identity: &Identity, tool: Tool| match identity.clone().admit(tool, &call(tool)) {
        Access::Granted(_) => "ok",
        Access::Denied { error, .. } => error,
    };
    let mut verified = known();
    verified.verified = true;
    for tool in Tool::ALL {
        let needs = needs_a_fact.contains(&tool);
        let for_strangers = matches!(tool, CreateCustomer | Tool::SearchCustomersByName);
        let expected = match () {
            () if needs => ["not_verified", "ok", "not_on_file", "not_on_file"],
            () if tool == CreateCustomer => ["on_file", "on_file", "ok", "no_caller_id"],
            () if for_strangers => ["on_file", "on_file", "ok", "ok"],
            () if tool == Tool::VerifyIdentity => ["ok", "ok", "not_on_file", "not_on_file"],
            () if tool == Tool::AnswerReminder => ["not_a_reminder"; 4],
            () if matches!(tool, Tool::RequestCallBack | Tool::StopReminders) => ["ok", "ok", "ok", "no_caller_id"],
            () if tool == Tool::BookAppointment => ["ok", "ok", "ok", "no_caller_id"],
            () => ["ok"; 4],
        };
        let callers = [known(), verified.clone(), unknown(), Identity::default()];
        assert_eq!(callers.map(|identity| decides(&identity, tool)), expected, "{tool:?}");
    }
}

#[test]
fn a_verified_caller_is_not_locked_out() {
    let mut identity = known();
    identity.verified = true;
    for n in 0..10 {
        assert!(matches!(identity.admit(Tool::VerifyIdentity, &guess(n)), Access::Granted(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_is_not_on_file_has_nothing_to_verify_and_nothing_to_see() {
    let mut bench = Bench::for_caller(unknown()).await;
    assert_eq!(verify(&mut bench, RIGHT).await, "not_on_file");
    assert_eq!(bench.error("get_upcoming_appointments", "{}").await, "not_on_file");
    let looked_up = bench.result("lookup_customer", "{}").await;
    assert_eq!(looked_up["data"]["known"], false);
}

#[tokio::test(start_paused = true)]
async fn a_withheld_number_cannot_book_or_verify() {
    let mut bench = Bench::for_caller(Identity::default()).await;
    assert_eq!(bench.error("book_appointment", &book("customer_name", "Ann Lee".into())).await, "no_caller_id");
    assert_eq!(verify(&mut bench, RIGHT).await, "not_on_file");
    assert!(bench.world.store.appointments().is_empty());
}

#[tokio::test(start_paused = true)]
async fn caller_id_alone_gives_the_first_name_and_no_more() {
    let mut bench = Bench::known().await;
    let result = bench.result("lookup_customer", "{}").await;
    assert_eq!(result["data"]["first_name"], "Maria");
    for secret in ["Lopez", "1985", "Oak", "1HGCM", "AB 123", "5550101"] {
        assert!(!result.to_string().contains(secret), "{result}");
    }
}

#[test]
fn a_fact_about_nothing_matches_nothing() {
    let bare = crate::domain::Customer { birth_date: None, street: None, ..maria() };
    let bare_vehicle = crate::domain::Vehicle { vin: None, plate: None, ..accord() };
    for fact in [IdentityFact::DateOfBirth, IdentityFact::Street, IdentityFact::Vin, IdentityFact::Plate] {
        for said in ["", "none", "null", "0000", "    "] {
            assert!(!fact_matches(fact, said, &bare, std::slice::from_ref(&bare_vehicle)), "{fact:?} {said:?}");
        }
    }
}
