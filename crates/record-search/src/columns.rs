//! Columns in memory, by place: what filters, sorting and counts look at.

use std::collections::HashMap;
use std::sync::OnceLock;

use tantivy::Searcher;
use tantivy::columnar::DynamicColumn;

use crate::bitmap::Bitmap;
use crate::document::Kind;
use crate::filter::Text;
use crate::schema::column_name;

/// No place.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// A column.
#[derive(Debug)]
pub(crate) enum Column {
    /// NaN where it is unknown.
    Numbers(Numbers),
    /// Of a [`Kind::Facet`].
    Facet(Facet),
}

/// Numbers of all places; those that are whole and small need 4 bytes each.
#[derive(Debug)]
pub(crate) enum Numbers {
    /// `u32::MAX` where it is unknown.
    Small(Vec<u32>),
    /// NaN where it is unknown.
    Wide(Vec<f64>),
}

/// Texts of all places, by their numbers in a dictionary.
#[derive(Debug, Default)]
pub(crate) struct Facet {
    /// The dictionary.
    pub(crate) names: Vec<String>,
    /// Where in `ids` each place begins, and one more.
    starts: Vec<u32>,
    ids: Vec<u32>,
    /// Made when the first filter asks.
    inverse: OnceLock<Inverse>,
}

/// A [`Facet`] by its texts.
#[derive(Debug)]
struct Inverse {
    /// The places that have any text.
    known: Bitmap,
    /// The dictionary in the order of its texts in lower case.
    order: Vec<u32>,
    /// Where in `places` each text begins, and one more.
    starts: Vec<u32>,
    places: Vec<u32>,
}

impl Numbers {
    fn unknown(places: usize) -> Self {
        Numbers::Small(vec![u32::MAX; places])
    }

    #[inline]
    pub(crate) fn get(&self, place: u32) -> Option<f64> {
        match self {
            Numbers::Small(numbers) => numbers
                .get(place as usize)
                .filter(|number| **number != u32::MAX)
                .map(|number| f64::from(*number)),
            Numbers::Wide(numbers) => numbers.get(place as usize).copied().filter(|number| !number.is_nan()),
        }
    }

    fn set(&mut self, place: u32, number: f64) {
        if let Numbers::Small(numbers) = self {
            let small = number as u32;
            if f64::from(small) == number && small != u32::MAX {
                numbers[place as usize] = small;
                return;
            }
            let wide = |number: &u32| if *number == u32::MAX { f64::NAN } else { f64::from(*number) };
            *self = Numbers::Wide(numbers.iter().map(wide).collect());
        }
        if let Numbers::Wide(numbers) = self {
            numbers[place as usize] = number;
        }
    }
}

impl Facet {
    /// The values at a place, as numbers of the dictionary.
    #[inline]
    pub(crate) fn at(&self, place: u32) -> &[u32] {
        let place = place as usize;
        match (self.starts.get(place), self.starts.get(place + 1)) {
            (Some(from), Some(to)) => &self.ids[*from as usize..*to as usize],
            _ => &[],
        }
    }

    /// The places that have any value.
    pub(crate) fn known(&self) -> &Bitmap {
        &self.inverse().known
    }

    /// The places that have one of these texts.
    pub(crate) fn having(&self, texts: &[Text]) -> Bitmap {
        let inverse = self.inverse();
        let mut having = Bitmap::none(inverse.known.size());
        for id in texts.iter().flat_map(|text| self.named(text)) {
            let (from, to) = (inverse.starts[id as usize], inverse.starts[id as usize + 1]);
            inverse.places[from as usize..to as usize].iter().for_each(|place| having.set(*place));
        }
        having
    }

    /// Those of the dictionary that a text of a filter stands for.
    pub(crate) fn named<'a>(&'a self, text: &'a Text) -> impl Iterator<Item = u32> + 'a {
        let order = &self.inverse().order;
        let name = |id: &u32| &self.names[*id as usize];
        let from = order.partition_point(|id| name(id).to_lowercase() < text.text);
        order[from..].iter().take_while(move |id| text.is(name(id))).copied()
    }

