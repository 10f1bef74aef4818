//! Suspects: each supplier that has any takes them from the same export of the criminal-justice chain, so that here, for
//! once, all write alike.

use std::path::Path;

use super::Supplier;
use super::words::number;
use crate::data::suspects::{Outcome, Stage, Suspect};
use crate::data::victim::{Form, Sex};
use crate::files::{Rows, WriteError, csv};

const COLUMNS: [&str; 7] = ["jaar", "verdenking", "geslacht", "leeftijd", "schakel", "afloop", "strafdagen"];

/// Writes this supplier's suspects, if there are any.
pub(super) fn write(supplier: Supplier, folder: &Path, suspects: &[Suspect]) -> Result<(), WriteError> {
    let mut rows = Rows::under(&COLUMNS);
    for suspect in suspects.iter().filter(|suspect| suspect.supplier == supplier) {
        rows.push(vec![
            suspect.year.to_string(),
            form(suspect.form).to_owned(),
            sex(suspect.sex).to_owned(),
            suspect.age.to_string(),
            stage(suspect.stage).to_owned(),
            outcome(suspect.outcome).to_owned(),
            number(suspect.sentence_days),
        ]);
    }
    if rows.rows().is_empty() {
        return Ok(());
    }
    csv::write(&folder.join("verdachten.csv"), &rows, b';', encoding_rs::UTF_8)
}

fn form(form: Form) -> &'static str {
    match form {
        Form::DomesticSexual => "seksueel binnenland",
        Form::CrossBorderSexual => "seksueel grensoverschrijdend",
        Form::Labour => "arbeid",
        Form::Criminal => "crimineel",
        Form::OrganRemoval | Form::CrossBorderRecruitment | Form::Unknown => "",
    }
}

fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Female => "V",
        Sex::Male => "M",
        Sex::Unknown => "",
    }
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Signal => "signaal",
        Stage::Investigation => "opsporing",
        Stage::Prosecution => "vervolging",
        Stage::Trial => "berechting",
        Stage::Sentence => "tenuitvoerlegging",
        Stage::Resocialisation => "resocialisatie",
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pending => "loopt nog",
        Outcome::NotPursued => "niet opgevolgd",
        Outcome::TechnicalDismissal => "technisch sepot",
        Outcome::PolicyDismissal => "beleidssepot",
        Outcome::Acquittal => "vrijspraak",
        Outcome::Conviction => "veroordeling",
    }
}
