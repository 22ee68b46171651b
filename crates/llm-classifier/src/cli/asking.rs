//! What every command that asks a model has: flags that become a task and a classifier.

use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{HttpFlags, grouped, say};
use crawl_core::http::{Http, HttpConfig, Secret};
use crawl_core::{Error, Kind};
use llm_classifier::{Answers, Cache, Chat, Classifier, Structured, Task};

/// Where task files lie.
#[derive(Args)]
pub(crate) struct Folders {
    /// A folder of task files; several if wanted [default: configs/tasks and configs/domains]
    #[arg(long, value_name = "DIR")]
    tasks: Vec<PathBuf>,
}

impl Folders {
    fn all(&self) -> Vec<PathBuf> {
        match self.tasks.is_empty() {
            true => vec!["configs/tasks".into(), "configs/domains".into()],
            false => self.tasks.clone(),
        }
    }

    /// Every task file there is.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(Task::files(&self.all())?)
    }

    /// The task that a word names: a name in the folders, or the path of a file.
    pub(crate) fn load(&self, task: &str) -> Result<Task> {
        Ok(Task::load(&Task::find(&self.all(), task)?)?)
    }
}

/// Flags of every command that asks a model.
#[derive(Args)]
pub(crate) struct Asking {
    /// The model, if it is not the task's
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// The endpoint
    #[arg(long, value_name = "URL", env = "OPENAI_BASE_URL", default_value = "https://api.openai.com/v1")]
    base_url: String,
    /// How the endpoint is told the form of the answer
    #[arg(long, value_enum, default_value_t = Form::JsonSchema)]
    structured: Form,
    /// How many records are asked about at a time
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) concurrency: u32,
    /// The response cache: a .jsonl file, or a folder for answers.jsonl [default: `cache` beside the root]
    #[arg(long, value_name = "PATH")]
    cache: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) folders: Folders,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(ValueEnum, Clone, Copy)]
enum Form {
    /// A strict JSON schema in the request
    #[value(name = "json_schema")]
    JsonSchema,
    /// JSON mode; the schema is in the prompt
    #[value(name = "json_object")]
    JsonObject,
    /// Plain text; the schema is in the prompt, the JSON is found in the answer
    None,
}

impl Asking {
    /// A classifier for records whose id is in `id_field`. The cache lies beside `root` if no flag names one.
    pub(crate) fn classifier(&self, task: Task, id_field: &str, root: Option<&Path>) -> Result<Classifier> {
        let model = self.model.clone().or_else(|| task.model.name.clone()).ok_or_else(|| {
            Error::new(Kind::Config, "no model is named")
                .advise("name one with --model, or under [model] in the task file")
        })?;
        let answers = Answers::new(&task)?;
        let key = crawl_cli::env("OPENAI_API_KEY").map(Secret::new);
        let chat = Chat::new(&self.base_url, key.as_ref(), &model, self.structured.into(), task, &answers)?;
        let concurrency = self.concurrency.max(1);
        let http = Http::new(http(&self.http, concurrency))?;
        let cache = Cache::open(&self.cache_path(root))?;
        tell_opened(&cache);
        Ok(Classifier::new(chat, answers, cache, http, id_field, concurrency))
    }

    fn cache_path(&self, root: Option<&Path>) -> PathBuf {
        match (&self.cache, root) {
            (Some(path), _) => path.clone(),
            (None, Some(root)) => root.parent().unwrap_or(Path::new("")).join("cache"),
            (None, None) => "cache".into(),
        }
    }
}

/// A model may think for long before its first byte, and no answer is as large as a page of a listing.
fn http(flags: &HttpFlags, concurrency: u32) -> HttpConfig {
    let config = flags.http(concurrency as usize);
    HttpConfig { read_timeout: config.timeout, max_body: 16 << 20, ..config }
}

fn tell_opened(cache: &Cache) {
    let opened = cache.opened();
    if opened.torn_bytes > 0 {
        say(format!(
            "{}: cut off a torn last line of {} bytes",
            cache.path().display(),
            grouped(opened.torn_bytes)
        ));
    }
    if opened.unreadable > 0 {
        say(format!(
            "{}: passed over {} lines that are not ours",
            cache.path().display(),
            grouped(opened.unreadable)
        ));
    }
}

impl From<Form> for Structured {
    fn from(form: Form) -> Self {
        match form {
            Form::JsonSchema => Structured::JsonSchema,
            Form::JsonObject => Structured::JsonObject,
            Form::None => Structured::None,
        }
    }
}
