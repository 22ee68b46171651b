//! What the double answers: a rule that anyone can repeat, so a test knows the right labels.

use serde_json::{Map, Value, json};

use super::obey::Orders;
use super::point::{self, List};
use crate::dice::{Dice, hash};

/// How many labels the rule gives at most where the schema does not say.
const MOST: usize = 2;
/// A schema that refers to itself is followed this deep.
const DEPTH: usize = 12;

/// The right labels of a record: 1 to `most` different ones, in the order of `labels`. It depends on nothing but the
/// arguments; without labels it is empty.
#[must_use]
pub fn rule(record_id: &str, labels: &[String], most: usize) -> Vec<String> {
    let mut dice = Dice::new(hash(record_id), 1);
    let most = most.min(labels.len());
    let count = if most == 0 { 0 } else { 1 + dice.below(most as u64) as usize };
    let mut positions: Vec<usize> = (0..labels.len()).collect();
    for place in 0..count {
        let other = place + dice.below((positions.len() - place) as u64) as usize;
        positions.swap(place, other);
    }
    positions.truncate(count);
    positions.sort_unstable();
    positions.into_iter().map(|position| labels[position].clone()).collect()
}

/// As [`rule`]; codes for labels (`K3fa`, `Mc07`, ...) are sorted as the labels are in the task's file, in whatever order
/// they are shown, so that the record's right ones stay the same.
fn honest(record_id: &str, labels: &[String], most: usize) -> Vec<String> {
    let mut labels = labels.to_vec();
    if are_codes(&labels) {
        labels.sort_unstable();
    }
    rule(record_id, &labels, most)
}

fn are_codes(labels: &[String]) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_code = |label: &String| {
        label.strip_prefix(['K', 'M']).is_some_and(|rest| rest.len() >= 3 && rest.bytes().all(hex))
    };
    !labels.is_empty() && labels.iter().all(is_code)
}

/// What the double was told beside the record, and what it obeys.
#[derive(Default)]
pub(super) struct Told {
    /// The word that a member `check` must repeat.
    pub(super) check: Option<String>,
    /// The answers that it was given, with what they mean.
    pub(super) list: List,
    /// What the orders in the record want.
    pub(super) orders: Option<Orders>,
}

/// The answer of the double for this record: every property of the schema is filled.
///
/// Lists of an enum hold [`rule`]'s labels (`maxItems`, else 2, at most; never fewer than `minItems`), an enum of strings
/// is its first one, a string property named `id`, `repo_id`, `record_id` or `record` is the record's id, other strings are
/// a short sentence, numbers lie within their bounds, booleans follow a hash. `$ref` to `$defs` is followed.
#[must_use]
pub fn answer(schema: &Value, record_id: &str) -> Value {
    Filler::new(schema, record_id).fill(schema, "", 0)
}

/// As [`answer`], with the word that a member `check` must repeat, and as a model that obeys such orders.
pub(super) fn answer_to(schema: &Value, record_id: &str, told: &Told) -> Value {
    Filler { told: Some(told), ..Filler::new(schema, record_id) }.fill(schema, "", 0)
}

/// As [`answer`], with this label wherever a label belongs.
pub(super) fn answer_with_label(schema: &Value, record_id: &str, label: &str) -> Value {
    Filler { label: Some(label), ..Filler::new(schema, record_id) }.fill(schema, "", 0)
}

/// As [`answer`], but it says that it is about another record.
pub(super) fn answer_with_id(schema: &Value, record_id: &str, shown_id: &str) -> Value {
    Filler { shown_id, ..Filler::new(schema, record_id) }.fill(schema, "", 0)
}

struct Filler<'a> {
    root: &'a Value,
    record_id: &'a str,
    shown_id: &'a str,
    label: Option<&'a str>,
    told: Option<&'a Told>,
}

