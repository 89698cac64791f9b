//! What clients did and heard, and whether that can have happened one by one.
//!
//! Every write gives what it writes the next version of its key, so the order of a key's writes is known, and
//! whether it agrees with what clients saw needs no search: each operation is a point in that order, and no
//! point may come before one that had ended when it began.

use std::collections::{BTreeMap, BTreeSet};

/// What a client asks for; keys are small numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Put {
        key: u8,
        value: i64,
    },
    Add {
        key: u8,
        by: i64,
    },
    /// Only if the key is at this version.
    PutIf {
        key: u8,
        version: i64,
        value: i64,
    },
    Delete {
        key: u8,
    },
    /// One's value becomes the other's.
    Move {
        from: u8,
        to: u8,
    },
    /// Writes, then fails.
    Fail {
        key: u8,
    },
    /// Two unique names change places: cannot be replicated, so it must be refused.
    Swap,
    Get {
        key: u8,
    },
    All,
}

/// A key as it was written or read: its version (0: never written), its value (`None`: deleted).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    pub(super) key: u8,
    pub(super) version: i64,
    pub(super) value: Option<i64>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing was heard, or that it may still take effect.
    Unknown,
    /// It never takes effect.
    Failed,
    /// Of a write: what it wrote. Of a read, or a write that refused what it saw: what it saw.
    Wrote(Vec<Seen>),
    Saw(Vec<Seen>),
}

#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) kind: Kind,
    /// When it began and ended, in the order of all such moments.
    pub(super) began: u64,
    pub(super) ended: Option<u64>,
    pub(super) outcome: Outcome,
}

/// A row of what the database says was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) operation: u64,
    pub(super) seen: Seen,
}

/// Says what is wrong with the operations, by their numbers, beside the effects that the database shows.
pub(super) fn check(
    operations: &BTreeMap<u64, Operation>,
    effects: &[Effect],
) -> Result<(), String> {
    let mut keys: BTreeMap<u8, Vec<Effect>> = BTreeMap::new();
    let mut done: BTreeMap<u64, Vec<Effect>> = BTreeMap::new();
    for effect in effects {
        keys.entry(effect.seen.key).or_default().push(*effect);
        done.entry(effect.operation).or_default().push(*effect);
    }
    for (key, effects) in &mut keys {
        effects.sort_by_key(|effect| effect.seen.version);
        let versions = effects.iter().map(|effect| effect.seen.version);
        if !versions.eq(1..=i64::try_from(effects.len()).unwrap_or(0)) {
            return Err(format!("key {key} has holes or doubles: {effects:?}"));
        }
    }
    for (number, effects) in &done {
        let Some(operation) = operations.get(number) else {
            return Err(format!("nobody asked for {effects:?}"));
        };
        sound(operation, effects, &keys)
            .map_err(|why| format!("{number}: {why}: {operation:?}"))?;
    }
    for (number, operation) in operations {
        let effects = done.get(number).map_or(&[][..], Vec::as_slice);
        heard(operation, effects, &keys)
            .map_err(|why| format!("{number}: {why}: {operation:?}"))?;
    }
    for key in keys.keys() {
        ordered(*key, operations, &done)?;
    }
    views(operations, &done)
}

/// What the database shows of one operation is what it means.
fn sound(
    operation: &Operation,
    effects: &[Effect],
    keys: &BTreeMap<u8, Vec<Effect>>,
) -> Result<(), String> {
    let before = |seen: &Seen| {
        let place = usize::try_from(seen.version - 2).ok();
        let effects = keys.get(&seen.key).map_or(&[][..], Vec::as_slice);
        place.and_then(|place| effects.get(place)?.seen.value)
    };
    let seen: Vec<Seen> = effects.iter().map(|effect| effect.seen).collect();
    let fits = match (&operation.kind, &seen[..]) {
        (Kind::Put { key, value }, [one]) => (one.key, one.value) == (*key, Some(*value)),
        (Kind::Add { key, by }, [one]) => {
            (one.key, one.value) == (*key, Some(before(one).unwrap_or(0) + by))
        }
        (Kind::PutIf { key, version, value }, [one]) => {
            (one.key, one.version, one.value) == (*key, version + 1, Some(*value))
        }
        (Kind::Delete { key }, [one]) => (one.key, one.value) == (*key, None),
        (Kind::Move { from, to }, [a, b]) => {
            let (a, b) = if a.key == *from { (a, b) } else { (b, a) };
            (a.key, b.key, a.value, b.value) == (*from, *to, None, before(a))
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("it did {seen:?}")) }
}

