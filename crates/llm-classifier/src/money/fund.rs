//! Funds: a budget that runs and tasks share, by day, by month or for ever, in a small file.
//!
//! The file holds what was booked, day by day (UTC). A run takes money out of it a little ahead and gives back what it did
//! not spend; what a killed run had taken stays booked, for nobody knows what became of it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crawl_core::{Error, Kind, Result, Staged, Timestamp};
use serde::{Deserialize, Serialize};

use crate::money::dollars;

/// A run takes a share of the budget ahead, so that the file is not written for each question.
const SHARE: u64 = 200;

/// For how long a budget is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// For ever.
    All,
    /// For a day, UTC.
    Day,
    /// For a month, UTC.
    Month,
}

/// Where money is booked that outlives a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Booking {
    /// The file of the budget.
    pub(crate) file: PathBuf,
    /// The day under which it is booked.
    pub(crate) day: String,
}

/// A budget that runs share.
#[derive(Debug)]
pub struct Fund {
    path: PathBuf,
    limit: u64,
    period: Period,
    /// The day on which money was taken last.
    day: Mutex<String>,
}

impl fmt::Display for Fund {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = match self.period {
            Period::All => "",
            Period::Day => " a day",
            Period::Month => " a month",
        };
        write!(f, "${}{period} in {}", dollars(self.limit), self.path.display())
    }
}

impl Fund {
    /// A budget of so many billionths of a dollar in a period, kept in the file `path`, which need not be there.
    ///
    /// # Errors
    /// [`Kind::Config`] if the file is none of ours; [`Kind::Storage`] if the disk refuses.
    pub fn open(path: &Path, limit: u64, period: Period) -> Result<Self> {
        let fund = Fund { path: path.to_owned(), limit, period, day: Mutex::default() };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|cause| Error::io("cannot make the folder of the budget", folder, cause))?;
        }
        fund.left()?;
        Ok(fund)
    }

    /// What is left in this period.
    pub(crate) fn left(&self) -> Result<u64> {
        Ok(self.limit.saturating_sub(self.booked(&self.read()?)))
    }

    /// Takes at least `wanted` out, and some more if there is more; all that is left if there is less.
    pub(crate) fn take(&self, wanted: u64) -> Result<u64> {
        self.change(|days| {
            let left = self.limit.saturating_sub(self.booked(days));
            let taken = wanted.max(self.limit / SHARE).min(left);
            self.put(days, taken);
            taken
        })
    }

    /// Books what was spent, whether there is so much or not.
    pub(crate) fn book(&self, amount: u64) -> Result<()> {
        self.change(|days| self.put(days, amount))
    }

    fn put(&self, days: &mut BTreeMap<String, u64>, amount: u64) {
        let day = today();
        let booked = days.entry(day.clone()).or_default();
        *booked = booked.saturating_add(amount);
        *self.day.lock().unwrap_or_else(PoisonError::into_inner) = day;
    }

    /// Where money is booked that was taken last.
    pub(crate) fn booking(&self) -> Booking {
        let day = self.day.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Booking { file: std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone()), day }
    }

    /// Gives back what was not spent of a day's money. If the disk refuses it stays booked.
    pub(crate) fn give_back(&self, amount: u64, day: &str) {
        if amount == 0 {
            return;
        }
        let given = self.change(|days| {
            if let Some(booked) = days.get_mut(day) {
                *booked = booked.saturating_sub(amount);
            }
        });
        if let Err(error) = given {
            tracing::warn!(%error, "what this run did not spend stays booked");
        }
    }

    fn booked(&self, days: &BTreeMap<String, u64>) -> u64 {
        let today = today();
        let begin = match self.period {
            Period::All => "",
            Period::Day => today.as_str(),
            Period::Month => &today[..7],
        };
        let each = days.iter().filter(|(day, _)| day.starts_with(begin)).map(|(_, booked)| *booked);
        each.fold(0, u64::saturating_add)
    }

    /// Changes the file while no other process does.
    fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<String, u64>) -> T) -> Result<T> {
        let _alone = self.alone()?;
        let mut days = self.read()?;
        let changed = change(&mut days);
        Staged::put(&self.path, &serde_json::to_vec_pretty(&days).unwrap_or_default())?;
        Ok(changed)
    }

    fn alone(&self) -> Result<File> {
        let path = self.path.with_extension("lock");
        let failed = |cause| Error::io("cannot lock the file of the budget", &path, cause);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    fn read(&self) -> Result<BTreeMap<String, u64>> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(cause) => return Err(Error::io("cannot read the file of the budget", &self.path, cause)),
        };
        serde_json::from_slice(&text).map_err(|cause| {
            Error::new(Kind::Config, "the file of the budget cannot be read")
                .at(self.path.display().to_string())
                .advise("it holds one JSON object, days and billionths of a dollar; correct it or name another file")
                .because(cause)
        })
    }
}

fn today() -> String {
    Timestamp::now().strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_runs_share_a_fund_and_an_old_day_counts_for_its_period_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budget.json");
        std::fs::write(&path, r#"{"2001-01-01": 700}"#).unwrap();
        let fund = |period| Fund::open(&path, 1000, period).unwrap();
        assert_eq!((fund(Period::All).left().unwrap(), fund(Period::Month).left().unwrap()), (300, 1000));
        let (one, two) = (fund(Period::Day), fund(Period::Day));
        assert_eq!(one.take(600).unwrap(), 600);
        assert_eq!(two.take(600).unwrap(), 400, "only what is left");
        one.give_back(250, &one.booking().day);
        assert_eq!(two.take(1).unwrap(), 5, "a share ahead");
        std::fs::write(&path, "[]").unwrap();
        assert_eq!(Fund::open(&path, 1, Period::All).unwrap_err().kind(), Kind::Config);
    }
}
