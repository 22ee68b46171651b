//! One download a name: who wants a file that is on its way waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "http")]
use bytes::Bytes;
use tokio::sync::{Mutex as Turns, OwnedMutexGuard};

use crate::FileLine;
#[cfg(feature = "http")]
use crate::http::{Method, Request, Url};

/// What makes two wishes the same.
#[cfg(feature = "http")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    method: Method,
    url: Url,
    body: Option<Bytes>,
    version: Option<String>,
}

#[cfg(feature = "http")]
impl Wish {
    pub(super) fn new(request: &Request, version: Option<&str>) -> Self {
        Wish {
            method: request.method.clone(),
            url: request.url.clone(),
            body: request.body.clone(),
            version: version.map(str::to_owned),
        }
    }
}

/// Without the network nothing is wished for: files are only made.
#[cfg(not(feature = "http"))]
type Wish = std::convert::Infallible;

/// What was brought while somebody waited.
type Brought = Vec<(Wish, FileLine)>;
type Turn = Arc<Turns<Brought>>;

/// The names that are on their way.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<String, Turn>>>);

/// The right to bring the file of a name. Holds what those before brought.
pub(super) struct Flight {
    flights: Flights,
    path: String,
    turn: Option<Turn>,
    guard: Option<OwnedMutexGuard<Brought>>,
}

impl Flights {
    /// Waits until nobody else brings the file of this name.
    pub(super) async fn enter(&self, path: &str) -> Flight {
        let turn = self.lock().entry(path.to_owned()).or_default().clone();
        let waiting = turn.clone().lock_owned();
        // From here on whoever is given up while waiting leaves nothing behind either.
        let mut flight =
            Flight { flights: self.clone(), path: path.to_owned(), turn: Some(turn), guard: None };
        flight.guard = Some(waiting.await);
        flight
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Turn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(all(test, feature = "http"))]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}

#[cfg(feature = "http")]
impl Flight {
    /// What was brought while this one waited, if it is the same wish.
    pub(super) fn landed(&self, wish: &Wish) -> Option<FileLine> {
        let mut brought = self.guard.as_ref()?.iter();
        brought.find(|(brought, _)| brought == wish).map(|(_, line)| line.clone())
    }

    /// Leaves the file for those who wait. A later wish looks for itself.
    pub(super) fn land(mut self, wish: Wish, line: FileLine) {
        if let Some(guard) = &mut self.guard {
            guard.push((wish, line));
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        (self.guard, self.turn) = (None, None);
        // Whoever waits holds the turn too.
        if flights.get(&self.path).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            flights.remove(&self.path);
        }
    }
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_gets_what_was_brought_and_nobody_leaves_anything_behind() {
        let flights = Flights::default();
        let wish = |version| Wish::new(&Request::get("http://h/".parse().unwrap()), version);
        let line = FileLine { path: "f/x".into(), size: 0, sha256: String::new(), version: None, name: None };
        let first = flights.enter("f/x").await;
        let second = flights.enter("f/x");
        let third = flights.enter("f/x");
        futures::pin_mut!(second, third);
        assert!(futures::poll!(&mut second).is_pending() && futures::poll!(&mut third).is_pending());
        first.land(wish(None), line.clone());
        let second = second.await;
        assert_eq!((second.landed(&wish(None)), second.landed(&wish(Some("2")))), (Some(line), None));
        drop(second);
        drop(third.await);
        assert!(flights.is_empty());
        let held = flights.enter("f/x").await;
        tokio::select! { biased; _ = flights.enter("f/x") => panic!("it is held"), () = async {} => {} }
        drop(held);
        assert!(flights.is_empty());
    }
}
