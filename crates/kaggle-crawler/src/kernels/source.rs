//! The source of a kernel: how its file is named, and the metadata file beside it.

use serde::Serialize;

use super::answers::About;
use crate::imports::{Imports, Kind};

/// The name of the file of a source: its slug with a suffix, but never that of the metadata file.
pub(super) fn file_name(slug: &str, suffix: &str) -> String {
    let name = format!("{slug}{suffix}");
    if name.eq_ignore_ascii_case(METADATA) { format!("source-{name}") } else { name }
}

/// The suffix of a source, and what is to be said about it.
pub(super) fn suffix(told: Option<&str>, read: &Imports) -> (&'static str, Option<String>) {
    if read.kind == Kind::Notebook {
        return (".json", None);
    }
    let known = match told.map(str::to_lowercase).as_deref() {
        Some("python") => Some(".py"),
        Some("r") => Some(".R"),
        Some("rmarkdown") => Some(".Rmd"),
        Some("sqlite") => Some(".sql"),
        Some("julia") => Some(".jl"),
        _ => None,
    };
    if let Some(suffix) = known {
        return (suffix, None);
    }
    let suffix = match (read.language.as_deref(), read.kind) {
        (_, Kind::Rmarkdown) => ".Rmd",
        (Some("python"), _) => ".py",
        (Some("r"), _) => ".R",
        _ => ".txt",
    };
    let language = told.map_or("Kaggle does not tell the language".to_owned(), |told| {
        format!("`{}` is a language of no known suffix", told.chars().take(40).collect::<String>())
    });
    (suffix, Some(format!("{language}: the file is named {suffix} by its content")))
}

/// The name of the metadata file.
pub(super) const METADATA: &str = "kernel-metadata.json";

/// The metadata file, field by field as Kaggle's own client writes it. An unknown is null; a list that the answer leaves
/// out is empty, as proto3 has it.
#[derive(Serialize)]
pub(super) struct MetadataFile<'a> {
    id: &'a str,
    id_no: Option<u64>,
    title: Option<&'a str>,
    code_file: &'a str,
    language: Option<&'a str>,
    kernel_type: Option<&'a str>,
    is_private: Option<bool>,
    enable_gpu: Option<bool>,
    enable_tpu: Option<bool>,
    enable_internet: Option<bool>,
    keywords: &'a [String],
    dataset_sources: &'a [String],
    kernel_sources: &'a [String],
    competition_sources: &'a [String],
    model_sources: &'a [String],
    docker_image: Option<&'a str>,
    machine_shape: Option<&'a str>,
}

impl<'a> MetadataFile<'a> {
    pub(super) fn new(id: &'a str, about: &'a About, code_file: &'a str) -> Self {
        MetadataFile {
            id,
            id_no: about.id,
            title: about.title.as_deref(),
            code_file,
            language: about.language.as_deref(),
            kernel_type: about.kernel_type.as_deref(),
            is_private: about.is_private,
            enable_gpu: about.enable_gpu,
            enable_tpu: about.enable_tpu,
            enable_internet: about.enable_internet,
            keywords: about.category_ids.as_deref().unwrap_or_default(),
            dataset_sources: about.dataset_data_sources.as_deref().unwrap_or_default(),
            kernel_sources: about.kernel_data_sources.as_deref().unwrap_or_default(),
            competition_sources: about.competition_data_sources.as_deref().unwrap_or_default(),
            model_sources: about.model_data_sources.as_deref().unwrap_or_default(),
            docker_image: about.docker_image.as_deref(),
            machine_shape: about.machine_shape.as_deref(),
        }
    }
}
