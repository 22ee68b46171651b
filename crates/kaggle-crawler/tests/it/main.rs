//! Tests of the library against sources of our own and recorded ones.

mod desk;
mod hostile;
mod notebooks;
mod python;
mod r;
mod samples;
