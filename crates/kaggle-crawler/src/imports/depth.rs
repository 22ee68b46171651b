//! How deep the syntax tree of a Python source can be, told from its tokens before it is built.

use ruff_python_ast::token::TokenKind as Token;
use ruff_python_parser::{Mode, lexer};

/// Trees above this are not built: they are walked and freed by recursion, and hostile sources would end the stack.
/// Python itself refuses more than 100 levels of blocks and 200 of brackets.
const MAX_DEPTH: usize = 300;

/// Whether the tree of `source` is shallow for sure, and its brackets match (else it is no Python anyway). Each token that can put a node under another counts, until a comma
/// or the end of the statement closes what it began.
pub(super) fn is_shallow(source: &str) -> bool {
    let mut lexer = lexer::lex(source, Mode::Ipython);
    // Of each open bracket: how many such tokens, and how many of them are lambdas, which a comma does not end.
    let mut open = vec![(0usize, 0usize)];
    let (mut blocks, mut sum) = (0usize, 0usize);
    loop {
        let mut more = 1;
        match lexer.next_token() {
            Token::EndOfFile => return open.len() == 1,
            Token::Name | Token::Int | Token::Float | Token::Complex | Token::String | Token::Comment => {
                more = 0;
            }
            Token::True | Token::False | Token::None | Token::NonLogicalNewline | Token::FStringMiddle => {
                more = 0;
            }
            Token::Indent => {
                blocks += 1;
                more = 0;
            }
            Token::Dedent => {
                blocks = blocks.saturating_sub(1);
                more = 0;
            }
            Token::Newline | Token::Semi if open.len() == 1 => {
                open[0] = (0, 0);
                sum = 0;
                more = 0;
            }
            Token::Comma => {
                more = 0;
                if let Some((count, lambdas)) = open.last_mut() {
                    sum -= *count - *lambdas;
                    *count = *lambdas;
                }
            }
            Token::Lpar | Token::Lsqb | Token::Lbrace => {
                if let Some((count, _)) = open.last_mut() {
                    *count += 1;
                }
                sum += 1;
                open.push((0, 0));
                more = 0;
            }
            Token::Rpar | Token::Rsqb | Token::Rbrace => {
                if open.len() == 1 {
                    return false;
                }
                sum -= open.pop().map_or(0, |(count, _)| count);
                more = 0;
            }
            Token::Lambda => {
                if let Some((_, lambdas)) = open.last_mut() {
                    *lambdas += 1;
                }
            }
            _ => {}
        }
        if let Some((count, _)) = open.last_mut() {
            *count += more;
            sum += more;
        }
        if blocks + sum > MAX_DEPTH {
            return false;
        }
    }
}
