//! Small real pictures, made from a number.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha1::{Digest, Sha1};

use crate::dice::{Dice, hash};

/// A picture as a forum stores it.
pub(super) struct Picture {
    pub(super) name: String,
    pub(super) extension: &'static str,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bytes: Vec<u8>,
    /// Of the bytes, in hexadecimal.
    pub(super) sha1: String,
    /// The same in the alphabet of short addresses.
    pub(super) base62: String,
}

impl Picture {
    /// Of eight, one is a GIF, one a moving GIF, one an SVG, the others are PNGs.
    pub(super) fn numbered(number: u64) -> Self {
        let extension = match number % 8 {
            5 | 7 => "gif",
            6 => "svg",
            _ => "png",
        };
        Self::made(number, extension)
    }

    /// The picture behind an address that no post of this forum made up.
    pub(super) fn of(path: &str) -> Self {
        let extension = path.rsplit('.').next().unwrap_or_default();
        let extension = ["gif", "svg"].into_iter().find(|known| extension.eq_ignore_ascii_case(known));
        Self::made(hash(path), extension.unwrap_or("png"))
    }

    fn made(number: u64, extension: &'static str) -> Self {
        let mut dice = Dice::new(number, 0x91c);
        let (width, height) = (96 + dice.below(64) as u32, 72 + dice.below(48) as u32);
        let colour = (dice.below(0xff_ffff) as u32).to_be_bytes();
        let bytes = match extension {
            "gif" => gif(width as u16, height as u16, colour, if number % 8 == 7 { 3 } else { 1 }),
            "svg" => svg(width, height, colour),
            _ => png(width, height, colour),
        };
        let digest = Sha1::digest(&bytes);
        let sha1: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            name: format!("picture-{number}"),
            extension,
            width,
            height,
            base62: base62(&digest),
            bytes,
            sha1,
        }
    }

    pub(super) fn content_type(&self) -> &'static str {
        match self.extension {
            "gif" => "image/gif",
            "svg" => "image/svg+xml",
            _ => "image/png",
        }
    }

    /// Where the original lies, below the base path.
    pub(super) fn path(&self) -> String {
        format!("/uploads/default/original/1X/{}.{}", self.sha1, self.extension)
    }

    /// Where the smaller copy lies.
    pub(super) fn small(&self) -> String {
        let Self { sha1, extension, .. } = self;
        format!("/uploads/default/optimized/1X/{sha1}_2_{}x{}.{extension}", self.width / 2, self.height / 2)
    }

    pub(super) fn short(&self) -> String {
        format!("upload://{}.{}", self.base62, self.extension)
    }
}

/// Digits 0-9, a-z, A-Z; the number is written in base 256.
fn base62(digest: &[u8]) -> String {
    const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut number = digest.to_vec();
    let mut text = Vec::new();
    while number.iter().any(|byte| *byte > 0) {
        let mut rest = 0;
        for byte in &mut number {
            let value = rest * 256 + u32::from(*byte);
            *byte = (value / 62) as u8;
            rest = value % 62;
        }
        text.push(char::from(DIGITS[rest as usize]));
    }
    text.iter().rev().collect()
}

/// Two colours in stripes, eight bits a channel.
fn png(width: u32, height: u32, [_, red, green, blue]: [u8; 4]) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0);
        for x in 0..width {
            let light = if (x / 8 + y / 8) % 2 == 0 { 0 } else { 90 };
            rows.extend([red ^ light, green ^ light, blue ^ light]);
        }
    }
    assemble(width, height, 8, 2, &rows)
}

/// A PNG of half a megabyte at most that decodes to 1 GiB of colours.
pub(super) fn bomb() -> Vec<u8> {
    const SIDE: u32 = 16_384;
    let rows = vec![0; (SIDE as usize / 8 + 1) * SIDE as usize];
    assemble(SIDE, SIDE, 1, 0, &rows)
}

fn assemble(width: u32, height: u32, bits: u8, colour: u8, rows: &[u8]) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
    // A Vec takes every write.
    let _ = packer.write_all(rows);
    let packed = packer.finish().unwrap_or_default();
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([bits, colour, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, body) in [(b"IHDR", header), (b"IDAT", packed), (b"IEND", Vec::new())] {
        out.extend((body.len() as u32).to_be_bytes());
        let mut sum = flate2::Crc::new();
        sum.update(name);
        sum.update(&body);
        out.extend(name);
        out.extend(body);
        out.extend(sum.sum().to_be_bytes());
    }
    out
}

/// One colour a frame. The codes are never longer than three bits, because the table is cleared in time.
fn gif(width: u16, height: u16, [_, red, green, blue]: [u8; 4], frames: u8) -> Vec<u8> {
    let mut out = b"GIF89a".to_vec();
    out.extend(width.to_le_bytes());
    out.extend(height.to_le_bytes());
    out.extend([0x80 | 0x10 | 1, 0, 0]);
    out.extend([red, green, blue, blue, red, green, green, blue, red, 255, 255, 255]);
    for frame in 0..frames {
        if frames > 1 {
            out.extend([0x21, 0xf9, 4, 0, 20, 0, 0, 0]);
        }
        out.push(0x2c);
        out.extend([0; 4]);
        out.extend(width.to_le_bytes());
        out.extend(height.to_le_bytes());
        out.extend([0, 2]);
        for block in codes(u32::from(width) * u32::from(height), frame % 4).chunks(255) {
            out.push(block.len() as u8);
            out.extend_from_slice(block);
        }
        out.push(0);
    }
    out.push(0x3b);
    out
}

/// Clear before every second pixel, so that no code needs a fourth bit.
fn codes(pixels: u32, colour: u8) -> Vec<u8> {
    const CLEAR: u8 = 4;
    const END: u8 = 5;
    let (mut bytes, mut held, mut count) = (Vec::new(), 0u32, 0);
    let mut put = |code: u8| {
        held |= u32::from(code) << count;
        count += 3;
        if count >= 8 {
            bytes.push(held as u8);
            held >>= 8;
            count -= 8;
        }
    };
    for pixel in 0..pixels {
        if pixel % 2 == 0 {
            put(CLEAR);
        }
        put(colour);
    }
    put(END);
    put(0);
    put(0);
    bytes
}

fn svg(width: u32, height: u32, [_, red, green, blue]: [u8; 4]) -> Vec<u8> {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#{red:02x}{green:02x}{blue:02x}\"/></svg>\n"
    )
    .into_bytes()
}
