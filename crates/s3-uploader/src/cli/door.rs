//! The way to the service: flags, the cloud file, the environment and the AWS files, in this order.

use std::path::PathBuf;
use std::time::Duration;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_core::{Error, Kind};
use s3_uploader::{Account, Bucket, Checksums, CloudFile, Limits, Login, parse_address};

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
    /// when_required for clones that refuse checksum headers [default: AWS_REQUEST_CHECKSUM_CALCULATION]
    #[arg(long, value_enum, help_heading = "Service")]
    checksums: Option<ChecksumsFlag>,
    /// The most requests under way; fewer while the server asks to slow down
    #[arg(long, value_name = "N", default_value_t = 64, help_heading = "Limits")]
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
    #[arg(long, value_name = "BYTES", default_value = "8MiB", value_parser = parse_size, help_heading = "Limits")]
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
        let file = self.cloud.as_deref().map(CloudFile::read).transpose()?.unwrap_or_default();
        let (name, prefix) = match (address, &file.bucket) {
            (Some(address), _) => parse_address(address)?,
            (None, Some(bucket)) => (bucket.clone(), file.prefix.clone().unwrap_or_default()),
            (None, None) => {
                return Err(Error::new(Kind::Config, "no bucket is named")
                    .advise("give s3://bucket/prefix, or a --cloud file with a bucket")
                    .into());
            }
        };
        Ok((self.bucket(&name, &file).await?, prefix))
    }

    /// A bucket by its name, for receipts.
    pub(crate) async fn named(&self, name: &str) -> Result<Bucket> {
        let file = self.cloud.as_deref().map(CloudFile::read).transpose()?.unwrap_or_default();
        self.bucket(name, &file).await
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

    async fn account(&self, file: &CloudFile) -> Result<Account> {
        let aws = s3_uploader::environment::load(self.profile.as_deref()).await;
        let endpoint = self.endpoint.clone().or_else(|| file.endpoint.clone());
        let endpoint = endpoint.or_else(|| crawl_cli::env("AWS_ENDPOINT_URL_S3")).or(aws.endpoint);
        let region = self.region.clone().or_else(|| file.region.clone()).or(aws.region);
        let path_style = match (self.virtual_host, self.path_style) {
            (true, _) => false,
            (_, true) => true,
            _ => file.path_style.unwrap_or(endpoint.is_some()),
        };
        let asked = crawl_cli::env("AWS_REQUEST_CHECKSUM_CALCULATION").unwrap_or_default();
        let checksums = match self.checksums {
            Some(ChecksumsFlag::WhenSupported) => Checksums::WhenSupported,
            Some(ChecksumsFlag::WhenRequired) => Checksums::WhenRequired,
            None if asked.eq_ignore_ascii_case("when_required") => Checksums::WhenRequired,
            None => file.checksums.unwrap_or_default(),
        };
        let login = if self.anonymous { Login::Anonymous } else { file.login().unwrap_or(aws.login) };
        let region = region.unwrap_or_else(|| "us-east-1".into());
        Ok(Account { endpoint, region, path_style, login, checksums })
    }
}

/// `64`, `20MiB`, `1.5GB`.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "kb" => 1e3,
        "m" | "mib" => 1_048_576.0,
        "mb" => 1e6,
        "g" | "gib" => 1_073_741_824.0,
        "gb" => 1e9,
        "t" | "tib" => 1_099_511_627_776.0,
        "tb" => 1e12,
        _ => return Err("bytes with a unit, such as 20MiB".into()),
    };
    match number.trim().parse::<f64>() {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok((number * unit) as u64),
        _ => Err("bytes with a unit, such as 20MiB".into()),
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
