//! Tests of the library against sources of our own and recorded ones.

mod samples;
