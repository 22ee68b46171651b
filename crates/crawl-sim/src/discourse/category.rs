//! The categories of a forum.

use super::topic::Topic;
use super::words::CATEGORIES;

#[derive(Clone, Debug)]
pub(super) struct Category {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) colour: &'static str,
    pub(super) parent: Option<u64>,
    /// The topic that describes it.
    pub(super) about: Option<u64>,
}

/// Those of seeded topics with their descriptions, and those that recorded topics name.
pub(super) fn categories(recorded: &[Topic], seeded: bool) -> Vec<Category> {
    let above = recorded.iter().map(|topic| topic.head.id).max().unwrap_or(0);
    let own = CATEGORIES.iter().filter(|_| seeded).map(|(id, name, slug, colour, parent)| Category {
        id: *id,
        name: (*name).into(),
        slug: (*slug).into(),
        colour,
        parent: *parent,
        about: Some(above + 1 + id),
    });
    let mut all: Vec<Category> = own.collect();
    for topic in recorded {
        let id = topic.head.category;
        if all.iter().all(|category| category.id != id) {
            let (name, slug) = (format!("Category {id}"), format!("category-{id}"));
            all.push(Category { id, name, slug, colour: "0088CC", parent: None, about: None });
        }
    }
    if all.is_empty() {
        all.push(Category {
            id: 1,
            name: "Uncategorized".into(),
            slug: "uncategorized".into(),
            colour: "0088CC",
            parent: None,
            about: None,
        });
    }
    all
}
