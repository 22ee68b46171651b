//! The Markdown that is being written: lines and their prefixes, gaps, spaces, spans.
//!
//! Nothing is written before it is needed. White space, gaps between blocks, markers of lists and openings of spans
//! are remembered, and go in front of the next word; where no word comes, they vanish.

use std::ops::Range;

use crate::escape;
use crate::options::Mode;
use crate::spans::{Open, Span};

/// What separates the next word from the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    None,
    Line,
    Blank,
}

/// What every line of a quote or of a list item begins with.
struct Part {
    /// For the first line, until it is written.
    first: Option<String>,
    rest: &'static str,
}

/// A place in the text that must stay right when text before it changes.
pub(crate) type Mark = usize;

pub(crate) struct Out {
    pub(crate) text: String,
    pub(crate) mode: Mode,
    parts: Vec<Part>,
    /// How many parts were common to all lines since the last word.
    low: usize,
    /// Markers that wait for their first word.
    markers: usize,
    gap: Gap,
    /// Line breaks that the author set, in `gap`.
    breaks: usize,
    space: bool,
    /// Nothing stands on this line, in this heading or in this cell yet, so no space does.
    start: bool,
    pub(crate) spans: Vec<Open>,
    pub(crate) opened: usize,
    /// Above 0, blocks are no blocks: headings and cells.
    flat: usize,
    /// Above 0, within a cell of a table.
    cell: usize,
    cell_break: bool,
    /// Composer: within a quote, no blank lines.
    pub(crate) dense: usize,
    /// Above this length no more prefixes and markup.
    budget: usize,
    pub(crate) marks: Vec<Range<usize>>,
    /// Faithful: a closing that is right only if no letter follows; where it and its opening stand, and which it is.
    pub(crate) doubt: Option<(usize, usize, &'static str)>,
    /// Where a span was closed last: its opening, its closing.
    pub(crate) closed: Option<(Span, usize, usize)>,
}

/// White space that collapses.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\n' | '\t' | '\r' | '\x0c')
}

const SPACES: &str = "                ";

impl Out {
    pub(crate) fn new(mode: Mode, html: usize) -> Self {
        Self {
            text: String::with_capacity(html / 3),
            mode,
            parts: Vec::new(),
            low: 0,
            markers: 0,
            gap: Gap::None,
            breaks: 0,
            space: false,
            start: true,
            spans: Vec::new(),
            opened: 0,
            flat: 0,
            cell: 0,
            cell_break: false,
            dense: 0,
            budget: html.saturating_mul(4).saturating_add(1 << 16),
            marks: Vec::new(),
            doubt: None,
            closed: None,
        }
    }

    /// The page's markup would grow beyond all measure: from here on text only.
    pub(crate) fn over_budget(&self) -> bool {
        self.text.len() > self.budget
    }

    pub(crate) fn is_flat(&self) -> bool {
        self.flat > 0
    }

    // ---- blocks ------------------------------------------------------------------------------------------------

    /// A block begins or ends here.
    pub(crate) fn block(&mut self, gap: Gap) {
        if self.flat > 0 {
            self.cell_break |= self.cell > 0 && !self.start;
            self.space();
            return;
        }
        self.close_written_spans();
        self.space = false;
        self.breaks = 0;
        self.start = true;
        if self.markers == 0 && !self.text.is_empty() {
            let gap = if self.dense > 0 { gap.min(Gap::Line) } else { gap };
            self.gap = self.gap.max(gap);
        }
    }

    /// An item of a list: the gap before it is this one, whatever came before. `first`: what comes before the list says.
    pub(crate) fn item(&mut self, gap: Gap, first: bool) {
        self.block(gap);
        if !first && self.markers == 0 && !self.text.is_empty() {
            self.gap = gap;
        }
    }

    /// The gap before the next word, whatever came before.
    pub(crate) fn set_gap(&mut self, gap: Gap) {
        self.gap = gap;
    }

    /// A line break that the author set.
    pub(crate) fn line_break(&mut self) {
        if self.flat > 0 {
            self.cell_break |= self.cell > 0 && !self.start;
            self.space();
            return;
        }
        self.space = false;
        if self.start && self.gap == Gap::None {
            return;
        }
        self.start = true;
        match self.gap {
            Gap::None => (self.gap, self.breaks) = (Gap::Line, 1),
            Gap::Line if self.breaks > 0 => {
                self.breaks += 1;
                if self.dense == 0 && self.mode != Mode::Faithful {
                    self.gap = Gap::Blank;
                }
            }
            Gap::Line | Gap::Blank => {}
        }
    }

