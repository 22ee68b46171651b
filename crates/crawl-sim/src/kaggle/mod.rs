//! A double of Kaggle: lists, details and files of competitions, datasets, notebooks, models and topics that do not exist.

mod archive;
mod calendar;
mod call;
mod competition;
mod competition_calls;
mod competition_text;
mod dataset;
mod dataset_calls;
mod dialect;
mod files;
mod kernel;
mod kernel_calls;
mod kernel_source;
mod meta;
mod meta_rows;
mod meta_table;
mod model;
mod model_calls;
mod object;
mod order;
mod page;
mod percent;
mod refuse;
mod rope;
mod routes;
mod storage;
mod token;
mod topic;
mod topic_calls;
mod tree;
mod words;
mod world;

use std::io;
use std::ops::{Deref, Range};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::fault::{Fault, Plan, Rule};
use crate::http::answer::{Answer, Header};
use crate::http::journal::Journal;
use crate::http::request::Request;
use crate::http::server::{self, Origin, Running, Shared, bind, start};
pub use archive::Content;
use call::{Call, Dialect};
use page::Page;
use storage::{FileHost, Storage};
pub use world::Part;
use world::World;

/// What the double shall be like.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use crawl_sim::{Kaggle, KaggleConfig, Part, Plant};
///
/// let kaggle = Kaggle::start(KaggleConfig {
///     datasets: 25_000,
///     drift: 2,
///     faults: vec!["cdn@3=flip".parse()?, "list@5=429:retry-after=1".parse()?],
///     plants: vec![Plant::dataset("ann/odd").file("../out.csv", "a,b\n")],
///     ..KaggleConfig::default()
/// })
/// .await?;
/// let url = kaggle.url(); // POST {url}/v1/datasets.DatasetApiService/ListDatasets
/// kaggle.remove(Part::Datasets, "ann/odd");
/// assert_eq!(kaggle.stats().by_kind.get("cdn"), None);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct KaggleConfig {
    /// Of the main address; 0 takes a free one.
    pub port: u16,
    /// How many datasets there are, the planted ones left out.
    pub datasets: u64,
    /// How many notebooks and scripts there are.
    pub kernels: u64,
    /// How many models there are.
    pub models: u64,
    /// How many competitions there are.
    pub competitions: u64,
    /// How many topics of discussion there are.
    pub topics: u64,
    /// How many users there are; all of them are in Meta Kaggle's table.
    pub users: u64,
    /// Another seed, another Kaggle.
    pub seed: u64,
    /// A query for datasets shows no more than these.
    pub dataset_cap: u64,
    /// A query for kernels shows no more than these.
    pub kernel_cap: u64,
    /// The most output files of a kernel in one page.
    pub output_page: u64,
    /// With each page of a list in the order of heat, so many items jump to the front of it.
    pub drift: u64,
    /// Of a thousand datasets and kernels, so many are listed but refused (403).
    pub denied: u64,
    /// Of a thousand datasets, so many have files with hostile names; kernels' outputs too.
    pub hostile: u64,
    /// Of a thousand datasets, so many have exactly the same size.
    pub pile: u64,
    /// A CSV file larger than this comes as `NAME.csv.zip` when it is asked for alone; bytes.
    pub zip_from: u64,
    /// Whether it comes so although it was asked for raw.
    pub ignores_raw: bool,
    /// Whether the tables of Meta Kaggle come zipped.
    pub meta_zipped: bool,
    /// Competitions.csv as it was in 2022: 42 columns in another order, without the three texts.
    pub meta_2022: bool,
    /// User name and key of the only account; with `None` any are right.
    pub account: Option<(String, String)>,
    /// The only access token that is right; with `None` any is.
    pub token: Option<String>,
    /// Whether datasets and models answer without credentials.
    pub anonymous: bool,
    /// A signed link serves so many requests, then it has expired.
    pub link_uses: Option<u64>,
    /// Whether RPC answers leave out what has its default value, as proto3 JSON may.
    pub sparse: bool,
    /// Datasets with names and files of your choice.
    pub plants: Vec<Plant>,
    /// What goes wrong.
    pub faults: Vec<Rule>,
    /// Before each answer.
    pub latency: Duration,
    /// Whether answers of the API are packed for clients that accept it.
    pub gzip: bool,
}

