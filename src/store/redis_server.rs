//! A Redis of a test's own: on a socket in a temporary folder, so that it can be paused, ended and started again without
//! anybody else noticing.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tempfile::TempDir;

use super::RedisCache;

/// What a machine that is busy with other things may take.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) struct RedisServer {
    folder: TempDir,
    process: Option<Child>,
}

impl RedisServer {
    /// One that is not running yet.
    pub(super) fn stopped() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), process: None }
    }

    pub(super) fn started() -> Self {
        let mut server = Self::stopped();
        server.start();
        server
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    /// A cache on it, with connections of its own: a node.
    pub(super) fn cache(&self) -> RedisCache {
        cache_at(&format!("redis+unix://{}", self.socket().display()))
    }

    pub(super) fn start(&mut self) {
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--dir"])
            .arg(self.folder.path())
            .arg("--unixsocket")
            .arg(self.socket())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "redis-server: {error}. This test needs Redis: install it (apt-get install redis-server, brew \
                     install redis)"
                )
            });
        self.process = Some(process);
        let began = Instant::now();
        while UnixStream::connect(self.socket()).is_err() {
            assert!(began.elapsed() < PATIENCE, "redis-server did not open its socket within {PATIENCE:?}");
            std::thread::yield_now();
        }
    }

    /// Ends it, with everything in it.
    pub(super) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// It keeps its connections and says nothing more.
    pub(super) fn pause(&self) {
        self.signal("-STOP");
    }

    /// It goes on where it was.
    pub(super) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(super) fn cache_at(url: &str) -> RedisCache {
    RedisCache::new(&SecretString::from(url.to_owned())).unwrap()
}

/// Asks until the answer is there. What a cache says may be a miss on a slow machine; it must be right in the end.
pub(super) async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !check().await {
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        tokio::task::yield_now().await;
    }
}
