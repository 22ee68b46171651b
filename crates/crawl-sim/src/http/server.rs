//! Accepts connections, asks a service for answers and lets faults have their way.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::answer::{Answer, Header};
use super::deliver::deliver;
use super::fail;
use super::journal::{Counts, Journal, Seen, Stats, Ticket};
use super::request::{Connection, Request};
use crate::fault::{Fault, Plan};

/// What a double answers. Everything is synchronous: answers are computed, never fetched.
pub(crate) trait Service: Send + Sync + 'static {
    /// What is asked for (see [`Seen::kind`]).
    fn kind(&self, request: &Request) -> &'static str;

    /// Credentials and rate windows: the headers that every answer carries, or the refusal.
    fn admit(&self, request: &Request, kind: &'static str) -> Result<Vec<Header>, Answer>;

    /// What this service says instead of an answer when `fault` is due, if it has words of its own for it.
    fn instead(&self, _: &Request, _: &Fault) -> Option<Answer> {
        None
    }

    /// The answer, spoilt by `fault` where only the service can spoil it.
    fn answer(&self, request: &Request, kind: &'static str, fault: Option<&Fault>) -> Answer;
}

/// A running double. Dropping it closes its ports and all connections.
pub struct Running {
    addresses: Vec<SocketAddr>,
    journal: Arc<Journal>,
    plan: Arc<Plan>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Where the double listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The log of requests, oldest first; only the newest 64 MiB of it are kept.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.journal.seen()
    }

    /// How many requests came in, those to `/sim/` left out. Cheap.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.journal.count()
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.journal.stats()
    }

    /// How often a language model was asked about each record, by record id.
    #[must_use]
    pub fn tally(&self) -> BTreeMap<String, Counts> {
        self.journal.tally()
    }

    /// Forgets the log, the counters and the rules' counts. Rate windows go on.
    pub fn reset(&self) {
        self.journal.reset();
        self.plan.reset();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the server thread was reported there.
            let _ = thread.join();
        }
    }
}

/// One address of a double.
pub(crate) struct Origin {
    pub(crate) name: &'static str,
    pub(crate) listener: TcpListener,
    pub(crate) service: Arc<dyn Service>,
}

/// What all origins of a double share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) journal: Arc<Journal>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) latency: Duration,
    pub(crate) gzip: bool,
    /// The path that everything lies under; the services do not know of it.
    pub(crate) prefix: String,
}

