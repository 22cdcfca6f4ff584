//! Attempts on their way: HTTP requests of Workers and shards to endpoints, and what endpoints answer.

use std::collections::BTreeMap;

use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::delivery::{Attempt, AttemptReport, Dispatch, endpoint_of, seq_of};
use vtryon_webhooks::Millis;

use crate::coverage::{CrashPoint, Decision, Loss};
use crate::violation::ensure;
use crate::world::World;

/// How late a report may be, in milliseconds: many times as long as a lease lasts.
const LATEST_REPORT: i64 = 600_000;

/// Who makes an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    Worker,
    /// A run of a shard's alarm, in the instance after so many deaths.
    Run(u32),
}

pub struct RunningAttempt {
    pub id: u64,
    pub shard: usize,
    pub dispatch: Dispatch,
    pub sender: Sender,
    /// The instance of the shard that has leased it: after so many deaths.
    pub instance: u32,
    /// What became of it, once it has begun: its outcome, and when that is known.
    pub begun: Option<(Attempt, Millis)>,
    /// Until when its report is on its way.
    pub not_reported_before: Millis,
}

impl RunningAttempt {
    /// Returns whether it dies with an instance. One that has begun still arrives, but nobody reports it.
    pub fn is_abandoned(&self, shard: usize, deaths: u32) -> bool {
        let is_of_former = matches!(self.sender, Sender::Run(instance) if instance < deaths);
        self.shard == shard && is_of_former && self.begun.is_none()
    }
}

/// What an endpoint does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Accepts,
    Fails,
    Hangs,
    Redirects,
    IsGone,
    Disconnects,
    AsksToWait,
    /// It asks for no further attempt.
    Aborts,
    /// It knows only the secret before the current one.
    KnowsPreviousSecret,
}

pub const BAD_MOODS: [Mood; 8] = [
    Mood::Fails,
    Mood::Hangs,
    Mood::Redirects,
    Mood::IsGone,
    Mood::Disconnects,
    Mood::AsksToWait,
    Mood::Aborts,
    Mood::KnowsPreviousSecret,
];

/// A receiver of deliveries.
#[derive(Default)]
pub struct Server {
    mood: Option<Mood>,
    /// The last event of each task that has arrived as it was first enqueued, by shard and task.
    last_seqs: BTreeMap<(usize, String), i64>,
    /// Deliveries that it has accepted, by shard and number.
    pub accepted: BTreeMap<(usize, i64), u32>,
}

impl World {
    /// Lets an attempt go on: it begins, it arrives, or its outcome is reported.
    pub fn advance_attempt(&mut self) {
        let waiting: Vec<usize> =
            (0..self.attempts.len()).filter(|index| self.can_advance(&self.attempts[*index])).collect();
        if waiting.is_empty() {
            return;
        }
        let index = waiting[self.random.index(waiting.len())];
        if self.attempts[index].begun.is_none() {
            self.begin_attempt(index);
            return;
        }
        if self.attempts[index].sender == Sender::Worker && self.random.chance(self.regime.losses * 10) {
            return self.delay_report(index);
        }
        let attempt = self.attempts.swap_remove(index);
        let Some((outcome, _)) = attempt.begun else { return };
        let report = attempt.dispatch.report(Some(outcome));
        match attempt.sender {
            Sender::Worker => self.report_attempt(attempt.shard, report),
            Sender::Run(instance) => self.record_own_attempt(attempt.shard, instance, attempt.id, &report),
        }
    }

    /// Keeps a report back until its lease is long over, and somebody else may have made the attempt.
    fn delay_report(&mut self, index: usize) {
        let delay = self.random.number(0..LATEST_REPORT);
        self.attempts[index].not_reported_before = self.now.plus_millis(delay);
        self.coverage.crash(CrashPoint::Lost(Loss::PromptReport));
    }

    /// Returns the deliveries of a shard with an attempt that was not reported yet.
    pub fn reports_of(&self, shard: usize) -> impl Iterator<Item = i64> {
        let of_shard = self.attempts.iter().filter(move |attempt| attempt.shard == shard);
        of_shard.filter(|attempt| attempt.begun.is_some()).map(|attempt| attempt.dispatch.delivery)
    }

    fn can_advance(&self, attempt: &RunningAttempt) -> bool {
        attempt.begun.as_ref().is_none_or(|(_, ends_at)| *ends_at <= self.now)
            && attempt.not_reported_before <= self.now
    }

    /// Sends the request, unless its lease is over.
    fn begin_attempt(&mut self, index: usize) {
        let attempt = &self.attempts[index];
        let (shard, sender) = (attempt.shard, attempt.sender);
        let now = if sender == Sender::Worker { self.now } else { self.clock(shard) };
        let is_lost = sender == Sender::Worker && self.random.chance(self.regime.losses);
        if is_lost || now >= self.attempts[index].dispatch.begin_before {
            if is_lost {
                self.coverage.crash(CrashPoint::Lost(Loss::FirstAttempt));
            }
            let attempt = self.attempts.swap_remove(index);
            if let Sender::Run(instance) = attempt.sender {
                self.release_connection(shard, instance, attempt.id);
            }
            return;
        }
        if self.random.chance(self.regime.deaths) {
            // A secret that can't be opened: nothing is sent.
            let attempt = self.attempts.swap_remove(index);
            let report = attempt.dispatch.report(None);
            match attempt.sender {
                Sender::Worker => self.report_attempt(shard, report),
                Sender::Run(instance) => self.record_own_attempt(shard, instance, attempt.id, &report),
            }
            return;
        }
        let dispatch = self.attempts[index].dispatch.clone();
        let (outcome, took_ms) = self.send(shard, &dispatch, now);
        self.note(|| {
            let Dispatch { delivery, attempt, replay_count, .. } = dispatch;
            let status = outcome.status;
            format!("attempt {attempt} of {delivery}, replay {replay_count}: {status:?} after {took_ms} ms")
        });
        self.attempts[index].begun = Some((outcome, self.now.plus_millis(took_ms)));
    }

