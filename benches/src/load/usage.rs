//! What a process uses, as Linux tells it under `/proc`.

use std::time::Duration;

use rustix::param::clock_ticks_per_second;

/// A process at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Processor time since it started, in user and kernel mode, all threads together.
    pub(super) cpu: Duration,
    /// Memory that is in use, in KiB.
    pub(super) resident_kib: u64,
    /// Its threads.
    pub(super) threads: u64,
    /// Its open files, sockets among them; 0 when they may not be counted.
    pub(super) files: u64,
}

impl Usage {
    /// Reads a process; `None` when it is gone or this is not Linux.
    pub(super) fn of(process: u32) -> Option<Self> {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{process}/{file}")).ok();
        let cpu = cpu(&read("stat")?, clock_ticks_per_second())?;
        let status = read("status")?;
        let resident_kib = field(&status, "VmRSS:")?;
        let files = std::fs::read_dir(format!("/proc/{process}/fd")).map_or(0, |files| files.count() as u64);
        Some(Usage { cpu, resident_kib, threads: field(&status, "Threads:")?, files })
    }
}

/// `utime` and `stime`, fields 14 and 15 of `stat` (proc_pid_stat(5)). The name before them may hold anything but is in
/// parentheses.
fn cpu(stat: &str, ticks_per_second: u64) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_secs_f64(ticks as f64 / ticks_per_second as f64))
}

/// The number of a line of `status` (proc_pid_status(5)).
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The machine's load average over the last minute.
pub(super) fn load_average() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Raises the limit of open files as far as the system allows; the engine that is started inherits it.
pub(super) fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_whatever_the_process_is_called() {
        let stat = "42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 250 150 0 0 20 0 3 0 99 1000 200";
        assert_eq!(cpu(stat, 100), Some(Duration::from_secs(4)));
        let status = "Name:\totto\nVmRSS:\t   5120 kB\nThreads:\t3\n";
        assert_eq!((field(status, "VmRSS:"), field(status, "Threads:")), (Some(5_120), Some(3)));
        assert_eq!((cpu("42 (otto", 100), field("Name:\totto\n", "VmRSS:")), (None, None));
    }

    #[test]
    fn this_process_can_be_read() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident_kib > 0 && usage.threads > 0 && usage.files > 0, "{usage:?}");
    }
}
