//! What the tests share: an engine attached to a simulated world, and the questions they ask both.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use otto::app::App;
use otto::config::{Environment, Settings};
use otto_actors::domain::{Appointment, PhoneNumber};
use otto_actors::ports::Clock;
use otto_actors::registry::RegistryView;
use otto_sim::deepgram_tts::TtsRequest;
use otto_sim::openai::{Brain, Receptionist, Reply, Request, Role};
use otto_sim::twilio::{CallPlan, CallReport, CallerEvent, Step, What};
use otto_sim::{Seed, World, WorldSettings};
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout};

/// On file as Maria Lopez.
pub(crate) const MARIA: &str = "+15555550101";
/// On file nowhere.
pub(crate) const STRANGER: &str = "+15555550199";
/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// The engine's clock: a Monday morning in Springfield, from which time goes on.
pub(crate) struct MondayMorning(Instant);

impl Clock for MondayMorning {
    fn now(&self) -> DateTime<Utc> {
        monday().and_hms_opt(15, 0, 0).expect("a time").and_utc() + self.0.elapsed()
    }
}

/// The day on which the tests happen.
pub(crate) fn monday() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 23).expect("a date")
}

/// An engine in its world.
pub(crate) struct Workshop {
    pub(crate) world: World,
    pub(crate) app: App,
    folder: TempDir,
}

/// How a test's engine differs from the usual one.
#[derive(Default)]
pub(crate) struct Tweaks {
    pub(crate) variables: Vec<(&'static str, &'static str)>,
    pub(crate) shop_file: Option<&'static str>,
}

impl Workshop {
    /// The usual engine, with the receptionist as its model.
    pub(crate) async fn open(seed: u64) -> Self {
        Self::open_with(seed, Tweaks::default(), Receptionist).await
    }

    /// An engine with another model or other settings.
    pub(crate) async fn open_with(seed: u64, tweaks: Tweaks, brain: impl Brain) -> Self {
        println!("seed {seed}");
        let world = World::start_with(WorldSettings::quick(Seed(seed)), brain).await.expect("a world");
        let folder = tempfile::tempdir().expect("a folder");
        let mut variables = world.env();
        variables.push(("PORT".into(), "0".into()));
        // Faults and counts are about the sessions of calls; a test that wants more sessions says so.
        variables.push(("WARM_SOCKETS".into(), "0".into()));
        variables.push(("DATABASE_URL".into(), format!("sqlite://{}", folder.path().join("otto.db").display())));
        variables.extend(tweaks.variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let environment: Environment = variables.into_iter().collect();
        let settings = Settings::read(&environment, tweaks.shop_file).expect("settings");
        let zone = settings.shop.time_zone;
        let clock = Arc::new(MondayMorning(Instant::now()));
        let app = App::start_at(settings, clock).await.expect("an engine");
        app.store.seed_demo(monday(), zone).await.expect("customers");
        world.connect_engine(app.public.base().clone(), app.address);
        Self { world, app, folder }
    }

    /// A call from hello to goodbye.
    pub(crate) async fn call(&self, from: &str, steps: Vec<Step>) -> CallReport {
        let handle = self.world.call(CallPlan::new(from, steps).with_max_duration(PATIENCE));
        timeout(PATIENCE * 2, handle.report()).await.expect("the call ends")
    }

    /// A customer's coming appointments.
    pub(crate) async fn appointments(&self, phone: &str) -> Vec<Appointment> {
        let phone = PhoneNumber::parse(phone).expect("a number");
        let customer = self.app.store.customer_by_phone(&phone).await.expect("the store answers");
        let Some(customer) = customer else { return Vec::new() };
        self.app.store.upcoming(customer.id, DateTime::<Utc>::MIN_UTC).await.expect("the store answers")
    }

    /// Waits until no call is left, and proves that nothing of any call is.
    pub(crate) async fn settle(&self) {
        let view = self.wait_for_view(|view| view.live.is_empty() && view.ending == 0).await;
        assert_eq!(view.residue, 0, "something is left of an ended call");
    }

    /// Waits until the registry looks like this.
    pub(crate) async fn wait_for_view(&self, wanted: impl Fn(&RegistryView) -> bool) -> RegistryView {
        let look = async {
            loop {
                let view = self.app.calls.view().await.expect("the registry answers");
                if wanted(&view) {
                    return view;
                }
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, look).await.expect("the registry settles")
    }

    /// The end of every test: nothing is left, and everything ends.
    pub(crate) async fn close(self) {
        self.settle().await;
        let Self { world, app, folder } = self;
        app.stop(Duration::from_secs(5)).await;
        world.shutdown().await;
        assert_eq!(world.tasks(), 0);
        drop(folder);
    }

    /// The engine is told to end while a call may go on. Its world and its folder stay.
    pub(crate) async fn stop(self, drain: Duration) -> (World, TempDir) {
        let Self { world, app, folder } = self;
        app.stop(drain).await;
        (world, folder)
    }

    /// Where the records are.
    pub(crate) fn database_url(&self) -> String {
        format!("sqlite://{}", self.folder.path().join("otto.db").display())
    }

    /// An address of the engine as Twilio knows it, and as it is reached.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.app.public.base().as_str().trim_end_matches('/'))
    }
}

/// Says a text.
pub(crate) fn say(text: &str) -> Step {
    Step::Say(text.to_owned())
}

/// Waits until Otto has finished speaking.
pub(crate) fn listen() -> Step {
    Step::WaitForSilence { quiet_ms: 500, timeout: PATIENCE }
}

/// Waits for Otto's goodbye.
pub(crate) fn until_hang_up() -> Step {
    Step::WaitForHangUp(PATIENCE)
}

/// The script of a caller who books an oil change on Tuesday.
pub(crate) fn books_on_tuesday() -> Vec<Step> {
    vec![
        listen(),
        say("Hi, I need an oil change on Tuesday."),
        listen(),
        say("The first one, please."),
        listen(),
        say("No, that's all. Thank you."),
        until_hang_up(),
    ]
}

/// Waits for an event of a call; the ones before it are dropped.
pub(crate) async fn wait_for(events: &mut UnboundedReceiver<CallerEvent>, wanted: impl Fn(&What) -> bool) {
    let look = async {
        while let Some(event) = events.recv().await {
            if wanted(&event.what) {
                return;
            }
        }
        panic!("the call ended before it happened");
    };
    timeout(PATIENCE, look).await.expect("it happens");
}

/// What the model was told that Otto had said last, before the caller's latest words.
pub(crate) fn last_said_by_otto(request: &Request) -> String {
    let said = request.messages.iter().rev().find(|m| m.role == Role::Assistant);
    said.and_then(|m| m.content.clone()).unwrap_or_default()
}

/// A brain that says goodbye to everything.
pub(crate) fn goodbye() -> Reply {
    Reply::say("Goodbye then!").and_call("end_call", &serde_json::json!({ "reason": "done" }))
}

/// Waits until the fixed texts are ready; the last of them is the apology.
pub(crate) async fn wait_for_phrases(workshop: &Workshop) {
    let last = |request: &TtsRequest| matches!(request, TtsRequest::Rest(text) if text.contains("technical trouble"));
    let look = async {
        while !workshop.world.tts.requests().all().iter().any(last) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Its audio is on its way.
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    timeout(PATIENCE, look).await.expect("the voice is asked");
}
