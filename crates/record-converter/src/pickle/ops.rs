//! The operations of a pickle, one after the other, with what they carry.

use std::io::{BufRead, Read};

use super::Fault;
use super::texts::{text, unescaped};
use crate::foreign;

/// The longest text or bytes.
const LONGEST: u64 = 256 << 20;
/// The longest whole number, in bytes.
const LONGEST_NUMBER: u64 = 255;
/// The longest line of the old, readable form.
const LONGEST_LINE: u64 = 1 << 20;

/// An operation.
#[derive(Debug, PartialEq)]
pub(super) enum Op {
    Mark,
    Pop,
    PopMark,
    Again,
    None,
    Bool(bool),
    /// A whole number in decimal digits.
    Whole(String),
    Float(f64),
    Text(String),
    /// A text with half a surrogate pair, as JSON spells it.
    Half(String),
    Bytes(Vec<u8>),
    EmptyList,
    EmptyDict,
    EmptySet,
    /// Of so many values from the stack; `None`: of all above the mark.
    Tuple(Option<usize>),
    List,
    Dict,
    FrozenSet,
    Append,
    Appends,
    SetItem,
    SetItems,
    AddItems,
    Put(u32),
    Memoize,
    Get(u32),
    Global(String, String),
    StackGlobal,
    NewObject,
    NewObjectEx,
    Reduce,
    Build,
    /// What is never done, and how it is called.
    Refused(&'static str),
    /// Nothing to do.
    Nothing,
}

/// Reads operations to the end of one pickle.
pub(super) struct Ops<R> {
    from: R,
    count: u64,
    over: bool,
}

impl<R: BufRead> Ops<R> {
    pub(super) fn new(from: R) -> Self {
        Ops { from, count: 0, over: false }
    }

    /// How many there were so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The next one; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Op>, Fault> {
        if self.over {
            return Ok(None);
        }
        self.count += 1;
        let code = self.array::<1>()?[0];
        Ok(Some(match code {
            b'.' => {
                self.over = true;
                return Ok(None);
            }
            0x80 => {
                let version = self.array::<1>()?[0];
                if version > 5 {
                    return Err(Fault::Damaged(format!(
                        "its version is {version}, and 5 is the newest known"
                    )));
                }
                Op::Nothing
            }
            0x95 => {
                self.array::<8>()?;
                Op::Nothing
            }
            b'(' => Op::Mark,
            b'0' => Op::Pop,
            b'1' => Op::PopMark,
            b'2' => Op::Again,
            b'N' => Op::None,
            0x88 => Op::Bool(true),
            0x89 => Op::Bool(false),
            b'I' => match self.line()?.as_str() {
                "01" => Op::Bool(true),
                "00" => Op::Bool(false),
                digits => whole(digits)?,
            },
            b'L' => whole(self.line()?.trim_end_matches('L'))?,
            b'J' => Op::Whole(i32::from_le_bytes(self.array()?).to_string()),
            b'K' => Op::Whole(self.array::<1>()?[0].to_string()),
            b'M' => Op::Whole(u16::from_le_bytes(self.array()?).to_string()),
            0x8A => {
                let length = u64::from(self.array::<1>()?[0]);
                self.long(length)?
            }
            0x8B => {
                let length = u64::from(u32::from_le_bytes(self.array()?));
                self.long(length)?
            }
            b'F' => {
                let line = self.line()?;
                Op::Float(line.parse().map_err(|_| Fault::Damaged("a number is none".into()))?)
            }
            b'G' => Op::Float(f64::from_be_bytes(self.array()?)),
            b'V' => {
                // Each byte is the character of that number.
                let line: String = self.line_bytes()?.into_iter().map(char::from).collect();
                text(unescaped(&line)?)?
            }
            b'X' => self.text::<4>()?,
            0x8C => self.text::<1>()?,
            0x8D => self.text::<8>()?,
            // Texts of Python 2: bytes of no known encoding.
            b'T' => self.old_text::<4>()?,
            b'U' => self.old_text::<1>()?,
            b'S' => Op::Refused("holds a text in the form of Python 2"),
            b'B' => Op::Bytes(self.bytes::<4>()?),
            b'C' => Op::Bytes(self.bytes::<1>()?),
            0x8E | 0x96 => Op::Bytes(self.bytes::<8>()?),
            b']' => Op::EmptyList,
            b'}' => Op::EmptyDict,
            0x8F => Op::EmptySet,
            b')' => Op::Tuple(Some(0)),
            0x85 => Op::Tuple(Some(1)),
            0x86 => Op::Tuple(Some(2)),
            0x87 => Op::Tuple(Some(3)),
            b't' => Op::Tuple(None),
            b'l' => Op::List,
            b'd' => Op::Dict,
            0x91 => Op::FrozenSet,
            b'a' => Op::Append,
            b'e' => Op::Appends,
            b's' => Op::SetItem,
            b'u' => Op::SetItems,
            0x90 => Op::AddItems,
            b'p' => Op::Put(place(&self.line()?)?),
            b'q' => Op::Put(self.array::<1>()?[0].into()),
            b'r' => Op::Put(u32::from_le_bytes(self.array()?)),
            0x94 => Op::Memoize,
            b'g' => Op::Get(place(&self.line()?)?),
            b'h' => Op::Get(self.array::<1>()?[0].into()),
            b'j' => Op::Get(u32::from_le_bytes(self.array()?)),
            b'c' => Op::Global(self.line()?, self.line()?),
            0x93 => Op::StackGlobal,
            0x81 => Op::NewObject,
            0x92 => Op::NewObjectEx,
            b'R' => Op::Reduce,
            b'b' => Op::Build,
            b'i' => {
                self.line()?;
                self.line()?;
                Op::Refused("makes an object in the old way (INST), which runs its class")
            }
            b'o' => Op::Refused("makes an object in the old way (OBJ), which runs its class"),
            b'P' => {
                self.line()?;
                Op::Refused("names an object that lies elsewhere (a persistent id)")
            }
            b'Q' => Op::Refused("names an object that lies elsewhere (a persistent id)"),
            0x82 => {
                self.array::<1>()?;
                Op::Refused("names a class by a number (an extension code)")
            }
            0x83 => {
                self.array::<2>()?;
                Op::Refused("names a class by a number (an extension code)")
            }
            0x84 => {
                self.array::<4>()?;
                Op::Refused("names a class by a number (an extension code)")
            }
            0x97 | 0x98 => Op::Refused("has parts that lie outside of it (buffers)"),
            _ => return Err(Fault::Damaged(format!("the operation {code:#04x} is not known"))),
        }))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(short)?;
        Ok(bytes)
    }

