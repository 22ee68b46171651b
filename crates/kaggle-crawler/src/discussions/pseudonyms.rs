//! Pseudonyms: the same for the same user all over a root, and not to be found out by trying names.

use std::collections::HashMap;
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
/// So many bytes of an address are looked at.
const LONGEST: usize = 300;

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
        if !path.is_file() {
            let mut key = [0; 32];
            getrandom::getrandom(&mut key).map_err(|cause| {
                Error::new(Kind::Storage, "the system gives no random bytes").because(cause.to_string())
            })?;
            crate::meta::durable(&path, &key, true)?;
        }
        // Of several runs that made one at once, the first did.
        let key = std::fs::read(&path)
            .map_err(|cause| Error::io("cannot read the key of pseudonyms", &path, cause))?;
        let key: [u8; 32] = key.try_into().map_err(|_| {
            Error::new(Kind::Storage, "this is no key of pseudonyms (32 bytes)")
                .at(path.display().to_string())
                .advise("restore it from a copy, or start a new root: other pseudonyms would not fit")
        })?;
        Ok(Pseudonyms(Arc::new(key)))
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

    /// Hides the authors, also where an address of Kaggle's names them, those who are addressed with `@` or by a link to
    /// their page, and the owner of what the topic is about. A name that somebody wrote into a sentence or into code stays: nobody can tell it from a word.
    pub(crate) fn hide(&self, conversation: &mut Conversation) {
        let mut known = Names::default();
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
                known.add(username, name, hidden);
            }
            (post.username, post.name) = (hidden.clone(), hidden);
        }
        known.sort();
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
    fn text(&self, text: &str, known: &Names) -> String {
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

    fn plain(&self, text: &str, known: &Names) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(found) = rest.find(['@', '/']) {
            let after = &rest[found + 1..];
            out.push_str(&rest[..found]);
            let hidden = match rest[found..].starts_with('@') {
                true => self.mentioned(&out, after, known),
                false => self.addressed(&out, after, known),
            };
            out.push_str(&rest[found..=found]);
            rest = after;
            if let Some((hidden, length)) = hidden {
                out += &hidden;
                rest = &after[length..];
            }
        }
        out + rest
    }

    /// Who is meant by an `@` between these texts, and how long the name is.
    fn mentioned(&self, before: &str, after: &str, known: &Names) -> Option<(String, usize)> {
        // Behind a letter it is no mention: mail addresses have it there.
        let last = before.chars().next_back();
        if last.is_some_and(|last| last.is_alphanumeric() || matches!(last, '.' | '_' | '-' | '/')) {
            return None;
        }
        let shown = known.shown.iter().find(|(name, _)| begins(after, name));
        let name = word(after);
        shown
            .map(|(name, hidden)| (hidden.clone(), name.len()))
            .or_else(|| (!name.is_empty()).then(|| (self.name(name), name.len())))
    }

    /// Who is meant by what stands behind a `/` of an address of Kaggle's, and how long the name is: a user's page, or
    /// a part of the address that is the name of an author of this topic.
    fn addressed(&self, before: &str, after: &str, known: &Names) -> Option<(String, usize)> {
        let near = &before[before.floor_char_boundary(before.len().saturating_sub(LONGEST))..];
        let begin = near.rfind(|of: char| of.is_whitespace() || "()<>[]\"'`".contains(of));
        let address = begin.map_or(near, |begin| &near[begin + 1..]);
        let relative = address.is_empty() && (before.ends_with("](") || before.ends_with("href=\""));
        if !relative && !address.contains("kaggle.com") {
            return None;
        }
        let name = word(after);
        let page = relative || address.ends_with("kaggle.com");
        let users = page && is_user(name) && !after[name.len()..].starts_with('/');
        let author = known.usernames.get(&name.to_lowercase()).cloned();
        author.or_else(|| users.then(|| self.name(name))).map(|hidden| (hidden, name.len()))
    }
}

/// The authors of a topic with their pseudonyms.
#[derive(Default)]
struct Names {
    /// By the name in addresses, in small letters.
    usernames: HashMap<String, String>,
    /// All names. Of two that begin alike the longer one comes first.
    shown: Vec<(String, String)>,
}

impl Names {
    fn add(&mut self, username: Option<String>, name: Option<String>, hidden: &str) {
        if let Some(username) = &username {
            self.usernames.insert(username.to_lowercase(), hidden.to_owned());
        }
        let names = [username, name].into_iter().flatten().filter(|name| !name.is_empty());
        self.shown.extend(names.map(|name| (name, hidden.to_owned())));
    }

    fn sort(&mut self) {
        self.shown.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then(one.cmp(other)));
        self.shown.dedup();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_and_addresses_of_users_are_hidden_and_code_mail_and_other_addresses_are_not() {
        let names = Pseudonyms(Arc::new([7; 32]));
        let ann = names.name("annbaker");
        let mut known = Names::default();
        known.add(Some("annbaker".into()), Some("Ann Baker".into()), &ann);
        known.sort();
        let text = "Thanks @annbaker and [@Ann Baker](https://www.kaggle.com/annbaker), @carl!\n\
                    a@b.org `@property` https://www.kaggle.com/datasets/x/y\n\n```python\n@annbaker\n```\n\
                    [me](/annbaker) <https://www.kaggle.com/code/AnnBaker/eda> x/annbaker /annbaker";
        let hidden = names.text(text, &known);
        let carl = names.name("carl");
        let want = format!(
            "Thanks @{ann} and [@{ann}](https://www.kaggle.com/{ann}), @{carl}!\n\
             a@b.org `@property` https://www.kaggle.com/datasets/x/y\n\n```python\n@annbaker\n```\n\
             [me](/{ann}) <https://www.kaggle.com/code/{ann}/eda> x/annbaker /annbaker"
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
