//! Status callbacks: posted one after the other beside what they tell of, so that an engine that is slow to take them does
//! not hold up a call; some are lost, doubled or late, as the faults say.

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use url::Url;
use uuid::Uuid;

use super::webhook::{self, Product};
use super::{Engine, Shared, TwilioFault};

/// The fields of a form.
pub(super) type Params = Vec<(String, String)>;

/// The callbacks of one call or text message.
#[derive(Debug)]
pub(super) struct Callbacks {
    queue: UnboundedSender<Params>,
    task: JoinHandle<()>,
}

impl Callbacks {
    /// Callbacks to this URL.
    pub(super) fn open(shared: &Arc<Shared>, engine: &Engine, url: Url, product: Product) -> Self {
        let (queue, receiver) = unbounded_channel();
        let poster = Poster { shared: Arc::clone(shared), engine: engine.clone(), url, product };
        let stop = shared.scope.stop.clone();
        let task = shared.scope.tasks.spawn(async move {
            stop.run_until_cancelled(poster.run(receiver)).await;
        });
        Callbacks { queue, task }
    }

    /// Posts this after everything before it.
    pub(super) fn post(&self, params: Params) {
        let _ = self.queue.send(params);
    }

    /// Waits until everything was posted.
    pub(super) async fn close(self) {
        drop(self.queue);
        let _ = self.task.await;
    }
}

struct Poster {
    shared: Arc<Shared>,
    engine: Engine,
    url: Url,
    product: Product,
}

impl Poster {
    async fn run(self, mut queue: UnboundedReceiver<Params>) {
        let mut held = Vec::new();
        while let Some(params) = queue.recv().await {
            match self.shared.knobs.draw_fault_where(TwilioFault::is_status) {
                Some(TwilioFault::LoseStatus) => {}
                Some(TwilioFault::ReorderStatus) => held.push(params),
                fault => {
                    for _ in 0..=u8::from(fault.is_some()) {
                        self.post(&params).await;
                    }
                    self.post_held(&mut held).await;
                }
            }
        }
        self.post_held(&mut held).await;
    }

    async fn post_held(&self, held: &mut Vec<Params>) {
        while let Some(params) = held.pop() {
            self.post(&params).await;
        }
    }

    async fn post(&self, params: &Params) {
        let token = Uuid::new_v4().to_string();
        let posted = webhook::post(&self.shared, &self.engine, &self.url, params, self.product, &token).await;
        if let Err(error) = posted {
            tracing::debug!(error, "status callback failed");
        }
    }
}
