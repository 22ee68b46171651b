//! The normal form of a conversation: one topic with all its posts, whatever site it is of. Crawlers write it and
//! exporters read it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// The version of the form that this crate writes.
pub const CONVERSATION_VERSION: u32 = 1;

/// Derives reading that never fails on a field: what has another type is unknown, what has no place here is kept in
/// `more`, and what is unknown is written as `null`.
macro_rules! lenient {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $kind:ty = $read:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$of])* #[serde(deserialize_with = $read)] pub $field: $kind,)*
            /// Members that this version does not know.
            #[serde(flatten)]
            pub more: Map<String, Value>,
        }
    };
}

lenient! {
    /// One topic with all its posts: one line of a listing. An unknown is null.
    Conversation {
        /// [`CONVERSATION_VERSION`] of the program that wrote it.
        schema_version: Option<u32> = "lenient",
        /// Where it is from.
        source: Origin = "lenient",
        /// The topic.
        topic: Topic = "lenient",
        /// All posts, the opening one first, the others in the order in which they were written.
        posts: Vec<Post> = "list",
        /// Counts over the posts.
        stats: Stats = "lenient",
        /// What was found of personal data, by kind; null until somebody looked.
        pii: Option<Value> = "lenient",
        /// What tells it from copies; null until somebody looked.
        dedup: Option<Value> = "lenient",
    }
}

lenient! {
    /// Where a conversation is from.
    Origin {
        /// The site: `kaggle`, or a forum's host.
        site: Option<String> = "lenient",
        /// The address of the site.
        base_url: Option<String> = "lenient",
        /// By which way it came, where there are several: `api`, `meta-kaggle`.
        via: Option<String> = "lenient",
        /// When it was fetched, RFC 3339.
        fetched_at: Option<String> = "lenient",
        /// Under which terms, as far as the site says.
        licence_note: Option<String> = "lenient",
        /// What the site's robots.txt and headers say of it.
        robots: Option<Value> = "lenient",
    }
}

lenient! {
    /// A topic.
    Topic {
        /// The site's number of it.
        id: Option<u64> = "lenient",
        /// Its address.
        url: Option<String> = "lenient",
        /// Its title; null where the site has none (comments on a Kaggle notebook).
        title: Option<String> = "lenient",
        /// The category or forum that it stands in.
        category: Option<Category> = "lenient",
        /// Its tags; null where the site does not tell them.
        tags: Option<Vec<String>> = "lenient",
        /// What it is about, where that is a thing of the same site.
        about: Option<About> = "lenient",
        /// When it was opened, RFC 3339.
        created_at: Option<String> = "lenient",
        /// When the last post was written, RFC 3339.
        bumped_at: Option<String> = "lenient",
        /// How often it was looked at.
        views: Option<u64> = "lenient",
        /// Likes of a forum, votes (minus those against) of Kaggle.
        like_count: Option<i64> = "lenient",
        /// No answers are taken any more.
        closed: Option<bool> = "lenient",
        /// It is put away.
        archived: Option<bool> = "lenient",
        /// It stands above the others.
        pinned: Option<bool> = "lenient",
        /// The number of the accepted answer.
        accepted_post_number: Option<u64> = "lenient",
        /// How many posts the site says that there are, the opening one included.
        posts_count: Option<u64> = "lenient",
    }
}

lenient! {
    /// A category or forum.
    Category {
        /// The site's number of it.
        id: Option<u64> = "lenient",
        /// Its name.
        name: Option<String> = "lenient",
        /// The names of those above it and its own, joined by `/`.
        path: Option<String> = "lenient",
    }
}

lenient! {
    /// What a topic is about.
    About {
        /// `competition`, `dataset`, `kernel`, `model`.
        kind: Option<String> = "lenient",
        /// Its ref, such as `owner/slug`; of a competition its slug.
        reference: Option<String> = "lenient",
    }
}

lenient! {
    /// A post.
    Post {
        /// The site's number of it; null of an opening post whose number the service does not tell.
        id: Option<u64> = "lenient",
        /// Its place in this topic, from 1, the opening post.
        number: Option<u64> = "lenient",
        /// The number of the post that it answers; null: the topic as a whole, or nobody says.
        reply_to: Option<u64> = "lenient",
        /// What it quotes of other posts.
        quotes: Vec<Quote> = "list",
        /// The author's name in addresses, or a pseudonym.
        username: Option<String> = "lenient",
        /// The author's name for people, or the pseudonym again.
        name: Option<String> = "lenient",
        /// The site's number of the author.
        user_id: Option<u64> = "lenient",
        /// What the author is here: `op`, `staff`, `mod`, `admin`, `tl3`.
        role_flags: Vec<String> = "list",
        /// When it was written, RFC 3339.
        created_at: Option<String> = "lenient",
        /// When it was last changed, RFC 3339.
        updated_at: Option<String> = "lenient",
        /// How many versions it has had.
        version: Option<u64> = "lenient",
        /// Likes of a forum, votes (minus those against) of Kaggle.
        likes: Option<i64> = "lenient",
        /// Reactions, as the site tells them.
        reactions: Option<Value> = "lenient",
        /// It is the accepted answer.
        accepted: Option<bool> = "lenient",
        /// The text as Markdown; null of a deleted post that is not shown any more.
        markdown: Option<String> = "lenient",
        /// Where the Markdown is from: `raw`, as the author wrote it, or `html`, made of what the site shows.
        markdown_from: Option<String> = "lenient",
        /// The text without markup; null where nobody made it.
        text: Option<String> = "lenient",
        /// Its pictures.
        images: Vec<Image> = "list",
        /// Its links.
        links: Vec<Link> = "list",
        /// Its blocks of code.
        code: Vec<Code> = "list",
        /// Files that the author attached.
        attachments: Vec<Link> = "list",
        /// It was deleted: it stands here because others answer it.
        deleted: Option<bool> = "lenient",
        /// Why exports should leave it out, if there is a reason: `deleted`, `hidden`.
        dropped_reason: Option<String> = "lenient",
    }
}

