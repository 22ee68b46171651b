//! Competitions: what they are called, who may see what, their leaderboards and files.

use std::sync::Arc;

use serde_json::{Value, json};

use super::archive::Content;
use super::calendar::{END, colons, rfc3339};
use super::object::{Made, whole, zip};
use super::rope::Rope;
use super::words::{TOPICS, prose, title};
use super::world::{Part, Stream, World};
use crate::dice::{Dice, hash};

const SEGMENTS: [&str; 6] =
    ["Featured", "Research", "Getting Started", "Playground", "Community", "Analytics"];

/// One competition.
pub(super) struct Competition<'w> {
    pub(super) world: &'w World,
    pub(super) index: u64,
}

/// The last part of its address.
pub(super) fn slug(world: &World, index: u64) -> String {
    let (topic, _) = world.dice(Part::Competitions, index, Stream::Name).pick(&TOPICS);
    format!("{topic}-challenge-{index}")
}

pub(super) fn find(world: &World, slug_wanted: &str) -> Option<u64> {
    let index = slug_wanted.rsplit('-').next()?.parse().ok()?;
    let there = index < world.count(Part::Competitions) && !world.is_removed(Part::Competitions, index);
    (there && slug(world, index) == slug_wanted).then_some(index)
}

/// A row of a leaderboard.
pub(super) struct Team {
    pub(super) id: u64,
    pub(super) name: String,
    /// Seconds since 1970.
    pub(super) date: i64,
    pub(super) score: String,
    pub(super) submissions: u64,
    pub(super) members: String,
}

impl<'w> Competition<'w> {
    pub(super) fn new(world: &'w World, index: u64) -> Self {
        Self { world, index }
    }

    pub(super) fn id(&self) -> u64 {
        3000 + self.index * 11
    }

    pub(super) fn slug(&self) -> String {
        slug(self.world, self.index)
    }

    pub(super) fn title(&self) -> String {
        title(&self.slug())
    }

    pub(super) fn dice(&self, stream: Stream) -> Dice {
        self.world.dice(Part::Competitions, self.index, stream)
    }

    pub(super) fn subtitle(&self) -> String {
        prose(&mut self.dice(Stream::Text), 0)
    }

