//! A double of the Hugging Face Hub: listings, details, trees and files of repositories that do not exist.

mod calendar;
mod card;
mod change;
mod cursor;
mod detail;
mod fields;
mod files;
mod gguf;
mod list;
mod order;
mod replay;
mod resolve;
mod row;
mod synthetic;
mod text;
mod tree;
mod weights;
mod window;
mod words;
mod world;
mod write;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::fault::{Fault, Plan, Rule};
use crate::http::answer::{Answer, Header};
use crate::http::journal::Journal;
use crate::http::request::Request;
use crate::http::server::{Origin, Running, Service, Shared, bind, start};
pub use change::HubChange;
use change::Living;
use order::Orders;
use replay::Replay;
pub use synthetic::synthetic;
pub use window::Window;
use window::Windows;
use world::{HubKind, World};

/// What the double shall be like.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// Of the main address; 0 takes a free one.
    pub port: u16,
    /// How many datasets there are. More of them leave the earlier ones as they are if `horizon` stays.
    pub datasets: u64,
    /// How many models there are.
    pub models: u64,
    /// Another seed, another Hub.
    pub seed: u64,
    /// The number of repositories of each kind with which the time line ends at 2026-11-22; any beyond it are younger.
    /// `None`: as many as there are.
    pub horizon: Option<u64>,
    /// So many of the oldest repositories of each kind were changed (`lastModified`, `sha`) after 2026-11-22.
    pub touched: u64,
    /// What changes while it is listed; what is to change before the first list has the number 0.
    pub changes: Vec<HubChange>,
    /// The largest page.
    pub max_limit: u64,
    /// A quota for each fixed window.
    pub window: Option<Window>,
    /// The only token that is right; with `None` any is.
    pub token: Option<String>,
    /// Whether a request without a token is refused.
    pub require_token: bool,
    /// What goes wrong.
    pub faults: Vec<Rule>,
    /// A folder of recorded bodies to serve instead: `{datasets,models}/list/*.json` are pages in the order of their
    /// names, `{datasets,models}/{detail,expand}*/*.json` answer for the id that they hold. The faults of list rows and
    /// next links do not happen to recorded pages.
    pub replay: Option<PathBuf>,
    /// Before each answer.
    pub latency: Duration,
    /// Whether answers are packed for clients that accept it.
    pub gzip: bool,
    /// The path under which it lies, such as `/mirror/hf`, as behind a proxy: next links do not know of it.
    pub prefix: String,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            port: 0,
            datasets: 1000,
            models: 1000,
            seed: 1,
            horizon: None,
            touched: 0,
            changes: Vec::new(),
            max_limit: 1000,
            window: None,
            token: None,
            require_token: false,
            faults: Vec::new(),
            replay: None,
            latency: Duration::ZERO,
            gzip: false,
            prefix: String::new(),
        }
    }
}

/// The double of the Hub.
///
/// Ids: every repository is also found as `was-ID` (307 to `ID`, as after a renaming) and as `renamed-ID` (itself under a
/// new name); a bare name that belongs to a repository with an owner gives 307 too. Files of gated repositories are
/// refused; of one that is disabled, files and tree. Every third model is as large as real ones: its files have true
/// headers, and zeros behind them. Memory: nothing for a listing by `createdAt` rising; 4 bytes a repository for each other order asked for.
pub struct Hub {
    config: HubConfig,
    datasets: Living,
    models: Living,
    dataset_orders: Orders,
    model_orders: Orders,
    windows: Option<Windows>,
    replay: Option<Replay>,
    journal: Arc<Journal>,
    cdn: String,
    elsewhere: String,
}

impl Hub {
    /// Binds its addresses and starts serving on threads of its own.
    ///
    /// # Errors
    /// If a port is taken or the replay folder cannot be read.
    pub async fn start(config: HubConfig) -> io::Result<Running> {
        let listeners = [bind(config.port)?, bind(0)?, bind(0)?];
        let url =
            |position: usize| listeners[position].local_addr().map(|address| format!("http://{address}"));
        let journal = Arc::new(Journal::new());
        let shared = Shared {
            journal: journal.clone(),
            plan: Arc::new(Plan::new(config.seed, config.faults.clone())),
            latency: config.latency,
            gzip: config.gzip,
            prefix: config.prefix.clone(),
        };
        let hub = Arc::new(Self::new(config, journal, url(1)?, url(2)?)?);
        let files = Arc::new(resolve::FileHost { hub: hub.clone() });
        let [main, cdn, elsewhere] = listeners;
        let origins = vec![
            Origin { name: "main", listener: main, service: hub.clone() },
            Origin { name: "cdn", listener: cdn, service: files },
            Origin { name: "elsewhere", listener: elsewhere, service: hub },
        ];
        start(origins, shared)
    }