    /// All lines until `pop` begin with `rest`, but the first, which begins with `first` if there is one.
    pub(crate) fn push(&mut self, first: Option<String>, rest: &'static str) {
        let over = self.over_budget() || self.parts.len() >= 40;
        let rest = if over { "" } else { rest };
        self.markers += usize::from(first.is_some());
        self.parts.push(Part { first, rest });
    }

    /// The same, for an item whose further lines are indented by `width`.
    pub(crate) fn push_item(&mut self, first: Option<String>, width: usize) {
        self.push(first, &SPACES[..width.min(SPACES.len())]);
    }

    /// Ends what `push` began; whether anything was written in it.
    pub(crate) fn pop(&mut self) -> bool {
        let unused = self.parts.pop().is_some_and(|part| part.first.is_some());
        self.markers -= usize::from(unused);
        self.low = self.low.min(self.parts.len());
        !unused
    }

    /// An element that holds no blocks begins: a heading.
    pub(crate) fn enter_flat(&mut self) {
        self.flat += 1;
    }

    pub(crate) fn leave_flat(&mut self) {
        self.flat -= 1;
    }

    /// A cell begins: spans around the table end here. Returns what `leave_cell` needs.
    pub(crate) fn enter_cell(&mut self) -> Cell {
        self.flat += 1;
        self.cell += 1;
        (self.space, self.start, self.cell_break) = (false, true, false);
        Cell { spans: std::mem::take(&mut self.spans), opened: std::mem::take(&mut self.opened) }
    }

    pub(crate) fn leave_cell(&mut self, cell: Cell) {
        self.spans = cell.spans;
        self.opened = cell.opened;
        self.flat -= 1;
        self.cell -= 1;
        (self.space, self.start, self.cell_break) = (false, false, false);
    }

    // ---- words -------------------------------------------------------------------------------------------------

    /// White space that collapses.
    pub(crate) fn space(&mut self) {
        self.space = !self.start && self.gap == Gap::None;
    }

    /// Text of the page: white space collapses, markup is escaped as the mode asks.
    pub(crate) fn words(&mut self, text: &str) {
        let faithful = self.mode == Mode::Faithful;
        let blank = |c: char| is_space(c) || c == '\u{a0}' && !faithful;
        let mut rest = text;
        loop {
            let word = rest.trim_start_matches(blank);
            if word.len() < rest.len() {
                self.space();
            }
            if word.is_empty() {
                return;
            }
            let end = end_of_words(word, faithful);
            self.piece(&word[..end]);
            rest = &word[end..];
        }
    }

    /// Words with single spaces between them.
    fn piece(&mut self, piece: &str) {
        let line = self.begin(piece.chars().next()) && self.flat == 0;
        let escaped = match self.mode {
            Mode::Faithful => {
                let at = self.text.len();
                let slash = if line { escape::at_line_start(piece) } else { None };
                match slash {
                    Some(slash) => {
                        escape::faithful(&mut self.text, &piece[..slash]);
                        if !matches!(piece.as_bytes()[slash], b'*' | b'`' | b'_') {
                            self.text.push('\\');
                            self.text.push_str(&piece[slash..=slash]);
                            escape::faithful(&mut self.text, &piece[slash + 1..]);
                        } else {
                            escape::faithful(&mut self.text, &piece[slash..]);
                        }
                    }
                    None => escape::faithful(&mut self.text, piece),
                }
                if self.cell > 0 && self.text[at..].contains('|') {
                    let cell = self.text[at..].replace('|', "\\|");
                    self.text.replace_range(at.., &cell);
                }
                return;
            }
            Mode::Training if line => escape::at_line_start(piece),
            _ => None,
        };
        if let Some(at) = escaped {
            self.raw(&piece[..at]);
            self.text.push('\\');
            self.raw(&piece[at..]);
        } else {
            self.raw(piece);
        }
    }

    /// Something that is written as it is, within a line: a picture, a mention.
    pub(crate) fn atom(&mut self, atom: &str) -> Range<usize> {
        self.begin(atom.chars().next());
        let from = self.text.len();
        self.raw(atom);
        from..self.text.len()
    }

    /// Lines that are written as they are; each gets its prefix.
    pub(crate) fn lines(&mut self, lines: &str) {
        self.begin(None);
        let mut first = true;
        for line in lines.split('\n') {
            if !first {
                self.text.push('\n');
                self.prefix(line.is_empty());
            }
            first = false;
            self.raw(line);
        }
    }

    pub(crate) fn raw(&mut self, raw: &str) {
        if self.cell > 0 && self.mode != Mode::Text && raw.contains('|') {
            self.text.push_str(&raw.replace('|', "\\|"));
        } else {
            self.text.push_str(raw);
        }
    }

