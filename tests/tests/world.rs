//! Whole rounds of the real machines in bad weather: every query ends, and what is opened is the truth.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use optelsom_codebook::{Plan, Query};
use optelsom_secagg::combiner::Outcome;
use optelsom_tests::adversary::cheater::Cheater;
use optelsom_tests::dice::Dice;
use optelsom_tests::federation::Size;
use optelsom_tests::questions::CODEBOOK;
use optelsom_tests::seeds::run_seeds;
use optelsom_tests::world::run::World;
use optelsom_tests::world::weather::Weather;

fn size(dice: &mut Dice) -> Size {
    let suppliers = dice.between(4, 8);
    let collusion = dice.between(1, (suppliers - 1) / 3);
    let all = dice.permille(300);
    let (columns, cells) = (dice.between(1, 3), dice.between(1, 6));
    Size { suppliers, collusion, min_suppliers: all.then_some(suppliers), columns, cells }
}

#[test]
fn with_everybody_up_every_query_is_opened_over_all_suppliers() {
    run_seeds("world", "with_everybody_up_every_query_is_opened_over_all_suppliers", 500, |seed| {
        let mut dice = Dice::new(seed);
        let size = size(&mut dice);
        let weather = if seed % 4 == 0 { Weather::calm(&mut dice) } else { Weather::rough(&mut dice) };
        let mut world = World::new(&mut dice, size, weather);
        let outcome = world.run()?;
        world.judge()?;
        if outcome != Outcome::Opened {
            return Err(format!("everybody was up, yet it ended as {outcome:?} in {weather:?}"));
        }
        let [release] = world.desk.releases() else { return Err("no release".to_owned()) };
        if release.participants.len() == size.suppliers { Ok(()) } else { Err("somebody was left out".to_owned()) }
    });
}

#[test]
fn through_crashes_and_losses_every_query_ends_and_no_untruth_is_opened() {
    let endings =
        run_seeds("world", "through_crashes_and_losses_every_query_ends_and_no_untruth_is_opened", 1000, |seed| {
            let mut dice = Dice::new(seed);
            let size = size(&mut dice);
            let quorum = (size.suppliers + size.collusion) / 2 + 1;
            let weather = Weather::storm(&mut dice, size.suppliers - quorum);
            let mut world = World::new(&mut dice, size, weather);
            let outcome = world.run().map_err(|why| format!("{why}; {weather:?}"))?;
            world.judge()?;
            Ok(matches!(outcome, Outcome::Opened))
        });
    let opened = endings.values().filter(|opened| **opened).count();
    println!("{} runs, {opened} opened", endings.len());
    assert!(endings.len() < 100 || opened * 2 > endings.len(), "only {opened} of {} were opened", endings.len());
}

/// Up to c suppliers cheat besides, in the same weather, together with those that are gone no more than the protocol bears.
/// What is opened is the sum of what was committed to; nobody honest is named; and it ends.
#[test]
fn through_storms_with_cheats_every_query_ends_nobody_honest_is_named_and_no_untruth_is_opened() {
    let test = "through_storms_with_cheats_every_query_ends_nobody_honest_is_named_and_no_untruth_is_opened";
    let runs = run_seeds("world", test, 400, |seed| {
        let mut dice = Dice::new(seed);
        let size = size(&mut dice);
        let cheats = dice.between(1, size.collusion);
        let storm = Weather::storm(&mut dice, bearable(size).saturating_sub(cheats));
        // What only expiry ends stands for hours, and each request that is repeated is checked again.
        let weather = Weather { resend: 20_000, ..storm };
        let world = World::new(&mut dice, size, weather);
        let cheaters = Cheater::draw(&mut dice, &world.federation, &world.query, cheats);
        let deeds: Vec<_> = cheaters.iter().map(|cheater| (cheater.supplier.clone(), cheater.deed)).collect();
        let mut world = world.with_cheaters(cheaters);
        let outcome = world.run().map_err(|why| format!("{why}; {deeds:?} in {weather:?}"))?;
        world.judge().map_err(|why| format!("{why}; {deeds:?} in {weather:?}"))?;
        let of = |cheater: &Cheater| Deeds {
            deed: cheater.deed.name(),
            done: cheater.done > 0,
            seen: world.faults.iter().any(|fault| cheater.deed.is_seen_in(&fault.what)),
            opened: outcome == Outcome::Opened,
        };
        Ok(world.cheaters.iter().map(of).collect::<Vec<_>>())
    });
    let mut all: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for Deeds { deed, done, seen, opened } in runs.values().flatten().copied() {
        let counts = all.entry(deed).or_default();
        counts.iter_mut().zip([true, done, seen, opened]).for_each(|(count, is)| *count += usize::from(is));
    }
    for (deed, [runs, done, seen, opened]) in &all {
        println!("{deed:30} in {runs} runs, done in {done}, seen in {seen}, opened in {opened}");
        let found = *seen > 0 || matches!(*deed, "both votes" | "silence");
        assert!(runs.min(done) < &5 || found, "{deed} was done {done} times and never found out");
    }
    assert!(runs.len() < 300 || (all.len() == 12 && all.values().all(|[_, done, ..]| *done > 0)), "{all:?}");
}

/// A deed, and what came of it in one run.
#[derive(Clone, Copy, Debug)]
struct Deeds {
    deed: &'static str,
    done: bool,
    seen: bool,
    opened: bool,
}

/// How many may fail altogether: a quorum has to be left, and shares enough of those who take part.
fn bearable(size: Size) -> usize {
    let (quorum, threshold) = ((size.suppliers + size.collusion) / 2 + 1, (size.collusion + 1).max(2));
    let participants = size.min_suppliers.unwrap_or((size.collusion + 3).max(2 * size.collusion + 1));
    (size.suppliers - quorum).min(participants - threshold)
}

/// The opened total is the truth and what the participants' seeds say they added, once each, whatever crashes.
#[test]
fn with_noise_the_total_without_it_is_the_truth() {
    let sql = "SELECT year, COUNT(*) FROM victims WHERE year BETWEEN 2023 AND 2024 GROUP BY ROLLUP(year) SETTINGS epsilon = 0.1";
    let plan = Plan::new(&CODEBOOK, &Query::from_sql(&CODEBOOK, sql).unwrap()).unwrap();
    let endings = run_seeds("world", "with_noise_the_total_without_it_is_the_truth", 200, |seed| {
        let mut dice = Dice::new(seed);
        let size = Size { columns: plan.columns().len(), cells: plan.cell_count(), ..size(&mut dice) };
        let quorum = (size.suppliers + size.collusion) / 2 + 1;
        let weather = Weather::storm(&mut dice, size.suppliers - quorum);
        let mut world = World::new(&mut dice, size, weather).with_noise(&plan);
        let outcome = world.run().map_err(|why| format!("{why}; {weather:?}"))?;
        world.judge()?;
        let honest = world.query.entry.honest_participants();
        let enough = |participants: usize| (participants - size.collusion) as u64 >= honest;
        match world.desk.releases() {
            [release] if !enough(release.participants.len()) => {
                Err("fewer honest shares than were counted on".to_owned())
            }
            _ => Ok(outcome == Outcome::Opened),
        }
    });
    assert!(endings.len() < 100 || endings.values().any(|opened| *opened));
}
