//! The rules of the house that a compiler does not check: who may depend on whom, and how files look.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest file, in lines.
const FILE_MAX_LINES: usize = 400;
/// Longest `main.rs`, in lines: it is a table of contents.
const MAIN_MAX_LINES: usize = 120;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of the house, with its text.
fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in [
        "src",
        "actors/src",
        "proto/src",
        "benches/src",
        "benches/micro",
        "benches/tests",
        "tests",
        "fuzz/fuzz_targets",
    ] {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() > 50, "the scan finds the files");
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = path.strip_prefix(root()).expect("inside").display().to_string();
            found.push((name, std::fs::read_to_string(&path).expect("text")));
        }
    }
}

/// Names of all crates that a package is built from.
fn crates_under(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_actors_know_no_web_no_database_no_cache() {
    let crates = crates_under("otto-actors");
    assert!(crates.contains("ractor"), "the scan finds the crates");
    for outside in ["axum", "sqlx", "redis", "reqwest", "tokio-tungstenite", "hyper", "otto", "otto-sim"] {
        assert!(!crates.contains(outside), "otto-actors must not depend on {outside}");
    }
}

#[test]
fn the_simulators_know_nothing_of_the_engine() {
    let crates = crates_under("otto-sim");
    for engine in ["otto", "otto-actors", "otto-proto"] {
        assert!(!crates.contains(engine), "otto-sim must not depend on {engine}");
    }
}

#[test]
fn every_file_says_first_what_it_is_for_and_stays_short() {
    for (name, text) in files() {
        assert!(text.starts_with("//! "), "{name}: the first line says what lives here");
        let lines = text.lines().count();
        assert!(lines <= FILE_MAX_LINES, "{name}: {lines} lines; split it by concern");
    }
    let main = std::fs::read_to_string(root().join("src/main.rs")).expect("main.rs");
    assert!(main.lines().count() <= MAIN_MAX_LINES);
}

/// Actors report to their parents in types of their own: only those above may know them.
#[test]
fn siblings_do_not_know_each_other() {
    const LEGS: [&str; 4] = ["media", "stt", "turn", "playback"];
    const SHARED: [&str; 6] = ["crm", "calendar", "journal", "notifier", "reminders", "registry"];
    for (name, text) in files() {
        let Some(rest) = name.strip_prefix("actors/src/") else { continue };
        let Some((folder, _)) = rest.split_once('/') else { continue };
        let siblings: &[&str] = if LEGS.contains(&folder) {
            &LEGS
        } else if SHARED.contains(&folder) && folder != "registry" {
            &SHARED
        } else {
            continue;
        };
        for sibling in siblings.iter().filter(|sibling| **sibling != folder) {
            assert!(!text.contains(&format!("crate::{sibling}::")), "{name} must not know {sibling}");
        }
    }
}

/// The simulators are for the demo and the chaos; the engine itself never runs on them.
#[test]
fn only_the_demo_and_the_chaos_use_the_simulators() {
    for (name, text) in files() {
        let may = name.starts_with("src/cli/demo/") || name.starts_with("src/cli/chaos/");
        if name.starts_with("src/") && !may {
            assert!(!text.contains("otto_sim"), "{name} must not use otto_sim");
        }
    }
}

/// Vendors' wire types stay at the edge.
#[test]
fn the_store_and_the_vendors_do_not_know_the_edge() {
    for (name, text) in files() {
        if name.starts_with("src/store/") || name.starts_with("src/vendors/") {
            assert!(!text.contains("crate::http"), "{name} must not know the HTTP edge");
        }
    }
}
