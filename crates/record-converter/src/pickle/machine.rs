//! The machine that builds values, and executes nothing.

use std::collections::HashMap;
use std::io::BufRead;

use super::calls::{build, call, is_empty, object};
use super::names::{Name, known};
use super::ops::{Op, Ops};
use super::value::{Form, Value};
use super::{Fault, Uses};
use crate::losses::visible;

pub(super) struct Machine {
    stack: Vec<Value>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    uses: Uses,
    memo: HashMap<u32, Value>,
    /// How many values got a number.
    memoized: u32,
    /// About how many bytes were made since objects were given out.
    made: u64,
    /// About how many bytes are kept for later use: the weight of all that is in the memo, as it is now.
    kept: u64,
    /// So many both may be together.
    most: u64,
}

impl Machine {
    /// One that holds about `most` bytes at once.
    pub(super) fn new(uses: Uses, most: u64) -> Self {
        let (stack, marks, memo) = (Vec::new(), Vec::new(), HashMap::new());
        Machine { stack, marks, uses, memo, memoized: 0, made: 0, kept: 0, most }
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
                && !list.items.borrow().is_empty()
            {
                // Nothing is above the list that the pickle is: what is in it is whole.
                let (list, mut done) = (list.clone(), Vec::new());
                self.change(|_| {
                    done = list.empty();
                    Ok(())
                })?;
                done.iter().try_for_each(&mut *give)?;
                self.made = 0;
            }
            if self.made.saturating_add(self.kept) > self.most {
                return Err(Fault::Damaged(format!("one value takes more than {} bytes", self.most)));
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
            Op::Half(literal) => Value::Half(literal.into()),
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
                return self.change(|top| add(top, vec![value], Form::List));
            }
            Op::Appends => {
                let values = self.unmark()?;
                return self.change(|top| add(top, values, Form::List));
            }
            Op::AddItems => {
                let values = self.unmark()?;
                return self.change(|top| add(top, values, Form::Set));
            }
            Op::SetItem => {
                let value = self.pop()?;
                let key = self.pop()?;
                return self.change(|top| put(top, vec![key, value]));
            }
            Op::SetItems => {
                let pairs = self.unmark()?;
                return self.change(|top| put(top, pairs));
            }
            Op::Put(number) => return self.keep(number, count),
            Op::Memoize => return self.keep(self.memoized, count),
            Op::Get(number) => {
                let value = self.memo.get(&number).cloned();
                let value =
                    value.ok_or_else(|| Fault::Damaged("it uses a value that it does not have".into()))?;
                if self.uses.get(&number) == Some(&count) {
                    self.forget(number);
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
                return self.change(|top| build(top, &state));
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
            self.forget(number);
            self.kept = self.kept.saturating_add(value.weight());
            if let Value::Group(group) = &value {
                group.kept.set(group.kept.get() + 1);
            }
            self.memo.insert(number, value);
        }
        Ok(())
    }

    fn forget(&mut self, number: u32) {
        if let Some(value) = self.memo.remove(&number) {
            self.kept = self.kept.saturating_sub(value.weight());
            if let Value::Group(group) = &value {
                group.kept.set(group.kept.get() - 1);
            }
        }
    }

    /// Changes the top. Where it is kept too, what it grows by is kept as well.
    fn change(&mut self, change: impl FnOnce(&Value) -> Result<(), Fault>) -> Result<(), Fault> {
        let top = self.top()?.clone();
        let times = if let Value::Group(group) = &top { group.kept.get() } else { 0 };
        let before = top.weight();
        change(&top)?;
        self.kept = self.kept.saturating_sub(before.saturating_mul(times));
        self.kept = self.kept.saturating_add(top.weight().saturating_mul(times));
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

pub(super) fn filled(form: Form, items: Vec<Value>) -> Result<Value, Fault> {
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
