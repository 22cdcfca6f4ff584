//! Forms of text: JSON, times, and what others sent, as it is stored and shown.

pub mod excerpt;
pub mod json;
pub mod time;
