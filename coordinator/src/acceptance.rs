//! What is checked before a question is accepted, and the moment from which on it is.

use std::sync::Arc;

use optelsom_codebook::{EditionId, Hash256, PlanLimits, QueryId};
use optelsom_ledger::EntryError;
use optelsom_proto::wire::Asked;
use optelsom_proto::{PartyName, WireError};
use thiserror::Error;
use tonic::Status;

use crate::clock;
use crate::driver::{self, DriveError, Driver};
use crate::shared::{PoliciesError, Shared};
use crate::store::{Accepted, StoreError, StoredOutcome};

/// Why a question is not accepted. Nothing was stored, and no node has heard of it.
#[derive(Debug, Error)]
pub enum NotAccepted {
    /// Not what should travel.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Somebody else's key.
    #[error("the question is signed as `{signed}`, and the certificate is that of `{certificate}`")]
    OtherRequester {
        /// In the entry.
        signed: String,
        /// In the certificate.
        certificate: PartyName,
    },
    /// Roster, scope, signature, time.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// Another codebook.
    #[error("the question was read with codebook {theirs}, here {ours} is in force; fetch the catalogue again")]
    Codebook {
        /// The question's.
        theirs: String,
        /// The one in force.
        ours: String,
    },
    /// Cannot be read or planned.
    #[error(transparent)]
    Question(#[from] DriveError),
    /// Not in canonical form, so that the same question would have two names.
    #[error("the query document is not in its canonical form; use the one that `optelsom explain` prints")]
    NotCanonical,
    /// Entry and document speak of different things.
    #[error("entry and query document name different {0}s")]
    Differs(&'static str),
    /// An edition that nobody was told to freeze.
    #[error("edition `{edition}` of `{dataset}` was not announced; {}", announced(known))]
    Edition {
        /// The dataset.
        dataset: String,
        /// The edition asked for.
        edition: EditionId,
        /// Those that were announced.
        known: Vec<EditionId>,
    },
    /// Another policy.
    #[error(
        "the question does not name the disclosure policy of `{0}` for these suppliers, or that has changed; ask again"
    )]
    Policy(String),
    /// Too large.
    #[error("the table has {cells} cells in {columns} columns; cells times columns may be {most} here: shorten it")]
    TooLarge {
        /// Cells.
        cells: usize,
        /// Columns.
        columns: usize,
        /// Cells times columns.
        most: u64,
    },
    /// Too late.
    #[error("the deadline lies {asked} minutes ahead, {most} are the most here")]
    Deadline {
        /// How far ahead it lies.
        asked: u64,
        /// How far it may.
        most: u64,
    },
    /// Too many at once.
    #[error("{0} queries go on already; ask again when one has ended")]
    Busy(u64),
    /// Too many of one requester, so that others have their places.
    #[error(
        "{most} queries of `{requester}` go on already, which is a requester's share; ask again when one of them has ended"
    )]
    Share {
        /// Whose.
        requester: PartyName,
        /// How many it may have.
        most: u64,
    },
    /// The policies in force.
    #[error(transparent)]
    Policies(#[from] PoliciesError),
    /// The store.
    #[error("the question could not be stored, and is not accepted: {0}")]
    Store(#[from] StoreError),
}

fn announced(known: &[EditionId]) -> String {
    if known.is_empty() {
        return "none is yet: ask the operator to announce one".to_owned();
    }
    let names: Vec<_> = known.iter().map(EditionId::as_str).collect();
    format!("there are {}", names.join(", "))
}

impl From<NotAccepted> for Status {
    fn from(error: NotAccepted) -> Self {
        let text = error.to_string();
        match error {
            NotAccepted::OtherRequester { .. } | NotAccepted::Entry(EntryError::Signature(_)) => {
                Self::permission_denied(text)
            }
            NotAccepted::Busy(_) | NotAccepted::Share { .. } => Self::resource_exhausted(text),
            NotAccepted::Store(_) | NotAccepted::Policies(_) => Self::unavailable(text),
            NotAccepted::Codebook { .. } | NotAccepted::Policy(_) | NotAccepted::Edition { .. } => {
                Self::failed_precondition(text)
            }
            _ => Self::invalid_argument(text),
        }
    }
}

/// A question that is stored, as one finds it.
pub enum Standing {
    /// It goes on.
    Running(Driver),
    /// It has ended, when it was asked once more.
    Ended(StoredOutcome),
}

/// Checks a question, stores it, and starts its round. The same entry asked again is the same query.
///
/// # Errors
/// For everything that is wrong with it; nothing is stored then.
pub async fn accept(shared: &Arc<Shared>, requester: &PartyName, asked: Asked) -> Result<Standing, NotAccepted> {
    let entry = &asked.query().entry;
    if entry.requester != requester.as_str() {
        return Err(NotAccepted::OtherRequester { signed: entry.requester.clone(), certificate: requester.clone() });
    }
    let id = entry.id();
    if let Some(driver) = shared.drivers.of(&id) {
        return Ok(Standing::Running(driver));
    }
    if let Some(standing) = standing(shared, &id).await? {
        return Ok(standing);
    }
    let now = clock::now();
    asked.query().verify(&shared.roster, now)?;
    let plan = check_question(shared, &asked)?;
    check_limits(shared, requester, &asked, &plan)?;
    check_edition(shared, &asked).await?;
    let policy = shared.policy(plan.dataset(), &entry.scope).await?;
    if policy.hash() != entry.disclosure_policy {
        return Err(NotAccepted::Policy(entry.dataset.clone()));
    }
    let (question, document) = asked.into_parts();
    let accepted = Accepted { question, document, at: now, policy };
    if !shared.store.accept(&accepted).await?
        && let Some(standing) = standing(shared, &id).await?
    {
        return Ok(standing);
    }
    shared.metrics.accepted.inc();
    let entry = &accepted.question.entry;
    tracing::info!(query = %id, requester = %requester, dataset = entry.dataset, purpose = entry.purpose, "accepted");
    Ok(Standing::Running(driver::start(shared, accepted, plan)?))
}

/// The query of this id, if it is stored: goes on from its record where nothing drives it, and never begins anew.
async fn standing(shared: &Arc<Shared>, id: &QueryId) -> Result<Option<Standing>, NotAccepted> {
    if let Some(stored) = shared.store.unfinished_query(id).await? {
        return Ok(Some(Standing::Running(driver::restore(shared, stored).await?)));
    }
    let outcome = shared.store.summary(id).await?.and_then(|summary| summary.outcome);
    Ok(outcome.map(Standing::Ended))
}

fn check_question(shared: &Shared, asked: &Asked) -> Result<optelsom_codebook::Plan, NotAccepted> {
    let entry = &asked.query().entry;
    let ours = shared.codebook.hash();
    if entry.codebook != ours {
        return Err(NotAccepted::Codebook { theirs: entry.codebook.short(), ours: ours.short() });
    }
    let plan = driver::plan(&shared.codebook, asked.document(), PlanLimits::default())?;
    let query = plan.query();
    if Hash256::of(&query.canonical_bytes()) != entry.query {
        return Err(NotAccepted::NotCanonical);
    }
    if query.dataset().name() != entry.dataset {
        return Err(NotAccepted::Differs("dataset"));
    }
    if query.edition().is_some_and(|edition| *edition != entry.edition) {
        return Err(NotAccepted::Differs("edition"));
    }
    Ok(plan)
}

fn check_limits(
    shared: &Shared,
    requester: &PartyName,
    asked: &Asked,
    plan: &optelsom_codebook::Plan,
) -> Result<(), NotAccepted> {
    let limits = &shared.configuration.limits;
    let (cells, columns) = (plan.cell_count(), plan.columns().len());
    if (cells as u64).saturating_mul(columns as u64) > limits.words {
        return Err(NotAccepted::TooLarge { cells, columns, most: limits.words });
    }
    let entry = &asked.query().entry;
    let minutes = entry.expires_at.since(clock::now()).as_secs() / 60;
    if minutes > limits.deadline_minutes {
        return Err(NotAccepted::Deadline { asked: minutes, most: limits.deadline_minutes });
    }
    if shared.drivers.asked_by(requester.as_str()) as u64 >= limits.queries_per_requester {
        return Err(NotAccepted::Share { requester: requester.clone(), most: limits.queries_per_requester });
    }
    if shared.drivers.count() as u64 >= limits.queries {
        return Err(NotAccepted::Busy(limits.queries));
    }
    Ok(())
}

async fn check_edition(shared: &Shared, asked: &Asked) -> Result<(), NotAccepted> {
    let entry = &asked.query().entry;
    let editions = shared.store.editions().await?.into_iter().filter(|announced| announced.dataset == entry.dataset);
    let known: Vec<_> = editions.map(|announced| announced.edition).collect();
    if known.contains(&entry.edition) {
        return Ok(());
    }
    Err(NotAccepted::Edition { dataset: entry.dataset.clone(), edition: entry.edition.clone(), known })
}
