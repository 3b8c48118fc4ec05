//! The programs that start an engine do not leave it behind when they are told to end.

use std::fs::{read_dir, read_to_string};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Stands for the engine: it starts like one, at once.
const ENGINE: &str = env!("CARGO_BIN_EXE_otto-straight");

#[test]
fn otto_load_ends_its_engine() {
    ends_its_engine(env!("CARGO_BIN_EXE_otto-load"), &[], Signal::TERM);
    ends_its_engine(env!("CARGO_BIN_EXE_otto-load"), &[], Signal::INT);
}

#[test]
fn otto_compare_ends_its_engine() {
    ends_its_engine(env!("CARGO_BIN_EXE_otto-compare"), &["--straight", ENGINE], Signal::TERM);
    ends_its_engine(env!("CARGO_BIN_EXE_otto-compare"), &["--straight", ENGINE], Signal::INT);
}

fn ends_its_engine(program: &str, options: &[&str], signal: Signal) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(program);
    command.args(["--calls", "1", "--hold", "1h", "--quiet", "--engine", ENGINE]).args(options);
    command.env("TMPDIR", folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut program = KilledAtEnd(command.spawn().expect("it starts"));
    let engine = until("an engine", || child_of(program.0.id()));
    let pid = Pid::from_raw(program.0.id().cast_signed()).expect("a process");
    kill_process(pid, signal).expect("it can be told");
    let status = until("its end", || program.0.try_wait().expect("a child"));
    assert_eq!(status.code(), Some(1), "{signal:?} is told like any other failure: {status}");
    until("the engine's end", || (!lives(engine)).then_some(()));
    let left: Vec<_> = read_dir(folder.path()).expect("a folder").collect();
    assert!(left.is_empty(), "{signal:?}: {left:?}");
}

/// A test that fails leaves nothing running either.
struct KilledAtEnd(Child);

impl Drop for KilledAtEnd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Looks until there is something to see.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// State and parent of a process, fields 3 and 4 of `stat` (proc_pid_stat(5)); the name before them is in parentheses.
fn state_and_parent(process: u32) -> Option<(String, u32)> {
    let stat = read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

fn child_of(parent: u32) -> Option<u32> {
    let processes = read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.into_iter().find(|process| state_and_parent(*process).is_some_and(|(_, its)| its == parent))
}

/// Whether it still runs; one that nobody has waited for does not.
fn lives(process: u32) -> bool {
    state_and_parent(process).is_some_and(|(state, _)| state != "Z")
}
