#![allow(clippy::unwrap_used)]

use super::*;
use crate::fixture::{all_facts, analyst, catalogue, facts, supplier};

const SQL: &str = "SELECT year, COUNT(*) FROM victims WHERE year BETWEEN 2020 AND 2024 GROUP BY year";

fn wishes() -> Wishes<'static> {
    Wishes { purpose: Some("monitor"), scope: &[], at_least: None }
}

fn prepare(sql: &str, wishes: Wishes<'_>) -> Result<Asking, Failure> {
    let catalogue = catalogue();
    Asking::prepare(&catalogue, read(&catalogue, sql)?, &all_facts(), wishes)
}

fn sign(asking: &Asking, key: &IdentityKey, deadline: &str) -> Result<SignedQuery, Failure> {
    asking.sign(&catalogue(), key, deadline.parse().unwrap(), Timestamp::from_millis(1000), [7; 16])
}

#[test]
fn by_default_everybody_who_holds_it_is_asked_for_the_latest_edition() {
    let asking = prepare(SQL, wishes()).unwrap();
    assert_eq!(asking.edition.as_str(), "2024-12");
    assert_eq!(asking.query.edition(), Some(&asking.edition));
    assert_eq!((asking.scope.members().len(), asking.min_suppliers), (6, 6));
    assert!(!asking.accepts_incomplete());
}

#[test]
fn the_entry_is_one_that_a_node_accepts() {
    let asking = prepare(SQL, Wishes { at_least: Some(5), ..wishes() }).unwrap();
    let signed = sign(&asking, &analyst(), "10m").unwrap();
    let scope = signed.verify(&catalogue().roster, Timestamp::from_millis(2000)).unwrap();
    assert_eq!(scope, asking.scope);
    assert_eq!(signed.entry.expires_at, Timestamp::from_millis(601_000));
    assert_eq!(signed.entry.min_suppliers, 5);
}

#[test]
fn what_an_incomplete_total_shuts_off() {
    let asking = prepare(SQL, Wishes { at_least: Some(4), ..wishes() }).unwrap();
    insta::assert_snapshot!(asking.consequences(Lang::En), @"A total of 4 of the 6 suppliers would do. It binds `victims` (2020–2024) to the suppliers that are in it: a later total with a few more or fewer of them, in any breakdown or edition, would give those few away, so nodes may refuse it for good. What the absent ones hold is then missing from these years.");
    insta::assert_snapshot!(asking.consequences(Lang::Nl), @"Een totaal van 4 van de 6 leveranciers zou volstaan. Het bindt `victims` (2020–2024) aan de leveranciers die erin zitten: een later totaal met enkele meer of minder, in welke uitsplitsing of editie ook, zou die enkele verraden, dus kunnen nodes het voorgoed weigeren. Wat de afwezigen hebben, ontbreekt dan in deze jaren.");
}

#[test]
fn refusals_say_what_can_be_asked() {
    let scope = [supplier("police"), supplier("shelters")];
    let stranger = [supplier("museum")];
    let huge = "SELECT HISTOGRAM(duration, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), year, form, sex, COUNT(*) FROM victims GROUP BY \
                HISTOGRAM(duration, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), year, form, sex";
    let refusals = [
        prepare("SELECT vorm, COUNT(*) FROM victims GROUP BY vorm", wishes()),
        prepare("SELECT COUNT(*) FROM victims WHERE edition = '2023-12'", wishes()),
        prepare(huge, wishes()),
        prepare(SQL, Wishes { scope: &scope, ..wishes() }),
        prepare(SQL, Wishes { scope: &stranger, ..wishes() }),
        prepare(SQL, Wishes { at_least: Some(1), ..wishes() }),
    ];
    let failures = refusals.map(|refusal| refusal.unwrap_err());
    assert!(failures.iter().all(|failure| failure.code() == 2));
    insta::assert_snapshot!(failures.map(|failure| failure.to_string()).join("\n"), @r"
    no variable `vorm` in `victims`; did you mean `form`?
    no edition 2023-12 of `victims` has been announced; there is 2024-06, 2024-12
    the table has 1512 cells × 1 columns, the coordinator takes 1000 in all; narrow the conditions, or ask in parts
    2 suppliers are too few for a secure sum; at least 4 are needed; `victims` is held by border-police, labour, police, prosecution, shelters, youth-care
    supplier `museum` is not on the roster; `victims` is held by border-police, labour, police, prosecution, shelters, youth-care
    --at-least 1: with 6 suppliers asked it can be from 3 to 6, so that nobody's own figure shows
    ");
}

#[test]
fn signing_needs_purpose_requester_and_a_bearable_deadline() {
    let asking = prepare(SQL, wishes()).unwrap();
    let no_purpose = prepare(SQL, Wishes { purpose: None, ..wishes() }).unwrap();
    let failures = [
        sign(&no_purpose, &analyst(), "10m").unwrap_err(),
        sign(&asking, &analyst(), "2h").unwrap_err(),
        sign(&asking, &IdentityKey::from_seed(&[1; 32]), "10m").unwrap_err(),
    ];
    assert_eq!(failures.each_ref().map(Failure::code), [2, 2, 3]);
}

#[test]
fn a_purpose_that_nobody_agreed_to_is_not_asked() {
    let catalogue = catalogue();
    let mut all = all_facts();
    if let Some(first) = all.first_mut() {
        first.agreement = Some(crate::fixture::AGREEMENT.to_owned());
    }
    let refused = |purpose| {
        let wishes = Wishes { purpose, ..wishes() };
        let asking = Asking::prepare(&catalogue, read(&catalogue, SQL).unwrap(), &all, wishes).unwrap();
        sign(&asking, &analyst(), "10m").map_err(|failure| failure.to_string())
    };
    assert!(refused(Some("monitor")).is_ok());
    insta::assert_snapshot!(refused(Some("tourism")).unwrap_err(), @"no agreement names the purpose `tourism`; agreements name monitor");
    insta::assert_snapshot!(refused(None).unwrap_err(), @"a question needs a purpose: give --purpose; agreements name monitor");
}

#[test]
fn only_holders_are_asked() {
    let catalogue = catalogue();
    let mut all = all_facts();
    if let Some(first) = all.first_mut() {
        first.holding = None;
    }
    let asking = Asking::prepare(&catalogue, read(&catalogue, SQL).unwrap(), &all, wishes()).unwrap();
    assert_eq!(asking.scope.members().len(), 5);
    let few = [facts("police", None)];
    let failure = Asking::prepare(&catalogue, read(&catalogue, SQL).unwrap(), &few, wishes()).unwrap_err();
    insta::assert_snapshot!(failure.to_string(), @"1 suppliers are too few for a secure sum; at least 4 are needed; `victims` is held by police");
}
