//! The machine that builds values, and executes nothing.

use std::collections::HashMap;
use std::io::BufRead;
use std::rc::Rc;

use super::names::{Name, known};
use super::ops::{Op, Ops};
use super::value::{Form, Group, Value};
use super::{Fault, Uses, json};
use crate::losses::visible;

/// What is built may take about so many bytes at once.
const MOST_HELD: u64 = 2 << 30;

pub(super) struct Machine {
    stack: Vec<Value>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    uses: Uses,
    memo: HashMap<u32, Value>,
    /// How many values got a number.
    memoized: u32,
    /// About how many bytes were made since objects were given out, and are kept for later use.
    made: u64,
    kept: u64,
}

impl Machine {
    pub(super) fn new(uses: Uses) -> Self {
        let (stack, marks, memo) = (Vec::new(), Vec::new(), HashMap::new());
        Machine { stack, marks, uses, memo, memoized: 0, made: 0, kept: 0 }
    }

    /// Runs one pickle. The objects of the list that it is, or else what it is, go to `give`.
    pub(super) fn run(
        mut self,
        mut ops: Ops<impl BufRead>,
        give: &mut impl FnMut(&Value) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        while let Some(op) = ops.next()? {
            self.step(op, ops.count())?;
            if let [Value::Group(list)] = self.stack.as_slice()
                && list.form == Form::List
                && self.marks.is_empty()
            {
                // Nothing is above the list that the pickle is: what is in it is whole.
                let done = std::mem::take(&mut *list.items.borrow_mut());
                if !done.is_empty() {
                    done.iter().try_for_each(&mut *give)?;
                    self.made = 0;
                }
            }
            if self.made.saturating_add(self.kept) > MOST_HELD {
                return Err(Fault::Damaged(format!("one value takes more than {MOST_HELD} bytes")));
            }
        }
        match self.pop()? {
            Value::Group(list) if list.form == Form::List => Ok(()),
            Value::Group(group) if matches!(group.form, Form::Tuple | Form::Set) => {
                group.items.borrow().iter().try_for_each(give)
            }
            other => give(&other),
        }
    }

    fn step(&mut self, op: Op, count: u64) -> Result<(), Fault> {
        let value = match op {
            Op::Nothing => return Ok(()),
            Op::Mark => {
                self.marks.push(self.stack.len());
                self.made += 8;
                return Ok(());
            }
            // As Python does it: on a mark it takes the mark.
            Op::Pop if self.marks.last() == Some(&self.stack.len()) => return self.unmark().map(drop),
            Op::Pop => return self.pop().map(drop),
            Op::PopMark => return self.unmark().map(drop),
            Op::Again => self.top()?.clone(),
            Op::None => Value::None,
            Op::Bool(truth) => Value::Bool(truth),
            Op::Whole(digits) => Value::Whole(digits.into()),
            Op::Float(number) => Value::Float(number),
            Op::Text(text) => Value::Text(text.into()),
            Op::Bytes(bytes) => Value::Bytes(bytes.into()),
            Op::EmptyList => Value::group(Form::List),
            Op::EmptyDict => Value::group(Form::Dict),
            Op::EmptySet => Value::group(Form::Set),
            Op::Tuple(Some(size)) => {
                let from = self.stack.len().checked_sub(size).ok_or_else(empty)?;
                let items = self.stack.split_off(from);
                filled(Form::Tuple, items)?
            }
            Op::Tuple(None) => filled(Form::Tuple, self.unmark()?)?,
            Op::List => filled(Form::List, self.unmark()?)?,
            Op::FrozenSet => filled(Form::Set, self.unmark()?)?,
            Op::Dict => {
                let pairs = self.unmark()?;
                let dict = Value::group(Form::Dict);
                put(&dict, pairs)?;
                dict
            }
            Op::Append => {
                let value = self.pop()?;
                return add(self.top()?, vec![value], Form::List);
            }
            Op::Appends => {
                let values = self.unmark()?;
                return add(self.top()?, values, Form::List);
            }
            Op::AddItems => {
                let values = self.unmark()?;
                return add(self.top()?, values, Form::Set);
            }
            Op::SetItem => {
                let value = self.pop()?;
                let key = self.pop()?;
                return put(self.top()?, vec![key, value]);
            }
            Op::SetItems => {
                let pairs = self.unmark()?;
                return put(self.top()?, pairs);
            }
            Op::Put(number) => return self.keep(number, count),
            Op::Memoize => return self.keep(self.memoized, count),
            Op::Get(number) => {
                let value = self.memo.get(&number).cloned();
                let value =
                    value.ok_or_else(|| Fault::Damaged("it uses a value that it does not have".into()))?;
                if self.uses.get(&number) == Some(&count) {
                    self.kept = self.kept.saturating_sub(value.weight());
                    self.memo.remove(&number);
                }
                value
            }
            Op::Global(module, name) => Value::Name(named(&module, &name)?),
            Op::StackGlobal => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => Value::Name(named(&module, &name)?),
                _ => return Err(Fault::Damaged("a name is no text".into())),
            },
            Op::NewObject => {
                let arguments = self.pop()?;
                object(&self.pop()?, &arguments)?
            }
            Op::NewObjectEx => {
                let keywords = self.pop()?;
                if !is_empty(&keywords) {
                    return Err(Fault::Refused(
                        "makes an object with arguments, which runs its class".into(),
                    ));
                }
                let arguments = self.pop()?;
                object(&self.pop()?, &arguments)?
            }
            Op::Reduce => {
                let arguments = self.pop()?;
                call(&self.pop()?, &arguments)?
            }
            Op::Build => {
                let state = self.pop()?;
                return build(self.top()?, &state);
            }
            Op::Refused(what) => return Err(Fault::Refused(what.into())),
        };
        self.made = self.made.saturating_add(value.weight());
        self.stack.push(value);
        Ok(())
    }

    fn top(&self) -> Result<&Value, Fault> {
        let floor = self.marks.last().copied().unwrap_or_default();
        self.stack.last().filter(|_| self.stack.len() > floor).ok_or_else(empty)
    }

    fn pop(&mut self) -> Result<Value, Fault> {
        self.top()?;
        self.stack.pop().ok_or_else(empty)
    }

    /// All above the last mark.
    fn unmark(&mut self) -> Result<Vec<Value>, Fault> {
        let mark = self.marks.pop().ok_or_else(empty)?;
        Ok(self.stack.split_off(mark))
    }

    /// Keeps the top under a number, if it is used later.
    fn keep(&mut self, number: u32, count: u64) -> Result<(), Fault> {
        self.memoized = self.memoized.saturating_add(1);
        let value = self.top()?.clone();
        if self.uses.get(&number).is_some_and(|last| *last > count) {
            // A container may grow when it has its number; what grows is counted as made.
            self.kept = self.kept.saturating_add(value.weight());
            if let Some(before) = self.memo.insert(number, value) {
                self.kept = self.kept.saturating_sub(before.weight());
            }
        }
        Ok(())
    }
}

