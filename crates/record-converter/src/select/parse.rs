//! From words to rules.

use crawl_core::Result;

use super::word::{Word, words, wrong};
use super::{Literal, Rule, Sign};

/// So deep may brackets and `not` be nested.
const DEEPEST: usize = 64;

pub(super) fn parse(text: &str) -> Result<Rule> {
    let mut reader = Reader { words: words(text)?, at: 0, depth: 0 };
    let rule = reader.any()?;
    match reader.peek() {
        Word::End => Ok(rule),
        _ => Err(reader.wrong("`and`, `or` or the end should be here")),
    }
}

struct Reader {
    words: Vec<(Word, usize)>,
    at: usize,
    depth: usize,
}

impl Reader {
    fn any(&mut self) -> Result<Rule> {
        let mut rules = vec![self.all()?];
        while self.takes("or") {
            rules.push(self.all()?);
        }
        Ok(one_or(rules, Rule::Any))
    }

    fn all(&mut self) -> Result<Rule> {
        let mut rules = vec![self.not()?];
        while self.takes("and") {
            rules.push(self.not()?);
        }
        Ok(one_or(rules, Rule::All))
    }

    fn not(&mut self) -> Result<Rule> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("this is nested too deep"));
        }
        let rule = if self.takes("not") {
            Rule::Not(Box::new(self.not()?))
        } else if self.takes_sign("(") {
            let rule = self.any()?;
            self.needs(")")?;
            rule
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(rule)
    }

    fn test(&mut self) -> Result<Rule> {
        let path = self.path()?;
        if self.takes("is") {
            let not = self.takes("not");
            if !self.takes("null") {
                return Err(self.wrong("`null` should be here"));
            }
            let rule = Rule::IsNull(path);
            return Ok(if not { Rule::Not(Box::new(rule)) } else { rule });
        }
        if self.takes("contains") {
            return Ok(Rule::Contains(path, self.literal()?));
        }
        let not = self.takes("not");
        if self.takes("in") {
            self.needs("(")?;
            let mut literals = vec![self.literal()?];
            while self.takes_sign(",") {
                literals.push(self.literal()?);
            }
            self.needs(")")?;
            let rule = Rule::In(path, literals);
            return Ok(if not { Rule::Not(Box::new(rule)) } else { rule });
        }
        let sign = match self.peek() {
            _ if not => None,
            Word::Sign("=") => Some(Sign::Equal),
            Word::Sign("!=") => Some(Sign::Unequal),
            Word::Sign("<") => Some(Sign::Less),
            Word::Sign("<=") => Some(Sign::LessOrEqual),
            Word::Sign(">") => Some(Sign::Greater),
            Word::Sign(">=") => Some(Sign::GreaterOrEqual),
            _ => None,
        };
        let Some(sign) = sign else {
            return Err(self.wrong("a comparison should be here: = != < <= > >= contains, in (...), is null"));
        };
        self.at += 1;
        Ok(Rule::Compare(path, sign, self.literal()?))
    }

    fn path(&mut self) -> Result<Vec<String>> {
        let mut path = Vec::new();
        loop {
            let name = match self.peek() {
                Word::Name(name) => name.clone(),
                Word::Bare(name) if !is_word(name) => name.clone(),
                _ => {
                    return Err(
                        self.wrong("the name of a member should be here; odd names stand in `backticks`")
                    );
                }
            };
            self.at += 1;
            path.push(name);
            if !self.takes_sign(".") {
                return Ok(path);
            }
        }
    }

    fn literal(&mut self) -> Result<Literal> {
        let literal = match self.peek() {
            Word::Text(text) => Literal::Text(text.clone()),
            Word::Number(number) => Literal::Number(number.clone()),
            Word::Bare(word) if word.eq_ignore_ascii_case("true") => Literal::Bool(true),
            Word::Bare(word) if word.eq_ignore_ascii_case("false") => Literal::Bool(false),
            Word::Bare(word) if word.eq_ignore_ascii_case("null") => {
                return Err(self.wrong("nothing equals null: write `is null` or `is not null`"));
            }
            Word::Bare(_) | Word::Name(_) => return Err(self.wrong("a text stands in quotes")),
            _ => return Err(self.wrong("a value should be here: a number, true, false or a text in quotes")),
        };
        self.at += 1;
        Ok(literal)
    }

    fn peek(&self) -> &Word {
        self.words.get(self.at).map_or(&Word::End, |(word, _)| word)
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Word::Bare(bare) if bare.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Word::Sign(found) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn needs(&mut self, sign: &str) -> Result<()> {
        if self.takes_sign(sign) { Ok(()) } else { Err(self.wrong(&format!("`{sign}` should be here"))) }
    }

    fn wrong(&self, what: &str) -> crawl_core::Error {
        wrong(self.words.get(self.at).map_or(1, |(_, place)| *place), what)
    }
}

/// Whether it is a word of the language; a member of that name stands in backticks.
fn is_word(name: &str) -> bool {
    ["and", "or", "not", "in", "is", "contains", "null", "true", "false"]
        .iter()
        .any(|word| name.eq_ignore_ascii_case(word))
}

fn one_or(mut rules: Vec<Rule>, several: impl FnOnce(Vec<Rule>) -> Rule) -> Rule {
    match (rules.len(), rules.pop()) {
        (1, Some(rule)) => rule,
        (_, last) => {
            rules.extend(last);
            several(rules)
        }
    }
}
