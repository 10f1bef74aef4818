//! The labour inspectorate: CSV with semicolons and decimal commas, in Windows-1252, out of an old case system. It knows
//! ages, not days of birth.

use std::path::Path;

use super::words::{day, euros, nationality, number, province, several, several_or};
use crate::data::victim::{Form, Group, Sex, Victim};
use crate::files::{Rows, WriteError, csv};

const COLUMNS: [&str; 9] = [
    "Datum melding",
    "Soort uitbuiting",
    "Geslacht",
    "Leeftijd",
    "Nationaliteit",
    "Provincie",
    "Bijzonderheden",
    "Duur (dagen)",
    "Schade (€)",
];

pub(super) fn write(folder: &Path, victims: &[&Victim]) -> Result<(), WriteError> {
    let mut rows = Rows::under(&COLUMNS);
    for victim in victims {
        rows.push(vec![
            day(victim.reported, "%d-%m-%Y"),
            several(&victim.forms, " + ", form),
            sex(victim.sex).to_owned(),
            number(victim.age()),
            nationality(victim.citizenship).to_owned(),
            province(victim.place).to_owned(),
            several_or(&victim.groups, " + ", group, "geen"),
            number(victim.duration_days),
            euros(victim.damages_cents, ','),
        ]);
    }
    csv::write(&folder.join("meldingen.csv"), &rows, b';', encoding_rs::WINDOWS_1252)
}

fn form(form: Form) -> &'static str {
    match form {
        Form::DomesticSexual => "Seksueel, binnenland",
        Form::CrossBorderSexual => "Seksueel, buitenland",
        Form::Labour => "Arbeidsuitbuiting",
        Form::Criminal => "Criminele uitbuiting",
        Form::OrganRemoval => "Orgaanverwijdering",
        Form::CrossBorderRecruitment => "Werving over de grens",
        Form::Unknown => "Onbekend",
    }
}

fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Female => "vrouw",
        Sex::Male => "man",
        Sex::Unknown => "onbekend",
    }
}

fn group(group: Group) -> &'static str {
    match group {
        Group::UnaccompaniedMinor => "alleenstaande minderjarige",
        Group::LabourMigrant => "arbeidsmigrant",
        Group::MildIntellectualDisability => "licht verstandelijke beperking",
    }
}
