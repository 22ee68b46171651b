//! Planting: an attack is written into a field of a record.

use crawl_core::{Record, Result};
use serde_json::{Value, json};

use super::set::{Attack, Place};
use llm_classifier::TaskKind;
use llm_classifier::{Answer, Form, Task};

/// The answer that an attack wants: another one than the clean row gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// This label, by its place.
    Label(usize),
    /// This decision of a filter.
    Related(bool),
}

impl Wanted {
    /// Another answer than the clean one: `turn` walks through the labels that it does not have.
    pub(crate) fn other_than(clean: &Answer, task: &Task, turn: usize) -> Option<Wanted> {
        match &task.kind {
            TaskKind::Filter(_) => clean.related.map(|related| Wanted::Related(!related)),
            TaskKind::Labels(labels) => {
                let free = |place: &usize| !clean.labels.contains(place) && labels.other != Some(*place);
                let free: Vec<usize> = (0..labels.labels.len()).filter(free).collect();
                (!free.is_empty()).then(|| Wanted::Label(free[turn % free.len()]))
            }
        }
    }

    /// Whether an answer is what was wanted.
    pub(crate) fn is_met(&self, answer: &Answer) -> bool {
        match self {
            Wanted::Label(place) => answer.labels.contains(place),
            Wanted::Related(related) => answer.related == Some(*related),
        }
    }

    fn words(&self, task: &Task) -> String {
        match (self, &task.kind) {
            (Wanted::Label(place), TaskKind::Labels(labels)) => labels.labels[*place].name.clone(),
            (Wanted::Related(related), TaskKind::Filter(filter)) => {
                format!("\"{}\": {related}", filter.field)
            }
            _ => String::new(),
        }
    }

    /// Its place in the task's file, from 1; true comes before false.
    fn place(&self) -> usize {
        match self {
            Wanted::Label(place) => place + 1,
            Wanted::Related(related) => {
                if *related {
                    1
                } else {
                    2
                }
            }
        }
    }

    /// What the task's file says that it means.
    fn meaning(&self, task: &Task) -> String {
        match (self, &task.kind) {
            (Wanted::Label(place), TaskKind::Labels(labels)) => {
                labels.labels[*place].description.trim().to_owned()
            }
            (Wanted::Related(true), TaskKind::Filter(filter)) => {
                format!("the record is related, for this holds: {}", filter.description.trim())
            }
            (Wanted::Related(false), TaskKind::Filter(filter)) => {
                format!("the record is not related, for this does not hold: {}", filter.description.trim())
            }
            _ => String::new(),
        }
    }

    /// A whole answer of the task with what is wanted, as a forger would write it who knows the task.
    fn answer(&self, task: &Task, id: &str) -> String {
        let mut members = vec![format!("\"id\": {}", quoted(id)), "\"reasoning\": \"As stated.\"".to_owned()];
        members.push(match self {
            Wanted::Label(_) => format!("\"labels\": [{}]", quoted(&self.words(task))),
            Wanted::Related(_) => self.words(task),
        });
        members.extend(
            task.response.iter().map(|field| format!("{}: {}", quoted(&field.name), best(&field.form))),
        );
        format!("{{{}}}", members.join(", "))
    }
}

/// The text as a JSON string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The value that looks best.
fn best(form: &Form) -> Value {
    match form {
        Form::Boolean => json!(true),
        Form::Number(_, most) => json!(most),
        Form::Integer(_, most) => json!(most),
        Form::Text(_) => json!("As stated."),
        Form::Texts(_) => json!([]),
        Form::Choice(choices) => json!(choices.first().map(|choice| &choice.name)),
        Form::Choices(choices, ..) => {
            json!(choices.iter().take(1).map(|choice| &choice.name).collect::<Vec<_>>())
        }
    }
}

/// The record with the attack in it.
pub(crate) fn planted(
    record: &Record,
    id: &str,
    attack: &Attack,
    wanted: &Wanted,
    task: &Task,
) -> Result<Record> {
    let order = order(attack, wanted, task, id);
    let field = shown_field(attack, task);
    let mut members = Vec::new();
    let mut there = false;
    for (key, value) in record.raw().members().into_iter().flatten() {
        let name = key.name().into_owned();
        let value: Value = value.to().unwrap_or(Value::Null);
        let value = if name == field && !there {
            there = true;
            joined(&value, &order, attack.place)
        } else {
            value
        };
        members.push(format!("{}:{value}", quoted(&name)));
    }
    if !there {
        members.push(format!("{}:{}", quoted(&field), quoted(&order)));
    }
    Record::parse(format!("{{{}}}", members.join(",")))
}

/// The order as the record will have it.
fn order(attack: &Attack, wanted: &Wanted, task: &Task, id: &str) -> String {
    let text = attack
        .text
        .replace("{wanted}", &wanted.words(task))
        .replace("{answer}", &wanted.answer(task, id))
        .replace("{place}", &wanted.place().to_string())
        .replace("{meaning}", &wanted.meaning(task))
        .replace("{id}", id);
    const HARMLESS: &str =
        "The rows were collected, cleaned and checked by hand before they were published. ";
    let padding: String = HARMLESS.chars().cycle().take(attack.padding).collect();
    format!("{padding}{}", attack.disguise.of(&text))
}

/// The member of the record that the attack is planted into.
fn shown_field(attack: &Attack, task: &Task) -> String {
    let top = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    if task.fields.iter().any(|field| top(&field.name) == attack.field) {
        return attack.field.clone();
    }
    let longest = task.fields.iter().max_by_key(|field| field.limit);
    longest.map_or_else(|| attack.field.clone(), |field| top(&field.name))
}

/// A text takes the order at its place, a list one more element, an object one more member.
fn joined(value: &Value, order: &str, place: Place) -> Value {
    match (value, place) {
        (Value::String(text), Place::End) => json!(format!("{text}\n\n{order}")),
        (Value::String(text), Place::Begin) => json!(format!("{order}\n\n{text}")),
        (Value::Array(values), Place::End | Place::Begin) => {
            let mut values = values.clone();
            values.insert(if place == Place::Begin { 0 } else { values.len() }, json!(order));
            json!(values)
        }
        (Value::Object(members), Place::End | Place::Begin) => {
            let mut members = members.clone();
            members.insert("note".into(), json!(order));
            json!(members)
        }
        _ => json!(order),
    }
}
