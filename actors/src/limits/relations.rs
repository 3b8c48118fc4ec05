//! What must hold between the limits, whoever changes one of them. Checked when the crate is compiled.

use super::*;

const _: () = {
    assert!(STT_KEEP_ALIVE_EVERY_MS.as_millis() * 2 < 10_000, "two keep-alives fit into the vendor's window");
    assert!(TOOL_FILLER_AFTER_MS.as_millis() < TOOL_TIMEOUT_MS.as_millis());
    assert!(MODEL_FILLER_AFTER_MS.as_millis() < MODEL_FIRST_EVENT_TIMEOUT_MS.as_millis());
    assert!(SPECULATE_AFTER_MS.as_millis() < TURN_SILENCE_MS.as_millis());
    assert!((KEYS_SILENCE_MS.as_millis() + OVERDUE_FILLER_AFTER_MS.as_millis()) < 4_000, "nor after keys");
    assert!((TURN_SILENCE_MS.as_millis() + OVERDUE_FILLER_AFTER_MS.as_millis()) < 4_000, "nor after words");
    assert!((MODEL_PAUSE_MS.as_millis() + MODEL_FILLER_AFTER_MS.as_millis()) < 4_000, "no silence is longer than 4 s");
    assert!(FILLER_AGAIN_AFTER_MS.as_millis() < 4_000 && DEAF_FILLER_AFTER_MS.as_millis() < 4_000);
    assert!(MODEL_PAUSE_MS.as_millis() < MODEL_STALL_TIMEOUT_MS.as_millis());
    assert!(WRITE_TIMEOUT_MS.as_millis() < TOOL_TIMEOUT_MS.as_millis(), "a tool hears of its time-out itself");
    assert!(STORE_WRITE_TIMEOUT_MS.as_millis() < WRITE_TIMEOUT_MS.as_millis(), "a writer gives up before its asker");
    assert!(READ_TIMEOUT_MS.as_millis() < TOOL_TIMEOUT_MS.as_millis());
    assert!(
        TEXTS_BATCH_ROWS as u128 * 2 * TEXT_TIMEOUT_MS.as_millis() < OUTBOX_LEASE_MS.as_millis(),
        "a batch is sent in time"
    );
    assert!(VIN_DECODE_TIMEOUT_MS.as_millis() < TOOL_TIMEOUT_MS.as_millis());
    assert!(STT_BACKLOG_SAMPLES * 4 < VOICE_KEPT_SAMPLES);
    assert!(VOICE_PARCEL_SAMPLES < STT_BACKLOG_SAMPLES, "a parcel is no backlog");
    assert!(STT_LEAD_SAMPLES <= VOICE_SILENCE_KEPT_SAMPLES, "a new session has its lead");
    assert!(VOICE_QUIET_SAMPLES >= TURN_SILENCE_MS.as_millis() as u64 * SAMPLES_PER_MS, "no turn waits for a parcel");
    assert!(STT_LEAD_SAMPLES < STT_LAG_SAMPLES, "a session that begins in silence has caught up at once");
    assert!(STT_QUIET_SAMPLES < VOICE_QUIET_SAMPLES, "no silence is noticed by the parcel");
    assert!(STT_UNHEARD_SAMPLES < STT_VOICE_STALL_SAMPLES);
    assert!(
        ((STT_VOICE_SAMPLES + STT_UNHEARD_SAMPLES) / SAMPLES_PER_MS) < TURN_SILENCE_MS.as_millis() as u64,
        "a turn hears that its words may be incomplete before it ends by itself"
    );
    assert!(STT_VOICE_STALL_SAMPLES + STT_VOICE_SAMPLES + STT_LEAD_SAMPLES < VOICE_KEPT_SAMPLES, "nothing is lost");
    assert!(STT_STALL_SAMPLES / SAMPLES_PER_MS < STT_AWAY_MAX_MS.as_millis() as u64, "a second session is waited for");
    assert!(STT_CONNECT_TIMEOUT_MS.as_millis() * 2 < STT_AWAY_MAX_MS.as_millis());
    assert!(STT_REPLAY_SPEED.0 * 100 <= STT_REPLAY_SPEED.1 * 125, "replay is at most 1.25 times real time");
    assert!(TTS_FLUSHES_PER_WINDOW < 20);
    assert!(TURN_SILENCE_MS.as_millis() <= PICKUP_SILENCE_MS.as_millis(), "no words of before the greeting come later");
    assert!(PICKUP_SILENCE_MS.as_millis() + PICKUP_VERDICT_MS.as_millis() < PICKUP_LONGEST_MS.as_millis());
    assert!(BUSY_WAIT_MS.as_millis() < READ_TIMEOUT_MS.as_millis(), "the database's answer comes in time");
    let rounds = OUTBOX_BATCH_ROWS.div_ceil(OUTBOX_CONCURRENCY) as u128;
    assert!(
        rounds * OUTBOX_DELIVERY_TIMEOUT_MS.as_millis() < OUTBOX_LEASE_MS.as_millis(),
        "no lease ends in mid-delivery"
    );
    assert!(VIN_DECODE_TIMEOUT_MS.as_millis() < TOOL_TIMEOUT_MS.as_millis());
    let claim_and_settle = 2 * WRITE_TIMEOUT_MS.as_millis();
    assert!(
        claim_and_settle + REMINDER_DIAL_TIMEOUT_MS.as_millis() < REMINDER_RECONCILE_AFTER_MS.as_millis(),
        "an attempt is over before it is asked for"
    );
    assert!(
        claim_and_settle + 2 * REMINDER_ASK_TIMEOUT_MS.as_millis() < REMINDER_LEASE_MS.as_millis(),
        "no lease ends while Twilio is being asked for a call and to take it back"
    );
    assert!(REMINDER_DIAL_TIMEOUT_MS.as_millis() + claim_and_settle < REMINDER_LEASE_MS.as_millis());
    assert!(TTS_FILLER_AFTER_MS.as_millis() < TTS_SILENCE_MAX_MS.as_millis());
    assert!(TTS_SILENCE_MAX_MS.as_millis() < 4_000, "no caller hears nothing for four seconds");
    assert!(TTS_WARNING_TIMEOUT_MS.as_millis() < TTS_STALL_TIMEOUT_MS.as_millis());
    assert!(TTS_STALL_TIMEOUT_MS.as_millis() < TTS_SILENCE_MAX_MS.as_millis(), "a stall leaves time for another way");
    assert!(TTS_CONNECT_TIMEOUT_MS.as_millis() < TTS_SILENCE_MAX_MS.as_millis());
    assert!(TTS_WHOLE_TIMEOUT_MS.as_millis() <= TTS_STALL_TIMEOUT_MS.as_millis(), "a request tells its own time-out");
};
