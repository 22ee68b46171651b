//! The methods of datasets.

use serde_json::{Value, json};

use super::call::Call;
use super::dataset::{Dataset, rank};
use super::page::{Cut, Page};
use super::refuse::{denied, not_found};
use super::tree;
use super::world::{META, Part};
use super::{Service, Talk};
use crate::fault::Fault;
use crate::http::answer::Answer;

impl Service {
    pub(super) fn datasets(&self, call: &Call, fault: Option<&Fault>) -> Result<Talk, Answer> {
        if call.method == "ListDatasets" {
            return self.list_datasets(call, fault);
        }
        let dataset = self.dataset(call)?;
        match call.method.as_str() {
            "GetDataset" => Ok(Talk::Json(dataset.row(false))),
            "GetDatasetMetadata" => Ok(Talk::Json(json!({"info": dataset.info()}))),
            "GetDatasetStatus" => Ok(Talk::Json(json!({"status": "READY"}))),
            "ListDatasetFiles" => self.list_dataset_files(call, &dataset, fault),
            "ListTreeDatasetFiles" => {
                version(call, &dataset)?;
                let files = dataset.files();
                let created = super::calendar::rfc3339(dataset.modified(dataset.version));
                let listing = files.iter().map(|file| (file.path.as_str(), file.size));
                self.page_of_tree(call, &tree::under(listing, call.text("path").as_deref(), &created), fault)
            }
            _ => self.download_dataset(call, &dataset, fault),
        }
    }

    fn dataset(&self, call: &Call) -> Result<Dataset<'_>, Answer> {
        let (owner, slug) =
            (call.text("ownerslug").unwrap_or_default(), call.text("datasetslug").unwrap_or_default());
        let found = self.world.find(Part::Datasets, &owner, &slug);
        let index = found.filter(|index| !self.world.is_denied(Part::Datasets, *index));
        index.map(|index| Dataset::new(&self.world, index)).ok_or_else(|| denied("datasets.get"))
    }

    fn list_datasets(&self, call: &Call, fault: Option<&Fault>) -> Result<Talk, Answer> {
        let world = &self.world;
        let cut = Cut { wall: world.config.dataset_cap, ..Cut::PLAIN };
        let page = Page::of(call, cut, world.state().token_age)?;
        let filter = Filter::of(call);
        let all = filter == Filter::default();
        let sort = call.word("sortby").unwrap_or_else(|| "hottest".into());
        let base = world.order(
            Part::Datasets,
            &format!("{sort} {filter:?}"),
            |index| all || filter.fits(&Dataset::new(world, index)),
            |index| rank(world, index, &sort),
        );
        let range = page.range(base.len() as u64);
        let indexes = self.places(Part::Datasets, &base, range, sort == "hottest");
        let rows = indexes.into_iter().map(|index| Dataset::new(world, index).row(true)).collect();
        Ok(Talk::page("datasets", rows, &page, base.len() as u64, fault))
    }

    fn list_dataset_files(
        &self,
        call: &Call,
        dataset: &Dataset<'_>,
        fault: Option<&Fault>,
    ) -> Result<Talk, Answer> {
        let page = Page::of(call, Cut::PLAIN, self.world.state().token_age)?;
        let version = version(call, dataset)?;
        let files = dataset.files();
        let range = page.range(files.len() as u64);
        let shown = &files[range.start as usize..range.end as usize];
        let rows = shown.iter().map(|file| dataset.file_row(file, version)).collect();
        Ok(Talk::page("datasetFiles", rows, &page, files.len() as u64, fault))
    }

    fn download_dataset(
        &self,
        call: &Call,
        dataset: &Dataset<'_>,
        fault: Option<&Fault>,
    ) -> Result<Talk, Answer> {
        let version = version(call, dataset)?;
        let folder = format!("/kaggle-data-sets/{}/{version}", dataset.id());
        let Some(name) = call.text("filename") else {
            if dataset.index == META {
                // Tens of gigabytes; the double has single tables only.
                return Err(not_found());
            }
            return Ok(self.link(&format!("{folder}/bundle/archive.zip"), fault));
        };
        let files = dataset.files();
        let file = files.iter().find(|file| file.path == name).ok_or_else(not_found)?;
        let raw = call.flag("raw") || call.method == "DownloadDatasetRaw";
        let raw = raw && !self.world.config.ignores_raw;
        let zipped = match dataset.index {
            META => self.world.config.meta_zipped,
            _ => file.kind() == "csv" && file.size > self.world.config.zip_from,
        };
        let path = if zipped && !raw {
            format!("{folder}/compressed/{name}.zip")
        } else {
            format!("{folder}/files/{name}")
        };
        Ok(self.link(&path, fault))
    }

    /// The rows of a tree, folders first.
    pub(super) fn page_of_tree(
        &self,
        call: &Call,
        tree: &tree::Folder,
        fault: Option<&Fault>,
    ) -> Result<Talk, Answer> {
        let page = Page::of(call, Cut::PLAIN, self.world.state().token_age)?;
        if tree.is_empty() {
            return Err(not_found());
        }
        let folders = tree.folders.len() as u64;
        let count = folders + tree.files.len() as u64;
        let range = page.range(count);
        let rows: Vec<&Value> = tree.folders.iter().chain(&tree.files).collect();
        let (mut shown_folders, mut shown_files) = (Vec::new(), Vec::new());
        for place in range {
            let row = rows[place as usize].clone();
            if place < folders { shown_folders.push(row) } else { shown_files.push(row) }
        }
        let mut next = page.next(count);
        page.spoil(&mut shown_files, &mut next, fault);
        Ok(Talk::Json(json!({
            "directories": shown_folders,
            "files": shown_files,
            "totalChildren": count,
            "totalDirectories": folders,
            "totalFiles": count - folders,
            "nextPageToken": next,
        })))
    }
}

