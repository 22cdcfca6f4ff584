//! The statements that a shard runs: how many, how SQLite plans them, and that it compiles none anew.

mod compiled;
mod plans;
mod statements;
