//! Suspects as the sandbox makes them up. No published figure stands behind them.

use std::collections::BTreeMap;

use super::chance::Chance;
use super::codes;
use super::victim::{Form, Sex};
use crate::suppliers::Supplier;

/// Who investigates, or supervises young suspects, in parts of a thousand.
const HOLDERS: [(Supplier, u32); 4] = [
    (Supplier::Police, 550),
    (Supplier::BorderPolice, 150),
    (Supplier::LabourInspectorate, 180),
    (Supplier::YouthCare, 120),
];

/// How many a year.
const YEARLY: u32 = 260;

const STAGES: [(Stage, u32); 6] = [
    (Stage::Signal, 150),
    (Stage::Investigation, 300),
    (Stage::Prosecution, 260),
    (Stage::Trial, 190),
    (Stage::Sentence, 70),
    (Stage::Resocialisation, 30),
];

/// How far a case has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// A signal.
    Signal,
    /// Investigation.
    Investigation,
    /// Prosecution.
    Prosecution,
    /// Trial.
    Trial,
    /// Serving of the sentence.
    Sentence,
    /// Return to society.
    Resocialisation,
}

/// What has come of a case where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing yet.
    Pending,
    /// The signal was not pursued.
    NotPursued,
    /// Dismissed for want of proof.
    TechnicalDismissal,
    /// Dismissed for reasons of policy.
    PolicyDismissal,
    /// Acquitted.
    Acquittal,
    /// Convicted.
    Conviction,
}

/// One suspect, once per supplier and year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Who holds the record.
    pub supplier: Supplier,
    /// The year of registration.
    pub year: i16,
    /// What they are suspected of.
    pub form: Form,
    /// The registered sex.
    pub sex: Sex,
    /// The age in completed years at registration.
    pub age: u32,
    /// How far the case has come.
    pub stage: Stage,
    /// What has come of it.
    pub outcome: Outcome,
    /// Days of unconditional prison, where they were imposed.
    pub sentence_days: Option<u32>,
}

/// All suspects of 2010 to 2024, the same for the same seed.
pub fn suspects(seed: u64) -> Vec<Suspect> {
    // A stream of its own: the registrations of victims stay as they are.
    let mut chance = Chance::new(!seed);
    let each = |year| std::iter::repeat_n(year, YEARLY as usize);
    (2010..=2024).flat_map(each).map(|year| suspect(&mut chance, year)).collect()
}

fn suspect(chance: &mut Chance, year: i16) -> Suspect {
    let supplier = chance.pick(&HOLDERS).unwrap_or(Supplier::Police);
    let stage = chance.pick(&STAGES).unwrap_or(Stage::Signal);
    let outcome = outcome(chance, stage);
    let young = supplier == Supplier::YouthCare;
    Suspect {
        supplier,
        year,
        form: form(chance, supplier),
        sex: if chance.happens(210) { Sex::Female } else { Sex::Male },
        age: if young { chance.between(13, 22) } else { chance.between(18, 62) },
        stage,
        outcome,
        sentence_days: (outcome == Outcome::Conviction && chance.happens(850)).then(|| chance.between(30, 2400)),
    }
}

fn form(chance: &mut Chance, supplier: Supplier) -> Form {
    let weights = match supplier {
        Supplier::LabourInspectorate => [0, 0, 970, 30],
        Supplier::BorderPolice => [0, 600, 250, 150],
        _ => [420, 280, 150, 150],
    };
    let forms = [Form::DomesticSexual, Form::CrossBorderSexual, Form::Labour, Form::Criminal];
    let weighted: Vec<_> = forms.into_iter().zip(weights).collect();
    chance.pick(&weighted).unwrap_or(Form::Unknown)
}

fn outcome(chance: &mut Chance, stage: Stage) -> Outcome {
    use Outcome as O;
    let weighted: &[(Outcome, u32)] = match stage {
        Stage::Signal => &[(O::Pending, 500), (O::NotPursued, 500)],
        Stage::Investigation => &[(O::Pending, 700), (O::NotPursued, 300)],
        Stage::Prosecution => &[(O::Pending, 450), (O::TechnicalDismissal, 400), (O::PolicyDismissal, 150)],
        Stage::Trial => &[(O::Pending, 150), (O::Acquittal, 250), (O::Conviction, 600)],
        Stage::Sentence | Stage::Resocialisation => &[(O::Conviction, 1)],
    };
    chance.pick(weighted).unwrap_or(O::Pending)
}

/// How many there are by stage and outcome, as their codes: what is true, counted in the clear.
pub fn by_stage_and_outcome(suspects: &[Suspect]) -> BTreeMap<(&'static str, &'static str), u64> {
    let mut counts = BTreeMap::new();
    for suspect in suspects {
        *counts.entry((codes::stage(suspect.stage), codes::outcome(suspect.outcome))).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holder_has_some_of_every_stage_and_the_seed_decides() {
        let all = suspects(1);
        assert_eq!(all, suspects(1));
        assert_ne!(all, suspects(2));
        for (supplier, _) in HOLDERS {
            for (stage, _) in STAGES {
                assert!(all.iter().any(|one| one.supplier == supplier && one.stage == stage), "{supplier} {stage:?}");
            }
        }
    }
}
