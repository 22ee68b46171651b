//! Pseudonyms: the same for the same user all over a root, and not to be found out by trying names.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crawl_core::record::conversation::{Conversation, Link};
use crawl_core::{Error, Kind, Result};
use data_encoding::HEXLOWER;
use pulldown_cmark::{Event, Parser, Tag};
use sha2::{Digest, Sha256};

use super::about::is_user;

const NAME: &str = "stages/pseudonyms.key";

/// Gives users other names. What makes them is 32 random bytes in `stages/pseudonyms.key` of the root, which are not
/// uploaded: whoever has them can try names, and nobody else can.
#[derive(Clone)]
pub struct Pseudonyms(Arc<[u8; 32]>);

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms")
    }
}

impl Pseudonyms {
    /// Those of a root; its key is made if there is none.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the key cannot be made, read, or is none.
    pub fn of(root: &Path) -> Result<Self> {
        let path = root.join(NAME);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let key: [u8; 32] = bytes.try_into().map_err(|_| {
                    Error::new(Kind::Storage, "this is no key of pseudonyms (32 bytes)")
                        .at(path.display().to_string())
                        .advise("restore it from a copy, or start a new root: other pseudonyms would not fit")
                })?;
                Ok(Pseudonyms(Arc::new(key)))
            }
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                let mut key = [0; 32];
                getrandom::fill(&mut key).map_err(|cause| {
                    Error::new(Kind::Storage, "the system gives no random bytes").because(cause.to_string())
                })?;
                crate::meta::durable(&path, &key)?;
                Ok(Pseudonyms(Arc::new(key)))
            }
            Err(cause) => Err(Error::io("cannot read the key of pseudonyms", &path, cause)),
        }
    }

    /// What tells them from those of another root, without telling the key.
    pub fn digest(&self) -> String {
        self.hash("", "")[..16].to_owned()
    }

    fn hash(&self, kind: &str, name: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(*self.0);
        hash.update(kind);
        hash.update([0]);
        hash.update(name);
        HEXLOWER.encode(&hash.finalize())
    }

    /// The pseudonym of a user name; small and capital letters make no difference.
    pub(crate) fn name(&self, username: &str) -> String {
        self.made("name", &username.to_lowercase())
    }

    fn made(&self, kind: &str, name: &str) -> String {
        format!("user-{}", &self.hash(kind, name)[..12])
    }

    /// Hides the authors, those who are addressed with `@` or by a link to their page, and the owner of what the topic
    /// is about. A name that somebody wrote into a sentence or into code stays: nobody can tell it from a word.
    pub(crate) fn hide(&self, conversation: &mut Conversation) {
        let mut known = Vec::new();
        for post in &mut conversation.posts {
            let user_id = post.user_id.take();
            let (username, name) = (post.username.take(), post.name.take());
            let hidden = match (&username, user_id, &name) {
                (Some(username), ..) => Some(self.name(username)),
                (None, Some(id), _) => Some(self.made("id", &id.to_string())),
                (None, None, Some(name)) => Some(self.made("shown", name)),
                (None, None, None) => None,
            };
            if let Some(hidden) = &hidden {
                let names = [username, name].into_iter().flatten().filter(|name| !name.is_empty());
                known.extend(names.map(|name| (name, hidden.clone())));
            }
            (post.username, post.name) = (hidden.clone(), hidden);
        }
        // Of two names that begin alike the longer one is looked for first.
        known.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then(one.cmp(other)));
        known.dedup();
        for post in &mut conversation.posts {
            if let Some(text) = &mut post.markdown {
                *text = self.text(text, &known);
            }
            for link in post.links.iter_mut().chain(&mut post.attachments) {
                let Link { url, title, .. } = link;
                for text in url.iter_mut().chain(title) {
                    *text = self.plain(text, &known);
                }
            }
        }
        if let Some(title) = &mut conversation.topic.title {
            *title = self.plain(title, &known);
        }
        if let Some(reference) = conversation.topic.about.as_mut().and_then(|about| about.reference.as_mut())
            && let Some((owner, slug)) = reference.split_once('/')
        {
            *reference = format!("{}/{slug}", self.name(owner));
            // The address holds the owner's name.
            conversation.topic.url = None;
        }
    }

    /// Markdown with other names, its code as it was.
    fn text(&self, text: &str, known: &[(String, String)]) -> String {
        let mut code = Vec::new();
        for (event, range) in Parser::new(text).into_offset_iter() {
            if matches!(event, Event::Code(_) | Event::Start(Tag::CodeBlock(_))) {
                code.push(range);
            }
        }
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        for range in code {
            // A block in a quote begins before what was found within it.
            if range.start >= at {
                out += &self.plain(&text[at..range.start], known);
                out += &text[range.clone()];
                at = range.end;
            }
        }
        out + &self.plain(&text[at..], known)
    }

    fn plain(&self, text: &str, known: &[(String, String)]) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(found) = rest.find(['@', '/']) {
            let (before, after) = (&rest[..found], &rest[found + 1..]);
            let address = rest[found..].starts_with('/') && out_ends(&out, before, "kaggle.com");
            let mention = rest[found..].starts_with('@') && !ends_in_word(&out, before);
            out += before;
            out.push_str(&rest[found..=found]);
            rest = after;
            let name = word(after);
            if mention && let Some((name, hidden)) = known.iter().find(|(name, _)| begins(after, name)) {
                out += hidden;
                rest = &after[name.len()..];
            } else if (mention && !name.is_empty())
                || (address && is_user(name) && !after[name.len()..].starts_with('/'))
            {
                out += &self.name(name);
                rest = &after[name.len()..];
            }
        }
        out + rest
    }
}

