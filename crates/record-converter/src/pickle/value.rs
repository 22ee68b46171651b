//! The values on the stack of the machine.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::Fault;
use super::names::{Bag, Name};

/// So deep may values be nested: what is deeper is an attack.
const DEEPEST: u16 = 100;

/// A value. A clone is the same one.
#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    /// In decimal digits.
    Whole(Rc<str>),
    Float(f64),
    Text(Rc<str>),
    /// A text with half a surrogate pair, as JSON spells it.
    Half(Rc<str>),
    Bytes(Rc<[u8]>),
    /// Seconds between a time and UTC.
    Zone(i32),
    /// Days, seconds and microseconds.
    Span(i64, i64, i64),
    Name(Name),
    Group(Rc<Group>),
}

/// What a group is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    List,
    Tuple,
    Set,
    Dict,
    Object(Bag),
}

/// A list, a tuple, a set, a dict or an object. Once it is in another one it stays as it is, so that none holds itself.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) form: Form,
    pub(super) items: RefCell<Vec<Value>>,
    /// Keys and values of dicts and objects.
    pub(super) pairs: RefCell<Vec<(Value, Value)>>,
    fixed: Cell<bool>,
    depth: Cell<u16>,
    weight: Cell<u64>,
    /// How many numbers of the memo it is kept under.
    pub(super) kept: Cell<u64>,
}

/// About how many bytes an empty group takes, with its place in another.
const EMPTY: u64 = 160;

impl Value {
    pub(super) fn group(form: Form) -> Self {
        Value::Group(Rc::new(Group {
            form,
            items: RefCell::default(),
            pairs: RefCell::default(),
            fixed: Cell::new(false),
            depth: Cell::new(1),
            weight: Cell::new(EMPTY),
            kept: Cell::new(0),
        }))
    }

    /// About how many bytes it takes, with all that is in it.
    pub(super) fn weight(&self) -> u64 {
        match self {
            Value::Whole(text) | Value::Text(text) | Value::Half(text) => text.len() as u64 + 48,
            Value::Bytes(bytes) => bytes.len() as u64 + 48,
            Value::Group(group) => group.weight.get(),
            _ => 32,
        }
    }
}

impl Group {
    /// What is in it; it is empty then.
    pub(super) fn empty(&self) -> Vec<Value> {
        self.weight.set(EMPTY);
        std::mem::take(&mut *self.items.borrow_mut())
    }

    pub(super) fn push(&self, value: Value) -> Result<(), Fault> {
        self.takes(&value)?;
        self.items.borrow_mut().push(value);
        Ok(())
    }

    pub(super) fn put(&self, key: Value, value: Value) -> Result<(), Fault> {
        self.takes(&key)?;
        self.takes(&value)?;
        self.pairs.borrow_mut().push((key, value));
        Ok(())
    }

    fn takes(&self, value: &Value) -> Result<(), Fault> {
        if self.fixed.get() {
            return Err(Fault::Refused("changes a value that is inside another, or inside itself".into()));
        }
        if let Value::Group(inner) = value {
            inner.fixed.set(true);
            // With itself inside it would be fixed now.
            if self.fixed.get() {
                return Err(Fault::Refused("holds a value that is inside itself".into()));
            }
            let depth = inner.depth.get() + 1;
            if depth > DEEPEST {
                return Err(Fault::Damaged(format!("values are nested more than {DEEPEST} deep")));
            }
            self.depth.set(self.depth.get().max(depth));
        }
        self.weight.set(self.weight.get().saturating_add(value.weight()));
        Ok(())
    }
}
