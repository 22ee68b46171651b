//! The folder of an item: `OWNER_SLUG`, from which owner and slug can be told again.

/// The folder of `owner/slug`. The first `_` stands between both, so one within the owner is `=u`, and `=` is `==`.
/// `None` if that is not the form of a ref.
pub fn folder(reference: &str) -> Option<String> {
    let (owner, slug) = parts(reference)?;
    Some(format!("{}_{slug}", owner.replace('=', "==").replace('_', "=u")))
}

/// The ref whose folder this is; `None` if it is none of ours.
pub fn reference(folder: &str) -> Option<String> {
    let (owner, slug) = folder.split_once('_')?;
    let mut plain = String::new();
    let mut characters = owner.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '=' => match characters.next()? {
                '=' => '=',
                'u' => '_',
                _ => return None,
            },
            other => other,
        });
    }
    Some(format!("{plain}/{slug}"))
}

/// Owner and slug.
pub(crate) fn parts(reference: &str) -> Option<(&str, &str)> {
    let (owner, slug) = reference.split_once('/')?;
    (!owner.is_empty() && !slug.is_empty() && !slug.contains('/')).then_some((owner, slug))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_that_would_share_a_folder_are_told_apart_and_read_back() {
        for name in ["a/b_c", "a_b/c", "a=b/c", "a=ub/c", "a==/_", "ann/two-words", "a/_b_"] {
            assert_eq!(reference(&folder(name).unwrap()).as_deref(), Some(name), "{name}");
        }
        assert_eq!(folder("ann/two-words").as_deref(), Some("ann_two-words"));
        assert_ne!(folder("a/b_c"), folder("a_b/c"));
        assert!(["a", "a/b/c", "/b", "a/"].iter().all(|name| folder(name).is_none()));
    }
}
