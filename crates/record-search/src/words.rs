//! How texts become words: runs of letters and digits in lower case; of Chinese, Japanese and Korean each two neighbours.

use tantivy::tokenizer::{
    Language, Stemmer, StopWordFilter, TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager,
};

/// The words of names, tags and ids, as they stand.
pub(crate) const PLAIN: &str = "gleaner";
/// The words of long texts: without stop words, cut to stems as English is.
pub(crate) const PROSE: &str = "gleaner_prose";
/// Longer words are cut: nobody types them, and each would be kept in the index.
const MOST_BYTES: usize = 64;

/// The analysers under their names.
pub(crate) fn analysers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(PLAIN, plain());
    manager.register(PROSE, prose());
    manager
}

pub(crate) fn plain() -> TextAnalyzer {
    TextAnalyzer::builder(Words::default()).build()
}

pub(crate) fn prose() -> TextAnalyzer {
    let words = TextAnalyzer::builder(Words::default());
    // The library knows stop words of English; were it not to, all words would stay.
    match StopWordFilter::new(Language::English) {
        Some(stop) => words.filter(stop).filter(Stemmer::new(Language::English)).build(),
        None => words.filter(Stemmer::new(Language::English)).build(),
    }
}

/// The words of a text in order.
pub(crate) fn words(analyser: &mut TextAnalyzer, text: &str) -> Vec<String> {
    let mut words = Vec::new();
    analyser.token_stream(text).process(&mut |token| words.push(token.text.clone()));
    words
}

/// A name as two spellings of it are compared: lower case, letters and digits only. Empty if it has none.
pub(crate) fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[derive(Clone, Default)]
struct Words {
    tokens: Vec<Token>,
}

struct Stream<'a> {
    tokens: &'a mut Vec<Token>,
    next: usize,
}

impl Tokenizer for Words {
    type TokenStream<'a> = Stream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream<'a> {
        self.tokens.clear();
        split(text, &mut self.tokens);
        Stream { tokens: &mut self.tokens, next: 0 }
    }
}

impl TokenStream for Stream<'_> {
    fn advance(&mut self) -> bool {
        self.next += 1;
        self.next <= self.tokens.len()
    }

    fn token(&self) -> &Token {
        &self.tokens[self.next - 1]
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.tokens[self.next - 1]
    }
}

fn split(text: &str, tokens: &mut Vec<Token>) {
    let mut chars = text.char_indices().peekable();
    while let Some((from, c)) = chars.next() {
        if !c.is_alphanumeric() {
            continue;
        }
        let cjk = is_cjk(c);
        let mut to = from + c.len_utf8();
        while let Some((at, next)) = chars.peek().copied() {
            if !next.is_alphanumeric() || is_cjk(next) != cjk {
                break;
            }
            to = at + next.len_utf8();
            chars.next();
        }
        if cjk { pairs(text, from, to, tokens) } else { push(text, from, to, tokens) }
    }
}

/// Each two neighbours of a run; a run of one is a word itself.
fn pairs(text: &str, from: usize, to: usize, tokens: &mut Vec<Token>) {
    let ends = |at: usize, c: char| (from + at, from + at + c.len_utf8());
    let chars = text[from..to].char_indices().map(|(at, c)| ends(at, c));
    let mut before: Option<(usize, usize)> = None;
    let mut any = false;
    for (start, end) in chars {
        if let Some((first, _)) = before {
            push(text, first, end, tokens);
            any = true;
        }
        before = Some((start, end));
    }
    if !any {
        push(text, from, to, tokens);
    }
}

fn push(text: &str, from: usize, to: usize, tokens: &mut Vec<Token>) {
    let mut word = text[from..to].to_lowercase();
    word.truncate(word.floor_char_boundary(MOST_BYTES));
    let position = tokens.len();
    tokens.push(Token { offset_from: from, offset_to: to, position, text: word, position_length: 1 });
}

/// Whether words are written without spaces in the script of this letter: Han, kana, and Hangul beside them.
fn is_cjk(c: char) -> bool {
    matches!(u32::from(c), 0x2e80..=0x2fdf | 0x3005..=0x3007 | 0x3040..=0x30ff | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_chinese_become_words_that_can_be_found() {
        let of = |text: &str| words(&mut plain(), text);
        assert_eq!(
            of("meta-llama/Llama-3.1-8B_Instruct"),
            ["meta", "llama", "llama", "3", "1", "8b", "instruct"]
        );
        assert_eq!(of("中文语音识别model日"), ["中文", "文语", "语音", "音识", "识别", "model", "日"]);
        assert_eq!(of(" \u{202e}--//\n"), Vec::<String>::new());
        assert_eq!(of(&"a".repeat(1_000))[0].len(), 64);
        assert_eq!(words(&mut prose(), "The running of models"), ["run", "model"]);
        assert_eq!(folded("Llama-3.1_8B"), folded("llama 3 1 8b"));
    }
}
