//! The whole country, made up from one seed around the figures that were published.

use jiff::civil::{Date, date};

use super::chance::Chance;
use super::victim::{Citizenship, Form, Group, Place, Sex, Victim};
use crate::suppliers::Supplier;

/// Registered victims by year.
///
/// From the Dutch National Rapporteur's publications of 2014 to 2025, and for 2015, 2016, 2018 and 2020 the figures that the
/// Trafficking in Persons Reports of 2018, 2020 and 2022 take from the Rapporteur. No figure for 2010 was at hand: it lies on
/// the line between 716 (2007) and 1,222 (2011).
const REGISTERED: [(i16, u32); 15] = [
    (2010, 1095),
    (2011, 1222),
    (2012, 1711),
    (2013, 1437),
    (2014, 1255),
    (2015, 1150),
    (2016, 952),
    (2017, 958),
    (2018, 668),
    (2019, 1334),
    (2020, 984),
    (2021, 791),
    (2022, 814),
    (2023, 868),
    (2024, 944),
];

/// Of a thousand people, how many a second supplier reports as well: reports are not persons.
const REPORTED_TWICE: u32 = 60;

/// Who reports, in parts of a thousand, roughly as the Trafficking in Persons Reports of 2018 to 2022 give it by reporter.
const REPORTERS: [(Supplier, u32); 6] = [
    (Supplier::Police, 545),
    (Supplier::BorderPolice, 20),
    (Supplier::LabourInspectorate, 55),
    (Supplier::CareCoordinators, 240),
    (Supplier::Shelters, 90),
    (Supplier::YouthCare, 50),
];

/// A registration and the supplier that holds it.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Who holds it.
    pub supplier: Supplier,
    /// What it says.
    pub victim: Victim,
}

/// All registrations of 2010 to 2024, the same for the same seed.
pub fn registrations(seed: u64) -> Vec<Registration> {
    let mut chance = Chance::new(seed);
    let mut all = Vec::new();
    for (year, registered) in REGISTERED {
        for _ in 0..registered {
            let supplier = chance.pick(&REPORTERS).unwrap_or(Supplier::Police);
            let victim = victim(&mut chance, supplier, year);
            if chance.happens(REPORTED_TWICE) {
                let second = chance.pick(&REPORTERS).filter(|second| *second != supplier);
                all.extend(second.map(|supplier| Registration { supplier, victim: again(&mut chance, &victim) }));
            }
            all.push(Registration { supplier, victim });
        }
    }
    all
}

/// The same person reported by somebody else, later in the same year, who knows no sum of money.
fn again(chance: &mut Chance, victim: &Victim) -> Victim {
    let month = i8::try_from(chance.between(u32::from(victim.reported.month().unsigned_abs()), 12)).unwrap_or(12);
    let reported = Date::new(victim.reported.year(), month, victim.reported.day().min(28)).unwrap_or(victim.reported);
    Victim { reported: reported.max(victim.reported), damages_cents: None, ..victim.clone() }
}

fn victim(chance: &mut Chance, supplier: Supplier, year: i16) -> Victim {
    let reported = day_of(chance, year);
    let first = form(chance, supplier, year);
    let mut forms = vec![first];
    if first != Form::Unknown && chance.happens(65) {
        forms.extend(Some(form(chance, supplier, year)).filter(|second| *second != first && *second != Form::Unknown));
    }
    let minor = chance.happens(if supplier == Supplier::YouthCare { 620 } else { 75 });
    let citizenship = citizenship(chance, first, year);
    Victim {
        sex: sex(chance, first),
        born: born(chance, reported, minor),
        groups: groups(chance, first, minor, citizenship),
        place: place(chance),
        duration_days: (!chance.happens(450)).then(|| duration(chance)),
        damages_cents: chance.happens(120).then(|| u64::from(chance.between(20_000, 6_500_000))),
        reported,
        forms,
        citizenship,
    }
}

