//! Vehicles by their numbers: the register, the cache, and what is known without either.

use std::sync::Arc;
use std::time::Duration;

use otto::store::MemoryCache;
use otto::vendors::Nhtsa;
use otto_actors::domain::Vin;
use otto_actors::domain::vin::{Certainty, DecodedVin, VinSource};
use otto_actors::limits::VIN_DECODE_TIMEOUT_MS;
use otto_actors::ports::VinDecoder as _;
use otto_sim::nhtsa::NhtsaFault;
use otto_sim::{Seed, When, World, WorldSettings};
use tokio::time::Instant;

const ACCORD: &str = "1HGCM82633A004352";

async fn bench(seed: u64) -> (World, Nhtsa) {
    println!("seed {seed}");
    let world = World::start(WorldSettings::quick(Seed(seed))).await.expect("a world");
    let url = world.env().into_iter().find(|(name, _)| name == "NHTSA_API_URL").expect("an address").1;
    let nhtsa = Nhtsa::new(url.parse().expect("a URL"), Arc::new(MemoryCache::default())).expect("TLS");
    (world, nhtsa)
}

async fn decode(nhtsa: &Nhtsa, heard: &str) -> DecodedVin {
    nhtsa.decode(&Vin::parse(heard).expect("a number")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_register_is_asked_once_a_week() {
    let (world, nhtsa) = bench(2201).await;
    for _ in 0..3 {
        let accord = decode(&nhtsa, "ihg cm8 2633 a oo4 352").await;
        assert_eq!(
            (accord.make.as_deref(), accord.model.as_deref(), accord.year),
            (Some("HONDA"), Some("Accord"), Some(2003))
        );
        assert_eq!((accord.certainty, accord.source), (Certainty::Sure, VinSource::Register));
    }
    assert_eq!(world.nhtsa.requests().all(), [ACCORD]);
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misheard_letter_is_asked_back() {
    let (world, nhtsa) = bench(2202).await;
    let heard = decode(&nhtsa, "1HGCN82633A004352").await;
    assert_eq!(heard.certainty, Certainty::Doubtful);
    assert!(heard.suggestions.contains(&Vin::parse(ACCORD).expect("a number")), "{:?}", heard.suggestions);
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_in_trouble_is_done_without() {
    for (seed, fault) in [(2203, NhtsaFault::Status(503)), (2204, NhtsaFault::Html), (2205, NhtsaFault::Stall)] {
        let (world, nhtsa) = bench(seed).await;
        world.nhtsa.knobs().inject(fault.clone(), When::Always);
        let began = Instant::now();
        let accord = decode(&nhtsa, ACCORD).await;
        assert!(began.elapsed() < VIN_DECODE_TIMEOUT_MS + Duration::from_secs(1), "{fault:?}");
        assert_eq!((accord.make.as_deref(), accord.year), (Some("Honda"), Some(2003)), "{fault:?}");
        assert_eq!((accord.certainty, accord.source), (Certainty::Likely, VinSource::Offline), "{fault:?}");
        world.nhtsa.knobs().heal();
        let accord = decode(&nhtsa, ACCORD).await;
        assert_eq!(accord.source, VinSource::Register, "a guess is not kept: {fault:?}");
        world.shutdown().await;
    }
}
