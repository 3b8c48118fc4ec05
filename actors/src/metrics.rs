//! What is measured: the names in one enum, and the numbers of one actor.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Label};

use crate::names::ActorKind;

/// Every metric that Otto's actors emit. Label `actor` is an [`ActorKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Metric {
    ActorMessagesIn,
    ActorMessagesHandled,
    ActorMessagesFailed,
    ActorMessagesRefused,
    ActorHandleSeconds,
    ActorMailboxDepth,
    ActorsLive,
    ActorRestarts,
    CallsLive,
    CallsStarted,
    CallsEnded,
    CallsRefused,
    CallResidue,
    StreamsLost,
    CallTasksLive,
    ConnectionsRefused,
    TurnHopSeconds,
    BargeIns,
    Speculations,
    ToolCalls,
    ToolDenials,
    MediaAnomalies,
    AudioInDropped,
    JournalDropped,
    JournalEvents,
    LegFailures,
    CalendarBusyUnknown,
    CalendarOutbox,
    CalendarOutboxRows,
    CalendarChanges,
    CalendarLockedOut,
    VinDecoded,
    ModelReplies,
    ModelSwitches,
    SessionsTaken,
    CacheLookups,
    CustomerLookupSeconds,
    Texts,
    RemindersMade,
    ReminderCalls,
    ReminderTwilioTrouble,
}

