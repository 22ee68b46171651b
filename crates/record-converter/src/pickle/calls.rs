//! What calls and states of the known names come to. Nothing is called: what would come of it is made here.

use std::rc::Rc;

use super::machine::filled;
use super::names::Name;
use super::value::{Form, Group, Value};
use super::{Fault, json};

/// Whether it is an empty tuple or dict.
pub(super) fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Group(group) if group.items.borrow().is_empty() && group.pairs.borrow().is_empty())
}

pub(super) fn object(class: &Value, arguments: &Value) -> Result<Value, Fault> {
    match class {
        Value::Name(Name::Bag(bag)) if is_empty(arguments) => Ok(Value::group(Form::Object(*bag))),
        Value::Name(Name::OrderedDict) if is_empty(arguments) => Ok(Value::group(Form::Dict)),
        _ => Err(Fault::Refused("makes an object in a way that runs its class".into())),
    }
}

/// What a call of one of the known names would give.
pub(super) fn call(function: &Value, arguments: &Value) -> Result<Value, Fault> {
    let refused = || Err(Fault::Refused("calls something that is not known, or in a way that is not".into()));
    let (Value::Name(name), Value::Group(arguments)) = (function, arguments) else { return refused() };
    let arguments = arguments.items.borrow();
    match (name, arguments.as_slice()) {
        (Name::Set, []) => Ok(Value::group(Form::Set)),
        (Name::Set, [Value::Group(items)]) if matches!(items.form, Form::List | Form::Tuple) => {
            filled(Form::Set, items.items.borrow().clone())
        }
        (Name::OrderedDict, []) => Ok(Value::group(Form::Dict)),
        (Name::Encode, [Value::Text(text), Value::Text(how)])
            if matches!(how.as_ref(), "latin1" | "latin-1") =>
        {
            let bytes: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
            bytes.map_or_else(refused, |bytes| Ok(Value::Bytes(bytes.into())))
        }
        (Name::Reconstruct, [Value::Name(Name::Bag(bag)), Value::Name(Name::PlainObject), Value::None]) => {
            Ok(Value::group(Form::Object(*bag)))
        }
        // Some of the objects are dicts too.
        (Name::Reconstruct, [Value::Name(Name::Bag(bag)), Value::Name(Name::PlainDict), dict]) => {
            let object = Value::group(Form::Object(*bag));
            build(&object, dict)?;
            Ok(object)
        }
        (Name::TimeDelta, [days, seconds, micros]) => {
            let number = |value: &Value| match value {
                Value::Whole(digits) => digits.parse::<i64>().ok(),
                _ => None,
            };
            match (number(days), number(seconds), number(micros)) {
                (Some(days), Some(seconds), Some(micros)) => Ok(Value::Span(days, seconds, micros)),
                _ => refused(),
            }
        }
        (
            Name::TimeZone,
            [Value::Span(days, seconds, 0)] | [Value::Span(days, seconds, 0), Value::Text(_)],
        ) if (-1..=0).contains(days) && (0..86_400).contains(seconds) => {
            // Less than a day in both directions.
            i32::try_from(days * 86_400 + seconds).map_or_else(|_| refused(), |zone| Ok(Value::Zone(zone)))
        }
        (Name::DateTime, [Value::Bytes(state)]) => json::time(state, None).map_or_else(refused, text),
        (Name::DateTime, [Value::Bytes(state), Value::Zone(zone)]) => {
            json::time(state, Some(*zone)).map_or_else(refused, text)
        }
        (Name::Date, [Value::Bytes(state)]) => json::date(state).map_or_else(refused, text),
        _ => refused(),
    }
}

fn text(text: String) -> Result<Value, Fault> {
    Ok(Value::Text(text.into()))
}

/// Gives an object its members: a dict, or a pair of dicts.
pub(super) fn build(object: &Value, state: &Value) -> Result<(), Fault> {
    let refused = || Fault::Refused("sets the state of what is no known object, which may run it".into());
    let Value::Group(object) = object else { return Err(refused()) };
    if !matches!(object.form, Form::Object(_)) {
        return Err(refused());
    }
    let parts: Vec<Rc<Group>> = match state {
        Value::Group(state) if state.form == Form::Dict => vec![state.clone()],
        Value::Group(state) if state.form == Form::Tuple && state.items.borrow().len() == 2 => {
            let dicts = state.items.borrow();
            let dicts = dicts.iter().filter(|part| !matches!(part, Value::None));
            let dict = |part: &Value| match part {
                Value::Group(dict) if dict.form == Form::Dict => Ok(dict.clone()),
                _ => Err(refused()),
            };
            dicts.map(dict).collect::<Result<_, _>>()?
        }
        _ => return Err(refused()),
    };
    for part in parts {
        for (key, value) in part.pairs.borrow().iter() {
            object.put(key.clone(), value.clone())?;
        }
    }
    Ok(())
}
