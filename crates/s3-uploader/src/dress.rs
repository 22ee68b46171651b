//! What is written with each object beside its bytes.

use std::collections::HashMap;
use std::time::SystemTime;

use aws_sdk_s3::operation::copy_object::builders::CopyObjectFluentBuilder;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat as Format};
use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};
use crawl_core::{Error, Kind, Result};

/// What is written with each object.
#[derive(Clone, Debug, Default)]
pub struct Dress {
    /// The storage class, such as `STANDARD_IA`.
    pub storage_class: Option<String>,
    /// The content type; without it one is guessed from the name.
    pub content_type: Option<String>,
    /// How long others may keep it, such as `max-age=3600`.
    pub cache_control: Option<String>,
    /// Names and values of metadata.
    pub metadata: Vec<(String, String)>,
    /// Names and values of tags.
    pub tags: Vec<(String, String)>,
    /// Encryption at rest by the server: `AES256` or `aws:kms`.
    pub sse: Option<String>,
    /// The KMS key, for `aws:kms`.
    pub sse_key: Option<String>,
    /// A canned ACL, such as `bucket-owner-full-control`.
    pub acl: Option<String>,
    /// Object Lock: until when nobody may remove it.
    pub lock: Option<Lock>,
    /// Object Lock: nobody may remove it until somebody ends the hold.
    pub legal_hold: bool,
    /// Refuse to replace an object that is there and differs.
    pub no_overwrite: bool,
}

/// A lock of Object Lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    mode: String,
    days: u32,
}

impl Lock {
    /// A lock for so many days from the time of sending.
    ///
    /// # Errors
    /// [`Kind::Config`] unless the mode is `GOVERNANCE` or `COMPLIANCE`, and for 0 days.
    pub fn new(mode: &str, days: u32) -> Result<Self> {
        match mode {
            "GOVERNANCE" | "COMPLIANCE" if days > 0 => Ok(Lock { mode: mode.to_owned(), days }),
            _ => Err(Error::new(Kind::Config, "a lock has a mode and at least one day").at(mode).advise(
                "give GOVERNANCE or COMPLIANCE, and the days: --object-lock GOVERNANCE --retain-days 30",
            )),
        }
    }

    fn until(&self) -> DateTime {
        let days = std::time::Duration::from_secs(u64::from(self.days) * 86_400);
        // Nobody's clock is so far on.
        DateTime::from(SystemTime::now().checked_add(days).unwrap_or_else(SystemTime::now))
    }
}

/// What the service must be told with every new object, a copy too.
macro_rules! guarded {
    ($request:expr, $dress:expr) => {{
        let dress: &$crate::Dress = $dress;
        $request
            .set_storage_class(dress.storage_class.as_deref().map(Into::into))
            .set_server_side_encryption(dress.sse.as_deref().map(Into::into))
            .set_ssekms_key_id(dress.sse_key.clone())
            .set_acl(dress.acl.as_deref().map(Into::into))
            .set_object_lock_mode(dress.lock_mode().map(Into::into))
            .set_object_lock_retain_until_date(dress.lock_until())
            .set_object_lock_legal_hold_status(dress.legal_hold.then_some("ON").map(Into::into))
    }};
}

/// All that is written with a new object: three requests of the SDK have setters of the same names, and no trait.
macro_rules! dressed {
    ($request:expr, $dress:expr, $key:expr) => {{
        let dress: &$crate::Dress = $dress;
        $crate::dress::guarded!($request, dress)
            .content_type(dress.content_type($key))
            .set_cache_control(dress.cache_control.clone())
            .set_metadata(dress.metadata())
            .set_tagging(dress.tagging())
    }};
}

pub(crate) use {dressed, guarded};

