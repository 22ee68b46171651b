//! What `sim kaggle` takes.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use crawl_sim::{Content, KaggleConfig, Plant, Rule};

pub(crate) const HELP: &str = "\
The faults are those of `sim --help`: list, detail, tree (lists of files), resolve (links to files) and cdn (files).

Example:
  sim kaggle --datasets 25000 --drift 2 --fault cdn@3=flip --fault 'list@5=429:retry-after=1'
  KAGGLE_API_ENDPOINT=http://127.0.0.1:PORT/api/v1 kaggle ...                        (kaggle 1.6)
  KAGGLE_API_ENVIRONMENT=LOCALHOST http_proxy=http://127.0.0.1:PORT kaggle ...       (kaggle 2, kagglehub 1)";

#[derive(Args)]
pub(crate) struct KaggleArgs {
    /// Where to listen; 0 takes a free port
    #[arg(long, default_value_t = 0)]
    pub(super) port: u16,
    /// How many datasets there are
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    datasets: u64,
    /// How many notebooks and scripts there are
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    kernels: u64,
    /// How many models there are
    #[arg(long, value_name = "COUNT", default_value_t = 300)]
    models: u64,
    /// How many competitions there are
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    competitions: u64,
    /// How many topics of discussion there are
    #[arg(long, value_name = "COUNT", default_value_t = 500)]
    topics: u64,
    /// How many users there are
    #[arg(long, value_name = "COUNT", default_value_t = 300)]
    users: u64,
    /// The same seed makes the same items
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Show no more than these datasets a query
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    dataset_cap: u64,
    /// Show no more than these kernels a query
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    kernel_cap: u64,
    /// With each page of a hot list, so many items jump to its front
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    drift: u64,
    /// Of a thousand datasets and kernels, refuse so many
    #[arg(long, value_name = "PER MILLE", default_value_t = 0)]
    denied: u64,
    /// Of a thousand datasets, give so many files with hostile names
    #[arg(long, value_name = "PER MILLE", default_value_t = 0)]
    hostile: u64,
    /// Refuse any other account
    #[arg(long, value_name = "USER:KEY")]
    account: Option<Account>,
    /// Refuse any other access token
    #[arg(long)]
    token: Option<String>,
    /// Refuse requests without credentials
    #[arg(long)]
    no_anonymous: bool,
    /// A signed link serves so many requests
    #[arg(long, value_name = "COUNT")]
    link_uses: Option<u64>,
    /// Leave out fields that have their default value
    #[arg(long)]
    sparse: bool,
    /// Add the dataset sim/large, whose archive is this large (GiB)
    #[arg(long, value_name = "GIB")]
    large: Option<u64>,
    /// Add the dataset bench/mixed, whose archive has about so many bytes: 40 % stored binaries of 16 MiB, 50 % CSV of
    /// 64 MiB packed to about a third, 10 % pictures of 20 KiB
    #[arg(long, value_name = "BYTES")]
    mixed: Option<u64>,
    /// What goes wrong (see `sim --help`)
    #[arg(long = "fault", value_name = "RULE")]
    faults: Vec<Rule>,
    /// Pack answers for clients that accept it
    #[arg(long)]
    gzip: bool,
    /// Wait so many milliseconds before each answer
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
}

/// `USER:KEY`
#[derive(Clone)]
struct Account(String, String);

impl FromStr for Account {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once(':').map(|(user, key)| Self(user.into(), key.into()));
        parts.ok_or("expected USER:KEY")
    }
}

impl From<KaggleArgs> for KaggleConfig {
    fn from(args: KaggleArgs) -> Self {
        Self {
            port: args.port,
            datasets: args.datasets,
            kernels: args.kernels,
            models: args.models,
            competitions: args.competitions,
            topics: args.topics,
            users: args.users,
            seed: args.seed,
            dataset_cap: args.dataset_cap,
            kernel_cap: args.kernel_cap,
            drift: args.drift,
            denied: args.denied,
            hostile: args.hostile,
            account: args.account.map(|Account(user, key)| (user, key)),
            token: args.token,
            anonymous: !args.no_anonymous,
            link_uses: args.link_uses,
            sparse: args.sparse,
            plants: args.large.map(large).into_iter().chain(args.mixed.map(mixed)).collect(),
            faults: args.faults,
            latency: Duration::from_millis(args.latency),
            gzip: args.gzip,
            ..Self::default()
        }
    }
}

/// Files of one GiB of zeros, which no archive packs, and one that is packed. None of it needs memory.
fn large(gibibytes: u64) -> Plant {
    let plant = Plant::dataset("sim/large")
        .file("README.md", "# large\n")
        .file("lines.csv", Content::Lines(64 << 20));
    (0..gibibytes)
        .fold(plant, |plant, number| plant.file(&format!("part-{number:03}.bin"), Content::Zeros(1 << 30)))
}

/// Files of three kinds by their shares of the archive. None of it needs memory.
fn mixed(archive: u64) -> Plant {
    const BINARY: u64 = 16 << 20;
    const TABLE: u64 = 64 << 20;
    /// What a table takes in an archive, about.
    const PACKED: u64 = TABLE / 10 * 3;
    const PICTURE: u64 = 20 << 10;
    let share = |percent: u64, size: u64| 0..(archive / 100 * percent).div_ceil(size);
    let mut plant = Plant::dataset("bench/mixed").file("README.md", "# mixed\n");
    for number in share(40, BINARY) {
        plant = plant.file(&format!("models/part-{number:04}.bin"), Content::Noise(BINARY));
    }
    for number in share(50, PACKED) {
        plant = plant.file(&format!("tables/part-{number:04}.csv"), Content::Lines(TABLE));
    }
    for number in share(10, PICTURE) {
        plant = plant.file(&format!("pictures/{:03}/{number:06}.jpg", number % 100), Content::Noise(PICTURE));
    }
    plant
}
