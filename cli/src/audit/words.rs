//! Findings, endings and reasons in two languages.

use optelsom_codebook::{Lang, RefusalReason};
use optelsom_disclosure::Status;
use optelsom_ledger::audit::{Finding, Kind};
use optelsom_ledger::entry::{Ending, EndingFault, ReasonCode};
use optelsom_ledger::guard::GuardRefusal;

use crate::words::words;

/// A kind of finding.
pub(super) const fn kind(kind: Kind, lang: Lang) -> &'static str {
    match kind {
        Kind::Damaged => words(lang, "beschadigd bestand", "damaged file"),
        Kind::Incomplete => words(lang, "ontbrekend of vreemd bestand", "missing or foreign file"),
        Kind::Checkpoint => words(lang, "ijkpunt niet vertrouwd", "checkpoint not trusted"),
        Kind::Forked => words(lang, "gesplitst logboek", "forked log"),
        Kind::Signature => words(lang, "handtekening klopt niet", "signature does not hold"),
        Kind::Disorder => words(lang, "posten spreken elkaar tegen", "entries contradict each other"),
        Kind::Guard => words(lang, "totaal verraadt een leverancier", "total gives a supplier away"),
        Kind::Release => words(lang, "tabel niet bewezen", "table not proved"),
        Kind::Unended => words(lang, "vraag niet beëindigd", "query not ended"),
    }
}

/// A finding. What lies within the formats of keys and bytes is told in English in both.
pub(super) fn finding(finding: &Finding, lang: Lang) -> String {
    match lang {
        Lang::En => finding.to_string(),
        Lang::Nl => dutch(finding),
    }
}

fn dutch(finding: &Finding) -> String {
    match finding {
        Finding::FileMissing(path) => format!("bestand {path} ontbreekt"),
        Finding::FileUnexpected(path) => format!("bestand {path} hoort niet bij het logboek"),
        Finding::Checkpoint(cause) => format!("het ijkpunt deugt niet: {cause}"),
        Finding::Witnesses(cause) => format!("de getuigen volstaan niet: {cause}"),
        Finding::Strangers(many) => format!("{many} handtekening(en) op het ijkpunt van sleutels die u niet vertrouwt"),
        Finding::BundleMalformed(path, cause) => format!("{path} is niet te lezen: {cause}"),
        Finding::EntryAltered(index) => format!("post {index} is veranderd: de boom heeft er een andere digest voor"),
        Finding::TileAltered(path) => format!("{path} is veranderd: de posten geven andere digests"),
        Finding::RootDiffers => {
            "de posten tellen niet op tot de wortel van het ijkpunt: er zijn posten verwijderd, toegevoegd, verwisseld of \
             veranderd"
                .to_owned()
        }
        Finding::EntryMalformed { index, cause } => format!("post {index}: {cause}"),
        Finding::DocumentMissing { index, document } => format!("post {index} noemt document {document}, dat ontbreekt"),
        Finding::DocumentAltered(document) => format!("document {document} is veranderd: zijn digest is een andere"),
        Finding::DocumentUnreferenced(document) => format!("document {document} wordt door geen post genoemd"),
        Finding::DocumentMismatch { index, document, kind } => {
            format!("post {index}: document {document} is niet wat de post zegt ({kind})")
        }
        Finding::TrustCopyDiffers => {
            "het meegeleverde trust.toml is een ander dan het bestand waarop u vertrouwt".to_owned()
        }
        Finding::ReleaseMissing { index, path } => format!("post {index} geeft een tabel vrij, maar {path} ontbreekt"),
        Finding::ReleaseAltered { index, path } => {
            format!("post {index} geeft een tabel vrij, maar {path} is niet het bestand dat zij noemt")
        }
        Finding::ReleaseUnproved { index, cause } => format!("post {index} geeft een onbewezen tabel vrij: {cause}"),
        Finding::Forked(index) => format!(
            "het logboek is gesplitst: de twee uitvoeren verschillen vanaf post {index} en beide zijn ondertekend; iemand \
             heeft een ander logboek te zien gekregen"
        ),
        Finding::GuardBreached { index, participants, cause } => {
            format!("post {index} maakt de deelnemers van post {participants} definitief, maar {}", guard(cause))
        }
        other => dutch_entries(other),
    }
}

