//! The engine under load: a process of its own on a free port with a database of its own, or one that runs already.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use url::Url;

use super::questions::Questions;
use super::{LoadError, Plan};
use crate::World;

/// How long an engine that was started may take until it is ready.
const READY_PATIENCE: Duration = Duration::from_secs(30);
/// How long the user may take to start one for `--url`.
const URL_PATIENCE: Duration = Duration::from_secs(300);
/// Between two looks at its health.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long its calls may take to be gone after their ends.
const RESIDUE_PATIENCE: Duration = Duration::from_secs(10);
/// Seats of the engine for each caller: a call that ends keeps its seat a little longer.
const SEATS_PER_CALL: u32 = 2;
/// How long it may take to end.
const STOP_PATIENCE: Duration = Duration::from_secs(20);
/// Lines of its log that are shown when it fails.
const LOG_LINES: usize = 5;

/// An engine.
pub(super) struct Engine {
    questions: Questions,
    address: SocketAddr,
    pid: Option<u32>,
    started: Option<Started>,
}

/// One that was started here, and ends with this process.
struct Started {
    child: Child,
    folder: TempDir,
}

impl Engine {
    /// Starts an engine, or waits for the one at `--url`.
    pub(super) async fn start(plan: &Plan, world: &World) -> Result<Self, LoadError> {
        let client = reqwest::Client::builder().no_proxy().build();
        let http = client.map_err(|error| LoadError::World(error.into()))?;
        let mut engine = match &plan.url {
            Some(url) => Engine {
                address: address_of(url)?,
                questions: Questions::new(url.clone(), http),
                pid: plan.pid,
                started: None,
            },
            None => spawn(plan, world, http).await?,
        };
        if engine.started.is_none() {
            print_settings(world);
        }
        engine.wait_until_ready().await?;
        Ok(engine)
    }

    /// Its public address.
    pub(super) fn base(&self) -> &Url {
        self.questions.base()
    }

    /// What it can be asked while it runs.
    pub(super) fn questions(&self) -> Questions {
        self.questions.clone()
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process, where that is known.
    pub(super) fn process(&self) -> Option<u32> {
        self.pid
    }

    /// Waits until no call is left, and asks how much of ended calls is; `None` when it does not say.
    pub(super) async fn residue(&self) -> Option<u64> {
        let look = async {
            loop {
                let calls = self.questions.health().await?["calls"].clone();
                let left = calls["live"].as_u64()? + calls["ending"].as_u64()?;
                if left == 0 {
                    return calls["residue"].as_u64();
                }
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(RESIDUE_PATIENCE, look).await.unwrap_or(None)
    }

    /// Ends the engine if it was started here: politely, by SIGTERM.
    pub(super) async fn stop(self) -> Result<(), LoadError> {
        let Some(Started { mut child, folder }) = self.started else { return Ok(()) };
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).map_err(|error| LoadError::io("cannot end the engine")(error.into()))?;
        }
        match timeout(STOP_PATIENCE, child.wait()).await {
            Ok(status) => drop(status.map_err(LoadError::io("the engine's end"))?),
            Err(_) => child.kill().await.map_err(LoadError::io("cannot kill the engine"))?,
        }
        folder.close().map_err(LoadError::io("cannot remove the temporary folder"))
    }

    async fn wait_until_ready(&mut self) -> Result<(), LoadError> {
        let patience = if self.started.is_some() { READY_PATIENCE } else { URL_PATIENCE };
        let look = async {
            loop {
                if let Some(Started { child, folder }) = &mut self.started
                    && let Ok(Some(status)) = child.try_wait()
                {
                    return Err(LoadError::NotReady(format!("{status}\n{}", last_lines(&log_file(folder.path())))));
                }
                if self.questions.is_ready().await {
                    return Ok(());
                }
                sleep(LOOK_EVERY).await;
            }
        };
        let (base, seconds) = (self.questions.base().clone(), patience.as_secs());
        let late = || LoadError::NotReady(format!("{base} did not say that it is within {seconds} s"));
        timeout(patience, look).await.unwrap_or_else(|_| Err(late()))
    }
}

async fn spawn(plan: &Plan, world: &World, http: reqwest::Client) -> Result<Engine, LoadError> {
    let program = program(plan)?;
    let folder = tempfile::tempdir().map_err(LoadError::io("no temporary folder"))?;
    let port = free_port().map_err(LoadError::io("no free port"))?;
    if plan.customers > 0 {
        seed(command(&program, plan, world, folder.path())?, plan.customers).await?;
    }
    let mut command = command(&program, plan, world, folder.path())?;
    command.arg("serve").env("PORT", port.to_string());
    let child = match &plan.pinned {
        Some(pinned) => pinned.start_engine(|| command.spawn())?,
        None => command.spawn(),
    };
    let child = child.map_err(LoadError::io(program.display().to_string()))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let base = Url::parse(&format!("http://{address}")).map_err(|error| LoadError::Option(error.to_string()))?;
    Ok(Engine {
        questions: Questions::new(base, http),
        address,
        pid: child.id(),
        started: Some(Started { child, folder }),
    })
}

/// The engine's program with the settings of the run.
fn command(program: &Path, plan: &Plan, world: &World, folder: &Path) -> Result<Command, LoadError> {
    let log = File::options().create(true).append(true).open(log_file(folder));
    let log = log.map_err(LoadError::io("cannot write a log"))?;
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().envs(world.env());
    command.env("MAX_CALLS", (plan.calls * SEATS_PER_CALL).to_string()).env("DRAIN_SECONDS", "1");
    command.env("DATABASE_URL", format!("sqlite://{}", folder.join("load.db").display()));
    command.envs(plan.set.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
    Ok(command)
}

/// Puts the engine's invented customers on file.
async fn seed(mut command: Command, customers: u32) -> Result<(), LoadError> {
    command.arg("seed").arg("--customers").arg(customers.to_string());
    let status = command.status().await.map_err(LoadError::io("cannot put customers on file"))?;
    if status.success() { Ok(()) } else { Err(LoadError::NotReady(format!("`seed` ended with {status}"))) }
}

/// The program that was named, or the one beside this one.
fn program(plan: &Plan) -> Result<PathBuf, LoadError> {
    let program = match &plan.engine {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(LoadError::io("where this program is"))?.with_file_name("otto"),
    };
    // The engine starts in a folder of its own.
    std::path::absolute(&program).ok().filter(|path| path.is_file()).ok_or(LoadError::NoEngine(program))
}

/// A port that nobody listens on at this moment.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn address_of(url: &Url) -> Result<SocketAddr, LoadError> {
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    let found = (host, port).to_socket_addrs().map_err(LoadError::io(format!("--url {url}")))?.next();
    found.ok_or_else(|| LoadError::Option(format!("--url: {url} has no address")))
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("otto.log")
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

/// What the user's engine must be started with.
fn print_settings(world: &World) {
    eprintln!("waiting for an engine with these settings:");
    for (name, value) in world.env() {
        eprintln!("  export {name}={value}");
    }
}
