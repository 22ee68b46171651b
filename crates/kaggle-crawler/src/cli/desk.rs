//! One run of a part: list, then map, with what the flags say.

use std::path::Path;

use crawl_cli::anyhow::Result;
use crawl_cli::{Known, Outcome, Session, grouped, say};
use crawl_core::http::{Http, Waiting};
use crawl_core::{Input, Map, Next, Over, Pump, Record, Round, Source, SourceId, Store, Stored};
use kaggle_crawler::discussions::Pseudonyms;
use kaggle_crawler::meta::{self, Tables, Which};
use kaggle_crawler::{Archives, Kaggle, Part};
use s3_uploader::UploadFlags;

use super::common::Common;
use super::{account, plan};

/// What a part needs to run.
pub(crate) struct Desk<'a> {
    common: &'a Common,
    session: &'a Session,
    pub(crate) kaggle: Kaggle,
    store: Store,
    listed: Outcome,
    /// How much may wait for the bucket.
    budget: Option<u64>,
}

impl<'a> Desk<'a> {
    pub(crate) fn open(common: &'a Common, session: &'a Session) -> Result<Self> {
        common.no_shared_upload()?;
        let http = Http::new(common.http.http(4, session.stop()))?;
        let mut kaggle = account::with_account(Kaggle::new(http, &common.endpoint)?)?;
        if common.endpoint == Kaggle::ENDPOINT && common.http.per_second.is_none() {
            kaggle = kaggle.politely();
        }
        let (store, budget) = (Store::new(&common.root), common.upload.disk_budget);
        Ok(Desk { common, session, kaggle, store, listed: Outcome::Done, budget })
    }

    /// Lists, unless this run does a share of what is listed.
    pub(crate) async fn list(&mut self, source: &impl Source) -> Result<()> {
        if self.common.share.is_some() {
            return Ok(());
        }
        let waiting = || self.kaggle.waiting();
        let known = self.known(&waiting, self.common.limit);
        let options = Pump::default().rows(self.common.limit);
        self.listed = self.session.crawl(source, &self.store, options, known).await?.1;
        let manifest = Stored::open(&self.common.root, source.id())?.manifest()?;
        let doubts: Vec<_> = manifest.into_iter().filter_map(|line| line.doubt).collect();
        for doubt in doubts.iter().take(5) {
            say(format!("  in doubt: {doubt}"));
        }
        if doubts.len() > 5 {
            say(format!(
                "  and {} more: kaggle-crawler coverage {}",
                doubts.len() - 5,
                self.common.root.display()
            ));
        }
        if !doubts.is_empty() {
            self.listed = worse(self.listed, Outcome::Missing);
        }
        Ok(())
    }

    /// Lists the refs that Meta Kaggle's tables in `folder` tell.
    pub(crate) async fn list_tables(&mut self, folder: &Path, which: Which) -> Result<()> {
        if self.common.share.is_some() {
            return Ok(());
        }
        let (folder, root, stop) = (folder.to_owned(), self.common.root.clone(), self.session.stop());
        say(format!("reading the tables in {}", folder.display()));
        let read = move || meta::references(&Tables::open(&folder, stop)?, which, &root);
        let lines = tokio::task::spawn_blocking(read).await??;
        let items = lines.counts().get("items").copied().unwrap_or(0);
        say(format!(
            "Meta Kaggle has {} items, {} of them with a ref",
            grouped(items),
            grouped(lines.rows())
        ));
        self.list(&lines).await
    }

    /// Lists all discussions of Meta Kaggle's tables in `folder`, which is the final format already.
    pub(crate) async fn topics(self, folder: &Path, pseudonyms: Option<Pseudonyms>) -> Result<Outcome> {
        let common = self.common;
        let (folder, root, stop) = (folder.to_owned(), common.root.clone(), self.session.stop());
        say(format!("reading the tables in {}: this takes a while the first time", folder.display()));
        let read = move || meta::topics(&Tables::open(&folder, stop)?, &root, pseudonyms.as_ref());
        let lines = tokio::task::spawn_blocking(read).await??.rows_a_page(common.rows_a_page.get());
        for (name, count) in lines.counts() {
            say(format!("  {:>12}  {name}", grouped(*count)));
        }
        let known = Known { expects: common.limit.or(Some(lines.rows())), ..Known::default() };
        let options = Pump::default().rows(common.limit);
        Ok(common.upload.crawl(self.session, &lines, &self.store, options, known).await?.1)
    }

    /// The outcome, if nothing is to be done after the listing. `size` gives the bytes of a listed row, where they are
    /// known.
    pub(crate) fn done(&self, part: &Part, size: impl Fn(&Record) -> Option<u64>) -> Result<Option<Outcome>> {
        if self.common.plan && self.listed != Outcome::Stopped {
            plan::tell(&self.input(part)?, size, self.common)?;
        }
        let ends = self.common.plan || self.common.list_only || self.listed == Outcome::Stopped;
        Ok(ends.then_some(self.listed))
    }

    /// How archives are brought: within a quarter of the disk budget. The rest is for files, and for what is unpacked
    /// of an archive, which lies beside it.
    pub(crate) fn archives(&mut self) -> Archives {
        let Some(budget) = self.budget else { return Archives::default() };
        self.budget = Some(budget - budget / 4);
        Archives::within(budget / 4)
    }

    /// What was listed.
    pub(crate) fn input(&self, part: &Part) -> Result<Input> {
        Ok(Input::open(&self.common.root, &SourceId::new(part.name)?)?)
    }

    /// Maps what was listed into the final format, under `name`.
    pub(crate) async fn map<M: Map>(self, over: Over<M>, name: &str) -> Result<Outcome> {
        let common = self.common;
        let id = SourceId::new(name)?;
        let over = over.rows_a_page(Some(common.rows_a_page)).share(common.share)?;
        let next = match common.retry_missing {
            true => Round::next(&common.root, &id)?,
            false => Next::Whole,
        };
        let over = match next {
            Next::Whole => over,
            Next::Again(round) => over.again(round)?,
            Next::Nothing => {
                say(format!("nothing is missing in {}", common.root.display()));
                return Ok(self.listed);
            }
        };
        let waiting = || self.kaggle.waiting();
        let known = self.known(&waiting, over.expects());
        let pages = match common.next {
            // Nothing is there before the first run.
            Some(next) => {
                let done = Stored::sources(&common.root)?.contains(&id);
                let before = if done { Stored::open(&common.root, &id)?.checkpoint().pages } else { 0 };
                Some(before + next.get())
            }
            None => None,
        };
        let options = Pump::default().in_flight(2).pages(pages);
        let upload = UploadFlags { disk_budget: self.budget, ..common.upload.clone() };
        let crawled = upload.crawl(self.session, &over, &self.store, options, known).await?;
        Ok(worse(crawled.1, self.listed))
    }

    fn known<'k>(
        &self,
        waiting: &'k (dyn Fn() -> Option<Waiting> + Sync),
        expects: Option<u64>,
    ) -> Known<'k> {
        Known { expects, waiting: Some(waiting), ..Known::default() }
    }
}

fn worse(one: Outcome, other: Outcome) -> Outcome {
    if one == Outcome::Done { other } else { one }
}
