//! One registration of a victim, as the sandbox makes it up, before a supplier writes it down in its own way.

use jiff::civil::Date;

/// How somebody was exploited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Sexual exploitation of people recruited in the country.
    DomesticSexual,
    /// Sexual exploitation of people brought from another country.
    CrossBorderSexual,
    /// Labour exploitation and forced services.
    Labour,
    /// Forced criminality, forced begging included.
    Criminal,
    /// Forced removal of organs.
    OrganRemoval,
    /// Recruitment across a border for prostitution, which only the border police register.
    CrossBorderRecruitment,
    /// Not known.
    Unknown,
}

/// The registered sex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sex {
    /// Woman or girl.
    Female,
    /// Man or boy.
    Male,
    /// Not known.
    Unknown,
}

/// The citizenship that was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Citizenship {
    /// Dutch.
    Dutch,
    /// Polish.
    Polish,
    /// Romanian.
    Romanian,
    /// Hungarian.
    Hungarian,
    /// Bulgarian.
    Bulgarian,
    /// Another state of the European Union.
    OtherEu,
    /// Nigerian.
    Nigerian,
    /// Ugandan.
    Ugandan,
    /// Gambian.
    Gambian,
    /// Ukrainian.
    Ukrainian,
    /// Another state outside the European Union.
    OtherNonEu,
    /// Not known.
    Unknown,
}

/// Where the report was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Groningen.
    Groningen,
    /// Friesland, in Frisian Fryslân.
    Friesland,
    /// Drenthe.
    Drenthe,
    /// Overijssel.
    Overijssel,
    /// Flevoland.
    Flevoland,
    /// Gelderland.
    Gelderland,
    /// Utrecht.
    Utrecht,
    /// North Holland.
    NorthHolland,
    /// South Holland.
    SouthHolland,
    /// Zeeland.
    Zeeland,
    /// North Brabant.
    NorthBrabant,
    /// Limburg.
    Limburg,
    /// Bonaire, in the Caribbean Netherlands.
    Bonaire,
    /// Sint Eustatius, in the Caribbean Netherlands.
    SintEustatius,
    /// Saba, in the Caribbean Netherlands.
    Saba,
    /// Not known.
    Unknown,
}

/// A circumstance that makes somebody vulnerable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// A minor from abroad without a parent or guardian.
    UnaccompaniedMinor,
    /// Somebody who came for work.
    LabourMigrant,
    /// A person with a mild intellectual disability.
    MildIntellectualDisability,
}

/// One registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Victim {
    /// The day of the report.
    pub reported: Date,
    /// At least one; several where somebody was exploited in several ways.
    pub forms: Vec<Form>,
    /// The registered sex.
    pub sex: Sex,
    /// The day of birth, where it is known.
    pub born: Option<Date>,
    /// The registered citizenship.
    pub citizenship: Citizenship,
    /// Where the report was made.
    pub place: Place,
    /// Circumstances, none or several.
    pub groups: Vec<Group>,
    /// How long the exploitation lasted, in days, where it is known.
    pub duration_days: Option<u32>,
    /// The damages that were established, in cents, where they were.
    pub damages_cents: Option<u64>,
}

impl Victim {
    /// The age in completed years on the day of the report.
    pub fn age(&self) -> Option<i16> {
        let born = self.born?;
        let had_birthday = (self.reported.month(), self.reported.day()) >= (born.month(), born.day());
        Some(self.reported.year() - born.year() - i16::from(!had_birthday))
    }
}
