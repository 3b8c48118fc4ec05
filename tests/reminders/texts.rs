//! Text messages around the calls: they are ordered with what they are about, told of by Twilio, and answered.

use otto_actors::domain::AppointmentStatus;
use otto_sim::twilio::Fate;

use super::*;

impl Evening {
    async fn texting(seed: u64) -> Self {
        Self::open_with(seed, None, true).await
    }

    /// The n-th text message that was sent.
    async fn text(&self, n: usize) -> String {
        let sent = timeout(PATIENCE, self.world.twilio.messages().wait_for(n)).await.expect("a text message");
        assert_eq!(sent.to, MARIA);
        sent.body
    }

    /// Waits until Twilio's last word of the first text message is on record.
    async fn text_ends(&self, wanted: &str) {
        let url = format!("sqlite://{}", self.folder.path().join("otto.db").display());
        let pool = sqlx::SqlitePool::connect(&url).await.expect("the database");
        self.until("the text message's end is on record", async || {
            let found = sqlx::query_scalar::<_, String>("SELECT status FROM texts").fetch_optional(&pool);
            found.await.expect("a table").filter(|status| status == wanted)
        })
        .await;
        pool.close().await;
    }
}

/// Nobody answers three times; a text message goes out, and the customer confirms by it.
#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_reached_gets_a_text_message_and_confirms_with_c() {
    let evening = Evening::texting(1301).await;
    evening.phone(vec![Answer::Busy, Answer::Busy, Answer::Busy]);
    for attempt in 0..3 {
        evening.it_is(six() + TimeDelta::minutes(31) * attempt);
        let attempts = u32::try_from(attempt).expect("few") + 1;
        let over = |row: &Reminder| row.reason.as_deref() == Some("busy") && row.attempts == attempts;
        evening.row(" busy", |row| over(row) && row.status != ReminderStatus::Calling).await;
    }
    let body = evening.text(0).await;
    assert!(body.contains("could not reach you") && body.contains("November 25"), "{body}");
    evening.text_ends("delivered").await;
    let answer = evening.world.twilio.text(MARIA, "C").await;
    assert_eq!(answer.status, 200);
    assert!(answer.replies.iter().any(|reply| reply.contains("we expect you")), "{answer:?}");
    assert_eq!(evening.appointment().await.status, AppointmentStatus::Confirmed);
    evening.close().await;
}

/// A change in a reminder call is confirmed by text; after STOP there are no further ones, until START.
#[tokio::test(flavor = "multi_thread")]
async fn stop_and_start_are_kept() {
    let evening = Evening::texting(1302).await;
    evening.world.twilio.text_fates(MARIA, vec![Fate::Undelivered(30_003)]);
    evening.call(person(&["Yes.", "Please cancel it.", "April 12th 1985.", "Yes.", "No thanks."])).await;
    let body = evening.text(0).await;
    assert!(body.contains("is cancelled"), "{body}");
    evening.text_ends("undelivered").await;
    let phone = PhoneNumber::parse(MARIA).expect("a number");
    for (word, opted_out) in [("STOP", true), ("start", false)] {
        assert_eq!(evening.world.twilio.text(MARIA, word).await.status, 200);
        let kept = evening.app.store.has_opted_out(&phone, Channel::Text).await;
        assert_eq!(kept, Ok(opted_out), "{word}");
    }
    let help = evening.world.twilio.text(MARIA, "What time do you open?").await;
    assert!(help.replies.iter().any(|reply| reply.contains("STOP for no more messages")), "{help:?}");
    evening.close().await;
}
