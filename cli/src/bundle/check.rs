//! Whether a release is what was logged, signed and proved: pure, for one release, from a bundle or out of a whole log.

use std::collections::BTreeMap;

use optelsom_codebook::{Codebook, Hash256, OutputKind, Plan, Query, SupplierId};
use optelsom_disclosure::{Absence, CellValue, Noise, Note, Policy, Release, RoundFacts};
use optelsom_ledger::entry::{
    ApprovalRule, AuthorisationEntry, FinalEntry, Outcome, ParticipantsEntry, ReleaseEntry, salted_digest,
};
use optelsom_ledger::{QueryEntry, Roster, Scope, SignedQuery};
use optelsom_secagg::messages::Attempt;
use optelsom_secagg::release_proof::{
    CellClaim, ProofError, Protection, ReleaseProof, SignedCommitments, SignedSubmissions, Statement, claims, verify,
};
use optelsom_secagg::{Generators, Rules, Verifier};

use super::fault::Fault;

/// What the log and the files beside it say of one release. That the entries stand in the log is not checked here.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The query's entry and its index.
    pub query: (u64, &'a QueryEntry),
    /// On whose word.
    pub authorisation: &'a AuthorisationEntry,
    /// Who took part, and the entry's index.
    pub participants: (u64, &'a ParticipantsEntry),
    /// That it was made final.
    pub finality: &'a FinalEntry,
    /// What was released.
    pub release: &'a ReleaseEntry,
    /// The canonical query document.
    pub question: &'a [u8],
    /// The codebook's text.
    pub codebook: &'a [u8],
    /// The roster's text.
    pub roster: &'a [u8],
    /// The policy's canonical bytes.
    pub policy: &'a [u8],
    /// `release.json`.
    pub table: &'a [u8],
    /// `salt`.
    pub salt: &'a [u8],
    /// `proof`.
    pub proof: &'a [u8],
    /// `commitments`.
    pub commitments: &'a [u8],
}

/// A release that holds, and how much of it is proved.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The release.
    pub release: Release,
    /// The logged question.
    pub query: QueryEntry,
    /// Who approved it, where a second person did.
    pub approver: Option<String>,
    /// Counts and sums that are proved to be exactly the sum.
    pub exact: usize,
    /// Counts that are proved to be the sum but for rounding.
    pub rounded: usize,
    /// Counts that are proved to be hidden for holding too few.
    pub too_few: usize,
    /// Figures of the table that are hidden, for whatever reason.
    pub hidden: u64,
    /// Figures that are shown and computed from totals, which is not proved.
    pub computed: usize,
}

/// Checks everything about a release but that its entries stand in the log.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(parts: &Parts<'_>, approvals: ApprovalRule) -> Result<Checked, Fault> {
    let entry = parts.query.1;
    belong_together(parts)?;
    let roster = Roster::parse(text(parts.roster, "roster")?)?;
    let codebook = Codebook::parse(text(parts.codebook, "codebook")?)?;
    for (named, actual, what) in [
        (entry.roster, roster.hash(), "roster"),
        (entry.codebook, codebook.hash(), "codebook"),
        (entry.query, Hash256::of(parts.question), "query document"),
        (entry.disclosure_policy, Hash256::of(parts.policy), "disclosure policy"),
    ] {
        if named != actual {
            return Err(Fault::OtherDocument(what));
        }
    }
    let signed = SignedQuery { entry: entry.clone(), signature: parts.authorisation.requester };
    parts.authorisation.verify(&signed, approvals, &roster)?;
    let scope = roster.scope(&entry.scope)?;
    parts.finality.verify(&entry.id(), parts.participants.1, &scope)?;
    files_are_those_released(parts)?;
    let commitments = commitments(parts, &scope)?;
    let plan = plan(parts, &codebook)?;
    let release = Release::from_json(parts.table)?;
    let policy = Policy::from_canonical(parts.policy)?;
    if policy.dataset() != entry.dataset {
        return Err(Fault::OtherDocument("disclosure policy"));
    }
    says_what_was_logged(parts, &release, (&codebook, &plan, &policy), commitments.participants().suppliers())?;
    let claimed = proved(parts.proof, &release, (&plan, &policy), &commitments)?;
    let count = |wanted: fn(&CellClaim) -> bool| claimed.iter().flatten().filter(|claim| wanted(claim)).count();
    Ok(Checked {
        query: entry.clone(),
        approver: parts.authorisation.approval.as_ref().map(|approval| approval.approver.clone()),
        exact: count(|claim| matches!(claim, CellClaim::Shown(_))),
        rounded: count(|claim| matches!(claim, CellClaim::Rounded { .. })),
        too_few: count(|claim| *claim == CellClaim::TooFew),
        hidden: parts.release.hidden.iter().map(|(_, cells)| *cells).sum(),
        computed: computed(&plan, &release),
        release,
    })
}

