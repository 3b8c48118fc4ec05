//! Instants as both databases hold them: to the second, in the journal to the millisecond. SQLite has them as text of
//! one length, so that text order is time order; PostgreSQL as `timestamptz`.

use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Postgres, Sqlite, Type};

/// From here on PostgreSQL and four-digit years understand each other: 0001-01-01.
const EARLIEST: DateTime<Utc> = DateTime::from_timestamp(-62_135_596_800, 0).expect("a time");
/// Until here: 9999-12-31.
const LATEST: DateTime<Utc> = DateTime::from_timestamp(253_402_214_400, 0).expect("a time");

/// An instant with `PLACES` decimal places of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instant<const PLACES: u16>(DateTime<Utc>);

/// What most tables hold.
pub(super) type Stamp = Instant<0>;
/// What the journal holds.
pub(super) type StampMs = Instant<3>;

impl<const PLACES: u16> Instant<PLACES> {
    /// Cuts what is finer, and what no calendar of a workshop reaches.
    pub(super) fn new(at: DateTime<Utc>) -> Self {
        Self(at.clamp(EARLIEST, LATEST).trunc_subsecs(PLACES))
    }

    pub(super) fn utc(self) -> DateTime<Utc> {
        self.0
    }

    fn text(self) -> String {
        let format = if PLACES == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        self.0.to_rfc3339_opts(format, true)
    }
}

impl<const PLACES: u16> Type<Sqlite> for Instant<PLACES> {
    fn type_info() -> <Sqlite as Database>::TypeInfo {
        <DateTime<Utc> as Type<Sqlite>>::type_info()
    }

    fn compatible(ty: &<Sqlite as Database>::TypeInfo) -> bool {
        <DateTime<Utc> as Type<Sqlite>>::compatible(ty)
    }
}

impl<const PLACES: u16> Encode<'_, Sqlite> for Instant<PLACES> {
    fn encode_by_ref(&self, buf: &mut <Sqlite as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.text(), buf)
    }
}

impl<'r, const PLACES: u16> Decode<'r, Sqlite> for Instant<PLACES> {
    fn decode(value: <Sqlite as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        <DateTime<Utc> as Decode<Sqlite>>::decode(value).map(Self)
    }
}

impl<const PLACES: u16> Type<Postgres> for Instant<PLACES> {
    fn type_info() -> <Postgres as Database>::TypeInfo {
        <DateTime<Utc> as Type<Postgres>>::type_info()
    }
}

impl<const PLACES: u16> Encode<'_, Postgres> for Instant<PLACES> {
    fn encode_by_ref(&self, buf: &mut <Postgres as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(self.0, buf)
    }
}

impl<'r, const PLACES: u16> Decode<'r, Postgres> for Instant<PLACES> {
    fn decode(value: <Postgres as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        <DateTime<Utc> as Decode<Postgres>>::decode(value).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_one_length_and_sort_as_text() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(Stamp::new(at("2026-11-24T15:00:00.999Z")).text(), "2026-11-24T15:00:00Z");
        assert_eq!(StampMs::new(at("2026-11-24T15:00:00Z")).text(), "2026-11-24T15:00:00.000Z");
        assert_eq!(Stamp::new(at("2026-11-24T09:00:00-06:00")).text(), "2026-11-24T15:00:00Z");
        assert_eq!(Stamp::new(DateTime::<Utc>::MIN_UTC).text(), "0001-01-01T00:00:00Z");
        assert_eq!(Stamp::new(DateTime::<Utc>::MAX_UTC).text(), "9999-12-31T00:00:00Z");
    }
}
