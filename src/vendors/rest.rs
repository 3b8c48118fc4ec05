//! What the vendors' REST clients share: how a client is built, and what a status or a broken connection means.

use std::time::Duration;

use chrono::{DateTime, Utc};
use otto_actors::ports::{VendorError, VendorErrorKind};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};
use url::{Host, Url};

use super::crypto;

/// Connecting to a vendor's REST interface.
pub const REST_CONNECT_TIMEOUT_MS: Duration = Duration::from_millis(5_000);
/// Between two pieces of a vendor's answer; a backstop behind the actors' own time-outs.
pub const REST_READ_TIMEOUT_MS: Duration = Duration::from_millis(30_000);
/// The body of an error answer that is read, in bytes.
const ERROR_BODY_MAX_BYTES: usize = 16 * 1024;
/// Reading the body of an error answer.
const ERROR_BODY_TIMEOUT_MS: Duration = Duration::from_millis(1_000);
/// The longest wait that a vendor can ask for; beyond it the wish is a mistake.
const RETRY_AFTER_MAX_MS: Duration = Duration::from_millis(3_600_000);

/// A client for one vendor. It follows no redirects, since it carries credentials, and speaks to a loopback address
/// without a proxy.
///
/// # Errors
/// When TLS cannot be set up.
pub fn client(vendor: &'static str, base: &Url) -> Result<Client, VendorError> {
    crypto::install();
    let builder = Client::builder()
        .connect_timeout(REST_CONNECT_TIMEOUT_MS)
        .read_timeout(REST_READ_TIMEOUT_MS)
        .redirect(redirect::Policy::none());
    let builder = if is_loopback(base) { builder.no_proxy() } else { builder };
    builder
        .tls_backend_preconfigured(tls())
        .build()
        .map_err(|_| VendorError::new(vendor, VendorErrorKind::Rejected, "TLS is not available on this machine"))
}

/// Mozilla's root certificates, built in as for the sockets: an image without a certificate store will do.
fn tls() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let mut tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    // A configuration from outside is used as it is, so the protocols on offer are named here.
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    tls
}

/// Whether a URL leads to this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A base URL with more path behind it, whether or not the base ends in a slash.
#[must_use]
pub fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// What a failed exchange means. The text names no address and no body.
#[must_use]
pub fn broken(vendor: &'static str, error: &reqwest::Error) -> VendorError {
    use VendorErrorKind::{Rejected, TimedOut, Unreachable};
    if error.is_builder() {
        VendorError::new(vendor, Rejected, "the request cannot be built")
    } else if error.is_timeout() && !error.is_connect() {
        VendorError::new(vendor, TimedOut, "no answer in time")
    } else if error.is_connect() {
        VendorError::new(vendor, Unreachable, "cannot connect")
    } else {
        VendorError::new(vendor, Unreachable, "the connection broke")
    }
}

/// What a status other than success means.
#[must_use]
pub fn kind_of(status: StatusCode) -> VendorErrorKind {
    match status.as_u16() {
        402 => VendorErrorKind::QuotaExhausted,
        408 | 504 => VendorErrorKind::TimedOut,
        429 => VendorErrorKind::RateLimited,
        409 | 500..=599 => VendorErrorKind::Failed,
        400..=499 => VendorErrorKind::Rejected,
        _ => VendorErrorKind::Protocol,
    }
}

/// How long the vendor asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let wait = match text("retry-after-ms").and_then(|ms| ms.parse::<f64>().ok()) {
        Some(ms) => Duration::try_from_secs_f64(ms / 1_000.0).ok()?,
        None => seconds_or_date(text(RETRY_AFTER.as_str())?, now)?,
    };
    Some(wait.min(RETRY_AFTER_MAX_MS))
}

fn seconds_or_date(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or(Duration::ZERO))
}

/// The beginning of an error's body; empty when it does not come.
pub async fn error_body(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = ERROR_BODY_MAX_BYTES - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == ERROR_BODY_MAX_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(ERROR_BODY_TIMEOUT_MS, read).await;
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn wait(name: &'static str, value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        retry_after(&headers, Utc.with_ymd_and_hms(2026, 11, 22, 10, 0, 0).unwrap())
    }

    #[test]
    fn the_wish_to_wait_comes_in_three_forms() {
        assert_eq!(wait("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(wait("retry-after", "2"), Some(Duration::from_secs(2)));
        assert_eq!(wait("retry-after", "Sun, 22 Nov 2026 10:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("retry-after", "Sun, 22 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("retry-after", "1e300"), None);
        assert_eq!(wait("retry-after", "9999999"), Some(RETRY_AFTER_MAX_MS));
        for bad in ["soon", "-1", "NaN"] {
            assert_eq!(wait("retry-after", bad), None, "{bad}");
        }
    }

    #[test]
    fn paths_go_below_the_base() {
        for base in ["https://h/v1", "https://h/v1/"] {
            assert_eq!(below(&base.parse().unwrap(), "x/y").as_str(), "https://h/v1/x/y");
        }
        assert_eq!(below(&"wss://h".parse().unwrap(), "v1/listen").as_str(), "wss://h/v1/listen");
    }

    #[test]
    fn loopback_is_known() {
        for (url, expected) in
            [("http://127.0.0.1:1", true), ("ws://[::1]:1", true), ("http://localhost", true), ("https://h", false)]
        {
            assert_eq!(is_loopback(&url.parse().unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        use VendorErrorKind::*;
        for (status, kind) in [
            (400, Rejected),
            (401, Rejected),
            (402, QuotaExhausted),
            (403, Rejected),
            (408, TimedOut),
            (429, RateLimited),
            (500, Failed),
            (503, Failed),
            (302, Protocol),
        ] {
            assert_eq!(kind_of(StatusCode::from_u16(status).unwrap()), kind, "{status}");
        }
    }
}
