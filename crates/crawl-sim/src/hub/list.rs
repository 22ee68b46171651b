//! `/api/datasets` and `/api/models`: filters, orders, pages and their next links.

use std::ops::RangeInclusive;

use url::form_urlencoded::{Serializer, byte_serialize};

use super::cursor::Cursor;
use super::fields::Fields;
use super::order::Orders;
use super::row::Row;
use super::weights;
use super::world::{HubKind, Key, World};
use super::write;
use crate::fault::Fault;
use crate::http::answer::Answer;
use crate::http::request::Request;
use crate::json::Array;

/// From here on the Hub refuses `skip`.
const MAX_SKIP: u64 = 4000;

/// What a listing was asked for.
struct Query {
    fields: Fields,
    limit: u64,
    skip: u64,
    key: Key,
    rising: bool,
    cursor: Option<Cursor>,
    filters: Filters,
}

#[derive(Default)]
struct Filters {
    search: Vec<String>,
    author: Option<String>,
    tags: Vec<String>,
    gated: Option<bool>,
    pipeline: Option<String>,
    parameters: Option<RangeInclusive<u64>>,
    /// Whether a token came.
    signed: bool,
}

pub(super) fn answer(
    world: &World,
    orders: &Orders,
    max_limit: u64,
    request: &Request,
    fault: Option<&Fault>,
    elsewhere: &str,
) -> Answer {
    let mut query = match Query::parse(world, max_limit, &request.pairs(), fault) {
        Ok(query) => query,
        Err(reason) => return bad_request(&reason),
    };
    query.filters.signed = request.header("authorization").is_some();
    if matches!(fault, Some(Fault::Rewind)) {
        let next = query.cursor.take().unwrap_or_else(Cursor::first).marked("again");
        let (body, _) = rows(world, orders, &query, fault);
        return page(body, Some((request, &base(request), &next.encode())));
    }
    if matches!(fault, Some(Fault::EmptyNext)) {
        let next = query.cursor.as_ref().unwrap_or(&Cursor::first()).marked("again");
        return page(b"[]".to_vec(), Some((request, &base(request), &next.encode())));
    }
    let (body, last) = rows(world, orders, &query, fault);
    let next =
        last.map(|index| Cursor::after(world, query.key, query.rising, index, query.filters.searches()));
    let next = match &query.cursor {
        Some(cursor) if cursor.repeats() || matches!(fault, Some(Fault::RepeatCursor)) => {
            Some(cursor.encode())
        }
        None if matches!(fault, Some(Fault::RepeatCursor)) => Some(Cursor::first().marked("repeat").encode()),
        _ => next.map(|cursor| cursor.encode()),
    };
    let base = match fault {
        Some(Fault::OtherOrigin) => elsewhere.to_owned(),
        Some(Fault::HubLink) => "https://huggingface.co".to_owned(),
        _ => base(request),
    };
    let next = next.filter(|_| !matches!(fault, Some(Fault::NoNext)));
    page(body, next.as_deref().map(|next| (request, base.as_str(), next)))
}

/// A page with its next link, if it has one.
pub(super) fn page(body: Vec<u8>, next: Option<(&Request, &str, &str)>) -> Answer {
    let answer = Answer::json(body);
    let Some((request, base, cursor)) = next else { return answer };
    let mut query = String::new();
    for (name, value) in request.pairs().iter().filter(|(name, _)| name != "cursor") {
        query.push_str(&Serializer::new(String::new()).append_pair(name, value).finish());
        query.push('&');
    }
    let cursor: String = byte_serialize(cursor.as_bytes()).collect();
    answer.with("Link", format!("<{base}{}?{query}cursor={cursor}>; rel=\"next\"", request.path()))
}

pub(super) fn bad_request(reason: &str) -> Answer {
    let mut body = Vec::new();
    crate::json::object(&mut body, |error| error.text("error", reason));
    Answer::json_status(400, body).with("X-Error-Message", reason.replace(['\r', '\n'], " "))
}

/// The origin by which the client knows this server.
pub(super) fn base(request: &Request) -> String {
    format!("http://{}", request.header("host").unwrap_or("127.0.0.1"))
}

