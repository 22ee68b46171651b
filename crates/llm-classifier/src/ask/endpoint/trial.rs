//! The trial: until the first answer, one question is asked at a time, and its form fitted to the endpoint.

use std::sync::OnceLock;

use tokio::sync::{Mutex, MutexGuard};

use crate::ask::chat::RequestForm;

/// The form that an endpoint takes, once it is known.
#[derive(Debug)]
pub(crate) struct Trial {
    first: RequestForm,
    settled: OnceLock<RequestForm>,
    alone: Mutex<()>,
}

/// The right to ask in a form.
pub(super) struct Turn<'a> {
    pub(super) form: RequestForm,
    /// There until the form is settled.
    pub(super) alone: Option<MutexGuard<'a, ()>>,
}

impl Trial {
    pub(super) fn new(first: RequestForm) -> Self {
        Trial { first, settled: OnceLock::new(), alone: Mutex::new(()) }
    }

    /// The form to ask in; until it is settled nobody else asks.
    pub(super) async fn turn(&self) -> Turn<'_> {
        if let Some(form) = self.settled.get() {
            return Turn { form: *form, alone: None };
        }
        let alone = self.alone.lock().await;
        match self.settled.get() {
            Some(form) => Turn { form: *form, alone: None },
            None => Turn { form: self.first, alone: Some(alone) },
        }
    }

    /// An answer came in this form: all others are asked in it.
    pub(super) fn settle(&self, form: RequestForm) {
        if self.settled.set(form).is_ok() && form != self.first {
            tracing::warn!(
                "the endpoint is asked with {}, for it does not take the first form",
                form.words(self.first)
            );
        }
    }
}
