//! What a verified bundle proves, and what it does not, in words.

use optelsom_codebook::Lang;

use super::verify::Verified;
use crate::failure::printable;

/// The verdict: what is proved, then what is not.
pub fn told(verified: &Verified, lang: Lang) -> String {
    let checked = &verified.checked;
    let entry = &checked.query;
    let suppliers: Vec<&str> = checked.release.suppliers_taking_part().iter().map(AsRef::as_ref).collect();
    let (suppliers, k) = (suppliers.join(", "), checked.release.minimum_frequency());
    let witnesses: Vec<String> = verified.witnessed.iter().map(|(name, _)| name.to_string()).collect();
    let witnesses = witnesses.join(", ");
    let (purpose, requester) = (printable(&entry.purpose), printable(&entry.requester));
    let approver = checked.approver.as_deref().map(printable);
    let (id, asked_at, roster) = (entry.id(), entry.asked_at, verified.roster);
    let (query, release, size) = (verified.query, verified.release, verified.size);
    let mut lines = Vec::new();
    match lang {
        Lang::En => {
            let approved = approver.map_or_else(String::new, |person| format!(", approved by {person}"));
            lines.push(format!("This release holds. Query {id}"));
            lines.push("It proves:".to_owned());
            lines.push(format!(
                "- {requester} asked the question on {asked_at} for `{purpose}`{approved}, and signed it."
            ));
            lines
                .push(format!("- Question and release are entries {query} and {release} of the log's {size}, seen by"));
            lines.push(format!("  {witnesses}."));
            lines.push(format!("- What they committed to is signed by {suppliers},"));
            lines.push("  and was made final by a quorum of those asked.".to_owned());
            lines.push(format!(
                "- Shown counts and sums that are exactly the sum of what these committed to: {}.",
                checked.exact
            ));
            if checked.rounded > 0 {
                lines.push(format!("- Counts that are that sum but for rounding: {}.", checked.rounded));
            }
            if checked.too_few > 0 {
                lines.push(format!(
                    "- Counts hidden as too few that are more than 0 and less than {k}: {}.",
                    checked.too_few
                ));
            }
            lines.push(format!(
                "- Nothing here tells more of what is hidden than the table does. Hidden: {}.",
                checked.hidden
            ));
            lines.push("It does not prove:".to_owned());
            lines.push(
                "- that the suppliers counted rightly: it is the sum of what they committed to, no more;".to_owned(),
            );
            lines.push("- that hiding what is hidden for the sake of other cells was needed;".to_owned());
            if checked.computed > 0 {
                lines.push(format!(
                    "- means, shares and quantiles, computed from totals not shown: {};",
                    checked.computed
                ));
            }
            if !verified.roster_accepted {
                lines.push(
                    "- that the suppliers are those you know: name a roster of your own with --roster. It is"
                        .to_owned(),
                );
                lines.push(format!("  {roster};"));
            }
            lines.push(
                "- why suppliers were absent, and when the table was made: that is the bureau's word.".to_owned(),
            );
        }
        Lang::Nl => {
            let approved = approver.map_or_else(String::new, |person| format!(", met goedkeuring van {person}"));
            lines.push(format!("Deze publicatie klopt. Vraag {id}"));
            lines.push("Ze bewijst:".to_owned());
            lines.push(format!(
                "- {requester} stelde de vraag op {asked_at} voor `{purpose}`{approved}, en tekende ervoor."
            ));
            lines.push(format!(
                "- Vraag en publicatie zijn post {query} en {release} van de {size} in het logboek, gezien door"
            ));
            lines.push(format!("  {witnesses}."));
            lines.push(format!("- Wat ze vastlegden is getekend door {suppliers},"));
            lines.push("  en definitief gemaakt door een quorum van de gevraagden.".to_owned());
            lines.push(format!(
                "- Getoonde aantallen en sommen die precies de som zijn van wat zij vastlegden: {}.",
                checked.exact
            ));
            if checked.rounded > 0 {
                lines.push(format!("- Aantallen die op de afronding na die som zijn: {}.", checked.rounded));
            }
            if checked.too_few > 0 {
                lines.push(format!(
                    "- Als te klein verborgen aantallen van meer dan 0 en minder dan {k}: {}.",
                    checked.too_few
                ));
            }
            lines.push(format!(
                "- Niets hier zegt meer over wat verborgen is dan de tabel. Verborgen: {}.",
                checked.hidden
            ));
            lines.push("Ze bewijst niet:".to_owned());
            lines.push("- dat de leveranciers goed telden: het is de som van wat ze vastlegden, niet meer;".to_owned());
            lines.push("- dat verbergen omwille van andere cellen nodig was;".to_owned());
            if checked.computed > 0 {
                lines.push(format!(
                    "- gemiddelden, aandelen en kwantielen, berekend uit niet getoonde totalen: {};",
                    checked.computed
                ));
            }
            if !verified.roster_accepted {
                lines.push(
                    "- dat de leveranciers zijn wie u kent: noem uw eigen deelnemerslijst met --roster. Deze is"
                        .to_owned(),
                );
                lines.push(format!("  {roster};"));
            }
            lines.push(
                "- waarom leveranciers afwezig waren, en wanneer de tabel gemaakt is: dat zegt het bureau.".to_owned(),
            );
        }
    }
    lines.join("\n") + "\n"
}
