//! The program as a user runs it: demo, check, serve and its end.

use std::process::Stdio;
use std::time::Duration;

use otto_sim::{Seed, World, WorldSettings};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::postgres::Database;

const OTTO: &str = env!("CARGO_BIN_EXE_otto");

fn otto(folder: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(OTTO);
    command.args(arguments).env_clear().current_dir(folder).kill_on_drop(true);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_books_twice_in_a_row() {
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..2 {
        let run = otto(folder.path(), &["demo"]).output();
        let output = timeout(Duration::from_secs(60), run).await.expect("within a minute").expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        for part in ["Maria", "oil change", "latency", "Oil change", "scheduled"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_of_a_reminder_is_confirmed() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = otto(folder.path(), &["demo", "reminder"]).output();
    let output = timeout(Duration::from_secs(60), run).await.expect("within a minute").expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for part in ["Am I speaking with Maria?", "Will you be there?", "| done | confirmed", "confirm_appointment"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chaos_kills_legs_and_every_caller_has_a_booking() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = otto(folder.path(), &["chaos", "--calls", "10", "--seed", "7"]).output();
    let output = timeout(Duration::from_secs(60), run).await.expect("within a minute").expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    for part in ["seed 7", "calls finished     10 of 10", "10 wanted, 10 made, 0 doubled", "residue            0"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_names_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = otto(folder.path(), &["check"]).env("PORT", "eighty").output().await.expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(text.contains("PORT") && text.contains("eighty") && text.contains("expected"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_reaches_the_vendors() {
    let world = World::start(WorldSettings::quick(Seed(81))).await.expect("a world");
    let folder = tempfile::tempdir().expect("a folder");
    let mut check = otto(folder.path(), &["check"]);
    check.envs(world.env()).env("FALLBACK_OPENAI_MODEL", "gpt-5.4-mini");
    let output = check.output().await.expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    for service in ["Deepgram, hearing  ok", "Deepgram, speaking  ok", "language model  ok", "fallback model  ok"] {
        assert!(text.contains(service), "{service}: {text}");
    }
    assert!(!text.contains("simulated-auth-token"), "no secret is printed: {text}");
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_customers_are_invented_in_20_s_in_either_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let postgres = Database::create().await;
    for (url, kind) in [("sqlite://trial.db", "SQLite"), (postgres.url.as_str(), "PostgreSQL")] {
        let run = async |arguments: &[&str]| {
            let run = otto(folder.path(), arguments).env("DATABASE_URL", url).output();
            let output = timeout(Duration::from_secs(60), run).await.expect("within a minute").expect("it runs");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert!(run(&["migrate"]).await.contains(&format!("up to date ({kind})")), "{kind}");
        let began = std::time::Instant::now();
        let text = run(&["seed", "--customers", "10000", "--seed", "3"]).await;
        assert!(text.starts_with("10000 customers") && text.contains(kind), "{text}");
        assert!(began.elapsed() < Duration::from_secs(20), "{text}");
        let state = run(&["check"]).await;
        assert!(state.contains(&format!("database  ok   {kind}")), "{state}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_measurement_adds_nobody_to_the_shops_own_database() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(".env"), "DATABASE_URL=sqlite://shop.db\n").expect("a file");
    let arguments = ["bench", "lookup", "--customers", "20", "--seconds", "1", "--concurrency", "2"];
    let run = otto(folder.path(), &arguments).output();
    let output = timeout(Duration::from_secs(60), run).await.expect("within a minute").expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for part in ["20 customers added", "SQLite", "\nuncached", "\ncached", "p99 under 2 ms"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!folder.path().join("shop.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_answers_and_ends_when_it_is_told_to() {
    let world = World::start(WorldSettings::quick(Seed(82))).await.expect("a world");
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = otto(folder.path(), &["serve"]);
    command.envs(world.env()).env("PORT", "0").env("LOG_FORMAT", "json").env("DRAIN_SECONDS", "1");
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let base = async {
        while let Some(line) = lines.next_line().await.expect("a line") {
            let entry: serde_json::Value = serde_json::from_str(&line).expect("a JSON line");
            if let Some(webhook) = entry["webhook"].as_str() {
                return webhook.replace("/api/v1/webhooks/inbound-call", "");
            }
        }
        panic!("it ended before it said where it listens");
    };
    let base = timeout(Duration::from_secs(20), base).await.expect("it says where it listens");
    let ready = reqwest::get(format!("{base}/health/ready")).await.expect("an answer");
    assert_eq!(ready.status(), 200);
    let pid = child.id().expect("a process").to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill runs");
    assert!(killed.success());
    let status = timeout(Duration::from_secs(20), child.wait()).await.expect("it ends").expect("a status");
    assert!(status.success(), "{status}");
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_does_not_start_without_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = otto(folder.path(), &["serve"]).output();
    let output = timeout(Duration::from_secs(20), run).await.expect("it ends").expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(text.contains("DEEPGRAM_API_KEY"), "{text}");
    assert!(!text.contains("OPENAI_API_KEY"), "without it the built-in dialogue answers: {text}");
}

/// Each line is typed when Otto has said what comes before it; no key, no network.
#[tokio::test(flavor = "multi_thread")]
async fn chat_books_an_appointment() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = otto(folder.path(), &["chat", "--demo", "--tools"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut keyboard = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let exchange = [
        ("Hi Maria", "I need an oil change next Tuesday"),
        ("Which time works", "the first one please"),
        ("Shall I book an oil change", "yes"),
        ("You're booked for an oil change", "no, that's all"),
        ("Goodbye", ""),
        ("The call is over (hangup_by_otto)", ""),
    ];
    let mut seen = String::new();
    for (expected, answer) in exchange {
        let heard = async {
            while let Some(line) = lines.next_line().await.expect("a line") {
                seen.push_str(&line);
                seen.push('\n');
                if line.contains(expected) {
                    return true;
                }
            }
            false
        };
        let heard = timeout(Duration::from_secs(20), heard).await;
        assert!(matches!(heard, Ok(true)), "{expected}: {seen}");
        if !answer.is_empty() {
            keyboard.write_all(format!("{answer}\n").as_bytes()).await.expect("it listens");
        }
    }
    assert!(seen.contains("book_appointment"), "{seen}");
    let status = timeout(Duration::from_secs(20), child.wait()).await.expect("it ends").expect("a status");
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_ends_with_its_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = otto(folder.path(), &["chat", "--demo", "--from", "+15555550177"]);
    let run = command.stdin(Stdio::null()).output();
    let output = timeout(Duration::from_secs(20), run).await.expect("it ends").expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("Thanks for calling") && text.contains("hangup_by_caller"), "{text}");
}
