//! One member after the other from an archive's reader to its place, several of them becoming durable at once.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};

use crawl_core::{Error, FileLine, Kind, Result};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::limits::Meter;
use super::writing::{Buffers, Writing, joined};
use super::{Counts, Member, Target, damaged};

/// So many files become durable at once: the disk's syncs are what small files wait for.
const AT_ONCE: usize = 32;

/// What became of one member: known, or known soon.
enum Outcome {
    Soon(JoinHandle<Result<FileLine>>),
    Refused(String, Error),
}

/// How reading a member ended before its end.
pub(super) enum Broken {
    /// Nothing more can be had.
    All(Error),
    /// The member's bytes are wrong; the archive may have others.
    Member(Error),
}

/// Takes the members of one archive.
pub(super) struct Landing<'a, T> {
    target: &'a Target,
    runtime: Handle,
    take: T,
    pub(super) meter: Meter,
    /// Hashes of names: a million of them fit where their text would not. The keys are random, so that nobody can
    /// make two names that collide.
    seen: HashSet<u64>,
    hasher: RandomState,
    outcomes: VecDeque<Outcome>,
    buffers: Buffers,
    counts: Counts,
}

impl<'a, T: FnMut(Member) -> Result<()>> Landing<'a, T> {
    /// On a thread that may block, within a runtime.
    pub(super) fn new(target: &'a Target, take: T) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|cause| {
            Error::new(Kind::Config, "archives are unpacked within a runtime").because(cause)
        })?;
        Ok(Landing {
            target,
            runtime,
            take,
            meter: Meter::new(target.limits),
            seen: HashSet::new(),
            hasher: RandomState::new(),
            outcomes: VecDeque::new(),
            buffers: Buffers::new(),
            counts: Counts::default(),
        })
    }

    pub(super) fn refuse(&mut self, name: &str, error: Error) -> Result<()> {
        self.give(Outcome::Refused(name.to_owned(), error))
    }

    /// The name below the root for a member that the archive calls `name`; `None` if it was refused.
    pub(super) fn place(&mut self, name: &str, size: u64) -> Result<Option<String>> {
        self.go_on()?;
        let most = self.target.limits.member;
        let found = match plain(name) {
            None => Err(denied("only plain relative names may be written")),
            Some(_) if size > most => Err(denied(format!("it has {size} bytes, and {most} are allowed"))),
            Some(plain) => {
                // Two names are one if they differ in what `plain` leaves out.
                if self.seen.insert(self.hasher.hash_one(&plain)) {
                    Ok(format!("{}/{plain}", self.target.folder))
                } else {
                    Err(damaged("another member had this name before"))
                }
            }
        };
        match found {
            Ok(place) => Ok(Some(place)),
            Err(error) => self.refuse(name, error).map(|()| None),
        }
    }

    /// Lands the `size` bytes of `body` at `place`, and counts them: `count` gets the meter and how many have come.
    pub(super) fn land(
        &mut self,
        name: &str,
        place: &str,
        size: u64,
        body: &mut dyn Read,
        mut count: impl FnMut(&mut Meter, u64) -> Result<()>,
    ) -> Result<Option<Broken>> {
        let target = self.target;
        let made = self.runtime.block_on(target.files.create(place, target.version.as_deref(), size));
        let making = match made {
            Ok(making) => making,
            Err(error) if error.kind() == Kind::Denied => return self.refuse(name, error).map(|()| None),
            Err(error) => return Err(error),
        };
        let writing = Writing::new(&self.runtime, making, &self.buffers);
        let read = self.read(size, body, &mut count, &writing);
        if !matches!(read, Ok(None)) {
            // What writing failed of comes first: it may be why no more was read.
            return writing.end(&self.runtime).and(read);
        }
        self.give(Outcome::Soon(writing.whole()))?;
        Ok(None)
    }

    /// Reads the `size` bytes of `body`, and hands them over.
    fn read(
        &mut self,
        size: u64,
        body: &mut dyn Read,
        count: &mut dyn FnMut(&mut Meter, u64) -> Result<()>,
        writing: &Writing,
    ) -> Result<Option<Broken>> {
        let mut come = 0;
        loop {
            self.go_on()?;
            let mut buffer = self.buffers.take();
            let filled = match fill(body, &mut buffer) {
                Ok(filled) => filled,
                Err(cause) => return Ok(Some(broken(cause))),
            };
            come += filled as u64;
            count(&mut self.meter, filled as u64)?;
            if come > size {
                return Ok(Some(Broken::Member(damaged("it has more bytes than the archive says"))));
            }
            let last = filled < buffer.len();
            if !writing.give(buffer, filled) {
                let what = Error::new(Kind::Storage, "a member could not be written");
                return Err(what);
            }
            if last {
                break;
            }
        }
        if come < size {
            let what = format!("only {come} of its {size} bytes are there");
            return Ok(Some(Broken::Member(damaged(what))));
        }
        Ok(None)
    }

    /// Reads a body to its end that nobody wants, and counts it.
    pub(super) fn drain(
        &mut self,
        body: &mut dyn Read,
        mut count: impl FnMut(&mut Meter, u64) -> Result<()>,
    ) -> Result<()> {
        let mut buffer = self.buffers.take();
        loop {
            self.go_on()?;
            let filled = fill(body, &mut buffer).map_err(ended)?;
            count(&mut self.meter, filled as u64)?;
            if filled < buffer.len() {
                self.buffers.put(buffer);
                return Ok(());
            }
        }
    }

    fn go_on(&self) -> Result<()> {
        if self.target.stop.is_cancelled() {
            return Err(Error::new(Kind::Stopped, "stopped within an archive, which is unpacked anew"));
        }
        Ok(())
    }

    fn give(&mut self, outcome: Outcome) -> Result<()> {
        self.outcomes.push_back(outcome);
        while self.outcomes.len() > AT_ONCE {
            self.settle()?;
        }
        Ok(())
    }

    /// Hands on the first of those whose end is awaited.
    fn settle(&mut self) -> Result<()> {
        let member = match self.outcomes.pop_front() {
            None => return Ok(()),
            Some(Outcome::Refused(name, error)) => {
                self.counts.refused += 1;
                Member::Refused(name, error)
            }
            Some(Outcome::Soon(task)) => {
                let line = joined(&self.runtime, task)?;
                self.counts.files += 1;
                self.counts.bytes += line.size;
                Member::Landed(line)
            }
        };
        (self.take)(member)
    }

    /// All members were given: waits for the last ones.
    pub(super) fn finish(mut self) -> Result<Counts> {
        while !self.outcomes.is_empty() {
            self.settle()?;
        }
        Ok(self.counts)
    }
}

