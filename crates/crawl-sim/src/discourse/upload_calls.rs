//! Uploads: pictures of posts, what was planted, and short addresses.

use super::config::Upload;
use super::picture::{self, Picture};
use super::refuse;
use super::service::{HTML, Service};
use crate::http::answer::Answer;

impl Service {
    pub(super) fn upload(&self, path: &str) -> Answer {
        if let Some(planted) = self.planted(path) {
            return planted;
        }
        let pictures = &self.world.pictures;
        if let Some(picture) = pictures.iter().find(|picture| picture.path() == path) {
            return shown(picture);
        }
        // A smaller copy has the same bytes: what matters is that it has another address.
        if let Some(picture) = pictures.iter().find(|picture| picture.small() == path) {
            return shown(picture);
        }
        const KNOWN: [&str; 6] = ["png", "jpg", "jpeg", "gif", "svg", "webp"];
        let extension = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        if KNOWN.contains(&extension.as_str()) { shown(&Picture::of(path)) } else { refuse::not_found(false) }
    }

    /// 302 to where it lies.
    pub(super) fn short(&self, name: &str) -> Answer {
        if let Some(planted) = self.planted(&format!("/uploads/short-url/{name}")) {
            return planted;
        }
        let code = name.split('.').next().unwrap_or_default();
        match self.world.pictures.iter().find(|picture| picture.base62 == code) {
            Some(picture) => {
                Answer::text(302, "").with("Location", format!("{}{}", self.base(), picture.path()))
            }
            None => refuse::not_found(false),
        }
    }

    fn planted(&self, path: &str) -> Option<Answer> {
        let (_, upload) = self.world.config.uploads.iter().find(|(known, _)| known == path)?;
        Some(match upload {
            Upload::Bytes(kind, bytes) => Answer::new(200, kind, bytes.clone()),
            Upload::Html => {
                let page = "<!DOCTYPE html><html><body><script>alert(1)</script>No picture.</body></html>\n";
                let mut answer = Answer::new(200, HTML, page);
                answer.headers[0].1 = "image/png".into();
                answer
            }
            Upload::Bomb => Answer::new(200, "image/png", picture::bomb()),
            Upload::Redirect(to) => Answer::text(302, "").with("Location", to.clone()),
            Upload::Status(status) => Answer::text(*status, format!("{status}: as it was planted\n")),
        })
    }
}

fn shown(picture: &Picture) -> Answer {
    Answer::new(200, picture.content_type(), picture.bytes.clone())
        .with("Cache-Control", "max-age=31556952, public, immutable")
        .with("ETag", format!("\"{}\"", picture.sha1))
}
