//! The one seed of a simulated world: every vendor derives its own generator from it, so that a vendor's draws do not
//! depend on how the others are scheduled.

use rand::SeedableRng;
use rand::rngs::StdRng;

/// The number that a whole run is reproduced from. Print it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seed(pub u64);

impl Seed {
    /// A generator of its own for the part called `label`.
    pub fn rng(self, label: &str) -> StdRng {
        StdRng::seed_from_u64(self.0 ^ fnv1a(label))
    }

    /// A seed of its own for the part called `label`.
    pub fn derive(self, label: &str) -> Seed {
        Seed(self.0.rotate_left(17) ^ fnv1a(label))
    }
}

impl Default for Seed {
    fn default() -> Self {
        Seed(1)
    }
}

/// FNV-1a: small, stable over releases of Rust, unlike the standard hasher.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
