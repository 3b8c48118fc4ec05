//! Every bound, time-out and budget, by name, with its unit last. Relations between them are asserted at compile time.

mod relations;

use std::time::Duration;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

// Media plane ---------------------------------------------------------------------------------------------------------

/// Samples in a millisecond of mu-law 8 kHz audio; a sample is a byte.
pub const SAMPLES_PER_MS: u64 = 8;
/// The caller's voice that is kept until it has been understood: 5 s. The oldest is dropped.
pub const VOICE_KEPT_SAMPLES: u64 = 5_000 * SAMPLES_PER_MS;
/// A line that has been quiet for longer than any vendor waits for the end of an utterance: 2 s.
pub const VOICE_QUIET_SAMPLES: u64 = 2_000 * SAMPLES_PER_MS;
/// Silence of a quiet line goes on in parcels of 100 ms; the first sound takes what waits along at once.
pub const VOICE_PARCEL_SAMPLES: u64 = 100 * SAMPLES_PER_MS;
/// Silence that is kept where there is nothing before it to be understood: 1 s.
pub const VOICE_SILENCE_KEPT_SAMPLES: u64 = 1_000 * SAMPLES_PER_MS;
/// Chunks of Otto's audio that wait for the telephony socket. The text-to-speech is read no faster than they leave.
pub const AUDIO_OUT_CHUNKS: usize = 64;
/// Otto's audio goes out in messages of at least 200 ms while the caller has [`AUDIO_OUT_LEAD_MS`] ahead: a message costs
/// the same whatever is in it.
pub const AUDIO_OUT_PARCEL_SAMPLES: u64 = 200 * SAMPLES_PER_MS;
/// With less than this ahead of what the caller hears, audio goes out as it comes.
pub const AUDIO_OUT_LEAD_MS: Duration = ms(200);
/// Control frames (clear, close) that wait for the telephony socket.
pub const MEDIA_CONTROL_FRAMES: usize = 16;
/// Audio between two marks, so that the play-out clock is corrected about once a second of speech.
pub const MARK_EVERY_SAMPLES: u64 = 8_000;
/// Largest message that the media socket takes, in bytes. Twilio's are about 300.
pub const MEDIA_MESSAGE_MAX_BYTES: usize = 64 * 1024;
/// From the socket's opening to its `start` message.
pub const STREAM_START_TIMEOUT_MS: Duration = ms(10_000);
/// A write to the telephony socket that takes longer means that the caller is gone.
pub const MEDIA_WRITE_TIMEOUT_MS: Duration = ms(10_000);

// Speech to text ------------------------------------------------------------------------------------------------------

/// Connecting to the speech-to-text.
pub const STT_CONNECT_TIMEOUT_MS: Duration = ms(5_000);
/// Between two keep-alives while no audio flows; the vendor's window is 10 s.
pub const STT_KEEP_ALIVE_EVERY_MS: Duration = ms(4_000);
/// A write to the speech-to-text that takes longer means that the socket is dead.
pub const STT_WRITE_TIMEOUT_MS: Duration = ms(5_000);
/// A backlog is sent faster than it was spoken, by 5 to 4, and no faster: the vendor's limit is 1.25 times real time.
pub const STT_REPLAY_SPEED: (u32, u32) = (5, 4);
/// How much of a replay may be caught up at once after a late timer.
pub const STT_REPLAY_BURST_MS: Duration = ms(200);
/// Waiting audio that counts as a backlog: 160 ms.
pub const STT_BACKLOG_SAMPLES: u64 = 160 * SAMPLES_PER_MS;
/// With no more than this waiting a new session hears the caller again: 800 ms.
pub const STT_LAG_SAMPLES: u64 = 800 * SAMPLES_PER_MS;
/// Silence before the first sound that a new session is given: 500 ms.
pub const STT_LEAD_SAMPLES: u64 = 500 * SAMPLES_PER_MS;
/// Audible audio that is taken for a voice: 100 ms.
pub const STT_VOICE_SAMPLES: u64 = 100 * SAMPLES_PER_MS;
/// A voice and no message of the vendor's after so much more audio: the caller is not heard. Interims come about once in
/// 1 s.
pub const STT_UNHEARD_SAMPLES: u64 = 1_500 * SAMPLES_PER_MS;
/// A voice and no message after so much more audio: the session is replaced, while all that was said is still kept.
pub const STT_VOICE_STALL_SAMPLES: u64 = 3_500 * SAMPLES_PER_MS;
/// Quiet behind words that are all that was said, after which the caller counts as silent: 200 ms. The stops within fluent
/// speech are shorter.
pub const STT_QUIET_SAMPLES: u64 = 200 * SAMPLES_PER_MS;
/// How far the last sound and the end of the last word may be apart: 200 ms. The vendor's times are not exact, and the end
/// of a word is low.
pub const STT_WORD_END_SAMPLES: u64 = 200 * SAMPLES_PER_MS;
/// No message after so much audio of any kind: the session is replaced.
pub const STT_STALL_SAMPLES: u64 = 10_000 * SAMPLES_PER_MS;
/// Without a session for this long the caller is told; a quick reconnect goes unnoticed.
pub const STT_DEAF_AFTER_MS: Duration = ms(1_000);
/// Away for this long in one go the ears give up, and the caller is handed over.
pub const STT_AWAY_MAX_MS: Duration = ms(12_000);

