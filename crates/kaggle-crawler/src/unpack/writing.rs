//! One member on its way to the disk: hashed and written on a thread beside the one that inflates it.

use std::io::Write;
use std::sync::mpsc;

use crawl_core::files::Making;
use crawl_core::{Error, FileLine, Kind, Result};
use tokio::runtime::Handle;
use tokio::sync::mpsc as bounded;
use tokio::task::JoinHandle;

/// So much of a member is handed over at once, and so many such pieces of one wait at most.
const PIECE: usize = 128 << 10;
const PIECES: usize = 3;

/// A piece of a member: a buffer, and how much of it is filled.
type Piece = (Vec<u8>, usize);

/// A file that is being written. If it is dropped before [`Writing::whole`], nothing stays.
pub(super) struct Writing {
    /// `None` tells that all has come: without it the member was given up.
    to: bounded::Sender<Option<Piece>>,
    task: JoinHandle<Result<FileLine>>,
}

impl Writing {
    pub(super) fn new(runtime: &Handle, mut making: Making, buffers: &Buffers) -> Self {
        let (to, mut from) = bounded::channel::<Option<Piece>>(PIECES);
        let back = buffers.back.clone();
        let task = runtime.spawn(async move {
            let write = move || {
                while let Some((buffer, filled)) = from.blocking_recv().ok_or_else(given_up)? {
                    making.write_all(&buffer[..filled]).map_err(super::landing::told)?;
                    // Whoever reads may be done.
                    let _ = back.send(buffer);
                }
                Ok(making)
            };
            let making: Making = crate::off(write).await?;
            making.finish().await
        });
        Writing { to, task }
    }

    /// Hands bytes over; waits if the disk is slower than the archive. `false` if writing has failed.
    pub(super) fn give(&self, buffer: Vec<u8>, filled: usize) -> bool {
        self.to.blocking_send(Some((buffer, filled))).is_ok()
    }

    /// All was given. What comes back ends when the file is durable, or moved on.
    pub(super) fn whole(self) -> JoinHandle<Result<FileLine>> {
        // If writing has ended, its result says why.
        let _ = self.to.blocking_send(None);
        self.task
    }

    /// Nothing more comes, and nothing stays when this is back; the error is that of writing, if it has failed.
    pub(super) fn end(self, runtime: &Handle) -> Result<()> {
        let Writing { to, task } = self;
        drop(to);
        match joined(runtime, task) {
            Err(error) if error.kind() != Kind::Stopped => Err(error),
            _ => Ok(()),
        }
    }
}

/// What a task gave; its panic goes on here.
pub(super) fn joined(runtime: &Handle, task: JoinHandle<Result<FileLine>>) -> Result<FileLine> {
    runtime.block_on(task).unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(Error::new(Kind::Stopped, "the program ended within an archive")),
    })
}

fn given_up() -> Error {
    Error::new(Kind::Stopped, "the member was given up")
}

/// Buffers that go to and fro, so that none is made and cleared for each piece.
pub(super) struct Buffers {
    back: mpsc::Sender<Vec<u8>>,
    spare: mpsc::Receiver<Vec<u8>>,
}

impl Buffers {
    pub(super) fn new() -> Self {
        let (back, spare) = mpsc::channel();
        Buffers { back, spare }
    }

    pub(super) fn take(&self) -> Vec<u8> {
        self.spare.try_recv().unwrap_or_else(|_| vec![0; PIECE])
    }

    pub(super) fn put(&self, buffer: Vec<u8>) {
        let _ = self.back.send(buffer);
    }
}
