//! The methods of competitions.

use serde_json::{Value, json};

use super::calendar::{END, rfc3339};
use super::call::Call;
use super::competition::{Competition, find, rank};
use super::page::{Cut, Page};
use super::refuse::{denied, not_found, rules};
use super::topic::{self, Place, Topic};
use super::tree;
use super::world::Part;
use super::{Service, Talk};
use crate::fault::Fault;
use crate::http::answer::{Answer, Source};

impl Service {
    pub(super) fn competitions(&self, call: &Call, fault: Option<&Fault>) -> Result<Talk, Answer> {
        if call.method == "ListCompetitions" {
            return self.list_competitions(call, fault);
        }
        let name = call.text("competitionname").unwrap_or_default();
        let index = find(&self.world, &name).ok_or_else(not_found)?;
        let competition = Competition::new(&self.world, index);
        let files = || if competition.wants_rules() { Err(rules()) } else { Ok(competition.files()) };
        match call.method.as_str() {
            "GetCompetition" => Ok(Talk::Json(competition.row())),
            "ListCompetitionPages" => {
                let wanted = call.text("pagename");
                let mut pages = competition.pages();
                pages.retain(|page| wanted.as_ref().is_none_or(|wanted| page["name"] == wanted.as_str()));
                Ok(Talk::Json(json!({"pages": pages})))
            }
            "GetLeaderboard" => self.leaderboard(call, &competition, fault),
            "DownloadLeaderboard" if competition.zip_refused() => {
                Err(denied("competitions.downloadLeaderboard"))
            }
            "DownloadLeaderboard" if !competition.has_leaderboard() => Err(not_found()),
            "DownloadLeaderboard" => {
                let rope = competition.leaderboard();
                let mut bytes = vec![0; rope.len() as usize];
                rope.fill(0, &mut bytes);
                Ok(Talk::Zip {
                    name: format!("{}-publicleaderboard.zip", competition.slug()),
                    bytes: bytes.into(),
                })
            }
            "ListDataFiles" => {
                let files = files()?;
                let page = Page::of(call, Cut::PLAIN, self.world.state().token_age)?;
                let range = page.range(files.len() as u64);
                let rows = files[range.start as usize..range.end as usize].iter().map(|(name, content)| {
                    json!({
                        "ref": name, "name": name, "description": "", "totalBytes": content.size(), "url": "",
                        "creationDate": rfc3339(competition.enabled()),
                    })
                });
                Ok(Talk::page("files", rows.collect(), &page, files.len() as u64, fault))
            }
            "ListDataTreeFiles" => {
                let files = files()?;
                let listing = files.iter().map(|(name, content)| (name.as_str(), content.size()));
                let created = rfc3339(competition.enabled());
                self.page_of_tree(call, &tree::under(listing, call.text("path").as_deref(), &created), fault)
            }
            "DownloadDataFiles" => {
                files()?;
                Ok(self.link(&format!("{}/bundle/archive.zip", competition.folder()), fault))
            }
            "DownloadDataFile" => {
                let name = call.text("filename").unwrap_or_default();
                let known = files()?.iter().any(|(known, _)| *known == name);
                let path = format!("{}/files/{name}", competition.folder());
                if known { Ok(self.link(&path, fault)) } else { Err(not_found()) }
            }
            "ListCompetitionTopics" => Ok(self.competition_topics(call, index)),
            _ => self.topic_messages(call, index),
        }
    }

    fn list_competitions(&self, call: &Call, fault: Option<&Fault>) -> Result<Talk, Answer> {
        let world = &*self.world;
        let page = Page::of(call, Cut::PLAIN, world.state().token_age)?;
        let category = call.word("category").filter(|word| word != "all");
        let search = call.text("search").map(|text| text.to_lowercase());
        let nobody = call.word("group").is_some_and(|group| group == "entered");
        let sort = call.word("sortby").unwrap_or_else(|| "best".into());
        let fits = |index: u64| {
            let competition = Competition::new(world, index);
            let segment = super::call::squeeze(competition.segment());
            !nobody
                && category.as_ref().is_none_or(|category| *category == segment)
                && search.as_ref().is_none_or(|text| competition.title().to_lowercase().contains(text))
        };
        let key = format!("{sort} {category:?} {search:?} {nobody}");
        let base = world.order(Part::Competitions, &key, fits, |index| rank(world, index, &sort));
        let range = page.range(base.len() as u64);
        let shown = base[range.start as usize..range.end as usize].iter();
        let rows = shown.map(|index| Competition::new(world, u64::from(*index)).row()).collect();
        Ok(Talk::page("competitions", rows, &page, base.len() as u64, fault))
    }

    fn leaderboard(
        &self,
        call: &Call,
        competition: &Competition<'_>,
        fault: Option<&Fault>,
    ) -> Result<Talk, Answer> {
        if competition.board_refused() {
            return Err(denied("competitions.getLeaderboard"));
        }
        let page = Page::of(call, Cut::PLAIN, self.world.state().token_age)?;
        let count = competition.teams();
        let row = |place| {
            let team = competition.team(place);
            json!({
                "teamId": team.id, "teamName": team.name, "submissionDate": rfc3339(team.date), "score": team.score,
            })
        };
        Ok(Talk::page("submissions", page.range(count).map(row).collect(), &page, count, fault))
    }

    fn competition_topics(&self, call: &Call, index: u64) -> Talk {
        let all = topic::at(&self.world, Place::Competition(index));
        let start = (call.number("page").unwrap_or(1).max(1) as usize - 1).saturating_mul(20);
        let rows = all.iter().skip(start).take(20).map(|index| {
            let topic = Topic::new(&self.world, *index);
            let first = topic.message(0);
            json!({
                "id": topic.id(), "title": topic.title(), "topicUrl": topic.url(), "authorName": first.author_name(),
                "commentCount": topic.messages() - 1, "votes": topic.votes(), "postDate": rfc3339(first.date),
                "lastCommentPostDate": rfc3339(topic.last_date().min(END)), "isSticky": index % 30 == 4,
            })
        });
        Talk::Json(json!({"topics": rows.collect::<Vec<_>>(), "totalCount": all.len()}))
    }

    /// Nested; 30 of the first level unless the caller wants another number, -1 for all.
    fn topic_messages(&self, call: &Call, index: u64) -> Result<Talk, Answer> {
        let id = call.number("topicid").and_then(|id| u64::try_from(id).ok()).unwrap_or_default();
        let found = topic::find(&self.world, id).map(|index| Topic::new(&self.world, index));
        let topic = found.filter(|topic| topic.place() == Place::Competition(index)).ok_or_else(not_found)?;
        let most = match call.number("pagesize").unwrap_or(30) {
            -1 => usize::MAX,
            size => size.max(0) as usize,
        };
        let top = topic.replies(None).into_iter().take(most).map(|number| message(&topic, number));
        Ok(Talk::Json(json!({"messages": top.collect::<Vec<_>>()})))
    }
}

fn message(topic: &Topic<'_>, number: u64) -> Value {
    let message = topic.message(number);
    let replies: Vec<_> =
        topic.replies(Some(number)).into_iter().map(|number| self::message(topic, number)).collect();
    json!({
        "id": message.id,
        "postDate": rfc3339(message.date),
        "content": message.html(),
        "rawMarkdown": message.markdown(),
        "authorName": message.author_name(),
        "votes": message.votes,
        "isDeleted": message.deleted,
        "isPinned": number == 3,
        "replies": replies,
    })
}
