//! The methods of discussions.

use serde_json::{Value, json};

use super::calendar::rfc3339;
use super::call::Call;
use super::page::{Cut, Page};
use super::refuse::{denied, not_found};
use super::topic::{self, FORUMS, Place, Topic};
use super::world::Part;
use super::{Service, Talk};
use crate::fault::Fault;
use crate::http::answer::Answer;

impl Service {
    pub(super) fn discussions(&self, call: &Call, fault: Option<&Fault>) -> Result<Talk, Answer> {
        match call.method.as_str() {
            "ListForums" => {
                let forums = FORUMS.iter().map(|(id, name, slug)| {
                    json!({"id": id, "name": name, "url": format!("/discussions/{slug}"), "subtitle": "A place to talk"})
                });
                Ok(Talk::Json(json!({"forums": forums.collect::<Vec<_>>()})))
            }
            "ListTopics" => self.list_topics(call, None, fault),
            "ListDatasetTopics" => self.topics_of(call, Part::Datasets, "datasetslug", Place::Dataset, fault),
            "ListModelTopics" => self.topics_of(call, Part::Models, "modelslug", Place::Model, fault),
            "ListKernelTopics" => self.topics_of(call, Part::Kernels, "kernelslug", Place::Kernel, fault),
            "GetTopic" => {
                let topic = self.topic(call, "id")?;
                let mut row = row(&topic);
                row["content"] = topic.message(0).html().into();
                Ok(Talk::Json(json!({"topic": row})))
            }
            _ => {
                let topic = self.topic(call, "topicid")?;
                let page = Page::of(call, Cut::PLAIN, self.world.state().token_age)?;
                let top = topic.replies(None);
                let range = page.range(top.len() as u64);
                let shown = top[range.start as usize..range.end as usize].iter();
                let rows = shown.map(|number| comment(&topic, *number)).collect();
                Ok(Talk::page("comments", rows, &page, top.len() as u64, fault))
            }
        }
    }

    fn topic(&self, call: &Call, name: &str) -> Result<Topic<'_>, Answer> {
        let id = call.number(name).and_then(|id| u64::try_from(id).ok()).unwrap_or_default();
        topic::find(&self.world, id).map(|index| Topic::new(&self.world, index)).ok_or_else(not_found)
    }

    fn topics_of(
        &self,
        call: &Call,
        part: Part,
        slug: &str,
        place: fn(u64) -> Place,
        fault: Option<&Fault>,
    ) -> Result<Talk, Answer> {
        let (owner, slug) = (call.text("ownerslug").unwrap_or_default(), call.text(slug).unwrap_or_default());
        let index = self.world.find(part, &owner, &slug).ok_or_else(|| denied("discussions.list"))?;
        self.list_topics(call, Some(place(index)), fault)
    }

    fn list_topics(&self, call: &Call, place: Option<Place>, fault: Option<&Fault>) -> Result<Talk, Answer> {
        let world = &*self.world;
        let page = Page::of(call, Cut::PLAIN, world.state().token_age)?;
        let forum = match call.text("forumslug") {
            None => None,
            Some(slug) => {
                let number = FORUMS.iter().position(|(_, _, known)| *known == slug).ok_or_else(not_found)?;
                Some(Place::Site(number as u64))
            }
        };
        let place = place.or(forum);
        let category = call.word("category").filter(|word| word != "all");
        let search = call.text("searchquery").map(|text| text.to_lowercase());
        let sort = call.word("sortby").unwrap_or_else(|| "hot".into());
        let fits = |index: u64| {
            let topic = Topic::new(world, index);
            let of_kind = |category: &String| match topic.place() {
                Place::Site(_) => category == "forums",
                Place::Competition(_) => {
                    category == "competitions" || category == "competitionwriteups" && index % 12 == 3
                }
                Place::Dataset(_) => category == "datasets",
                Place::Model(_) => category == "models",
                Place::Kernel(_) => false,
            };
            place.is_none_or(|place| topic.place() == place)
                && category.as_ref().is_none_or(of_kind)
                && search.as_ref().is_none_or(|text| topic.title().to_lowercase().contains(text))
        };
        let rank = |index: u64| {
            let topic = Topic::new(world, index);
            match sort.as_str() {
                "top" => topic.votes() as i64,
                "new" => index as i64,
                "recent" | "active" => topic.last_date(),
                _ => crate::dice::Dice::new(world.config.seed, index ^ 0x707).below(1 << 40) as i64,
            }
        };
        let base =
            world.order(Part::Topics, &format!("list {sort} {place:?} {category:?} {search:?}"), fits, rank);
        let count = base.len() as u64;
        let indexes = self.places(Part::Topics, &base, page.range(count), sort == "hot");
        let mut rows = indexes.into_iter().map(|index| row(&Topic::new(world, index))).collect();
        let mut next = page.next(count);
        page.spoil(&mut rows, &mut next, fault);
        Ok(Talk::Json(json!({"topics": rows, "totalCount": count, "nextPageToken": next})))
    }
}

/// Without the content, as in lists.
fn row(topic: &Topic<'_>) -> Value {
    let first = topic.message(0);
    let slug = first.author.as_ref().map_or("", |author| &author.slug);
    json!({
        "id": topic.id(),
        "title": topic.title(),
        "url": topic.url(),
        "postDate": rfc3339(first.date),
        "lastCommentDate": rfc3339(topic.last_date()),
        "authorName": first.author_name(),
        "authorUrl": format!("/{slug}"),
        "votes": topic.votes(),
        "commentCount": topic.messages() - 1,
        "forumName": topic.forum_name(),
        "forumId": topic.place().forum(),
    })
}

fn comment(topic: &Topic<'_>, number: u64) -> Value {
    let message = topic.message(number);
    let replies: Vec<_> =
        topic.replies(Some(number)).into_iter().map(|number| comment(topic, number)).collect();
    json!({
        "id": message.id,
        "authorName": message.author_name(),
        "authorUrl": message.author.as_ref().map(|author| format!("/{}", author.slug)).unwrap_or_default(),
        "postDate": rfc3339(message.date),
        "content": message.html(),
        "votes": message.votes,
        "replies": replies,
    })
}