impl Metric {
    /// Every metric with the sentence that explains it.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::ActorMessagesIn, "Messages put into mailboxes"),
        (Self::ActorMessagesHandled, "Messages handled to the end"),
        (Self::ActorMessagesFailed, "Messages whose handler returned an error or panicked"),
        (Self::ActorMessagesRefused, "Messages refused because a mailbox was full or its actor gone"),
        (Self::ActorHandleSeconds, "Time in a handler"),
        (Self::ActorMailboxDepth, "Messages that wait in mailboxes now"),
        (Self::ActorsLive, "Actors alive now"),
        (Self::ActorRestarts, "Restarts by a supervisor"),
        (Self::CallsLive, "Calls alive now"),
        (Self::CallsStarted, "Calls admitted"),
        (Self::CallsEnded, "Calls ended, by outcome"),
        (Self::CallsRefused, "Calls refused, by reason"),
        (Self::CallResidue, "Actors and tasks left over after their call had ended"),
        (Self::StreamsLost, "Media streams that broke while their call went on"),
        (Self::CallTasksLive, "Tasks of calls alive now"),
        (
            Self::ConnectionsRefused,
            "Connections that the HTTP server did not serve, by reason: full, or accept when the system gave it none",
        ),
        (Self::TurnHopSeconds, "Latency of a turn, by hop"),
        (Self::BargeIns, "Times that a caller interrupted Otto"),
        (Self::Speculations, "Requests to the model before the caller had finished, by what came of them"),
        (Self::ToolCalls, "Tool calls, by tool and result"),
        (Self::ToolDenials, "Tool calls that the call may not make and facts that do not match, by tool and reason"),
        (Self::MediaAnomalies, "Media messages that the protocol does not allow"),
        (Self::AudioInDropped, "Samples of callers' audio dropped because the speech-to-text was behind"),
        (Self::JournalDropped, "Journal events dropped because the database was away too long"),
        (Self::JournalEvents, "Journal events written"),
        (Self::LegFailures, "Legs of calls that failed, by leg"),
        (Self::CalendarBusyUnknown, "Questions for free times that the calendar outside did not answer in full"),
        (Self::CalendarOutbox, "Deliveries to the calendar outside, by result"),
        (
            Self::CalendarOutboxRows,
            "Orders to the outside: waiting to be delivered, or parked because they were refused",
        ),
        (Self::CalendarChanges, "Changes that people made in the calendar outside, by what became of them"),
        (Self::CalendarLockedOut, "Refusals of the calendar outside that an operator must mend"),
        (Self::VinDecoded, "Vehicle identification numbers decoded, by source and certainty"),
        (Self::ModelReplies, "Replies begun, by the member of the chain of language models"),
        (Self::ModelSwitches, "Times that the next language model was asked, by the one before and why"),
        (Self::SessionsTaken, "Vendors' sessions that calls took, by port: warm was open already, cold was not"),
        (Self::Texts, "Orders for text messages, by what became of them"),
        (Self::CacheLookups, "Look-ups in the cache, by kind of key and outcome: hit, miss, or changed a moment ago"),
        (
            Self::CustomerLookupSeconds,
            "Time that calls waited to learn who has their number, by who knew: the cache or the database",
        ),
        (Self::RemindersMade, "Calls to be placed that rounds have made"),
        (Self::ReminderCalls, "Calls that Otto places, by what was noted of them"),
        (Self::ReminderTwilioTrouble, "Times that Twilio did not take a call or did not say how one stands, by what"),
    ];

    /// The name as Prometheus sees it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ActorMessagesIn => "otto_actor_messages_in_total",
            Self::ActorMessagesHandled => "otto_actor_messages_handled_total",
            Self::ActorMessagesFailed => "otto_actor_messages_failed_total",
            Self::ActorMessagesRefused => "otto_actor_messages_refused_total",
            Self::ActorHandleSeconds => "otto_actor_handle_seconds",
            Self::ActorMailboxDepth => "otto_actor_mailbox_depth",
            Self::ActorsLive => "otto_actors_live",
            Self::ActorRestarts => "otto_actor_restarts_total",
            Self::CallsLive => "otto_calls_live",
            Self::CallsStarted => "otto_calls_started_total",
            Self::CallsEnded => "otto_calls_ended_total",
            Self::CallsRefused => "otto_calls_refused_total",
            Self::CallResidue => "otto_call_residue_total",
            Self::StreamsLost => "otto_streams_lost_total",
            Self::CallTasksLive => "otto_call_tasks_live",
            Self::ConnectionsRefused => "otto_connections_refused_total",
            Self::TurnHopSeconds => "otto_turn_hop_seconds",
            Self::BargeIns => "otto_barge_ins_total",
            Self::Speculations => "otto_speculations_total",
            Self::ToolCalls => "otto_tool_calls_total",
            Self::ToolDenials => "otto_tool_denials_total",
            Self::MediaAnomalies => "otto_media_anomalies_total",
            Self::AudioInDropped => "otto_audio_in_dropped_samples_total",
            Self::JournalDropped => "otto_journal_dropped_total",
            Self::JournalEvents => "otto_journal_events_total",
            Self::LegFailures => "otto_leg_failures_total",
            Self::CalendarBusyUnknown => "otto_calendar_busy_unknown_total",
            Self::CalendarOutbox => "otto_calendar_outbox_total",
            Self::CalendarOutboxRows => "otto_calendar_outbox_rows",
            Self::CalendarChanges => "otto_calendar_changes_total",
            Self::CalendarLockedOut => "otto_calendar_locked_out_total",
            Self::VinDecoded => "otto_vin_decoded_total",
            Self::ModelReplies => "otto_model_replies_total",
            Self::ModelSwitches => "otto_model_switches_total",
            Self::SessionsTaken => "otto_sessions_taken_total",
            Self::CacheLookups => "otto_cache_lookups_total",
            Self::CustomerLookupSeconds => "otto_customer_lookup_seconds",
            Self::Texts => "otto_texts_total",
            Self::RemindersMade => "otto_reminders_made_total",
            Self::ReminderCalls => "otto_reminder_calls_total",
            Self::ReminderTwilioTrouble => "otto_reminder_twilio_trouble_total",
        }
    }

    /// A counter with labels.
    pub fn counter(self, labels: Vec<Label>) -> Counter {
        metrics::counter!(self.name(), labels)
    }

    /// A gauge with labels.
    pub fn gauge(self, labels: Vec<Label>) -> Gauge {
        metrics::gauge!(self.name(), labels)
    }

    /// A histogram with labels.
    pub fn histogram(self, labels: Vec<Label>) -> Histogram {
        metrics::histogram!(self.name(), labels)
    }
}

