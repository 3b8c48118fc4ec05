//! Answers about the shop: hours, prices, services, where it is.

use chrono::{NaiveDate, Weekday};

use super::{day, list, with_article};
use crate::domain::shop::Span;
use crate::domain::{Shop, spoken};

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

/// The hours of a day, or of the week.
pub(in crate::dialogue) fn hours(shop: &Shop, date: Option<NaiveDate>) -> String {
    match date {
        Some(date) => match shop.open_on(date) {
            Some(span) => format!("On {} we are open from {}.", day(date), from_to(span)),
            None => format!("On {} we are closed.", day(date)),
        },
        None => week(shop),
    }
}

fn from_to(span: Span) -> String {
    format!("{} to {}", spoken::time(span.from), spoken::time(span.to))
}

/// Days in a row with the same hours are one part.
fn week(shop: &Shop) -> String {
    let mut groups: Vec<(Weekday, Weekday, Option<Span>)> = Vec::new();
    for day in WEEK {
        let span = shop.hours.on(day);
        match groups.last_mut() {
            Some((_, last, same)) if *same == span => *last = day,
            _ => groups.push((day, day, span)),
        }
    }
    let part = |(first, last, span): &(Weekday, Weekday, Option<Span>)| {
        let days = if first == last { name(*first).to_owned() } else { format!("{} to {}", name(*first), name(*last)) };
        span.map_or_else(|| format!("closed on {days}"), |span| format!("{days} from {}", from_to(span)))
    };
    let open: Vec<String> = groups.iter().filter(|(.., span)| span.is_some()).map(part).collect();
    let closed: Vec<String> = groups.iter().filter(|(.., span)| span.is_none()).map(part).collect();
    let closed = if closed.is_empty() { String::new() } else { format!(", and {}", list(&closed, "and")) };
    format!("We are open {}{closed}.", list(&open, "and"))
}

const fn name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}

/// What a service costs and how long it takes.
pub(in crate::dialogue) fn price(shop: &Shop, service: &str) -> String {
    let Some(found) = shop.service(service) else { return format!("I have no price for {}.", with_article(service)) };
    let costs = if found.price_from == found.price_to {
        format!("{} dollars", found.price_from)
    } else {
        format!("{} to {} dollars", found.price_from, found.price_to)
    };
    let article = with_article(&found.name);
    let mut chars = article.chars();
    let begin: String = chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default();
    format!("{begin} is {costs} and takes about {} minutes.", found.minutes)
}

/// What can be booked.
pub(in crate::dialogue) fn services(shop: &Shop) -> String {
    let names: Vec<String> = shop.services.iter().map(|s| s.name.to_lowercase()).collect();
    format!("We do {}.", list(&names, "and"))
}

/// Where the shop is.
pub(in crate::dialogue) fn address(shop: &Shop) -> String {
    format!("You find us at {}.", shop.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_the_ear() {
        let shop = Shop::default();
        assert_eq!(
            hours(&shop, None),
            "We are open Monday to Friday from 9 AM to 5 PM and Saturday from 9 AM to 3 PM, and closed on Sunday."
        );
        assert_eq!(hours(&shop, "2026-11-29".parse().ok()), "On Sunday, November 29 we are closed.");
        assert_eq!(price(&shop, "oil change"), "An oil change is 50 to 80 dollars and takes about 30 minutes.");
    }
}
