//! Which embedder a command uses.

use std::path::Path;
use std::sync::Arc;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{HttpFlags, env};
use crawl_core::http::{Http, Secret};
use crawl_core::{Error, Kind as Why, Stop};
use record_search::{Embedder, EndpointEmbedder, Model, TableEmbedder};
use tokio::runtime::Handle;

#[derive(Args, Debug)]
pub(super) struct VectorFlags {
    /// What makes vectors: `table` (the shipped one, English, no network), `none`, or the address of an OpenAI-compatible
    /// service up to /v1. Without it: what the index was built with, `table` for a new one
    #[arg(long, value_name = "WHAT", help_heading = "Vectors")]
    vectors: Option<String>,
    /// The service's model; its key is read from OPENAI_API_KEY
    #[arg(long, value_name = "NAME", help_heading = "Vectors", default_value = "text-embedding-3-small")]
    vector_model: String,
    #[command(flatten)]
    http: HttpFlags,
}

impl VectorFlags {
    /// The embedder for the index in a folder. To be asked outside of the runtime's own threads.
    pub(super) fn embedder(&self, index: &Path, runtime: &Handle) -> Result<Option<Arc<dyn Embedder>>> {
        let built = Model::of_index(index).map(|model| model.map(|model| model.name));
        let what = match (&self.vectors, built) {
            (Some(what), _) => what.clone(),
            (None, None) => "table".into(),
            (None, Some(None)) => "none".into(),
            (None, Some(Some(name))) if name == "table" => name,
            (None, Some(Some(name))) => {
                let what = format!("the index was built with the vectors of {name}");
                let advice =
                    "name the service with --vectors and --vector-model, or search with --vectors none";
                return Err(Error::new(Why::Config, what).advise(advice).into());
            }
        };
        Ok(match what.as_str() {
            "none" => None,
            "table" => Some(Arc::new(TableEmbedder::shipped()?)),
            base => {
                let http = Http::new(self.http.http(4, Stop::new()))?;
                let key = env("OPENAI_API_KEY").map(Secret::new);
                let made = EndpointEmbedder::new(http, runtime.clone(), base, &self.vector_model, key)?;
                Some(Arc::new(made))
            }
        })
    }
}
