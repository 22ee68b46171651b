//! Courses of Kaggle Learn: lists of the kernels that are their lessons.

use crawl_core::{Error, Kind, Result};
use serde::Deserialize;

/// The file in the repository, as it was when this was built.
const COURSES: &str = include_str!("../../../../configs/kaggle/courses.toml");

/// A course, the kernels that are its lessons, and where that was read.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// The end of its address.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The pages from which the lessons were read.
    pub sources: Vec<String>,
    /// Refs of kernels, in order.
    pub lessons: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    course: Vec<Course>,
}

/// All courses that are known.
///
/// # Errors
/// [`Kind::Config`] if the list that was built in cannot be read.
pub fn courses() -> Result<Vec<Course>> {
    let file: File = toml::from_str(COURSES).map_err(|cause| {
        Error::new(Kind::Config, "the list of courses cannot be read").at("courses.toml").because(cause)
    })?;
    Ok(file.course)
}

/// The course of this name.
///
/// # Errors
/// [`Kind::Config`] if none has it; the names that there are stand in the advice.
pub fn course(name: &str) -> Result<Course> {
    let all = courses()?;
    let names: Vec<_> = all.iter().map(|course| course.name.clone()).collect();
    all.into_iter().find(|course| course.name == name).ok_or_else(|| {
        Error::new(Kind::Config, "no course of this name is known")
            .at(name)
            .advise(format!("give one of: {}", names.join(", ")))
    })
}
