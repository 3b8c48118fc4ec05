//! What readers of the ring hear, and what it keeps.

use futures_util::FutureExt as _;

use super::*;

fn frame(n: u8, len: usize) -> Bytes {
    Bytes::from(vec![n; len])
}

#[tokio::test]
async fn a_reader_that_takes_over_hears_again_what_was_not_understood() {
    let ring = VoiceRing::default();
    (1..=4).for_each(|n| ring.push(frame(n, 160)));
    let mut first = ring.reader();
    for n in 1..=4_u8 {
        assert_eq!(first.next().await, Voice::Frame(frame(n, 160), u64::from(n) * 160));
    }
    ring.settle(400);
    let mut second = ring.reader();
    assert_eq!(second.next().await, Voice::Frame(frame(3, 80), 480), "the rest of a frame");
    assert_eq!(second.next().await, Voice::Frame(frame(4, 160), 640));
    assert_eq!(second.backlog(), 0);
}

#[tokio::test]
async fn the_oldest_is_dropped_and_the_reader_is_told() {
    let ring = VoiceRing::default();
    let mut reader = ring.reader();
    let frames = limits::VOICE_KEPT_SAMPLES / 160 + 10;
    (0..frames).for_each(|_| ring.push(frame(7, 160)));
    assert_eq!(reader.next().await, Voice::Lost(1_600));
    assert_eq!(reader.next().await, Voice::Frame(frame(7, 160), 1_760));
}

#[tokio::test]
async fn every_sample_is_where_it_was_said_whatever_the_frames_are_like() {
    let ring = VoiceRing::default();
    let mut reader = ring.reader();
    let said = |from: u64, to: u64| (from..to).map(|position| (position % 251) as u8).collect::<Bytes>();
    let (mut end, mut heard) = (0, 0);
    for (n, len) in [1, 160, 159, 1_024, 3_000, 7, 2_048].into_iter().cycle().take(50).enumerate() {
        ring.push(said(end, end + len));
        end += len;
        if n % 3 == 0 {
            ring.settle(end / 2);
            continue;
        }
        while reader.backlog() > 0 {
            match reader.next().await {
                Voice::Frame(audio, after) => {
                    assert_eq!(audio, said(after - audio.len() as u64, after));
                    heard = after;
                }
                Voice::Lost(_) => panic!("five seconds are kept"),
            }
        }
        assert_eq!(heard, end);
    }
}

#[tokio::test]
async fn idle_frames_are_passed_over_but_for_a_lead() {
    let ring = VoiceRing::default();
    let idle = |audio: &[u8]| audio[0] == 0;
    for n in [0, 0, 0, 7, 0] {
        ring.push(frame(n, 160));
    }
    let mut reader = ring.reader();
    assert_eq!(reader.pass_over(200, idle), 0);
    assert_eq!(reader.next().await, Voice::Frame(frame(0, 40), 320));
    reader.pass_over(0, |_| true);
    assert_eq!(reader.backlog(), 0);
    let mut late = ring.reader();
    (0..limits::VOICE_KEPT_SAMPLES / 160).for_each(|_| ring.push(frame(0, 160)));
    assert_eq!(late.pass_over(160, idle), 800);
    assert_eq!(late.backlog(), 160);
}

#[tokio::test]
async fn silence_goes_on_in_parcels_and_a_sound_at_once() {
    let (silence, sound) = (frame(0xFF, 160), frame(0x20, 160));
    let ring = VoiceRing::default();
    let mut reader = ring.reader();
    let mut lengths = |audio: &Bytes, times: usize| {
        let read = |_| {
            ring.push(audio.clone());
            let mut read = 0;
            while reader.backlog() > 0 {
                let Some(Voice::Frame(audio, _)) = reader.next().now_or_never() else { panic!("nothing is lost") };
                read += audio.len();
            }
            read / 160
        };
        (0..times).map(read).collect::<Vec<_>>()
    };
    let urgent = (limits::VOICE_QUIET_SAMPLES / 160) as usize;
    assert_eq!(lengths(&sound, 2), [1, 1]);
    assert_eq!(lengths(&silence, urgent), vec![1; urgent]);
    assert_eq!(lengths(&silence, 8), [0, 0, 0, 0, 5, 0, 0, 0]);
    assert_eq!(lengths(&sound, 2), [4, 1], "what waited comes along");
    assert_eq!(lengths(&silence, 2), [1, 1], "the caller may only pause");
}

#[tokio::test]
async fn silence_after_what_was_understood_is_soon_forgotten() {
    let (silence, sound) = (frame(0xFF, 160), frame(0x20, 160));
    let ring = VoiceRing::default();
    let mut idle = ring.reader();
    ring.push(sound.clone());
    (0..1_000).for_each(|_| ring.push(silence.clone()));
    let kept = |ring: &VoiceRing| {
        let frames = ring.frames();
        frames.end - frames.start
    };
    assert_eq!(kept(&ring), limits::VOICE_SILENCE_KEPT_SAMPLES, "the sound is older than all that is kept");
    assert_eq!(idle.backlog(), limits::VOICE_SILENCE_KEPT_SAMPLES);
    assert!(matches!(idle.next().now_or_never(), Some(Voice::Frame(..))), "silence is no loss");
    ring.push(sound.clone());
    (0..100).for_each(|_| ring.push(silence.clone()));
    assert!(kept(&ring) > 100 * 160, "the sound has not been understood");
    let end = ring.frames().end;
    ring.settle(end);
    (0..100).for_each(|_| ring.push(silence.clone()));
    assert_eq!(kept(&ring), limits::VOICE_SILENCE_KEPT_SAMPLES);
}

#[tokio::test(start_paused = true)]
async fn a_reader_waits_for_what_is_to_come() {
    let ring = VoiceRing::default();
    let mut reader = ring.reader();
    let waiting = tokio::spawn(async move { reader.next().await });
    tokio::task::yield_now().await;
    ring.push(frame(1, 20));
    assert_eq!(waiting.await.unwrap(), Voice::Frame(frame(1, 20), 20));
}
