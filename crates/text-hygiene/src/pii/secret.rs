//! Keys, tokens and passwords: by what they begin with, by where they stand, and by how random they look.

use super::{Finding, Kind, joined_before};

/// What a secret begins with, which characters follow, and how many at the least and at the most.
struct Rule {
    prefix: &'static str,
    more: fn(u8) -> bool,
    least: usize,
    most: usize,
    name: &'static str,
}

const fn rule(
    prefix: &'static str,
    more: fn(u8) -> bool,
    least: usize,
    most: usize,
    name: &'static str,
) -> Rule {
    Rule { prefix, more, least, most, name }
}

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
}

fn hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn dotted(byte: u8) -> bool {
    name(byte) || byte == b'.'
}

const RULES: [Rule; 36] = [
    rule("AKIA", upper, 16, 16, "AWS access key"),
    rule("ASIA", upper, 16, 16, "AWS access key"),
    rule("ghp_", word, 36, 36, "GitHub token"),
    rule("gho_", word, 36, 36, "GitHub token"),
    rule("ghu_", word, 36, 36, "GitHub token"),
    rule("ghs_", word, 36, 36, "GitHub token"),
    rule("ghr_", word, 36, 76, "GitHub token"),
    rule("github_pat_", name, 22, 90, "GitHub token"),
    rule("glpat-", name, 20, 60, "GitLab token"),
    rule("xoxb-", name, 20, 120, "Slack token"),
    rule("xoxp-", name, 20, 120, "Slack token"),
    rule("xoxa-", name, 20, 120, "Slack token"),
    rule("xoxr-", name, 20, 120, "Slack token"),
    rule("xoxs-", name, 20, 120, "Slack token"),
    rule("xapp-", name, 20, 200, "Slack token"),
    rule("AIza", name, 35, 35, "Google API key"),
    rule("ya29.", name, 40, 400, "Google access token"),
    rule("GOCSPX-", name, 28, 28, "Google client secret"),
    rule("sk_live_", word, 16, 128, "Stripe key"),
    rule("rk_live_", word, 16, 128, "Stripe key"),
    rule("sk_test_", word, 16, 128, "Stripe key"),
    rule("whsec_", word, 24, 80, "Stripe webhook secret"),
    rule("sk-ant-", name, 32, 200, "Anthropic key"),
    rule("sk-proj-", name, 32, 220, "OpenAI key"),
    rule("sk-", word, 32, 64, "OpenAI key"),
    rule("hf_", word, 34, 37, "Hugging Face token"),
    rule("KGAT_", word, 24, 80, "Kaggle token"),
    rule("npm_", word, 36, 36, "npm token"),
    rule("pypi-AgEI", name, 50, 260, "PyPI token"),
    rule("SG.", dotted, 60, 70, "SendGrid key"),
    rule("dop_v1_", hex, 64, 64, "DigitalOcean token"),
    rule("shpat_", hex, 32, 32, "Shopify token"),
    rule("dckr_pat_", name, 20, 60, "Docker token"),
    rule("tskey-", name, 20, 80, "Tailscale key"),
    rule("gsk_", word, 48, 60, "Groq key"),
    rule("key-", hex, 32, 32, "Mailgun key"),
];

/// What names are called whose values are secrets.
const NAMES: [&str; 15] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "secret_key",
    "secretkey",
    "client_secret",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "access_token",
    "auth_token",
    "private_key",
];

pub(super) fn find(text: &str, all: &mut Vec<Finding>) {
    by_prefix(text, all);
    in_urls(text, all);
    private_keys(text, all);
    web_tokens(text, all);
    assigned(text, all);
}

fn by_prefix(text: &str, all: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    for rule in &RULES {
        for at in memchr::memmem::find_iter(bytes, rule.prefix) {
            let from = at + rule.prefix.len();
            let more =
                bytes[from..].iter().take(rule.most + 1).take_while(|byte| (rule.more)(**byte)).count();
            let fits = (rule.least..=rule.most).contains(&more);
            if fits && !joined_before(text, at) && is_random(&text[from..from + more], 2.8) {
                all.push(Finding::new(Kind::Secret, at, from + more, rule.name));
            }
        }
    }
}

/// `scheme://user:password@host`: the password.
fn in_urls(text: &str, all: &mut Vec<Finding>) {
    for at in memchr::memmem::find_iter(text.as_bytes(), "://") {
        let rest = &text[at + 3..text.floor_char_boundary((at + 300).min(text.len()))];
        let end = rest.find(|c: char| c.is_whitespace() || "/?#\"'<>`".contains(c)).unwrap_or(rest.len());
        let Some((user_and_password, _)) = rest[..end].rsplit_once('@') else { continue };
        let Some((user, password)) = user_and_password.split_once(':') else { continue };
        if !is_placeholder(password) && password.len() >= 3 && !is_placeholder(user) {
            let start = at + 3 + user.len() + 1;
            all.push(Finding::new(Kind::Secret, start, start + password.len(), "password in a URL"));
        }
    }
}

/// So far behind its beginning a private key ends.
const LONGEST_KEY: usize = 20 << 10;

