//! Audio drops, control does not: the ring, the queue and what overtakes it.

use std::time::Duration;

use super::*;
use crate::ports::{MediaAnomaly, MediaEvent, MediaFrame};
use crate::testing::log::Log;
use crate::testing::ms;
use crate::testing::phone::Phone;

struct Bench {
    phone: Phone,
    line: MediaLine,
    scope: TaskScope,
}

fn bench() -> Bench {
    let (phone, scope) = (Phone::new(), TaskScope::root());
    let (source, sink) = phone.socket();
    let line = MediaLine::open(StreamSid::parse("MZ1").unwrap(), source, sink, &scope);
    Bench { phone, line, scope }
}

fn frame(n: usize) -> Bytes {
    Bytes::from(vec![u8::try_from(n % 256).unwrap(); 160])
}

fn second() -> Bytes {
    Bytes::from(vec![b'x'; 8_000])
}

/// A listener that hears so many signals and then takes no more, as one that dies does.
fn hears(log: &Log<MediaSignal>, most: usize) -> MediaListener {
    let (log, first) = (log.clone(), log.len());
    MediaListener::new(move |signal| {
        let takes = log.len() < first + most;
        if takes {
            log.push(signal);
        }
        takes
    })
}

#[tokio::test(start_paused = true)]
async fn the_caller_s_voice_waits_for_a_listener_and_loses_the_oldest() {
    let bench = bench();
    let kept = usize::try_from(limits::VOICE_KEPT_SAMPLES / 160).unwrap();
    let surplus = 44;
    (0..kept + surplus).for_each(|n| bench.phone.sends(MediaEvent::Audio(frame(n))));
    tokio::time::sleep(ms(1)).await;
    let mut reader = bench.line.voice().reader();
    assert_eq!(reader.next().await, Voice::Lost(surplus as u64 * 160));
    assert_eq!(reader.next().await, Voice::Frame(frame(surplus), (surplus as u64 + 1) * 160));
    assert_eq!(reader.backlog(), (kept as u64 - 1) * 160);
}

#[tokio::test(start_paused = true)]
async fn a_clear_overtakes_the_audio_that_waits() {
    let bench = bench();
    bench.phone.flows(false);
    let out = bench.line.out();
    for _ in 0..20 {
        out.audio(Epoch(0), second()).await.unwrap();
    }
    tokio::time::sleep(ms(1)).await;
    let epoch = out.clear();
    out.audio(epoch, Bytes::from_static(b"new")).await.unwrap();
    bench.phone.flows(true);
    bench.phone.frames.until("the new audio", |all| all.iter().any(|(_, f)| is_audio(f, b"new"))).await;
    let frames: Vec<_> = bench.phone.frames.all().into_iter().map(|(_, f)| f).collect();
    // One frame was in the socket's hands.
    let new = MediaFrame::Audio(Bytes::from_static(b"new"));
    assert_eq!(frames, [MediaFrame::Audio(second()), MediaFrame::Clear, new]);
}

fn is_audio(frame: &MediaFrame, audio: &[u8]) -> bool {
    matches!(frame, MediaFrame::Audio(bytes) if bytes == audio)
}

#[tokio::test(start_paused = true)]
async fn audio_and_marks_of_an_old_epoch_are_never_written() {
    let bench = bench();
    let out = bench.line.out();
    let (first, second_epoch) = (out.epoch(), out.clear());
    assert_eq!((first, second_epoch, out.epoch()), (Epoch(0), Epoch(1), Epoch(1)));
    out.audio(first, second()).await.unwrap();
    out.mark(first, 8_000).await.unwrap();
    out.mark(second_epoch, 0).await.unwrap();
    bench.phone.frames.until("the mark", |all| all.len() >= 2).await;
    let frames: Vec<_> = bench.phone.frames.all().into_iter().map(|(_, f)| f).collect();
    assert_eq!(frames, [MediaFrame::Clear, MediaFrame::Mark("1:0".into())]);
}

#[tokio::test(start_paused = true)]
async fn clears_that_did_not_fit_into_the_queue_are_made_good() {
    let bench = bench();
    bench.phone.flows(false);
    let out = bench.line.out();
    out.audio(Epoch(0), second()).await.unwrap();
    tokio::time::sleep(ms(1)).await;
    let last = (0..3 * limits::MEDIA_CONTROL_FRAMES).map(|_| out.clear()).next_back().unwrap();
    out.audio(last, second()).await.unwrap();
    bench.phone.flows(true);
    bench.phone.frames.until("new audio", |all| all.iter().filter(|(_, f)| *f != MediaFrame::Clear).count() == 2).await;
    let frames: Vec<_> = bench.phone.frames.all().into_iter().map(|(_, f)| f).collect();
    assert_eq!(frames[frames.len() - 2..], [MediaFrame::Clear, MediaFrame::Audio(second())]);
    tokio::time::sleep(ms(1)).await;
    assert_eq!((out.playout().epoch, out.playout().sent), (last, 8_000), "the clock knows of it");
}

#[tokio::test(start_paused = true)]
async fn the_clock_follows_what_was_sent_marked_and_cleared() {
    let bench = bench();
    let log = Log::default();
    bench.line.listen(hears(&log, usize::MAX));
    let out = bench.line.out();
    out.audio(Epoch(0), second()).await.unwrap();
    out.mark(Epoch(0), 8_000).await.unwrap();
    tokio::time::sleep(ms(500)).await;
    assert_eq!(out.playout().played(tokio::time::Instant::now()), 4_000);
    log.until("the mark", |all| all == [MediaSignal::Played(Epoch(0), 8_000)]).await;
    out.audio(Epoch(0), second()).await.unwrap();
    tokio::time::sleep(ms(1)).await;
    let epoch = out.clear();
    tokio::time::sleep(ms(1)).await;
    assert_eq!((out.playout().epoch, out.playout().sent), (epoch, 0));
}

