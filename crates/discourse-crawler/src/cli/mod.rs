//! Flags and commands of `discourse-crawler`.

mod account;
mod crawl;
mod export;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Parser, Subcommand};
use crawl_cli::{Flags, Outcome, Session, SharedCommand};

/// Conversations of Discourse forums: every post, as clean text for training.
///
/// Run the same command again to go on after a stop or a crash: nothing is lost, nothing is had twice.
#[derive(Parser, Debug)]
#[command(name = "discourse-crawler", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) flags: Flags,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// List the topics of forums, categories, tags, or name topics, then fetch all their posts
    #[command(after_help = "\
Examples:
  discourse-crawler crawl https://forum.example.org --root data/forums --contact me@example.org
  discourse-crawler crawl https://forum.example.org/c/help/7 https://forum.example.org/t/390 --root data/some
  discourse-crawler crawl https://forum.example.org --root data/forums --match 'gpu|cuda' --limit 500

Variables: DISCOURSE_API_KEY with DISCOURSE_API_USERNAME, DISCOURSE_USER_API_KEY, DISCOURSE_COOKIE, each sent to the
forums that are named and to no other host; HTTP_PROXY, HTTPS_PROXY, NO_PROXY, NO_COLOR; with --upload those of AWS")]
    Crawl(Box<crawl::CrawlArgs>),
    /// Make training samples of the conversations below a root
    #[command(after_help = "\
Examples:
  discourse-crawler export data/forums --out data/chat --roles best --accepted --validation 5 --test 5
  discourse-crawler export data/forums --out data/seed --format seed --speaker both
  discourse-crawler export data/kaggle/discussions --out data/kaggle-chat --format sharegpt --pseudonyms")]
    Export(Box<export::ExportArgs>),
    #[command(flatten)]
    Shared(SharedCommand),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> Result<Outcome> {
        match self {
            Command::Crawl(arguments) => crawl::run(*arguments, session).await,
            Command::Export(arguments) => export::run(&arguments),
            Command::Shared(command) => session.shared::<Cli>(command).await,
        }
    }
}
