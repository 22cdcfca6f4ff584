//! How a run is hostile: drawn from its seed, so that some runs have nothing but crashes and others nothing but load.

use crate::random::Random;

pub struct Regime {
    pub shards: u32,
    /// The jurisdiction that the deployment lies in, and the one that somebody changes it to.
    pub jurisdictions: [&'static str; 2],
    /// How many milliseconds pass between two steps, at most; and how often hours do, in a thousand steps.
    pub tick_ms: i64,
    pub long_pauses: u32,
    /// How often in a thousand a decision dies with its instance, and how often one of its statements is refused.
    pub deaths: u32,
    pub refusals: u32,
    /// How often in a thousand a message between two parts is lost.
    pub losses: u32,
    /// How often in a thousand an endpoint changes what it answers, and how often it changes for the worse.
    pub moods: u32,
    pub hostility: u32,
    /// Between how many tasks events are spread at a time.
    pub tasks: usize,
    /// How many clients follow live streams.
    pub clients: usize,
    /// The weights of the actions: see [`crate::world::ACTIONS`].
    pub weights: Vec<u32>,
}

impl Regime {
    pub fn draw(random: &mut Random, usual: &[u32]) -> Self {
        let rates = [0, 2, 10, 40];
        // Each action is usual in most runs, rare or frequent in others.
        let factors = [1, 4, 4, 4, 16];
        Self {
            shards: random.one_of(&[1, 2, 3]),
            jurisdictions: random.one_of(&[["", "eu"], ["eu", "us"], ["eu", ""]]),
            tick_ms: random.one_of(&[200, 2_000, 20_000]),
            long_pauses: random.one_of(&[0, 2, 10]),
            deaths: random.one_of(&rates),
            refusals: random.one_of(&rates),
            losses: random.one_of(&rates),
            moods: random.one_of(&[1, 5, 20]),
            hostility: random.one_of(&[100, 400, 700, 950]),
            tasks: random.one_of(&[2, 8, 40]),
            clients: random.one_of(&[0, 2, 5]),
            weights: usual.iter().map(|weight| weight * random.one_of(&factors)).collect(),
        }
    }

    /// What is left at the end: nothing fails any more.
    pub fn calm(&mut self) {
        (self.deaths, self.refusals, self.losses) = (0, 0, 0);
        (self.moods, self.hostility, self.long_pauses) = (0, 0, 0);
    }
}
