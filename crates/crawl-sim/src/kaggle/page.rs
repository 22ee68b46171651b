//! Pages: by token or by number, with a default, a largest and a wall behind which nothing is shown.

use serde_json::Value;

use super::call::Call;
use super::refuse::refuse;
use super::token;
use crate::fault::Fault;
use crate::http::answer::Answer;

/// Which part of a listing is asked for, and what the page says.
pub(super) struct Page {
    pub(super) start: u64,
    pub(super) size: u64,
    /// Nothing from here on is shown.
    wall: u64,
    age: u64,
    method: String,
}

/// How a listing is cut.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub(super) default: u64,
    pub(super) most: u64,
    pub(super) wall: u64,
}

impl Cut {
    pub(super) const PLAIN: Self = Self { default: 20, most: 200, wall: u64::MAX };
}

impl Page {
    pub(super) fn of(call: &Call, cut: Cut, age: u64) -> Result<Self, Answer> {
        let size = call.number("pagesize").filter(|size| *size > 0).map_or(cut.default, |size| size as u64);
        let size = size.min(cut.most);
        let start = match (call.text("pagetoken"), call.number("page")) {
            (Some(token), _) => token::decode(&call.method, &token, age)
                .ok_or_else(|| refuse(400, "The page token is invalid or has expired"))?,
            (None, Some(page)) => (page.max(1) as u64 - 1).saturating_mul(size),
            (None, None) => 0,
        };
        Ok(Self { start, size, wall: cut.wall, age, method: call.method.clone() })
    }

    /// The places of this page's items, of a listing that has `count`.
    pub(super) fn range(&self, count: u64) -> std::ops::Range<u64> {
        let end = count.min(self.wall);
        self.start.min(end)..self.start.saturating_add(self.size).min(end)
    }

    /// Empty on the last page.
    pub(super) fn next(&self, count: u64) -> String {
        let end = self.range(count).end;
        if end < count.min(self.wall) { token::encode(&self.method, end, self.age) } else { String::new() }
    }

    /// What a fault makes of a finished page: its rows and its next token.
    pub(super) fn spoil(&self, rows: &mut Vec<Value>, next: &mut String, fault: Option<&Fault>) {
        let here = || token::encode(&self.method, self.start, self.age);
        match fault {
            Some(Fault::EmptyNext) => {
                rows.clear();
                *next = here();
            }
            Some(Fault::RepeatCursor) => *next = here(),
            Some(Fault::NoNext) => next.clear(),
            Some(Fault::RowTwice) => rows.extend(rows.first().cloned()),
            Some(Fault::RowString) => rows.push("not a row".into()),
            Some(Fault::RowWithoutId) => rows.push(serde_json::json!({"title": "a row without a ref"})),
            _ => {}
        }
    }
}
