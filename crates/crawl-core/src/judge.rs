//! The one rule for errors of single records: what concerns a record makes it missing, what concerns all stops the run.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::{Error, Kind, Missing, Result, Timestamp};

/// So many records in a row may fail for now at a trusted place before it counts as gone.
const MOST_IN_A_ROW: u32 = 3;
/// If so many records, the first ones, all fail alike, the run is wrong and not the records.
const FIRST: u32 = 50;

/// Decides, for a whole run, which errors make a record missing and which stop the run.
#[derive(Debug, Default)]
pub struct Judge {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Failures for now since the last record that was had, by the place that is asked.
    in_a_row: HashMap<String, u32>,
    /// What the first records failed with, and how many; `None` once any was had or failed otherwise.
    alike: Option<((Kind, Option<u16>), u32)>,
    begun: bool,
}

impl Judge {
    /// A record was had.
    pub fn had(&self) {
        let mut state = self.state();
        state.in_a_row.clear();
        (state.alike, state.begun) = (None, true);
    }

    /// The record `id` could not be had. Gives its `missing` record, or the error if the run must stop.
    ///
    /// `trusted` names the service that was asked, where one service gives all records: if it fails three times in a
    /// row, after all tries, the run stops. Foreign hosts (`None`) never stop a run.
    ///
    /// # Errors
    /// `error` itself, if it concerns all records: a refused credential, an empty quota, the disk, a setting, a stop.
    pub fn missing(
        &self,
        id: impl Into<Option<String>>,
        error: Error,
        trusted: Option<&str>,
    ) -> Result<Missing> {
        let of_us = matches!(error.kind(), Kind::Storage | Kind::Config | Kind::Stopped);
        if of_us || (trusted.is_some() && error.concerns_all()) {
            return Err(error);
        }
        let mut state = self.state();
        if let (Kind::Transient, Some(place)) = (error.kind(), trusted) {
            let in_a_row = state.in_a_row.entry(place.to_owned()).or_default();
            *in_a_row += 1;
            if *in_a_row >= MOST_IN_A_ROW {
                return Err(error);
            }
        }
        let fault = (error.kind(), error.status());
        state.alike = match (state.begun, state.alike) {
            (false, _) => Some((fault, 1)),
            (true, Some((before, count))) if before == fault => Some((fault, count + 1)),
            _ => None,
        };
        state.begun = true;
        if trusted.is_some() && state.alike.is_some_and(|(_, count)| count >= FIRST) {
            return Err(
                error.advise(format!("the first {FIRST} records all failed like this: check the settings"))
            );
        }
        Ok(Missing::because(id, &error, Timestamp::now()))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
