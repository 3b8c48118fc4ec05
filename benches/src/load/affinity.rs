//! Which processors the engine and the load side may use, so that neither takes the other's.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::LoadError;

/// The processors of both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    engine: Vec<usize>,
    own: Vec<usize>,
}

impl Pinned {
    /// Gives the engine the first `processors` of those that this process may use, and this thread, with every thread that
    /// it starts from now on, the others.
    ///
    /// # Errors
    /// When none would be left for either side.
    pub fn start(processors: u16) -> Result<Self, LoadError> {
        let pinned = Self::split(&mine()?, processors.into())?;
        allow(&pinned.own)?;
        Ok(pinned)
    }

    fn split(all: &[usize], processors: usize) -> Result<Self, LoadError> {
        if all.len() <= processors {
            let found = all.len();
            return Err(LoadError::Option(format!(
                "--pin {processors}: {found} processors may be used, and {} are needed",
                processors + 1
            )));
        }
        let (engine, own) = all.split_at(processors);
        Ok(Pinned { engine: engine.to_vec(), own: own.to_vec() })
    }

    /// Runs `start` on the engine's processors: a process that it starts stays there.
    pub(super) fn start_engine<T>(&self, start: impl FnOnce() -> T) -> Result<T, LoadError> {
        allow(&self.engine)?;
        let started = start();
        allow(&self.own)?;
        Ok(started)
    }
}

fn mine() -> Result<Vec<usize>, LoadError> {
    let set = sched_getaffinity(None).map_err(|error| LoadError::io("which processors are there")(error.into()))?;
    Ok((0..CpuSet::MAX_CPU).filter(|processor| set.is_set(*processor)).collect())
}

/// Lets the calling thread run on these alone.
fn allow(processors: &[usize]) -> Result<(), LoadError> {
    let mut set = CpuSet::new();
    processors.iter().for_each(|processor| set.set(*processor));
    sched_setaffinity(None, &set).map_err(|error| LoadError::io("cannot choose processors")(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_get_processors_or_the_run_does_not_start() {
        let split =
            |all: &[usize], processors| Pinned::split(all, processors).map(|pinned| (pinned.engine, pinned.own));
        assert_eq!(split(&[0, 2, 3], 1).unwrap(), (vec![0], vec![2, 3]));
        assert_eq!(split(&[0, 2, 3], 2).unwrap(), (vec![0, 2], vec![3]));
        assert!(split(&[0], 1).is_err());
    }
}
