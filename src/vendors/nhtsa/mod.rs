//! NHTSA's register of vehicles (vPIC) as [`VinDecoder`]. What it says is kept for a week; while it does not answer, the
//! rules of the number itself say what they can. A number names a vehicle and thereby its owner: it is in no log line.

mod cached;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{Datelike as _, Utc};
use metrics::Label;
use otto_actors::domain::Vin;
use otto_actors::domain::vin::{Certainty, DecodedVin, VinSource};
use otto_actors::limits;
use otto_actors::metrics::Metric;
use otto_actors::ports::{Cache, VendorError, VendorErrorKind, VinDecoder};
use reqwest::Client;
use tokio::time::timeout;
use url::Url;

use self::wire::Answer;
use super::rest;
use crate::breaker::Breaker;

const VENDOR: &str = "nhtsa";
/// One request. The register has slow spells, in which a second attempt is often quick.
const ATTEMPT_TIMEOUT_MS: Duration = Duration::from_millis(2_400);
/// Attempts for one number.
const ATTEMPTS: usize = 2;

const _: () = assert!(ATTEMPT_TIMEOUT_MS.as_millis() * (ATTEMPTS as u128) < limits::VIN_DECODE_TIMEOUT_MS.as_millis());

/// The register, behind a cache.
pub struct Nhtsa {
    client: Client,
    base: Url,
    cache: Arc<dyn Cache>,
    breaker: Mutex<Breaker>,
}

impl Nhtsa {
    /// The register below that address.
    ///
    /// # Errors
    /// When TLS is not available.
    pub fn new(base: Url, cache: Arc<dyn Cache>) -> Result<Self, VendorError> {
        Ok(Self { client: rest::client(VENDOR, &base)?, base, cache, breaker: Mutex::default() })
    }

    async fn ask(&self, vin: &Vin) -> Result<DecodedVin, VendorError> {
        let mut outcome = Err(VendorError::new(VENDOR, VendorErrorKind::Unreachable, "not asked"));
        for _ in 0..ATTEMPTS {
            if !self.breaker().admit(Instant::now()) {
                break;
            }
            outcome = self.ask_once(vin).await;
            let again = outcome.as_ref().err().is_some_and(VendorError::is_transient);
            self.note(again);
            if !again {
                break;
            }
        }
        outcome
    }

    async fn ask_once(&self, vin: &Vin) -> Result<DecodedVin, VendorError> {
        let url = rest::below(&self.base, &format!("vehicles/DecodeVinValues/{}", vin.as_str()));
        // Without the format the answer is XML.
        let request = self.client.get(url).query(&[("format", "json")]).timeout(ATTEMPT_TIMEOUT_MS);
        // Errors of the client may name the address and with it the number; ours do not.
        let response = request.send().await.map_err(|error| rest::broken(VENDOR, &error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(VendorError::new(VENDOR, rest::kind_of(status), format!("HTTP {}", status.as_u16())));
        }
        let unreadable = || VendorError::new(VENDOR, VendorErrorKind::Protocol, "the answer cannot be read");
        let answer: Answer = response
            .json()
            .await
            .map_err(|error| if error.is_decode() { unreadable() } else { rest::broken(VENDOR, &error) })?;
        answer.results.into_iter().next().map(|vehicle| vehicle.decoded(vin)).ok_or_else(unreadable)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, lost: bool) {
        if lost && self.breaker().failed(Instant::now()) {
            tracing::warn!("the register of vehicles does not answer; going on without it");
        }
        if !lost && self.breaker().succeeded() {
            tracing::info!("the register of vehicles answers again");
        }
    }
}

#[async_trait]
impl VinDecoder for Nhtsa {
    async fn decode(&self, vin: &Vin) -> DecodedVin {
        let decoded = match cached::get(self.cache.as_ref(), vin).await {
            Some(known) => known,
            None => match timeout(limits::VIN_DECODE_TIMEOUT_MS, self.ask(vin)).await {
                Ok(Ok(decoded)) => {
                    cached::put(self.cache.as_ref(), vin, &decoded).await;
                    decoded
                }
                Ok(Err(error)) => {
                    tracing::info!(%error, "decoding a vehicle by the rules alone");
                    vin.decode_offline(Utc::now().year())
                }
                Err(_) => vin.decode_offline(Utc::now().year()),
            },
        };
        count(&decoded);
        decoded
    }
}

fn count(decoded: &DecodedVin) {
    let source = match decoded.source {
        VinSource::Register => "register",
        VinSource::Offline => "offline",
    };
    let certainty = match decoded.certainty {
        Certainty::Sure => "sure",
        Certainty::Likely => "likely",
        Certainty::Doubtful => "doubtful",
        Certainty::Unknown => "unknown",
    };
    let labels = vec![Label::from_static_parts("source", source), Label::from_static_parts("certainty", certainty)];
    Metric::VinDecoded.counter(labels).increment(1);
}