/// Port 0 takes a free one.
pub(crate) fn bind(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Starts serving; the first origin is the one that [`Running::url`] names.
pub(crate) fn start(origins: Vec<Origin>, shared: Shared) -> io::Result<Running> {
    let addresses = origins.iter().map(|origin| origin.listener.local_addr()).collect::<io::Result<_>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let (journal, plan) = (shared.journal.clone(), shared.plan.clone());
    let accepting = async move {
        let mut doors = JoinSet::new();
        for origin in origins {
            doors.spawn(accept(origin, shared.clone()));
        }
        // Both a message and a dropped sender mean: stop.
        let _ = stopped.await;
    };
    let thread =
        std::thread::Builder::new().name("crawl-sim".into()).spawn(move || runtime.block_on(accepting))?;
    Ok(Running { addresses, journal, plan, stop: Some(stop), thread: Some(thread) })
}

async fn accept(origin: Origin, shared: Shared) {
    let Ok(listener) = tokio::net::TcpListener::from_std(origin.listener) else { return };
    let desk = Arc::new(Desk { name: origin.name, service: origin.service, shared });
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without it small answers wait for the peer's acknowledgement.
                let _ = stream.set_nodelay(true);
                connections.spawn(serve(Connection::new(stream), desk.clone()));
            }
            // Out of file descriptors, most likely: wait until a connection ends.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Where the requests of one origin are dealt with.
struct Desk {
    name: &'static str,
    service: Arc<dyn Service>,
    shared: Shared,
}

/// An I/O error ends the connection: the peer went away or does not speak HTTP.
async fn serve(mut connection: Connection, desk: Arc<Desk>) {
    while connection.keep {
        let Ok(Some(request)) = connection.request().await else { break };
        if desk.exchange(&mut connection, &request).await.is_err() {
            break;
        }
    }
}

impl Desk {
    async fn exchange(&self, connection: &mut Connection, request: &Request) -> io::Result<()> {
        if request.path().starts_with("/sim/") {
            deliver(connection, &self.admin(request), request.is_head()).await?;
            return Ok(());
        }
        let Some(target) = request.target.strip_prefix(&self.shared.prefix) else {
            let lost = Answer::text(404, format!("nothing lies outside of {}\n", self.shared.prefix));
            return deliver(connection, &lost, request.is_head()).await.map(|_| ());
        };
        let under = (target.len() < request.target.len())
            .then(|| Request { target: target.to_owned(), ..request.clone() });
        let request = under.as_ref().unwrap_or(request);
        let kind = self.service.kind(request);
        let visit = Visit {
            journal: &self.shared.journal,
            ticket: self.shared.journal.begin(self.name, kind, request),
        };
        let (mut answer, fault) = self.answer(request, kind);
        answer.wait += self.shared.latency;
        visit.answering(&answer, fault.as_ref());
        let delivered = deliver(connection, &answer, request.is_head()).await;
        let completed = matches!(delivered, Ok(true));
        if let Some(done) = answer.done.take() {
            done(completed);
        }
        visit.end(completed);
        delivered.map(|_| ())
    }

    fn answer(&self, request: &Request, kind: &'static str) -> (Answer, Option<Fault>) {
        let headers = match self.service.admit(request, kind) {
            Ok(headers) => headers,
            Err(refusal) => return (refusal, None),
        };
        let fault = match self.name {
            "elsewhere" => None,
            _ => self.shared.plan.due(kind, request.path()),
        };
        let stand_in = fault
            .as_ref()
            .and_then(|fault| self.service.instead(request, fault).or_else(|| fail::instead(fault)));
        let mut answer = stand_in.unwrap_or_else(|| self.service.answer(request, kind, fault.as_ref()));
        let bare = matches!(fault, Some(Fault::TooMany(_)));
        if !bare {
            answer.headers.extend(headers);
        }
        if let Some(fault) = &fault {
            fail::spoil(&mut answer, fault);
        }
        if self.shared.gzip && request.header("accept-encoding").is_some_and(|value| value.contains("gzip")) {
            // Packing into memory does not fail; if it did, the plain body is right too.
            let _ = fail::gzip(&mut answer);
        }
        (answer, fault)
    }

    fn admin(&self, request: &Request) -> Answer {
        let journal = &self.shared.journal;
        let body = match (request.method.as_str(), request.path()) {
            ("GET", "/sim/log") => serde_json::to_vec(&journal.seen()),
            ("GET", "/sim/stats") => serde_json::to_vec(&journal.stats()),
            ("GET", "/sim/tally") => serde_json::to_vec(&journal.tally()),
            ("GET", "/sim/asked") => serde_json::to_vec(&counts(journal, |counts| counts.asked)),
            ("GET", "/sim/answered") => serde_json::to_vec(&counts(journal, |counts| counts.answered)),
            ("POST", "/sim/reset") => {
                journal.reset();
                self.shared.plan.reset();
                Ok(b"{}".to_vec())
            }
            _ => {
                return Answer::text(
                    404,
                    "GET /sim/log, /sim/stats, /sim/tally, /sim/asked; POST /sim/reset\n",
                );
            }
        };
        body.map_or_else(|error| Answer::text(500, error.to_string()), Answer::json)
    }
}

fn counts(journal: &Journal, of: impl Fn(Counts) -> u64) -> BTreeMap<String, u64> {
    journal.tally().into_iter().map(|(name, counts)| (name, of(counts))).collect()
}

/// A request that is being answered.
struct Visit<'a> {
    journal: &'a Journal,
    ticket: Ticket,
}

impl Visit<'_> {
    fn answering(&self, answer: &Answer, fault: Option<&Fault>) {
        let fault = fault.map(|fault| format!("{fault:?}"));
        self.journal.answering(self.ticket, answer.status, answer.body.len(), fault);
    }

    fn end(&self, completed: bool) {
        self.journal.end(self.ticket, completed);
    }
}
