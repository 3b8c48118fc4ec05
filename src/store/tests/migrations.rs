//! Both databases have the same migrations.

use crate::store::{postgres, sqlite};

#[test]
fn migrations_come_in_pairs() {
    let names = |migrator: &sqlx::migrate::Migrator| {
        let name = |m: &sqlx::migrate::Migration| format!("{} {} {:?}", m.version, m.description, m.migration_type);
        migrator.iter().map(name).collect::<Vec<_>>()
    };
    let (left, right) = (names(&sqlite::MIGRATIONS), names(&postgres::MIGRATIONS));
    assert!(!left.is_empty());
    assert_eq!(left, right, "migrations/sqlite and migrations/postgres have the same numbers and names");
}
