//! What the double answers: a rule that anyone can repeat, so a test knows the right labels.

use serde_json::{Map, Value, json};

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

/// The answer of the double for this record: every property of the schema is filled.
///
/// Lists of an enum hold [`rule`]'s labels (`maxItems`, else 2, at most; never fewer than `minItems`), an enum of strings
/// is its first one, a string property named `id`, `repo_id`, `record_id` or `record` is the record's id, other strings are
/// a short sentence, numbers lie within their bounds, booleans follow a hash. `$ref` to `$defs` is followed.
#[must_use]
pub fn answer(schema: &Value, record_id: &str) -> Value {
    Filler { root: schema, record_id, shown_id: record_id, label: None }.fill(schema, "", 0)
}

/// As [`answer`], with this label wherever a label belongs.
pub(super) fn answer_with_label(schema: &Value, record_id: &str, label: &str) -> Value {
    Filler { root: schema, record_id, shown_id: record_id, label: Some(label) }.fill(schema, "", 0)
}

/// As [`answer`], but it says that it is about another record.
pub(super) fn answer_with_id(schema: &Value, record_id: &str, shown_id: &str) -> Value {
    Filler { root: schema, record_id, shown_id, label: None }.fill(schema, "", 0)
}

struct Filler<'a> {
    root: &'a Value,
    record_id: &'a str,
    shown_id: &'a str,
    label: Option<&'a str>,
}

impl Filler<'_> {
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
            return self.one_of(choices);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "boolean" => json!(self.dice(name).below(2) == 1),
            "integer" => self.integer(schema, name),
            "number" => self.number(schema, name),
            "string" => self.string(schema, name),
            _ => Value::Null,
        }
    }

    /// Where `$ref`, `anyOf`, `oneOf` or `allOf` leads.
    fn chosen<'s>(&'s self, schema: &'s Value) -> Option<&'s Value> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return self.root.pointer(reference.strip_prefix('#')?);
        }
        let choices = ["anyOf", "oneOf", "allOf"].iter().find_map(|name| schema.get(name)?.as_array())?;
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
        let mut chosen = rule(self.record_id, &labels, most);
        let spare: Vec<_> = labels.into_iter().filter(|label| !chosen.contains(label)).collect();
        chosen.extend(spare.into_iter().take(least.saturating_sub(chosen.len())));
        json!(chosen)
    }

    fn one_of(&self, choices: &[Value]) -> Value {
        let labels = texts(choices);
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