fn text<'a>(bytes: &'a [u8], what: &'static str) -> Result<&'a str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| Fault::OtherDocument(what))
}

/// The entries speak of this query, and of each other.
fn belong_together(parts: &Parts<'_>) -> Result<(), Fault> {
    let index = parts.query.0;
    let of_this_query = [
        (parts.authorisation.query == index, "authorisation"),
        (parts.participants.1.query == index, "list of participants"),
        (parts.finality.query == index && parts.finality.participants == parts.participants.0, "final certificate"),
        (parts.release.query == index, "release"),
    ];
    let other = of_this_query.into_iter().find(|(belongs, _)| !belongs);
    other.map_or(Ok(()), |(_, what)| Err(Fault::OtherEntry(what)))
}

fn files_are_those_released(parts: &Parts<'_>) -> Result<(), Fault> {
    let entry = parts.release;
    let salt: &[u8; 32] = parts.salt.try_into().map_err(|_| Fault::NotReleased("the salt"))?;
    if salted_digest(salt, parts.table) != entry.table {
        return Err(Fault::NotReleased("the table, with its salt,"));
    }
    if Hash256::of(parts.proof) != entry.proof {
        return Err(Fault::NotReleased("the proof"));
    }
    if Hash256::of(parts.commitments) != entry.participants {
        return Err(Fault::NotReleased("the participants' commitments"));
    }
    Ok(())
}

/// What the participants committed to, with all of their signatures, as the log has it.
fn commitments(parts: &Parts<'_>, scope: &Scope) -> Result<SignedCommitments, Fault> {
    let (entry, logged) = (parts.query.1, parts.participants.1);
    let submissions = SignedSubmissions::from_bytes(parts.commitments, entry.id(), scope.roster());
    let submissions = submissions.map_err(Fault::CommitmentsForm)?;
    let certificate = &submissions.certificate().certificate;
    let attempt = Attempt::new(logged.attempt).filter(|attempt| *attempt == certificate.attempt);
    let attempt = attempt.ok_or(Fault::Participants("another attempt was logged"))?;
    let verifier = Verifier::new(entry.id(), attempt, scope, Rules::all());
    let round = verifier.round();
    if !certificate.participants.suppliers().eq(&logged.participants) {
        return Err(Fault::Participants("others were logged"));
    }
    if certificate.statement().digest(round) != logged.statement() || certificate.digest(round) != logged.certificate {
        return Err(Fault::Participants("another certificate was logged"));
    }
    if (logged.participants.len() as u64) < entry.min_suppliers {
        return Err(Fault::Participants("they are fewer than the question accepts"));
    }
    Ok(submissions.verify(&verifier)?)
}

fn plan(parts: &Parts<'_>, codebook: &Codebook) -> Result<Plan, Fault> {
    let query = Query::from_json(codebook, text(parts.question, "query document")?)?;
    let entry = parts.query.1;
    let same = query.canonical_bytes() == parts.question
        && query.dataset().name() == entry.dataset
        && query.edition() == Some(&entry.edition);
    if !same {
        return Err(Fault::OtherDocument("query document"));
    }
    Ok(Plan::new(codebook, &query)?)
}

