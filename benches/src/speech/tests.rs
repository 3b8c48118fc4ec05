//! Properties of the codec: what is spoken is heard, however the audio is cut up on its way.

use proptest::prelude::*;

use super::*;

/// Decodes `audio` in chunks of the given lengths, cycled.
fn hear(audio: &[u8], chunks: &[usize]) -> String {
    let mut decoder = Decoder::new();
    let mut rest = audio;
    let mut heard = Vec::new();
    for &length in chunks.iter().cycle() {
        let (chunk, tail) = rest.split_at(length.min(rest.len()));
        heard.extend(decoder.feed(chunk));
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    heard.extend(decoder.finish());
    heard.into_iter().filter_map(|symbol| if let Symbol::Char { ch, .. } = symbol { Some(ch) } else { None }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_chunking_of_speech_is_heard_as_spoken(
        text in "[ -~]{0,60}", ms in 1_u32..12, chunks in prop::collection::vec(1_usize..700, 1..9),
    ) {
        prop_assert_eq!(hear(&encode(&text, ms), &chunks), text);
    }

    #[test]
    fn audio_at_once_is_heard_as_sample_by_sample(
        pieces in prop::collection::vec((prop::sample::select(vec![0x41_u8, 0xC1, 0x7F, 0xFF, 0x05, 0x85]), 1_usize..60), 0..30),
    ) {
        let audio: Vec<u8> = pieces.iter().flat_map(|&(sample, count)| vec![sample; count]).collect();
        let (mut whole, mut single) = (Decoder::new(), Decoder::new());
        let heard = whole.feed(&audio);
        prop_assert_eq!(heard, audio.chunks(1).flat_map(|sample| single.feed(sample)).collect::<Vec<_>>());
        prop_assert_eq!(whole.finish(), single.finish());
        prop_assert_eq!((whole.position(), whole.last_voiced()), (single.position(), single.last_voiced()));
        prop_assert_eq!(voiced(&audio), audio.iter().filter(|sample| is_voiced(**sample)).count());
    }

    #[test]
    fn silence_and_noise_around_speech_do_not_change_it(
        text in "[a-z]{1,20}", before in 0_u32..30, after in 0_u32..30, seed in any::<u64>(),
    ) {
        let mut rng = crate::Seed(seed).rng("noise");
        let audio = [silence(before), noise(20, &mut rng), encode(&text, 5), noise(20, &mut rng), silence(after)].concat();
        prop_assert_eq!(hear(&audio, &[160]), text);
    }

    #[test]
    fn a_cut_leaves_whole_characters_of_the_beginning(text in "[a-z]{1,20}", ms in 2_u32..9, cut in 0.0_f64..1.0) {
        let audio = encode(&text, ms);
        let kept = &audio[..(audio.len() as f64 * cut) as usize];
        prop_assert!(text.starts_with(&hear(kept, &[160])));
    }

    #[test]
    fn noise_is_sound_without_words(ms in 1_u32..200, seed in any::<u64>()) {
        let audio = noise(ms, &mut crate::Seed(seed).rng("noise"));
        prop_assert!(audio.iter().all(|&sample| is_voiced(sample)));
        prop_assert_eq!(hear(&audio, &[160]), "");
    }
}

#[test]
fn positions_are_counted_in_samples() {
    let mut decoder = Decoder::new();
    decoder.feed(&silence(10));
    let heard = decoder.feed(&encode("oo", 20));
    assert_eq!(heard, [Symbol::Char { ch: 'o', start: 80, end: 240 }]);
    assert_eq!(decoder.finish(), Some(Symbol::Char { ch: 'o', start: 240, end: 400 }));
    assert_eq!((decoder.position(), decoder.last_voiced()), (400, Some(400)));
}

#[test]
fn words_end_at_spaces_and_at_silence_and_a_part_is_known() {
    let mut words = WordDecoder::default();
    let heard = words.feed(&encode("oil change", 20));
    assert_eq!(heard.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["oil"]);
    assert_eq!(words.partial().map(|word| word.text.as_str()), Some("chang"));
    let heard = words.feed(&silence(20));
    assert_eq!(heard, [Word { text: "change".into(), start: 640, end: 1_600 }]);
    assert_eq!(words.partial(), None);
}

#[test]
fn one_voice_keeps_its_letters_apart_between_texts() {
    let mut voice = Encoder::new(20);
    let audio = [voice.encode("a"), voice.encode("a")].concat();
    assert_eq!(hear(&audio, &[160]), "aa");
}

#[test]
fn what_cannot_be_spoken_is_made_plain() {
    assert_eq!(normalise("Zoë\u{2019}s \u{2014} café\u{2026}\n日本"), "Zoe's - cafe... ");
}
