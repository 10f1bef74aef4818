//! A question made ready to be asked: of which edition, for which purpose, of whom.

use std::collections::BTreeSet;

use optelsom_codebook::{Agreement, Dataset, EditionId, Hash256, Lang, Plan, Query, SupplierId, Timestamp};
use optelsom_disclosure::Policy;
use optelsom_ledger::{IdentityKey, QueryEntry, Scope, SignedQuery};

use crate::deadline::Deadline;
use crate::failure::{Failure, printable};
use crate::federation::{Catalogue, SupplierFacts};
use crate::question;

/// How a question is to be asked, as far as the command line says.
#[derive(Clone, Copy, Debug)]
pub struct Wishes<'a> {
    /// The purpose, from the command line or the configuration.
    pub purpose: Option<&'a str>,
    /// The suppliers to ask; all that hold the dataset if there are none.
    pub scope: &'a [SupplierId],
    /// The fewest suppliers in the total; all that are asked if not said.
    pub at_least: Option<u64>,
}

/// A question that can be asked.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The question; it names its edition.
    pub query: Query,
    /// Its cells.
    pub plan: Plan,
    /// The edition.
    pub edition: EditionId,
    /// The purpose, if one was given.
    pub purpose: Option<String>,
    /// Who is asked.
    pub scope: Scope,
    /// The fewest suppliers in the total.
    pub min_suppliers: u64,
    /// The policy by which its table will be protected.
    pub policy: Policy,
    purposes_agreed: BTreeSet<String>,
}

impl Asking {
    /// Makes a question ready, with what the coordinator says of the federation.
    ///
    /// # Errors
    /// When it cannot be asked so; the message says what can.
    pub fn prepare(
        catalogue: &Catalogue,
        query: Query,
        facts: &[SupplierFacts],
        wishes: Wishes<'_>,
    ) -> Result<Self, Failure> {
        let edition = edition(catalogue, &query)?;
        let query = query.with_edition(edition.clone());
        let plan = Plan::new(&catalogue.codebook, &query)?;
        let words = plan.cell_count().saturating_mul(plan.columns().len()) as u64;
        if words > catalogue.most_words {
            return Err(Failure::Usage(format!(
                "the table has {} cells × {} columns, the coordinator takes {} in all; narrow the conditions, or ask in \
                 parts",
                plan.cell_count(),
                plan.columns().len(),
                catalogue.most_words
            )));
        }
        let scope = scope(catalogue, query.dataset(), facts, wishes.scope)?;
        let min_suppliers = min_suppliers(&scope, wishes.at_least)?;
        Ok(Self {
            policy: policy(catalogue, query.dataset(), &scope, facts)?,
            purpose: wishes.purpose.map(str::to_owned),
            purposes_agreed: purposes_agreed(catalogue, query.dataset(), facts),
            query,
            plan,
            edition,
            scope,
            min_suppliers,
        })
    }

    /// Whether a total without some of those asked would be accepted.
    pub fn accepts_incomplete(&self) -> bool {
        self.min_suppliers < self.scope.members().len() as u64
    }

