//! The border police: a Parquet file from its data warehouse, with codes and no words.

use std::path::Path;

use super::words::{country, day, number, several, several_or, subdivision};
use crate::data::victim::{Form, Group, Sex, Victim};
use crate::files::{Rows, WriteError, parquet};

const COLUMNS: [&str; 8] = ["rapportdatum", "vorm", "sekse", "geb_dat", "land", "gebied", "groep", "duur"];

pub(super) fn write(folder: &Path, victims: &[&Victim]) -> Result<(), WriteError> {
    let mut rows = Rows::under(&COLUMNS);
    for victim in victims {
        rows.push(vec![
            day(victim.reported, "%Y%m%d"),
            several(&victim.forms, ",", form),
            sex(victim.sex).to_owned(),
            victim.born.map(|born| day(born, "%Y%m%d")).unwrap_or_default(),
            country(victim.citizenship).to_owned(),
            subdivision(victim.place).to_owned(),
            several_or(&victim.groups, ",", group, "0"),
            number(victim.duration_days),
        ]);
    }
    parquet::write(&folder.join("slachtoffers.parquet"), &rows)
}

fn form(form: Form) -> &'static str {
    match form {
        Form::DomesticSexual => "11",
        Form::CrossBorderSexual => "12",
        Form::CrossBorderRecruitment => "13",
        Form::Labour => "20",
        Form::Criminal => "30",
        Form::OrganRemoval => "40",
        Form::Unknown => "99",
    }
}

fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "1",
        Sex::Female => "2",
        Sex::Unknown => "9",
    }
}

fn group(group: Group) -> &'static str {
    match group {
        Group::UnaccompaniedMinor => "A",
        Group::LabourMigrant => "B",
        Group::MildIntellectualDisability => "C",
    }
}
