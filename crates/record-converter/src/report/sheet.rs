//! A sheet of records.

use rust_xlsxwriter::{
    Format, FormatAlign, FormatBorder, FormatUnderline, IgnoreError, Url, Worksheet, XlsxError,
};

use super::layout::{Holds, Layout, Shown};
use crate::cell;
use crate::summary::Summary;
use crate::xlsx::letters;

/// Excel's limits for links: how many in a sheet, how many characters in one.
const MAX_LINKS: u32 = 65_530;
const MAX_LINK_UNITS: usize = 2_000;
/// Points: three lines. Longer texts show their beginning, and all of it where the row is made higher.
const ROW_HEIGHT: f64 = 46.0;

pub(super) struct Sheet {
    sheet: Worksheet,
    name: String,
    pub(super) rows: u32,
    links: u32,
    text: Format,
    quoted: Format,
    link: Format,
    empty: Format,
    number: Format,
    fraction: Format,
    day: Format,
    time: Format,
    middle: Format,
}

impl Sheet {
    pub(super) fn begin(mut sheet: Worksheet, name: String, layout: &Layout) -> Result<Self, XlsxError> {
        // A fine line below, so that a text that is cut by its row is not read on in the next.
        let top = Format::new()
            .set_align(FormatAlign::Top)
            .set_border_bottom(FormatBorder::Thin)
            .set_border_bottom_color(0x00D9_D9D9);
        let header = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::VerticalCenter)
            .set_background_color(0x00DC_E6F1)
            .set_border_bottom(FormatBorder::Thin)
            .set_quote_prefix();
        sheet.set_name(&name)?.set_freeze_panes(1, 1)?;
        sheet.set_landscape().set_repeat_rows(0, 0)?.set_repeat_columns(0, 0)?;
        // Not row by row: the library then writes the last row twice.
        sheet.set_default_row_height(ROW_HEIGHT);
        for (place, column) in layout.columns.iter().enumerate() {
            let place = place as u16;
            sheet.set_column_width(place, column.width)?;
            if column.holds == Holds::Machine {
                sheet.set_column_hidden(place)?;
            }
            let title = cell::cut(&column.title).unwrap_or_else(|| column.title.clone());
            sheet.write_string_with_format(0, place, title, &header)?;
        }
        Ok(Sheet {
            sheet,
            name,
            rows: 0,
            links: 0,
            text: top.clone().set_text_wrap(),
            quoted: top.clone().set_text_wrap().set_quote_prefix(),
            link: top.clone().set_font_color(0x0005_63C1).set_underline(FormatUnderline::Single),
            empty: top.clone(),
            number: top.clone().set_num_format("#,##0"),
            fraction: top.clone().set_num_format("0.00"),
            day: top.clone().set_num_format("yyyy-mm-dd"),
            time: top.clone().set_num_format("yyyy-mm-dd hh:mm"),
            middle: top.set_align(FormatAlign::Center),
        })
    }

    pub(super) fn push(
        &mut self,
        layout: &Layout,
        row: &[Shown],
        summary: &mut Summary,
    ) -> Result<(), XlsxError> {
        self.rows += 1;
        for (place, (shown, column)) in row.iter().zip(&layout.columns).enumerate() {
            let place = place as u16;
            match shown {
                Shown::Nothing => {
                    self.sheet.write_blank(self.rows, place, &self.empty)?;
                }
                Shown::Number(number) => {
                    let format = if number.fract() == 0.0 { &self.number } else { &self.fraction };
                    self.sheet.write_number_with_format(self.rows, place, *number, format)?;
                }
                Shown::Time(days, with_time) => {
                    let format = if *with_time { &self.time } else { &self.day };
                    self.sheet.write_number_with_format(self.rows, place, *days, format)?;
                }
                Shown::Link(text, page) => self.link(place, text, page, summary)?,
                Shown::Text(text) if matches!(column.holds, Holds::HasLabel(_)) => {
                    self.sheet.write_string_with_format(self.rows, place, text, &self.middle)?;
                }
                Shown::Text(text) => self.text(place, text, summary)?,
            }
        }
        Ok(())
    }

    /// The sheet, with its filter.
    pub(super) fn end(mut self, layout: &Layout) -> Result<Worksheet, XlsxError> {
        if let Some(last) = layout.columns.len().checked_sub(1) {
            self.sheet.autofilter(0, 0, self.rows, last as u16)?;
            self.sheet.ignore_error_range(0, 0, self.rows, last as u16, IgnoreError::NumberStoredAsText)?;
        }
        Ok(self.sheet)
    }

    fn link(&mut self, place: u16, text: &str, page: &str, summary: &mut Summary) -> Result<(), XlsxError> {
        let fits = page.encode_utf16().count() <= MAX_LINK_UNITS && cell::cut(text).is_none();
        if self.links < MAX_LINKS && fits {
            let link = Url::new(page).set_text(text);
            match self.sheet.write_url_with_format(self.rows, place, link, &self.link) {
                Ok(_) => {
                    self.links += 1;
                    return Ok(());
                }
                // The library's own escapes made it too long.
                Err(XlsxError::MaxUrlLengthExceeded) => {}
                Err(error) => return Err(error),
            }
        }
        summary.links_plain += 1;
        self.text(place, text, summary)
    }

    fn text(&mut self, place: u16, text: &str, summary: &mut Summary) -> Result<(), XlsxError> {
        let cut = cell::cut(text);
        if cut.is_some() {
            let address = format!("{}!{}{}", self.name, letters(u64::from(place)), u64::from(self.rows) + 1);
            summary.note_cut(|| (address, "longer than the characters that Excel keeps, and is cut".into()));
        }
        let text = cut.as_deref().unwrap_or(text);
        let format = if cell::tempts_excel(text) { &self.quoted } else { &self.text };
        self.sheet.write_string_with_format(self.rows, place, text, format)?;
        Ok(())
    }
}
