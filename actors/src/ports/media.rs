//! The telephony socket's media, as frames and events.

use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::{BoxSink, VendorError};

/// What arrives on the telephony socket after its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaEvent {
    /// The caller's voice, mu-law 8 kHz mono, of any length.
    Audio(Bytes),
    /// A key that the caller pressed: `0`-`9`, `*`, `#`, `A`-`D`.
    Dtmf(char),
    /// Everything sent before this mark has been played, or was cleared.
    Mark(String),
    /// The caller's side ended the stream.
    Stop,
    /// A message that the protocol does not allow; it was dropped.
    Anomaly(MediaAnomaly),
}

/// The ways in which a media message can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum MediaAnomaly {
    /// Not JSON, or JSON of another shape.
    #[error("malformed message")]
    Malformed,
    /// JSON with an `event` that is not known.
    #[error("unknown event")]
    UnknownEvent,
    /// For another stream or another call.
    #[error("message for another stream")]
    WrongStream,
    /// A binary frame where only text is allowed.
    #[error("binary frame")]
    Binary,
    /// A frame above the size limit.
    #[error("frame too large")]
    TooLarge,
    /// Audio or a key before the stream has started.
    #[error("message before start")]
    BeforeStart,
    /// A second `start` on one stream.
    #[error("second start")]
    SecondStart,
    /// A payload that is not base64, or an empty one.
    #[error("bad payload")]
    BadPayload,
}

/// What is sent on the telephony socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaFrame {
    /// Otto's voice, mu-law 8 kHz mono, of any length but never empty.
    Audio(Bytes),
    /// Comes back as [`MediaEvent::Mark`] when all before it has been played or cleared.
    Mark(String),
    /// Forget what has not been played.
    Clear,
}

/// The reading half of the telephony socket; it ends when the socket does.
pub type MediaSource = BoxStream<'static, MediaEvent>;
/// The writing half of the telephony socket; closing it ends the stream.
pub type MediaSink = BoxSink<MediaFrame, VendorError>;