impl Default for KaggleConfig {
    fn default() -> Self {
        Self {
            port: 0,
            datasets: 1000,
            kernels: 1000,
            models: 300,
            competitions: 100,
            topics: 500,
            users: 300,
            seed: 1,
            dataset_cap: 10_000,
            kernel_cap: 1000,
            output_page: 500,
            drift: 0,
            denied: 0,
            hostile: 0,
            pile: 0,
            zip_from: 20_000,
            ignores_raw: false,
            meta_zipped: false,
            meta_2022: false,
            account: None,
            token: None,
            anonymous: true,
            link_uses: None,
            sparse: false,
            plants: Vec::new(),
            faults: Vec::new(),
            latency: Duration::ZERO,
            gzip: false,
        }
    }
}

/// A dataset of your own: public, in one version, rated 1.0.
#[derive(Clone, Debug)]
pub struct Plant {
    reference: String,
    files: Vec<(String, Content)>,
}

impl Plant {
    /// `owner/slug`; whatever it is, it is not looked at.
    #[must_use]
    pub fn dataset(reference: &str) -> Self {
        Self { reference: reference.into(), files: Vec::new() }
    }

    /// One file more, in listings, downloads and the archive. The name is not looked at either.
    #[must_use]
    pub fn file(mut self, name: &str, content: impl Into<Content>) -> Self {
        self.files.push((name.into(), content.into()));
        self
    }
}

/// A running double of Kaggle; dropping it closes its ports. [`Running`] tells what it saw.
///
/// It speaks the RPC form at `/v1/` and `/api/v1/`, the old REST form at `/api/v1/`, and takes absolute addresses as a
/// proxy does, so that clients with a fixed address can be led to it by `http_proxy`. Files come from a second address by
/// signed links. Refs: `owner/topic-INDEX`; the first item of each part is the showcase that the samples of the tests
/// need (`Kaggle::reference(part, 0)`).
pub struct Kaggle {
    running: Running,
    service: Arc<Service>,
}

impl Deref for Kaggle {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

impl Kaggle {
    /// Binds its addresses and starts serving on threads of its own.
    ///
    /// # Errors
    /// If a port is taken.
    pub async fn start(config: KaggleConfig) -> io::Result<Self> {
        let listeners = [bind(config.port)?, bind(0)?, bind(0)?];
        let address = |position: usize| listeners[position].local_addr().map(|address| address.to_string());
        let shared = Shared {
            journal: Arc::new(Journal::new()),
            plan: Arc::new(Plan::new(config.seed, config.faults.clone())),
            latency: config.latency,
            gzip: config.gzip,
            prefix: String::new(),
        };
        let service = Arc::new(Service {
            storage: Storage::default(),
            host: address(1)?,
            elsewhere: address(2)?,
            world: Arc::new(World::new(config)),
        });
        let files = Arc::new(FileHost { kaggle: service.clone() });
        let door = Arc::new(Door { service: service.clone(), files: FileHost { kaggle: service.clone() } });
        let [main, cdn, elsewhere] = listeners;
        let origins = vec![
            Origin { name: "main", listener: main, service: door },
            Origin { name: "cdn", listener: cdn, service: files.clone() },
            Origin { name: "elsewhere", listener: elsewhere, service: files },
        ];
        Ok(Self { running: start(origins, shared)?, service })
    }

    /// What an item is called now: `owner/slug`, a competition's slug, a topic's number.
    #[must_use]
    pub fn reference(&self, part: Part, index: u64) -> String {
        self.service.world.reference(part, index)
    }

    /// All items of a part that can be listed now, in no order.
    #[must_use]
    pub fn references(&self, part: Part) -> Vec<String> {
        let world = &self.service.world;
        world.indexes(part).into_iter().map(|index| world.reference(part, u64::from(index))).collect()
    }