fn dutch_entries(finding: &Finding) -> String {
    match finding {
        Finding::NotLogged { index, kind, hash } => {
            format!("vraag {index} gaat uit van {kind} {hash}, dat niet eerder is vastgelegd")
        }
        Finding::QueryTwice { id, first, second } => {
            format!("vraag {id} staat er tweemaal: als post {first} en {second}")
        }
        Finding::Unauthorised(index) => format!("vraag {index} is door niemand ondertekend"),
        Finding::AuthorisedTwice { index, query } => format!("post {index} ondertekent vraag {query} nog eens"),
        Finding::Authorisation { index, cause } => format!("post {index}: {cause}"),
        Finding::Signature { index, cause } => format!("post {index}: {cause}"),
        Finding::Reference { index, of, wanted } => {
            format!("post {index} spreekt van post {of} als {wanted}; dat is zij niet")
        }
        Finding::Chain { index } => {
            format!(
                "post {index} volgt niet op het nieuwste document van haar soort: een wijziging is weggelaten of teruggedraaid"
            )
        }
        Finding::Ending(fault) => ending_fault(fault),
        Finding::NotFinal { index, query } => {
            format!("post {index} beëindigt vraag {query} met een totaal dat geen meerderheid definitief heeft gemaakt")
        }
        Finding::CertifiedTwice { index, query, earlier } => {
            format!(
                "post {index} bekrachtigt vraag {query}, terwijl post {earlier} anders bekrachtigt; een van beide is vals"
            )
        }
        Finding::NamesDiffer { index, query, attempt, earlier } => format!(
            "post {index} noemt andere leveranciers dan post {earlier} voor een en dezelfde poging ({attempt}) bij vraag {query}, \
             met precies dezelfde inzendingen: ten minste een van beide lijsten is vals; wie het logboek schrijft, wil misschien \
             doen vergeten wie er in dat totaal zat"
        ),
        Finding::AttemptTwice { index, query, attempt, earlier } => format!(
            "post {index} noemt poging {attempt} bij vraag {query} met andere inzendingen dan post {earlier}: een leverancier die \
             zich aan de regels houdt, doet aan een poging eenmaal mee; ten minste een van beide heeft nooit bestaan"
        ),
        Finding::BackDated { index, expires_at, after } => format!(
            "vraag {index} is vastgelegd nadat vraag {after} was gesteld, maar was toen al verlopen ({expires_at}): geantedateerd"
        ),
        Finding::FromTheFuture { index, asked_at, witnessed } => {
            format!("vraag {index} zegt van {asked_at} te zijn; de getuigen zagen haar op {witnessed} al")
        }
        Finding::Overdue { index, expires_at, witnessed } => {
            format!(
                "vraag {index} verliep op {expires_at} en is niet beëindigd; de getuigen zagen het logboek op {witnessed}"
            )
        }
        Finding::TooTrusting { index, collusion, faulty } => format!(
            "post {index}: volgens deze deelnemerslijst kunnen er {collusion} samenspannen, maar uw trust-bestand rekent op {faulty} \
             liegende getuigen"
        ),
        Finding::RosterNotAccepted { index, roster } => {
            format!("post {index} voert deelnemerslijst {roster} in; dat is er geen die u aanvaardt")
        }
        // Those that the caller tells.
        other => other.to_string(),
    }
}

fn ending_fault(fault: &EndingFault) -> String {
    let by = |how| ending(how, Lang::Nl);
    match fault {
        EndingFault::Twice { query, first, second } => format!(
            "vraag {query} eindigt tweemaal: door {} (post {}) en door {} (post {})",
            by(first.ending),
            first.at,
            by(second.ending),
            second.at
        ),
        EndingFault::NoQuery { query, at } => {
            format!("post {at} spreekt van vraag {query}, maar daar staat geen vraag")
        }
        EndingFault::AfterEnd { query, ended, at } => {
            format!(
                "post {at} gaat door met vraag {query}, die was beëindigd door {} (post {})",
                by(ended.ending),
                ended.at
            )
        }
    }
}

