//! The process's TLS provider. Apart, because every client needs it before its first connection, in tests too.

/// Makes ring the provider of TLS for the whole process. May be called any number of times.
pub fn install() {
    // An error means that a provider is installed already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
