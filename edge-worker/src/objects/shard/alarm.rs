//! A run of a shard's alarm: attempts, results and reports, as the engine hands them out.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join, join_all, select};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use vtryon_gateway_engine::shard::{LOOK_MS, OutboxEntry};
use vtryon_webhooks::Millis;
use worker::{Delay, console_error};

use super::TaskShard;
use crate::config::{Config, RESULTS};
use crate::delivery;
use crate::platform::clock;
use crate::protocol::directory_client;
use crate::testing::faults;
use crate::testing::metering::{self, BilledOperation};

/// How long KV may take: what is written to it must not hold up the rest.
const PUT_TIME: Duration = Duration::from_secs(10);

/// When the alarm is set for where the engine could not even be asked, in milliseconds: as where a secret is missing.
const AFTER_A_FAULT_MS: i64 = 60_000;

impl TaskShard {
    /// Does what is due. A failure or a panic is logged; the alarm is set again in any case.
    pub(super) async fn run_alarm(&self) {
        let fault = match AssertUnwindSafe(self.run()).catch_unwind().await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("panicked".to_owned()),
        };
        if let Some(fault) = &fault {
            console_error!("alarm: {fault}");
        }
        let ended = AssertUnwindSafe(|| {
            self.decide(|shard, context| {
                shard.end_alarm(context, fault.is_some());
                Ok(())
            })
        });
        if !matches!(std::panic::catch_unwind(ended), Ok(Ok(()))) {
            drop(self.set_alarm(clock::now().plus_millis(AFTER_A_FAULT_MS)));
        }
    }

    async fn run(&self) -> worker::Result<()> {
        let config = Config::current(&self.env).map_err(|_| worker::Error::from("not configured"))?;
        let started = clock::now();
        let chores = self.decide(|shard, context| Ok(shard.begin_alarm(context)))?;
        self.bound_broadcasts();
        let is_delivering = Cell::new(true);
        let deliveries = async {
            let delivered = self.deliver_due(&config, started).await;
            is_delivering.set(false);
            delivered
        };
        let results = async {
            self.drain_outbox().await?;
            while is_delivering.get() {
                Delay::from(Duration::from_millis(LOOK_MS)).await;
                self.drain_outbox().await?;
            }
            Ok(())
        };
        let (delivered, drained) = join(deliveries, results).await;
        let reported = self.report_unhealthy_endpoints(started).await;
        drained.and(delivered).and(reported)?;
        // What has failed now would most likely fail again at once.
        if chores { Ok(()) } else { Err("a part of its work is left for the next run".into()) }
    }

    /// Makes the attempts that are due, and those that become due meanwhile: an endpoint that hangs must not
    /// delay the others until its timeout.
    async fn deliver_due(&self, config: &Config, started: Millis) -> worker::Result<()> {
        let shard = self.decide(|shard, _| shard.number())?;
        let mut running = FuturesUnordered::new();
        let mut draining: Vec<i64> = Vec::new();
        loop {
            let picked = self.decide(|shard, context| shard.pick_endpoints(context, started, &draining))?;
            for endpoint in picked {
                draining.push(endpoint);
                running.push(async move {
                    if let Err(error) = self.drain_endpoint(config, shard, endpoint, started).await {
                        console_error!("deliveries: {error}");
                        drop(self.decide(|shard, context| {
                            shard.cool_down(context, endpoint);
                            Ok(())
                        }));
                    }
                    endpoint
                });
            }
            if running.is_empty() {
                return Ok(());
            }
            let look = Delay::from(Duration::from_millis(LOOK_MS));
            if let Either::Left((Some(endpoint), _)) = select(running.next(), look).await
                && let Some(place) = draining.iter().position(|draining| *draining == endpoint)
            {
                draining.swap_remove(place);
            }
        }
    }

    /// Makes one attempt after the other, until the engine has none.
    async fn drain_endpoint(
        &self,
        config: &Config,
        shard: u32,
        endpoint: i64,
        started: Millis,
    ) -> worker::Result<()> {
        while let Some(picked) =
            self.decide(|shard, context| shard.pick_attempt(context, endpoint, started))?
        {
            let attempt = delivery::attempt(config, shard, &picked.dispatch, &picked.body).await;
            let Some(report) = attempt else { return Ok(()) };
            self.decide(|shard, context| shard.record_own_attempt(context, &report))?;
            self.bound_broadcasts();
        }
        Ok(())
    }

    /// Executes the side effects that are due, batch after batch, for a limited time. No entry delays another.
    async fn drain_outbox(&self) -> worker::Result<()> {
        let started = clock::now();
        loop {
            let entries = self.decide(|shard, context| shard.due_side_effects(context))?;
            let done = join_all(entries.iter().map(|entry| self.publish(entry))).await;
            for (entry, done) in entries.iter().zip(done) {
                if let Err(error) = &done {
                    console_error!("outbox: {error}");
                }
                let ended =
                    self.decide(|shard, context| shard.complete_or_retry(context, entry, done.is_err()));
                if let Err(error) = ended {
                    console_error!("outbox: an entry stays as it is: {error}");
                }
            }
            if !self.decide(|shard, context| Ok(shard.continues_outbox(context, started, entries.len())))? {
                return Ok(());
            }
        }
    }

    /// Writes a task's final result to KV, where it can be read worldwide.
    async fn publish(&self, entry: &OutboxEntry) -> worker::Result<()> {
        let Some(result) = self.decide(|shard, context| shard.publication(context, entry))? else {
            return Ok(());
        };
        faults::before_publish(&result.task_id, entry.attempts)?;
        metering::count(BilledOperation::KvWrite);
        let put = self.env.kv(RESULTS)?.put(&result.key, result.value)?;
        let put = pin!(put.expiration_ttl(result.expires_in).execute());
        match select(put, Delay::from(PUT_TIME)).await {
            Either::Left((done, _)) => Ok(done?),
            Either::Right(_) => Err("KV took too long".into()),
        }
    }

    /// Reports endpoints that should be disabled to the directory.
    async fn report_unhealthy_endpoints(&self, started: Millis) -> worker::Result<()> {
        let reports = self.decide(|shard, context| Ok(shard.unhealthy_endpoints(context, started)))?;
        for report in reports {
            let answer = directory_client::send(&self.env, report).await;
            if !answer.is_ok_and(|answer| answer.status_code() == 200) {
                console_error!("the directory did not confirm that an endpoint is unhealthy");
            }
        }
        Ok(())
    }
}
