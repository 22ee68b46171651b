//! Tables: pipes where cells are lines of text, else their cells one after the other.

use crate::options::Mode;
use crate::out::Gap;
use crate::tag::{Attr, Tag};
use crate::tree::Id;
use crate::walk::Walk;

/// More columns than a person would write as a pipe table; a hostile `colspan` says thousands.
const COLUMNS: usize = 100;

struct Row {
    cells: Vec<Id>,
    head: bool,
}

impl Walk<'_> {
    pub(crate) fn table(&mut self, id: Id) {
        let mut captions = Vec::new();
        let rows = self.rows(id, &mut captions);
        self.out.block(Gap::Blank);
        for caption in captions {
            self.plain_block(caption);
        }
        if self.out.is_flat() || !self.fits_pipes(&rows) {
            self.unwrapped(&rows);
        } else {
            self.pipes(&rows);
        }
        self.out.block(Gap::Blank);
    }

    fn rows(&self, id: Id, captions: &mut Vec<Id>) -> Vec<Row> {
        let mut rows = Vec::new();
        let row = |id: Id, in_head: bool| {
            let cells: Vec<Id> = self
                .tree
                .children(id)
                .filter(|cell| {
                    matches!(self.tree.tag(*cell), Some(Tag::Td | Tag::Th)) && !self.is_line_number(*cell)
                })
                .collect();
            let head = in_head
                || !cells.is_empty() && cells.iter().all(|cell| self.tree.tag(*cell) == Some(Tag::Th));
            Row { cells, head }
        };
        for part in self.tree.children(id) {
            match self.tree.tag(part) {
                Some(Tag::Caption) => captions.push(part),
                Some(Tag::Tr) => rows.push(row(part, false)),
                Some(kind @ (Tag::Thead | Tag::Tbody | Tag::Tfoot)) => rows.extend(
                    self.tree
                        .children(part)
                        .filter(|child| self.tree.tag(*child) == Some(Tag::Tr))
                        .map(|child| row(child, kind == Tag::Thead)),
                ),
                _ => {}
            }
        }
        rows.retain(|row| !row.cells.is_empty());
        rows
    }

    fn fits_pipes(&self, rows: &[Row]) -> bool {
        let columns = rows.iter().map(|row| row.cells.len()).max().unwrap_or_default();
        let composer = self.is(Mode::Composer);
        if !(2..=COLUMNS).contains(&columns) || rows.len() < if composer { 2 } else { 1 } {
            return false;
        }
        if composer && rows.iter().any(|row| row.cells.len() != columns) {
            return false;
        }
        // One row without a head is a layout, not a table.
        if rows.len() == 1 && !rows[0].head && !self.is(Mode::Text) && self.is_generic_layout(rows) {
            return false;
        }
        rows.iter().flat_map(|row| &row.cells).all(|cell| {
            self.tree.below(*cell).all(|below| match self.tree.tag(below) {
                Some(Tag::Br) => !composer,
                Some(tag) => !tag.needs_lines(),
                None => true,
            })
        })
    }

    fn is_generic_layout(&self, rows: &[Row]) -> bool {
        rows[0].cells.iter().any(|cell| {
            self.tree.below(*cell).any(|below| self.tree.tag(below).is_some_and(Tag::is_plain_block))
        })
    }

    fn pipes(&mut self, rows: &[Row]) {
        let (open, between, close) = match self.options.mode {
            Mode::Composer => ("|", "|", "|"),
            Mode::Text => ("", " | ", ""),
            Mode::Training | Mode::Faithful => ("| ", " | ", " |"),
        };
        for (index, row) in rows.iter().enumerate() {
            self.out.block(Gap::Line);
            if index == 0 {
                self.out.block(Gap::Blank);
            }
            self.out.row_text(open);
            let mut columns = 0;
            for (place, cell) in row.cells.iter().enumerate() {
                if place > 0 {
                    self.out.row_text(between);
                }
                let state = self.out.enter_cell();
                self.children(*cell);
                self.out.leave_cell(state);
                columns += 1;
                let span = self
                    .attr(*cell, Attr::Colspan)
                    .and_then(|span| span.trim().parse::<usize>().ok())
                    .unwrap_or(1);
                let span = if self.out.over_budget() { 1 } else { span };
                for _ in 1..span.min((COLUMNS + 1).saturating_sub(columns)) {
                    self.out.row_text(between);
                    columns += 1;
                }
            }
            self.out.row_text(close);
            if index == 0 && !self.is(Mode::Text) {
                self.out.block(Gap::Line);
                let rule = self.alignments(row, columns);
                self.out.row_text(&rule);
            }
        }
    }

    fn alignments(&self, row: &Row, columns: usize) -> String {
        let mut rule = String::from("|");
        for column in 0..columns {
            let cell = row.cells.get(column).copied();
            let style = cell.and_then(|cell| self.attr(cell, Attr::Style)).unwrap_or_default();
            let align = style.split_once("text-align:").map(|(_, align)| align.trim_start());
            let align =
                align.or_else(|| cell.and_then(|cell| self.attr(cell, Attr::Align))).unwrap_or_default();
            rule.push_str(match align {
                _ if self.is(Mode::Composer) => " --- |",
                align if align.starts_with("left") => " :--- |",
                align if align.starts_with("center") => " :---: |",
                align if align.starts_with("right") => " ---: |",
                _ => " --- |",
            });
        }
        rule
    }

    /// Cells as they come: in lines, if they are lines of text, else as blocks.
    fn unwrapped(&mut self, rows: &[Row]) {
        let composer = self.is(Mode::Composer);
        for row in rows {
            let lines = composer
                || row.cells.iter().all(|cell| {
                    self.tree.below(*cell).all(|below| {
                        self.tree.tag(below).is_none_or(|tag| !tag.needs_lines() && !tag.is_plain_block())
                    })
                });
            self.out.block(if lines { Gap::Line } else { Gap::Blank });
            for cell in &row.cells {
                if lines {
                    self.out.space();
                    self.children(*cell);
                    self.out.space();
                } else {
                    self.plain_block(*cell);
                }
            }
            self.out.block(if lines { Gap::Line } else { Gap::Blank });
        }
    }
}
