//! World manufacturer identifiers: the first three characters of a VIN and the make behind them. Apart, because it is data.
//!
//! SAE International assigns them; NHTSA publishes those of makers that sell in the United States (vPIC, "Get WMIs for
//! Manufacturer"). Only identifiers that one make alone uses are listed, and only makes that workshops see every week.

const MAKERS: &[(&str, &[&str])] = &[
    ("Acura", &["JH4", "19U", "5J8"]),
    ("Audi", &["WAU", "WA1", "TRU"]),
    ("BMW", &["WBA", "WBS", "WBX", "5UX", "4US"]),
    ("Buick", &["1G4", "2G4", "5GA"]),
    ("Cadillac", &["1G6", "1GY"]),
    ("Chevrolet", &["1G1", "1GC", "1GN", "2G1", "3GC", "3GN"]),
    ("Dodge", &["1B3", "2B3", "1D7", "2D4"]),
    ("Ford", &["1FA", "1FB", "1FD", "1FM", "1FT", "2FM", "2FT", "3FA", "NM0"]),
    ("GMC", &["1GK", "1GT", "2GK", "2GT", "3GT"]),
    ("Honda", &["1HG", "2HG", "2HK", "19X", "5FN", "5J6", "JHM", "SHH"]),
    ("Hyundai", &["KMH", "KM8", "5NP", "5NM"]),
    ("Infiniti", &["JNK", "JNR", "5N3"]),
    ("Jaguar", &["SAJ"]),
    ("Jeep", &["1J4", "1J8"]),
    ("Kia", &["KNA", "KND", "5XX", "3KP"]),
    ("Land Rover", &["SAL"]),
    ("Lexus", &["JTH", "JTJ", "2T2", "58A"]),
    ("Mazda", &["JM1", "JM3", "1YV", "3MZ"]),
    ("Mercedes-Benz", &["WDB", "WDC", "WDD", "W1K", "W1N", "4JG", "55S"]),
    ("MINI", &["WMW"]),
    ("Mitsubishi", &["JA3", "JA4", "4A3", "4A4"]),
    ("Nissan", &["1N4", "1N6", "3N1", "5N1", "JN8"]),
    ("Porsche", &["WP0", "WP1"]),
    ("Ram", &["1C6", "3C6"]),
    ("Subaru", &["JF1", "JF2", "4S3", "4S4"]),
    ("Tesla", &["5YJ", "7SA"]),
    ("Toyota", &["4T1", "4T3", "5TB", "5TD", "5TE", "5TF", "2T1", "2T3", "JTD", "JTE", "JTM", "JTN"]),
    ("Volkswagen", &["WVW", "WVG", "WV2", "3VW", "1VW"]),
    ("Volvo", &["YV1", "YV4", "7JR"]),
];

/// The make of a number, if its first three characters are known.
pub(super) fn maker(vin: &str) -> Option<&'static str> {
    let identifier = vin.get(..3)?;
    MAKERS.iter().find(|(_, identifiers)| identifiers.contains(&identifier)).map(|(make, _)| *make)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_stands_for_one_make() {
        let all: Vec<&str> = MAKERS.iter().flat_map(|(_, identifiers)| identifiers.iter().copied()).collect();
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), distinct.len());
        assert!(all.iter().all(|identifier| identifier.len() == 3));
        assert_eq!((maker("1HGCM82633A004352"), maker("11111111111111111")), (Some("Honda"), None));
    }
}
