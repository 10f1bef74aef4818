//! What a verified bundle proves, and what it does not, in words.

use optelsom_codebook::Lang;

use super::verify::Verified;
use crate::failure::printable;

/// A part of the verdict, and whether there is something to say of it.
type Line = (bool, String);

/// The verdict: what is proved, then what is not.
pub fn told(verified: &Verified, lang: Lang) -> String {
    let (proved, open) = match lang {
        Lang::En => (proved_in_english(verified), open_in_english(verified)),
        Lang::Nl => (proved_in_dutch(verified), open_in_dutch(verified)),
    };
    proved.into_iter().chain(open).filter(|(told, _)| *told).map(|(_, line)| line + "\n").collect()
}

fn suppliers(verified: &Verified) -> String {
    let suppliers = verified.checked.release.suppliers_taking_part();
    suppliers.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ")
}

fn witnesses(verified: &Verified) -> String {
    verified.witnessed.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>().join(", ")
}

fn proved_in_english(verified: &Verified) -> Vec<Line> {
    let (checked, entry) = (&verified.checked, &verified.checked.query);
    let (id, asked_at, k) = (entry.id(), entry.asked_at, checked.release.minimum_frequency());
    let (purpose, requester) = (printable(&entry.purpose), printable(&entry.requester));
    let approver = checked.approver.as_deref().map(printable);
    let approved = approver.map_or_else(String::new, |person| format!(", approved by {person}"));
    let (query, release, size) = (verified.query, verified.release, verified.size);
    let (suppliers, witnesses) = (suppliers(verified), witnesses(verified));
    let (exact, rounded, too_few, hidden) = (checked.exact, checked.rounded, checked.too_few, checked.hidden);
    vec![
        (true, format!("This release holds. Query {id}")),
        (true, "It proves:".to_owned()),
        (true, format!("- {requester} asked the question on {asked_at} for `{purpose}`{approved}, and signed it.")),
        (true, format!("- Question and release are entries {query} and {release} of the log's {size}, seen by")),
        (true, format!("  {witnesses}.")),
        (true, format!("- What they committed to is signed by {suppliers},")),
        (true, "  and was made final by a quorum of those asked.".to_owned()),
        (true, format!("- Shown counts and sums that are exactly the sum of what these committed to: {exact}.")),
        (rounded > 0, format!("- Counts that are that sum but for rounding: {rounded}.")),
        (too_few > 0, format!("- Counts hidden as too few that are more than 0 and less than {k}: {too_few}.")),
        (true, format!("- Nothing here tells more of what is hidden than the table does. Hidden: {hidden}.")),
    ]
}

fn open_in_english(verified: &Verified) -> Vec<Line> {
    let (computed, roster, unknown) = (verified.checked.computed, verified.roster, !verified.roster_accepted);
    let own = "- that the suppliers are those you know: name a roster of your own with --roster. It is";
    vec![
        (true, "It does not prove:".to_owned()),
        (true, "- that the suppliers counted rightly: it is the sum of what they committed to, no more;".to_owned()),
        (true, "- that hiding what is hidden for the sake of other cells was needed;".to_owned()),
        (computed > 0, format!("- means, shares and quantiles, computed from totals not shown: {computed};")),
        (unknown, own.to_owned()),
        (unknown, format!("  {roster};")),
        (true, "- why suppliers were absent, and when the table was made: that is the bureau's word.".to_owned()),
    ]
}

fn proved_in_dutch(verified: &Verified) -> Vec<Line> {
    let (checked, entry) = (&verified.checked, &verified.checked.query);
    let (id, asked_at, k) = (entry.id(), entry.asked_at, checked.release.minimum_frequency());
    let (purpose, requester) = (printable(&entry.purpose), printable(&entry.requester));
    let approver = checked.approver.as_deref().map(printable);
    let approved = approver.map_or_else(String::new, |person| format!(", met goedkeuring van {person}"));
    let (query, release, size) = (verified.query, verified.release, verified.size);
    let (suppliers, witnesses) = (suppliers(verified), witnesses(verified));
    let (exact, rounded, too_few, hidden) = (checked.exact, checked.rounded, checked.too_few, checked.hidden);
    vec![
        (true, format!("Deze publicatie klopt. Vraag {id}")),
        (true, "Ze bewijst:".to_owned()),
        (true, format!("- {requester} stelde de vraag op {asked_at} voor `{purpose}`{approved}, en tekende ervoor.")),
        (
            true,
            format!("- Vraag en publicatie zijn post {query} en {release} van de {size} in het logboek, gezien door"),
        ),
        (true, format!("  {witnesses}.")),
        (true, format!("- Wat ze vastlegden is getekend door {suppliers},")),
        (true, "  en definitief gemaakt door een quorum van de gevraagden.".to_owned()),
        (true, format!("- Getoonde aantallen en sommen die precies de som zijn van wat zij vastlegden: {exact}.")),
        (rounded > 0, format!("- Aantallen die op de afronding na die som zijn: {rounded}.")),
        (too_few > 0, format!("- Als te klein verborgen aantallen van meer dan 0 en minder dan {k}: {too_few}.")),
        (true, format!("- Niets hier zegt meer over wat verborgen is dan de tabel. Verborgen: {hidden}.")),
    ]
}

fn open_in_dutch(verified: &Verified) -> Vec<Line> {
    let (computed, roster, unknown) = (verified.checked.computed, verified.roster, !verified.roster_accepted);
    let own = "- dat de leveranciers zijn wie u kent: noem uw eigen deelnemerslijst met --roster. Deze is";
    vec![
        (true, "Ze bewijst niet:".to_owned()),
        (true, "- dat de leveranciers goed telden: het is de som van wat ze vastlegden, niet meer;".to_owned()),
        (true, "- dat verbergen omwille van andere cellen nodig was;".to_owned()),
        (
            computed > 0,
            format!("- gemiddelden, aandelen en kwantielen, berekend uit niet getoonde totalen: {computed};"),
        ),
        (unknown, own.to_owned()),
        (unknown, format!("  {roster};")),
        (true, "- waarom leveranciers afwezig waren, en wanneer de tabel gemaakt is: dat zegt het bureau.".to_owned()),
    ]
}
