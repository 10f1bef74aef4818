//! How values are put into words that several suppliers share; what is particular to one stands in its own file.

use jiff::civil::Date;

use crate::data::victim::{Citizenship, Place};

/// A day by `strftime`.
pub fn day(date: Date, format: &str) -> String {
    date.strftime(format).to_string()
}

/// Cents as euros with this decimal mark; empty where there are none.
pub fn euros(cents: Option<u64>, mark: char) -> String {
    cents.map_or_else(String::new, |cents| format!("{}{mark}{:02}", cents / 100, cents % 100))
}

/// A number, empty where there is none.
pub fn number<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The country of citizenship after ISO 3166-1, two letters. `EU` and `XX` stand for other countries within and outside
/// the Union.
pub fn country(citizenship: Citizenship) -> &'static str {
    match citizenship {
        Citizenship::Dutch => "NL",
        Citizenship::Polish => "PL",
        Citizenship::Romanian => "RO",
        Citizenship::Hungarian => "HU",
        Citizenship::Bulgarian => "BG",
        Citizenship::OtherEu => "EU",
        Citizenship::Nigerian => "NG",
        Citizenship::Ugandan => "UG",
        Citizenship::Gambian => "GM",
        Citizenship::Ukrainian => "UA",
        Citizenship::OtherNonEu => "XX",
        Citizenship::Unknown => "",
    }
}

/// The adjective as Dutch registrations have it.
pub fn nationality(citizenship: Citizenship) -> &'static str {
    match citizenship {
        Citizenship::Dutch => "Nederlandse",
        Citizenship::Polish => "Poolse",
        Citizenship::Romanian => "Roemeense",
        Citizenship::Hungarian => "Hongaarse",
        Citizenship::Bulgarian => "Bulgaarse",
        Citizenship::OtherEu => "Overig EU",
        Citizenship::Nigerian => "Nigeriaanse",
        Citizenship::Ugandan => "Ugandese",
        Citizenship::Gambian => "Gambiaanse",
        Citizenship::Ukrainian => "Oekraïense",
        Citizenship::OtherNonEu => "Overig buiten EU",
        Citizenship::Unknown => "Onbekend",
    }
}

/// The province or island as Dutch registrations have it.
pub fn province(place: Place) -> &'static str {
    match place {
        Place::Groningen => "Groningen",
        Place::Friesland => "Fryslân",
        Place::Drenthe => "Drenthe",
        Place::Overijssel => "Overijssel",
        Place::Flevoland => "Flevoland",
        Place::Gelderland => "Gelderland",
        Place::Utrecht => "Utrecht",
        Place::NorthHolland => "Noord-Holland",
        Place::SouthHolland => "Zuid-Holland",
        Place::Zeeland => "Zeeland",
        Place::NorthBrabant => "Noord-Brabant",
        Place::Limburg => "Limburg",
        Place::Bonaire => "Bonaire",
        Place::SintEustatius => "Sint Eustatius",
        Place::Saba => "Saba",
        Place::Unknown => "",
    }
}

/// The subdivision after ISO 3166-2.
pub fn subdivision(place: Place) -> &'static str {
    match place {
        Place::Groningen => "NL-GR",
        Place::Friesland => "NL-FR",
        Place::Drenthe => "NL-DR",
        Place::Overijssel => "NL-OV",
        Place::Flevoland => "NL-FL",
        Place::Gelderland => "NL-GE",
        Place::Utrecht => "NL-UT",
        Place::NorthHolland => "NL-NH",
        Place::SouthHolland => "NL-ZH",
        Place::Zeeland => "NL-ZE",
        Place::NorthBrabant => "NL-NB",
        Place::Limburg => "NL-LI",
        Place::Bonaire => "BQ-BO",
        Place::SintEustatius => "BQ-SE",
        Place::Saba => "BQ-SA",
        Place::Unknown => "",
    }
}

/// The values in words of one's own, with this separator.
pub fn several<T: Copy>(values: &[T], separator: &str, word: impl Fn(T) -> &'static str) -> String {
    values.iter().map(|value| word(*value)).collect::<Vec<_>>().join(separator)
}

/// The values in words of one's own, or the word for none.
pub fn several_or<T: Copy>(values: &[T], separator: &str, word: impl Fn(T) -> &'static str, none: &str) -> String {
    if values.is_empty() { none.to_owned() } else { several(values, separator, word) }
}
