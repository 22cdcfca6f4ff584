//! Compares the memory of two instances of a shard: for simulations.

use super::Shard;

impl Shard {
    /// Returns what this instance knows otherwise than one that has just been opened on the same database, if anything.
    pub fn differs_from(&self, fresh: &Self) -> Option<String> {
        let different = |what: &str, is_equal: bool| (!is_equal).then(|| what.to_owned());
        different("the last number", self.last_seq == fresh.last_seq)
            .or_else(|| {
                different(
                    "the settings",
                    self.configuration.settings.version == fresh.configuration.settings.version,
                )
            })
            .or_else(|| {
                different("the topology", self.configuration.topology == fresh.configuration.topology)
            })
            .or_else(|| {
                different(
                    "the health of endpoints",
                    self.attempts.health.is_stored_as(&fresh.attempts.health),
                )
            })
            .or_else(|| different("how far totals are counted", self.totals.is_stored_as(&fresh.totals)))
            .or_else(|| self.attempts.leases.missing_from(&fresh.attempts.leases))
    }
}
