//! The questions that are being asked: the same one twice at a time would be paid twice.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::cache::Key;

/// The keys of what is asked now.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    keys: Mutex<HashSet<Key>>,
    ended: Notify,
}

pub(super) struct Alone<'a> {
    under_way: &'a UnderWay,
    key: Key,
}

impl UnderWay {
    /// Waits until nobody asks this question.
    pub(super) async fn alone(&self, key: Key) -> Alone<'_> {
        loop {
            let mut ended = pin!(self.ended.notified());
            ended.as_mut().enable();
            if self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key) {
                return Alone { under_way: self, key };
            }
            ended.await;
        }
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.under_way.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        self.under_way.ended.notify_waiters();
    }
}
