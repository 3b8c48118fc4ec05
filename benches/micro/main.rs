//! Micro benchmarks of what a call does again and again: apart from the load generator, which sees the whole and not its
//! pieces. They run production code, so they belong to the engine and not to the simulators beside them.
//!
//! `cargo bench --bench micro -- media` runs those whose names contain `media`; `--quick` takes less care. What the
//! figures mean for a call is in `docs/PERFORMANCE.md`.

use criterion::Criterion;

mod actors;
mod media;
mod records;
mod vendors;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    media::bench(&mut criterion);
    vendors::bench(&mut criterion);
    actors::bench(&mut criterion);
    records::bench(&mut criterion);
    criterion.final_summary();
}
