//! Lists: what a range of dates includes, and pages that lead to one another.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde_json::{Map, Value, json};

use super::{Params, RestError, value};

/// Items on a page when nothing is asked for, and at most.
const PAGE_SIZE: usize = 50;
const PAGE_SIZE_MAX: usize = 1_000;

/// A range of times, as `StartTime`, `StartTime>` and `StartTime<` give it; each is a date or a time.
#[derive(Debug)]
pub(super) struct Dates {
    from: Option<DateTime<Utc>>,
    /// Exclusive.
    to: Option<DateTime<Utc>>,
}

impl Dates {
    pub(super) fn of(params: &Params, name: &str) -> Result<Self, RestError> {
        let read = |suffix: &str| {
            let text = value(params, &format!("{name}{suffix}"));
            let invalid = |text| RestError::bad_request(20001, format!("Invalid {name}{suffix}: {text}"));
            text.map(|text| bounds(text).ok_or_else(|| invalid(text))).transpose()
        };
        let (on, after, before) = (read("")?, read(">")?, read("<")?);
        let from = on.or(after).map(|(from, _)| from);
        let to = on.map(|(_, to)| to).or(before.map(|(from, _)| from));
        Ok(Dates { from, to })
    }

    /// What has no date is in no range.
    pub(super) fn include(&self, at: Option<DateTime<Utc>>) -> bool {
        match at {
            Some(at) => self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to),
            None => self.from.is_none() && self.to.is_none(),
        }
    }
}

/// When a date or a time begins and ends.
fn bounds(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        let at = at.with_timezone(&Utc);
        return Some((at, at));
    }
    let date: NaiveDate = text.parse().ok()?;
    let midnight = |date: NaiveDate| Some(date.and_hms_opt(0, 0, 0)?.and_utc());
    Some((midnight(date)?, midnight(date.checked_add_days(Days::new(1))?)?))
}

/// One page of items, which are named by their sids. `PageToken` says where it begins; `Page` is only a number.
pub(super) fn page(name: &str, path: &str, params: &Params, items: Vec<(String, Value)>) -> Result<Value, RestError> {
    let invalid = |name: &str| RestError::bad_request(20001, format!("Invalid {name}"));
    let number = |name: &str| value(params, name).map(str::parse::<usize>).transpose().map_err(|_| invalid(name));
    let size = number("PageSize")?.unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE_MAX);
    let page = number("Page")?.unwrap_or(0);
    let start = match value(params, "PageToken") {
        None => 0,
        Some(token) => {
            let last = token.strip_prefix("PA").unwrap_or_default();
            items.iter().position(|(sid, _)| sid == last).ok_or_else(|| invalid("PageToken"))? + 1
        }
    };
    let uri = |page: usize, token: Option<&str>| {
        let filters = params.iter().filter(|(name, _)| !["Page", "PageSize", "PageToken"].contains(&name.as_str()));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(filters).append_pair("PageSize", &size.to_string()).append_pair("Page", &page.to_string());
        if let Some(token) = token {
            query.append_pair("PageToken", &format!("PA{token}"));
        }
        format!("{path}?{}", query.finish())
    };
    let shown: Vec<&(String, Value)> = items.iter().skip(start).take(size).collect();
    let next = shown.last().filter(|_| start + shown.len() < items.len()).map(|(sid, _)| uri(page + 1, Some(sid)));
    let end = (start + shown.len()).saturating_sub(1);
    let mut answer = Map::from_iter([
        ("page".to_owned(), json!(page)),
        ("page_size".to_owned(), json!(size)),
        ("start".to_owned(), json!(start)),
        ("end".to_owned(), json!(end)),
        ("uri".to_owned(), json!(uri(page, None))),
        ("first_page_uri".to_owned(), json!(uri(0, None))),
        ("next_page_uri".to_owned(), json!(next)),
        ("previous_page_uri".to_owned(), Value::Null),
    ]);
    answer.insert(name.to_owned(), shown.into_iter().map(|(_, item)| item.clone()).collect());
    Ok(Value::Object(answer))
}
