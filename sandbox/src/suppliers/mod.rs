//! The six suppliers: what each holds, and how it writes it down.
//!
//! No two write alike: other columns, words, orders of a date, encodings and kinds of files, as it is in the field. What
//! makes them one is the binding in each `node.toml`.

mod border_police;
mod care_coordinators;
mod chain;
mod labour_inspectorate;
mod police;
mod shelters;
mod words;
mod youth_care;

use std::fmt;
use std::path::Path;

use crate::data::national::Registration;
use crate::data::suspects::Suspect;
use crate::data::victim::Victim;
use crate::files::WriteError;

/// A supplier of the built-in federation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Supplier {
    /// The border police; a Parquet file from its data warehouse.
    BorderPolice,
    /// The regional care coordinators; CSV with commas, in UTF-8.
    CareCoordinators,
    /// The labour inspectorate; CSV with semicolons, in Windows-1252.
    LabourInspectorate,
    /// The police; a view in an SQLite database.
    Police,
    /// The shelters; a spreadsheet.
    Shelters,
    /// Youth care; CSV with tabs, in UTF-8.
    YouthCare,
}

impl Supplier {
    /// All six, by name.
    pub const ALL: [Self; 6] = [
        Self::BorderPolice,
        Self::CareCoordinators,
        Self::LabourInspectorate,
        Self::Police,
        Self::Shelters,
        Self::YouthCare,
    ];

    /// The name in the roster.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BorderPolice => "border-police",
            Self::CareCoordinators => "care-coordinators",
            Self::LabourInspectorate => "labour-inspectorate",
            Self::Police => "police",
            Self::Shelters => "shelters",
            Self::YouthCare => "youth-care",
        }
    }

    /// Its `node.toml`.
    pub const fn configuration(self) -> &'static str {
        match self {
            Self::BorderPolice => include_str!("border_police/node.toml"),
            Self::CareCoordinators => include_str!("care_coordinators/node.toml"),
            Self::LabourInspectorate => include_str!("labour_inspectorate/node.toml"),
            Self::Police => include_str!("police/node.toml"),
            Self::Shelters => include_str!("shelters/node.toml"),
            Self::YouthCare => include_str!("youth_care/node.toml"),
        }
    }

    /// Its `agreement.toml`.
    pub const fn agreement(self) -> &'static str {
        match self {
            Self::BorderPolice => include_str!("border_police/agreement.toml"),
            Self::CareCoordinators => include_str!("care_coordinators/agreement.toml"),
            Self::LabourInspectorate => include_str!("labour_inspectorate/agreement.toml"),
            Self::Police => include_str!("police/agreement.toml"),
            Self::Shelters => include_str!("shelters/agreement.toml"),
            Self::YouthCare => include_str!("youth_care/agreement.toml"),
        }
    }

    /// Writes what it holds of these suspects into its folder; nothing where it holds none.
    ///
    /// # Errors
    /// A file could not be written.
    pub fn write_suspects(self, folder: &Path, suspects: &[Suspect]) -> Result<(), WriteError> {
        chain::write(self, folder, suspects)
    }

    /// Writes what it holds of these registrations into its folder, in its own way.
    ///
    /// # Errors
    /// A file could not be written.
    pub async fn write_records(self, folder: &Path, registrations: &[Registration]) -> Result<(), WriteError> {
        let own: Vec<&Victim> =
            registrations.iter().filter(|one| one.supplier == self).map(|one| &one.victim).collect();
        match self {
            Self::BorderPolice => border_police::write(folder, &own),
            Self::CareCoordinators => care_coordinators::write(folder, &own),
            Self::LabourInspectorate => labour_inspectorate::write(folder, &own),
            Self::Police => police::write(folder, &own).await,
            Self::Shelters => shelters::write(folder, &own),
            Self::YouthCare => youth_care::write(folder, &own),
        }
    }
}

impl fmt::Display for Supplier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