    /// Lets an endpoint receive a request; returns its answer, and how long it took in milliseconds.
    fn send(&mut self, shard: usize, dispatch: &Dispatch, attempted_at: Millis) -> (Attempt, i64) {
        let endpoint = endpoint_of(dispatch.delivery);
        let timeout_ms = i64::from(dispatch.options.timeout_seconds) * 1000;
        let usual_ms = self.random.number(1..timeout_ms);
        let mood = self.mood(endpoint);
        let has_previous = dispatch.secrets.len() > 1;
        let (status, error, took_ms, retry_after_ms) = match mood {
            Mood::Accepts => (Some(200), None, usual_ms, None),
            Mood::Fails => (Some(self.random.one_of(&[422, 500])), None, usual_ms, None),
            Mood::Hangs => (None, Some("timeout"), timeout_ms, None),
            Mood::Redirects => (Some(302), None, usual_ms, None),
            Mood::IsGone => (Some(410), None, usual_ms, None),
            Mood::Disconnects => (None, Some("connection"), usual_ms, None),
            Mood::AsksToWait => (Some(503), None, usual_ms, Some(self.random.number(0..100_000_000))),
            Mood::Aborts => (Some(422), None, usual_ms, None),
            Mood::KnowsPreviousSecret => (Some(if has_previous { 200 } else { 401 }), None, usual_ms, None),
        };
        self.coverage.reach("endpoint", &format!("{mood:?}"));
        let answers = &mut self.shards[shard].ledger.answers;
        let answers = answers.entry((dispatch.delivery, dispatch.replay_count)).or_default();
        answers.failures += i64::from(status != Some(200));
        answers.has_aborted |= mood == Mood::Aborts;
        if mood != Mood::Disconnects {
            self.arrive(shard, dispatch, status == Some(200));
        }
        let outcome = Attempt {
            attempted_at,
            took_ms,
            status,
            error: error.map(str::to_owned),
            answer: String::new(),
            location_host: None,
            is_aborted: mood == Mood::Aborts,
            retry_after_ms,
            previous_secret: mood == Mood::KnowsPreviousSecret && has_previous,
        };
        (outcome, took_ms)
    }

    /// Notes that a request has arrived.
    fn arrive(&mut self, shard: usize, dispatch: &Dispatch, is_accepted: bool) {
        let (no, seq) = (dispatch.delivery, seq_of(dispatch.delivery));
        let task_id = self.shards[shard].log.entries.get(&seq).and_then(|entry| entry.task_id.clone());
        let server = self.servers.entry(endpoint_of(no)).or_default();
        // What has been accepted may come once more, after its report was lost or late.
        let is_repeat = server.accepted.contains_key(&(shard, no));
        if is_accepted {
            *server.accepted.entry((shard, no)).or_default() += 1;
        }
        let Some(task_id) = task_id.filter(|_| dispatch.replay_count == 0 && !is_repeat) else { return };
        let last = server.last_seqs.entry((shard, task_id)).or_insert(seq);
        ensure!(
            seq >= *last,
            "events of a task arrive in order",
            "endpoint {} received {seq} after {last} of one task of shard {shard}",
            endpoint_of(no)
        );
        *last = seq;
    }

    fn mood(&mut self, endpoint: i64) -> Mood {
        let (moods, hostility) = (self.regime.moods, self.regime.hostility);
        let changes = self.random.chance(moods * 10);
        let mood = if self.random.chance(hostility) {
            self.random.one_of(self.regime.bad_moods)
        } else {
            Mood::Accepts
        };
        let server = self.servers.entry(endpoint).or_default();
        if changes || moods == 0 || server.mood.is_none() {
            server.mood = Some(mood);
        }
        server.mood.unwrap_or(mood)
    }

    /// Reports an attempt of the Worker to its shard: with the next call, which may be one for reports alone. The report may
    /// be lost.
    fn report_attempt(&mut self, shard: usize, report: AttemptReport) {
        if self.random.chance(self.regime.losses) {
            self.coverage.crash(CrashPoint::Lost(Loss::ReportOfAttempt));
            // With all that waited in the same isolate.
            self.waiting_reports[shard].clear();
            return;
        }
        self.waiting_reports[shard].push(report);
        if self.random.chance(500) {
            self.send_reports(shard);
        }
    }

    /// Sends the reports that wait for a shard, where no other call has taken them along.
    pub fn send_reports(&mut self, shard: usize) {
        if !self.waiting_reports[shard].is_empty() {
            self.call(shard, Decision::Report, ShardRequest::ReportAttempts, &[]);
        }
    }
}