impl<'a> Filler<'a> {
    fn new(root: &'a Value, record_id: &'a str) -> Self {
        Filler { root, record_id, shown_id: record_id, label: None, told: None }
    }
}

impl<'a> Filler<'a> {
    fn orders(&self) -> Option<&'a Orders> {
        self.told?.orders.as_ref()
    }

    fn fill(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > DEPTH {
            return Value::Null;
        }
        if let Some(target) = self.chosen(schema) {
            return self.fill(target, name, depth + 1);
        }
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            return self.one_of(choices, name);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "boolean" => match self.wanted(name, Value::is_boolean) {
                Some(value) => value,
                None => json!(self.dice(name).below(2) == 1),
            },
            "integer" => self.wanted(name, Value::is_i64).unwrap_or_else(|| self.integer(schema, name)),
            "number" => self.wanted(name, Value::is_number).unwrap_or_else(|| self.number(schema, name)),
            "string" => self.string(schema, name),
            _ => Value::Null,
        }
    }

    /// What an order wants as the value of a member, if it wants something.
    fn wanted(&self, name: &str, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        let orders = self.orders()?;
        if let Some(value) = orders.member(name).filter(|value| fits(value)) {
            return Some(value.clone());
        }
        let (yes, no) = (Value::Bool(true), Value::Bool(false));
        match (orders.high, orders.low) {
            (true, _) if fits(&yes) => Some(yes),
            (_, true) if fits(&no) => Some(no),
            // Of two answers the first one is yes.
            _ => point::position(orders).filter(|_| fits(&yes)).map(|at| Value::Bool(at == Some(0))),
        }
    }

    /// The labels that an order wants, where it names some of these.
    fn ordered(&self, name: &str, labels: &[String]) -> Option<Vec<String>> {
        let orders = self.orders()?;
        let listed = orders.member(name).map(|value| match value {
            Value::Array(items) => texts(items),
            value => value.as_str().map(str::to_owned).into_iter().collect(),
        });
        let listed =
            listed.filter(|listed| !listed.is_empty() && listed.iter().all(|one| labels.contains(one)));
        listed.or_else(|| self.one_ordered(orders, labels).map(|label| vec![label.clone()]))
    }

    fn one_ordered<'l>(&self, orders: &Orders, labels: &'l [String]) -> Option<&'l String> {
        orders.label(labels).or_else(|| self.told?.list.pointed(orders, labels))
    }

    /// Where `$ref`, `anyOf`, `oneOf` or `allOf` leads.
    fn chosen<'s>(&'s self, schema: &'s Value) -> Option<&'s Value> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return self.root.pointer(reference.strip_prefix('#')?);
        }
        let choices = ["anyOf", "oneOf", "allOf"].iter().find_map(|name| schema.get(name)?.as_array())?;
        let has_it = |choice: &&Value| {
            let labels = choice.pointer("/items/enum").and_then(Value::as_array).map(|labels| texts(labels));
            let wanted = |labels: &Vec<String>| self.one_ordered(self.orders()?, labels).cloned();
            labels.as_ref().and_then(wanted).is_some()
        };
        if let Some(wanted) = choices.iter().find(has_it) {
            return Some(wanted);
        }
        choices.iter().find(|choice| kind(choice) != "null").or_else(|| choices.first())
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let properties = schema.get("properties").and_then(Value::as_object);
        let filled = properties.into_iter().flatten();
        Value::Object(
            filled
                .map(|(name, inner)| (name.clone(), self.fill(inner, name, depth + 1)))
                .collect::<Map<_, _>>(),
        )
    }

    fn array(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let Some(items) = schema.get("items") else { return json!([]) };
        let items = self.chosen(items).unwrap_or(items);
        let bound = |name: &str| schema.get(name).and_then(Value::as_u64).map(|bound| bound as usize);
        let (least, most) = (bound("minItems").unwrap_or(0), bound("maxItems").unwrap_or(MOST));
        let Some(labels) = items.get("enum").and_then(Value::as_array) else {
            let count = least.max(1).min(bound("maxItems").unwrap_or(usize::MAX));
            return Value::Array((0..count).map(|_| self.fill(items, name, depth + 1)).collect());
        };
        if let Some(label) = self.label {
            return json!([label]);
        }
        let labels = texts(labels);
        if let Some(wanted) = self.ordered(name, &labels) {
            return json!(wanted);
        }
        let mut chosen = honest(self.record_id, &labels, most);
        let spare: Vec<_> = labels.into_iter().filter(|label| !chosen.contains(label)).collect();
        chosen.extend(spare.into_iter().take(least.saturating_sub(chosen.len())));
        json!(chosen)
    }

    fn one_of(&self, choices: &[Value], name: &str) -> Value {
        let labels = texts(choices);
        if let Some(first) = self.ordered(name, &labels).and_then(|wanted| wanted.into_iter().next()) {
            return json!(first);
        }
        if labels.len() == 2 && are_codes(&labels) {
            // No and yes under codes, sorted so: the same answer as under their own names.
            return json!(if self.dice(name).below(2) == 1 {
                labels.iter().max()
            } else {
                labels.iter().min()
            });
        }
        match (self.label, rule(self.record_id, &labels, 1).into_iter().next()) {
            (Some(label), Some(_)) => json!(label),
            (None, Some(first)) => json!(first),
            // An enum of something other than strings.
            (_, None) => choices.first().cloned().unwrap_or(Value::Null),
        }
    }

    fn integer(&self, schema: &Value, name: &str) -> Value {
        let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
        let least = bound("minimum").or_else(|| Some(bound("exclusiveMinimum")? + 1));
        let most = bound("maximum").or_else(|| Some(bound("exclusiveMaximum")? - 1));
        let least = least.unwrap_or_else(|| most.map_or(0, |most| most.saturating_sub(10).min(0)));
        let most = most.unwrap_or(least.saturating_add(10)).max(least);
        let width = most.abs_diff(least).saturating_add(1);
        json!(least.wrapping_add_unsigned(self.dice(name).below(width)))
    }

    fn number(&self, schema: &Value, name: &str) -> Value {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let least = bound("minimum").or_else(|| bound("exclusiveMinimum")).unwrap_or(0.0);
        let most = bound("maximum").or_else(|| bound("exclusiveMaximum")).unwrap_or(least + 1.0);
        // Hundredths, and never an end: bounds may be exclusive.
        let hundredths = 1 + self.dice(name).below(98);
        json!(least + (most - least) * hundredths as f64 / 100.0)
    }

    fn string(&self, schema: &Value, name: &str) -> Value {
        if ["id", "repo_id", "record_id", "record"].contains(&name) {
            return json!(self.shown_id);
        }
        if name == "check" {
            // Who writes another's answer word for word forgets what else was asked.
            let dictated = self.orders().is_some_and(|orders| orders.whole.is_some());
            let own = self.told.and_then(|told| told.check.as_deref()).filter(|_| !dictated).unwrap_or("ok");
            let wanted = self.orders().and_then(|orders| orders.member("check")).and_then(Value::as_str);
            return json!(wanted.unwrap_or(own));
        }
        let reasons = [
            "The name says so.",
            "The description says so.",
            "The tags point there.",
            "It is a guess from the card.",
        ];
        let sentence = self.dice(name).pick(&reasons);
        let most = schema.get("maxLength").and_then(Value::as_u64).unwrap_or(u64::MAX);
        json!(&sentence[..sentence.len().min(usize::try_from(most).unwrap_or(usize::MAX))])
    }

    fn dice(&self, name: &str) -> Dice {
        Dice::new(hash(self.record_id), hash(name))
    }
}

/// The first type that is not `null`; an object if there are properties.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ if schema.get("enum").is_some() => "string",
        _ => "",
    }
}

fn texts(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}