/// The version asked for, or the current one.
fn version(call: &Call, dataset: &Dataset<'_>) -> Result<u64, Answer> {
    match call.number("datasetversionnumber") {
        None => Ok(dataset.version),
        Some(asked) => u64::try_from(asked)
            .ok()
            .filter(|asked| (1..=dataset.version).contains(asked))
            .ok_or_else(not_found),
    }
}

/// What a list of datasets is narrowed to.
#[derive(Debug, Default, PartialEq)]
struct Filter {
    search: Option<String>,
    user: Option<String>,
    tag: Option<String>,
    license: Option<String>,
    kind: Option<String>,
    min: Option<i64>,
    max: Option<i64>,
    nobody: bool,
}

impl Filter {
    fn of(call: &Call) -> Self {
        let word = |name: &str| call.word(name).filter(|word| word != "all");
        Self {
            search: call.text("search").map(|text| text.to_lowercase()),
            user: call.text("user"),
            tag: call.text("tagids"),
            license: word("license"),
            kind: word("filetype"),
            min: call.number("minsize"),
            max: call.number("maxsize"),
            // The account of the double owns nothing.
            nobody: call.word("group").as_deref() == Some("my"),
        }
    }

    fn fits(&self, dataset: &Dataset<'_>) -> bool {
        let tags = |tags: &String| tags.split(',').any(|tag| tag.trim() == dataset.name.tag);
        let size = || dataset.packed_total() as i64;
        let kind = |kind: &String| {
            let files = dataset.files();
            files.iter().any(|file| file.kind() == kind)
        };
        !self.nobody
            && self.user.as_ref().is_none_or(|user| *user == dataset.name.owner.slug)
            && self.tag.as_ref().is_none_or(tags)
            && self.license.as_ref().is_none_or(|license| license == dataset.license_group())
            && self.min.is_none_or(|least| size() >= least)
            && self.max.is_none_or(|most| size() <= most)
            && self.search.as_ref().is_none_or(|text| dataset.search_text().contains(text))
            && self.kind.as_ref().is_none_or(kind)
    }
}
