//! Several language models as one: the next is asked when one fails before the first event of its reply, and the last
//! one always answers. Once an event came the reply stays with its model, since the caller may have heard it; whoever
//! breaks off then is passed over for a moment, so that the turn, which asks again, hears from another.

mod provider;

use std::sync::Arc;

use async_trait::async_trait;
use metrics::Label;
use otto_actors::metrics::Metric;
use otto_actors::ports::{LanguageModel, ModelRequest, ModelStream, VendorError};

use self::provider::Provider;

/// Models in the order in which they are asked.
pub struct Fallback {
    providers: Vec<Arc<Provider>>,
    last_name: &'static str,
    /// Asked when no other answered, however it did before: nobody else is left.
    last: Arc<dyn LanguageModel>,
}

impl Fallback {
    /// Only the last resort. The names of models are labels of metrics and words of the log.
    #[must_use]
    pub fn new(last_name: &'static str, last: Arc<dyn LanguageModel>) -> Self {
        Self { providers: Vec::new(), last_name, last }
    }

    /// With one more model before the last resort, after those that were added before it.
    #[must_use]
    pub fn then(mut self, name: &'static str, model: Arc<dyn LanguageModel>) -> Self {
        self.providers.push(Arc::new(Provider::new(name, model)));
        self
    }
}

#[async_trait]
impl LanguageModel for Fallback {
    async fn reply(&self, request: ModelRequest) -> Result<ModelStream, VendorError> {
        let mut worth_retrying = None;
        for provider in &self.providers {
            match Provider::ask(provider, &request).await {
                Some(Ok(reply)) => {
                    answered_by(provider.name);
                    return Ok(reply);
                }
                Some(Err(error)) => worth_retrying = Some(error).filter(VendorError::is_transient).or(worth_retrying),
                None => {}
            }
        }
        answered_by(self.last_name);
        // Another attempt at all of them may succeed when it may with one of them.
        self.last.reply(request).await.map_err(|error| match worth_retrying {
            Some(earlier) if !error.is_transient() => earlier,
            _ => error,
        })
    }
}

fn answered_by(name: &'static str) {
    Metric::ModelReplies.counter(vec![Label::from_static_parts("member", name)]).increment(1);
}

#[cfg(test)]
mod tests;
