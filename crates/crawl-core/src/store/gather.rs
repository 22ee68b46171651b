//! Gathering: the shares of a mapping, joined into one listing.

use std::path::Path;

use super::{Compression, Manifest, Store, files_name, missing_name, page_name, stored};
use crate::{Checkpoint, Cursor, Error, Kind, Result, Settings, Share, Sink, SourceId, Stored};

/// How far a gathering has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// The listing that the shares are of.
    pub id: SourceId,
    /// Pages that the joined listing has.
    pub pages: u64,
    /// Whether it is whole.
    pub ended: bool,
    /// The shares that are not there or have not ended, by number from 0.
    pub open: Vec<u64>,
    /// How many shares there are.
    pub of: u64,
}

/// Joins the shares of each mapping under `root` into one listing, page by page in order up to the first that is not
/// there yet. Each page's hash is checked, and that of what belongs to it. Run again, it goes on.
///
/// # Errors
/// [`Kind::Config`] if there are no shares, or if they do not belong together; [`Kind::Storage`] if a page is not what
/// was written.
pub async fn gather(root: &Path) -> Result<Vec<Gathered>> {
    let mut wholes: Vec<(SourceId, u64)> = Vec::new();
    for (whole, share) in Stored::everything(root)?.iter().filter_map(Share::of_name) {
        match wholes.iter().find(|(known, _)| *known == whole) {
            Some((_, of)) if *of != share.of() => {
                let what = format!("there are shares of {of} and of {}", share.of());
                return Err(apart(root, &whole, &what));
            }
            Some(_) => {}
            None => wholes.push((whole, share.of())),
        }
    }
    if wholes.is_empty() {
        return Err(Error::new(Kind::Config, "there are no shares here")
            .at(root.display().to_string())
            .advise("name the --root that mappings with --share have written to"));
    }
    let mut gathered = Vec::new();
    for (whole, of) in wholes {
        gathered.push(gather_one(root, whole, of).await?);
    }
    Ok(gathered)
}

fn apart(root: &Path, whole: &SourceId, what: &str) -> Error {
    Error::new(Kind::Config, format!("the shares do not belong together: {what}"))
        .at(root.join(whole.as_str()).display().to_string())
        .advise("make them all with the same settings and the same number of shares, in a new root")
}

async fn gather_one(root: &Path, whole: SourceId, of: u64) -> Result<Gathered> {
    let mut shares = Vec::new();
    let mut settings: Option<Settings> = None;
    for index in 0..of {
        let id = Share::new(index, of)?.name(&whole);
        let begun = root.join(id.as_str()).join("checkpoint.json").is_file();
        let share = if begun { Some(Pages::of(Stored::open(root, &id)?)?) } else { None };
        if let Some(found) = share.as_ref().and_then(|share| share.stored.checkpoint().settings.clone()) {
            let found = found.without("share");
            match &settings {
                Some(first) if *first != found => {
                    return Err(apart(root, &whole, &first.changes(&found).join("; ")));
                }
                _ => settings = Some(found),
            }
        }
        shares.push(share);
    }
    let settings = settings.unwrap_or_default();
    let pages: u64 = settings
        .get(Share::PAGES)
        .and_then(|pages| pages.parse().ok())
        .ok_or_else(|| apart(root, &whole, "they do not tell how many pages the whole has"))?;
    let settings = settings.without(Share::PAGES);
    let store = Store::new(root);
    let mut at = store.checkpoint(&whole).await?;
    match &at.settings {
        Some(begun) if *begun != settings => {
            return Err(apart(root, &whole, &begun.changes(&settings).join("; ")));
        }
        Some(_) => {}
        None => {
            at.settings = Some(settings);
            store.commit(&whole, &at).await?;
        }
    }
    while let Some(cursor) = at.next.clone() {
        let number = at.pages + 1;
        let share = usize::try_from(number % of).ok().and_then(|index| shares[index].as_mut());
        let Some((line, place)) = share.and_then(|share| share.take(number)) else { break };
        let next = (number < pages).then(|| Cursor::new((number + 1).to_string()));
        let line = Manifest { number, next, cursor, ..line };
        let written = store.take_page(&whole, &at, &place, line).await?;
        store.commit(&whole, &written).await?;
        at = written;
    }
    let is_open =
        |share: &Option<Pages>| share.as_ref().is_none_or(|share| !share.stored.checkpoint().ended());
    let open = (0..of).zip(&shares).filter(|(_, share)| is_open(share)).map(|(index, _)| index).collect();
    Ok(Gathered { id: whole, pages: at.pages, ended: at.ended(), open, of })
}

