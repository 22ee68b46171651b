//! Who of a forum is the user, and who the assistant.

use std::collections::{HashMap, HashSet};

use crawl_core::record::Conversation;
use crawl_core::record::conversation::Post;

use super::turns::{Role, Turn, merged};
use super::{Options, is_accepted};

/// Who is the user and who the assistant. None is right for everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Roles {
    /// Who opened the topic asks, everybody else answers.
    #[default]
    Asker,
    /// The opening post asks; the accepted answer, else the most liked one, answers.
    Best,
    /// A talk for each last reply: from the opening post along the replies.
    Chain,
    /// As [`Roles::Asker`], and each text says whose it is.
    Multi,
}

/// The talks that a conversation becomes; each begins with the user, takes turns, and ends with the assistant.
pub(super) fn talks(conversation: &Conversation, options: &Options) -> Result<Vec<Vec<Turn>>, &'static str> {
    let Some(first) = conversation.posts.first() else { return Err("too few posts") };
    let opener = first.username.clone();
    let made = match options.roles {
        Roles::Asker => vec![conversation.posts.iter().map(|post| side(post, &opener)).collect()],
        Roles::Multi => vec![conversation.posts.iter().map(|post| named(post, &opener)).collect()],
        Roles::Best => {
            let answer = best(conversation, options).ok_or("no answer that is good enough")?;
            vec![vec![Turn::of(first, Role::User), Turn::of(answer, Role::Assistant)]]
        }
        Roles::Chain => chains(conversation),
    };
    let titled = |turns: Vec<Turn>| {
        let mut turns = turns.into_iter();
        let first = turns.next().map(|turn| turn.titled(conversation));
        first.into_iter().chain(turns).collect::<Vec<_>>()
    };
    let whole: Vec<_> =
        made.into_iter().filter_map(|turns| finished(merged(titled(turns)), options)).collect();
    if whole.is_empty() { Err("no answer that is good enough") } else { Ok(whole) }
}

fn side(post: &Post, opener: &Option<String>) -> Turn {
    Turn::of(post, if post.username == *opener { Role::User } else { Role::Assistant })
}

fn named(post: &Post, opener: &Option<String>) -> Turn {
    let mut turn = side(post, opener);
    turn.text = format!("{}: {}", post.username.as_deref().unwrap_or("somebody"), turn.text);
    turn
}

/// Ends with an answer, and every answer says something.
fn finished(mut turns: Vec<Turn>, options: &Options) -> Option<Vec<Turn>> {
    while turns
        .last()
        .is_some_and(|turn| turn.role == Role::User || !says_something(&turn.text, options.least))
    {
        turns.pop();
    }
    let begins = turns.first().is_some_and(|turn| turn.role == Role::User);
    (begins && turns.len() >= 2).then_some(turns)
}

/// Whether an answer is more than thanks, a bump or a bare link.
pub(super) fn says_something(text: &str, least: usize) -> bool {
    let plain: String = text
        .lines()
        .filter(|line| !line.starts_with('>'))
        .flat_map(str::split_whitespace)
        .filter(|word| !word.contains("://"))
        .collect::<Vec<_>>()
        .join(" ");
    plain.chars().count() >= least
}

/// The accepted answer, else the most liked one of somebody else.
pub(super) fn best<'a>(conversation: &'a Conversation, options: &Options) -> Option<&'a Post> {
    let first = conversation.posts.first()?;
    let good = |post: &&Post| {
        post.username != first.username
            && says_something(post.markdown.as_deref().unwrap_or_default(), options.least)
            && post.likes.unwrap_or(0) >= options.min_likes
    };
    let accepted = conversation.posts.iter().filter(|post| is_accepted(post)).find(good);
    accepted.or_else(|| {
        let score = |post: &&Post| {
            let trusted =
                post.role_flags.iter().any(|flag| matches!(flag.as_str(), "staff" | "mod" | "admin"));
            (post.likes.unwrap_or(0), trusted, std::cmp::Reverse(post.number))
        };
        conversation.posts.iter().skip(1).filter(good).max_by_key(score)
    })
}

/// From each reply that nobody answered, back along the replies, as long as two people speak.
fn chains(conversation: &Conversation) -> Vec<Vec<Turn>> {
    let by: HashMap<u64, &Post> =
        conversation.posts.iter().filter_map(|post| Some((post.number?, post))).collect();
    let Some(first) = conversation.posts.first() else { return Vec::new() };
    let root = first.number;
    // A reply to nobody answers the topic.
    let parent = |post: &Post| post.reply_to.filter(|number| by.contains_key(number)).or(root);
    let answered: HashSet<u64> = conversation.posts.iter().skip(1).filter_map(&parent).collect();
    let mut chains = Vec::new();
    for leaf in conversation.posts.iter().skip(1) {
        if leaf.number.is_none_or(|number| answered.contains(&number)) {
            continue;
        }
        let (mut path, mut at, mut seen) = (vec![leaf], leaf, HashSet::new());
        while let Some(up) = parent(at).filter(|up| seen.insert(*up)).and_then(|up| by.get(&up)) {
            path.push(up);
            if up.number == root {
                break;
            }
            at = up;
        }
        path.reverse();
        let people: HashSet<_> = path.iter().map(|post| &post.username).collect();
        if path.first().is_some_and(|post| post.number == root) && people.len() == 2 {
            chains.push(path.into_iter().map(|post| side(post, &first.username)).collect());
        }
    }
    chains
}
