//! What a topic is about, by its address.

use crawl_core::record::conversation::About;

/// Words of Kaggle's addresses that stand where a user's name may stand.
const SECTIONS: [&str; 26] = [
    "about",
    "account",
    "benchmarks",
    "blog",
    "c",
    "code",
    "competitions",
    "contact",
    "datasets",
    "discussion",
    "discussions",
    "docs",
    "general",
    "getting-started",
    "host",
    "kernels",
    "learn",
    "models",
    "organizations",
    "product-feedback",
    "progression",
    "questions-and-answers",
    "rankings",
    "terms",
    "static",
    "work",
];

/// What a topic at `url` is about; `None` if it is about nothing, or nobody can tell.
pub(crate) fn about(url: &str) -> Option<About> {
    let path = url.split_once("kaggle.com/").map_or(url, |(_, path)| path).trim_start_matches('/');
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let words: Vec<&str> = path.split('/').collect();
    let (kind, reference) = match words.as_slice() {
        ["competitions" | "c", slug, _, ..] => ("competition", (*slug).to_owned()),
        ["datasets", owner, slug, _, ..] => ("dataset", format!("{owner}/{slug}")),
        ["models", owner, slug, _, ..] => ("model", format!("{owner}/{slug}")),
        ["code" | "kernels", owner, slug, _, ..] => ("kernel", format!("{owner}/{slug}")),
        // The old address of a dataset.
        [owner, slug, "discussion", _, ..] if !SECTIONS.contains(owner) => {
            ("dataset", format!("{owner}/{slug}"))
        }
        _ => return None,
    };
    Some(thing(kind, reference))
}

/// A thing of Kaggle.
pub(crate) fn thing(kind: &str, reference: String) -> About {
    About { kind: Some(kind.into()), reference: Some(reference), ..About::default() }
}

/// The address of a topic about a thing, by the form that Kaggle's addresses have.
pub(crate) fn address(about: &About, topic: u64) -> Option<String> {
    let (kind, reference) = (about.kind.as_deref()?, about.reference.as_deref()?);
    let (section, end) = match kind {
        "competition" => ("competitions", "discussion"),
        "dataset" => ("datasets", "discussion"),
        "model" => ("models", "discussion"),
        "kernel" => ("code", "comments"),
        _ => return None,
    };
    Some(format!("https://www.kaggle.com/{section}/{reference}/{end}/{topic}"))
}

/// Whether the path of an address, one word long, is the name of a user.
pub(crate) fn is_user(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !word.is_empty() && word.bytes().all(plain) && !SECTIONS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_tell_what_a_topic_is_about_and_say_nothing_where_nobody_can_tell() {
        let tell = |url: &str| {
            let about = about(url)?;
            Some(format!("{} {}", about.kind?, about.reference?))
        };
        let known = [
            ("https://www.kaggle.com/competitions/titanic/discussion/1", "competition titanic"),
            ("https://www.kaggle.com/c/titanic/discussion/1?x=2", "competition titanic"),
            ("https://www.kaggle.com/datasets/ann/noise/discussion/1", "dataset ann/noise"),
            ("/models/ann/bert/discussion/1", "model ann/bert"),
            ("https://www.kaggle.com/code/ann/eda/comments/1", "kernel ann/eda"),
            ("https://www.kaggle.com/ann/noise/discussion/1", "dataset ann/noise"),
        ];
        for (url, what) in known {
            assert_eq!(tell(url).as_deref(), Some(what), "{url}");
        }
        for url in
            ["https://www.kaggle.com/discussions/general/1", "", "https://www.kaggle.com/ann", "datasets/a"]
        {
            assert_eq!(tell(url), None, "{url}");
        }
        let again = address(&thing("kernel", "ann/eda".into()), 1).unwrap();
        assert_eq!(tell(&again).as_deref(), Some("kernel ann/eda"));
    }
}