/// The pages of one share, handed out in order.
struct Pages {
    stored: Stored,
    /// Their numbers in the whole, and the lines about them; the next one last.
    lines: Vec<(u64, Manifest)>,
}

/// A page of a share, on the disk.
struct Place {
    share: Stored,
    number: u64,
}

impl Pages {
    fn of(stored: Stored) -> Result<Self> {
        let first = Share::of_name(stored.id()).map_or(1, |(_, share)| share.first());
        let mut lines = Vec::new();
        for line in stored.manifest()? {
            let number = if line.cursor.is_start() { first } else { number_of(&stored, &line)? };
            lines.push((number, line));
        }
        lines.reverse();
        Ok(Pages { stored, lines })
    }

    /// The page of that number in the whole, if it is committed.
    fn take(&mut self, number: u64) -> Option<(Manifest, Place)> {
        while self.lines.pop_if(|(found, _)| *found < number).is_some() {}
        let (_, line) = self.lines.pop_if(|(found, _)| *found == number)?;
        let place = Place { share: self.stored.clone(), number: line.number };
        Some((line, place))
    }
}

fn number_of(stored: &Stored, line: &Manifest) -> Result<u64> {
    line.cursor.as_str().parse().map_err(|cause| {
        Error::new(Kind::Storage, "a page of a share has a cursor that is no page number")
            .at(stored.folder().display().to_string())
            .because(cause)
    })
}

impl Store {
    /// Takes over a page that another listing of the same file system has, hash checked: its file gets a second name.
    async fn take_page(
        &self,
        id: &SourceId,
        at: &Checkpoint,
        from: &Place,
        line: Manifest,
    ) -> Result<Checkpoint> {
        let (listing, at, number, share) = (id.clone(), at.clone(), from.number, from.share.clone());
        self.step(id, move |store| {
            let folder = store.folder(&listing);
            store.remove_page(&folder, line.number)?;
            let link = |from: &Path, name: String, sha256: &str| {
                let failed = |cause| Error::io("cannot read", from, cause);
                if stored::sha256_of(from).map_err(failed)? != sha256 {
                    let what = "a page of a share is not what was written";
                    return Err(Error::new(Kind::Storage, what)
                        .at(from.display().to_string())
                        .advise("make this share anew in a new root, or restore the file from a copy"));
                }
                store.disk.link(from, &folder.join(name))
            };
            let gone = || {
                Error::new(Kind::Storage, format!("page {number} of a share is not there"))
                    .at(share.folder().display().to_string())
                    .advise("restore it from a copy, or make this share anew in a new root")
            };
            let page = stored::find_page(share.folder(), number).ok_or_else(gone)?;
            let compression = Compression::ALL.into_iter().find(|compression| {
                page.file_name().is_some_and(|name| name == page_name(number, *compression).as_str())
            });
            link(&page, page_name(line.number, compression.unwrap_or_default()), &line.sha256)?;
            if let Some(sha256) = &line.missing_sha256 {
                link(&share.missing_path(number), missing_name(line.number), sha256)?;
            }
            if let Some(sha256) = &line.files_sha256 {
                link(&share.files_path(number), files_name(line.number), sha256)?;
            }
            store.write_line(&folder, &at, &line)
        })
        .await
    }
}