// Text to speech ------------------------------------------------------------------------------------------------------

/// Connecting to the text-to-speech.
pub const TTS_CONNECT_TIMEOUT_MS: Duration = ms(2_000);
/// Longest text in one message (the vendor's limit is 2,000).
pub const TTS_SPEAK_MAX_CHARS: usize = 1_900;
/// Flushes that the vendor allows in [`TTS_FLUSH_WINDOW_MS`] (20), less one for safety.
pub const TTS_FLUSHES_PER_WINDOW: usize = 19;
/// The window of the vendor's flush limit.
pub const TTS_FLUSH_WINDOW_MS: Duration = ms(60_000);
/// From a flush, or from audio, to the next audio or the end of the flush. Beyond it the socket counts as stalled.
pub const TTS_STALL_TIMEOUT_MS: Duration = ms(2_000);
/// From a warning of the vendor's while a flush is unanswered to its next audio. Beyond it the socket counts as lost.
pub const TTS_WARNING_TIMEOUT_MS: Duration = ms(1_000);
/// One sentence in a request of its own, while a caller waits for it.
pub const TTS_WHOLE_TIMEOUT_MS: Duration = ms(2_000);
/// Speech that is due and not heard for this long gets a filler, if one is ready.
pub const TTS_FILLER_AFTER_MS: Duration = ms(2_000);
/// The longest silence of a voice that should speak; then somebody else says what it could not.
pub const TTS_SILENCE_MAX_MS: Duration = ms(3_500);
/// Between two attempts with the socket while speech goes over requests.
pub const TTS_SOCKET_AGAIN_MS: Duration = ms(10_000);
/// One fixed text, synthesised before it is needed.
pub const PHRASE_TIMEOUT_MS: Duration = ms(10_000);
/// Before a fixed text is tried again; each further pause is twice as long.
pub const PHRASE_RETRY_FIRST_MS: Duration = ms(500);
/// The longest of these pauses.
pub const PHRASE_RETRY_MAX_MS: Duration = ms(60_000);
/// Audio of fixed texts that is kept: nearly nine minutes.
pub const PHRASES_MAX_BYTES: usize = 4 * 1024 * 1024;
/// From `Clear` to `Cleared`. Beyond it the socket is replaced.
pub const TTS_CLEAR_TIMEOUT_MS: Duration = ms(1_000);
/// Commands that wait for the text-to-speech socket.
pub const TTS_COMMANDS: usize = 256;
/// Speech of this many characters takes about a second, until a voice's own rate has been measured.
pub const TTS_CHARS_PER_SECOND: u64 = 15;
/// After the play-out clock says that an utterance was played, how long to wait for its mark.
pub const MARK_GRACE_MS: Duration = ms(1_500);

// Turn ----------------------------------------------------------------------------------------------------------------

