//! A crawler of Discourse forums, over their JSON API.
//!
//! [`Topics`] lists the topics of a [`Place`] (a site, a category, a tag, one topic), [`Conversations`] is the map that
//! fetches all posts of each and writes it as a [`crawl_core::record::Conversation`]. [`Forum`] is a site with a
//! credential; it only reads. [`export`] makes training samples of conversations.

mod earlier;
pub mod export;
mod forum;
pub mod hygiene;
pub mod pictures;
mod place;
mod raw;
mod site;
mod talk;
mod topics;

pub use crawl_core;
pub use earlier::{Earlier, is_gone};
pub use forum::{Forum, TOKEN};
pub use place::{Place, What};
pub use raw::from_raw;
pub use site::{Site, host_folder, terms};
pub use talk::{Conversations, Select};
pub use topics::Topics;
