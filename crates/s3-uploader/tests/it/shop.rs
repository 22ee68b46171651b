//! A service with files, and a crawl of it.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crawl_core::files::{Digest, Wanted};
use crawl_core::http::{Http, HttpConfig, Request};
use crawl_core::{
    Context, Cursor, Error, Kind, Page, Pump, Record, Result, Settings, Source, SourceId, Stop, Store, pump,
};
use s3_uploader::Behind;
use sha2::{Digest as _, Sha256};

use crate::desk::{Desk, bytes, plan};

pub(crate) fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// A service with a listing of two pages that name a file each, whose digest it tells.
pub(crate) struct Shop {
    id: SourceId,
    http: Http,
    url: String,
    /// Downloads that were asked for.
    pub(crate) asked: Arc<AtomicU64>,
    /// Page 2 breaks off once its file is there.
    pub(crate) breaks: bool,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicU64::new(0));
        let count = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut head) = (stream.unwrap(), Vec::new());
                let mut piece = [0; 1024];
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut piece) {
                        Ok(0) | Err(_) => break,
                        Ok(read) => head.extend_from_slice(&piece[..read]),
                    }
                }
                let number = head.get(5).map_or(0, |digit| u64::from(digit - b'0'));
                count.fetch_add(1, Ordering::SeqCst);
                let body = Shop::file(number);
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                // A client that went away is no matter.
                let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        let http =
            Http::new(HttpConfig { backoff: Duration::from_millis(5), ..HttpConfig::default() }).unwrap();
        Shop { id: SourceId::new("test/shop").unwrap(), http, url, asked, breaks: false }
    }

    pub(crate) fn file(number: u64) -> Vec<u8> {
        bytes(70_000, number)
    }

    pub(crate) async fn crawl(&self, desk: &Desk, root: &Path) -> Result<()> {
        let behind =
            Behind::new(Store::new(root), desk.job(plan("crawl/", true)), self.settings(), Some(1 << 20));
        let pumped = async {
            let result = pump(self, &behind, Pump::default(), &Stop::new(), |_| {}).await;
            behind.end();
            result
        };
        let (pumped, moved) = tokio::join!(pumped, behind.run(&self.id));
        moved.unwrap();
        pumped.map(|_| ())
    }
}

impl Source for Shop {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn after(&self, _: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor, context: &Context) -> Result<Option<Page>> {
        let number = if at.is_start() { 1 } else { 2 };
        let request = Request::get(format!("{}/{number}", self.url).parse().unwrap());
        let mut wanted = Wanted::new(request, format!("files/{number}.bin"));
        wanted.digests = vec![Digest::Sha256(sha256(&Shop::file(number)))];
        let file = context.files.fetch(&self.http, &wanted).await?;
        if self.breaks && number == 2 {
            return Err(Error::new(Kind::Transient, "the service broke off"));
        }
        let record = Record::parse(format!("{{\"number\":{number}}}")).unwrap();
        let mut page = Page::new(vec![record], (number == 1).then(|| Cursor::new("2")));
        page.files = vec![file];
        page.fetched_at = "2026-11-23T10:00:00Z".parse().unwrap();
        Ok(Some(page))
    }
}
