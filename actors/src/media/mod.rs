//! MediaActor: the control side of the telephony socket. Keys, play-out and the end of the stream become reports;
//! malformed messages are counted, and logged once per sort. Audio never passes here.

mod machine;

use crate::actor::{ActorError, Behaviour, Mailbox, Upward};
use crate::domain::CallSid;
use crate::events::{MediaMessageDropped, MediaMessagesDropped, emit};
use crate::media_plane::{Epoch, MediaLine, MediaListener, MediaSignal};
use crate::names::ActorKind;
use crate::tasks::TaskScope;
use machine::Anomalies;

/// One incarnation of a call's MediaActor.
pub type MediaRef = Mailbox<MediaMsg>;

/// MediaActor.
#[derive(Debug)]
pub struct MediaActor;

/// What the MediaActor understands. It answers nobody.
#[derive(Debug)]
pub enum MediaMsg {
    /// From the stream's reading task.
    Signal(MediaSignal),
    /// From the call: Otto ends the stream.
    Close,
}

/// What the MediaActor reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaReport {
    /// A key was pressed.
    Key(char),
    /// All audio of an epoch up to a position has been played.
    Played(Epoch, u64),
    /// The stream is over. `hung_up`: the other side said so before.
    Closed {
        /// Whether a `stop` came before the end.
        hung_up: bool,
    },
}

/// What a MediaActor is started with.
#[derive(Debug)]
pub struct MediaArgs {
    /// The call.
    pub call: CallSid,
    /// Where reports go.
    pub up: Upward<MediaReport>,
    /// The stream; its tasks outlive this actor.
    pub line: MediaLine,
    /// Marks this actor as part of its call.
    pub tasks: TaskScope,
}

/// What the MediaActor owns.
#[derive(Debug)]
pub struct MediaState {
    call: CallSid,
    up: Upward<MediaReport>,
    line: MediaLine,
    anomalies: Anomalies,
    _tasks: TaskScope,
}

impl MediaState {
    fn signal(&mut self, signal: MediaSignal) {
        match signal {
            MediaSignal::Dtmf(key) => self.up.send(MediaReport::Key(key)),
            MediaSignal::Played(epoch, position) => self.up.send(MediaReport::Played(epoch, position)),
            MediaSignal::Anomaly(anomaly) => {
                let count = self.anomalies.count(anomaly);
                emit(MediaMessageDropped { call: &self.call, anomaly, count });
            }
            MediaSignal::Closed { hung_up } => {
                self.report_anomalies();
                self.up.send(MediaReport::Closed { hung_up });
            }
        }
    }

    fn report_anomalies(&mut self) {
        for (anomaly, count) in self.anomalies.take_repeated() {
            emit(MediaMessagesDropped { call: &self.call, anomaly, count });
        }
    }
}

impl Behaviour for MediaActor {
    const KIND: ActorKind = ActorKind::Media;
    type Msg = MediaMsg;
    type Args = MediaArgs;
    type State = MediaState;

    async fn start(&self, myself: &MediaRef, args: MediaArgs) -> Result<MediaState, ActorError> {
        let MediaArgs { call, up, line, tasks } = args;
        let me = myself.clone();
        line.listen(MediaListener::new(move |signal| me.cast(MediaMsg::Signal(signal)).is_ok()));
        Ok(MediaState { call, up, line, anomalies: Anomalies::default(), _tasks: tasks })
    }

    async fn handle(&self, _myself: &MediaRef, msg: MediaMsg, state: &mut MediaState) -> Result<(), ActorError> {
        match msg {
            MediaMsg::Signal(signal) => state.signal(signal),
            MediaMsg::Close => state.line.close(),
        }
        Ok(())
    }
}
