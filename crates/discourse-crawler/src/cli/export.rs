//! `export`.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{Outcome, grouped, say};
use crawl_core::Error;
use discourse_crawler::export::{self, Copies, Format, Options, Plan, Roles, Speaker, Splits};
use text_hygiene::{Kind, Mode};

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Roots of crawls, the oldest first: of a topic that several have, the last one counts. Kaggle's discussions are
    /// read too
    #[arg(value_name = "ROOT", required = true)]
    roots: Vec<PathBuf>,
    /// A new folder for train.jsonl, validation.jsonl and test.jsonl
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The form of samples
    #[arg(long, value_enum, default_value_t = Form::Messages)]
    format: Form,
    /// Who is the user and who the assistant
    #[arg(long, value_enum, default_value_t = Who::Asker)]
    roles: Who,
    /// With --format seed: a file a topic, 000000001.json, and the pictures in imgs/, as the old crawler had them
    #[arg(long)]
    old_names: bool,
    /// How speakers are named in the seed's form
    #[arg(long, value_enum, default_value_t = Named::Username)]
    speaker: Named,
    /// Leave out conversations of fewer posts
    #[arg(long, value_name = "N", default_value_t = 2)]
    min_posts: usize,
    /// Leave out answers of fewer likes
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    min_likes: i64,
    /// Only conversations with an accepted answer
    #[arg(long)]
    accepted: bool,
    /// Only conversations that were opened on this day or later
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Only conversations that were opened before this day
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Names become user1, user2, ... in each topic; in quotes and where @ addresses somebody too
    #[arg(long)]
    pseudonyms: bool,
    /// Pictures as parts of messages, where their files are there
    #[arg(long)]
    pictures: bool,
    /// Also what its site (robots.txt, headers) does not want to be used for training: where you have a licence
    #[arg(long)]
    with_refused: bool,
    /// Leave out answers shorter than so many characters
    #[arg(long, value_name = "CHARACTERS", default_value_t = 20)]
    min_chars: usize,
    /// What is done with e-mail addresses, phone numbers, public IP addresses, cards, bank accounts and secrets
    #[arg(long, value_enum, default_value_t = Pii::Report)]
    pii: Pii,
    /// What is done with exact and near copies of a conversation: their cluster is told, or only the first stays
    #[arg(long, value_enum, default_value_t = Copied::Tell)]
    copies: Copied,
    /// So many of a hundred conversations are for validation
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=50))]
    validation: u8,
    /// So many of a hundred conversations are for tests
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=50))]
    test: u8,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Form {
    /// {title, url, conversations}, in the old crawler's text
    Seed,
    /// {messages: [{role, content}], meta}
    Messages,
    /// {id, conversations: [{from, value}], source}
    Sharegpt,
    /// {instruction, input, output, history}
    Alpaca,
    /// {prompt, chosen, rejected}
    Dpo,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Who {
    /// Who opened the topic asks, everybody else answers
    Asker,
    /// The opening post, and the accepted or most liked answer
    Best,
    /// A talk of two people for each last reply
    Chain,
    /// As asker, with the name before each text
    Multi,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Pii {
    /// They are counted, and stay
    Report,
    /// [EMAIL_1]
    Tag,
    /// Values of nobody
    Fake,
    /// A hash with the key in GLEANER_PII_KEY
    Hash,
    /// They are taken out
    Drop,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Copied {
    /// Nobody looks
    Keep,
    /// `meta.cluster` names the cluster; a cluster goes to one split
    Tell,
    /// Only the first of a cluster stays
    Drop,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Named {
    Username,
    Name,
    Both,
    Glued,
}

impl ExportArgs {
    fn options(&self) -> Options {
        Options {
            format: match self.format {
                Form::Seed => Format::Seed,
                Form::Messages => Format::Messages,
                Form::Sharegpt => Format::ShareGpt,
                Form::Alpaca => Format::Alpaca,
                Form::Dpo => Format::Dpo,
            },
            roles: match self.roles {
                Who::Asker => Roles::Asker,
                Who::Best => Roles::Best,
                Who::Chain => Roles::Chain,
                Who::Multi => Roles::Multi,
            },
            speaker: match self.speaker {
                Named::Username => Speaker::Username,
                Named::Name => Speaker::Name,
                Named::Both => Speaker::Both,
                Named::Glued => Speaker::Glued,
            },
            min_posts: self.min_posts,
            min_likes: self.min_likes,
            accepted: self.accepted,
            since: self.from.clone(),
            until: self.to.clone(),
            pseudonyms: self.pseudonyms,
            pictures: self.pictures,
            refused: self.with_refused,
            least: self.min_chars,
        }
    }
}

impl ExportArgs {
    fn mode(&self) -> Result<Mode> {
        Ok(match self.pii {
            Pii::Report => Mode::Report,
            Pii::Tag => Mode::Tag,
            Pii::Fake => Mode::Fake,
            Pii::Drop => Mode::Drop,
            Pii::Hash => Mode::Hash {
                key: crawl_cli::env("GLEANER_PII_KEY")
                    .ok_or_else(|| {
                        Error::new(crawl_core::Kind::Config, "--pii hash wants a key")
                            .advise("set GLEANER_PII_KEY to a long secret, and keep it if equal values shall stay equal")
                    })?
                    .into_bytes(),
            },
        })
    }
}

pub(crate) fn run(arguments: &ExportArgs) -> Result<Outcome> {
    if arguments.old_names && !matches!(arguments.format, Form::Seed) {
        return Err(Error::new(crawl_core::Kind::Config, "--old-names goes with --format seed").into());
    }
    let report = export::run(&Plan {
        roots: arguments.roots.clone(),
        out: arguments.out.clone(),
        options: arguments.options(),
        splits: Splits { validation: arguments.validation, test: arguments.test },
        pii: arguments.mode()?,
        copies: match arguments.copies {
            Copied::Keep => Copies::Keep,
            Copied::Tell => Copies::Tell,
            Copied::Drop => Copies::Drop,
        },
        old_names: arguments.old_names,
    })?;
    let gone: u64 = report.left_out.values().sum();
    say(format!(
        "{} conversations read = {} that became {} samples + {} left out",
        grouped(report.read),
        grouped(report.read - gone),
        grouped(report.samples),
        grouped(gone)
    ));
    for (kind, count) in &report.found {
        let done = if arguments.pii == Pii::Report || *kind == Kind::PrivateIp { "found" } else { "changed" };
        say(format!("  {done:<8} {:>10}  {}", grouped(*count), kind.name()));
    }
    for (reason, count) in &report.left_out {
        say(format!("  left out {:>10}  {reason}", grouped(*count)));
    }
    Ok(Outcome::Done)
}
