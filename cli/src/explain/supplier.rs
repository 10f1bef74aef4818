//! What one supplier would make of a question.

use optelsom_codebook::{
    Admission, Agreement, Codebook, Lang, Measure, Plan, Refusal, Request, SupplierId, Timestamp, Variable,
};
use optelsom_proto::wire::Holding;

use crate::asking::Asking;
use crate::failure::printable;
use crate::federation::SupplierFacts;
use crate::words::words;

/// What one supplier would make of a question.
#[derive(Clone, Debug)]
pub struct Supplier {
    /// Which.
    pub supplier: SupplierId,
    /// Whether the question is for it.
    pub asked: bool,
    attending: bool,
    last_seen: Option<Timestamp>,
    holds: Holds,
    edition_frozen: bool,
    agreed: Agreed,
}

/// Whether it has what is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Holds {
    Nothing,
    Everything { years: String },
    Lacks { years: String, names: Vec<String> },
}

/// What its agreement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// It has shown no agreement with its own signature.
    Unknown,
    /// Its agreement cannot be read with this codebook.
    Unreadable,
    /// Its node refuses every query, since it goes by another codebook or roster.
    OutOfStep,
    /// Cannot be said without a purpose.
    NeedsPurpose,
    /// Its node would answer, unless it has answered its number of queries for the day.
    Yes,
    /// A person there decides.
    Waits,
    /// Its node would refuse.
    Refuses(Refusal),
}

/// What each supplier would make of a question, by its facts.
pub fn suppliers(codebook: &Codebook, asking: &Asking, facts: &[SupplierFacts], now: Timestamp) -> Vec<Supplier> {
    facts.iter().map(|facts| Supplier::new(codebook, asking, facts, now)).collect()
}

impl Supplier {
    fn new(codebook: &Codebook, asking: &Asking, facts: &SupplierFacts, now: Timestamp) -> Self {
        let frozen = |holding: &Holding| holding.editions.contains(&asking.edition);
        Self {
            supplier: facts.supplier.clone(),
            asked: asking.scope.member(&facts.supplier).is_some(),
            attending: facts.attending,
            last_seen: facts.last_seen,
            holds: holds(&asking.plan, facts.holding.as_ref()),
            edition_frozen: facts.holding.as_ref().is_some_and(frozen),
            agreed: agreed(codebook, asking, facts, now),
        }
    }

    /// Whether, as things stand, it would be in the total.
    pub fn would_take_part(&self) -> bool {
        let agrees = matches!(self.agreed, Agreed::Yes | Agreed::Waits | Agreed::NeedsPurpose);
        self.asked && self.attending && self.edition_frozen && agrees && matches!(self.holds, Holds::Everything { .. })
    }

    pub(super) fn row(&self, lang: Lang) -> [String; 5] {
        let yes_no = |yes: bool| words(lang, if yes { "ja" } else { "nee" }, if yes { "yes" } else { "no" }).to_owned();
        let name = if self.asked {
            self.supplier.to_string()
        } else {
            format!("{} ({})", self.supplier, words(lang, "niet gevraagd", "not asked"))
        };
        let connected = match self.last_seen {
            Some(seen) if !self.attending => {
                let seen = seen.to_string();
                format!("{} {}", words(lang, "nee, sinds", "no, since"), seen.get(..10).unwrap_or(&seen))
            }
            _ => yes_no(self.attending),
        };
        let holds = match &self.holds {
            Holds::Nothing => words(lang, "niets", "nothing").to_owned(),
            Holds::Everything { years } => years.clone(),
            Holds::Lacks { years, names } => {
                format!("{years}, {} {}", words(lang, "zonder", "without"), names.join(", "))
            }
        };
        let frozen =
            if self.edition_frozen { words(lang, "gereed", "ready") } else { words(lang, "niet gereed", "not ready") };
        [name, connected, holds, frozen.to_owned(), self.agreed.text(lang)]
    }
}

impl Agreed {
    fn text(&self, lang: Lang) -> String {
        match self {
            Self::Unknown => words(lang, "nog niet getoond", "not shown yet").to_owned(),
            Self::Unreadable => words(lang, "past niet bij dit codeboek", "does not fit this codebook").to_owned(),
            Self::OutOfStep => {
                words(lang, "heeft een ander codeboek of een andere lijst", "has another codebook or roster").to_owned()
            }
            Self::NeedsPurpose => words(lang, "hangt af van --purpose", "depends on --purpose").to_owned(),
            Self::Yes => words(lang, "ja", "yes").to_owned(),
            Self::Waits => {
                words(lang, "ja, als een medewerker het goedkeurt", "yes, once a person there approves").to_owned()
            }
            Self::Refuses(refusal) => {
                format!("{}: {}", words(lang, "nee", "no"), printable(&refusal.explain(lang)))
            }
        }
    }
}

fn holds(plan: &Plan, holding: Option<&Holding>) -> Holds {
    let Some(holding) = holding else { return Holds::Nothing };
    let years = between(*holding.years.start(), *holding.years.end());
    let (variables, measures) = (plan.variables_used(), plan.measures_used());
    let without_variable = variables.iter().map(|variable| Variable::name(variable));
    let without_variable = without_variable.filter(|name| !holding.variables.iter().any(|held| held == name));
    let without_measure = measures.iter().map(|measure| Measure::name(measure));
    let without_measure = without_measure.filter(|name| !holding.measures.iter().any(|held| held == name));
    let asked = plan.periods().into_iter().filter_map(|period| period.parse::<u32>().ok());
    let without_years: Vec<u32> = asked.filter(|year| !holding.years.contains(year)).collect();
    let without_years = without_years.chunk_by(|year, next| year + 1 == *next);
    let without_years = without_years.filter_map(|run| Some(between(*run.first()?, *run.last()?)));
    let names: Vec<String> = without_variable.chain(without_measure).map(str::to_owned).chain(without_years).collect();
    if names.is_empty() { Holds::Everything { years } } else { Holds::Lacks { years, names } }
}

fn between(first: u32, last: u32) -> String {
    if first == last { first.to_string() } else { format!("{first}–{last}") }
}

fn agreed(codebook: &Codebook, asking: &Asking, facts: &SupplierFacts, now: Timestamp) -> Agreed {
    if facts.out_of_step {
        return Agreed::OutOfStep;
    }
    let Some(document) = &facts.agreement else { return Agreed::Unknown };
    let Ok(agreement) = Agreement::parse(document, codebook) else { return Agreed::Unreadable };
    let Some(purpose) = &asking.purpose else { return Agreed::NeedsPurpose };
    let min_suppliers = usize::try_from(asking.min_suppliers).unwrap_or(usize::MAX);
    // How many queries the node has answered today, it alone knows.
    let request =
        Request { plan: &asking.plan, purpose, now, min_suppliers, rules: asking.policy.rules(), queries_today: 0 };
    match agreement.admit(&request) {
        Ok(Admission::Admitted(_)) => Agreed::Yes,
        Ok(Admission::NeedsApproval(_)) => Agreed::Waits,
        Err(refusal) => Agreed::Refuses(refusal),
    }
}
