//! The way to the service: flags, the cloud file, the environment and the AWS files, in this order.

use std::path::PathBuf;
use std::time::Duration;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::parse_size;
use s3_uploader::environment::{self, Asked};
use s3_uploader::{Account, Bucket, Checksums, CloudFile, Limits};

/// How to reach the service, and how much at once.
#[derive(Args, Debug)]
pub(crate) struct Door {
    /// A file that says where the bucket is: endpoint, bucket, prefix, region. See configs/examples/cloud.toml
    #[arg(long, value_name = "FILE", help_heading = "Service")]
    cloud: Option<PathBuf>,
    /// The service's address [default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's, AWS]
    #[arg(long, value_name = "URL", help_heading = "Service")]
    endpoint: Option<String>,
    /// The region [default: AWS_REGION, the profile's, us-east-1]
    #[arg(long, help_heading = "Service")]
    region: Option<String>,
    /// The profile of the AWS files [default: AWS_PROFILE]
    #[arg(long, help_heading = "Service")]
    profile: Option<String>,
    /// Address buckets as bucket.host and not host/bucket, also at an --endpoint
    #[arg(long, help_heading = "Service")]
    virtual_host: bool,
    /// Address buckets as host/bucket, also at AWS
    #[arg(long, conflicts_with = "virtual_host", help_heading = "Service")]
    path_style: bool,
    /// Sign nothing
    #[arg(long, help_heading = "Service")]
    anonymous: bool,
    /// Pay for what is asked of a bucket whose owner does not
    #[arg(long, help_heading = "Service")]
    request_payer: bool,
    /// when_required for clones that refuse checksum headers [default: AWS_REQUEST_CHECKSUM_CALCULATION]
    #[arg(long, value_enum, help_heading = "Service")]
    checksums: Option<ChecksumsFlag>,
    /// The most requests under way: 64 at first, more where the way to the server is long, fewer while it asks to slow down
    #[arg(long, value_name = "N", default_value_t = 256, help_heading = "Limits")]
    in_flight: usize,
    /// The most requests a second
    #[arg(long, value_name = "N", help_heading = "Limits")]
    requests: Option<f64>,
    /// The most bytes a second that are sent, such as 20MiB
    #[arg(long, value_name = "BYTES", value_parser = parse_size, help_heading = "Limits")]
    bandwidth: Option<u64>,
    /// The most bytes of files that are held in memory
    #[arg(long, value_name = "BYTES", default_value = "48MiB", value_parser = parse_size, help_heading = "Limits")]
    memory: u64,
    /// Larger files are sent in parts
    #[arg(long, value_name = "BYTES", default_value = "8MiB", value_parser = parse_size, help_heading = "Limits")]
    part_from: u64,
    /// The size of a part; larger where a file would have more than 10,000
    #[arg(long, value_name = "BYTES", default_value = "5MiB", value_parser = parse_size, help_heading = "Limits")]
    part_size: u64,
    /// How often a request is tried before it is given up
    #[arg(long, value_name = "N", default_value_t = 6, help_heading = "Limits")]
    tries: u32,
    /// How many seconds one try may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0, help_heading = "Limits")]
    timeout: f64,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
#[value(rename_all = "snake_case")]
enum ChecksumsFlag {
    WhenSupported,
    WhenRequired,
}

impl Door {
    /// The bucket and prefix that `address` or the cloud file names.
    pub(crate) async fn open(&self, address: Option<&str>) -> Result<(Bucket, String)> {
        let file = self.file()?;
        let (name, prefix) = file.place(address)?;
        Ok((self.bucket(&name, &file).await?, prefix))
    }

    /// A bucket by its name, for receipts.
    pub(crate) async fn named(&self, name: &str) -> Result<Bucket> {
        let file = self.file()?;
        self.bucket(name, &file).await
    }

    /// The cloud file; an empty one if none is named.
    pub(crate) fn file(&self) -> crawl_core::Result<CloudFile> {
        Ok(self.cloud.as_deref().map(CloudFile::read).transpose()?.unwrap_or_default())
    }

    async fn bucket(&self, name: &str, file: &CloudFile) -> Result<Bucket> {
        let timeout = Duration::try_from_secs_f64(self.timeout).unwrap_or(Duration::from_secs(300));
        let limits = Limits {
            in_flight: self.in_flight,
            requests: self.requests,
            bandwidth: self.bandwidth,
            memory: self.memory.max(1 << 20),
            tries: self.tries,
            timeout,
            part_from: self.part_from,
            part_size: self.part_size,
            ..Limits::default()
        };
        Ok(Bucket::new(&self.account(file).await?, name, limits)?)
    }

    async fn account(&self, file: &CloudFile) -> crawl_core::Result<Account> {
        let asked = Asked {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            profile: self.profile.clone(),
            path_style: match (self.virtual_host, self.path_style) {
                (true, _) => Some(false),
                (_, true) => Some(true),
                _ => None,
            },
            checksums: self.checksums.map(|flag| match flag {
                ChecksumsFlag::WhenSupported => Checksums::WhenSupported,
                ChecksumsFlag::WhenRequired => Checksums::WhenRequired,
            }),
            anonymous: self.anonymous,
            request_payer: self.request_payer,
        };
        environment::account(file, asked).await
    }
}

/// `90s`, `15m`, `12h`, `7d`.
pub(crate) fn parse_time(text: &str) -> Result<Duration, String> {
    let bad = || "a time with a unit, such as 90s, 15m, 12h or 7d".to_owned();
    let split = text.len() - text.chars().next_back().map_or(0, char::len_utf8);
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(bad()),
    };
    let number: u64 = number.parse().map_err(|_| bad())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(bad)
}
