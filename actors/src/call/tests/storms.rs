//! Calls in which anything goes wrong at any time, by a seed; afterwards the call works, and nothing was booked twice.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;
use crate::names::Leg;
use crate::testing::passing;

const STORMS: u64 = 60;
/// One less than a leg is forgiven in a minute.
const CRASHES_PER_LEG: u32 = 4;

struct Storm {
    world: World,
    phone: Phone,
    random: StdRng,
    crashes: [u32; 4],
}

impl Storm {
    async fn strikes(&mut self) {
        let random = &mut self.random;
        match random.random_range(0..12) {
            0..=2 => {
                let which = random.random_range(0..4);
                if self.crashes[which] < CRASHES_PER_LEG {
                    self.crashes[which] += 1;
                    self.world.crash(Leg::ALL[which]);
                }
            }
            3 => self.world.tts.faults.lock().unwrap().break_after_chunks = Some(random.random_range(0..10)),
            4 => self.world.tts.faults.lock().unwrap().refusals.push_back(passing()),
            5 => self.world.tts.faults.lock().unwrap().clear_takes = ms(random.random_range(0..900)),
            6 => self.world.stt.breaks(passing()).await,
            7 => self.phone.sends(MediaEvent::Dtmf('1')),
            8 => self.world.stt.begins("well").await,
            9 => self.world.stt.says("please book it").await,
            10 => self.world.stt.says("okay").await,
            _ => self.world.stt.says("what now").await,
        }
        let pause = ms(self.random.random_range(0..1_500));
        tokio::time::sleep(pause).await;
    }
}

async fn survives(seed: u64) {
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let store = FakeStore::default();
    store.change(|records| (records.booking_takes, records.bays) = (ms(random.random_range(0..1_200)), 1));
    let world = World::with(FakeModel::receptionist(), store).await;
    let phone = world.dial(KNOWN_PHONE).await;
    if random.random_bool(0.3) {
        phone.loses_marks();
    }
    let mut storm = Storm { world, phone, random, crashes: [0; 4] };
    for _ in 0..30 {
        storm.strikes().await;
    }
    let Storm { world, phone, .. } = storm;
    *world.tts.faults.lock().unwrap() = crate::testing::tts::Faults::default();
    // Whatever is being said is over by then, and Otto has not hung up on a caller who says nothing.
    tokio::time::sleep(ms(15_000)).await;
    world.stt.says("are you there").await;
    phone.hears("are you there, and I have").await;
    phone.hears("It has an end.").await;
    tokio::time::sleep(ms(20_000)).await;
    let store = takes_its_leave(world, &phone).await;
    assert!(store.appointments().len() <= 1, "one time, one bay");
    let seqs: Vec<_> = store.batches.all().concat().iter().map(|row| row.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
}

/// `OTTO_STORM_SEED` repeats one storm, `OTTO_STORMS` asks for another number of them.
#[tokio::test(start_paused = true)]
async fn a_call_survives_a_storm() {
    if let Some(seed) = std::env::var("OTTO_STORM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return survives(seed).await;
    }
    let first: u64 = rand::random_range(0..1 << 32);
    let storms = std::env::var("OTTO_STORMS").ok().and_then(|count| count.parse().ok()).unwrap_or(STORMS);
    for seed in first..first + storms {
        survives(seed).await;
    }
}
