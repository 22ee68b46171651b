//! Pictures of posts: each address once, by the hash of its bytes, checked, and read by OCR where that is wished.

mod kind;
mod ocr;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use crawl_core::http::{Http, Request, Service, shown};
use crawl_core::record::conversation::{Image, Post};
use crawl_core::robots::Signals;
use crawl_core::{Context, Error, FileLine, Kind, Result};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use url::Url;

use crate::TOKEN;

pub use self::kind::Format;
pub use self::ocr::Ocr;

/// A larger picture is not taken.
const MOST: usize = 20 << 20;
/// The addresses of so many pictures are remembered, so that each is fetched once.
const REMEMBERED: usize = 50_000;
/// The folder of pictures below a root.
const FOLDER: &str = "images";

/// What becomes of pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// They are fetched and kept.
    #[default]
    Keep,
    /// They are fetched and read, and only their text is kept.
    OcrOnly,
    /// They are not fetched.
    None,
}

impl std::fmt::Display for Keep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Keep::Keep => "keep",
            Keep::OcrOnly => "ocr-only",
            Keep::None => "none",
        })
    }
}

/// What is known of a picture, once it was fetched.
#[derive(Clone, Debug, Default)]
struct Known {
    sha256: String,
    line: Option<FileLine>,
    width: Option<u32>,
    height: Option<u32>,
    ocr: Option<Value>,
}

type Fetched = Arc<OnceCell<std::result::Result<Known, String>>>;

/// Fetches pictures. Clones of an address, in one process, are fetched once.
#[derive(Debug)]
pub struct Pictures {
    http: Http,
    base: Url,
    keep: Keep,
    ocr: Option<Ocr>,
    known: Mutex<HashMap<String, Fetched>>,
}

impl Pictures {
    /// Pictures of the forum at `base`. Its own host is trusted, others must be public.
    pub fn new(http: Http, base: Url, keep: Keep, ocr: Option<Ocr>) -> Self {
        Pictures { http, base, keep, ocr, known: Mutex::default() }
    }

    /// What becomes of them.
    pub fn keep(&self) -> Keep {
        self.keep
    }

    /// In which languages they are read, if they are.
    pub fn languages(&self) -> Option<&str> {
        self.ocr.as_ref().map(Ocr::languages)
    }

    /// Fetches the pictures of `posts` and tells there what became of each; gives their files, each once.
    ///
    /// # Errors
    /// Those of the disk, and [`Kind::Stopped`]. A picture that cannot be had has its reason in `more.missing`.
    pub(crate) async fn of(&self, posts: &mut [Post], context: &Context) -> Result<Vec<FileLine>> {
        let mut lines: Vec<FileLine> = Vec::new();
        if self.keep == Keep::None {
            return Ok(lines);
        }
        for image in posts.iter_mut().flat_map(|post| &mut post.images) {
            let Some(url) = image.url.clone() else { continue };
            match self.one(&url, context).await? {
                Ok(known) => {
                    tell(image, &known);
                    if let Some(line) = known.line.filter(|line| !lines.contains(line)) {
                        lines.push(line);
                    }
                }
                Err(reason) => drop(image.more.insert("missing".into(), reason.into())),
            }
        }
        Ok(lines)
    }

    async fn one(&self, url: &str, context: &Context) -> Result<std::result::Result<Known, String>> {
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= REMEMBERED {
                // Those under way are held by who waits for them; the others are fetched again if they come again.
                known.retain(|_, cell| Arc::strong_count(cell) > 1);
            }
            known.entry(url.to_owned()).or_default().clone()
        };
        let fetched = cell.get_or_try_init(|| async {
            match self.fetch(url, context).await {
                Ok(known) => Ok(Ok(known)),
                Err(error) if matches!(error.kind(), Kind::Stopped | Kind::Storage) => Err(error),
                Err(error) => {
                    tracing::debug!(%error, "a picture cannot be had");
                    Ok(Err(format!("{}: {error}", error.kind().word())))
                }
            }
        });
        Ok(fetched.await?.clone())
    }

    async fn fetch(&self, url: &str, context: &Context) -> Result<Known> {
        let url = Url::parse(url).map_err(|cause| {
            Error::new(Kind::Shape, "the address of a picture cannot be read").because(cause)
        })?;
        let bytes = self.bytes(&url).await?;
        let bad = |what: &str| Error::new(Kind::Shape, what.to_owned()).at(shown(&url));
        let format = Format::of(&bytes).ok_or_else(|| bad("this is no picture, whatever it says"))?;
        let (width, height) = format.size(&bytes).unzip();
        if width.zip(height).is_some_and(|(width, height)| kind::is_bomb(width, height)) {
            return Err(bad("the picture would fill the memory when it is opened"));
        }
        let sha256 = HEXLOWER.encode(&Sha256::digest(&bytes));
        let ocr = match &self.ocr {
            Some(ocr) if format.is_pixels() => ocr.read(bytes.clone(), width, height).await?,
            _ => None,
        };
        let line = match self.keep {
            Keep::Keep => {
                let name = format!("{FOLDER}/{sha256}.{}", format.suffix());
                Some(context.files.put(&name, None, bytes).await?)
            }
            Keep::OcrOnly | Keep::None => None,
        };
        Ok(Known { sha256, line, width, height, ocr })
    }

    async fn bytes(&self, url: &Url) -> Result<Bytes> {
        let own = url.origin() == self.base.origin();
        let request = Request { service: &Service::PLAIN, untrusted: !own, ..Request::get(url.clone()) };
        let mut opened = self.http.open(&request).await?;
        let headers = opened.response.headers.iter();
        let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signals = Signals::of_headers(headers, TOKEN);
        if !signals.may_take_images() || signals.train == Some(false) {
            return Err(Error::new(Kind::Denied, "its owner does not want it used so").at(shown(url)));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = opened.chunk().await? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MOST {
                return Err(Error::new(Kind::Shape, format!("larger than {MOST} bytes")).at(shown(url)));
            }
        }
        Ok(bytes.into())
    }
}

fn tell(image: &mut Image, known: &Known) {
    image.sha256 = Some(known.sha256.clone());
    image.file = known.line.as_ref().map(|line| line.path.clone());
    image.width = known.width.or(image.width);
    image.height = known.height.or(image.height);
    image.ocr.clone_from(&known.ocr);
}

/// What OCR gave, in the normal form.
fn told(text: &str, engine: &str, languages: &str, confidence: f64) -> Value {
    json!({"text": text, "engine": engine, "lang": languages, "confidence": (confidence * 10.0).round() / 10.0})
}