    /// Bytes behind their number, which is N bytes.
    fn bytes<const N: usize>(&mut self) -> Result<Vec<u8>, Fault> {
        let mut length = [0; 8];
        length[..N].copy_from_slice(&self.array::<N>()?);
        self.take(u64::from_le_bytes(length))
    }

    fn take(&mut self, length: u64) -> Result<Vec<u8>, Fault> {
        if length > LONGEST {
            return Err(Fault::Damaged(format!("a text of {length} bytes; {LONGEST} is the most")));
        }
        let mut bytes = Vec::new();
        (&mut self.from).take(length).read_to_end(&mut bytes).map_err(Fault::Read)?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(cut_short()) }
    }

    fn text<const N: usize>(&mut self) -> Result<Op, Fault> {
        text(self.bytes::<N>()?)
    }

    fn old_text<const N: usize>(&mut self) -> Result<Op, Fault> {
        Ok(String::from_utf8(self.bytes::<N>()?).map_or_else(|bad| Op::Bytes(bad.into_bytes()), Op::Text))
    }

    /// A whole number in two's complement, smallest byte first.
    fn long(&mut self, length: u64) -> Result<Op, Fault> {
        if length > LONGEST_NUMBER {
            let what = format!("a whole number of {length} bytes; {LONGEST_NUMBER} is the most");
            return Err(Fault::Damaged(what));
        }
        Ok(Op::Whole(foreign::digits(self.take(length)?)))
    }

    fn line(&mut self) -> Result<String, Fault> {
        String::from_utf8(self.line_bytes()?).map_err(|_| Fault::Damaged("a line is not UTF-8".into()))
    }

    fn line_bytes(&mut self) -> Result<Vec<u8>, Fault> {
        let mut line = Vec::new();
        (&mut self.from).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(Fault::Read)?;
        if line.pop() != Some(b'\n') {
            return Err(cut_short());
        }
        Ok(line)
    }
}

fn short(cause: std::io::Error) -> Fault {
    if cause.kind() == std::io::ErrorKind::UnexpectedEof { cut_short() } else { Fault::Read(cause) }
}

fn cut_short() -> Fault {
    Fault::Damaged("it ends too early".into())
}

fn whole(digits: &str) -> Result<Op, Fault> {
    let number: Result<i128, _> = digits.parse();
    if let Ok(number) = number {
        return Ok(Op::Whole(number.to_string()));
    }
    // More digits than that, as Python writes them.
    let plain = digits.strip_prefix('-').unwrap_or(digits);
    let is_number = plain.bytes().all(|digit| digit.is_ascii_digit()) && !plain.starts_with('0');
    if is_number && !plain.is_empty() {
        return Ok(Op::Whole(digits.to_owned()));
    }
    Err(Fault::Damaged("a number is none".into()))
}

fn place(digits: &str) -> Result<u32, Fault> {
    digits.parse().map_err(|_| Fault::Damaged("a number is none".into()))
}
