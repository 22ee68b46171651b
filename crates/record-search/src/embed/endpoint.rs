//! The embedder that asks a service: any that is compatible with OpenAI's `/v1/embeddings`.

use crawl_core::http::{Credential, Http, Request, Secret};
use crawl_core::{Error, Kind as Why, Result};
use serde::Deserialize;
use tokio::runtime::Handle;
use url::Url;

use super::{Embedded, Embedder};
use crate::document::key_hash;

/// So many texts are sent with one request.
const AT_ONCE: usize = 64;
/// Longer texts are cut: services refuse what is longer than their models take.
const MOST_TEXT: usize = 8_000;

/// A service that makes vectors. It must not be asked from within the runtime's own threads, for it waits.
pub struct EndpointEmbedder {
    http: Http,
    runtime: Handle,
    url: Url,
    model: String,
    key: Option<Secret>,
    dimension: usize,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    index: usize,
    embedding: Vec<f32>,
}

impl EndpointEmbedder {
    /// A service at `base` (`https://api.openai.com/v1`), whose dimension is asked for with one text.
    ///
    /// # Errors
    /// `Config` if the address is none; those of the service.
    pub fn new(http: Http, runtime: Handle, base: &str, model: &str, key: Option<Secret>) -> Result<Self> {
        let bad = |_| {
            Error::new(Why::Config, "this is no address")
                .at(base)
                .advise("write it with https:// and up to /v1")
        };
        let url = Url::parse(&format!("{}/embeddings", base.trim_end_matches('/'))).map_err(bad)?;
        let mut embedder = EndpointEmbedder { http, runtime, url, model: model.into(), key, dimension: 0 };
        let first = embedder.ask(&["dimension"])?;
        embedder.dimension = first.first().map_or(0, Vec::len);
        match embedder.dimension {
            1..=8_192 => Ok(embedder),
            other => {
                Err(shape(&format!("its vectors have {other} numbers")).at(crawl_core::shown(&embedder.url)))
            }
        }
    }

    fn ask(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let body = serde_json::json!({ "model": self.model, "input": texts, "encoding_format": "float" });
        // Asking twice costs twice and changes nothing.
        let mut request = Request::post_json(self.url.clone(), body.to_string().into(), true);
        request.credential = self.key.as_ref().map(|key| Credential::bearer(&self.url, key));
        let read = |response: crawl_core::http::Response| {
            let answer: Answer = serde_json::from_slice(&response.body)
                .map_err(|cause| crawl_core::json::not_json(&response.body, &cause))?;
            in_order(answer, texts.len())
        };
        self.runtime.block_on(self.http.send_and(&request, read))
    }
}

/// The vectors in the order of their texts, each once, all of one length.
fn in_order(answer: Answer, texts: usize) -> Result<Vec<Vec<f32>>> {
    let mut vectors = vec![Vec::new(); texts];
    for one in answer.data {
        match vectors.get_mut(one.index) {
            Some(vector) if vector.is_empty() => *vector = one.embedding,
            _ => return Err(shape(&format!("there is no text {}, or it came twice", one.index))),
        }
    }
    let dimension = vectors.first().map_or(0, Vec::len);
    if dimension == 0 || vectors.iter().any(|vector| vector.len() != dimension) {
        return Err(shape("a text has no vector, or they differ in length"));
    }
    Ok(vectors)
}

fn shape(what: &str) -> Error {
    Error::new(Why::Shape, format!("the answer is not that of an embedder: {what}"))
}

impl Embedder for EndpointEmbedder {
    fn name(&self) -> String {
        format!("{} at {}", self.model, crawl_core::shown(&self.url))
    }

    /// A service shows no digest of its model: its name stands for it.
    fn digest(&self) -> String {
        format!("{:032x}", key_hash(&format!("{}\n{}", self.url, self.model)))
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Embedded>> {
        let mut out = vec![Embedded::default(); texts.len()];
        // Services refuse empty texts.
        let asked: Vec<(usize, &str)> = texts
            .iter()
            .enumerate()
            .map(|(at, text)| (at, &text[..text.floor_char_boundary(MOST_TEXT)]))
            .filter(|(_, text)| !text.trim().is_empty())
            .collect();
        for part in asked.chunks(AT_ONCE) {
            let part_texts: Vec<&str> = part.iter().map(|(_, text)| *text).collect();
            for ((at, text), mut vector) in part.iter().zip(self.ask(&part_texts)?) {
                if vector.len() != self.dimension || vector.iter().any(|number| !number.is_finite()) {
                    return Err(shape(&format!("a vector has {} numbers, or odd ones", vector.len())));
                }
                let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
                vector.iter_mut().for_each(|number| *number /= length.max(f32::MIN_POSITIVE));
                // A language model knows every word, as far as anybody can tell.
                let words = text.split_whitespace().count();
                out[*at] = Embedded { vector: (length > 0.0).then_some(vector), known: words, words };
            }
        }
        Ok(out)
    }
}