#[tokio::test(start_paused = true)]
async fn small_pieces_go_out_together_while_the_caller_has_enough_ahead() {
    let bench = bench();
    let out = bench.line.out();
    let lengths = || {
        let audio = |(_, frame)| if let MediaFrame::Audio(audio) = frame { Some(audio.len() / 8) } else { None };
        bench.phone.frames.all().into_iter().filter_map(audio).collect::<Vec<_>>()
    };
    out.audio(Epoch(0), Bytes::from(vec![b'x'; 250 * 8])).await.unwrap();
    for n in 0..14 {
        out.audio(Epoch(0), frame(n)).await.unwrap();
    }
    tokio::time::sleep(ms(1)).await;
    assert_eq!(lengths(), [250, 200], "milliseconds; 80 wait");
    tokio::time::sleep(ms(248)).await;
    assert_eq!(lengths(), [250, 200], "the caller has 201 ms");
    tokio::time::sleep(ms(2)).await;
    assert_eq!(lengths(), [250, 200, 80]);
    out.audio(Epoch(0), frame(1)).await.unwrap();
    out.mark(Epoch(0), 4_400).await.unwrap();
    tokio::time::sleep(ms(1)).await;
    assert_eq!(lengths(), [250, 200, 80, 20], "a mark stands behind its audio");
    out.audio(Epoch(0), frame(2)).await.unwrap();
    tokio::time::sleep(ms(1)).await;
    out.clear();
    tokio::time::sleep(ms(1_000)).await;
    assert_eq!(lengths().len(), 4, "what waits is cleared with the rest");
}

#[tokio::test(start_paused = true)]
async fn the_queue_holds_a_fast_voice_back() {
    let bench = bench();
    bench.phone.flows(false);
    let out = bench.line.out();
    let filled = tokio::time::timeout(ms(100), async {
        for n in 0..1_000 {
            out.audio(Epoch(0), frame(n)).await.unwrap();
        }
    });
    assert!(filled.await.is_err(), "the voice must wait");
    bench.phone.flows(true);
    tokio::time::timeout(ms(100), out.audio(Epoch(0), frame(0))).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn signals_wait_for_a_listener_and_for_the_next_when_it_has_died() {
    let bench = bench();
    "12345".chars().for_each(|key| bench.phone.sends(MediaEvent::Dtmf(key)));
    bench.phone.sends(MediaEvent::Anomaly(MediaAnomaly::Binary));
    tokio::time::sleep(ms(1)).await;
    let log = Log::default();
    for heard in [2, 3, 6] {
        // The first takes two signals and dies, the second one more, the third the rest.
        let most = heard - log.len();
        bench.line.listen(hears(&log, most));
        log.until("signals", |all| all.len() == heard).await;
        tokio::time::sleep(ms(1)).await;
    }
    let keys = "12345".chars().map(MediaSignal::Dtmf);
    let expected: Vec<_> = keys.chain([MediaSignal::Anomaly(MediaAnomaly::Binary)]).collect();
    assert_eq!(log.all(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_stream_waits_for_a_listener_too() {
    let bench = bench();
    bench.phone.hangs_up();
    bench.phone.is_closed().await;
    let log = Log::default();
    bench.line.listen(hears(&log, 0));
    tokio::time::sleep(ms(1)).await;
    bench.line.listen(hears(&log, usize::MAX));
    log.until("the end", |all| all.contains(&MediaSignal::Closed { hung_up: true })).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_is_told_to_a_listener_that_comes_after_one_that_died_with_it() {
    let bench = bench();
    // It took the signal into its mailbox, and died before it came to it.
    bench.line.listen(MediaListener::new(|_| true));
    bench.phone.hangs_up();
    bench.phone.is_closed().await;
    tokio::time::sleep(ms(1)).await;
    let log = Log::default();
    bench.line.listen(hears(&log, usize::MAX));
    tokio::time::sleep(ms(1)).await;
    assert!(!log.all().is_empty(), "nobody will ever know that the stream is over");
}

#[tokio::test(start_paused = true)]
async fn closing_ends_the_stream() {
    let bench = bench();
    let log = Log::default();
    bench.line.listen(hears(&log, usize::MAX));
    bench.line.close();
    bench.phone.is_closed().await;
    log.until("the end", |all| all.contains(&MediaSignal::Closed { hung_up: false })).await;
    assert_eq!(bench.line.out().audio(Epoch(0), second()).await, Err(LineClosed));
    let remains = bench.scope.remains();
    drop(bench.scope);
    assert_eq!(remains.wait(ms(1_000)).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_takes_nothing_is_given_up() {
    let bench = bench();
    let log = Log::default();
    bench.line.listen(hears(&log, usize::MAX));
    bench.phone.flows(false);
    let begun = tokio::time::Instant::now();
    bench.line.out().audio(Epoch(0), second()).await.unwrap();
    log.until("the end", |all| all.contains(&MediaSignal::Closed { hung_up: false })).await;
    let took = begun.elapsed();
    assert!(took <= limits::MEDIA_WRITE_TIMEOUT_MS * 2 + Duration::from_millis(10), "{took:?}");
}
