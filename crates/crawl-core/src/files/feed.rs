//! Bytes on their way from the network to a part: written and hashed on a thread of their own.

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::part::Part;
use crate::Result;

/// So many bytes are gathered before the other thread is woken, and so many such pieces wait for it at most.
const PIECE: usize = 256 << 10;
const PIECES: usize = 8;

/// A part that takes bytes on a thread of its own. If this is dropped, the thread writes what it was given, and ends.
pub(super) struct Feed {
    to: mpsc::Sender<Vec<Bytes>>,
    writer: JoinHandle<(Part, Result<()>)>,
    gathered: Vec<Bytes>,
    bytes: usize,
}

impl Feed {
    pub(super) fn new(mut part: Part) -> Self {
        let (to, mut from) = mpsc::channel::<Vec<Bytes>>(PIECES);
        let writer = tokio::task::spawn_blocking(move || {
            let mut result = Ok(());
            while let Some(pieces) = from.blocking_recv() {
                result = pieces.iter().try_for_each(|piece| part.take(piece));
                if result.is_err() {
                    break;
                }
            }
            let marked = result.is_ok().then(|| part.mark());
            (part, result.and(marked.unwrap_or(Ok(()))))
        });
        Feed { to, writer, gathered: Vec::new(), bytes: 0 }
    }

    /// Hands bytes over; waits if the disk is slower than the network. `false` if the disk has failed.
    pub(super) async fn give(&mut self, bytes: Bytes) -> bool {
        self.bytes += bytes.len();
        self.gathered.push(bytes);
        if self.bytes < PIECE {
            return true;
        }
        self.bytes = 0;
        self.to.send(std::mem::take(&mut self.gathered)).await.is_ok()
    }

    /// The part with all bytes that were given, marked.
    pub(super) async fn end(self) -> (Part, Result<()>) {
        let Feed { to, writer, gathered, .. } = self;
        // If the writer has ended, its result says why.
        let _ = to.send(gathered).await;
        drop(to);
        super::joined(writer.await)
    }
}
