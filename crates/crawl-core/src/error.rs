//! Errors, sorted by what the caller should do.

use std::error::Error as StdError;
use std::fmt;

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller should do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The network or the service failed for now: run it again.
    Transient,
    /// The service asked us to slow down for longer than our patience: run it later.
    Limited,
    /// A person must act: a token, a permission, terms to accept.
    Denied,
    /// The thing is not there: note it as missing and go on.
    Gone,
    /// The answer has an unknown form: a developer must look.
    Shape,
    /// The disk or the bucket refused: free it, then run again.
    Storage,
    /// A file, a flag or a variable is wrong: the user must change it.
    Config,
    /// The user asked to stop, and this was not begun or waited: run it again to go on.
    Stopped,
}

/// Whom an error concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The one record or address: the others may well be had.
    Record,
    /// All that would be asked next: going on is in vain.
    All,
}

impl Kind {
    /// The word under which records of what is missing name this kind.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Transient => "transient",
            Kind::Limited => "limited",
            Kind::Denied => "denied",
            Kind::Gone => "gone",
            Kind::Shape => "shape",
            Kind::Storage => "storage",
            Kind::Config => "config",
            Kind::Stopped => "stopped",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Kind::Transient => "run the same command again; it goes on where it stopped",
            Kind::Limited => "run the same command later; it goes on where it stopped",
            Kind::Denied => "check the token and its permissions, then run the same command again",
            Kind::Gone => "check the name or the address",
            Kind::Shape => "the answer has a form that is not known; please report it with the text above",
            Kind::Storage => "check the free space and the permissions, then run the same command again",
            Kind::Config => "correct the setting and run again",
            Kind::Stopped => "run the same command again; it goes on where it stopped",
        }
    }
}

/// What went wrong, where, after how many tries, and what to do next. One word wide.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    what: String,
    place: String,
    tries: u32,
    status: Option<u16>,
    scope: Option<Scope>,
    advice: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; `what` is one clause without a full stop.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            what: what.into(),
            place: String::new(),
            tries: 0,
            status: None,
            scope: None,
            advice: None,
            source: None,
        }))
    }

    /// Names the place: a path, a record id, or a URL without secrets.
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.0.place = place.into();
        self
    }

    /// Says after how many tries this was given up.
    pub fn after(mut self, tries: u32) -> Self {
        self.0.tries = tries;
        self
    }

    /// Remembers the HTTP status that caused it.
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Says whom it concerns, where the kind alone does not tell.
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.0.scope = Some(scope);
        self
    }

    /// Replaces the general advice of the kind with a better one.
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// Keeps the cause.
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(cause.into());
        self
    }

    /// A file operation that failed at `path`.
    pub fn io(what: &str, path: &std::path::Path, cause: std::io::Error) -> Self {
        Error::new(Kind::Storage, what).at(path.display().to_string()).because(cause)
    }

    /// What the caller should do.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The place, or an empty text.
    pub fn place(&self) -> &str {
        &self.0.place
    }

    /// How often it was tried; 0 where trying again has no meaning.
    pub fn tries(&self) -> u32 {
        self.0.tries
    }

    /// The HTTP status that caused it.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Whom it concerns: as the service's answer told (401, 402 and an empty quota concern all, unless the service's
    /// own function says otherwise), else by its kind: `Limited`, `Storage`, `Config` and `Stopped` concern all.
    pub fn scope(&self) -> Scope {
        self.0.scope.unwrap_or(match self.0.kind {
            Kind::Limited | Kind::Storage | Kind::Config | Kind::Stopped => Scope::All,
            Kind::Transient | Kind::Denied | Kind::Gone | Kind::Shape => Scope::Record,
        })
    }

    /// Whether going on with other records is in vain.
    pub fn concerns_all(&self) -> bool {
        self.scope() == Scope::All
    }

    /// What to do next, one clause.
    pub fn advice(&self) -> &str {
        self.0.advice.as_deref().unwrap_or_else(|| self.0.kind.advice())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        if !self.0.place.is_empty() {
            write!(f, ": `{}`", self.0.place)?;
        }
        if self.0.tries > 1 {
            write!(f, " (after {} tries)", self.0.tries)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        let mut cause = self.source();
        while let Some(inner) = cause {
            write!(f, ": {inner}")?;
            cause = inner.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}