    fn inverse(&self) -> &Inverse {
        self.inverse.get_or_init(|| {
            let size = self.starts.len().saturating_sub(1);
            let mut order: Vec<u32> = (0..self.names.len() as u32).collect();
            order.sort_by_cached_key(|id| self.names[*id as usize].to_lowercase());
            let mut starts = vec![0_u32; self.names.len() + 1];
            self.ids.iter().for_each(|id| starts[*id as usize + 1] += 1);
            let mut total = 0;
            for start in &mut starts {
                total += *start;
                *start = total;
            }
            let (mut next, mut places) = (starts.clone(), vec![0; self.ids.len()]);
            for place in 0..size as u32 {
                for id in self.at(place) {
                    places[next[*id as usize] as usize] = place;
                    next[*id as usize] += 1;
                }
            }
            let known = Bitmap::of(size, |place| self.starts[place] < self.starts[place + 1]);
            Inverse { known, order, starts, places }
        })
    }

    /// The values at a place.
    pub(crate) fn texts(&self, place: u32) -> impl Iterator<Item = &str> {
        self.at(place).iter().map(|id| self.names[*id as usize].as_str())
    }
}

/// Reads a column of a commit: `places` tells the place of each document of each segment.
pub(crate) fn read(
    searcher: &Searcher,
    places: &[Vec<u32>],
    size: usize,
    column: &str,
    kind: Kind,
) -> tantivy::Result<Column> {
    match kind {
        Kind::Facet => facet(searcher, places, size, column).map(Column::Facet),
        Kind::Number | Kind::Time => numbers(searcher, places, size, column).map(Column::Numbers),
    }
}

fn numbers(searcher: &Searcher, places: &[Vec<u32>], size: usize, column: &str) -> tantivy::Result<Numbers> {
    let mut out = Numbers::unknown(size);
    for (segment, places) in searcher.segment_readers().iter().zip(places) {
        for handle in segment.fast_fields().dynamic_column_handles(&column_name(column))? {
            let column = handle.open()?;
            let mut take = |first: &dyn Fn(u32) -> Option<f64>| {
                for (doc, place) in places.iter().enumerate().filter(|(_, place)| **place != NOWHERE) {
                    if let Some(number) = first(doc as u32) {
                        out.set(*place, number);
                    }
                }
            };
            match column {
                DynamicColumn::F64(column) => take(&|doc| column.first(doc)),
                DynamicColumn::I64(column) => take(&|doc| column.first(doc).map(|number| number as f64)),
                DynamicColumn::U64(column) => take(&|doc| column.first(doc).map(|number| number as f64)),
                _ => {}
            }
        }
    }
    Ok(out)
}

fn facet(searcher: &Searcher, places: &[Vec<u32>], size: usize, column: &str) -> tantivy::Result<Facet> {
    let mut names: Vec<String> = Vec::new();
    let mut numbers: HashMap<String, u32> = HashMap::new();
    // (segment's ids by its own numbers, the column)
    let mut parts = Vec::new();
    let mut starts = vec![0_u32; size + 1];
    for (segment, places) in searcher.segment_readers().iter().zip(places) {
        let Some(texts) = segment.fast_fields().str(&column_name(column))? else { continue };
        let mut ids = Vec::with_capacity(texts.num_terms());
        let mut terms = texts.dictionary().stream()?;
        while terms.advance() {
            let text = String::from_utf8_lossy(terms.key()).into_owned();
            let id = *numbers.entry(text).or_insert_with_key(|text| {
                names.push(text.clone());
                (names.len() - 1) as u32
            });
            ids.push(id);
        }
        for (doc, place) in places.iter().enumerate().filter(|(_, place)| **place != NOWHERE) {
            starts[*place as usize + 1] += texts.term_ords(doc as u32).count() as u32;
        }
        parts.push((places, ids, texts));
    }
    let mut total = 0_u32;
    for start in &mut starts {
        total += *start;
        *start = total;
    }
    let mut out = vec![0_u32; total as usize];
    for (places, ids, texts) in parts {
        for (doc, place) in places.iter().enumerate().filter(|(_, place)| **place != NOWHERE) {
            let at = starts[*place as usize] as usize;
            for (slot, ord) in out[at..].iter_mut().zip(texts.term_ords(doc as u32)) {
                *slot = ids.get(ord as usize).copied().unwrap_or(0);
            }
        }
    }
    Ok(Facet { names, starts, ids: out, inverse: OnceLock::new() })
}