/// Words and then nothing from the speech-to-text for this long: the turn is over, whatever the vendor says.
pub const TURN_SILENCE_MS: Duration = ms(1_800);
/// Words that end no more than this after those that a turn was ended on are those words: a final places its words a little
/// otherwise than the interim before it. A fifth of a second, which no further word fits into.
pub const LATE_FINAL_SAMPLES: u64 = 200 * SAMPLES_PER_MS;
/// On a line that is never quiet, words that have not changed for this long are probably all: the model is asked ahead.
/// Longer than a long word, during which the words do not change either.
pub const SPECULATE_AFTER_MS: Duration = ms(500);
/// Requests of one call that were asked ahead in vain; after that none is.
pub const SPECULATIONS_WASTED_PER_CALL: u32 = 20;
/// An interruption without a final word for this long after its last word was none.
pub const FALSE_ALARM_MS: Duration = ms(1_500);
/// A listening noise this long before the end of Otto's question is the answer to it.
pub const MURMUR_KEPT_MS: Duration = ms(1_200);
/// From one key to the next; then they are complete.
pub const KEYS_SILENCE_MS: Duration = ms(3_000);
/// Keys of one turn; more are dropped.
pub const KEYS_PER_TURN: usize = 64;
/// A caller who says nothing for this long after Otto has spoken is asked whether anybody is there.
pub const QUIET_AFTER_MS: Duration = ms(8_000);
/// A tool that takes longer gets a filler.
pub const TOOL_FILLER_AFTER_MS: Duration = ms(400);
/// A tool call, from its start to its one tool message.
pub const TOOL_TIMEOUT_MS: Duration = ms(8_000);
/// When an answer is due and nothing is said for this long, the caller gets a filler.
pub const MODEL_FILLER_AFTER_MS: Duration = ms(2_500);
/// The same after a turn that Otto's own waiting has ended, which was silence, too.
pub const OVERDUE_FILLER_AFTER_MS: Duration = ms(800);
/// From a request to the model to its first event: a model, the one behind it and the built-in dialogue have their turn.
pub const MODEL_FIRST_EVENT_TIMEOUT_MS: Duration = ms(5_500);
/// From the end of one filler to the next.
pub const FILLER_AGAIN_AFTER_MS: Duration = ms(3_000);
/// Silence while Otto cannot hear, until the caller is told.
pub const DEAF_FILLER_AFTER_MS: Duration = ms(2_000);
/// After this long without an event what a reply has said so far is finished, so that it is known when it was heard.
pub const MODEL_PAUSE_MS: Duration = ms(800);
/// A model that asks for a longer pause is not asked again.
pub const MODEL_RETRY_AFTER_MAX_MS: Duration = ms(1_000);
/// Between two events of a model's reply.
pub const MODEL_STALL_TIMEOUT_MS: Duration = ms(4_000);
/// Requests for one reply, the first included.
pub const MODEL_ATTEMPTS: u32 = 2;
/// Replies with tool calls in one turn: a model that loops is stopped.
pub const MODEL_STEPS_PER_TURN: u32 = 8;
/// Longest reply that is asked for, in tokens.
pub const MODEL_MAX_TOKENS: u32 = 400;
/// Tool calls in one reply; more are refused.
pub const TOOL_CALLS_PER_REPLY: usize = 8;
/// Messages of the conversation that the model gets; older ones are left out.
pub const HISTORY_MESSAGES: usize = 80;
/// Longest text of one turn of the caller, in characters.
pub const USER_TEXT_MAX_CHARS: usize = 4_000;
/// First clauses shorter than this wait for more, in characters.
pub const FIRST_CLAUSE_MIN_CHARS: usize = 6;
/// A sentence without an end is spoken from here on, in characters.
pub const CLAUSE_MAX_CHARS: usize = 220;

// Call ----------------------------------------------------------------------------------------------------------------

/// From the webhook to the media stream; then the call is given up.
pub const STREAM_ATTACH_TIMEOUT_MS: Duration = ms(30_000);
/// From the loss of a stream to the next one; then the call is given up. Twilio asks at once, and opens it in a second.
pub const STREAM_REJOIN_TIMEOUT_MS: Duration = ms(10_000);
/// Streams that a call may lose; with the next one it is over.
pub const STREAM_LOSSES: u32 = 3;
/// How long the greeting waits for the customer look-up.
pub const GREETING_LOOKUP_MS: Duration = ms(300);
/// From Otto's hanging up to Twilio's word that the stream has ended; then the call is ended over REST.
pub const HANG_UP_TIMEOUT_MS: Duration = ms(5_000);
/// Telling Twilio over REST what a call is to do, attempts included.
pub const UPDATE_TIMEOUT_MS: Duration = ms(20_000);
/// The same while the caller hears nothing; then its stream is closed instead.
pub const LIVE_UPDATE_TIMEOUT_MS: Duration = ms(2_000);
/// Longest text that Twilio is told to say in Otto's place, in characters; a document has at most 4,000.
pub const SAY_INSTEAD_MAX_CHARS: usize = 2_000;
/// Longest call.
pub const CALL_MAX_MS: Duration = ms(60 * 60 * 1_000);
/// Stopping the legs of a call.
pub const LEG_STOP_TIMEOUT_MS: Duration = ms(1_000);
/// From a call's end to the proof that nothing of it is left.
pub const RESIDUE_TIMEOUT_MS: Duration = ms(5_000);
/// How a call ended is kept this long, for the webhooks that come after it.
pub const CALL_MEMORY_MS: Duration = ms(120_000);
/// Ended calls that are remembered.
pub const CALL_MEMORY_ENTRIES: usize = 10_000;

