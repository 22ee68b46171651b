//! The one rule for errors of single records: what concerns a record makes it missing, what concerns all stops the run.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::{Error, Kind, Missing, Result, Timestamp};

/// So many records in a row may fail for now at a trusted place before it counts as gone.
const MOST_IN_A_ROW: u32 = 3;
/// If so many records, the first ones, all fail alike, the run is wrong and not the records.
const FIRST: u32 = 50;

/// Decides, for a whole run, which errors make a record missing and which stop the run.
#[derive(Debug)]
pub struct Judge {
    first: u32,
    state: Mutex<State>,
}

impl Default for Judge {
    fn default() -> Self {
        Judge { first: FIRST, state: Mutex::default() }
    }
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
    /// With so many first records that stop the run if all of them fail alike, instead of 50: for a service that gives
    /// every record in the same way, so that a setting it does not take shows at the first ones.
    pub fn first(self, records: u32) -> Self {
        Judge { first: records, ..self }
    }

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
        if let Some(place) = trusted {
            let in_a_row = state.in_a_row.entry(place.to_owned()).or_default();
            // Whoever refuses one record answers.
            *in_a_row = if error.kind() == Kind::Transient { *in_a_row + 1 } else { 0 };
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
        if trusted.is_some() && state.alike.is_some_and(|(_, count)| count >= self.first) {
            return Err(error.advise(format!(
                "the first {} records all failed like this: check the settings",
                self.first
            )));
        }
        Ok(Missing::because(id, &error, Timestamp::now()))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone(judge: &Judge) -> Result<Missing> {
        judge.missing("r".to_owned(), Error::new(Kind::Gone, "not there").with_status(404), Some("it"))
    }

    fn down(judge: &Judge, place: Option<&str>) -> Result<Missing> {
        judge.missing("r".to_owned(), Error::new(Kind::Transient, "no answer"), place)
    }

    #[test]
    fn what_concerns_a_record_makes_it_missing_and_what_concerns_all_stops_the_run() {
        let judge = Judge::default();
        for kind in [Kind::Gone, Kind::Denied, Kind::Shape, Kind::Transient] {
            let missing = judge.missing("r".to_owned(), Error::new(kind, "no"), Some("it")).unwrap();
            assert_eq!((missing.id.as_deref(), missing.kind.as_str()), (Some("r"), kind.word()));
        }
        for kind in [Kind::Storage, Kind::Config, Kind::Stopped, Kind::Limited] {
            assert_eq!(judge.missing(None, Error::new(kind, "no"), Some("it")).unwrap_err().kind(), kind);
        }
        let refused = Error::new(Kind::Denied, "no").with_scope(crate::Scope::All);
        assert_eq!(judge.missing(None, refused, Some("it")).unwrap_err().kind(), Kind::Denied);
    }

    #[test]
    fn three_failures_in_a_row_at_one_place_stop_the_run_and_an_answer_between_them_does_not() {
        let judge = Judge::default();
        for _ in 0..10 {
            down(&judge, Some("it")).unwrap();
            gone(&judge).unwrap();
            down(&judge, Some("it")).unwrap();
            judge.had();
        }
        down(&judge, Some("it")).unwrap();
        down(&judge, Some("another")).unwrap();
        down(&judge, Some("it")).unwrap();
        assert_eq!(down(&judge, Some("it")).unwrap_err().kind(), Kind::Transient);
        for _ in 0..100 {
            down(&judge, None).unwrap();
        }
    }

    #[test]
    fn fifty_first_records_that_fail_alike_stop_the_run_and_later_ones_do_not() {
        let judge = Judge::default();
        for _ in 0..49 {
            gone(&judge).unwrap();
        }
        assert!(gone(&judge).unwrap_err().advice().contains("first 50"));
        let judge = Judge::default();
        judge.had();
        for _ in 0..100 {
            gone(&judge).unwrap();
        }
        let judge = Judge::default().first(2);
        gone(&judge).unwrap();
        assert!(gone(&judge).unwrap_err().advice().contains("first 2 "));
    }
}
