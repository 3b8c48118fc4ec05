//! What each family of models accepts, as one table: parameters that a model does not know are refused with a 400, so
//! what is sent depends on its name. The facts and their sources are in protocols/openai.md, section 0.

use otto_actors::limits::MODEL_MAX_TOKENS;

/// What a model that thinks may use for it, in tokens: thoughts count towards the limit of a reply.
const THOUGHTS_MAX_TOKENS: u32 = 2_000;

/// What a model accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// The reasoning effort that must be sent for tools to work and answers to be quick: the least that it has.
    pub reasoning_effort: Option<&'static str>,
    /// The name of the field that limits the reply, on `/chat/completions`.
    pub max_tokens: MaxTokens,
    /// Whether a temperature other than 1 is accepted.
    pub temperature: bool,
    /// Whether tools work on `/chat/completions`. They always do on `/responses`.
    pub chat_tools: bool,
}

/// The two names of the same limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxTokens {
    /// `max_tokens`, which compatible servers know.
    Old,
    /// `max_completion_tokens`, which reasoning models demand.
    New,
}

const fn reasoning(effort: Option<&'static str>) -> Model {
    Model { reasoning_effort: effort, max_tokens: MaxTokens::New, temperature: false, chat_tools: true }
}

const SAMPLING: Model =
    Model { reasoning_effort: None, max_tokens: MaxTokens::New, temperature: true, chat_tools: true };
/// These have no effort `none`.
const RESPONSES_ONLY: Model = Model { chat_tools: false, ..reasoning(Some("low")) };
const UNKNOWN: Model = Model { max_tokens: MaxTokens::Old, ..SAMPLING };

/// By the beginning of the model's name; the first row that fits counts.
const TABLE: &[(&str, Model)] = &[
    ("gpt-6-astra", RESPONSES_ONLY),
    ("gpt-6.1-sol", RESPONSES_ONLY),
    ("gpt-6", reasoning(Some("none"))),
    ("gpt-5.", reasoning(Some("none"))),
    ("gpt-5", reasoning(Some("minimal"))),
    ("o1", reasoning(None)),
    ("o3", reasoning(None)),
    ("o4", reasoning(None)),
    ("gpt-4", SAMPLING),
    ("gpt-3.5", SAMPLING),
    ("chatgpt-4o", SAMPLING),
];

impl Model {
    /// What the model of this name accepts; a name that is not in the table is one of a compatible server.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let base = name.strip_prefix("ft:").unwrap_or(name);
        TABLE.iter().find(|(prefix, _)| base.starts_with(prefix)).map_or(UNKNOWN, |(_, model)| *model)
    }

    /// Whether it thinks before it answers.
    #[must_use]
    pub fn thinks(&self) -> bool {
        !self.temperature && self.reasoning_effort != Some("none")
    }

    /// The longest reply to ask for, in tokens.
    #[must_use]
    pub fn reply_max_tokens(&self) -> u32 {
        MODEL_MAX_TOKENS + if self.thinks() { THOUGHTS_MAX_TOKENS } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide() {
        for (name, expected) in [
            ("gpt-6-luna", reasoning(Some("none"))),
            ("gpt-6-astra-2026-10-01", RESPONSES_ONLY),
            ("gpt-6.1-sol", RESPONSES_ONLY),
            ("gpt-6.1-terra", reasoning(Some("none"))),
            ("gpt-5.4-mini", reasoning(Some("none"))),
            ("gpt-5-mini", reasoning(Some("minimal"))),
            ("o3", reasoning(None)),
            ("gpt-4o-mini", SAMPLING),
            ("ft:gpt-4.1:shop::1", SAMPLING),
            ("llama-4-scout", UNKNOWN),
            ("openai/gpt-6-luna", UNKNOWN),
        ] {
            assert_eq!(Model::named(name), expected, "{name}");
        }
    }

    #[test]
    fn who_thinks_gets_room_for_it() {
        for (name, thinks) in [("gpt-6-luna", false), ("gpt-6-astra", true), ("o3", true), ("llama", false)] {
            let model = Model::named(name);
            assert_eq!((model.thinks(), model.reply_max_tokens() > MODEL_MAX_TOKENS), (thinks, thinks), "{name}");
        }
    }

    #[test]
    fn longer_names_come_first() {
        for (at, (prefix, _)) in TABLE.iter().enumerate() {
            assert!(!TABLE[..at].iter().any(|(earlier, _)| prefix.starts_with(earlier)), "{prefix} is never reached");
        }
    }
}
