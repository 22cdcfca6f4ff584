//! A run of a shard's alarm: attempts and reports, as the engine hands them out.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use vtryon_gateway_engine::protocol::DirectoryRequest;
use vtryon_gateway_engine::shard::POLL_DUE_MS;
use vtryon_webhooks::Millis;
use worker::console_error;

use super::TaskShard;
use crate::config::Config;
use crate::delivery;
use crate::platform::clock;
use crate::platform::timeout::with_timeout;

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
            self.with_engine(|engine, context| {
                engine.end_alarm(context, fault.is_some());
                Ok(())
            })
        });
        if !matches!(std::panic::catch_unwind(ended), Ok(Ok(()))) {
            drop(self.set_alarm(clock::now().plus_millis(AFTER_A_FAULT_MS)));
        }
    }

    async fn run(&self) -> worker::Result<()> {
        let config = self.config()?;
        let started = clock::now();
        self.bound_broadcasts();
        let maintenance_succeeded = self.with_engine(|engine, context| Ok(engine.begin_alarm(context)))?;
        let delivered = self.deliver_due(&config, started).await;
        let reported = self.report(&config, started).await;
        delivered.and(reported)?;
        // What has failed now would most likely fail again at once.
        if maintenance_succeeded { Ok(()) } else { Err("a part of its work is left for the next run".into()) }
    }

    /// Makes the attempts that are due, and those that become due meanwhile, as many as a run may: an endpoint that hangs
    /// delays the others only where they need more than that before its timeout.
    async fn deliver_due(&self, config: &Config, started: Millis) -> worker::Result<()> {
        let shard = self.with_engine(|engine, _| engine.number())?;
        let mut running = FuturesUnordered::new();
        let mut draining: Vec<i64> = Vec::new();
        loop {
            let picked =
                self.with_engine(|engine, context| engine.pick_endpoints(context, started, &draining))?;
            for endpoint in picked {
                draining.push(endpoint);
                running.push(async move {
                    if let Err(error) = self.drain_endpoint(config, shard, endpoint, started).await {
                        console_error!("deliveries: {error}");
                        drop(self.with_engine(|engine, context| {
                            engine.cool_down(context, endpoint);
                            Ok(())
                        }));
                    }
                    endpoint
                });
            }
            if running.is_empty() {
                return Ok(());
            }
            let ended = with_timeout(Duration::from_millis(POLL_DUE_MS), running.next()).await;
            if let Some(Some(endpoint)) = ended
                && let Some(index) = draining.iter().position(|draining| *draining == endpoint)
            {
                draining.swap_remove(index);
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
            self.with_engine(|engine, context| engine.pick_attempt(context, endpoint, started))?
        {
            let attempt = delivery::attempt(config, shard, &picked.dispatch, &picked.body).await;
            let Some(report) = attempt else { return Ok(()) };
            self.bound_broadcasts();
            self.with_engine(|engine, context| engine.record_own_attempt(context, &report))?;
        }
        Ok(())
    }

    /// Reports conditions and unhealthy endpoints to the directory. What it does not confirm is reported again.
    async fn report(&self, config: &Config, started: Millis) -> worker::Result<()> {
        let report = self.with_engine(|engine, context| engine.conditions_to_report(context))?;
        if !report.conditions.is_empty()
            && self.send(config, DirectoryRequest::ReportConditions(report.clone())).await
        {
            self.with_engine(|engine, context| engine.confirm_report(context, &report))?;
        }
        // Looked for anew each time: where one is disabled, all shards get other settings.
        let mut reported = BTreeSet::new();
        loop {
            let unhealthy =
                self.with_engine(|engine, context| Ok(engine.unhealthy_endpoints(context, started)))?;
            let next = unhealthy.into_iter().find(|found| reported.insert(found.endpoint));
            let Some(endpoint) = next else { return Ok(()) };
            if !self.send(config, DirectoryRequest::ReportUnhealthy(endpoint)).await {
                return Ok(());
            }
        }
    }

    /// Sends a report to the directory. Returns whether it has confirmed it in time.
    async fn send(&self, config: &Config, report: DirectoryRequest) -> bool {
        let is_confirmed = config.directory_client(&self.env).report(report).await;
        if !is_confirmed {
            console_error!("the directory did not confirm a report");
        }
        is_confirmed
    }
}