// Calls that Otto places ----------------------------------------------------------------------------------------------

/// Nobody says anything for this long after the call was answered, or after their words: Otto greets.
pub const PICKUP_SILENCE_MS: Duration = ms(2_000);
/// Somebody who answers in person says no more than this before they wait.
pub const PICKUP_SHORT_MS: Duration = ms(2_500);
/// The same in words.
pub const PICKUP_SHORT_WORDS: usize = 5;
/// After long words, such as an answering machine's greeting, the verdict on who has answered is waited for this long.
pub const PICKUP_VERDICT_MS: Duration = ms(8_000);
/// However long somebody talks, Otto greets after this: it is the time that the verdict takes at most.
pub const PICKUP_LONGEST_MS: Duration = ms(30_000);

// Actors --------------------------------------------------------------------------------------------------------------

/// Messages that wait in one mailbox; more are refused, which counts as a failure of the receiver.
pub const MAILBOX_MESSAGES: u64 = 10_000;
/// An ask between actors, where nothing else is said.
pub const ASK_TIMEOUT_MS: Duration = ms(2_000);
/// An ask of the shared actors that reads the database.
pub const READ_TIMEOUT_MS: Duration = ms(5_000);
/// An ask of the shared actors that writes to the database.
pub const WRITE_TIMEOUT_MS: Duration = ms(7_000);
/// One write to the database while others wait behind it. Whoever asked for it hears of the time-out itself.
pub const STORE_WRITE_TIMEOUT_MS: Duration = ms(6_000);
/// Times that an ask is repeated while a shared actor is being restarted.
pub const SHARED_ASK_ATTEMPTS: u32 = 5;
/// Between these attempts.
pub const SHARED_ASK_PAUSE_MS: Duration = ms(100);
/// Reads that run at the same time in one shared actor.
pub const CONCURRENT_READS: usize = 64;
/// Writes that wait in one shared actor.
pub const WAITING_WRITES: usize = 1_024;

// Journal -------------------------------------------------------------------------------------------------------------

/// Events that are written in one transaction.
pub const JOURNAL_BATCH_EVENTS: usize = 256;
/// The longest that an event waits for its batch.
pub const JOURNAL_FLUSH_EVERY_MS: Duration = ms(100);
/// Events that are kept while the database is away; the oldest are dropped and counted.
pub const JOURNAL_BACKLOG_EVENTS: usize = 50_000;
/// How long a session snapshot outlives its last change.
pub const SESSION_TTL_MS: Duration = ms(60 * 60 * 1_000);
/// Live events that wait for a slow listener (dashboard, demo).
pub const LIVE_EVENTS: usize = 1_024;

// Calendar ------------------------------------------------------------------------------------------------------------

