//! The people of a forum.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::object::{Object, object};

#[derive(Clone, Debug)]
pub(super) struct Person {
    /// `None` where the account was deleted.
    pub(super) id: Option<i64>,
    pub(super) username: String,
    pub(super) name: Option<String>,
    pub(super) avatar: String,
    pub(super) admin: bool,
    pub(super) moderator: bool,
    pub(super) trust: u64,
    pub(super) title: Option<String>,
}

const FIRST: [&str; 16] = [
    "Amina", "Boris", "Carla", "Dimitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kavya", "Liam",
    "Marta", "Noor", "Olga", "小林",
];
const FAMILY: [&str; 16] = [
    "Abel", "Berg", "Castro", "Diaz", "Eklund", "Fischer", "Garcia", "Haas", "Ivanov", "Jensen", "Kumar",
    "Lee", "Moreau", "Novák", "Okafor", "直樹",
];

/// The places of the people who are always there.
pub(super) const SYSTEM: usize = 0;
pub(super) const DISCOBOT: usize = 1;
pub(super) const GONE: usize = 2;
pub(super) const ADMIN: usize = 3;
const FIXED: usize = 4;

pub(super) struct People {
    all: Vec<Person>,
    by_username: HashMap<String, usize>,
}

impl People {
    pub(super) fn new(count: u64) -> Self {
        let fixed = [
            (Some(-1), "system", Some("system"), true, 4),
            (Some(-2), "discobot", Some("discobot"), false, 4),
            (None, "user2011", None, false, 0),
            (Some(1), "harbourmaster", Some("The Harbour Master"), true, 4),
        ];
        let mut people = Self { all: Vec::new(), by_username: HashMap::new() };
        for (id, username, name, admin, trust) in fixed {
            let mut person = person(id, username, name.map(str::to_owned), trust);
            person.admin = admin;
            people.add(person);
        }
        for index in 0..count as usize {
            let (first, family) = (FIRST[index % 16], FAMILY[(index / 16 + index) % 16]);
            let ascii =
                |text: &'static str| if text.is_ascii() { text.to_lowercase() } else { "user".into() };
            let username = format!("{}_{}{}", ascii(first), ascii(family), index);
            let name = (index % 6 != 5).then(|| format!("{first} {family}"));
            let mut person = person(Some(index as i64 + 10), &username, name, index as u64 % 5);
            person.moderator = index % 20 == 3;
            person.title = (index % 9 == 4).then(|| "Keeper of lists".into());
            people.add(person);
        }
        people
    }

    /// Their place; who has this name already stays as they are.
    pub(super) fn add(&mut self, person: Person) -> usize {
        if let Some(place) = self.by_username.get(&person.username) {
            return *place;
        }
        self.by_username.insert(person.username.clone(), self.all.len());
        self.all.push(person);
        self.all.len() - 1
    }

    pub(super) fn at(&self, place: usize) -> &Person {
        &self.all[place]
    }

    /// Case does not matter.
    pub(super) fn named(&self, username: &str) -> Option<&Person> {
        let exact = self.by_username.get(username).map(|place| &self.all[*place]);
        exact.or_else(|| self.all.iter().find(|person| person.username.eq_ignore_ascii_case(username)))
    }

    /// One of the ordinary people.
    pub(super) fn pick(&self, number: u64) -> usize {
        let ordinary = self.all.len().saturating_sub(FIXED).max(1) as u64;
        (FIXED + (number % ordinary) as usize).min(self.all.len() - 1)
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }
}

pub(super) fn person(id: Option<i64>, username: &str, name: Option<String>, trust: u64) -> Person {
    let letter = username.chars().next().unwrap_or('u');
    Person {
        id,
        username: username.into(),
        name,
        avatar: format!("/letter_avatar_proxy/v4/letter/{letter}/9dc877/{{size}}.png"),
        admin: false,
        moderator: false,
        trust,
        title: None,
    }
}

impl Person {
    /// As topics and lists show them.
    pub(super) fn brief(&self) -> Object {
        object([
            ("id", json!(self.id)),
            ("username", json!(self.username)),
            ("name", json!(self.name)),
            ("avatar_template", json!(self.avatar)),
        ])
    }

    /// In the `users` of a list, which tells of rights only where there are any.
    pub(super) fn listed(&self) -> Value {
        let mut brief = self.brief();
        brief.insert("trust_level".into(), self.trust.into());
        self.rights(&mut brief);
        brief.into()
    }

    pub(super) fn rights(&self, into: &mut Object) {
        for (name, has) in [("admin", self.admin), ("moderator", self.moderator)] {
            if has {
                into.insert(name.into(), true.into());
            }
        }
    }

    pub(super) fn staff(&self) -> bool {
        self.admin || self.moderator
    }
}
