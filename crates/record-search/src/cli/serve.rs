//! `record-search serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, env, print, say};
use crawl_core::{Error, Kind};
use record_search::Index;
use record_search::serve::{Serve, Server};
use tokio::runtime::Handle;

use super::vectors::VectorFlags;

pub(super) const EXAMPLES: &str = "Examples:
  record-search serve --index data/index                                    then open http://127.0.0.1:8080
  record-search serve --index data/index --root data/models --addr 127.0.0.1:0
  RECORD_SEARCH_TOKEN=$(openssl rand -hex 16) record-search serve --index data/index --addr 0.0.0.0:8080 \\
      --token-env RECORD_SEARCH_TOKEN
Nothing is written; a newer commit of the index is opened by itself. Ctrl-C ends it at once.";

#[derive(Args, Debug)]
pub(super) struct ServeFlags {
    /// The folder of the index
    #[arg(long, value_name = "DIR")]
    index: PathBuf,
    /// Where to listen; port 0 takes a free one. What others can reach needs a token, and a proxy in front of it for TLS
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    addr: SocketAddr,
    /// The variable of the environment that holds the token; without it one is made where others can reach the address
    #[arg(long, value_name = "NAME")]
    token_env: Option<String>,
    /// A root of crawls whose state is shown; may be given several times
    #[arg(long, value_name = "DIR")]
    root: Vec<PathBuf>,
    #[command(flatten)]
    vectors: VectorFlags,
}

fn address(text: &str) -> std::result::Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080")
}

pub(super) async fn run(flags: ServeFlags) -> Result<Outcome> {
    let token = match &flags.token_env {
        Some(name) => Some(env(name).ok_or_else(|| {
            Error::new(Kind::Config, "the variable of the token is not set, or empty")
                .at(name)
                .advise(format!("set it: export {name}=$(openssl rand -hex 16)"))
        })?),
        None if !flags.addr.ip().is_loopback() => Some(made()?),
        None => None,
    };
    if let Some(token) = token.as_ref().filter(|_| flags.token_env.is_none()) {
        say(format!("others can reach {}, so they need this token: {token}", flags.addr));
    }
    let (folder, vectors, runtime) = (flags.index, flags.vectors, Handle::current());
    let (folder, embedder) = tokio::task::spawn_blocking(move || {
        vectors.embedder(&folder, &runtime).map(|embedder| (folder, embedder))
    })
    .await??;
    let open = Box::new(move || Index::open(&folder, embedder.clone()));
    let server = Server::bind(Serve { open, addr: flags.addr, token, roots: flags.root }).await?;
    print(format!("http://{}", server.addr()));
    server.run().await;
    Ok(Outcome::Done)
}

/// A token that nobody can guess.
fn made() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::getrandom(&mut bytes).map_err(|cause| {
        Error::new(Kind::Config, "the system gives no random numbers")
            .because(cause.to_string())
            .advise("make a token yourself, and name its variable: --token-env NAME")
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
