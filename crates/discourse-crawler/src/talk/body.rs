//! What is read of a topic's answer. A field of another type is unknown and loses nobody the topic.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).unwrap_or_default())
}

/// The elements of a list that can be read.
fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let value = Value::deserialize(from)?;
    let elements = if let Value::Array(elements) = value { elements } else { Vec::new() };
    Ok(elements.into_iter().filter_map(|element| serde_json::from_value(element).ok()).collect())
}

macro_rules! body {
    ($(#[$about:meta])* $name:ident { $($field:ident: $kind:ty = $read:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(default)]
        pub(super) struct $name { $(#[serde(deserialize_with = $read)] pub(super) $field: $kind,)* }
    };
}

body! {
    /// `/t/{id}.json`.
    TopicBody {
        id: Option<u64> = "lenient",
        title: Option<String> = "lenient",
        slug: Option<String> = "lenient",
        archetype: Option<String> = "lenient",
        category_id: Option<u64> = "lenient",
        tags: Vec<Value> = "list",
        created_at: Option<String> = "lenient",
        bumped_at: Option<String> = "lenient",
        last_posted_at: Option<String> = "lenient",
        views: Option<u64> = "lenient",
        like_count: Option<i64> = "lenient",
        posts_count: Option<u64> = "lenient",
        visible: Option<bool> = "lenient",
        closed: Option<bool> = "lenient",
        archived: Option<bool> = "lenient",
        pinned: Option<bool> = "lenient",
        accepted_answer: Option<Accepted> = "lenient",
        accepted_answers: Vec<Accepted> = "list",
        post_stream: Stream = "lenient",
    }
}

body! {
    /// The posts of a topic; `stream` names all of them, where there are fewer than 10,000.
    Stream {
        posts: Vec<PostBody> = "list",
        stream: Option<Vec<u64>> = "lenient",
    }
}

body! {
    Accepted { post_number: Option<u64> = "lenient" }
}

body! {
    PostBody {
        id: Option<u64> = "lenient",
        post_number: Option<u64> = "lenient",
        post_type: Option<u64> = "lenient",
        username: Option<String> = "lenient",
        name: Option<String> = "lenient",
        user_id: Option<i64> = "lenient",
        trust_level: Option<u64> = "lenient",
        moderator: bool = "lenient",
        admin: bool = "lenient",
        staff: bool = "lenient",
        created_at: Option<String> = "lenient",
        updated_at: Option<String> = "lenient",
        version: Option<u64> = "lenient",
        reply_to_post_number: Option<u64> = "lenient",
        cooked: Option<String> = "lenient",
        raw: Option<String> = "lenient",
        hidden: bool = "lenient",
        user_deleted: bool = "lenient",
        deleted_at: Option<String> = "lenient",
        wiki: bool = "lenient",
        via_email: bool = "lenient",
        action_code: Option<String> = "lenient",
        accepted_answer: Option<bool> = "lenient",
        actions_summary: Vec<Action> = "list",
        reactions: Option<Value> = "lenient",
    }
}

body! {
    Action { id: u64 = "lenient", count: Option<i64> = "lenient" }
}

impl TopicBody {
    /// The number of the accepted answer, in either of its forms.
    pub(super) fn accepted(&self) -> Option<u64> {
        let one = self.accepted_answer.as_ref().or(self.accepted_answers.first());
        let flagged =
            || self.post_stream.posts.iter().find(|post| post.accepted_answer == Some(true))?.post_number;
        one.and_then(|accepted| accepted.post_number).or_else(flagged)
    }

    /// Names of tags, which are texts on older forums and objects on newer ones.
    pub(super) fn tags(&self) -> Option<Vec<String>> {
        let name = |tag: &Value| match tag {
            Value::String(name) => Some(name.clone()),
            tag => tag.get("name")?.as_str().map(String::from),
        };
        Some(self.tags.iter().filter_map(name).collect())
    }
}

impl PostBody {
    /// Likes; no entry is none.
    pub(super) fn likes(&self) -> i64 {
        self.actions_summary.iter().find(|action| action.id == 2).and_then(|action| action.count).unwrap_or(0)
    }

    /// Why exports should leave it out, if there is a reason.
    pub(super) fn dropped(&self) -> Option<&'static str> {
        match self.post_type {
            Some(3) => return Some("small action"),
            Some(4) => return Some("whisper"),
            _ => {}
        }
        if self.user_deleted || self.deleted_at.is_some() {
            return Some("deleted");
        }
        if self.hidden {
            return Some("hidden");
        }
        self.user_id.is_some_and(|id| id < 0).then_some("system")
    }
}
