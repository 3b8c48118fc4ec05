//! Decoded numbers in the cache, as protobuf, because processes of different versions share it.

use std::time::Duration;

use bytes::Bytes;
use otto_actors::domain::Vin;
use otto_actors::domain::vin::{Certainty, DecodedVin, VinSource};
use otto_actors::ports::Cache;
use otto_proto::v1;
use prost::Message as _;

/// How long the register's answer is kept.
const VIN_TTL_MS: Duration = Duration::from_millis(7 * 24 * 3_600 * 1_000);

fn key(vin: &Vin) -> String {
    format!("otto:vin:{}", vin.as_str())
}

/// What is known about a number.
pub(super) async fn get(cache: &dyn Cache, vin: &Vin) -> Option<DecodedVin> {
    let kept = v1::DecodedVin::decode(cache.get(&key(vin)).await?).ok()?;
    from_kept(kept)
}

/// Keeps what the register has said.
pub(super) async fn put(cache: &dyn Cache, vin: &Vin, decoded: &DecodedVin) {
    cache.put(&key(vin), Bytes::from(to_kept(decoded).encode_to_vec()), VIN_TTL_MS).await;
}

fn to_kept(decoded: &DecodedVin) -> v1::DecodedVin {
    use v1::decoded_vin::Certainty as Kept;
    let certainty = match decoded.certainty {
        Certainty::Unknown => Kept::Unknown,
        Certainty::Doubtful => Kept::Doubtful,
        Certainty::Likely => Kept::Likely,
        Certainty::Sure => Kept::Sure,
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    v1::DecodedVin {
        make: text(&decoded.make),
        model: text(&decoded.model),
        year: decoded.year.unwrap_or_default(),
        trim: text(&decoded.trim),
        body: text(&decoded.body),
        fuel: text(&decoded.fuel),
        certainty: certainty.into(),
        suggestions: decoded.suggestions.iter().map(|vin| vin.as_str().to_owned()).collect(),
    }
}

fn from_kept(kept: v1::DecodedVin) -> Option<DecodedVin> {
    use v1::decoded_vin::Certainty as Kept;
    let certainty = match kept.certainty() {
        Kept::Unspecified => return None,
        Kept::Unknown => Certainty::Unknown,
        Kept::Doubtful => Certainty::Doubtful,
        Kept::Likely => Certainty::Likely,
        Kept::Sure => Certainty::Sure,
    };
    let text = |value: String| Some(value).filter(|text| !text.is_empty());
    Some(DecodedVin {
        make: text(kept.make),
        model: text(kept.model),
        year: Some(kept.year).filter(|year| *year != 0),
        trim: text(kept.trim),
        body: text(kept.body),
        fuel: text(kept.fuel),
        certainty,
        suggestions: kept.suggestions.iter().filter_map(|text| Vin::parse(text).ok()).collect(),
        source: VinSource::Register,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        let meant = Vin::parse("1HGCM82633A004352").unwrap();
        for certainty in [Certainty::Sure, Certainty::Likely, Certainty::Doubtful, Certainty::Unknown] {
            let decoded = DecodedVin {
                make: Some("Honda".into()),
                year: Some(2003),
                certainty,
                suggestions: vec![meant.clone()],
                source: VinSource::Register,
                ..DecodedVin::default()
            };
            assert_eq!(from_kept(to_kept(&decoded)), Some(decoded));
        }
        assert_eq!(from_kept(v1::DecodedVin::default()), None, "what a later version says is no answer");
    }
}
