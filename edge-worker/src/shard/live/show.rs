//! What was just stored, shown to whoever watches.

use std::panic::{AssertUnwindSafe, catch_unwind};

use vtryon_webhooks::Millis;
use worker::{WebSocket, console_error};

use super::log::Entry;
use super::viewer::Viewer;
use super::{FAULT, NOT_ANY_MORE, OVER, STUCK, end, tag};
use crate::clock;
use crate::shard::{TaskShard, deliveries, events};
use crate::wire::delivery::seq_of;
use crate::wire::live::Subject;

impl TaskShard {
    /// Shows an entry that was just stored to whoever watches. No viewer's fault is the event's.
    pub(in crate::shard) fn show_live(&self, entry: &Entry, task_id: Option<&str>) {
        if self.memory.is_watched.get() {
            let shown = AssertUnwindSafe(|| {
                self.show_entry(entry, task_id);
                self.show_state(entry, task_id)
            });
            if !matches!(catch_unwind(shown), Ok(Ok(()))) {
                console_error!("live: an entry was not shown to all: they have to resume");
                self.viewers(task_id).iter().for_each(|socket| end(socket, FAULT));
            }
        }
    }

    fn show_entry(&self, entry: &Entry, task_id: Option<&str>) {
        let mut texts: [Option<String>; 2] = [None, None];
        let now = clock::now();
        for socket in self.viewers(task_id) {
            let shown = Viewer::of(&socket).and_then(|viewer| {
                let [plain, full] = &mut texts;
                let text = if viewer.bodies { full } else { plain };
                if text.is_none() {
                    *text = self.told(entry, viewer.bodies)?;
                }
                show(&socket, viewer, entry.seq, text.as_deref().unwrap_or_default(), now)
            });
            if let Err(error) = shown {
                console_error!("live: {error}");
                end(&socket, FAULT);
            }
        }
    }

    /// Tells pages how their task stands, if this event has changed it.
    fn show_state(&self, entry: &Entry, task_id: Option<&str>) -> worker::Result<()> {
        let Some(task_id) = task_id else { return Ok(()) };
        let pages = self.state.get_websockets_with_tag(&tag(&Subject::State { task_id: task_id.to_owned() }));
        if pages.is_empty() {
            return Ok(());
        }
        let state = self.state_of(task_id)?;
        if state.seq != entry.seq {
            return Ok(());
        }
        let (config, now) = (self.config()?, clock::now());
        for socket in pages {
            let shown = Viewer::of(&socket).and_then(|mut viewer| {
                let Some(until) = viewer.until.filter(|until| *until > now) else {
                    end(&socket, NOT_ANY_MORE);
                    return Ok(());
                };
                viewer.at = state.seq;
                viewer.send(&socket, &state.message("update", task_id, until, &config))?;
                viewer.save(&socket)
            });
            if shown.is_err() {
                end(&socket, FAULT);
            }
            if state.is_final() {
                end(&socket, OVER);
            }
        }
        Ok(())
    }

    /// Tells whoever watches that a delivery was attempted. It is a hint: who is behind does without.
    pub(in crate::shard) fn hint_live(&self, no: i64) {
        if !self.memory.is_watched.get() {
            return;
        }
        let sql = self.state.storage().sql();
        let Ok(Some(delivery)) = deliveries::find(&sql, no) else { return };
        let kept = events::kept(&sql, seq_of(no)).ok().flatten();
        let task_id = kept.and_then(|kept| kept.task_id);
        let Ok(text) = self.hint(no, task_id.as_deref(), delivery.state.as_str()) else { return };
        let now = clock::now();
        for socket in self.viewers(task_id.as_deref()) {
            let Ok(mut viewer) = Viewer::of(&socket) else { continue };
            let can_take = viewer.is_current && !viewer.is_ahead() && !viewer.is_over(now);
            if can_take && viewer.send(&socket, &text).is_ok() {
                let _ = viewer.save(&socket);
            }
        }
    }

    /// Returns the sockets that show the whole shard, or everything about a task.
    fn viewers(&self, task_id: Option<&str>) -> Vec<WebSocket> {
        let mut viewers = self.state.get_websockets_with_tag(&tag(&Subject::Shard));
        if let Some(task_id) = task_id {
            let subject = Subject::Task { task_id: task_id.to_owned() };
            viewers.extend(self.state.get_websockets_with_tag(&tag(&subject)));
        }
        viewers
    }
}

/// Shows a message to one viewer, or lets it wait.
fn show(socket: &WebSocket, mut viewer: Viewer, seq: i64, text: &str, now: Millis) -> worker::Result<()> {
    if viewer.is_over(now) {
        end(socket, NOT_ANY_MORE);
        return Ok(());
    }
    if text.is_empty() {
        return Ok(());
    }
    if viewer.is_current && !viewer.is_ahead() {
        viewer.at = seq;
        viewer.send(socket, text)?;
    } else {
        viewer.wait(seq, text, now);
        if viewer.is_stuck(now) {
            end(socket, STUCK);
        }
    }
    viewer.save(socket)
}
