//! Whom of the roster the operator takes for real: the defence against suppliers that the bureau invents.

use optelsom_codebook::SupplierId;
use optelsom_ledger::Roster;

use super::{CheckList, count};
use crate::configuration::Configuration;

const NAME: &str = "trust";
const REFUSED: &str = "this node takes part in no sum";

/// Whether the operator has said whom it accepts as real and how many may collude, and whether that fits the roster.
pub(super) fn check(configuration: &Configuration, roster: &Roster, list: &mut CheckList) {
    let supplier = configuration.supplier();
    let Some(accepted) = configuration.accepted_peers() else {
        let why = "[trust] accepted_peers is not set: suppliers that exist on paper only would count as real";
        let mend = "name the suppliers that you know to be real; docs/supplier-it.md says how";
        list.noted(NAME, "whoever the bureau puts on the roster is taken for a real supplier", why, mend);
        return floor(configuration, roster, list);
    };
    let peers = || roster.members().iter().map(|member| &member.supplier).filter(|peer| *peer != supplier);
    let strangers: Vec<&SupplierId> = peers().filter(|peer| !accepted.contains(peer)).collect();
    let unknown: Vec<&SupplierId> = accepted.iter().filter(|peer| roster.member(peer).is_none()).collect();
    let (known, least) = (peers().count() - strangers.len(), roster.collusion() + 1);
    if known < least {
        let why =
            format!("of the roster, [trust] accepted_peers names {known}, and a sum needs {least} besides this one");
        list.failed_with(NAME, REFUSED, why, "name the suppliers that you know to be real");
    } else {
        list.sound(NAME, format!("{} accepted as real", count(known, "peer")));
    }
    if !strangers.is_empty() {
        let why = format!("on the roster, and not in [trust] accepted_peers: {}", named(&strangers));
        let mend = "once you know that they are real, name them and start the node anew";
        list.noted(NAME, "questions that also ask these suppliers may go unanswered", why, mend);
    }
    if !unknown.is_empty() {
        let why = format!("in [trust] accepted_peers, and not on the roster: {}", named(&unknown));
        list.noted(NAME, "these names accept nobody", why, "look for a slip in the spelling");
    }
    floor(configuration, roster, list);
}

fn floor(configuration: &Configuration, roster: &Roster, list: &mut CheckList) {
    let collusion = roster.collusion();
    match configuration.collusion_floor() {
        None => {
            let why = "[trust] collusion_floor is not set: a roster by which fewer may collude would be followed";
            let mend = format!("write collusion_floor = {collusion}, as the roster has it now, if that suffices you");
            list.noted(NAME, "the bureau alone decides how many suppliers may collude", why, mend);
        }
        Some(floor) if floor > collusion => {
            let why = format!("[trust] collusion_floor is {floor}, and by the roster only {collusion} may collude");
            list.failed_with(NAME, REFUSED, why, "ask the bureau for another roster, or lower the floor");
        }
        Some(floor) => {
            let found = format!("sums have to withstand {floor} colluding suppliers, and by the roster {collusion}");
            list.sound(NAME, found);
        }
    }
}

fn named(suppliers: &[&SupplierId]) -> String {
    suppliers.iter().map(|supplier| supplier.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use optelsom_codebook::Hash256;
    use optelsom_ledger::{IdentityKey, Member};

    use super::*;

    /// Of five suppliers, the police's check; one may collude.
    fn checked(trust: &str) -> (bool, String) {
        let member = |name: &str| {
            let identity = IdentityKey::from_seed(Hash256::of(name.as_bytes()).as_bytes()).public();
            Member { supplier: SupplierId::try_from(name).unwrap(), identity }
        };
        let members = ["border", "labour", "police", "shelters", "youth"].map(member).to_vec();
        let roster = Roster::new(members, Vec::new(), Some(1)).unwrap();
        let text = format!("supplier = \"police\"\n[trust]\n{trust}");
        let configuration = Configuration::parse(Path::new("node.toml"), text, &|_| None).unwrap();
        let mut list = CheckList::default();
        check(&configuration, &roster, &mut list);
        (list.all_sound(), list.to_string())
    }

    #[test]
    fn trust_that_is_not_said_is_noted_and_no_failure() {
        let (sound, text) = checked("");
        assert!(sound && text.contains("accepted_peers is not set") && text.contains("collusion_floor = 1"), "{text}");
        let (sound, text) =
            checked("accepted_peers = [\"border\", \"labour\", \"shelters\", \"youth\"]\ncollusion_floor = 1");
        assert!(sound && !text.contains("note"), "{text}");
        assert!(text.contains("4 peers accepted") && text.contains("withstand 1 colluding"), "{text}");
    }

    #[test]
    fn trust_that_does_not_fit_the_roster_is_told() {
        let (sound, text) = checked("accepted_peers = [\"border\", \"labour\", \"shelter\", \"youth\"]");
        assert!(sound, "{text}");
        assert!(text.contains("not in [trust] accepted_peers: shelters"), "{text}");
        assert!(text.contains("not on the roster: shelter\n"), "{text}");
        let (sound, text) = checked("accepted_peers = [\"border\"]");
        assert!(!sound && text.contains("names 1, and a sum needs 2"), "{text}");
        let (sound, text) = checked("collusion_floor = 2");
        assert!(!sound && text.contains("collusion_floor is 2, and by the roster only 1"), "{text}");
    }
}