fn guard(cause: &GuardRefusal) -> String {
    match cause {
        GuardRefusal::Differencing(cause) => {
            let part: Vec<&str> = cause.part.iter().map(|supplier| supplier.as_str()).collect();
            let with = cause
                .with
                .map_or_else(String::new, |earlier| format!(" samen met de deelnemers van post {}", earlier.at));
            format!(
                "dat totaal maakt{with} {} {} zonder afstandsverklaring te onderscheiden ({}); ten minste {} moeten \
                 bijeen blijven",
                cause.unwaived,
                if cause.unwaived == 1 { "leverancier" } else { "leveranciers" },
                part.join(", "),
                cause.wanted
            )
        }
        GuardRefusal::Unreadable => {
            "de vraag zelf is hier niet te lezen, zodat niemand kan zeggen wat haar totaal verraadt".to_owned()
        }
        GuardRefusal::NotLogged(at) => format!("post {at} is geen deelnemerslijst van een vastgelegde vraag"),
    }
}

/// How a query ended.
pub(super) const fn ending(ending: Ending, lang: Lang) -> &'static str {
    match ending {
        Ending::Release => words(lang, "tabel vrijgegeven", "table released"),
        Ending::Refusal => words(lang, "geweigerd", "refused"),
        Ending::Abandonment => words(lang, "afgebroken", "abandoned"),
        Ending::Void => words(lang, "nietig verklaard", "declared void"),
        Ending::Spent => words(lang, "vervallen, niets vrijgegeven", "spent, nothing released"),
    }
}

/// A reason code in words, as far as it is known here.
pub(super) fn reason(code: &ReasonCode, lang: Lang) -> String {
    if let Ok(refusal) = code.as_str().parse::<RefusalReason>() {
        return refusal.explain(lang).to_owned();
    }
    let (nl, en) = match code.as_str() {
        "not-released" => (
            "van het geopende totaal kon geen tabel worden gemaakt die naast eerdere te beschermen is",
            "no table could be made of the opened total that can be protected beside earlier ones",
        ),
        "sum-mismatch" => (
            "het totaal paste niet bij de toezeggingen van de leveranciers",
            "the total did not fit what the suppliers had committed to",
        ),
        "split-votes" => ("de stemmen waren verdeeld", "the votes were split"),
        "self-masks-lost" => ("wat nodig was om te openen ging verloren", "what was needed to open it was lost"),
        "differencing" => (
            "het totaal zou met eerdere leveranciers verraden",
            "the total would give suppliers away, together with earlier ones",
        ),
        "expired" => ("verlopen", "it expired"),
        "not-witnessed" => (
            "verlopen voordat genoeg getuigen hadden gezien wie meedoet",
            "it expired before enough witnesses had seen who takes part",
        ),
        "attempts-used-up" => ("te veel pogingen mislukten", "too many attempts failed"),
        "declared-void" => ("door beheerders nietig verklaard", "operators had it declared void"),
        "cancelled" => ("ingetrokken", "it was cancelled"),
        _ => return code.to_string(),
    };
    words(lang, nl, en).to_owned()
}

/// A rule that hides cells.
pub(super) fn rule(code: &ReasonCode, lang: Lang) -> String {
    let known = [
        Status::HiddenTooFew,
        Status::HiddenTooFewSuppliers,
        Status::HiddenDominance,
        Status::HiddenUnchecked,
        Status::HiddenProtectsOthers,
        Status::Rounded,
    ];
    let named = |status: &Status| status.code().strip_prefix("hidden-").unwrap_or(status.code()) == code.as_str();
    let status = known.into_iter().find(|status| status.code() == code.as_str() || named(status));
    let label = status.map(|status| status.label(lang));
    let label = label.map(|label| label.split_once(": ").map_or(label, |(_, why)| why));
    label.map_or_else(|| code.to_string(), str::to_owned)
}
