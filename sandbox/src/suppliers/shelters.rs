//! The shelters: a spreadsheet that somebody fills in by hand.

use std::path::Path;

use super::words::{day, euros, nationality, number, province, several, several_or};
use crate::data::victim::{Form, Group, Sex, Victim};
use crate::files::{Rows, WriteError, spreadsheet};

const COLUMNS: [&str; 9] = [
    "Datum",
    "Vorm van uitbuiting",
    "Geslacht",
    "Leeftijd",
    "Nationaliteit",
    "Waar",
    "Doelgroep",
    "Duur in dagen",
    "Vergoeding",
];

pub(super) fn write(folder: &Path, victims: &[&Victim]) -> Result<(), WriteError> {
    let mut rows = Rows::under(&COLUMNS);
    for victim in victims {
        rows.push(vec![
            day(victim.reported, "%d/%m/%Y"),
            several(&victim.forms, "; ", form),
            sex(victim.sex).to_owned(),
            number(victim.age()),
            nationality(victim.citizenship).to_owned(),
            province(victim.place).to_owned(),
            several_or(&victim.groups, "; ", group, "Geen"),
            number(victim.duration_days),
            euros(victim.damages_cents, '.'),
        ]);
    }
    spreadsheet::write(&folder.join("opvang.xlsx"), &rows, "Registratie")
}

fn form(form: Form) -> &'static str {
    match form {
        Form::DomesticSexual => "Loverboy / binnenlands",
        Form::CrossBorderSexual => "Prostitutie, vanuit buitenland",
        Form::Labour => "Werk",
        Form::Criminal => "Gedwongen criminaliteit",
        Form::OrganRemoval => "Organen",
        Form::CrossBorderRecruitment => "Geworven over de grens",
        Form::Unknown => "?",
    }
}

fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Female => "Vrouw",
        Sex::Male => "Man",
        Sex::Unknown => "?",
    }
}

fn group(group: Group) -> &'static str {
    match group {
        Group::UnaccompaniedMinor => "AMV",
        Group::LabourMigrant => "Arbeidsmigrant",
        Group::MildIntellectualDisability => "LVB",
    }
}
