//! What is true of the made-up data, counted in the clear: what a sum among the suppliers has to come to.
//!
//! Deliberately without the codebook's plan, the nodes' counting or any other code that it checks.

use std::collections::BTreeMap;

use super::codes;
use super::national::Registration;
use super::victim::Sex;

/// How many women and girls were registered, by year and form of exploitation, as their codes.
pub fn women_by_year_and_form(registrations: &[Registration]) -> BTreeMap<(String, String), u64> {
    let mut counts = BTreeMap::new();
    for Registration { victim, .. } in registrations {
        let mut forms = victim.forms.clone();
        forms.sort_unstable();
        forms.dedup();
        for form in forms.into_iter().filter(|_| victim.sex == Sex::Female) {
            let key = (victim.reported.year().to_string(), codes::form(form).to_owned());
            *counts.entry(key).or_insert(0) += 1;
        }
    }
    counts
}