fn private_keys(text: &str, all: &mut Vec<Finding>) {
    let mut from = 0;
    while let Some(at) = text[from..].find("-----BEGIN ").map(|at| from + at) {
        from = at + 11;
        let rest = &text[at..text.floor_char_boundary((at + LONGEST_KEY).min(text.len()))];
        let Some(label) = rest[11..].split("-----").next().filter(|label| label.len() < 40) else { continue };
        if !label.contains("PRIVATE KEY") {
            continue;
        }
        let begin = 11 + label.len() + 5;
        let close = format!("-----END {label}-----");
        let end = match rest.find(&close) {
            Some(end) => end + close.len(),
            // Cut off: as far as it looks like one.
            None => {
                begin
                    + rest
                        .get(begin..)
                        .map_or(0, |body| body.find(|c: char| !in_key(c)).unwrap_or(body.len()))
            }
        };
        // What is told about keys in prose has no body.
        if rest
            .get(begin..end)
            .is_some_and(|body| body.bytes().filter(u8::is_ascii_alphanumeric).count() >= 60)
        {
            all.push(Finding::new(Kind::Secret, at, at + end, "private key"));
            from = at + end;
        }
    }
}

fn in_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=\r\n\\".contains(c)
}

/// Three parts of base64 with dots between them, of which two are objects of JSON.
fn web_tokens(text: &str, all: &mut Vec<Finding>) {
    let mut from = 0;
    while let Some(at) = text[from..].find("eyJ").map(|at| from + at) {
        let length = text.as_bytes()[at..].iter().take_while(|byte| dotted(**byte)).count();
        from = at + length;
        let token = text[at..at + length].trim_end_matches('.');
        let mut parts = token.split('.');
        let (head, body, sign) = (parts.next(), parts.next(), parts.next());
        let long = |part: Option<&str>| part.is_some_and(|part| part.len() >= 10);
        if long(head)
            && body.is_some_and(|body| body.starts_with("eyJ"))
            && long(sign)
            && !joined_before(text, at)
        {
            all.push(Finding::new(Kind::Secret, at, at + token.len(), "JSON web token"));
        }
    }
}

/// `password = "..."`, `"api_key": "..."`, `SECRET=...`: the value, if it looks like one.
fn assigned(text: &str, all: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    for at in memchr::memchr2_iter(b'=', b':', bytes) {
        let head = text[text.floor_char_boundary(at.saturating_sub(48))..at]
            .trim_end_matches([' ', '"', '\'', '`', ':', '=']);
        let key = head
            .rsplit(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c)))
            .next()
            .unwrap_or_default();
        let key = key.to_ascii_lowercase();
        if !NAMES
            .iter()
            .any(|name| key == *name || key.strip_suffix(name).is_some_and(|rest| rest.ends_with(['_', '-'])))
        {
            continue;
        }
        let tail = &text[at + 1..text.floor_char_boundary((at + 300).min(text.len()))];
        let rest = tail.trim_start_matches(['=', ' ', '>']);
        let start = at + 1 + tail.len() - rest.len();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
        let (start, value) = match quote {
            Some(quote) => {
                let value = &rest[1..];
                let end = value.find([quote, '\n']).unwrap_or(value.len());
                (start + 1, &value[..end])
            }
            None => (
                start,
                rest.split(|c: char| c.is_whitespace() || ",;\"'<>`&\\".contains(c))
                    .next()
                    .unwrap_or_default(),
            ),
        };
        let value = if quote.is_none() { value.trim_end_matches(['.', ')']) } else { value };
        if is_secret_value(value, quote.is_some()) {
            all.push(Finding::new(Kind::Secret, start, start + value.len(), "value of a secret's name"));
        }
    }
}

/// Whether a value is no word, no code and no stand-in.
fn is_secret_value(value: &str, quoted: bool) -> bool {
    let code =
        !quoted && value.contains(['(', '[', '{', '.', '$', '/']) || value.contains(char::is_whitespace);
    let (digit, letter) = (
        value.bytes().any(|byte| byte.is_ascii_digit()),
        value.bytes().any(|byte| byte.is_ascii_alphabetic()),
    );
    let mark = quoted && value.bytes().any(|byte| b"!@#%^&*+/=".contains(&byte));
    (8..=256).contains(&value.len())
        && value.is_ascii()
        && !code
        && letter
        && (digit || mark)
        && !is_placeholder(value)
        && is_random(value, 2.8)
}

fn is_placeholder(value: &str) -> bool {
    const WORDS: [&str; 19] = [
        "example",
        "your",
        "xxx",
        "***",
        "...",
        "changeme",
        "change_me",
        "placeholder",
        "redacted",
        "password",
        "passwd",
        "<",
        "${",
        "{{",
        "$(",
        "process.env",
        "os.environ",
        "dummy",
        "secret",
    ];
    let lower = value.to_ascii_lowercase();
    value.starts_with(['$', '%', '{']) || WORDS.iter().any(|word| lower.contains(word))
}

/// Whether a text has at least so many bits a character, and does not repeat one.
fn is_random(text: &str, bits: f64) -> bool {
    let mut counts = [0u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = text.len() as f64;
    let sum: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|p| -p * p.log2())
        .sum();
    // A short text cannot have more bits than its length allows.
    sum >= bits.min(length.log2() * 0.8)
}
