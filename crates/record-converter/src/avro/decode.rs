//! One Avro row as JSON text.

use super::schema::{Field, Schema, Shape};
use crate::cell;
use crate::foreign::{self, Lost};

/// Types nest no deeper.
const MAX_DEPTH: usize = 64;
/// A row's JSON text is no longer.
const MAX_ROW: usize = 256 << 20;
/// Decimals have no more bytes.
const DECIMAL_BYTES: usize = 255;

/// Why a row cannot be read.
type Fault = &'static str;

/// A reader of the values in a block.
pub(super) struct Decoder<'a> {
    schema: &'a Schema,
    /// What is not read yet.
    pub(super) left: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(super) fn new(schema: &'a Schema, block: &'a [u8]) -> Self {
        Decoder { schema, left: block }
    }

    /// Reads the next row into `line`, or only the record in it if there is one; `lost` is told which values are not
    /// wholly there.
    pub(super) fn row(&mut self, line: &mut String, mut lost: impl FnMut(&str, &str)) -> Result<bool, Fault> {
        let fields = self.schema.fields();
        line.clear();
        if fields.iter().any(|field| field.raw) {
            let mut ignored = String::new();
            for field in fields {
                if field.raw {
                    line.push_str(self.text()?);
                } else {
                    ignored.clear();
                    self.value(&field.shape, &mut ignored, 0)?;
                }
            }
            return Ok(true);
        }
        self.members(fields, line, 0, |key, why| lost(key, why))?;
        Ok(false)
    }

    fn members(
        &mut self,
        fields: &[Field],
        line: &mut String,
        depth: usize,
        mut lost: impl FnMut(&str, &'static str),
    ) -> Result<(), Fault> {
        line.push('{');
        for (place, field) in fields.iter().enumerate() {
            if place > 0 {
                line.push(',');
            }
            line.push_str(&field.key);
            line.push(':');
            if let Some(why) = self.value(&field.shape, line, depth)? {
                lost(&field.key, why);
            }
        }
        line.push('}');
        Ok(())
    }

    fn value(&mut self, shape: &Shape, line: &mut String, depth: usize) -> Result<Lost, Fault> {
        if depth > MAX_DEPTH || line.len() > MAX_ROW {
            return Err("a row is too large, or nested too deep");
        }
        match shape {
            Shape::Null => line.push_str("null"),
            Shape::Bool => line.push_str(match self.take(1)? {
                [0] => "false",
                [1] => "true",
                _ => return Err("a truth value is neither true nor false"),
            }),
            Shape::Long => line.push_str(&self.long()?.to_string()),
            Shape::Float => return Ok(foreign::single(line, f32::from_le_bytes(self.array()?))),
            Shape::Double => return Ok(foreign::double(line, f64::from_le_bytes(self.array()?))),
            Shape::Text => line.push_str(&cell::literal(self.text()?)),
            Shape::Json => {
                let text = self.text()?;
                match cell::is_json(text) {
                    true => line.push_str(&cell::compact(text)),
                    false => line.push_str(&cell::literal(text)),
                }
            }
            Shape::Date => match i32::try_from(self.long()?) {
                Ok(days) => foreign::day(line, days),
                Err(_) => return Err("a date is no date"),
            },
            Shape::Clock(unit) => foreign::clock(line, self.long()?.saturating_mul(*unit)),
            Shape::Point(unit, utc) => foreign::point(line, self.long()?.into(), *unit, *utc),
            Shape::Bytes => return self.sized().map(|bytes| foreign::bytes(line, bytes)),
            Shape::Fixed(size) => return self.take(*size).map(|bytes| foreign::bytes(line, bytes)),
            Shape::Uuid => foreign::uuid(line, &self.array()?),
            Shape::Duration => {
                let [months, days, millis] =
                    [self.array()?, self.array()?, self.array()?].map(u32::from_le_bytes);
                let (seconds, millis) = (millis / 1000, millis % 1000);
                line.push_str(&format!("\"P{months}M{days}DT{seconds}.{millis:03}S\""));
            }
            Shape::Decimal(scale, size) => {
                let bytes = match size {
                    Some(size) => self.take(*size)?,
                    None => self.sized()?,
                };
                match decimal(bytes, *scale) {
                    Some(digits) => line.push_str(&digits),
                    None => return Ok(foreign::bytes(line, bytes)),
                }
            }
            Shape::Enum(symbols) => {
                let symbol = usize::try_from(self.long()?).ok().and_then(|number| symbols.get(number));
                line.push_str(&cell::literal(symbol.ok_or("a word is none of its list")?));
            }
            Shape::Union(branches) => {
                let branch = usize::try_from(self.long()?).ok().and_then(|number| branches.get(number));
                return self.value(
                    branch.ok_or("a value has a type that is none of its choice")?,
                    line,
                    depth + 1,
                );
            }
            Shape::List(inner) => {
                return self.several(line, ('[', ']'), |decoder, line| decoder.value(inner, line, depth + 1));
            }
            Shape::Map(inner) => {
                return self.several(line, ('{', '}'), |decoder, line| {
                    line.push_str(&cell::literal(decoder.text()?));
                    line.push(':');
                    decoder.value(inner, line, depth + 1)
                });
            }
            Shape::Record(fields) => {
                let mut all = None;
                self.members(fields, line, depth + 1, |_, why| all = Some(why))?;
                return Ok(all);
            }
            Shape::Named(number) => {
                let shape = self.schema.get(*number).ok_or("a type is not there")?;
                return self.value(shape, line, depth + 1);
            }
        }
        Ok(None)
    }

    /// The items of a list or a map, which come in pieces.
    fn several(
        &mut self,
        line: &mut String,
        (open, close): (char, char),
        mut each: impl FnMut(&mut Self, &mut String) -> Result<Lost, Fault>,
    ) -> Result<Lost, Fault> {
        let mut lost = None;
        let begin = line.len();
        line.push(open);
        loop {
            let mut count = self.long()?;
            if count < 0 {
                // The size of the piece in bytes comes too, for readers that skip it.
                self.long()?;
                count = count.checked_neg().ok_or("a list has no length")?;
            }
            if count == 0 {
                break;
            }
            for _ in 0..count {
                if line.len() > begin + 1 {
                    line.push(',');
                }
                lost = each(self, line)?.or(lost);
            }
        }
        line.push(close);
        Ok(lost)
    }

    fn long(&mut self) -> Result<i64, Fault> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(unzigzag(number));
            }
        }
        Err("a number is too long")
    }

    fn text(&mut self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.sized()?).map_err(|_| "a text is not UTF-8")
    }

    fn sized(&mut self) -> Result<&'a [u8], Fault> {
        let size = usize::try_from(self.long()?).map_err(|_| "a text has no length")?;
        self.take(size)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| SHORT)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, left) = self.left.split_at_checked(count).ok_or(SHORT)?;
        self.left = left;
        Ok(taken)
    }
}