/// Fills the buffer, but for what lies behind the end.
fn fill(body: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match body.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(filled)
}

/// The parts of a member's name, without `.` and without empty parts; `None` where they lead out of the folder.
pub(crate) fn plain(name: &str) -> Option<String> {
    if name.starts_with('/') {
        return None;
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    (!parts.is_empty() && !parts.contains(&"..")).then(|| parts.join("/"))
}

pub(super) fn denied(what: impl Into<String>) -> Error {
    Error::new(Kind::Denied, what).advise("the member is left out; nothing of it was written")
}

/// What reading a member failed of.
pub(super) fn broken(cause: io::Error) -> Broken {
    if is_ours(&cause) || cause.raw_os_error().is_some() {
        return Broken::All(ended(cause));
    }
    Broken::Member(damaged("its bytes are damaged").because(cause))
}

/// What reading an archive failed of.
pub(super) fn ended(cause: io::Error) -> Error {
    if is_ours(&cause) {
        return told(cause);
    }
    if cause.raw_os_error().is_some() {
        return Error::new(Kind::Storage, "cannot read the archive").because(cause);
    }
    damaged("the archive is damaged").because(cause)
}

fn is_ours(cause: &io::Error) -> bool {
    cause.get_ref().is_some_and(|inner| inner.is::<Error>())
}

/// The error that a writer or reader of ours has wrapped.
pub(super) fn told(cause: io::Error) -> Error {
    match cause.downcast::<Error>() {
        Ok(error) => error,
        Err(cause) => Error::new(Kind::Storage, "cannot write the file").because(cause),
    }
}
