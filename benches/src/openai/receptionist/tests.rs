//! Conversations with the receptionist: each test plays the engine, answers its tools and reads what it says.

use serde_json::{Value, json};

use super::*;

const PROMPT: &str = "You are Otto.\n- Oil change (30 minutes, $40)\n- Brake service (60 minutes, $200)\n- Tire rotation \
                      (30 minutes, $30)\nHours: Monday to Friday 9 to 5.\nNow: Sunday 2026-11-22 12:00";

const TOOLS: [&str; 6] = [
    "lookup_customer",
    "get_available_slots",
    "book_appointment",
    "get_upcoming_appointments",
    "verify_identity",
    "end_call",
];

/// A call in progress: the messages so far.
struct Call {
    messages: Vec<Value>,
    booking: Value,
    known: bool,
    calls: Vec<(String, Value)>,
}

impl Call {
    fn new(known: bool) -> Self {
        let booking = json!({"success": true, "data": {"appointment_id": "a"}});
        Call { messages: vec![json!({"role": "system", "content": PROMPT})], booking, known, calls: Vec::new() }
    }

    fn result(&self, name: &str, arguments: &Value) -> Value {
        match name {
            "lookup_customer" => json!({"success": true, "data": {"known": self.known}}),
            "get_available_slots" => json!({"success": true, "data": {"date": arguments["date"],
                "service": arguments["service_type"], "slots": ["09:00", "09:30", "10:30", "13:00"]}}),
            "book_appointment" => self.booking.clone(),
            _ => json!({"success": true, "message": "done"}),
        }
    }

    /// Says something and runs tools until the receptionist speaks; returns what it says.
    fn say(&mut self, text: &str) -> String {
        self.messages.push(json!({"role": "user", "content": text}));
        for _ in 0..5 {
            let reply = self.ask();
            if reply.tool_calls.is_empty() || reply.text.as_deref().is_some_and(|text| !text.is_empty()) {
                self.messages.push(json!({"role": "assistant", "content": reply.text.clone().unwrap_or_default()}));
                self.calls.extend(
                    reply.tool_calls.iter().map(|(name, arguments)| (name.clone(), arguments.parse().unwrap())),
                );
                return reply.text.unwrap();
            }
            self.run(&reply);
        }
        panic!("the receptionist calls tools without end");
    }

    fn ask(&self) -> Reply {
        let tools: Vec<Value> =
            TOOLS.iter().map(|name| json!({"type": "function", "function": {"name": name}})).collect();
        let body = json!({"model": "m", "messages": self.messages, "tools": tools});
        Receptionist.reply(&Request::parse(body.to_string().as_bytes()).unwrap())
    }

    fn run(&mut self, reply: &Reply) {
        let base = self.messages.len();
        let calls = reply.tool_calls.iter().enumerate().map(|(i, (name, arguments))| {
            json!({"id": format!("{base}-{i}"), "type": "function", "function": {"name": name, "arguments": arguments}})
        });
        let calls: Vec<Value> = calls.collect();
        self.messages.push(json!({"role": "assistant", "content": null, "tool_calls": calls}));
        for (i, (name, arguments)) in reply.tool_calls.iter().enumerate() {
            let arguments: Value = arguments.parse().unwrap();
            let content = self.result(name, &arguments).to_string();
            self.messages.push(json!({"role": "tool", "tool_call_id": format!("{base}-{i}"), "content": content}));
            self.calls.push((name.clone(), arguments));
        }
    }

    fn last_booking(&self) -> &Value {
        &self.calls.iter().rev().find(|(name, _)| name == "book_appointment").unwrap().1
    }
}

#[test]
fn a_known_caller_books_and_says_goodbye() {
    let mut call = Call::new(true);
    assert_eq!(call.say("Hello"), "Hello! How can I help?");
    let offer = call.say("I need an oil change on Tuesday.");
    assert_eq!(
        offer,
        "For an oil change I have nine o'clock, nine thirty and ten thirty on Tuesday, November 24. Which works for you?"
    );
    assert!(
        call.say("Nine thirty, please.")
            .starts_with("You're booked for an oil change on Tuesday, November 24 at nine thirty.")
    );
    let expected = json!({"service_type": "Oil change", "date": "2026-11-24", "time": "09:30", "customer_name": null, "concerns": null});
    assert_eq!(call.last_booking(), &expected);
    assert!(call.say("No, thanks.").contains("Goodbye"));
    assert_eq!(call.calls.last().unwrap().0, "end_call");
}

#[test]
fn an_unknown_caller_is_asked_for_the_name() {
    let mut call = Call::new(false);
    call.say("Can you look at my brakes tomorrow?");
    assert_eq!(call.say("The first one."), ASK_NAME);
    assert!(call.say("It's John Smith.").starts_with("You're booked for a brake service on Monday"));
    assert_eq!(call.last_booking()["customer_name"], "John Smith");
    assert_eq!(call.last_booking()["time"], "09:00");
}

#[test]
fn a_time_that_was_just_taken_leads_to_the_next_ones() {
    let mut call = Call::new(true);
    call.booking = json!({"success": false, "error": "just_taken", "message": "Just taken; next free: 10:30, 13:00."});
    call.say("Tire rotation tomorrow please");
    assert_eq!(
        call.say("9:00"),
        "I'm sorry, that time was just taken. I still have ten thirty and one o'clock. Which one works?"
    );
    call.booking = json!({"success": true});
    assert!(call.say("one o'clock then").contains("at one o'clock"));
    assert_eq!(call.last_booking()["time"], "13:00");
}

#[test]
fn an_interrupted_booking_is_planned_anew() {
    let mut call = Call::new(true);
    call.say("oil change tomorrow");
    call.booking = json!({"success": false, "error": "interrupted", "message": "interrupted by the caller"});
    call.messages.push(json!({"role": "user", "content": "nine thirty"}));
    let reply = call.ask();
    call.run(&reply);
    call.booking = json!({"success": true});
    assert!(call.say("Sorry, I meant ten thirty").contains("at ten thirty"));
}

#[test]
fn another_day_and_the_hours_are_answered() {
    let mut call = Call::new(true);
    call.say("oil change on Monday");
    assert!(call.say("What about Wednesday?").contains("Wednesday, November 25"));
    assert!(call.say("What are your hours?").contains("Monday to Friday 9 to 5"));
    assert!(call.say("Can I book something?").contains("Which service"));
}

#[test]
fn times_are_understood_as_callers_say_them() {
    let first = |said: &str| times::times_in(said).first().cloned().unwrap_or_default();
    for (said, time) in [
        ("nine o'clock", "09:00"),
        ("at ten thirty", "10:30"),
        ("9:30 please", "09:30"),
        ("2 pm", "14:00"),
        ("half past nine", "09:30"),
        ("noon", "12:00"),
        ("one fifteen", "13:15"),
        ("eleven forty five", "11:45"),
        ("10am", "10:00"),
        ("thirteen", ""),
        ("I have two cars and a dog", ""),
        ("that one", ""),
    ] {
        assert_eq!(first(said), time, "{said}");
    }
}
