//! The media socket's messages: fifty frames a second come in for every call, and Otto's speech goes out in messages of
//! 400 ms, which is what the voice sends.

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use criterion::Criterion;
use futures_util::FutureExt as _;
use otto::vendors::twilio::media::{MediaParser, MediaWriter, Parsed};
use otto_actors::domain::{CallSid, StreamSid};
use otto_actors::media_plane::{Voice, VoiceRing};
use otto_actors::ports::{MediaEvent, MediaFrame};

const STREAM: &str = "MZ0123456789abcdef0123456789abcdef";
const CALL: &str = "CA0123456789abcdef0123456789abcdef";
/// A frame of the caller's: 20 ms.
const FRAME_BYTES: usize = 160;
/// A message of the voice's: 400 ms.
const SPEECH_BYTES: usize = 3_200;

pub(super) fn bench(criterion: &mut Criterion) {
    let stream = StreamSid::parse(STREAM).expect("a stream's name");
    let call = CallSid::parse(CALL).expect("a call's name");
    let message = message(&[0x55; FRAME_BYTES]);
    let mut group = criterion.benchmark_group("media");

    let mut parser = MediaParser::started(stream.clone(), call.clone());
    group.bench_function("in: parse", |bencher| bencher.iter(|| parser.parse(black_box(&message))));

    let mut parser = MediaParser::started(stream.clone(), call);
    let ring = VoiceRing::default();
    let mut reader = ring.reader();
    group.bench_function("in: parse, ring, read", |bencher| {
        bencher.iter(|| {
            let Parsed::Event(MediaEvent::Audio(audio)) = parser.parse(black_box(&message)) else {
                unreachable!("audio")
            };
            ring.push(audio);
            let Some(Voice::Frame(audio, end)) = reader.next().now_or_never() else { unreachable!("a frame") };
            ring.settle(end);
            audio
        });
    });

    let writer = MediaWriter::new(&stream);
    let audio = MediaFrame::Audio(Bytes::from(vec![0x55; SPEECH_BYTES]));
    group.bench_function("out: speech", |bencher| bencher.iter(|| writer.write(black_box(&audio))));
    let mark = MediaFrame::Mark("3:48000".to_owned());
    group.bench_function("out: mark", |bencher| bencher.iter(|| writer.write(black_box(&mark))));
    group.finish();
}

/// A frame as Twilio writes it.
fn message(audio: &[u8]) -> String {
    let payload = STANDARD.encode(audio);
    format!(
        r#"{{"event":"media","sequenceNumber":"1204","media":{{"track":"inbound","chunk":"1202","timestamp":"24040","payload":"{payload}"}},"streamSid":"{STREAM}"}}"#
    )
}