const SHORT: Fault = "a block ends inside of a value";

/// The number that zigzag spells as `number`.
pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// The digits of a decimal, big end first, two's complement; `None` if there are too many.
fn decimal(bytes: &[u8], scale: u32) -> Option<String> {
    if bytes.is_empty() || bytes.len() > DECIMAL_BYTES || scale > u32::from(u8::MAX) {
        return None;
    }
    let digits = foreign::digits(bytes.iter().rev().copied().collect());
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
    let scale = scale as usize;
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(schema: &str, bytes: &[u8]) -> Result<String, String> {
        let schema = format!(r#"{{"type":"record","name":"r","fields":[{{"name":"a","type":{schema}}}]}}"#);
        let schema = Schema::read(schema.as_bytes())?;
        let mut decoder = Decoder::new(&schema, bytes);
        let mut line = String::new();
        decoder.row(&mut line, |_, _| {}).map_err(str::to_owned)?;
        Ok(line)
    }

    #[test]
    fn values_of_every_type_are_json() {
        for (schema, bytes, expected) in [
            (r#""int""#, &[0x01][..], "-1"),
            (r#"{"type":"long","logicalType":"timestamp-millis"}"#, &[0], r#""1970-01-01T00:00:00Z""#),
            (r#"{"type":"int","logicalType":"date"}"#, &[2], r#""1970-01-02""#),
            (
                r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#,
                &[4, 0xFF, 0x85],
                "-1.23",
            ),
            (r#"{"type":"fixed","name":"f","size":1,"logicalType":"decimal","scale":3}"#, &[5], "0.005"),
            (
                r#"{"type":"bytes","logicalType":"decimal","scale":1}"#,
                &[36, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                "8711228593176024664662389950253266213273.6",
            ),
            (
                r#"{"type":"fixed","name":"f","size":16,"logicalType":"uuid"}"#,
                b"0123456789abcdef",
                r#""30313233-3435-3637-3839-616263646566""#,
            ),
            (
                r#"{"type":"fixed","name":"f","size":12,"logicalType":"duration"}"#,
                &[14, 0, 0, 0, 3, 0, 0, 0, 0xDC, 5, 0, 0],
                r#""P14M3DT1.500S""#,
            ),
            (r#"{"type":"enum","name":"e","symbols":["x","y"]}"#, &[2], r#""y""#),
            (r#"{"type":"array","items":"boolean"}"#, &[2, 1, 3, 4, 0, 1, 0], "[true,false,true]"),
            (r#"{"type":"map","values":"float"}"#, &[2, 2, b'k', 0, 0, 0xC0, 0x3F, 0], r#"{"k":1.5}"#),
            (r#"["null","string"]"#, &[2, 2, b'"'], r#""\"""#),
            (r#"["null","r"]"#, &[2, 0], r#"{"a":null}"#),
        ] {
            assert_eq!(
                decode(schema, bytes).as_deref(),
                Ok(format!("{{\"a\":{expected}}}").as_str()),
                "{schema}"
            );
        }
    }

    #[test]
    fn what_is_cut_short_or_boundless_is_a_fault() {
        for (schema, bytes) in [
            (r#""string""#, &[20, b'x'][..]),
            (r#""string""#, &[1]),
            (r#""string""#, &[2, 0xFF]),
            (r#""double""#, &[0]),
            (r#""long""#, &[0xFF; 12]),
            (r#"["null","r"]"#, &[2; 100]),
            (
                r#"{"type":"array","items":"null"}"#,
                &[0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
            ),
            (r#"{"type":"fixed","name":"f","size":18446744073709551615}"#, &[0]),
            (r#"["null"]"#, &[4]),
            (r#""nobody""#, &[0]),
        ] {
            assert!(decode(schema, bytes).is_err(), "{schema}");
        }
    }
}
