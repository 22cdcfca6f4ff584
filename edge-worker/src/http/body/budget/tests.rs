use super::*;

const NOW: Millis = Millis(10_000);
const NONE_EXPIRED: Millis = Millis(0);

fn open(budget: &mut Budget) -> u64 {
    budget.open(NOW, NONE_EXPIRED)
}

fn read(budget: &mut Budget, id: u64, length: usize) -> Result<(), OverBudget> {
    budget.reserve(id, length)?;
    budget.add(id, vec![0; length])
}

#[test]
fn a_thousand_events_at_once_are_within_the_budget() {
    let mut budget = Budget::new(BUDGET);
    let ids: Vec<u64> = (0..1000).map(|_| open(&mut budget)).collect();
    for &id in &ids {
        assert_eq!(read(&mut budget, id, 2000), Ok(()));
        // Of undeclared length: a further buffer, until the end is seen.
        assert_eq!(budget.reserve(id, 4096), Ok(()));
    }
    assert!(ids.iter().all(|&id| budget.check(id).is_ok()), "none has made room for another");
}

#[test]
fn a_body_takes_the_room_of_the_oldest_ones() {
    let mut budget = Budget::new(100);
    let [first, second, third] = [(); 3].map(|()| open(&mut budget));
    assert_eq!(read(&mut budget, first, 40), Ok(()));
    assert_eq!(read(&mut budget, second, 40), Ok(()));
    assert_eq!(budget.reserve(first, 10), Ok(()));
    assert_eq!(read(&mut budget, third, 40), Ok(()));
    assert_eq!(budget.check(first), Err(OverBudget));
    assert_eq!(budget.held(), 90, "the buffer of the first one is still the runtime's");
    assert_eq!(budget.add(first, vec![0; 10]), Err(OverBudget));
    assert_eq!(budget.held(), 80);
    assert_eq!(budget.reserve(first, 1), Err(OverBudget), "nothing more of it is read");
    assert_eq!(budget.reserve(second, 40), Err(OverBudget), "now it is the oldest itself");
    assert_eq!(budget.close(third).len(), 40, "no newer one makes room for it");
    assert_eq!(budget.close(second).len(), 40);
    assert_eq!(budget.held(), 0);
}

#[test]
fn a_body_takes_the_room_of_the_oldest_ones_of_which_nothing_has_come() {
    let mut budget = Budget::new(100);
    let idle = [(); 10].map(|()| open(&mut budget));
    for &id in &idle {
        assert_eq!(budget.reserve(id, 10), Ok(()));
    }
    for _ in 0..4 {
        let event = open(&mut budget);
        assert_eq!(read(&mut budget, event, 10), Ok(()));
        assert_eq!(budget.close(event).len(), 10);
    }
    let evicted: Vec<bool> = idle.iter().map(|&id| budget.check(id).is_err()).collect();
    assert_eq!(
        evicted.iter().filter(|&&is_evicted| is_evicted).count(),
        1,
        "its room is enough for one at a time"
    );
    assert_eq!(evicted.first(), Some(&true), "the oldest one");
    assert_eq!(budget.held(), 100, "its buffer is still the runtime's");
    idle.into_iter().for_each(|id| drop(budget.close(id)));
    assert_eq!((budget.held(), budget.overdraft), (0, 0));
}

/// Without an overdraft, ten idle bodies kept out all others.
#[test]
fn a_body_is_refused_where_the_overdraft_is_used_up_too() {
    let mut budget = Budget::new(100);
    let ids = [(); 15].map(|()| open(&mut budget));
    for &id in &ids {
        assert_eq!(budget.reserve(id, 10), Ok(()));
    }
    assert_eq!((budget.held(), budget.overdraft), (150, 50), "five have made room");
    let event = open(&mut budget);
    assert_eq!(budget.reserve(event, 1), Err(OverBudget));
    assert_eq!(budget.check(ids[5]), Ok(()), "nor does another one lose its room for that");
    // The next tick of the one that has been evicted first.
    assert!(budget.close(ids[0]).is_empty());
    assert_eq!(budget.reserve(event, 1), Ok(()));
}

#[test]
fn where_the_overdraft_is_used_up_bodies_make_room_of_which_something_has_come() {
    let mut budget = Budget::new(100);
    let ids = [(); 15].map(|()| open(&mut budget));
    for &id in &ids {
        assert_eq!(budget.reserve(id, 10), Ok(()));
    }
    let long = ids[10];
    assert_eq!(budget.add(long, vec![0; 10]), Ok(()));
    let event = open(&mut budget);
    assert_eq!(budget.reserve(event, 10), Ok(()));
    assert_eq!(budget.check(long), Err(OverBudget));
    assert_eq!(budget.held(), 150);
}

#[test]
fn a_body_is_what_was_added_to_it() {
    let mut budget = Budget::new(100);
    let id = open(&mut budget);
    for chunk in ["one ", "two ", "three"] {
        assert_eq!(budget.reserve(id, 20), Ok(()));
        assert_eq!(budget.add(id, chunk.into()), Ok(()));
    }
    assert_eq!((budget.length(id), budget.held()), (13, 13));
    assert_eq!(budget.close(id), b"one two three");
    assert!(budget.close(id).is_empty());
    assert_eq!(budget.held(), 0);
}

#[test]
fn what_a_cancelled_request_held_is_free_after_a_while() {
    let mut budget = Budget::new(100);
    let id = open(&mut budget);
    assert_eq!(read(&mut budget, id, 50), Ok(()));
    assert_eq!(budget.reserve(id, 50), Ok(()));
    budget.open(NOW, NOW);
    assert_eq!(budget.held(), 100, "it is not over yet");
    budget.open(NOW, Millis(NOW.0 + 1));
    assert_eq!(budget.held(), 0);
    assert_eq!(budget.add(id, vec![0; 50]), Err(OverBudget));
    assert_eq!(budget.held(), 0);
}

#[test]
fn no_order_of_steps_exceeds_the_budget_or_loses_a_byte_of_it() {
    let mut budget = Budget::new(1000);
    let mut ids = Vec::new();
    // Steps of a linear congruential generator (Knuth's MMIX): the same in every run.
    let mut random = 1u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap_or_default() % below
    };
    for _ in 0..20_000 {
        match next(4) {
            0 => ids.push(open(&mut budget)),
            1 if !ids.is_empty() => drop(budget.close(ids.swap_remove(next(ids.len())))),
            _ if !ids.is_empty() => {
                let id = ids.get(next(ids.len())).copied().unwrap_or_default();
                let length = 1 + next(300);
                if budget.reserve(id, length).is_ok() && next(2) == 0 {
                    let _ = budget.add(id, vec![0; next(length)]);
                }
            }
            _ => {}
        }
        assert!(budget.held() <= 1500, "{} bytes are held", budget.held());
        assert!(
            budget.held() - budget.overdraft <= 1000,
            "{} of them by bodies to be ended",
            budget.overdraft
        );
        assert_eq!(budget.held(), budget.bodies.values().map(BufferedBody::size).sum::<usize>());
        let evicted = budget.bodies.values().filter(|body| body.is_evicted);
        assert_eq!(budget.overdraft, evicted.map(BufferedBody::size).sum::<usize>());
    }
    ids.into_iter().for_each(|id| drop(budget.close(id)));
    assert_eq!((budget.held(), budget.overdraft), (0, 0));
}
