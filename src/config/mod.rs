//! Settings: the environment over `.env`, and `otto.toml` for the shop. Everything that is wrong is reported at once, so
//! that a start is corrected in one go.

mod env;
mod groups;
mod read;
mod settings;
mod shop;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

pub use self::env::Environment;
pub use self::groups::{Deepgram, Google, LogFormat, OpenAi, Server, Telemetry, Twilio};
pub use self::settings::Settings;
pub use self::shop::{SHOP_FILE, SHOP_FILE_VARIABLE};

/// Everything that is wrong with the settings. Each problem names the variable or file, what was found (never for a
/// secret or a phone number) and what is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl Problems {
    /// The problems, in the order of the settings.
    #[must_use]
    pub fn list(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings have {} problem(s):", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

impl Settings {
    /// Reads the process's environment, `.env` and the shop's file, both from the working directory.
    ///
    /// # Errors
    /// All problems at once.
    pub fn load() -> Result<Self, Problems> {
        let (environment, mut problems) = Environment::gather(std::env::vars_os(), Path::new(".env"));
        let text = shop::find(&environment).unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        match Self::read(&environment, text.as_deref()) {
            Ok(settings) if problems.is_empty() => Ok(settings),
            Ok(_) => Err(Problems(problems)),
            Err(Problems(more)) => Err(Problems(problems.into_iter().chain(more).collect())),
        }
    }
}
