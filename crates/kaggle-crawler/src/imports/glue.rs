//! Code in the templates of R's `glue()`.

/// Templates above this many bytes are not looked at.
const MAX_TEMPLATE: usize = 1 << 16;
const MAX_FRAGMENTS: usize = 200;

/// What stands between `open` and `close`, with these nested in it; both doubled mean themselves.
pub(super) fn fragments<'a>(template: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    let mut fragments = Vec::new();
    if template.len() > MAX_TEMPLATE || open.is_empty() || close.is_empty() {
        return fragments;
    }
    let mut rest = template;
    while fragments.len() < MAX_FRAGMENTS {
        let Some(at) = rest.find(open) else { break };
        rest = &rest[at + open.len()..];
        if let Some(behind) = rest.strip_prefix(open) {
            rest = behind;
            continue;
        }
        let Some(end) = closing(rest, open, close) else { break };
        fragments.push(&rest[..end]);
        rest = &rest[end + close.len()..];
    }
    fragments
}

fn closing(rest: &str, open: &str, close: &str) -> Option<usize> {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        let here = &rest[at..];
        if here.starts_with(close) {
            if depth == 0 {
                return Some(at);
            }
            depth -= 1;
            at += close.len();
        } else if here.starts_with(open) {
            depth += 1;
            at += open.len();
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    None
}