    fn new(config: HubConfig, journal: Arc<Journal>, cdn: String, elsewhere: String) -> io::Result<Self> {
        let world = |kind, count| {
            let world = World {
                kind,
                seed: config.seed,
                count,
                horizon: config.horizon.unwrap_or(count),
                touched: config.touched,
                altered: Arc::default(),
            };
            Living::new(world, &config.changes)
        };
        Ok(Self {
            datasets: world(HubKind::Datasets, config.datasets),
            models: world(HubKind::Models, config.models),
            dataset_orders: Orders::default(),
            model_orders: Orders::default(),
            windows: config.window.map(Windows::new),
            replay: config.replay.as_deref().map(Replay::read).transpose()?,
            config,
            journal,
            cdn,
            elsewhere,
        })
    }

    /// As it is now.
    fn world(&self, kind: HubKind) -> World {
        self.living(kind).now()
    }

    fn living(&self, kind: HubKind) -> &Living {
        match kind {
            HubKind::Datasets => &self.datasets,
            HubKind::Models => &self.models,
        }
    }

    fn list(&self, kind: HubKind, request: &Request, fault: Option<&Fault>) -> Answer {
        if let Some(page) = self.replay.as_ref().and_then(|replay| replay.list(kind, request)) {
            return page;
        }
        let orders = match kind {
            HubKind::Datasets => &self.dataset_orders,
            HubKind::Models => &self.model_orders,
        };
        let world = self.living(kind).next();
        list::answer(&world, orders, self.config.max_limit, request, fault, &self.elsewhere)
    }

    /// `Err` holds the refusal of a wrong or missing token.
    fn check_token(&self, request: &Request) -> Result<(), Answer> {
        let refused = |message: &str| Answer::text(401, message).with("X-Error-Message", message);
        match (request.header("authorization"), &self.config.token) {
            (Some(sent), Some(token)) if sent.strip_prefix("Bearer ") != Some(token) => {
                Err(refused("Invalid credentials in Authorization header"))
            }
            (None, _) if self.config.require_token => Err(refused("Invalid username or password.")),
            _ => Ok(()),
        }
    }
}

impl Service for Hub {
    fn kind(&self, request: &Request) -> &'static str {
        let path = request.path();
        match path.strip_prefix("/api/") {
            Some("datasets" | "models") => "list",
            Some("whoami-v2") => "whoami",
            Some(rest) if rest.starts_with("resolve-cache/") => "cache",
            Some(rest) if rest.contains("/tree/") => "tree",
            Some(rest) if rest.starts_with("datasets/") || rest.starts_with("models/") => "detail",
            None if path.contains("/resolve/") => "resolve",
            _ => "other",
        }
    }

    fn admit(&self, request: &Request, kind: &'static str) -> Result<Vec<Header>, Answer> {
        let headers = match &self.windows {
            // Where a request for a file is led to is no request of its own.
            Some(windows) if kind != "cache" => windows.admit(kind == "resolve", &self.journal)?,
            _ => Vec::new(),
        };
        self.check_token(request).map(|()| headers.clone()).map_err(|mut refusal| {
            refusal.headers.extend(headers);
            refusal
        })
    }

    fn answer(&self, request: &Request, kind: &'static str, fault: Option<&Fault>) -> Answer {
        let datasets =
            request.path().starts_with("/api/datasets") || request.path().starts_with("/datasets/");
        let repositories = if datasets { HubKind::Datasets } else { HubKind::Models };
        match kind {
            "list" => self.list(repositories, request, fault),
            "detail" => self.detail(repositories, request, fault),
            "tree" => self.tree(repositories, request),
            "cache" => self.cached(request, fault),
            "resolve" => self.resolve(repositories, request),
            "whoami" if request.header("authorization").is_some() => Answer::json(
                r#"{"type":"user","id":"0123456789abcdef01234567","name":"sim-user","auth":{"type":"access_token"}}"#,
            ),
            "whoami" => Answer::json_status(401, r#"{"error":"Invalid username or password."}"#),
            _ => {
                Answer::json_status(404, r#"{"error":"Sorry, we can't find the page you are looking for."}"#)
            }
        }
    }
}