lenient! {
    /// A quote of another post.
    Quote {
        /// Who is quoted.
        username: Option<String> = "lenient",
        /// The number of the quoted post.
        post_number: Option<u64> = "lenient",
        /// The topic of the quoted post.
        topic_id: Option<u64> = "lenient",
        /// What is quoted, Markdown.
        text: Option<String> = "lenient",
    }
}

lenient! {
    /// A picture.
    Image {
        /// Its address.
        url: Option<String> = "lenient",
        /// The SHA-256 of its bytes, hex, once it was fetched.
        sha256: Option<String> = "lenient",
        /// Where it lies below the root, once it was fetched.
        file: Option<String> = "lenient",
        /// Pixels.
        width: Option<u32> = "lenient",
        /// Pixels.
        height: Option<u32> = "lenient",
        /// The text that stands for it.
        alt: Option<String> = "lenient",
        /// What was read in it: `{text, engine, lang, confidence}`.
        ocr: Option<Value> = "lenient",
    }
}

lenient! {
    /// A link.
    Link {
        /// Where it leads.
        url: Option<String> = "lenient",
        /// Its text.
        title: Option<String> = "lenient",
        /// It leads to the same site.
        internal: Option<bool> = "lenient",
    }
}

lenient! {
    /// A block of code.
    Code {
        /// The language, as the author named it.
        lang: Option<String> = "lenient",
        /// The code, byte for byte.
        text: Option<String> = "lenient",
    }
}

lenient! {
    /// Counts over the posts of a conversation.
    Stats {
        /// Posts that are here, deleted ones included.
        posts: Option<u64> = "lenient",
        /// Those of them that were deleted.
        deleted: Option<u64> = "lenient",
        /// Different authors.
        authors: Option<u64> = "lenient",
        /// Posts that answer one which is not here; they answer the topic now.
        dangling_replies: Option<u64> = "lenient",
    }
}

fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).unwrap_or_default())
}

/// Of a list those elements that have the form.
fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Array(elements) => {
            elements.into_iter().filter_map(|element| serde_json::from_value(element).ok()).collect()
        }
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Record;

    fn read(value: &Value) -> Conversation {
        Record::write(value).unwrap().raw().to().unwrap()
    }

    #[test]
    fn a_conversation_comes_back_as_it_was_written_and_unknowns_are_null() {
        let code = Code { lang: Some("rust".into()), text: Some("a < b\n".into()), ..Code::default() };
        let first = Post { number: Some(1), likes: Some(-3), code: vec![code], ..Post::default() };
        let about =
            About { kind: Some("dataset".into()), reference: Some("ann/noise".into()), ..About::default() };
        let given = Conversation {
            schema_version: Some(CONVERSATION_VERSION),
            topic: Topic { id: Some(7), about: Some(about), ..Topic::default() },
            posts: vec![first, Post { number: Some(2), reply_to: Some(1), ..Post::default() }],
            ..Conversation::default()
        };
        let record = Record::write(&given).unwrap();
        assert_eq!(record.raw().to::<Conversation>().unwrap(), given);
        let value: Value = serde_json::from_slice(record.bytes()).unwrap();
        assert!(value["topic"]["title"].is_null() && value["posts"][1]["markdown"].is_null());
        assert_eq!(value["posts"][0]["likes"], -3);
    }

    #[test]
    fn members_that_are_not_known_are_kept_wherever_they_stand() {
        let given =
            json!({"topic": {"id": 1, "mood": ["x"]}, "posts": [{"id": 2, "medal": {"a": 1}}], "next": 9});
        let written = serde_json::to_value(read(&given)).unwrap();
        assert_eq!(written["topic"]["mood"], json!(["x"]));
        assert_eq!(written["posts"][0]["medal"]["a"], 1);
        assert_eq!(written["next"], 9);
    }

    #[test]
    fn a_field_of_another_type_is_unknown_and_loses_nothing_else() {
        let given = json!({
            "schema_version": "one", "source": 5, "topic": {"id": "seven", "title": "Kept", "tags": [1]},
            "posts": [{"id": 3, "likes": {}, "markdown": "kept"}, "no post", {"id": -1, "code": "x", "links": [{"url": 1}]}],
        });
        let read = read(&given);
        assert_eq!((read.topic.id, read.topic.title.as_deref()), (None, Some("Kept")));
        assert_eq!(read.posts.len(), 2);
        assert_eq!((read.posts[0].id, read.posts[0].markdown.as_deref()), (Some(3), Some("kept")));
        assert_eq!((read.posts[0].likes, read.posts[1].id, read.posts[1].links.len()), (None, None, 1));
    }
}
