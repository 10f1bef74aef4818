//! The police: a view in an SQLite database.

use std::path::Path;

use super::words::{country, day, euros, number, province, several, several_or};
use crate::data::victim::{Form, Group, Sex, Victim};
use crate::files::{Rows, WriteError, sqlite};

const COLUMNS: [&str; 10] = [
    "registratienummer",
    "datum_melding",
    "uitbuitingsvormen",
    "geslacht",
    "geboortedatum",
    "nationaliteit",
    "pleegprovincie",
    "kenmerken",
    "duur_dagen",
    "schade_eur",
];

pub(super) async fn write(folder: &Path, victims: &[&Victim]) -> Result<(), WriteError> {
    let mut rows = Rows::under(&COLUMNS);
    for (number_before, victim) in victims.iter().enumerate() {
        rows.push(vec![
            format!("PL{:06}", number_before + 1),
            day(victim.reported, "%Y-%m-%d"),
            several(&victim.forms, "|", form),
            sex(victim.sex).to_owned(),
            victim.born.map(|born| day(born, "%Y-%m-%d")).unwrap_or_default(),
            country(victim.citizenship).to_owned(),
            province(victim.place).to_owned(),
            several_or(&victim.groups, "|", group, "GEEN"),
            number(victim.duration_days),
            euros(victim.damages_cents, '.'),
        ]);
    }
    sqlite::write(&folder.join("registraties.sqlite"), &rows, "registraties", "v_slachtoffers").await
}

fn form(form: Form) -> &'static str {
    match form {
        Form::DomesticSexual => "SEKS-BINNENLAND",
        Form::CrossBorderSexual => "SEKS-GRENS",
        Form::Labour => "ARBEID",
        Form::Criminal => "CRIMINEEL",
        Form::OrganRemoval => "ORGAAN",
        Form::CrossBorderRecruitment => "SUB3",
        Form::Unknown => "ONBEKEND",
    }
}

fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Female => "V",
        Sex::Male => "M",
        Sex::Unknown => "",
    }
}

fn group(group: Group) -> &'static str {
    match group {
        Group::UnaccompaniedMinor => "AMV",
        Group::LabourMigrant => "ARBMIG",
        Group::MildIntellectualDisability => "LVB",
    }
}
