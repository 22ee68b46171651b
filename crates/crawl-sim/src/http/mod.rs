//! A small HTTP/1.1 server of our own: faults need the raw socket.

pub(crate) mod answer;
mod deliver;
mod fail;
pub(crate) mod journal;
pub(crate) mod request;
pub(crate) mod server;