/// What a client heard is what the database shows: once if acknowledged, never if it failed.
fn heard(
    operation: &Operation,
    effects: &[Effect],
    keys: &BTreeMap<u8, Vec<Effect>>,
) -> Result<(), String> {
    match &operation.outcome {
        Outcome::Unknown => Ok(()),
        Outcome::Failed | Outcome::Saw(_) if !effects.is_empty() => {
            Err(format!("it took effect after all: {effects:?}"))
        }
        Outcome::Failed => Ok(()),
        Outcome::Wrote(wrote) => {
            let shown: BTreeSet<Seen> = effects.iter().map(|effect| effect.seen).collect();
            let same = wrote.iter().copied().collect::<BTreeSet<_>>() == shown;
            if same { Ok(()) } else { Err(format!("acknowledged, and the database has {shown:?}")) }
        }
        Outcome::Saw(saw) => saw.iter().try_for_each(|seen| {
            let place = usize::try_from(seen.version - 1).ok();
            let effects = keys.get(&seen.key).map_or(&[][..], Vec::as_slice);
            let shown = place.and_then(|place| effects.get(place));
            let same = match shown {
                Some(effect) => effect.seen == *seen,
                None => seen.version == 0 && seen.value.is_none(),
            };
            if same { Ok(()) } else { Err(format!("it saw what never was: {seen:?}")) }
        }),
    }
}

/// A key's operations in the order of its versions: none ends before one that comes earlier has begun.
fn ordered(
    key: u8,
    operations: &BTreeMap<u64, Operation>,
    done: &BTreeMap<u64, Vec<Effect>>,
) -> Result<(), String> {
    // Reads come after the write that they saw.
    let mut points: Vec<(i64, u64)> = Vec::new();
    for (number, operation) in operations {
        let effects = done.get(number).into_iter().flatten().map(|effect| effect.seen);
        points
            .extend(effects.filter(|seen| seen.key == key).map(|seen| (2 * seen.version, *number)));
        if let Outcome::Saw(saw) = &operation.outcome {
            let saw = saw.iter().filter(|seen| seen.key == key);
            points.extend(saw.map(|seen| (2 * seen.version + 1, *number)));
        }
    }
    points.sort_unstable();
    // From the end: when the first of all that come later had ended.
    let mut first: Option<(u64, i64, u64)> = None;
    let mut waiting: Vec<(u64, i64, u64)> = Vec::new();
    for (place, number) in points.into_iter().rev() {
        let operation = &operations[&number];
        let later = waiting.iter().filter(|(_, other, _)| *other > place).min();
        first = first.into_iter().chain(later.copied()).min();
        waiting.retain(|(_, other, _)| *other <= place);
        if let Some((ended, _, other)) = first
            && ended < operation.began
        {
            return Err(format!(
                "key {key}: {other} had ended when {number} began, and comes after it: {:?}, {operation:?}",
                operations[&other]
            ));
        }
        waiting.extend(operation.ended.map(|ended| (ended, place, number)));
    }
    Ok(())
}

/// Those who see all keys see states of one and the same history: each of two is later in no key, or earlier
/// in none; and what was written together is seen together.
fn views(
    operations: &BTreeMap<u64, Operation>,
    done: &BTreeMap<u64, Vec<Effect>>,
) -> Result<(), String> {
    let mut views: Vec<(BTreeMap<u8, i64>, u64)> = Vec::new();
    for (number, operation) in operations {
        if let (Kind::All, Outcome::Saw(saw)) = (&operation.kind, &operation.outcome) {
            views.push((saw.iter().map(|seen| (seen.key, seen.version)).collect(), *number));
        }
    }
    views.sort_by_key(|(view, _)| view.values().sum::<i64>());
    for pair in views.windows(2) {
        let [(a, first), (b, second)] = pair else { continue };
        if a.iter().any(|(key, version)| b.get(key) < Some(version)) {
            return Err(format!("{first} and {second} saw different histories: {a:?}, {b:?}"));
        }
    }
    for effects in done.values().filter(|effects| effects.len() > 1) {
        for (view, number) in &views {
            let there = |effect: &Effect| view.get(&effect.seen.key) >= Some(&effect.seen.version);
            if effects.iter().any(there) && !effects.iter().all(there) {
                return Err(format!("{number} saw half of {effects:?}: {view:?}"));
            }
        }
    }
    Ok(())
}
