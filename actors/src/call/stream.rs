//! The stream of a call: how it comes, how it is lost while nobody has hung up, and what Twilio is told when it asks what
//! comes next. A call that has lost its stream goes on on the next one; until then its legs stand as before the first one.

use tokio::time::Instant;

use super::machine::Input;
use super::pickup::Input as PickupInput;
use super::{CallMsg, CallRef, CallState, CallTimer, Lookup};
use crate::actor::ReplyTo;
use crate::domain::StreamSid;
use crate::events::{StreamLost, emit};
use crate::limits;
use crate::media::MediaMsg;
use crate::media_plane::MediaLine;
use crate::names::Leg;
use crate::playback::PlaybackMsg;
use crate::ports::{MediaSink, MediaSource, StreamEnd};
use crate::stt::{SttMsg, SttReport};
use otto_proto::v1::{self, call_event::Body};

impl CallState {
    pub(super) async fn attach(&mut self, myself: &CallRef, stream: StreamSid, source: MediaSource, sink: MediaSink) {
        let rejoins = self.life.is_parted();
        if self.line.is_some() {
            if rejoins {
                // The stream before it is still being given up.
                self.tell_self(myself, CallMsg::Attach { stream, source, sink });
            }
            return;
        }
        self.note(Body::StreamStarted(v1::StreamStarted { stream_sid: stream.to_string() }));
        let tasks = self.tasks.child();
        let line = MediaLine::open(stream, source, sink, &tasks);
        let (voice, out) = (line.voice(), line.out());
        (self.line, self.line_tasks) = (Some(line), Some(tasks));
        self.live(myself, Input::Attached);
        self.legs.stt.cast(SttMsg::Listen(voice));
        self.legs.playback.cast(PlaybackMsg::Open(out));
        self.start_or_fail(myself, Leg::Media).await;
        if rejoins {
            self.stt(myself, SttReport::Hears);
        }
        match self.caller_known {
            _ if self.outbound.is_some() && rejoins => {}
            _ if self.outbound.is_some() => drop(self.picked_up(myself, PickupInput::Opened)),
            Lookup::Pending => self.arm(myself, CallTimer::Greeting),
            Lookup::Done | Lookup::Greeted => self.greet(),
        }
    }

    pub(super) fn stream_ended(&mut self, myself: &CallRef, reply_to: ReplyTo<Option<StreamEnd>>) {
        self.live(myself, Input::StreamEnded);
        let end = || self.verdict.get().cloned().unwrap_or(StreamEnd::Apologise);
        reply_to.send((!self.life.is_parted()).then(end));
    }

    pub(super) fn close_line(&self) {
        let through_actor = self.legs.media.cast(MediaMsg::Close);
        if let (false, Some(line)) = (through_actor, &self.line) {
            line.close();
        }
    }

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
        if self.life.needs_legs() {
            self.start_or_fail(myself, Leg::Stt).await;
            self.start_or_fail(myself, Leg::Playback).await;
        }
    }
}
