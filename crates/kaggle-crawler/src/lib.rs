//! What a crawler of Kaggle needs to know of a kernel: the libraries that its source imports.

pub mod imports;
pub mod leaderboard;
pub mod sections;
pub mod unpack;