/// The name that a text begins with.
fn word(text: &str) -> &str {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    &text[..text.find(|character| !plain(character)).unwrap_or(text.len())]
}

/// Whether a text begins with a whole name.
fn begins(text: &str, name: &str) -> bool {
    text.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

fn out_ends(out: &str, before: &str, end: &str) -> bool {
    before.ends_with(end) || (before.is_empty() && out.ends_with(end))
}

/// An `@` behind a letter is no mention: mail addresses have it there.
fn ends_in_word(out: &str, before: &str) -> bool {
    let last = before.chars().next_back().or_else(|| out.chars().next_back());
    last.is_some_and(|last| last.is_alphanumeric() || matches!(last, '.' | '_' | '-' | '/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_and_addresses_of_users_are_hidden_and_code_mail_and_other_addresses_are_not() {
        let names = Pseudonyms(Arc::new([7; 32]));
        let ann = names.name("annbaker");
        let known = vec![("Ann Baker".to_owned(), ann.clone()), ("annbaker".to_owned(), ann.clone())];
        let text = "Thanks @annbaker and [@Ann Baker](https://www.kaggle.com/annbaker), @carl!\n\
                    a@b.org `@property` https://www.kaggle.com/datasets/x/y\n\n```python\n@annbaker\n```\n";
        let hidden = names.text(text, &known);
        let carl = names.name("carl");
        let want = format!(
            "Thanks @{ann} and [@{ann}](https://www.kaggle.com/{ann}), @{carl}!\n\
             a@b.org `@property` https://www.kaggle.com/datasets/x/y\n\n```python\n@annbaker\n```\n"
        );
        assert_eq!(hidden, want);
        assert_eq!(names.name("AnnBaker"), ann);
        assert_ne!(Pseudonyms(Arc::new([8; 32])).name("annbaker"), ann);
        assert_eq!(ann.len(), 17);
    }

    #[test]
    fn a_root_keeps_its_key_and_a_key_that_is_none_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let one = Pseudonyms::of(root.path()).unwrap();
        assert_eq!(Pseudonyms::of(root.path()).unwrap().name("x"), one.name("x"));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(Pseudonyms::of(other.path()).unwrap().digest(), one.digest());
        std::fs::write(root.path().join(NAME), "short").unwrap();
        assert_eq!(Pseudonyms::of(root.path()).unwrap_err().kind(), Kind::Storage);
    }
}