fn day_of(chance: &mut Chance, year: i16) -> Date {
    let day = i64::from(chance.below(365));
    date(year, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap_or(date(year, 1, 1))
}

/// In 2019 64 in a hundred had been exploited sexually, in 2020 41: labour came up, and criminal exploitation after 2022.
fn form(chance: &mut Chance, supplier: Supplier, year: i16) -> Form {
    let labour = if year >= 2020 { 430 } else { 220 };
    let criminal = if year >= 2022 { 190 } else { 120 };
    let weights = match supplier {
        Supplier::LabourInspectorate => [0, 10, 960, 20, 0, 0, 10],
        Supplier::BorderPolice => [0, 300, 180, 60, 0, 400, 60],
        Supplier::YouthCare => [620, 60, 20, 260, 0, 0, 40],
        Supplier::Shelters => [210, 420, 260, 60, 2, 0, 48],
        Supplier::Police | Supplier::CareCoordinators => [210, 330, labour, criminal, 1, 0, 55],
    };
    let forms = [
        Form::DomesticSexual,
        Form::CrossBorderSexual,
        Form::Labour,
        Form::Criminal,
        Form::OrganRemoval,
        Form::CrossBorderRecruitment,
        Form::Unknown,
    ];
    let weighted: Vec<_> = forms.into_iter().zip(weights).collect();
    chance.pick(&weighted).unwrap_or(Form::Unknown)
}

fn sex(chance: &mut Chance, form: Form) -> Sex {
    let (female, male) = match form {
        Form::DomesticSexual | Form::CrossBorderSexual | Form::CrossBorderRecruitment => (915, 75),
        Form::Labour => (260, 735),
        Form::Criminal => (190, 800),
        Form::OrganRemoval | Form::Unknown => (450, 500),
    };
    chance
        .pick(&[(Sex::Female, female), (Sex::Male, male), (Sex::Unknown, 1000 - female - male)])
        .unwrap_or(Sex::Unknown)
}

fn born(chance: &mut Chance, reported: Date, minor: bool) -> Option<Date> {
    if chance.happens(25) {
        return None;
    }
    let age = if minor {
        chance.between(12, 17)
    } else {
        let (low, high) = chance.pick(&[((18, 22), 24), ((23, 29), 33), ((30, 44), 31), ((45, 67), 12)])?;
        chance.between(low, high)
    };
    let days = i64::from(age * 1461 / 4 + 1 + chance.below(363));
    reported.checked_sub(jiff::Span::new().days(days)).ok()
}

/// In 2019 38 in a hundred were Nigerian and 18 Dutch, in 2020 19 and 16, with 19 Polish.
fn citizenship(chance: &mut Chance, form: Form, year: i16) -> Citizenship {
    use Citizenship as C;
    let ukrainian = if year >= 2022 { 45 } else { 5 };
    let abroad = [
        (C::Polish, 160),
        (C::Romanian, 80),
        (C::Hungarian, 60),
        (C::Bulgarian, 60),
        (C::OtherEu, 60),
        (C::Nigerian, 190),
        (C::Ugandan, 55),
        (C::Gambian, 30),
        (C::Ukrainian, ukrainian),
        (C::OtherNonEu, 170),
        (C::Unknown, 30),
    ];
    let dutch = match form {
        Form::DomesticSexual => 800,
        Form::Criminal => 450,
        Form::CrossBorderSexual | Form::CrossBorderRecruitment => 0,
        Form::Labour | Form::OrganRemoval | Form::Unknown => 40,
    };
    if chance.happens(dutch) { C::Dutch } else { chance.pick(&abroad).unwrap_or(C::Unknown) }
}

fn place(chance: &mut Chance) -> Place {
    use Place as P;
    let weighted = [
        (P::Groningen, 45),
        (P::Friesland, 25),
        (P::Drenthe, 15),
        (P::Overijssel, 60),
        (P::Flevoland, 35),
        (P::Gelderland, 90),
        (P::Utrecht, 85),
        (P::NorthHolland, 210),
        (P::SouthHolland, 220),
        (P::Zeeland, 15),
        (P::NorthBrabant, 120),
        (P::Limburg, 50),
        (P::Bonaire, 5),
        (P::SintEustatius, 1),
        (P::Saba, 1),
        (P::Unknown, 23),
    ];
    chance.pick(&weighted).unwrap_or(P::Unknown)
}

fn groups(chance: &mut Chance, form: Form, minor: bool, citizenship: Citizenship) -> Vec<Group> {
    let from_abroad = !matches!(citizenship, Citizenship::Dutch | Citizenship::Unknown);
    let mut groups = Vec::new();
    groups.extend((minor && from_abroad && chance.happens(600)).then_some(Group::UnaccompaniedMinor));
    groups.extend((form == Form::Labour && from_abroad && chance.happens(700)).then_some(Group::LabourMigrant));
    groups.extend(chance.happens(70).then_some(Group::MildIntellectualDisability));
    groups
}

/// Mostly weeks to months, sometimes years.
fn duration(chance: &mut Chance) -> u32 {
    let (low, high) =
        chance.pick(&[((1, 30), 30), ((31, 180), 40), ((181, 730), 22), ((731, 3650), 8)]).unwrap_or((1, 30));
    chance.between(low, high)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_country() {
        let (one, again, other) = (registrations(1), registrations(1), registrations(2));
        assert!(one.iter().zip(&again).all(|(a, b)| a.supplier == b.supplier && a.victim == b.victim));
        assert!(one.iter().zip(&other).any(|(a, b)| a.victim != b.victim));
    }

    #[test]
    fn reports_lie_a_little_above_the_published_persons() {
        let all = registrations(3);
        for (year, registered) in REGISTERED {
            let reports = all.iter().filter(|one| one.victim.reported.year() == year).count();
            let registered = registered as usize;
            assert!((registered..registered * 108 / 100).contains(&reports), "{year}: {reports} for {registered}");
        }
    }

    #[test]
    fn every_supplier_holds_something_of_every_year() {
        let all = registrations(4);
        for supplier in Supplier::ALL {
            for (year, _) in REGISTERED {
                let held = all.iter().any(|one| one.supplier == supplier && one.victim.reported.year() == year);
                assert!(held, "{supplier} has nothing of {year}");
            }
        }
    }

    #[test]
    fn people_are_born_before_they_are_reported() {
        for Registration { victim, .. } in registrations(5) {
            assert!(victim.age().is_none_or(|age| (11..=68).contains(&age)), "{victim:?}");
            assert!(!victim.forms.is_empty());
        }
    }
}
