//! A call whose stream is lost: the connection has broken, and nobody has hung up. Twilio asks what comes next, and opens
//! another stream on which the call goes on. Until then the legs stand as they do before the first one.

use tokio::time::Instant;

use super::{CallMsg, CallRef, CallState};
use crate::events::{StreamLost, emit};
use crate::limits;
use crate::names::Leg;
use crate::stt::SttReport;
use otto_proto::v1::{self, call_event::Body};

impl CallState {
    /// The legs that live on the stream end. What they have reported lies before [`CallMsg::Parted`] in the mailbox.
    pub(super) async fn part(&mut self, myself: &CallRef) {
        emit(StreamLost { call: &self.session.call });
        self.note(Body::StreamLost(v1::StreamLost {}));
        let (media, stt, playback) = (&mut self.legs.media, &mut self.legs.stt, &mut self.legs.playback);
        let within = limits::LEG_STOP_TIMEOUT_MS;
        tokio::join!(media.end(within), stt.end(within), playback.end(within));
        self.tell_self(myself, CallMsg::Parted);
    }

    /// What was not heard on the lost stream is said on the next one, and what is said meanwhile is not heard.
    pub(super) async fn parted(&mut self, myself: &CallRef) {
        if self.hushing {
            self.hush_without_playback();
        }
        if let Some(line) = self.line.take() {
            let (playout, now) = (line.out().playout(), Instant::now());
            self.unfinished.iter_mut().for_each(|utterance| utterance.take_back(playout, now));
        }
        self.line_tasks = None;
        self.stt(myself, SttReport::Deaf);
        for leg in [Leg::Stt, Leg::Playback] {
            self.restart(myself, leg).await;
        }
    }
}
