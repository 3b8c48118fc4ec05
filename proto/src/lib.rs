//! What crosses a process border inside Otto, as protobuf: journal records, session snapshots and what the shared cache
//! holds.
//!
//! Fields are only ever added, so that an old and a new version can run side by side during a deploy.

/// Version 1 of the messages, generated from `proto/otto/v1/*.proto`, where each field is explained.
#[allow(missing_docs, unreachable_pub)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/otto.v1.rs"));
}
