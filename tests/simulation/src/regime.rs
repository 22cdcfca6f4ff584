//! How a run is hostile: drawn from its seed, so that some runs have nothing but crashes and others nothing but load.

use crate::actors::attempts::{BAD_MOODS, Mood};
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
    /// What an endpoint does where it changes for the worse.
    pub bad_moods: &'static [Mood],
    /// Whether endpoints go on like that at the end, until every delivery is exhausted.
    pub is_patient: bool,
    /// How often in a thousand an event is one that came before, is of a new task, and has a status that is not
    /// documented.
    pub repeats: u32,
    pub new_tasks: u32,
    pub unknown: u32,
    /// How much an object may store, in bytes.
    pub object_bytes: u64,
    /// How many rows a page of background work has at most.
    pub page: i64,
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
        let usual = Self {
            shards: random.one_of(&[1, 2, 3]),
            jurisdictions: random.one_of(&[["", "eu"], ["eu", "us"], ["eu", ""]]),
            tick_ms: random.one_of(&[200, 2_000, 20_000]),
            long_pauses: random.one_of(&[0, 2, 10]),
            deaths: random.one_of(&rates),
            refusals: random.one_of(&rates),
            losses: random.one_of(&rates),
            moods: random.one_of(&[1, 5, 20]),
            hostility: random.one_of(&[100, 400, 700, 950]),
            bad_moods: &BAD_MOODS,
            is_patient: false,
            repeats: 150,
            new_tasks: 100,
            unknown: 55,
            object_bytes: random.one_of(&[110_000, vtryon_gateway_engine::MAX_OBJECT_BYTES]),
            page: if random.chance(125) { 2 } else { i64::MAX },
            tasks: random.one_of(&[2, 8, 40]),
            clients: random.one_of(&[0, 2, 5]),
            weights: usual.iter().map(|weight| weight * random.one_of(&factors)).collect(),
        };
        match random.index(10) {
            0 => usual.patient(),
            1 => usual.talkative(),
            _ => usual,
        }
    }

    /// Endpoints fail whatever happens, and days pass: deliveries are attempted as often as they may be.
    fn patient(self) -> Self {
        Self {
            losses: self.losses.min(2),
            deaths: self.deaths.min(2),
            refusals: self.refusals.min(2),
            long_pauses: 30,
            hostility: 1_000,
            bad_moods: &[Mood::Fails],
            is_patient: true,
            repeats: 20,
            new_tasks: 500,
            ..self
        }
    }

    /// Few tasks have many statuses, most of them not documented.
    fn talkative(self) -> Self {
        Self { tasks: 2, repeats: 20, new_tasks: 5, unknown: 600, ..self }
    }

    /// What is left at the end: nothing fails any more.
    pub fn calm(&mut self) {
        (self.deaths, self.refusals, self.losses) = (0, 0, 0);
        (self.moods, self.long_pauses) = (0, 0);
        if !self.is_patient {
            self.hostility = 0;
        }
    }
}