    pub(super) fn segment(&self) -> &'static str {
        SEGMENTS[self.index as usize % SEGMENTS.len()]
    }

    pub(super) fn enabled(&self) -> i64 {
        self.world.created(Part::Competitions, self.index)
    }

    pub(super) fn deadline(&self) -> i64 {
        self.enabled() + 7_776_000
    }

    pub(super) fn has_leaderboard(&self) -> bool {
        self.index % 9 != 4
    }

    /// Files are refused until a person accepts the rules.
    pub(super) fn wants_rules(&self) -> bool {
        self.index % 7 == 3
    }

    /// The ZIP is refused, the view is not.
    pub(super) fn zip_refused(&self) -> bool {
        self.index % 13 == 6 || self.board_refused()
    }

    /// ZIP and view are refused.
    pub(super) fn board_refused(&self) -> bool {
        self.index % 17 == 9
    }

    /// Pages are missing: only Meta Kaggle has the texts.
    pub(super) fn has_pages(&self) -> bool {
        self.index % 10 != 8
    }

    pub(super) fn teams(&self) -> u64 {
        if !self.has_leaderboard() {
            return 0;
        }
        if self.index == 0 { 230 } else { self.dice(Stream::Numbers).below(150) }
    }

    /// From the first to the last.
    pub(super) fn team(&self, place: u64) -> Team {
        let mut dice = Dice::new(self.world.config.seed ^ self.id(), place);
        let user = self.world.user(dice.below(self.world.config.users.max(1)));
        let name = match place % 9 {
            1 => format!("{}, \"the\" team", user.name),
            3 => format!("team {place}\nof two lines"),
            5 => format!("🦆 {} \u{202e}kcud", user.name),
            7 => "=1+1".into(),
            _ => user.name,
        };
        let score = match place % 31 {
            29 => String::new(),
            _ => format!("{:.5}", 0.99 - place as f64 * 0.001),
        };
        Team {
            id: self.id() * 1000 + place,
            name,
            date: (self.deadline() - place as i64 * 3600).min(END),
            score,
            submissions: 1 + dice.below(90),
            members: user.slug,
        }
    }

    pub(super) fn row(&self) -> Value {
        let (slug, enabled) = (self.slug(), self.enabled());
        let url = format!("https://www.kaggle.com/competitions/{slug}");
        json!({
            "id": self.id(),
            "ref": url,
            "title": self.title(),
            "url": url,
            "description": self.subtitle(),
            "organizationName": "Tern Lab",
            "organizationRef": "tern-lab",
            "category": self.segment(),
            "reward": if self.index.is_multiple_of(2) { "Knowledge" } else { "10,000 Usd" },
            "tags": [],
            "deadline": rfc3339(self.deadline()),
            "kernelCount": self.index % 90,
            "teamCount": self.teams(),
            "userHasEntered": false,
            "userRank": 0,
            "mergerDeadline": rfc3339(self.deadline() - 604_800),
            "newEntrantDeadline": rfc3339(self.deadline() - 604_800),
            "enabledDate": rfc3339(enabled),
            "maxDailySubmissions": 5,
            "maxTeamSize": 5,
            "evaluationMetric": "Mean absolute error",
            "awardsPoints": self.index % 2 == 1,
            "isKernelsSubmissionsOnly": false,
            "submissionsDisabled": false,
            "thumbnailImageUrl": "https://example.org/thumb.png",
            "hostName": "Tern Lab",
            "dateCreated": rfc3339(enabled),
            "licenseName": "CC BY 4.0",
        })
    }

    /// A ZIP with one CSV, with a byte order mark, under a name with colons.
    pub(super) fn leaderboard(&self) -> Arc<Rope> {
        let mut text = String::from(
            "\u{feff}Rank,TeamId,TeamName,LastSubmissionDate,Score,SubmissionCount,TeamMemberUserNames\r\n",
        );
        for place in 0..self.teams() {
            let team = self.team(place);
            text.push_str(&format!(
                "{},{},\"{}\",{},{},{},{}\r\n",
                place + 1,
                team.id,
                team.name.replace('"', "\"\""),
                colons(team.date),
                team.score,
                team.submissions,
                team.members
            ));
        }
        let name = format!("{}-publicleaderboard-{}.csv", self.slug(), colons(END - 60));
        zip(&[(name, Content::from(text.into_bytes()))], false)
    }

    pub(super) fn files(&self) -> Vec<(String, Content)> {
        let mut dice = self.dice(Stream::Files);
        let mut file = |name: &str| {
            let rows: String =
                (0..10 + dice.below(40)).map(|row| format!("{row},{}\n", dice.below(999))).collect();
            (name.to_owned(), Content::from(format!("id,target\n{rows}").into_bytes()))
        };
        let mut files = vec![file("train.csv"), file("test.csv"), file("sample_submission.csv")];
        if self.index % 5 == 2 {
            files.extend((0..60).map(|number| file(&format!("images/{number:03}.txt"))));
        }
        files
    }

    pub(super) fn folder(&self) -> String {
        format!("/kaggle-competitions-data/{}", self.id())
    }
}

/// `ID/bundle/archive.zip` or `ID/files/NAME`.
pub(super) fn object(world: &World, path: &str, changed: bool) -> Option<Made> {
    let mut parts = path.splitn(3, '/');
    let id: u64 = parts.next()?.parse().ok()?;
    let index = id.checked_sub(3000).filter(|rest| rest.is_multiple_of(11))? / 11;
    let competition = Competition::new(world, (index < world.count(Part::Competitions)).then_some(index)?);
    let (shape, name) = (parts.next()?, parts.next()?);
    let files = competition.files();
    Some(Made::Rope(match shape {
        "bundle" => zip(&files, changed),
        _ => whole(&files.iter().find(|(known, _)| known == name)?.1, changed),
    }))
}

/// The number that is high at the front of a list sorted by this word.
pub(super) fn rank(world: &World, index: u64, sort: &str) -> i64 {
    let competition = Competition::new(world, index);
    match sort {
        "numberofteams" => competition.teams() as i64,
        "earliestdeadline" => -competition.deadline(),
        "latestdeadline" | "recentlycreated" => competition.deadline(),
        _ => (hash(&slug(world, index)) >> 2) as i64,
    }
}
