//! The page and its JSON API: one index, read only, over HTTP.
//!
//! Pages are made on the server and work without JavaScript; the address holds the whole query. What an index holds
//! was written by anybody: every text is escaped, the browser is told to run nothing but our one script, and a link
//! leaves the page only for `http` and `https`.

mod answer;
mod api;
mod asked;
mod authors;
mod catalogue;
mod charts;
mod compare;
mod connection;
mod datasets;
mod facets;
mod family;
mod feed;
mod guard;
mod histogram;
mod hits;
mod layout;
mod meaning;
mod memory;
mod model;
mod refine;
mod results;
mod shared;
mod show;
mod state;
mod why;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crawl_core::{Error, Kind, Result};
use tokio::net::TcpListener;

use crate::index::Index;
use shared::Shared;

/// Opens the index: at the start, and again whenever there is a newer commit.
pub type Opener = Box<dyn Fn() -> Result<Index> + Send + Sync>;

/// The fewest characters of a token.
pub const LEAST_TOKEN: usize = 16;

/// What is served, and to whom.
pub struct Serve {
    /// Opens the index.
    pub open: Opener,
    /// Where to listen; port 0 takes a free one.
    pub addr: SocketAddr,
    /// Who knows it may ask, white space around it aside; `None` lets everybody who reaches the address, which must be
    /// loopback.
    pub token: Option<String>,
    /// Roots of crawls, whose state is shown.
    pub roots: Vec<PathBuf>,
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
    addr: SocketAddr,
}

impl Server {
    /// Opens the index and listens.
    ///
    /// # Errors
    /// `Config` if the address is not loopback and there is no token, the token is shorter than [`LEAST_TOKEN`], or
    /// the address is taken; those of opening the index.
    pub async fn bind(serve: Serve) -> Result<Server> {
        // A file or a variable may end in a line break that nobody sends.
        let token = serve.token.map(|token| token.trim().to_owned());
        match &token {
            None if !serve.addr.ip().is_loopback() => {
                return Err(Error::new(
                    Kind::Config,
                    "others could reach this address, so a token is needed",
                )
                .at(serve.addr.to_string())
                .advise("name a variable that holds one: --token-env NAME; or listen at 127.0.0.1"));
            }
            Some(token) if token.len() < LEAST_TOKEN => {
                let what = format!("the token is shorter than {LEAST_TOKEN} characters");
                return Err(Error::new(Kind::Config, what).advise("make one with `openssl rand -hex 16`"));
            }
            _ => {}
        }
        let taken = |cause: std::io::Error| {
            Error::new(Kind::Config, "cannot listen there")
                .at(serve.addr.to_string())
                .because(cause)
                .advise("name another address with --addr; port 0 takes a free one")
        };
        let listener = TcpListener::bind(serve.addr).await.map_err(taken)?;
        let addr = listener.local_addr().map_err(taken)?;
        let (open, roots) = (serve.open, serve.roots);
        let shared = tokio::task::spawn_blocking(move || Shared::open(open, roots, token.as_deref(), addr));
        let shared = shared
            .await
            .map_err(|cause| Error::new(Kind::Storage, "the index could not be opened").because(cause))??;
        Ok(Server { listener, shared: Arc::new(shared), addr })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers until it is dropped.
    pub async fn run(self) {
        let router = answer::router(&self.shared);
        connection::accept(self.listener, router).await;
    }
}
