//! What a service's words mean: what to do, and whom it concerns.

use crawl_core::Kind;

/// What the service said.
pub(super) struct Said<'a> {
    /// What was asked for, as messages name it.
    pub(super) what: &'a str,
    pub(super) status: u16,
    pub(super) code: &'a str,
    pub(super) message: &'a str,
    /// The bucket's region, where it is another.
    pub(super) region: Option<&'a str>,
}

impl Said<'_> {
    pub(super) fn kind(&self) -> Kind {
        match (self.status, self.code) {
            _ if self.is_of_keys() => Kind::Denied,
            _ if self.is_of_address() || self.is_of_dress() => Kind::Config,
            _ if self.is_capped() => Kind::Denied,
            _ if self.is_too_large() => Kind::Config,
            (_, "QuotaExceeded" | "XMinioStorageFull") => Kind::Storage,
            (_, "SlowDown" | "Throttling" | "RequestLimitExceeded") | (429, _) => Kind::Limited,
            (_, "KMS.ThrottlingException" | "ThrottlingException") => Kind::Limited,
            (400, "InvalidRequest" | "InvalidArgument") | (501, _) => Kind::Config,
            (_, "RequestTimeout" | "InternalError" | "OperationAborted" | "ConditionalRequestConflict") => {
                Kind::Transient
            }
            // Something on the way damaged the content, and the server noticed.
            (_, "BadDigest" | "XAmzContentSHA256Mismatch" | "IncompleteBody" | "InvalidDigest") => {
                Kind::Transient
            }
            (401..=403, _) => Kind::Denied,
            (404 | 410, _) => Kind::Gone,
            (412 | 507, _) => Kind::Storage,
            // 2xx that could not be read: an error body, or a body that was cut.
            (0..=299 | 408 | 425 | 500.., _) => Kind::Transient,
            _ => Kind::Shape,
        }
    }

    /// Whether the next request would fail as well. A signature that does not match may be one odd key that the
    /// service spells otherwise, if it took others.
    pub(super) fn concerns_all(&self, never_answered: bool) -> bool {
        match (self.status, self.code) {
            (_, "SignatureDoesNotMatch") => never_answered,
            (_, "QuotaExceeded" | "XMinioStorageFull") | (401 | 402 | 507, _) => true,
            _ => self.is_of_keys() || self.is_of_address() || self.is_of_dress() || self.is_capped(),
        }
    }

    /// The keys are worth nothing, whatever is asked for.
    fn is_of_keys(&self) -> bool {
        matches!(
            self.code,
            "ExpiredToken"
                | "ExpiredTokenException"
                | "TokenRefreshRequired"
                | "RequestExpired"
                | "InvalidToken"
                | "InvalidSecurity"
                | "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "RequestTimeTooSkewed"
                | "AccountProblem"
                | "AllAccessDisabled"
                | "NotSignedUp"
                | "UserSuspended"
        )
    }

    /// The bucket is elsewhere, or addressed in another way.
    fn is_of_address(&self) -> bool {
        matches!(self.status, 301..=303 | 307 | 308)
            || matches!(
                self.code,
                "NoSuchBucket"
                    | "InvalidRegion"
                    | "InvalidBucketName"
                    | "AuthorizationHeaderMalformed"
                    | "PermanentRedirect"
                    | "IllegalLocationConstraintException"
            )
            || self.wants_virtual_hosts()
    }

    /// Clones that take no `host/bucket` have words of their own for it.
    fn wants_virtual_hosts(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        matches!(self.code, "SecondLevelDomainForbidden" | "PathStyleDomainForbidden")
            || ["virtual host", "virtual-host", "path style", "path-style", "second level domain"]
                .iter()
                .any(|word| self.status >= 400 && message.contains(word))
    }

    /// The bucket does not take what is to be written with each object.
    fn is_of_dress(&self) -> bool {
        matches!(
            self.code,
            "InvalidStorageClass"
                | "AccessControlListNotSupported"
                | "InvalidTag"
                | "InvalidEncryptionAlgorithmError"
        ) || (self.code.starts_with("KMS.") && self.code != "KMS.ThrottlingException")
            || (self.speaks_of_locks() && self.status == 400)
            || self.speaks_of_encryption()
    }

    /// The bucket demands an encryption, or the service knows none.
    fn speaks_of_encryption(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        matches!(self.status, 400 | 501)
            && ["server side encryption", "server-side encryption", "server-side-encryption", "kms"]
                .iter()
                .any(|word| message.contains(word))
    }

    /// The user has told the service how much may be used.
    fn is_capped(&self) -> bool {
        self.status == 403 && self.message.contains("cap exceeded")
    }

    fn is_too_large(&self) -> bool {
        self.status == 413 || self.code == "EntityTooLarge"
    }

    /// The bucket's region, where the service tells it.
    fn region(&self) -> Option<&str> {
        let told = || self.message.split_once("expecting '")?.1.split_once('\'').map(|(region, _)| region);
        self.region.or_else(told)
    }

    fn speaks_of_locks(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        self.code.contains("ObjectLock")
            || ["object lock", "objectlock", "object-lock", "legal hold", "retention"]
                .iter()
                .any(|word| message.contains(word))
    }

    pub(super) fn advice(&self) -> Option<String> {
        let advice = match (self.status, self.code) {
            (_, "RequestTimeTooSkewed") => "set this machine's clock, then run the same command again",
            (_, "SignatureDoesNotMatch" | "InvalidAccessKeyId") => {
                "check the access key, the secret key and the region"
            }
            _ if self.is_of_keys() => "renew the session's keys, then run the same command again",
            (_, "NoSuchBucket" | "InvalidBucketName") => "check the bucket's name, or make the bucket",
            (_, "QuotaExceeded" | "XMinioStorageFull") => {
                "make room at the service, then run the same command again"
            }
            _ if self.wants_virtual_hosts() => {
                "this service wants the bucket in the host's name: give --virtual-host, or path_style = false in a \
                 --cloud file"
            }
            (302 | 303 | 308, _) => {
                "something before the service leads elsewhere, such as the page of a proxy: check the service's address and the \
                 proxy"
            }
            (301 | 307, _) | (_, "AuthorizationHeaderMalformed" | "PermanentRedirect" | "InvalidRegion") => {
                return Some(match self.region() {
                    Some(region) => format!("the bucket is in region {region}: give --region {region}"),
                    None => "the bucket is in another region: give --region, or another --endpoint".into(),
                });
            }
            _ if self.speaks_of_locks() => self.of_locks(),
            (_, "AccessControlListNotSupported") => {
                "this bucket takes no ACLs: leave --acl out, and acl in the cloud file"
            }
            _ if self.is_capped() => "raise the cap at the service, then run the same command again",
            _ if self.is_too_large() => {
                "the service, or a proxy before it, takes no request of this size: send smaller ones, with --part-from 5MiB \
                 --part-size 5MiB"
            }
            (_, "InvalidObjectState") => "the object is in an archive: have the service restore it first",
            (_, "InvalidTag") => "look at --tag, and tags in the cloud file",
            _ if self.speaks_of_encryption() || (self.code.starts_with("KMS.") && self.is_of_dress()) => {
                "look at --sse and --sse-kms-key-id, and whether the keys may use that KMS key"
            }
            (400, "InvalidRequest" | "InvalidArgument" | "InvalidStorageClass") | (501, _) => {
                "this service does not take a flag's value: look at --storage-class, --sse, --acl, --tag, \
                 --object-lock, --checksums and --no-overwrite"
            }
            (412, _) => "another object has this key; choose another prefix, or allow overwriting",
            (403, _) => return self.leave(),
            _ => return None,
        };
        Some(advice.to_owned())
    }

    fn of_locks(&self) -> &'static str {
        let message = self.message.to_ascii_lowercase();
        if self.what == "removing" {
            return "it is under Object Lock and stays until the lock ends; only who may bypass the lock can remove it";
        }
        if message.contains("md5") || message.contains("checksum") {
            return "a bucket with Object Lock wants a checksum with each object: leave --checksums when_required out";
        }
        if message.contains("missing") || message.contains("not enabled") || message.contains("does not") {
            return "this bucket has no Object Lock: leave --object-lock and --legal-hold out, or make one that has it";
        }
        "look at --object-lock, --retain-days and --legal-hold; what is under a lock cannot be changed until it ends"
    }

    /// What the keys may not do.
    fn leave(&self) -> Option<String> {
        let action = match self.what {
            "looking at the object" | "reading back" | "fetching" => {
                return Some(
                    "the keys need leave for GetObject below this prefix, without which nothing can be proven; and for \
                     ListBucket, without which a missing object looks like this one"
                        .into(),
                );
            }
            "the upload"
            | "the probe"
            | "beginning an upload"
            | "the upload of a part"
            | "completing the upload"
            | "the probe of parts" => {
                return Some(
                    "the keys need leave for PutObject below this prefix; if the bucket demands encryption, an ACL, tags \
                     or a lock, give --sse, --acl, --tag or --object-lock, or their names in a --cloud file"
                        .into(),
                );
            }
            "copying within the bucket" => "GetObject and PutObject",
            "listing" => "ListBucket",
            "listing the parts" => "ListMultipartUploadParts",
            "listing the uploads" => "ListBucketMultipartUploads",
            "ending an upload" | "ending the probe" => "AbortMultipartUpload",
            "removing" => "DeleteObject",
            _ => return None,
        };
        Some(format!("the keys need leave for {action} there; then run the same command again"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<'a>(what: &'a str, status: u16, code: &'a str, message: &'a str) -> Said<'a> {
        Said { what, status, code, message, region: None }
    }

    #[test]
    fn words_of_services_lead_to_the_flag_or_the_leave_that_helps() {
        for (what, status, code, message, kind, all, advice) in [
            ("the upload", 403, "SecondLevelDomainForbidden", "", Kind::Config, true, "--virtual-host"),
            (
                "listing",
                400,
                "InvalidRequest",
                "Path-style is not supported",
                Kind::Config,
                true,
                "--virtual-host",
            ),
            (
                "the upload",
                400,
                "InvalidRequest",
                "Bucket is missing Object Lock Configuration",
                Kind::Config,
                true,
                "no Object Lock",
            ),
            (
                "the upload",
                400,
                "InvalidRequest",
                "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
                Kind::Config,
                true,
                "when_required",
            ),
            (
                "removing",
                403,
                "AccessDenied",
                "protected by object lock",
                Kind::Denied,
                false,
                "until the lock ends",
            ),
            ("removing", 403, "AccessDenied", "", Kind::Denied, false, "DeleteObject"),
            ("reading back", 403, "AccessDenied", "", Kind::Denied, false, "GetObject"),
            ("looking at the object", 403, "", "", Kind::Denied, false, "GetObject"),
            ("the upload", 403, "AccessDenied", "", Kind::Denied, false, "--sse"),
            ("the upload", 400, "AccessControlListNotSupported", "", Kind::Config, true, "--acl"),
            ("the upload", 400, "KMS.NotFoundException", "", Kind::Config, true, "--sse-kms-key-id"),
            ("the upload", 400, "KMS.ThrottlingException", "", Kind::Limited, false, ""),
            ("the upload", 400, "TokenRefreshRequired", "", Kind::Denied, true, "renew"),
            ("the upload", 404, "NoSuchBucket", "", Kind::Config, true, "bucket's name"),
            ("the upload", 404, "NoSuchKey", "", Kind::Gone, false, ""),
            ("the upload", 500, "InternalError", "", Kind::Transient, false, ""),
            ("the upload", 507, "", "", Kind::Storage, true, ""),
            (
                "the upload",
                400,
                "InvalidRequest",
                "Server Side Encryption with AWS KMS managed key is required",
                Kind::Config,
                true,
                "--sse",
            ),
            ("the upload", 501, "NotImplemented", "KMS not configured", Kind::Config, true, "--sse"),
            (
                "the probe",
                403,
                "AccessDenied",
                "Transaction cap exceeded, see",
                Kind::Denied,
                true,
                "raise the cap",
            ),
            ("the probe", 302, "", "", Kind::Config, true, "proxy"),
            (
                "listing",
                400,
                "AuthorizationHeaderMalformed",
                "the region 'us-east-1' is wrong; expecting 'garage'",
                Kind::Config,
                true,
                "--region garage",
            ),
            ("listing", 400, "InvalidRegion", "", Kind::Config, true, "--region"),
            ("the upload", 413, "", "", Kind::Config, false, "--part-size"),
            ("the upload", 400, "EntityTooLarge", "", Kind::Config, false, "--part-size"),
            ("fetching", 403, "InvalidObjectState", "", Kind::Denied, false, "restore"),
        ] {
            let said = said(what, status, code, message);
            let told = said.advice().unwrap_or_default();
            assert_eq!((said.kind(), said.concerns_all(false)), (kind, all), "{code} {message}");
            assert!(
                told.contains(advice) && told.is_empty() == advice.is_empty(),
                "{code} {message}: {told}"
            );
        }
        // Once others were taken it may be the odd key; at the beginning it is the secret.
        let odd = said("the upload", 403, "SignatureDoesNotMatch", "");
        assert!(odd.concerns_all(true) && !odd.concerns_all(false));
    }
}