/// The numbers of one actor, and the handles of its kind's metrics.
#[derive(Debug)]
pub struct ActorStats {
    kind: ActorKind,
    received: AtomicU64,
    handled: AtomicU64,
    failed: AtomicU64,
    busy_ns: AtomicU64,
    depth: AtomicU64,
    gone: AtomicBool,
    metrics: KindMetrics,
}

#[derive(Debug)]
struct KindMetrics {
    messages_in: Counter,
    handled: Counter,
    failed: Counter,
    refused: Counter,
    seconds: Histogram,
    depth: Gauge,
    live: Gauge,
}

impl KindMetrics {
    fn of(kind: ActorKind) -> Self {
        let labels = || vec![Label::from_static_parts("actor", kind.as_str())];
        Self {
            messages_in: Metric::ActorMessagesIn.counter(labels()),
            handled: Metric::ActorMessagesHandled.counter(labels()),
            failed: Metric::ActorMessagesFailed.counter(labels()),
            refused: Metric::ActorMessagesRefused.counter(labels()),
            seconds: Metric::ActorHandleSeconds.histogram(labels()),
            depth: Metric::ActorMailboxDepth.gauge(labels()),
            live: Metric::ActorsLive.gauge(labels()),
        }
    }
}

/// The numbers of one actor at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActorSnapshot {
    /// What sort of actor.
    pub kind: ActorKind,
    /// Messages that were put into its mailbox.
    pub received: u64,
    /// Messages handled to the end.
    pub handled: u64,
    /// Messages whose handler returned an error or panicked.
    pub failed: u64,
    /// Time spent in handlers.
    pub busy: Duration,
    /// Messages that wait now.
    pub depth: u64,
}

impl ActorStats {
    /// Fresh numbers for an actor about to start.
    #[must_use]
    pub fn new(kind: ActorKind) -> Self {
        let (received, handled, failed) = Default::default();
        let (busy_ns, depth, gone) = Default::default();
        Self { kind, received, handled, failed, busy_ns, depth, gone, metrics: KindMetrics::of(kind) }
    }

    /// The numbers now.
    #[must_use]
    pub fn snapshot(&self) -> ActorSnapshot {
        ActorSnapshot {
            kind: self.kind,
            received: self.received.load(Ordering::Relaxed),
            handled: self.handled.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            busy: Duration::from_nanos(self.busy_ns.load(Ordering::Relaxed)),
            depth: self.depth.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn depth(&self) -> u64 {
        self.depth.load(Ordering::Relaxed)
    }

    pub(crate) fn started(&self) {
        self.metrics.live.increment(1.0);
    }

    pub(crate) fn sent(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
        self.depth.fetch_add(1, Ordering::Relaxed);
        self.metrics.messages_in.increment(1);
        self.metrics.depth.increment(1.0);
    }

    /// Takes back a [`Self::sent`] whose message could not be delivered.
    pub(crate) fn refused(&self, was_counted: bool) {
        self.metrics.refused.increment(1);
        if was_counted {
            self.received.fetch_sub(1, Ordering::Relaxed);
            self.left_mailbox();
        }
    }

    pub(crate) fn left_mailbox(&self) {
        // After the end the whole depth has been taken back at once.
        let less = |depth: u64| depth.checked_sub(1);
        if self.depth.fetch_update(Ordering::AcqRel, Ordering::Relaxed, less).is_ok() {
            self.metrics.depth.decrement(1.0);
        }
    }

    pub(crate) fn done(&self, took: Duration, fine: bool) {
        self.busy_ns.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.metrics.seconds.record(took.as_secs_f64());
        if fine {
            self.handled.fetch_add(1, Ordering::Relaxed);
            self.metrics.handled.increment(1);
        } else {
            self.failed.fetch_add(1, Ordering::Relaxed);
            self.metrics.failed.increment(1);
        }
    }

    pub(crate) fn ended(&self) {
        if !self.gone.swap(true, Ordering::AcqRel) {
            self.metrics.live.decrement(1.0);
            let waiting = self.depth.swap(0, Ordering::AcqRel);
            #[allow(clippy::cast_precision_loss, reason = "a mailbox holds far fewer than 2^52 messages")]
            self.metrics.depth.decrement(waiting as f64);
        }
    }
}