impl Dress {
    /// What goes with a copy that the service makes: what is not given anew stays as the source has it.
    pub(crate) fn with_copy(
        &self,
        copy: CopyObjectFluentBuilder,
        source: &HeadObjectOutput,
    ) -> CopyObjectFluentBuilder {
        let copy = guarded!(copy, self).set_copy_source_if_match(source.e_tag().map(str::to_owned));
        let copy = match self.tagging() {
            Some(tags) => copy.tagging(tags).tagging_directive(TaggingDirective::Replace),
            None => copy,
        };
        if self.content_type.is_none() && self.cache_control.is_none() && self.metadata.is_empty() {
            return copy;
        }
        // All of it is told anew, or none.
        let mut metadata = source.metadata().cloned().unwrap_or_default();
        metadata.extend(self.metadata().unwrap_or_default());
        let of_source = |text: Option<&str>| text.map(str::to_owned);
        let expires =
            source.expires_string().and_then(|time| DateTime::from_str(time, Format::HttpDate).ok());
        copy.metadata_directive(MetadataDirective::Replace)
            .set_content_type(self.content_type.clone().or_else(|| of_source(source.content_type())))
            .set_cache_control(self.cache_control.clone().or_else(|| of_source(source.cache_control())))
            .set_content_disposition(of_source(source.content_disposition()))
            .set_content_encoding(of_source(source.content_encoding()))
            .set_content_language(of_source(source.content_language()))
            .set_website_redirect_location(of_source(source.website_redirect_location()))
            .set_expires(expires)
            .set_metadata(Some(metadata))
    }

    /// The metadata as the SDK wants it.
    pub(crate) fn metadata(&self) -> Option<HashMap<String, String>> {
        (!self.metadata.is_empty()).then(|| self.metadata.iter().cloned().collect())
    }

    /// The tags as the header spells them.
    pub(crate) fn tagging(&self) -> Option<String> {
        let pair = |(name, value): &(String, String)| {
            format!("{}={}", crate::coding::coded(name), crate::coding::coded(value))
        };
        (!self.tags.is_empty()).then(|| self.tags.iter().map(pair).collect::<Vec<_>>().join("&"))
    }

    pub(crate) fn lock_mode(&self) -> Option<&str> {
        self.lock.as_ref().map(|lock| lock.mode.as_str())
    }

    pub(crate) fn lock_until(&self) -> Option<DateTime> {
        self.lock.as_ref().map(Lock::until)
    }

    /// Whether what is sent cannot be removed for a while.
    pub(crate) fn locks(&self) -> bool {
        self.lock.is_some() || self.legal_hold
    }

    /// As objects of a probe are dressed: at once readable, and not locked.
    pub(crate) fn of_a_probe(&self) -> Self {
        Dress { storage_class: None, lock: None, legal_hold: false, no_overwrite: false, ..self.clone() }
    }

    /// The content type of an object: the given one, else by its name's ending.
    pub(crate) fn content_type(&self, key: &str) -> String {
        if let Some(given) = &self.content_type {
            return given.clone();
        }
        let name = key.rsplit('/').next().unwrap_or(key);
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        match ending.as_str() {
            // What the library does not know.
            "jsonl" | "ndjson" => "application/x-ndjson".to_owned(),
            "parquet" => "application/vnd.apache.parquet".to_owned(),
            "zst" => "application/zstd".to_owned(),
            _ => {
                let guess = mime_guess::from_ext(&ending).first_or_octet_stream();
                // Without it browsers take texts for something else.
                if guess.type_() == mime_guess::mime::TEXT {
                    format!("{guess}; charset=utf-8")
                } else {
                    guess.to_string()
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_content_type_and_a_given_one_counts_more() {
        let of = |key| Dress::default().content_type(key);
        for (key, expected) in [
            ("a.b/page.JSONL", "application/x-ndjson"),
            ("page.jsonl.zst", "application/zstd"),
            ("a.json", "application/json"),
            ("a.csv", "text/csv; charset=utf-8"),
            ("a.tar.gz", "application/gzip"),
            ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("a.png/none", "application/octet-stream"),
            ("", "application/octet-stream"),
        ] {
            assert_eq!(of(key), expected, "{key}");
        }
        let given = Dress { content_type: Some("a/b".into()), ..Dress::default() };
        assert_eq!(given.content_type("x.json"), "a/b");
    }
}
