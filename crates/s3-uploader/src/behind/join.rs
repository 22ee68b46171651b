//! The beginning: both sides are compared, the prefix is claimed, and the shorter side goes on from the longer one.

use crawl_core::{Checkpoint, Error, Kind, Mark, Result, Sink, SourceId, Stored};

use super::Behind;

/// Who writes under a prefix, beside the bucket's checkpoint.
const CLAIM: &str = "writer";

impl Behind {
    /// How far the bucket has come by its own checkpoint.
    pub(super) async fn in_bucket(&self, id: &SourceId) -> Result<Checkpoint> {
        let name = format!("{id}/checkpoint.json");
        let Some(bytes) = self.job.read_bytes(&name).await? else { return Ok(Checkpoint::start()) };
        let bad = |what: &str| Error::new(Kind::Storage, what).at(self.job.place(&name));
        let found: Checkpoint = serde_json::from_slice(&bytes)
            .map_err(|cause| bad("the bucket's checkpoint is not readable").because(cause))
            .map_err(|error| error.advise("put back what was there, or use a new prefix"))?;
        if !(1..=2).contains(&found.version) {
            return Err(bad("the bucket's checkpoint is of another version")
                .advise("use the program that wrote it, or a new prefix"));
        }
        Ok(found)
    }

    /// Claims the prefix: whoever claimed it before notices, and stops. So a new machine can take over from one
    /// that hangs, and of two that begin together one goes on.
    pub(super) async fn claim(&self, id: &SourceId) -> Result<()> {
        let mark = self.job.mark().to_owned().into();
        let claimed = self.job.put_bytes(&format!("{id}/{CLAIM}"), mark).await;
        claimed.map_err(|error| if error.kind() == Kind::Storage { self.not_alone(id) } else { error })
    }

    pub(super) fn not_alone(&self, id: &SourceId) -> Error {
        Error::new(Kind::Config, "another program writes under the same prefix of the bucket")
            .at(self.job.place(id.as_str()))
            .advise("let one crawl at a time use a prefix; the pages that are here are kept")
    }

    pub(super) async fn check_alone(&self, id: &SourceId) -> Result<()> {
        let claim = self.job.read_bytes(&format!("{id}/{CLAIM}")).await?;
        if claim.is_some_and(|claim| claim == self.job.mark().as_bytes()) {
            return Ok(());
        }
        Err(self.not_alone(id))
    }

    /// Goes on from whichever side is further, once; what the bucket's checkpoint tells. Until both sides are known
    /// to tell the same story, as far as they both go, nothing is changed on either.
    pub(super) async fn join(&self, id: &SourceId) -> Result<&Checkpoint> {
        let join = crate::job::boxed(async {
            self.compare(id).await?;
            self.claim(id).await?;
            // Whoever had the prefix may have told of more meanwhile; from here on it stops.
            let (there, manifest) = self.compare(id).await?;
            let here = self.store.checkpoint(id).await?.pages;
            self.state().before = here;
            self.put_leftovers_aside(id, there.pages, here).await?;
            if there.pages > here {
                let marks = self.marks_there(id, &there).await?;
                self.store.adopt(id, manifest, marks, &there).await?;
            }
            Ok(there)
        });
        self.joined.get_or_try_init(|| join).await
    }

    /// What the bucket has seen, as far as its checkpoint goes. It is written before the checkpoint, so it may be
    /// longer, and never shorter.
    async fn marks_there(&self, id: &SourceId, there: &Checkpoint) -> Result<Vec<u8>> {
        if there.marks == 0 {
            return Ok(Vec::new());
        }
        let (name, length) = (format!("{id}/seen.bin"), there.marks as usize * size_of::<Mark>());
        let mut marks = self.job.read_bytes(&name).await?.unwrap_or_default().to_vec();
        if marks.len() < length {
            let what = "the bucket's seen.bin is shorter than its checkpoint says";
            return Err(Error::new(Kind::Storage, what).at(self.job.place(&name)).advise(
                "put back what was there, or go on from the root that sent it; nothing was changed",
            ));
        }
        marks.truncate(length);
        Ok(marks)
    }

    /// The bucket's checkpoint and manifest, if they tell the same story as the disk.
    pub(super) async fn compare(&self, id: &SourceId) -> Result<(Checkpoint, Vec<u8>)> {
        self.job.begin().await?;
        let there = self.in_bucket(id).await?;
        let here = self.store.checkpoint(id).await?;
        self.check_settings(&here, self.store.root().display().to_string())?;
        self.check_settings(&there, self.job.place(id.as_str()))?;
        if there.pages == 0 {
            return Ok((there, Vec::new()));
        }
        let mut theirs =
            self.job.read_bytes(&format!("{id}/manifest.jsonl")).await?.unwrap_or_default().to_vec();
        theirs.truncate(there.manifest_bytes as usize);
        let ours = match here.pages {
            0 => Vec::new(),
            _ => Stored::open(self.store.root(), id)?.manifest_bytes(0)?,
        };
        let both = ours.len().min(theirs.len());
        if ours[..both] != theirs[..both] || theirs.len() as u64 != there.manifest_bytes {
            return Err(Error::new(Kind::Config, "the bucket holds another crawl under this prefix")
                .at(self.job.place(id.as_str()))
                .advise("use a new prefix, or the root of that crawl; nothing was changed here or there"));
        }
        Ok((there, theirs))
    }

    /// Pages that another machine sent and did not tell of before it ended: this one will send its own under the
    /// same names. They are moved within the bucket and not removed, for they may be the only copy.
    pub(super) async fn put_leftovers_aside(&self, id: &SourceId, told: u64, here: u64) -> Result<()> {
        let folder = format!("{id}/page_");
        for name in self.job.names_below(&folder).await? {
            let Some(rest) = name.strip_prefix(&folder) else { continue };
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let Ok(number) = rest[..digits].parse::<u64>() else { continue };
            // One that is committed here and not on the disk is ours, sent by an earlier run.
            if number > told && (number > here || self.store.root().join(&name).is_file()) {
                let mark = self.job.mark();
                tracing::warn!(name, "a page of a machine that ended is put aside in the bucket");
                self.job.rename(&name, &format!("{id}/aside-{mark}/page_{rest}")).await?;
            }
        }
        Ok(())
    }

    pub(super) fn check_settings(&self, begun: &Checkpoint, place: String) -> Result<()> {
        match &begun.settings {
            Some(settings) if begun.pages > 0 && *settings != self.settings => {
                let changes = settings.changes(&self.settings).join("; ");
                Err(Error::new(Kind::Config, format!("a crawl with other settings is there: {changes}"))
                    .at(place)
                    .advise(
                        "use a new root and prefix, or those settings; nothing was changed here or there",
                    ))
            }
            _ => Ok(()),
        }
    }
}