/// The body, and the index of the last row if more follow.
fn rows(world: &World, orders: &Orders, query: &Query, fault: Option<&Fault>) -> (Vec<u8>, Option<u64>) {
    let order = orders.get(world, query.key, query.rising);
    let mut position =
        query.cursor.as_ref().map_or(0, |cursor| order.position(world, query.key, cursor.start));
    if matches!(fault, Some(Fault::Sunk)) {
        position = position.saturating_sub(7);
    }
    let mut body = Vec::with_capacity(query.limit.min(1000) as usize * 1600);
    let mut array = Array::new(&mut body);
    let (mut skip, mut written, mut first, mut last) = (query.skip, 0, None, None);
    let more = loop {
        if position >= order.len() {
            break false;
        }
        let index = order.at(position);
        position += 1;
        let row = Row::new(world, index);
        if !query.filters.keep(&row) {
            continue;
        }
        if skip > 0 {
            skip -= 1;
            continue;
        }
        if written == query.limit {
            break true;
        }
        write::row(array.item(), &row, &query.fields, "");
        written += 1;
        first.get_or_insert(index);
        last = Some(index);
    };
    match (fault, first) {
        (Some(Fault::RowString), _) => array.item().extend_from_slice(b"\"this is not an object\""),
        (Some(Fault::RowWithoutId), _) => array.item().extend_from_slice(b"{\"likes\":3,\"tags\":[]}"),
        (Some(Fault::RowTwice), Some(index)) => {
            write::row(array.item(), &Row::new(world, index), &query.fields, "");
        }
        _ => {}
    }
    array.end();
    (body, last.filter(|_| more))
}

impl Query {
    fn parse(
        world: &World,
        max_limit: u64,
        pairs: &[(String, String)],
        fault: Option<&Fault>,
    ) -> Result<Self, String> {
        let last =
            |name: &str| pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let number = |name: &str| {
            last(name).map(|text| text.parse().map_err(|_| format!("\"{name}\" must be a number")))
        };
        let limit: u64 = number("limit").transpose()?.unwrap_or(max_limit);
        let skip = number("skip").transpose()?.unwrap_or(0);
        if skip >= MAX_SKIP {
            return Err(format!("\"skip\" must be less than {MAX_SKIP}: use the cursor"));
        }
        let key = match last("sort") {
            _ if matches!(fault, Some(Fault::Unsorted)) => Key::Likes,
            None => Key::Trending,
            Some(name) => Key::of(world.kind, name).ok_or("\"sort\" is not known")?,
        };
        let rising = key == Key::CreatedAt && last("direction") == Some("1");
        let cursor = last("cursor").map(|text| Cursor::decode(world, key, text).ok_or("Invalid cursor"));
        Ok(Self {
            fields: Fields::of_list(world.kind, pairs)?,
            limit: limit.clamp(1, max_limit),
            skip,
            key,
            rising,
            cursor: cursor.transpose()?,
            filters: Filters::parse(world.kind, pairs)?,
        })
    }
}

impl Filters {
    fn parse(kind: HubKind, pairs: &[(String, String)]) -> Result<Self, String> {
        let mut filters = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "search" => filters.search.push(value.to_lowercase()),
                "author" => filters.author = Some(value.clone()),
                "filter" => filters.tags.push(value.clone()),
                "pipeline_tag" => filters.pipeline = Some(value.clone()),
                "gated" => filters.gated = Some(value.eq_ignore_ascii_case("true")),
                "num_parameters" if kind == HubKind::Models => {
                    let read = range(value).ok_or("\"num_parameters\" is no range such as min:6B,max:128B")?;
                    filters.parameters = Some(read);
                }
                _ => {}
            }
        }
        Ok(filters)
    }

    fn searches(&self) -> bool {
        !self.search.is_empty()
    }

    fn keep(&self, row: &Row<'_>) -> bool {
        row.is_shown(self.signed)
            && self.author.as_deref().is_none_or(|author| row.owner.as_deref() == Some(author))
            && self.pipeline.as_deref().is_none_or(|task| row.traits.pipeline == Some(task))
            && self.gated.is_none_or(|gated| gated == (row.traits.gated != "false"))
            && self.parameters.as_ref().is_none_or(|range| {
                // What has no number is in no range.
                weights::told(row).is_some_and(|count| range.contains(&count))
            })
            && (self.search.is_empty() || {
                let id = row.id().to_lowercase();
                self.search.iter().all(|word| id.contains(word))
            })
            && self.tags.iter().all(|wanted| {
                let mut found = false;
                row.each_tag(|prefix, value| found |= wanted.strip_prefix(prefix) == Some(value));
                found
            })
    }
}

/// `min:6B,max:128B`; either of the two may be missing.
fn range(text: &str) -> Option<RangeInclusive<u64>> {
    let (mut least, mut most) = (0, u64::MAX);
    for bound in text.split(',') {
        let (name, number) = bound.split_once(':')?;
        let digits = number.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let times = match &number[digits.len()..] {
            "" => 1.0,
            "K" => 1e3,
            "M" => 1e6,
            "B" => 1e9,
            "T" => 1e12,
            _ => return None,
        };
        let number = (digits.parse::<f64>().ok()? * times) as u64;
        match name {
            "min" => least = number,
            "max" => most = number,
            _ => return None,
        }
    }
    Some(least..=most)
}
