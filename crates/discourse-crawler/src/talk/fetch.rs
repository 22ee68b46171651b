//! All posts of a topic: the first twenty come with it, the others by their numbers.

use std::collections::HashSet;

use crawl_core::http::shown;
use crawl_core::robots::Signals;
use crawl_core::{Error, Kind, Result};

use super::body::{PostBody, TopicBody};
use crate::Forum;

/// So many posts are asked for at once.
const POSTS: usize = 50;
/// A topic of more posts is an attack: the largest known has some hundred thousand.
const MOST: usize = 2_000_000;

/// A topic with all of its posts.
pub(super) struct Fetched {
    pub(super) topic: TopicBody,
    /// In the order of the topic.
    pub(super) posts: Vec<PostBody>,
    /// Posts that the topic named and that were gone when they were asked for.
    pub(super) vanished: u64,
    /// What was said about the use of it.
    pub(super) signals: Signals,
}

/// Fetches topic `id`, whole.
pub(super) async fn topic(forum: &Forum, id: u64) -> Result<Fetched> {
    let with_raw = |more: Vec<(&'static str, String)>| {
        let mut query = vec![("include_raw", "1".to_owned())];
        query.extend(more);
        query
    };
    let path = format!("t/{id}.json");
    let (mut topic, signals) = read(forum, &path, &with_raw(Vec::new())).await?;
    if topic.id != Some(id) {
        let what = "another topic came than was asked for";
        return Err(Error::new(Kind::Shape, what).at(format!("{}{path}", shown(forum.base()))));
    }
    let mut posts = std::mem::take(&mut topic.post_stream.posts);
    let mut have: HashSet<u64> = posts.iter().filter_map(|post| post.id).collect();
    let mut vanished = 0;
    match topic.post_stream.stream.take() {
        Some(stream) => {
            let wanted: Vec<u64> = stream.iter().copied().filter(|post| !have.contains(post)).collect();
            for some in wanted.chunks(POSTS) {
                let ids = some.iter().map(|post| ("post_ids[]", post.to_string())).collect();
                let path = format!("t/{id}/posts.json");
                let (more, _) = read(forum, &path, &with_raw(ids)).await?;
                let before = posts.len();
                posts.extend(
                    more.post_stream
                        .posts
                        .into_iter()
                        .filter(|post| post.id.is_some_and(|post| some.contains(&post) && have.insert(post))),
                );
                vanished += (some.len() - (posts.len() - before)) as u64;
            }
        }
        // So many posts that the topic does not name them: page by page, until one brings nothing new.
        None => {
            for page in 2.. {
                let more = read(forum, &path, &with_raw(vec![("page", page.to_string())])).await;
                let more = match more {
                    Err(error) if error.status() == Some(404) => break,
                    more => more?.0,
                };
                let before = posts.len();
                let new = more.post_stream.posts.into_iter();
                posts.extend(new.filter(|post| post.id.is_some_and(|post| have.insert(post))));
                if posts.len() == before {
                    break;
                }
                if posts.len() > MOST {
                    return Err(Error::new(Kind::Shape, "the topic does not come to an end")
                        .at(format!("{}{path}", shown(forum.base()))));
                }
            }
        }
    }
    posts.sort_by_key(|post| (post.post_number.unwrap_or(u64::MAX), post.id));
    Ok(Fetched { topic, posts, vanished, signals })
}

async fn read(forum: &Forum, path: &str, query: &[(&'static str, String)]) -> Result<(TopicBody, Signals)> {
    let (answer, response) = forum.ask(path, query).await?;
    let body: TopicBody = answer.raw().to().map_err(|cause| {
        Error::new(Kind::Shape, "the topic has another form").at(shown(&response.url)).because(cause)
    })?;
    let signals = forum.signals(&response);
    Ok((body, signals))
}
