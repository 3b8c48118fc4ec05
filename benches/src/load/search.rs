//! The search for the most calls that hold: doubles until one does not, then halves the gap. Pure.

/// The gap at which the search stops, as a share of the larger side.
const CLOSE_SHARE: f64 = 0.06;

/// A search in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Search {
    first: u32,
    most: u32,
    /// The largest number that held, and the smallest that did not.
    held: Option<u32>,
    broke: Option<u32>,
}

impl Search {
    /// Begins with `first` and tries no more than `most`.
    pub(super) fn new(first: u32, most: u32) -> Self {
        Search { first: first.min(most), most, held: None, broke: None }
    }

    /// What to try next; `None` when the answer is as exact as it gets.
    pub(super) fn next(&self) -> Option<u32> {
        match (self.held, self.broke) {
            (None, None) => Some(self.first),
            (Some(held), None) => (held < self.most).then(|| held.saturating_mul(2).min(self.most)),
            (held, Some(broke)) => {
                let low = held.unwrap_or(0);
                let close = (f64::from(broke) * CLOSE_SHARE).max(1.0) as u32;
                (broke - low > close).then(|| low + (broke - low) / 2)
            }
        }
    }

    /// Notes how it went.
    pub(super) fn tried(&mut self, calls: u32, held: bool) {
        let side = if held { &mut self.held } else { &mut self.broke };
        *side = Some(calls);
    }

    /// The largest number that held.
    pub(super) fn found(&self) -> Option<u32> {
        self.held
    }

    /// Whether more would have held too, had more been allowed.
    pub(super) fn is_bound(&self) -> bool {
        self.broke.is_none()
    }

    /// What the search tries when so many calls hold and not one more.
    pub(super) fn rehearse(mut self, capacity: u32) -> Vec<u32> {
        let mut tries = Vec::new();
        while let Some(calls) = self.next() {
            self.tried(calls, calls <= capacity);
            tries.push(calls);
        }
        tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_and_then_halves_the_gap() {
        assert_eq!(Search::new(50, 3_200).rehearse(330), [50, 100, 200, 400, 300, 350, 325, 337]);
        assert_eq!(Search::new(100, 3_200).rehearse(40), [100, 50, 25, 37, 43, 40, 41]);
    }

    #[test]
    fn it_ends_within_a_few_steps_close_to_the_answer() {
        for capacity in 0..=4_000 {
            let mut search = Search::new(50, 3_200);
            let tries = search.clone().rehearse(capacity);
            assert!(tries.len() <= 12, "{capacity}: {tries:?}");
            tries.iter().for_each(|calls| search.tried(*calls, *calls <= capacity));
            let found = search.found().unwrap_or(0);
            let enough = f64::from(capacity.min(3_200)) * (1.0 - 2.0 * CLOSE_SHARE) - 1.0;
            assert!(found <= capacity && f64::from(found) >= enough, "{capacity}: {found}");
            assert_eq!(search.is_bound(), capacity >= 3_200);
        }
    }
}
