//! The types of an Avro file, as its header tells them.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{JSON_KEY, NAME_KEY, RAW_KEY};
use crate::foreign::{NANOS_PER_MICRO, NANOS_PER_MILLI};
use crate::names::Names;

/// What stands at a place of a record.
#[derive(Debug)]
pub(super) enum Shape {
    Null,
    Bool,
    /// Both whole numbers are spelled the same.
    Long,
    Float,
    Double,
    Bytes,
    Text,
    Json,
    Date,
    /// Nanoseconds in a unit.
    Clock(i64),
    /// Nanoseconds in a unit, and whether it is in UTC.
    Point(i64, bool),
    /// Digits behind the point, and the bytes of it if they are always so many.
    Decimal(u32, Option<usize>),
    Fixed(usize),
    /// Sixteen bytes.
    Uuid,
    /// Months, days and milliseconds, four bytes each.
    Duration,
    Enum(Vec<String>),
    List(Box<Shape>),
    Map(Box<Shape>),
    Union(Vec<Shape>),
    Record(Vec<Field>),
    /// A type by its number in [`Schema::named`].
    Named(usize),
}

/// A field of a record.
#[derive(Debug)]
pub(super) struct Field {
    /// The key as JSON text.
    pub(super) key: String,
    pub(super) shape: Shape,
    /// Whether it holds the record word for word.
    pub(super) raw: bool,
}

/// All types of a file.
#[derive(Debug, Default)]
pub(super) struct Schema {
    /// Types that have names; a type may hold itself.
    named: Vec<Option<Shape>>,
    numbers: HashMap<String, usize>,
    /// The number of the record that each row is.
    pub(super) row: usize,
}

