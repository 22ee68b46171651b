//! Words by which errors of many vendors are known.

/// Words that stand in codes, types and messages.
pub(super) const FILTERED: [&str; 19] = [
    "content_filter",
    "contentfilter",
    "content filter",
    "content_policy",
    "content management policy",
    "responsibleaipolicyviolation",
    "data_inspection_failed",
    "datainspectionfailed",
    "prohibited_content",
    "flagged_input",
    "flagged for",
    "flagged as potentially",
    "input was flagged",
    "violates usage guidelines",
    "content exists risk",
    "new_sensitive",
    "violated guardrail",
    "guardrail_intervened",
    "敏感内容",
];
pub(super) const NO_CREDIT: [&str; 30] = [
    "insufficient_quota",
    "insufficient quota",
    "insufficient_balance",
    "insufficient balance",
    "insufficient credit",
    "insufficient_credit",
    "insufficient funds",
    "credit balance is too low",
    "out of credit",
    "no credit",
    "exceeded your current quota",
    "exceeded_current_quota",
    "billing_hard_limit",
    "billing_not_active",
    "arrearage",
    "overdue payment",
    "spending limit",
    "allocationquota",
    "balance is insufficient",
    "insufficient account balance",
    "accountoverdue",
    "credit limit exceeded",
    "all available credits",
    "requires more credits",
    "key limit exceeded",
    "specified api usage limits",
    "budget has been exceeded",
    "budget_exceeded",
    "exceededbudget",
    "余额不足",
];
/// One question that no minute's quota holds.
pub(super) const TOO_LONG: [&str; 2] = ["request too large for", "required for long context requests"];
/// A quota that is filled again in a while, under the same words.
pub(super) const PASSING: [&str; 6] =
    ["retrydelay", "perminute", "per minute", "persecond", "per second", "retry in"];
pub(super) const BAD_KEY: [&str; 10] = [
    "key not valid",
    "api_key_invalid",
    "invalid_api_key",
    "invalid api key",
    "invalid api-key",
    "incorrect api key",
    "api key expired",
    "invalid x-api-key",
    "authentication_error",
    "invalid authentication",
];

/// Words of messages, where nothing else tells the status.
pub(super) const SAID: [(&str, u16); 6] = [
    ("rate limit", 429),
    ("too many requests", 429),
    ("login fail", 401),
    ("unexpected endpoint", 404),
    ("method not allowed", 404),
    ("timed out", 504),
];

/// Names of errors, and the status that they mean.
pub(super) const NAMES: [(&str, u16); 26] = [
    ("rate_limit", 429),
    ("ratelimit", 429),
    ("too_many_requests", 429),
    ("resource_exhausted", 429),
    ("insufficient_quota", 429),
    ("overloaded", 503),
    ("unavailable", 503),
    ("timeout", 504),
    ("deadline_exceeded", 504),
    ("invalid_api_key", 401),
    ("authentication", 401),
    ("unauthenticated", 401),
    ("unauthorized", 401),
    ("permission", 403),
    ("forbidden", 403),
    ("model_not_found", 404),
    ("not_found", 404),
    ("payment_required", 402),
    ("context_length", 400),
    ("content_filter", 400),
    ("invalid_request", 400),
    ("invalid_argument", 400),
    ("badrequest", 400),
    ("validation", 422),
    ("bad_gateway", 502),
    ("internal", 500),
];
