//! Which of the shop's services is meant, by its name, by other words for it, or by what is wrong with the car.

use crate::dialogue::words::Words;
use crate::domain::Shop;

/// Other words for a word that the shop's names use.
const SYNONYMS: [(&str, &[&str]); 8] = [
    ("oil", &["lube"]),
    ("tire", &["tires", "tyre", "tyres", "wheel", "wheels"]),
    ("rotation", &["rotate", "rotated", "rotating"]),
    ("brake", &["brakes", "break", "breaks", "braking"]),
    ("battery", &["batteries"]),
    ("diagnostics", &["diagnostic", "diagnose", "diagnosed", "diagnosis"]),
    ("engine", &["motor", "engines"]),
    ("inspection", &["inspections", "inspected", "inspect", "sticker", "emissions", "smog"]),
];

/// Words that several services have in common; alone they mean none of them.
const COMMON: [&str; 7] = ["service", "change", "replacement", "repair", "check", "general", "job"];

/// Words that hint at one of several services of a sort.
const HINTS: [(&str, &[&str]); 3] = [
    ("inspection", &["check", "checked", "look", "looked"]),
    (
        "service",
        &["fix", "fixed", "replace", "replaced", "repair", "repaired", "pads", "rotors", "job", "worn", "done"],
    ),
    ("replacement", &["new", "replace", "replaced", "dead"]),
];

/// What shows that something is wrong with the car.
const SYMPTOMS: [&str; 38] = [
    "check engine",
    "engine light",
    "warning light",
    "dashboard light",
    "light is on",
    "light came on",
    "light on",
    "noise",
    "noises",
    "rattle",
    "rattling",
    "rattles",
    "shaking",
    "shakes",
    "vibration",
    "vibrates",
    "vibrating",
    "leak",
    "leaking",
    "leaks",
    "smoke",
    "smoking",
    "overheating",
    "overheats",
    "stalling",
    "stalls",
    "won't start",
    "doesn't start",
    "wouldn't start",
    "grinding",
    "squeaking",
    "squealing",
    "squeaky",
    "squeal",
    "squeak",
    "knocking",
    "burning smell",
    "smells",
];

/// What the caller wants done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::dialogue) enum FoundService {
    /// Nothing that is known.
    #[default]
    None,
    /// This one.
    One(String),
    /// One of these.
    Several(Vec<String>),
}

/// Whether these words say what is wrong.
pub(in crate::dialogue) fn has_symptom(words: &Words) -> bool {
    words.any(&SYMPTOMS)
}

/// The service that these words mean; when Otto has asked which of some, one of these.
pub(in crate::dialogue) fn find(words: &Words, shop: &Shop, among: &[String]) -> FoundService {
    let engine_light = words.any(&["check engine", "engine light", "warning light", "dashboard light"]);
    if engine_light && let Some(name) = diagnostics(shop) {
        return FoundService::One(name);
    }
    let names = shop.services.iter().map(|s| &s.name).filter(|name| among.is_empty() || among.contains(name));
    let stems: Vec<&str> = words.iter().map(stem).collect();
    let scored: Vec<(u32, &str)> = names.map(|name| (score(words, &stems, name), name.as_str())).collect();
    let best = scored.iter().map(|(score, _)| *score).max().unwrap_or(0);
    let mut names: Vec<String> =
        scored.iter().filter(|(score, _)| *score == best).map(|(_, name)| (*name).to_owned()).collect();
    let enough = if among.is_empty() { 10 } else { 1 };
    if best < enough {
        return match diagnostics(shop).filter(|_| has_symptom(words)) {
            Some(name) => FoundService::One(name),
            None => FoundService::None,
        };
    }
    if names.len() == 1 { FoundService::One(names.remove(0)) } else { FoundService::Several(names) }
}

fn diagnostics(shop: &Shop) -> Option<String> {
    shop.services.iter().find(|s| s.name.to_lowercase().contains("diagnos")).map(|s| s.name.clone())
}

/// A word of the name that was said counts ten, a word that many names have one, a hint one.
fn score(words: &Words, stems: &[&str], name: &str) -> u32 {
    let part = |part: &str| {
        let said = stems.contains(&stem(part));
        let is_common = COMMON.contains(&part);
        match (said, is_common) {
            (true, false) => 10,
            (true, true) => 1,
            (false, _) => u32::from(hints_at(words, part)),
        }
    };
    Words::new(name).iter().map(part).sum()
}

fn hints_at(words: &Words, part: &str) -> bool {
    HINTS.iter().any(|(hinted, hints)| *hinted == part && words.any(hints))
}

/// The word that stands for all of its forms.
fn stem(word: &str) -> &str {
    SYNONYMS.iter().find(|(_, others)| others.contains(&word)).map_or(word, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_as_callers_name_them() {
        let shop = Shop::default();
        let brakes = ["Brake inspection".to_owned(), "Brake service".to_owned()];
        let one = FoundService::One("Brake service".into());
        assert_eq!(find(&Words::new("the service"), &shop, &brakes), one);
        for (said, expected) in [
            ("I need an oil change", "Oil change"),
            ("can you change my oil", "Oil change"),
            ("rotate my tires", "Tire rotation"),
            ("something with the wheels", "Tire rotation"),
            ("the battery is dead", "Battery replacement"),
            ("my check engine light is on", "Engine diagnostics"),
            ("it makes a weird noise", "Engine diagnostics"),
            ("state inspection", "State inspection"),
            ("a brake inspection", "Brake inspection"),
            ("have a look at my brakes", "Brake inspection"),
            ("new brake pads", "Brake service"),
            ("my breaks need to be fixed", "Brake service"),
        ] {
            assert_eq!(find(&Words::new(said), &shop, &[]), FoundService::One(expected.into()), "{said}");
        }
        for said in ["my brakes", "the brakes are grinding", "an inspection"] {
            assert!(matches!(find(&Words::new(said), &shop, &[]), FoundService::Several(_)), "{said}");
        }
        for said in ["a service", "change", "hello", ""] {
            assert_eq!(find(&Words::new(said), &shop, &[]), FoundService::None, "{said}");
        }
    }
}
