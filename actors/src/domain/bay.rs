//! Bays: places in the shop where one vehicle is worked on at a time.

use super::BayId;

/// A bay that takes appointments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bay {
    /// The row.
    pub id: BayId,
    /// As in the shop's settings.
    pub name: String,
    /// The calendar outside that shows its appointments.
    pub calendar: Option<String>,
}

/// A bay as the settings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopBay {
    /// Unique in the shop.
    pub name: String,
    /// The calendar outside that shows its appointments.
    pub calendar: Option<String>,
}

impl ShopBay {
    /// Bays with their calendars, which are in the order of the bays; fewer calendars leave the last bays without.
    #[must_use]
    pub fn list(names: &[String], calendars: &[String]) -> Vec<Self> {
        let calendar = |n: usize| calendars.get(n).cloned();
        names.iter().enumerate().map(|(n, name)| Self { name: name.clone(), calendar: calendar(n) }).collect()
    }
}
