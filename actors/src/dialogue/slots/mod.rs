//! What a caller can fill in: days, times, services, names, numbers. Each file reads one sort of thing out of words.

pub(super) mod dates;
pub(super) mod facts;
pub(super) mod names;
pub(super) mod numbers;
pub(super) mod services;
pub(super) mod spelling;
pub(super) mod times;
pub(super) mod vehicles;
