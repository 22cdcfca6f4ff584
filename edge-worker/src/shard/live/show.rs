//! What was just stored, shown to whoever watches.

use std::vec::IntoIter;

use vtryon_webhooks::Millis;
use worker::{WebSocket, console_error, web_sys};

use super::log::Entry;
use super::viewer::Viewer;
use super::{FAULT, NOT_ANY_MORE, OVER, STUCK, end, tag};
use crate::clock;
use crate::shard::{TaskShard, deliveries, events};
use crate::wire::delivery::seq_of;
use crate::wire::live::Subject;

/// Something that is being shown.
pub(super) struct Showing {
    what: What,
    task_id: Option<String>,
    /// The viewers that it was not shown to yet. They are looked for when its turn comes: who comes later has it.
    viewers: Option<IntoIter<WebSocket>>,
    /// The message, without the body and with it, once there is a viewer for it.
    texts: [Option<String>; 2],
}

pub(super) enum What {
    Entry(Entry),
    /// A delivery was attempted: the message.
    Hint(String),
    /// What has numbers up to this one may not have been shown: to viewers of the task, or without one of the shard.
    Missed(i64),
}

impl Showing {
    pub(super) fn new(what: What, task_id: Option<&str>) -> Self {
        let task_id = task_id.map(ToOwned::to_owned);
        Self { what, task_id, viewers: None, texts: [None, None] }
    }
}

impl TaskShard {
    /// Shows something to so many viewers, and tells whether there are none left.
    pub(super) fn show_to(&self, showing: &mut Showing, left: &mut usize) -> worker::Result<bool> {
        let Showing { what, task_id, viewers, texts } = showing;
        let task_id = task_id.as_deref();
        let viewers = viewers.get_or_insert_with(|| {
            let all = match (&*what, task_id) {
                (What::Missed(_), Some(task_id)) => self.viewers_of_task(task_id),
                _ => self.viewers(task_id),
            };
            all.into_iter()
        });
        let now = clock::now();
        *left = left.saturating_sub(1);
        for socket in viewers {
            let shown = Viewer::of(&socket).and_then(|viewer| match what {
                What::Entry(entry) => self.show_entry(&socket, viewer, entry, texts, now),
                What::Hint(text) => show_hint(&socket, viewer, text, now),
                What::Missed(seq) => self.show_missing(&socket, viewer, *seq, now),
            });
            if let Err(error) = shown {
                // One that has left since is no fault.
                if socket.as_ref().ready_state() == web_sys::WebSocket::OPEN {
                    console_error!("live: {error}");
                }
                end(&socket, FAULT);
            }
            if *left == 0 {
                return Ok(false);
            }
            *left -= 1;
        }
        match what {
            What::Entry(_) | What::Missed(_) => self.show_state(task_id)?,
            What::Hint(_) => {}
        }
        Ok(true)
    }

    /// Lets those resume to whom something could not be shown.
    pub(super) fn give_up(&self, showing: &Showing) {
        console_error!("live: an entry was not shown to all: they have to resume");
        let task_id = showing.task_id.as_deref();
        self.viewers(task_id).iter().chain(&self.pages(task_id)).for_each(|socket| end(socket, FAULT));
    }

    /// Shows a message to one viewer, or lets it wait.
    fn show_entry(
        &self,
        socket: &WebSocket,
        mut viewer: Viewer,
        entry: &Entry,
        texts: &mut [Option<String>; 2],
        now: Millis,
    ) -> worker::Result<()> {
        if viewer.is_over(now) {
            end(socket, NOT_ANY_MORE);
            return Ok(());
        }
        // It has come meanwhile, or has caught up.
        if viewer.at >= entry.seq {
            return Ok(());
        }
        let [plain, full] = texts;
        let text = if viewer.bodies { full } else { plain };
        if text.is_none() {
            *text = self.told(entry, viewer.bodies)?;
        }
        let Some(text) = text else { return Ok(()) };
        if viewer.is_current && !viewer.is_ahead() {
            viewer.at = entry.seq;
            viewer.send(socket, text)?;
        } else {
            viewer.wait(entry.seq, text, now);
            if viewer.is_stuck(now) {
                end(socket, STUCK);
            }
        }
        viewer.save(socket)
    }

    /// Sends what a viewer has missed that should have everything up to a number.
    fn show_missing(
        &self,
        socket: &WebSocket,
        mut viewer: Viewer,
        seq: i64,
        now: Millis,
    ) -> worker::Result<()> {
        if viewer.is_current && viewer.at < seq && !viewer.is_over(now) {
            viewer.wait(viewer.at + 1, "", now);
            self.catch_up(socket, &mut viewer, self.place()?)?;
            viewer.save(socket)?;
        }
        Ok(())
    }

    /// Tells pages how their task stands, if that has changed. They are few.
    fn show_state(&self, task_id: Option<&str>) -> worker::Result<()> {
        let pages = self.pages(task_id);
        let Some(task_id) = task_id.filter(|_| !pages.is_empty()) else { return Ok(()) };
        let state = self.state_of(task_id)?;
        let (config, now) = (self.config()?, clock::now());
        for socket in pages {
            let shown = Viewer::of(&socket).and_then(|mut viewer| {
                if viewer.at >= state.seq {
                    return Ok(());
                }
                let Some(until) = viewer.until.filter(|until| *until > now) else {
                    end(&socket, NOT_ANY_MORE);
                    return Ok(());
                };
                viewer.at = state.seq;
                viewer.send(&socket, &state.message("update", task_id, until, &config))?;
                viewer.save(&socket)?;
                if state.is_final() {
                    end(&socket, OVER);
                }
                Ok(())
            });
            if shown.is_err() {
                end(&socket, FAULT);
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
        self.wait_to_show(Showing::new(What::Hint(text), task_id.as_deref()));
    }

    /// Returns the sockets that show the whole shard, or everything about a task.
    fn viewers(&self, task_id: Option<&str>) -> Vec<WebSocket> {
        let mut viewers = self.state.get_websockets_with_tag(&tag(&Subject::Shard));
        if let Some(task_id) = task_id {
            viewers.extend(self.viewers_of_task(task_id));
        }
        viewers
    }

    fn viewers_of_task(&self, task_id: &str) -> Vec<WebSocket> {
        let subject = Subject::Task { task_id: task_id.to_owned() };
        self.state.get_websockets_with_tag(&tag(&subject))
    }

    /// Returns the sockets that show how a task stands.
    fn pages(&self, task_id: Option<&str>) -> Vec<WebSocket> {
        let Some(task_id) = task_id else { return Vec::new() };
        self.state.get_websockets_with_tag(&tag(&Subject::State { task_id: task_id.to_owned() }))
    }
}

/// Shows a hint to one viewer that can take it.
fn show_hint(socket: &WebSocket, mut viewer: Viewer, text: &str, now: Millis) -> worker::Result<()> {
    if viewer.is_current && !viewer.is_ahead() && !viewer.is_over(now) {
        viewer.send(socket, text)?;
        viewer.save(socket)?;
    }
    Ok(())
}
