//! The map from listed kernels to their sources, logs, metadata, imports and outputs.

use crawl_core::http::shown;
use crawl_core::{
    Context, Error, FileLine, Input, Judge, Kind, Map, Mapped, Over, Record, Result, Row, Settings, Since,
    SourceId,
};
use futures::future::try_join_all;
use serde::Serialize;
use serde_json::{Value, json};

use super::answers::{About, Got, Session, ask, page};
use super::outputs::{Outputs, ROWS};
use super::source::{METADATA, MetadataFile, file_name, suffix};
use crate::folder::{folder, parts};
use crate::imports::{Hints, ImportedLib, Imports, imports};
use crate::pick::{Pick, Picker};
use crate::{Kaggle, Method};

const PLACE: &str = "Kaggle";

/// What of a kernel is fetched.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// No files at all: neither source, log and metadata nor outputs. Imports are read all the same.
    pub no_files: bool,
    /// Which output files; `None`: none.
    pub outputs: Option<Pick>,
    /// Kernels that this earlier root has are left out, where they have not changed.
    pub since: Option<Since>,
}

/// The map from listed kernels to what belongs to them.
#[derive(Debug)]
pub struct Details {
    kaggle: Kaggle,
    no_files: bool,
    outputs: Option<Picker>,
    since: Option<Since>,
    judge: Judge,
}

/// The row that is written. An unknown is null.
#[derive(Serialize)]
struct Written<'a> {
    id: &'a str,
    title: Option<&'a str>,
    kernel_type: Option<&'a str>,
    language: Option<&'a str>,
    log_file: Option<&'a str>,
    imported_libs: &'a [String],
    #[serde(rename = "ref")]
    name: &'a str,
    version: Option<u64>,
    #[serde(rename = "lastRunTime")]
    last_run_time: Option<&'a str>,
    code_file: Option<&'a str>,
    source_kind: crate::imports::Kind,
    source_language: Option<&'a str>,
    imports: &'a [ImportedLib],
    pip_install_lines: &'a [String],
    load_ext: &'a [String],
    cell_magics: &'a [String],
    installs: &'a [String],
    warnings: &'a [String],
    #[serde(rename = "FilesLeftOut", skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<Value>,
}

/// Id and version of a row of the final format, for [`Since`].
pub fn version(row: &Record) -> Option<(String, String)> {
    let text = |field: &str| row.raw().get(field).and_then(|value| value.str().map(String::from));
    let version = row.raw().get("version").and_then(|version| version.u64());
    Some((text("ref")?, stamp(version, text("lastRunTime").as_deref())?))
}

/// What changes with each version; `None` if it is not known.
fn stamp(version: Option<u64>, last_run: Option<&str>) -> Option<String> {
    Some(format!("{} {}", version.map(|version| version.to_string()).unwrap_or_default(), last_run?))
}

/// What is put beside the row of a kernel.
#[derive(Default)]
struct Stored {
    lines: Vec<FileLine>,
    code_file: Option<String>,
    log_file: Option<String>,
    left_out: Vec<Value>,
}

impl Details {
    /// The name of what it writes.
    pub const NAME: &'static str = "info";

    /// The map over the listing `input`, under [`Details::NAME`].
    ///
    /// # Errors
    /// [`Kind::Config`] for a pattern that is none, and those of [`Over::new`].
    pub fn over(input: Input, kaggle: Kaggle, select: Select) -> Result<Over<Self>> {
        let Select { no_files, outputs, since } = select;
        let outputs = outputs.map(Picker::new).transpose()?;
        let details = Details { kaggle, no_files, outputs, since, judge: Judge::default() };
        Ok(Over::new(input, details)?.named(SourceId::new(Self::NAME)?))
    }

    async fn one(&self, row: &Record, context: &Context) -> Result<Mapped> {
        let id = self.id(row);
        match self.fetch(id.as_deref().unwrap_or_default(), context).await {
            Ok(mapped) => {
                self.judge.had();
                Ok(mapped)
            }
            Err(error) => Ok(Row::Missing(self.judge.missing(id, error, Some(PLACE))?).into()),
        }
    }

