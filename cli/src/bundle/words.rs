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
            lines.push(format!("This release holds. Query {id}"));
            lines.push("It proves:".to_owned());
            let approved = approver.map_or_else(String::new, |person| format!(", approved by {person}"));
            lines.push(format!(
                "- {requester} asked this question on {asked_at} for `{purpose}`{approved}, with their signatures."
            ));
            lines.push(format!("- Question and release stand in the log as entries {query} and {release} of {size}, seen by {witnesses}."));
            lines.push(format!(
                "- {suppliers} signed what they committed to, and a quorum of those asked made it final."
            ));
            lines.push(format!(
                "- {} shown counts and sums are exactly the sum of what these suppliers committed to.",
                checked.exact
            ));
            if checked.rounded > 0 {
                lines.push(format!("- {} counts are that sum, off by the rounding alone.", checked.rounded));
            }
            if checked.too_few > 0 {
                lines.push(format!(
                    "- {} counts that are hidden as too few are more than 0 and less than {k}.",
                    checked.too_few
                ));
            }
            lines.push(format!(
                "- Nothing here tells more of the {} hidden figures than the table does.",
                checked.hidden
            ));
            lines.push("It does not prove:".to_owned());
            lines.push(
                "- that the suppliers counted rightly: it is the sum of what they committed to, no more;".to_owned(),
            );
            lines.push("- that hiding what is hidden for the sake of other cells was needed;".to_owned());
            if checked.computed > 0 {
                lines.push(format!(
                    "- {} figures that are computed (means, shares, quantiles) from totals not shown;",
                    checked.computed
                ));
            }
            lines.push(
                "- why absent suppliers were absent, and when the table was made: that is the bureau's word."
                    .to_owned(),
            );
            if !verified.roster_accepted {
                lines.push(format!("- that the suppliers are real: they are those of the roster {roster}. Compare it with one that you know, by --roster."));
            }
        }
        Lang::Nl => {
            lines.push(format!("Deze publicatie klopt. Vraag {id}"));
            lines.push("Ze bewijst:".to_owned());
            let approved = approver.map_or_else(String::new, |person| format!(", goedgekeurd door {person}"));
            lines.push(format!(
                "- {requester} stelde deze vraag op {asked_at} voor `{purpose}`{approved}, met hun handtekeningen."
            ));
            lines.push(format!("- Vraag en publicatie staan in het logboek als post {query} en {release} van {size}, gezien door {witnesses}."));
            lines.push(format!(
                "- {suppliers} tekenden voor wat ze vastlegden, en een quorum van de gevraagden maakte het definitief."
            ));
            lines.push(format!(
                "- {} getoonde aantallen en sommen zijn precies de som van wat deze leveranciers vastlegden.",
                checked.exact
            ));
            if checked.rounded > 0 {
                lines.push(format!("- {} aantallen zijn die som, op de afronding na.", checked.rounded));
            }
            if checked.too_few > 0 {
                lines.push(format!(
                    "- {} aantallen die als te klein verborgen zijn, zijn meer dan 0 en minder dan {k}.",
                    checked.too_few
                ));
            }
            lines.push(format!("- Niets hier zegt meer over de {} verborgen cijfers dan de tabel.", checked.hidden));
            lines.push("Ze bewijst niet:".to_owned());
            lines.push("- dat de leveranciers goed telden: het is de som van wat ze vastlegden, niet meer;".to_owned());
            lines.push("- dat verbergen omwille van andere cellen nodig was;".to_owned());
            if checked.computed > 0 {
                lines.push(format!("- {} cijfers die berekend zijn (gemiddelden, aandelen, kwantielen) uit totalen die niet getoond worden;", checked.computed));
            }
            lines.push(
                "- waarom afwezige leveranciers afwezig waren, en wanneer de tabel gemaakt is: dat zegt het bureau."
                    .to_owned(),
            );
            if !verified.roster_accepted {
                lines.push(format!("- dat de leveranciers bestaan: het zijn die van de deelnemerslijst {roster}. Vergelijk die met een die u kent, met --roster."));
            }
        }
    }
    lines.join("\n") + "\n"
}