    /// What an incomplete total shuts off.
    pub fn consequences(&self, lang: Lang) -> String {
        let dataset = self.query.dataset().name();
        let years = match self.plan.periods().as_slice() {
            [] => String::new(),
            [only] => (*only).to_owned(),
            [first, .., last] => format!("{first}–{last}"),
        };
        let (least, asked) = (self.min_suppliers, self.scope.members().len());
        if let Some(epsilon) = self.query.epsilon() {
            return match lang {
                Lang::En => format!(
                    "At least {least} of the {asked} suppliers have to take part. Each charges ε = {epsilon} to its privacy \
                     budget for `{dataset}`, for good, as soon as it answers. The total binds nobody: it has noise in it."
                ),
                Lang::Nl => format!(
                    "Ten minste {least} van de {asked} leveranciers moeten meedoen. Elk boekt ε = {epsilon} af van zijn \
                     privacybudget voor `{dataset}`, voorgoed, zodra hij antwoordt. Het totaal bindt niemand: er zit ruis in."
                ),
            };
        }
        let which = match (lang, self.accepts_incomplete()) {
            (Lang::En, true) => format!("A total of {least} of the {asked} suppliers would do. It binds"),
            (Lang::En, false) => "An incomplete total (--at-least N) would bind".to_owned(),
            (Lang::Nl, true) => format!("Een totaal van {least} van de {asked} leveranciers zou volstaan. Het bindt"),
            (Lang::Nl, false) => "Een onvolledig totaal (--at-least N) bindt".to_owned(),
        };
        match lang {
            Lang::En => format!(
                "{which} `{dataset}` ({years}) to the suppliers that are in it: a later total with a few more or fewer of \
                 them, in any breakdown or edition, would give those few away, so nodes may refuse it for good. What the \
                 absent ones hold is then missing from these years."
            ),
            Lang::Nl => format!(
                "{which} `{dataset}` ({years}) aan de leveranciers die erin zitten: een later totaal met enkele meer of \
                 minder, in welke uitsplitsing of editie ook, zou die enkele verraden, dus kunnen nodes het voorgoed \
                 weigeren. Wat de afwezigen hebben, ontbreekt dan in deze jaren."
            ),
        }
    }

    /// h: the shares of noise of so many participants give the promised ε.
    pub fn honest(&self) -> u64 {
        self.min_suppliers.saturating_sub(self.scope.collusion() as u64)
    }

    /// The purpose, if any agreement names it as far as agreements have been shown.
    fn agreed_purpose(&self) -> Result<String, Failure> {
        let agreed: Vec<&str> = self.purposes_agreed.iter().map(String::as_str).collect();
        let agreed = if agreed.is_empty() { "none yet".to_owned() } else { printable(&agreed.join(", ")) };
        match &self.purpose {
            None => {
                Err(Failure::Usage(format!("a question needs a purpose: give --purpose; agreements name {agreed}")))
            }
            Some(purpose) if !self.purposes_agreed.is_empty() && !self.purposes_agreed.contains(purpose) => {
                let purpose = printable(purpose);
                Err(Failure::Usage(format!("no agreement names the purpose `{purpose}`; agreements name {agreed}")))
            }
            Some(purpose) => Ok(purpose.clone()),
        }
    }

    /// The signed entry of the query.
    ///
    /// # Errors
    /// When no purpose was given that an agreement names, the key is not a requester's, or the deadline is too long.
    pub fn sign(
        &self,
        catalogue: &Catalogue,
        key: &IdentityKey,
        deadline: Deadline,
        now: Timestamp,
        nonce: [u8; 16],
    ) -> Result<SignedQuery, Failure> {
        let purpose = self.agreed_purpose()?;
        let public = key.public();
        let requester = catalogue.roster.requesters().iter().find(|requester| requester.identity == public);
        let requester = requester.ok_or_else(|| {
            Failure::NotAuthorised(format!(
                "the roster has no requester with identity {public}; ask the bureau to enter it"
            ))
        })?;
        let longest = catalogue.longest_deadline_ms;
        if deadline.duration().as_millis() > u128::from(longest) {
            return Err(Failure::Usage(format!("a query may wait {} seconds at the longest", longest / 1000)));
        }
        let dataset = self.query.dataset();
        let entry = QueryEntry {
            query: Hash256::of(&self.query.canonical_bytes()),
            dataset: dataset.name().to_owned(),
            edition: self.edition.clone(),
            purpose,
            requester: requester.key_id.clone(),
            codebook: catalogue.codebook.hash(),
            roster: catalogue.roster.hash(),
            disclosure_policy: self.policy.hash(),
            scope: self.scope.members().iter().map(|member| member.supplier.clone()).collect(),
            collusion: self.scope.collusion() as u64,
            min_suppliers: self.min_suppliers,
            asked_at: now,
            expires_at: now + deadline.duration(),
            nonce,
        };
        Ok(entry.sign(key))
    }
}