    async fn fetch(&self, name: &str, context: &Context) -> Result<Mapped> {
        let odd = || Error::new(Kind::Shape, "not the ref of a kernel").at(name);
        let (owner, slug) = parts(name).ok_or_else(odd)?;
        let asked = json!({"userName": owner, "kernelSlug": slug});
        let (got, response) = ask::<Got>(&self.kaggle, Method::GetKernel, &asked).await?;
        let lacks = |what: &str| Error::new(Kind::Shape, what).at(shown(&response.url));
        let blob = got.blob.unwrap_or_default();
        let about = got.metadata.ok_or_else(|| lacks("the answer holds no metadata"))?;
        // Kaggle says nothing by an empty text.
        let told = |one: Option<String>, other: Option<String>| {
            one.filter(|text| !text.is_empty()).or(other.filter(|text| !text.is_empty()))
        };
        let about = About {
            language: told(about.language, blob.language),
            kernel_type: told(about.kernel_type, blob.kernel_type),
            last_run_time: told(about.last_run_time, None),
            name: told(about.name, None),
            title: told(about.title, None),
            id: about.id.filter(|id| *id > 0),
            ..about
        };
        let stamp = stamp(about.current_version_number, about.last_run_time.as_deref());
        if self.since.as_ref().zip(stamp).is_some_and(|(since, stamp)| since.has(name, &stamp)) {
            return Ok(Row::Dropped("unchanged".into()).into());
        }
        let source = blob.source.ok_or_else(|| lacks("the kernel has no source"))?;
        let (source, mut read) = read(source, &about).await?;
        let stored = match self.no_files {
            true => Stored::default(),
            false => self.store(name, &asked, &about, source, &mut read, context).await?,
        };
        let written = Written {
            id: about.name.as_deref().unwrap_or(name),
            title: about.title.as_deref(),
            kernel_type: about.kernel_type.as_deref(),
            language: about.language.as_deref(),
            log_file: stored.log_file.as_deref(),
            imported_libs: &read.imported_libs,
            name,
            version: about.current_version_number,
            last_run_time: about.last_run_time.as_deref(),
            code_file: stored.code_file.as_deref(),
            source_kind: read.kind,
            source_language: read.language.as_deref(),
            imports: &read.details,
            pip_install_lines: &read.pip_install_lines,
            load_ext: &read.load_ext,
            cell_magics: &read.cell_magics,
            installs: &read.installs,
            warnings: &read.warnings,
            left_out: stored.left_out,
        };
        Ok(Mapped { row: Row::Kept(Record::write(&written)?), files: stored.lines })
    }

    /// Brings the files of a kernel to their folder.
    async fn store(
        &self,
        name: &str,
        asked: &Value,
        about: &About,
        source: String,
        read: &mut Imports,
        context: &Context,
    ) -> Result<Stored> {
        let odd = || Error::new(Kind::Shape, "not the ref of a kernel").at(name);
        let ((_, slug), folder) = parts(name).zip(folder(name)).ok_or_else(odd)?;
        let folder = format!("code/{folder}");
        let version = about.current_version_number.map(|version| format!("v{version}"));
        let mut asked = asked.clone();
        if let Some(version) = &version {
            // Source, log and outputs are of one version, whatever happens between the questions.
            asked["versionLabel"] = version.as_str().into();
        }
        let mut session = self.session(&asked).await?;
        let mut stored = Stored::default();
        let mut put = async |file: String, bytes: Vec<u8>| {
            let path = format!("{folder}/{file}");
            let line = context.files.put(&path, version.as_deref(), bytes.into()).await?;
            // Where other bytes had the name already, it is another.
            let file = line.path.rsplit('/').next().unwrap_or(&line.path).to_owned();
            stored.lines.push(line);
            Ok::<_, Error>(file)
        };
        let (suffix, warning) = suffix(about.language.as_deref(), read);
        read.warnings.extend(warning);
        let code_file = put(file_name(slug, suffix), source.into_bytes()).await?;
        let id = about.name.as_deref().unwrap_or(name);
        let metadata =
            serde_json::to_vec_pretty(&MetadataFile::new(id, about, &code_file)).map_err(|cause| {
                Error::new(Kind::Shape, "the metadata cannot be written").at(name).because(cause)
            })?;
        put(METADATA.into(), metadata).await?;
        let log_file = match session.log.take().filter(|log| !log.is_empty()) {
            Some(log) => Some(put(format!("{slug}.log"), log.into_bytes()).await?),
            None => None,
        };
        if let Some(picker) = &self.outputs {
            let version = version.as_deref();
            let outputs = Outputs { kaggle: &self.kaggle, picker, asked: &asked, version, folder: &folder };
            let lines = outputs.fetch(session, &mut stored.left_out, context).await?;
            stored.lines.extend(lines);
        }
        Ok(Stored { code_file: Some(code_file), log_file, ..stored })
    }

    /// The log, and the first page of the outputs where they are wanted. A kernel that has never run has neither.
    async fn session(&self, asked: &Value) -> Result<Session> {
        let rows = if self.outputs.is_some() { ROWS } else { 1 };
        match page(&self.kaggle, Method::ListKernelSessionOutput, asked, rows, "").await {
            Err(error) if error.status() == Some(404) => Ok(Session::default()),
            session => session,
        }
    }
}

/// Reads the imports of a source, on a thread that may work for long.
async fn read(source: String, about: &About) -> Result<(String, Imports)> {
    let (language, kind) = (about.language.clone(), about.kernel_type.clone());
    let work = move || {
        let hints = Hints { language: language.as_deref(), kernel_type: kind.as_deref(), ..Hints::default() };
        let read = imports(source.as_bytes(), &hints);
        (source, read)
    };
    // A source that brings a reader down is missing, and the others are not.
    let failed = |cause| Error::new(Kind::Shape, "the imports of the source cannot be read").because(cause);
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

impl Map for Details {
    fn settings(&self) -> Settings {
        let settings = Settings::default()
            .with("endpoint", shown(self.kaggle.endpoint()))
            .with("files", !self.no_files)
            .with("outputs", self.outputs.is_some())
            .with_some("since", self.since.as_ref().map(Since::root));
        match &self.outputs {
            Some(picker) => settings.and(picker.settings()),
            None => settings,
        }
    }

    fn id(&self, row: &Record) -> Option<String> {
        row.raw().get("ref").and_then(|name| name.str().map(String::from))
    }

    async fn map(&self, rows: Vec<Record>, context: &Context) -> Result<Vec<Mapped>> {
        try_join_all(rows.iter().map(|row| self.one(row, context))).await
    }
}
