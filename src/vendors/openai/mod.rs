//! OpenAI, and servers that speak the same, as [`LanguageModel`], over either of its interfaces. The wire is as in
//! protocols/openai.md.
//!
//! [`models`] says what each model accepts. Chat completions have `request` for the body and [`stream`] for the reply;
//! [`responses`] has the same two. `gather` and [`reading`] are what replies share, `errors` says what a failure means;
//! here they meet the network.

mod errors;
mod gather;
pub mod models;
pub mod reading;
mod request;
pub mod responses;
pub mod stream;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt};
use otto_actors::ports::{LanguageModel, ModelRequest, ModelStream, VendorError, VendorErrorKind};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use self::models::Model;
use self::responses::{Thinking, Thoughts};
use super::rest;

const VENDOR: &str = "openai";

/// Which interface of the vendor is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Api {
    /// `/chat/completions`, which compatible servers know.
    #[default]
    Chat,
    /// `/responses`, on which every model takes tools.
    Responses,
}

/// One model of one server.
pub struct OpenAi {
    client: reqwest::Client,
    url: Url,
    key: Option<SecretString>,
    model: String,
    first_party: bool,
    wire: Wire,
}

/// An interface with what it has to remember.
enum Wire {
    Chat,
    Responses(Arc<Thoughts>),
}

impl OpenAi {
    /// An adapter for one model. `base` ends in the version, such as `https://api.openai.com/v1`; a compatible server
    /// may need no key.
    ///
    /// # Errors
    /// When TLS is not available, or the model takes tools on the Responses interface only.
    pub fn new(base: &Url, key: Option<SecretString>, model: String, api: Api) -> Result<Self, VendorError> {
        let first_party = base.host_str().is_some_and(|host| host == "openai.com" || host.ends_with(".openai.com"));
        if first_party && api == Api::Chat && !Model::named(&model).chat_tools {
            let text = "this model takes tools on the Responses interface only (OPENAI_API=responses)";
            return Err(VendorError::new(VENDOR, VendorErrorKind::Rejected, text));
        }
        let client = rest::client(VENDOR, base)?;
        let (path, wire) = match api {
            Api::Chat => ("chat/completions", Wire::Chat),
            Api::Responses => ("responses", Wire::Responses(Arc::default())),
        };
        Ok(Self { client, url: rest::below(base, path), key, model, first_party, wire })
    }

    fn body(&self, request: &ModelRequest) -> Result<Vec<u8>, VendorError> {
        match &self.wire {
            Wire::Chat => serde_json::to_vec(&request::Body::new(&self.model, self.first_party, request)),
            Wire::Responses(thoughts) => {
                serde_json::to_vec(&responses::Body::new(&self.model, self.first_party, request, thoughts))
            }
        }
        .map_err(|_| VendorError::new(VENDOR, VendorErrorKind::Rejected, "the request cannot be written as JSON"))
    }
}

#[async_trait]
impl LanguageModel for OpenAi {
    async fn reply(&self, request: ModelRequest) -> Result<ModelStream, VendorError> {
        let mut post = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream")
            .body(self.body(&request)?);
        if let Some(key) = &self.key {
            post = post.bearer_auth(key.expose_secret());
        }
        let response = post.send().await.map_err(|error| rest::broken(VENDOR, &error))?;
        if !response.status().is_success() {
            return Err(errors::of_response(response).await);
        }
        let body = response.bytes_stream().map_err(|error| rest::broken(VENDOR, &error)).boxed();
        Ok(match &self.wire {
            Wire::Chat => reading::events(body, stream::Accumulator::default()),
            Wire::Responses(thoughts) => reading::events(body, Thinking::new(Arc::clone(thoughts))),
        })
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