    /// Takes an item out of lists; asked for, it is refused. False if there is none of this name.
    pub fn remove(&self, part: Part, reference: &str) -> bool {
        self.change(part, reference, |world, index| world.remove(part, index))
    }

    /// Gives an item another name; the old one is refused. False if there is none of this name.
    pub fn rename(&self, part: Part, reference: &str, now: &str) -> bool {
        self.change(part, reference, |world, index| world.rename(part, index, now))
    }

    /// Makes a new version of a dataset, with other bytes. False if there is none of this name.
    pub fn add_version(&self, dataset: &str) -> bool {
        self.change(Part::Datasets, dataset, World::add_version)
    }

    /// So many younger items appear.
    pub fn publish(&self, part: Part, count: u64) {
        self.service.world.publish(part, count);
    }

    /// All signed links given so far are refused from now on.
    pub fn expire_links(&self) {
        self.service.storage.expire();
    }

    /// All page tokens given so far are refused from now on.
    pub fn expire_tokens(&self) {
        self.service.world.state().token_age += 1;
    }

    fn change(&self, part: Part, reference: &str, change: impl FnOnce(&World, u64)) -> bool {
        let found = self.service.world.resolve(part, reference);
        if let Some(index) = found {
            change(&self.service.world, index);
            self.service.storage.forget();
        }
        found.is_some()
    }
}

/// What answers.
pub(crate) struct Service {
    world: Arc<World>,
    storage: Storage,
    /// Where files are, as `address:port`.
    host: String,
    /// Where nobody should go.
    elsewhere: String,
}

/// What a method says when nothing is wrong.
enum Talk {
    Json(Value),
    Link(String),
    Zip { name: String, bytes: Bytes },
}

impl Talk {
    /// A page of a list with its next token, spoilt if a fault is due.
    fn page(field: &str, mut rows: Vec<Value>, page: &Page, count: u64, fault: Option<&Fault>) -> Self {
        let mut next = page.next(count);
        page.spoil(&mut rows, &mut next, fault);
        Self::Json(json!({field: rows, "nextPageToken": next}))
    }
}

impl Service {
    /// A fresh link to a path of the storage.
    fn link(&self, path: &str, fault: Option<&Fault>) -> Talk {
        Talk::Link(match fault {
            Some(Fault::Stray) => format!("http://{}{}", self.elsewhere, percent::encode(path)),
            _ => format!("http://{}{}", self.host, self.storage.sign(path)),
        })
    }

    /// These places of an order, which a hot list changes while it is read.
    fn places(&self, part: Part, base: &[u32], range: Range<u64>, hot: bool) -> Vec<u64> {
        if hot && self.world.config.drift > 0 {
            return self.world.hot(part, base, range);
        }
        base[range.start as usize..range.end as usize].iter().map(|index| u64::from(*index)).collect()
    }

    fn talk(&self, call: &Call, fault: Option<&Fault>) -> Result<Talk, Answer> {
        match call.method.as_str() {
            "Hello" => Ok(Talk::Json(json!({"message": "Hello", "userName": self.user()}))),
            "IntrospectToken" => Ok(Talk::Json(json!({
                "active": true, "clientId": "", "username": self.user(), "userId": 1, "scope": "resources.admin:*",
            }))),
            "ListForums" | "ListTopics" | "GetTopic" | "ListComments" | "ListDatasetTopics"
            | "ListModelTopics" | "ListKernelTopics" => self.discussions(call, fault),
            "ListEntities" => {
                Ok(Talk::Json(json!({"documents": [], "totalDocuments": 0, "nextPageToken": ""})))
            }
            method if method.contains("Dataset") => self.datasets(call, fault),
            method if method.contains("Kernel") => self.kernels(call, fault),
            method if method.contains("Model") => self.models(call, fault),
            _ => self.competitions(call, fault),
        }
    }

