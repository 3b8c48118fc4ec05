//! The whole actor with a voice that fails: what the caller hears, and when.

use super::actor::Talk;
use super::*;
use crate::limits;
use crate::ports::{MediaFrame, TtsInput};
use crate::testing::{fatal, ms, passing};

/// The longest time without a sound while there was something to say, from now to the end of what was said.
async fn longest_silence(talk: &Talk, text: &str) -> Duration {
    let begun = Instant::now();
    talk.phone.hears(text).await;
    let mut silent_since = begun;
    let mut longest = Duration::ZERO;
    for (at, frame) in talk.phone.frames.all() {
        if let MediaFrame::Audio(audio) = frame {
            longest = longest.max(at.saturating_duration_since(silent_since));
            silent_since = silent_since.max(at) + Duration::from_micros(audio.len() as u64 * 125);
        }
    }
    longest
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_is_ready_leaves_at_once() {
    let talk = Talk::with(|faults| faults.no_socket = Some(passing())).await;
    talk.phrases.fill(vec!["Good morning.".into()]).await;
    let begun = Instant::now();
    talk.says(1, "Good morning.");
    let first = |(at, frame): &(Instant, MediaFrame)| matches!(frame, MediaFrame::Audio(_)).then_some(*at);
    let at = talk.phone.frames.find("audio", first).await;
    assert!(at - begun < ms(20), "{:?}", at - begun);
    talk.reported("spoken 1: Good morning.").await;
    assert_eq!(talk.phone.heard(), "Good morning.");
    assert_eq!(talk.tts.script(), Vec::<String>::new());
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_socket_everything_is_said_over_requests() {
    for refusal in [passing(), fatal()] {
        let talk = Talk::with(|faults| faults.no_socket = Some(refusal)).await;
        talk.says(1, "First one. Second one. ");
        talk.says(2, "Third one.");
        let silence = longest_silence(&talk, "First one. Second one. Third one.").await;
        assert!(silence < ms(1_000), "{silence:?}");
        talk.reported("spoken 2: Third one.").await;
        assert_eq!(talk.phone.heard(), "First one. Second one. Third one.");
        assert_eq!(talk.tts.requests.all(), ["First one. ", "Second one. ", "Third one."]);
        talk.ends().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_stops_requests_too() {
    let talk = Talk::with(|faults| faults.no_socket = Some(fatal())).await;
    talk.says(1, "A sentence that is long enough. And another one.");
    talk.phone.hears("A sent").await;
    talk.actor.cast(crate::playback::PlaybackMsg::Hush).unwrap();
    talk.says(2, "The answer.");
    talk.phone.hears("The answer.").await;
    assert!(!talk.phone.heard().contains("another"), "{}", talk.phone.heard());
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn the_socket_comes_back_when_there_is_nothing_to_say() {
    let talk = Talk::with(|faults| faults.refusals.push_back(fatal())).await;
    talk.says(1, "Over requests.");
    talk.reported("spoken 1: Over requests.").await;
    tokio::time::sleep(limits::TTS_SOCKET_AGAIN_MS * 2).await;
    talk.says(2, "Over the socket.");
    talk.reported("spoken 2: Over the socket.").await;
    assert_eq!(talk.tts.spoken(), ["Over the socket."]);
    assert_eq!(talk.tts.requests.all(), ["Over requests."]);
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_warning_instead_of_audio_is_a_lost_session() {
    let talk = Talk::with(|faults| faults.warns = true).await;
    talk.says(1, "Hello there.");
    let silence = longest_silence(&talk, "Hello there.").await;
    assert!(silence < ms(3_000), "{silence:?}");
    talk.reported("spoken 1: Hello there.").await;
    assert_eq!(talk.phone.heard(), "Hello there.");
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn more_flushes_than_a_socket_takes_are_no_silence() {
    let talk = Talk::with(|_| {}).await;
    (1..=45).for_each(|id| talk.says(id, "Yes."));
    let silence = longest_silence(&talk, &"Yes.".repeat(45)).await;
    assert!(silence < ms(500), "{silence:?}");
    assert_eq!(talk.phone.heard(), "Yes.".repeat(45));
    let flushes = |session| {
        talk.tts.inputs.all().into_iter().filter(|(number, _, i)| *number == session && *i == TtsInput::Flush).count()
    };
    assert_eq!((flushes(1), flushes(2), flushes(3)), (19, 19, 7));
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_stalled_voice_is_bridged_by_a_filler() {
    let talk = Talk::with(|faults| (faults.mute, faults.requests_slower) = (true, ms(1_500))).await;
    talk.phrases.fill(vec!["One moment.".into()]).await;
    talk.says(1, "Hello there.");
    let silence = longest_silence(&talk, "Hello there.").await;
    assert!(silence < ms(4_000), "{silence:?}");
    assert_eq!(talk.phone.heard(), "One moment.Hello there.");
    talk.reported("spoken 1: Hello there.").await;
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_voice_that_is_away_altogether_says_what_is_left_and_in_time() {
    // The socket and the requests: refused, or without an answer.
    for (refused, slow) in [(true, ms(0)), (false, ms(60_000))] {
        let talk = Talk::with(|faults| {
            (faults.mute, faults.requests_slower) = (true, slow);
            if refused {
                (faults.no_socket, faults.no_requests) = (Some(passing()), Some(passing()));
            }
        })
        .await;
        let begun = Instant::now();
        talk.says(1, "First one. Second one.");
        talk.reported("mute: First one. Second one.").await;
        assert!(begun.elapsed() < ms(4_000), "{:?}", begun.elapsed());
        talk.ends().await;
    }
}