/// How long a question for free times waits for the calendar outside, all its days together. Then the database answers
/// alone: somebody is on the line.
pub const BUSY_WAIT_MS: Duration = ms(1_500);
/// How long busy times are believed.
pub const BUSY_KEPT_MS: Duration = ms(30_000);
/// One question to the calendar outside; its answer is kept for the next caller when this one no longer waits.
pub const BUSY_FETCH_TIMEOUT_MS: Duration = ms(6_000);
/// Days that are asked for at once.
pub const BUSY_WINDOW_DAYS: i64 = 7;
/// Windows that are kept.
pub const BUSY_WINDOWS: usize = 64;
/// Between two looks into the outbox, when nothing says that there is something.
pub const OUTBOX_LOOK_EVERY_MS: Duration = ms(1_000);
/// Rows that are taken from the outbox at once.
pub const OUTBOX_BATCH_ROWS: usize = 16;
/// Rows of a batch that are delivered at the same time.
pub const OUTBOX_CONCURRENCY: usize = 4;
/// One delivery; an event may take several requests.
pub const OUTBOX_DELIVERY_TIMEOUT_MS: Duration = ms(20_000);
/// How long a batch is held; a node that dies with it gives it back then.
pub const OUTBOX_LEASE_MS: Duration = ms(120_000);
/// Before the second attempt of a delivery; each further one waits twice as long.
pub const OUTBOX_BACKOFF_FIRST_MS: Duration = ms(1_000);
/// The longest wait between two attempts.
pub const OUTBOX_BACKOFF_MAX_MS: Duration = ms(10 * 60 * 1_000);
/// How much longer a wait may be by chance, so that rows do not come back all at once: a fifth.
pub const OUTBOX_BACKOFF_JITTER: f64 = 0.2;
/// Between two looks for text messages to be sent, when nothing says that there are some.
pub const TEXTS_LOOK_EVERY_MS: Duration = ms(5_000);
/// Orders for text messages that are taken at once; they are sent one after the other.
pub const TEXTS_BATCH_ROWS: u32 = 4;
/// One request about a text message.
pub const TEXT_TIMEOUT_MS: Duration = ms(12_000);
/// After an attempt whose end is unknown, before Twilio's list is trusted to show it.
pub const TEXT_SETTLE_MS: Duration = ms(60_000);
/// How far back a text message of an earlier attempt is looked for: as long as Twilio may keep one in its queue, and more.
pub const TEXT_LOOK_BACK_MS: Duration = ms(24 * 60 * 60 * 1_000);
/// How long after the hours in which customers may be called the text message that stands for their calls is still sent: it is
/// ordered when these hours end.
pub const TEXTS_AFTER_HOURS_MS: Duration = ms(15 * 60 * 1_000);
/// Longest text message, in characters; Twilio takes 1,600.
pub const TEXT_MAX_CHARS: usize = 1_600;
/// Between two looks for changes in the calendar outside, when it does not say that there are some.
pub const CALENDAR_SYNC_EVERY_MS: Duration = ms(60_000);
/// Reading one bay's changes.
pub const CALENDAR_SYNC_TIMEOUT_MS: Duration = ms(60_000);
/// Decoding a vehicle identification number, away or not.
pub const VIN_DECODE_TIMEOUT_MS: Duration = ms(5_000);

// Reminders -----------------------------------------------------------------------------------------------------------

/// Between two looks for calls that are due, when nothing says that there are some.
pub const REMINDERS_LOOK_EVERY_MS: Duration = ms(15_000);
/// Calls that are placed in one look.
pub const REMINDER_BATCH_CALLS: usize = 16;
/// Claimed calls that are worked on at the same time: a look's own and those in doubt.
pub const REMINDER_CONCURRENCY: usize = 32;
/// Placing a call, attempts to connect included.
pub const REMINDER_DIAL_TIMEOUT_MS: Duration = ms(20_000);
/// Asking how calls stand, or to take one back.
pub const REMINDER_ASK_TIMEOUT_MS: Duration = ms(20_000);
/// How long a claimed call is held; a node that dies with it gives it back then.
pub const REMINDER_LEASE_MS: Duration = ms(120_000);
/// From an attempt's claim until Twilio's list of calls is believed when it does not show it.
pub const REMINDER_RECONCILE_AFTER_MS: Duration = ms(90_000);
/// How far Twilio's clock may be behind that of a node.
pub const REMINDER_SKEW_MS: Duration = ms(10_000);
/// From Twilio's taking a call, or from a question about it, to the next question while no word of its end comes.
pub const REMINDER_LOOK_AFTER_MS: Duration = ms(180_000);
/// A call of which Twilio says nothing is given up after this.
pub const REMINDER_LOOK_GIVE_UP_MS: Duration = ms(6 * 60 * 60 * 1_000);
/// How long a call may ring, and wait at Twilio to be started, before it needs a line or is over.
pub const REMINDER_RING_MS: Duration = ms(60_000);
/// Share of the lines that calls that Otto places leave free, in percent.
pub const REMINDER_LINES_RESERVED_PERCENT: usize = 20;
/// Lines that they leave free at least.
pub const REMINDER_LINES_RESERVED_MIN: usize = 1;
/// Between two looks while no line may be used.
pub const REMINDER_LINES_WAIT_MS: Duration = ms(2_000);
/// How long Twilio is left alone when it takes no calls; each further pause is twice as long.
pub const REMINDER_BACKOFF_FIRST_MS: Duration = ms(2_000);
/// The longest of these pauses, also when Twilio asks for more.
pub const REMINDER_BACKOFF_MAX_MS: Duration = ms(5 * 60 * 1_000);
/// Before the database is tried again; each further pause is twice as long, up to [`REMINDERS_LOOK_EVERY_MS`].
pub const REMINDER_STORE_BACKOFF_FIRST_MS: Duration = ms(1_000);
/// Reports of how calls stand that are written at the same time.
pub const REMINDER_REPORTS: usize = 256;
/// Rows of one round that the dry run looks through.
pub const REMINDER_PLAN_ROWS: u32 = 10_000;