    fn user(&self) -> String {
        self.world.config.account.as_ref().map_or_else(|| "simuser".into(), |(user, _)| user.clone())
    }

    /// `Err` holds the refusal of wrong or missing credentials.
    fn check(&self, request: &Request, call: Option<&Call>) -> Result<(), Answer> {
        let config = &self.world.config;
        let refused = || Err(refuse::refuse(401, "Unauthenticated"));
        let right = match request.header("authorization") {
            Some(sent) if sent.starts_with("Bearer ") => {
                config.token.as_ref().is_none_or(|token| sent[7..].trim() == token)
            }
            Some(sent) => {
                let pair = sent.strip_prefix("Basic ").and_then(|text| STANDARD.decode(text.trim()).ok());
                let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
                pair.is_some_and(|pair| {
                    config.account.as_ref().is_none_or(|(user, key)| pair == format!("{user}:{key}"))
                })
            }
            None => {
                const OPEN: [&str; 3] =
                    ["GetModelInstance", "ListModelInstanceVersionFiles", "DownloadModelInstanceVersion"];
                let open = |call: &Call| {
                    OPEN.contains(&call.method.as_str())
                        || call.method.contains("Dataset") && !call.method.ends_with("Topics")
                };
                config.anonymous && call.is_none_or(open)
            }
        };
        if right { Ok(()) } else { refused() }
    }
}

impl server::Service for Service {
    fn kind(&self, request: &Request) -> &'static str {
        match Call::of(request).map(|call| call.method) {
            Some(method) if method.starts_with("Download") => "resolve",
            Some(method) if method.contains("Files") || method == "ListKernelSessionOutput" => "tree",
            Some(method) if method == "ListCompetitionPages" => "detail",
            Some(method) if method.starts_with("List") => "list",
            Some(method) if method.starts_with("Get") => "detail",
            Some(method) if method == "Hello" || method == "IntrospectToken" => "whoami",
            _ => "other",
        }
    }

    fn admit(&self, request: &Request, _: &'static str) -> Result<Vec<Header>, Answer> {
        self.check(request, Call::of(request).as_ref()).map(|()| Vec::new())
    }

    fn instead(&self, request: &Request, fault: &Fault) -> Option<Answer> {
        let gateway = request.path().starts_with("/v1/");
        refuse::instead(if gateway { Dialect::Gateway } else { Dialect::Rpc }, fault)
    }

    fn answer(&self, request: &Request, _: &'static str, fault: Option<&Fault>) -> Answer {
        let Some(call) = Call::of(request) else { return refuse::not_found() };
        match self.talk(&call, fault) {
            Ok(Talk::Json(value)) => {
                Answer::json(dialect::write(call.dialect, &call.method, value, self.world.config.sparse))
            }
            Ok(Talk::Link(location)) => Answer::text(302, "").with("Location", location),
            Ok(Talk::Zip { name, bytes }) => Answer::new(200, "application/zip", bytes)
                .with("Last-Modified", calendar::http(calendar::END - 60))
                .with("Content-Disposition", format!("attachment; filename=\"{name}\"")),
            Err(refusal) => refusal,
        }
    }
}

/// The main address: the API, and the storage for those who come through it as a proxy.
struct Door {
    service: Arc<Service>,
    files: FileHost,
}

impl Door {
    fn to(&self, request: &Request) -> &dyn server::Service {
        if request.header("host") == Some(&self.service.host) { &self.files } else { self.service.as_ref() }
    }
}

impl server::Service for Door {
    fn kind(&self, request: &Request) -> &'static str {
        self.to(request).kind(request)
    }

    fn admit(&self, request: &Request, kind: &'static str) -> Result<Vec<Header>, Answer> {
        self.to(request).admit(request, kind)
    }

    fn instead(&self, request: &Request, fault: &Fault) -> Option<Answer> {
        self.to(request).instead(request, fault)
    }

    fn answer(&self, request: &Request, kind: &'static str, fault: Option<&Fault>) -> Answer {
        self.to(request).answer(request, kind, fault)
    }
}
