//! The table, its tokenizer and its vectors.
mod embedding;
mod hostile;
mod table;
mod tokens;
