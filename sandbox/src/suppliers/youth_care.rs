//! Youth care: CSV with tabs, in UTF-8, with days of birth. It does not register damages.

use std::path::Path;

use super::words::{country, day, number, province, several, several_or};
use crate::data::victim::{Form, Group, Sex, Victim};
use crate::files::{Rows, WriteError, csv};

const COLUMNS: [&str; 8] =
    ["aanmelddatum", "problematiek", "sekse", "geboortedatum", "land", "provincie", "kenmerk", "duur_dgn"];

pub(super) fn write(folder: &Path, victims: &[&Victim]) -> Result<(), WriteError> {
    let mut rows = Rows::under(&COLUMNS);
    for victim in victims {
        rows.push(vec![
            day(victim.reported, "%Y/%m/%d"),
            several(&victim.forms, "+", form),
            sex(victim.sex).to_owned(),
            victim.born.map(|born| day(born, "%Y/%m/%d")).unwrap_or_default(),
            country(victim.citizenship).to_lowercase(),
            province(victim.place).to_uppercase(),
            several_or(&victim.groups, "+", group, "geen"),
            number(victim.duration_days),
        ]);
    }
    csv::write(&folder.join("jeugd.tsv"), &rows, b'\t', encoding_rs::UTF_8)
}

fn form(form: Form) -> &'static str {
    match form {
        Form::DomesticSexual => "sek-bin",
        Form::CrossBorderSexual => "sek-bui",
        Form::Labour => "arb",
        Form::Criminal => "crim",
        Form::OrganRemoval => "org",
        Form::CrossBorderRecruitment => "wer",
        Form::Unknown => "onb",
    }
}

fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Female => "meisje",
        Sex::Male => "jongen",
        Sex::Unknown => "onbekend",
    }
}

fn group(group: Group) -> &'static str {
    match group {
        Group::UnaccompaniedMinor => "amv",
        Group::LabourMigrant => "am",
        Group::MildIntellectualDisability => "lvb",
    }
}