/// Reads the question with the coordinator's codebook.
///
/// # Errors
/// What cannot be asked, and the nearest thing that can.
pub fn read(catalogue: &Catalogue, text: &str) -> Result<Query, Failure> {
    Ok(question::parse(&catalogue.codebook, text)?)
}

fn edition(catalogue: &Catalogue, query: &Query) -> Result<EditionId, Failure> {
    let dataset = query.dataset().name();
    let Some(asked) = query.edition() else {
        return catalogue.latest_edition(dataset).cloned().ok_or_else(|| {
            Failure::Usage(format!("no edition of `{dataset}` has been announced yet; its bureau's operator does that"))
        });
    };
    if catalogue.editions_of(dataset).any(|announced| announced == asked) {
        return Ok(asked.clone());
    }
    let names: Vec<&str> = catalogue.editions_of(dataset).map(AsRef::as_ref).collect();
    let there_is = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Err(Failure::Usage(format!("no edition {asked} of `{dataset}` has been announced; there is {there_is}")))
}

fn scope(
    catalogue: &Catalogue,
    dataset: &Dataset,
    facts: &[SupplierFacts],
    wished: &[SupplierId],
) -> Result<Scope, Failure> {
    let holders: Vec<SupplierId> =
        facts.iter().filter(|facts| facts.holding.is_some()).map(|facts| facts.supplier.clone()).collect();
    let suppliers = if wished.is_empty() { holders.as_slice() } else { wished };
    catalogue.roster.scope(suppliers).map_err(|error| {
        let names: Vec<&str> = holders.iter().map(AsRef::as_ref).collect();
        let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
        Failure::Usage(format!("{error}; `{}` is held by {}", dataset.name(), printable(&names)))
    })
}

/// The strictest of the dataset's policy and the agreements that those who are asked have shown.
fn policy(catalogue: &Catalogue, dataset: &Dataset, scope: &Scope, facts: &[SupplierFacts]) -> Result<Policy, Failure> {
    let asked = facts.iter().filter(|facts| scope.member(&facts.supplier).is_some());
    let documents = asked.filter_map(|facts| facts.agreement.as_deref());
    // One that cannot be read under this codebook asks for nothing; its node refuses of itself.
    let agreements: Vec<Agreement> =
        documents.filter_map(|document| Agreement::parse(document, &catalogue.codebook).ok()).collect();
    Ok(catalogue.policy(dataset)?.with_agreements(dataset, &agreements)?)
}

/// The purposes for which agreements let the dataset be asked, as far as they have been shown.
fn purposes_agreed(catalogue: &Catalogue, dataset: &Dataset, facts: &[SupplierFacts]) -> BTreeSet<String> {
    let documents = facts.iter().filter_map(|facts| facts.agreement.as_deref());
    let agreements = documents.filter_map(|document| Agreement::parse(document, &catalogue.codebook).ok());
    agreements
        .flat_map(|agreement| {
            let terms = agreement.dataset(dataset.name()).map(|terms| terms.purposes().map(str::to_owned).collect());
            terms.unwrap_or_else(Vec::new)
        })
        .collect()
}

/// All of the scope, unless fewer are accepted.
fn min_suppliers(scope: &Scope, at_least: Option<u64>) -> Result<u64, Failure> {
    let (least, most) = (scope.least_participants() as u64, scope.members().len() as u64);
    match at_least {
        None => Ok(most),
        Some(wanted) if (least..=most).contains(&wanted) => Ok(wanted),
        Some(wanted) => Err(Failure::Usage(format!(
            "--at-least {wanted}: with {most} suppliers asked it can be from {least} to {most}, so that nobody's own figure \
             shows"
        ))),
    }
}

#[cfg(test)]
mod tests;
