//! What is true of the made-up data, counted in the clear: what a sum among the suppliers has to come to.
//!
//! Deliberately without the codebook's plan, the nodes' counting or any other code that it checks.

use std::collections::{BTreeMap, BTreeSet};

use super::codes;
use super::national::Registration;
use super::victim::Sex;
use crate::suppliers::Supplier;

/// What is true of a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// How many reports.
    pub reports: u64,
    /// Of which suppliers.
    pub suppliers: BTreeSet<Supplier>,
}

/// How many women and girls were registered, by year and form of exploitation, as their codes.
pub fn women_by_year_and_form(registrations: &[Registration]) -> BTreeMap<(String, String), Truth> {
    let mut counts = BTreeMap::<_, Truth>::new();
    for Registration { victim, supplier } in registrations {
        let mut forms = victim.forms.clone();
        forms.sort_unstable();
        forms.dedup();
        for form in forms.into_iter().filter(|_| victim.sex == Sex::Female) {
            let key = (victim.reported.year().to_string(), codes::form(form).to_owned());
            let truth = counts.entry(key).or_default();
            truth.reports += 1;
            truth.suppliers.insert(*supplier);
        }
    }
    counts
}