    /// Writes what is due before a word. True if the word is the first on its line.
    fn begin(&mut self, next: Option<char>) -> bool {
        let mut line = false;
        if self.gap != Gap::None || self.text.is_empty() {
            self.new_line();
            line = true;
        } else if self.cell_break {
            self.text.push_str(if self.mode == Mode::Text { " " } else { "<br>" });
        } else if self.space {
            self.text.push(' ');
        } else {
            line = self.start && self.flat == 0;
            self.settle(next);
        }
        (self.space, self.start, self.cell_break) = (false, false, false);
        self.doubt = None;
        if self.opened < self.spans.len() {
            line &= !self.open_spans(next);
        }
        line
    }

    fn new_line(&mut self) {
        if !self.text.is_empty() {
            if self.mode == Mode::Faithful && self.breaks > 0 {
                for again in 0..self.breaks {
                    self.text.push_str("\\\n");
                    if again + 1 < self.breaks {
                        self.prefix(false);
                    }
                }
            } else {
                self.text.push('\n');
                if self.gap == Gap::Blank {
                    let plain = self.over_budget();
                    for part in self.parts[..self.low].iter().filter(|_| !plain) {
                        self.text.push_str(part.rest);
                    }
                    let end = self.text.trim_end_matches(' ').len();
                    self.text.truncate(end);
                    self.text.push('\n');
                }
            }
        }
        self.prefix(false);
        (self.gap, self.breaks, self.low) = (Gap::None, 0, self.parts.len());
    }

    fn prefix(&mut self, trimmed: bool) {
        let plain = self.over_budget();
        for part in &mut self.parts {
            match part.first.take() {
                Some(first) => {
                    self.text.push_str(&first);
                    self.markers -= 1;
                }
                None if plain => {}
                None => self.text.push_str(part.rest),
            }
        }
        if trimmed {
            let line = self.text.rfind('\n').map_or(0, |at| at + 1);
            let end = line + self.text[line..].trim_end_matches(' ').len();
            self.text.truncate(end);
        }
    }

    /// What each line begins with.
    pub(crate) fn prefix_of_lines(&self) -> String {
        self.parts.iter().map(|part| part.rest).collect()
    }

    /// The frame of a table's row: not escaped, no span opens for it.
    pub(crate) fn row_text(&mut self, frame: &str) {
        if frame.is_empty() {
            return;
        }
        if self.gap != Gap::None || self.text.is_empty() {
            self.new_line();
        }
        self.text.push_str(frame);
        (self.space, self.start) = (false, false);
    }

    /// `#` at the end of a heading would be taken for its end.
    pub(crate) fn guard_end_of_heading(&mut self) {
        if self.text.ends_with('#') {
            let at = self.text.trim_end_matches('#').len();
            if !self.text[..at].ends_with('\\') {
                self.text.insert(at, '\\');
            }
        }
    }

    /// The page is at its end.
    pub(crate) fn end(&mut self) {
        self.close_written_spans();
        let end = self.text.trim_end_matches('\n').len();
        self.text.truncate(end);
    }

    // ---- places ------------------------------------------------------------------------------------------------

    /// Remembers a place for good.
    pub(crate) fn mark(&mut self, range: Range<usize>) -> Mark {
        self.marks.push(range);
        self.marks.len() - 1
    }

    pub(crate) fn marked(&self, mark: Mark) -> Range<usize> {
        self.marks[mark].clone()
    }

    /// Where the next block will begin, as far as is known: behind everything that is written.
    pub(crate) fn here(&self) -> usize {
        self.text.len()
    }

    /// Replaces a few bytes near the end.
    pub(crate) fn patch(&mut self, at: usize, len: usize, with: &str) {
        self.text.replace_range(at..at + len, with);
        (self.closed, self.doubt) = (None, None);
        let shift = |place: &mut usize| {
            if *place > at {
                *place = (*place + with.len()).saturating_sub(len).max(at);
            }
        };
        for mark in self.marks.iter_mut().rev().take_while(|mark| mark.end > at) {
            shift(&mut mark.start);
            shift(&mut mark.end);
        }
        for open in &mut self.spans[..self.opened] {
            if let Some(place) = &mut open.at {
                shift(place);
            }
        }
    }
}

/// See [`Out::enter_cell`].
pub(crate) struct Cell {
    spans: Vec<Open>,
    opened: usize,
}

/// Up to where the text is words with single spaces between them.
fn end_of_words(text: &str, faithful: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b' ' => match bytes.get(at + 1) {
                None | Some(b' ' | b'\n' | b'\t' | b'\r' | b'\x0c') => return at,
                Some(0xc2) if !faithful && bytes.get(at + 2) == Some(&0xa0) => return at,
                Some(_) => {}
            },
            b'\n' | b'\t' | b'\r' | b'\x0c' => return at,
            0xc2 if !faithful && bytes.get(at + 1) == Some(&0xa0) => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}
