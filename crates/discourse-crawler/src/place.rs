//! What an address of a forum names: the site, a category, a tag, a topic.

use crawl_core::{Error, Kind, Result};
use url::Url;

/// A part of a forum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address of the forum, with `/` at its end; below a host's root where the forum is.
    pub base: Url,
    /// What of it.
    pub what: What,
}

/// What of a forum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// All topics.
    Site,
    /// Those of a category and the ones below it: its path of slugs, and its number.
    Category(String, u64),
    /// Those with a tag.
    Tag(String),
    /// One topic.
    Topic(u64),
}

impl Place {
    /// Reads an address as a browser shows it. A forum in a folder is known by what stands before `/t/`, `/c/` or
    /// `/tag/`; an address with none of them is the forum's own.
    ///
    /// # Errors
    /// [`Kind::Config`] if it is no plain address of http or https.
    pub fn read(address: &str) -> Result<Self> {
        let bad = |why: &str| {
            Error::new(Kind::Config, format!("not the address of a forum: {why}"))
                .at(address.to_owned())
                .advise("write it as a browser shows it, such as https://forum.example.org/c/help/7")
        };
        if address.starts_with('/') {
            return Err(bad("it names no host"));
        }
        let full = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
        let url = Url::parse(&full).map_err(|cause| bad("it cannot be read").because(cause))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(bad("only http and https are known"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it holds a name or a password, which belong into the environment"));
        }
        let parts: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
        let mark =
            parts.iter().position(|part| matches!(*part, "t" | "c" | "tag" | "tags" | "latest" | "top"));
        let (folder, rest) = parts.split_at(mark.unwrap_or(parts.len()));
        let mut base = url.clone();
        base.set_query(None);
        base.set_fragment(None);
        base.set_path(&folder.iter().map(|part| format!("/{part}")).collect::<String>());
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let what = what(rest).ok_or_else(|| bad("no category, tag or topic can be read in it"))?;
        Ok(Place { base, what })
    }
}

fn what(parts: &[&str]) -> Option<What> {
    let number = |part: &&str| part.trim_end_matches(".json").parse::<u64>().ok();
    match parts {
        [] | ["latest" | "top" | "tags" | "latest.json", ..] => Some(What::Site),
        // `/t/NUMBER`, `/t/NUMBER/POST`, `/t/SLUG/NUMBER`, `/t/SLUG/NUMBER/POST`.
        ["t", first, rest @ ..] => match (number(first), rest) {
            (Some(id), _) => Some(What::Topic(id)),
            (None, [second, ..]) => number(second).map(What::Topic),
            (None, []) => None,
        },
        ["c", rest @ ..] => {
            let end = rest.iter().position(|part| *part == "l").unwrap_or(rest.len());
            let rest = &rest[..end];
            let at = rest.iter().rposition(|part| number(part).is_some())?;
            let slugs: Vec<_> = rest[..at].to_vec();
            Some(What::Category(slugs.join("/"), number(&rest[at])?))
        }
        ["tag", name, ..] => Some(What::Tag((*name).trim_end_matches(".json").to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_browsers_show_them() {
        let read = |address: &str| Place::read(address).map(|place| (place.base.to_string(), place.what));
        let site = "https://f.org/".to_owned();
        for (address, base, what) in [
            ("f.org", &site, What::Site),
            ("https://f.org/latest?order=created", &site, What::Site),
            ("https://f.org/t/390", &site, What::Topic(390)),
            ("https://f.org/t/2979226/11", &site, What::Topic(2_979_226)),
            ("https://f.org/t/a-title/390/4#x", &site, What::Topic(390)),
            ("https://f.org/t/%E4%B8%AD/390.json", &site, What::Topic(390)),
            ("https://f.org/c/help/7", &site, What::Category("help".into(), 7)),
            ("https://f.org/c/help/linux/12/l/latest", &site, What::Category("help/linux".into(), 12)),
            ("https://f.org/tag/swift", &site, What::Tag("swift".into())),
            ("https://f.org/forum/t/x/5", &"https://f.org/forum/".to_owned(), What::Topic(5)),
            ("https://f.org/forum", &"https://f.org/forum/".to_owned(), What::Site),
        ] {
            assert_eq!(read(address).unwrap(), (base.clone(), what), "{address}");
        }
        for address in
            ["ftp://f.org", "https://ann:secret@f.org", "https://f.org/t/only-words", "https://", "/t/5"]
        {
            let error = read(address).unwrap_err();
            assert_eq!(error.kind(), Kind::Config, "{address}");
        }
    }
}