/// Everything in the release but its cells follows from what was logged: it is put together once more, and compared.
fn says_what_was_logged<'s>(
    parts: &Parts<'_>,
    release: &Release,
    (codebook, plan, policy): (&Codebook, &Plan, &Policy),
    participants: impl Iterator<Item = &'s SupplierId>,
) -> Result<(), Fault> {
    let entry = parts.query.1;
    let absences = release.notes().iter().filter_map(|note| match note {
        Note::SupplierAbsent { supplier, reason } => Some((supplier.clone(), Absence::clone(reason))),
        _ => None,
    });
    let facts = RoundFacts {
        query: entry.id(),
        edition: entry.edition.clone(),
        purpose: entry.purpose.clone(),
        asked_at: entry.asked_at,
        released_at: release.released_at(),
        asked: entry.scope.iter().cloned().collect(),
        taking_part: participants.cloned().collect(),
        absences: absences.collect(),
    };
    if release.query() != facts.query {
        return Err(Fault::Says("which query it answers"));
    }
    if *release.suppliers_taking_part() != facts.taking_part || *release.suppliers_asked() != facts.asked {
        return Err(Fault::Participants("the table names others"));
    }
    let complete = facts.taking_part == facts.asked;
    if complete != (parts.release.outcome == Outcome::Complete) {
        return Err(Fault::Says("whether all suppliers took part"));
    }
    if let Some(noise) = Noise::of(plan, entry.honest_participants())
        && !noise.is_said_by(release.table(), plan, facts.taking_part.len() as u64)
    {
        return Err(Fault::Says("how much noise was added"));
    }
    let mut cells = release.table().rows().iter().flat_map(|row| row.figures());
    let missing = |cell: &CellValue| match cell {
        CellValue::SupplierAbsent => complete,
        // Every node that takes part keeps all that is asked.
        CellValue::NotCollected => true,
        _ => false,
    };
    if cells.any(missing) {
        return Err(Fault::Says("whose figures are missing"));
    }
    let again = Release::new(codebook, plan, policy, facts, release.table().clone())?;
    if again != *release || again.to_json()? != parts.table {
        return Err(Fault::Says("question, rules, labels or notes"));
    }
    let mut hidden: BTreeMap<&str, u64> = BTreeMap::new();
    for value in release.table().rows().iter().flat_map(|row| row.figures()) {
        if let Some(rule) = value.status().code().strip_prefix("hidden-") {
            *hidden.entry(rule).or_default() += 1;
        }
    }
    let logged = parts.release.hidden.iter().map(|(rule, cells)| (rule.as_str(), *cells));
    if logged.eq(hidden) { Ok(()) } else { Err(Fault::Says("how many cells are hidden")) }
}

/// Verifies the proofs of all columns of which something is shown; yields what the table claims.
fn proved(
    bytes: &[u8],
    release: &Release,
    (plan, policy): (&Plan, &Policy),
    commitments: &SignedCommitments,
) -> Result<Vec<Vec<CellClaim>>, Fault> {
    let columns = plan.columns().len();
    let proofs = ReleaseProof::split_file(bytes, columns).map_err(Fault::ProofForm)?;
    if proofs.len() != columns || commitments.columns() != columns {
        return Err(Fault::Says("how many columns were committed to"));
    }
    let protection = Protection::of(&policy.with_codebook(plan.dataset())?);
    let claimed = claims(plan, &protection, release.table())?;
    let generators = Generators::with_capacity(plan.cell_count());
    for (column, (bytes, claims)) in proofs.iter().zip(&claimed).enumerate() {
        let statement = Statement::new(commitments, &plan.hash(), &protection, column, claims.clone())?;
        match bytes {
            None if statement.says_nothing() => {}
            Some(bytes) if !statement.says_nothing() => {
                let proof = ReleaseProof::from_bytes(bytes).map_err(|cause| Fault::ProofBytes { column, cause })?;
                verify(&statement, &proof, &generators)?;
            }
            _ => return Err(ProofError::Form { column, what: "whether anything of it is shown" }.into()),
        }
    }
    Ok(claimed)
}

/// Figures that are shown and neither counts nor sums.
fn computed(plan: &Plan, release: &Release) -> usize {
    let of_row = |figures: &[CellValue]| {
        let pairs = plan.outputs().iter().zip(figures);
        let computed = pairs.filter(|(output, value)| {
            let added_up = matches!(
                output.kind(),
                OutputKind::Count { .. } | OutputKind::Sum { .. } | OutputKind::NoisedSum { .. }
            );
            !added_up && value.value().is_some() || matches!(value, CellValue::Within(_))
        });
        computed.count()
    };
    release.table().rows().iter().map(|row| of_row(row.figures())).sum()
}
