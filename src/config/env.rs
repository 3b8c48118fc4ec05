//! The variables as text: the process's environment over `.env`. Apart from their meaning, so that tests need neither.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// Names and values. An empty value counts as none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Environment {
    /// Merges the process's variables over those in a file, which need not exist. Also returns what is wrong.
    #[must_use]
    pub fn gather(process: impl Iterator<Item = (OsString, OsString)>, file: &Path) -> (Self, Vec<String>) {
        let (mut merged, mut problems) = (BTreeMap::new(), Vec::new());
        if let Err(problem) = read_file(file, &mut merged) {
            problems.push(problem);
        }
        for (name, value) in process {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(merged.insert(name, value)),
                Err(_) if super::settings::is_known(&name) => {
                    problems.push(format!("{name}: found bytes that are not UTF-8, expected text"));
                }
                Err(_) => {}
            }
        }
        (Self(merged), problems)
    }

    /// The value of a variable without the white space around it, unless it is unset or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The names of all variables that have a value, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str).filter(|name| self.get(name).is_some())
    }
}

/// A line that cannot be read is told by its place alone: it may hold a secret.
fn read_file(file: &Path, into: &mut BTreeMap<String, String>) -> Result<(), String> {
    let name = file.display();
    let lines = match dotenvy::from_path_iter(file) {
        Ok(lines) => lines,
        Err(error) if error.not_found() => return Ok(()),
        Err(_) => return Err(format!("{name}: found a file that cannot be opened, expected one that can be read")),
    };
    for (count, line) in lines.enumerate() {
        let (key, value) = line.map_err(|_| {
            format!("{name}: after {count} settings found a line that cannot be read, expected NAME=value or # comment")
        })?;
        into.insert(key, value);
    }
    Ok(())
}