fn empty() -> Fault {
    Fault::Damaged("it takes from an empty stack".into())
}

fn named(module: &str, name: &str) -> Result<Name, Fault> {
    known(module, name).ok_or_else(|| {
        let full: String = format!("{module}.{name}").chars().take(200).collect();
        Fault::Refused(format!("names `{}`, which is none of the classes that are known", visible(&full)))
    })
}

fn filled(form: Form, items: Vec<Value>) -> Result<Value, Fault> {
    let value = Value::group(form);
    add(&value, items, form)?;
    Ok(value)
}

fn add(to: &Value, items: Vec<Value>, form: Form) -> Result<(), Fault> {
    match to {
        Value::Group(group) if group.form == form => items.into_iter().try_for_each(|item| group.push(item)),
        _ => Err(Fault::Refused("adds to what is no list".into())),
    }
}

fn put(to: &Value, pairs: Vec<Value>) -> Result<(), Fault> {
    let Value::Group(group) = to else { return Err(Fault::Refused("sets a member of what has none".into())) };
    if !matches!(group.form, Form::Dict | Form::Object(_)) || !pairs.len().is_multiple_of(2) {
        return Err(Fault::Refused("sets a member of what has none".into()));
    }
    let mut pairs = pairs.into_iter();
    while let (Some(key), Some(value)) = (pairs.next(), pairs.next()) {
        group.put(key, value)?;
    }
    Ok(())
}

/// Whether it is an empty tuple or dict.
fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Group(group) if group.items.borrow().is_empty() && group.pairs.borrow().is_empty())
}

fn object(class: &Value, arguments: &Value) -> Result<Value, Fault> {
    match class {
        Value::Name(Name::Bag(bag)) if is_empty(arguments) => Ok(Value::group(Form::Object(*bag))),
        Value::Name(Name::OrderedDict) if is_empty(arguments) => Ok(Value::group(Form::Dict)),
        _ => Err(Fault::Refused("makes an object in a way that runs its class".into())),
    }
}

/// What a call of one of the known names would give.
fn call(function: &Value, arguments: &Value) -> Result<Value, Fault> {
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
fn build(object: &Value, state: &Value) -> Result<(), Fault> {
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