impl Schema {
    /// Reads the JSON of a schema, or says what is wrong with it.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let value: Value =
            serde_json::from_slice(text).map_err(|cause| format!("its schema is no JSON: {cause}"))?;
        let mut schema = Schema::default();
        match schema.shape(&value, "")? {
            Shape::Named(row) if matches!(schema.get(row), Some(Shape::Record(_))) => schema.row = row,
            _ => return Err("its rows are no records".into()),
        }
        Ok(schema)
    }

    /// The type of that number.
    pub(super) fn get(&self, number: usize) -> Option<&Shape> {
        self.named.get(number).and_then(Option::as_ref)
    }

    /// The fields of each row.
    pub(super) fn fields(&self) -> &[Field] {
        match self.get(self.row) {
            Some(Shape::Record(fields)) => fields,
            _ => &[],
        }
    }

    fn shape(&mut self, value: &Value, namespace: &str) -> Result<Shape, String> {
        match value {
            Value::String(name) => self.by_name(name, namespace),
            Value::Array(branches) => {
                let branches = branches.iter().map(|branch| self.shape(branch, namespace));
                Ok(Shape::Union(branches.collect::<Result<_, _>>()?))
            }
            Value::Object(object) => self.object(object, namespace),
            _ => Err("its schema has a type that is none".into()),
        }
    }

    fn by_name(&self, name: &str, namespace: &str) -> Result<Shape, String> {
        Ok(match name {
            "null" => Shape::Null,
            "boolean" => Shape::Bool,
            "int" | "long" => Shape::Long,
            "float" => Shape::Float,
            "double" => Shape::Double,
            "bytes" => Shape::Bytes,
            "string" => Shape::Text,
            _ => {
                let found = self.numbers.get(&full(name, namespace)).or_else(|| self.numbers.get(name));
                Shape::Named(
                    *found.ok_or_else(|| format!("its schema has an unknown type `{}`", shown(name)))?,
                )
            }
        })
    }

    fn object(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<Shape, String> {
        let kind = object.get("type").ok_or("its schema has a type without a name")?;
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let inner = |name: &str| object.get(name).ok_or("its schema has a list of nothing");
        match kind.as_str() {
            Some("array") => Ok(Shape::List(Box::new(self.shape(inner("items")?, namespace)?))),
            Some("map") => Ok(Shape::Map(Box::new(self.shape(inner("values")?, namespace)?))),
            Some(kind @ ("record" | "error" | "enum" | "fixed")) => {
                let namespace = text("namespace").unwrap_or(namespace);
                let name = full(text("name").unwrap_or_default(), namespace);
                let namespace = name.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
                let number = self.named.len();
                self.named.push(None);
                if self.numbers.insert(name.clone(), number).is_some() {
                    return Err(format!("its schema has the name `{}` twice", shown(&name)));
                }
                let shape = match kind {
                    "enum" => {
                        let symbols = object.get("symbols").and_then(Value::as_array).into_iter().flatten();
                        Shape::Enum(
                            symbols.map(|symbol| symbol.as_str().unwrap_or_default().to_owned()).collect(),
                        )
                    }
                    "fixed" => {
                        let size = object.get("size").and_then(Value::as_u64).unwrap_or(u64::MAX);
                        let size = usize::try_from(size).unwrap_or(usize::MAX);
                        match (text("logicalType"), size) {
                            (Some("decimal"), _) => Shape::Decimal(scale(object), Some(size)),
                            (Some("uuid"), 16) => Shape::Uuid,
                            (Some("duration"), 12) => Shape::Duration,
                            _ => Shape::Fixed(size),
                        }
                    }
                    _ => Shape::Record(self.record(object, &namespace)?),
                };
                self.named[number] = Some(shape);
                Ok(Shape::Named(number))
            }
            _ => {
                let shape = self.shape(kind, namespace)?;
                Ok(logical(shape, text("logicalType").unwrap_or_default(), object))
            }
        }
    }

    fn record(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<Vec<Field>, String> {
        let fields =
            object.get("fields").and_then(Value::as_array).ok_or("its schema has a record without fields")?;
        let mut names = Names::default();
        let mut all = Vec::new();
        for field in fields {
            let text = |name: &str| field.get(name).and_then(Value::as_str);
            let marked = |name: &str| field.get(name).and_then(Value::as_bool) == Some(true);
            let name =
                text(NAME_KEY).or_else(|| text("name")).ok_or("its schema has a field without a name")?;
            let kind = field.get("type").ok_or("its schema has a field without a type")?;
            let mut shape = self.shape(kind, namespace)?;
            if let (true, Shape::Union(branches)) = (marked(JSON_KEY), &mut shape) {
                for branch in branches.iter_mut().filter(|branch| matches!(branch, Shape::Text)) {
                    *branch = Shape::Json;
                }
            }
            let raw = marked(RAW_KEY) && matches!(shape, Shape::Text);
            all.push(Field { key: names.key(name), shape, raw });
        }
        Ok(all)
    }
}

fn logical(shape: Shape, kind: &str, object: &Map<String, Value>) -> Shape {
    match (shape, kind) {
        (Shape::Long, "date") => Shape::Date,
        (Shape::Long, "time-millis") => Shape::Clock(NANOS_PER_MILLI),
        (Shape::Long, "time-micros") => Shape::Clock(NANOS_PER_MICRO),
        (Shape::Long, "timestamp-millis") => Shape::Point(NANOS_PER_MILLI, true),
        (Shape::Long, "timestamp-micros") => Shape::Point(NANOS_PER_MICRO, true),
        (Shape::Long, "timestamp-nanos") => Shape::Point(1, true),
        (Shape::Long, "local-timestamp-millis") => Shape::Point(NANOS_PER_MILLI, false),
        (Shape::Long, "local-timestamp-micros") => Shape::Point(NANOS_PER_MICRO, false),
        (Shape::Long, "local-timestamp-nanos") => Shape::Point(1, false),
        (Shape::Bytes, "decimal") => Shape::Decimal(scale(object), None),
        (shape, _) => shape,
    }
}

fn scale(object: &Map<String, Value>) -> u32 {
    object.get("scale").and_then(Value::as_u64).and_then(|scale| u32::try_from(scale).ok()).unwrap_or(0)
}

fn full(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn shown(name: &str) -> String {
    crate::losses::visible(name).chars().take(60).collect()
}
