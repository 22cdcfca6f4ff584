//! Writes the log of decisions.

use vtryon_gateway_engine::log::{Decision, Level};
use worker::{console_debug, console_log, console_warn};

/// Writes the line of a decision, where it is at least as important as the least level that is logged.
pub(crate) fn write(least: Level, decision: &Decision, shard: Option<u32>) {
    let Some(line) = decision.line(least, shard) else { return };
    match line.level {
        Level::Debug => console_debug!("{}", line.text),
        Level::Info => console_log!("{}", line.text),
        Level::Warn => console_warn!("{}", line.text),
    }
}
