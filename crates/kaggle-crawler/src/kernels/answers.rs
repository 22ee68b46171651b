//! What Kaggle answers about a kernel, as far as it is read.

use crawl_core::http::{Response, shown};
use crawl_core::{Error, Kind, Record, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::{Kaggle, Method};

/// `GetKernel`.
#[derive(Deserialize)]
pub(super) struct Got {
    #[serde(default)]
    pub(super) metadata: Option<About>,
    #[serde(default)]
    pub(super) blob: Option<Blob>,
}

/// `metadata` of `GetKernel`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct About {
    pub(super) id: Option<u64>,
    #[serde(rename = "ref")]
    pub(super) name: Option<String>,
    pub(super) title: Option<String>,
    pub(super) last_run_time: Option<String>,
    pub(super) language: Option<String>,
    pub(super) kernel_type: Option<String>,
    pub(super) is_private: Option<bool>,
    pub(super) enable_gpu: Option<bool>,
    pub(super) enable_tpu: Option<bool>,
    pub(super) enable_internet: Option<bool>,
    pub(super) category_ids: Option<Vec<String>>,
    pub(super) dataset_data_sources: Option<Vec<String>>,
    pub(super) kernel_data_sources: Option<Vec<String>>,
    pub(super) competition_data_sources: Option<Vec<String>>,
    pub(super) model_data_sources: Option<Vec<String>>,
    pub(super) current_version_number: Option<u64>,
    pub(super) docker_image: Option<String>,
    pub(super) machine_shape: Option<String>,
}

/// `blob` of `GetKernel`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Blob {
    pub(super) source: Option<String>,
    pub(super) language: Option<String>,
    pub(super) kernel_type: Option<String>,
}

/// A page of `ListKernelSessionOutput`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Session {
    pub(super) files: Vec<Output>,
    pub(super) log: Option<String>,
    next_page_token: Option<String>,
}

/// An output file of a kernel, with a link that is signed.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Output {
    pub(super) url: Option<String>,
    pub(super) file_name: Option<String>,
}

/// A page of `ListKernelFiles`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Sizes {
    pub(super) files: Vec<Size>,
    next_page_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Size {
    pub(super) name: Option<String>,
    pub(super) size: Option<u64>,
}

/// An answer in pages.
pub(super) trait Paged: for<'de> Deserialize<'de> {
    /// How many rows this page has.
    fn rows(&self) -> usize;
    /// The token of the page behind this one; none, or an empty one, on the last.
    fn next(&mut self) -> Option<String>;
}

impl Paged for Session {
    fn rows(&self) -> usize {
        self.files.len()
    }
    fn next(&mut self) -> Option<String> {
        self.next_page_token.take()
    }
}

impl Paged for Sizes {
    fn rows(&self) -> usize {
        self.files.len()
    }
    fn next(&mut self) -> Option<String> {
        self.next_page_token.take()
    }
}

/// Asks, and reads the answer as `T`.
pub(super) async fn ask<T: for<'de> Deserialize<'de>>(
    kaggle: &Kaggle,
    method: Method,
    arguments: &Value,
) -> Result<(T, Response)> {
    let (answer, response): (Record, Response) = kaggle.ask(method, arguments).await?;
    let read = answer.raw().to::<T>().map_err(|cause| {
        Error::new(Kind::Shape, "the answer has another form").at(shown(&response.url)).because(cause)
    })?;
    Ok((read, response))
}

/// Asks for the page of this token (an empty one: the first), of `size` rows.
pub(super) async fn page<T: Paged>(
    kaggle: &Kaggle,
    method: Method,
    arguments: &Value,
    size: u64,
    token: &str,
) -> Result<T> {
    let mut arguments = arguments.clone();
    arguments["pageSize"] = size.into();
    if !token.is_empty() {
        arguments["pageToken"] = token.into();
    }
    Ok(ask(kaggle, method, &arguments).await?.0)
}

/// The token of the page behind `page`, which was that of `token`; `None` behind the last.
pub(super) fn behind<T: Paged>(page: &mut T, token: &str, method: Method) -> Result<Option<String>> {
    let next = page.next().unwrap_or_default();
    if next.is_empty() {
        return Ok(None);
    }
    if next == token || page.rows() == 0 {
        let what = "the list of output files does not come to an end";
        return Err(Error::new(Kind::Shape, what).at(format!("{method:?}")));
    }
    Ok(Some(next))
}
