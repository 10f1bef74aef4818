//! The regional care coordinators: CSV with commas, in UTF-8. They keep the year alone, and classes of age.

use std::path::Path;

use super::words::{euros, nationality, number, province, several, several_or};
use crate::data::victim::{Form, Group, Sex, Victim};
use crate::files::{Rows, WriteError, csv};

const COLUMNS: [&str; 9] = [
    "jaar",
    "uitbuiting",
    "geslacht",
    "leeftijdsklasse",
    "nationaliteit",
    "provincie",
    "doelgroep",
    "duur",
    "vergoeding",
];

pub(super) fn write(folder: &Path, victims: &[&Victim]) -> Result<(), WriteError> {
    let mut rows = Rows::under(&COLUMNS);
    for victim in victims {
        rows.push(vec![
            victim.reported.year().to_string(),
            several(&victim.forms, "/", form),
            sex(victim.sex).to_owned(),
            age_class(victim.age()).to_owned(),
            nationality(victim.citizenship).to_lowercase(),
            province(victim.place).to_lowercase(),
            several_or(&victim.groups, "/", group, "geen"),
            number(victim.duration_days),
            euros(victim.damages_cents, '.'),
        ]);
    }
    csv::write(&folder.join("aanmeldingen.csv"), &rows, b',', encoding_rs::UTF_8)
}

fn form(form: Form) -> &'static str {
    match form {
        Form::DomesticSexual => "binnenlandse seksuele uitbuiting",
        Form::CrossBorderSexual => "grensoverschrijdende seksuele uitbuiting",
        Form::Labour => "arbeidsuitbuiting",
        Form::Criminal => "criminele uitbuiting",
        Form::OrganRemoval => "orgaanverwijdering",
        Form::CrossBorderRecruitment => "sub 3",
        Form::Unknown => "niet bekend",
    }
}

fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Female => "v",
        Sex::Male => "m",
        Sex::Unknown => "",
    }
}

fn age_class(age: Option<i16>) -> &'static str {
    match age {
        None => "",
        Some(..12) => "0 t/m 11",
        Some(12..18) => "12 t/m 17",
        Some(18..23) => "18 t/m 22",
        Some(23..30) => "23 t/m 29",
        Some(30..40) => "30 t/m 39",
        Some(40..50) => "40 t/m 49",
        Some(50..) => "50 en ouder",
    }
}

fn group(group: Group) -> &'static str {
    match group {
        Group::UnaccompaniedMinor => "amv",
        Group::LabourMigrant => "arbeidsmigrant",
        Group::MildIntellectualDisability => "lvb",
    }
}
