//! The members of an object, found by their names without reading it again each time.

use std::borrow::Cow;

use crawl_core::json::Raw;

/// Members in the order of their names. Those that are null are as those that are not there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Raw<'a>)>);

impl<'a> Members<'a> {
    /// Those of objects; of a name that stands twice the last one counts, in whichever object. What is no object has none.
    pub(crate) fn of(objects: impl IntoIterator<Item = Raw<'a>>) -> Self {
        let all = objects.into_iter().filter_map(Raw::members).flatten();
        let mut members: Vec<_> =
            all.filter(|(_, raw)| !raw.is_null()).map(|(key, raw)| (key.name(), raw)).collect();
        members.reverse();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        members.dedup_by(|(later, _), (earlier, _)| later == earlier);
        Members(members)
    }

    /// The member of that name.
    pub(crate) fn get(&self, name: &str) -> Option<Raw<'a>> {
        let place = self.0.binary_search_by(|(own, _)| own.as_ref().cmp(name)).ok()?;
        self.0.get(place).map(|(_, raw)| *raw)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_the_last_of_its_name_that_is_not_null() {
        let texts = [r#"{"b":1,"a":2,"\u0062":3,"c":null}"#, r#"[]"#, r#"{"a":null,"c":5,"":{}}"#];
        let members = Members::of(texts.map(|text| Raw::parse(text.as_bytes()).unwrap()));
        let number = |name: &str| members.get(name).and_then(Raw::u64);
        assert_eq!(["a", "b", "c"].map(number), [Some(2), Some(3), Some(5)]);
        assert!(members.get("").is_some() && members.get("d").is_none() && !members.is_empty());
        assert!(Members::of(Raw::parse(b"{\"a\":null}")).is_empty());
    }
}
