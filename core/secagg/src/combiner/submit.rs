//! Submit: masked tables are added up as they come in, so that memory does not grow with the number of suppliers.

use std::collections::BTreeMap;
use std::sync::Arc;

use curve25519_dalek::Scalar;
use curve25519_dalek::ristretto::CompressedRistretto;
use optelsom_codebook::{SupplierId, Timestamp};

use super::gather::Fate;
use super::pair::Lineup;
use super::{Answers, Combiner, Effect, Phase, Shape, Step};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Attempt, CoordinatorMessage, Encapsulation, EncryptedShare, SubmissionHeader, TableChunk};
use crate::table::TableDigest;

#[derive(Debug)]
pub(super) struct Submitting {
    pub(super) lineup: Lineup,
    pub(super) until: Timestamp,
    /// By whom they are for.
    encapsulations: BTreeMap<SupplierId, Arc<[Encapsulation]>>,
    incoming: BTreeMap<SupplierId, Incoming>,
    /// The sum of all words received so far, each counted once.
    sum: Vec<u64>,
}

/// What has come of one submission.
#[derive(Debug)]
struct Incoming {
    submission: Option<(SubmissionHeader, Vec<EncryptedShare>)>,
    /// How many words have been added.
    words: usize,
    digest: TableDigest,
    /// Something has come since requests were last repeated.
    moving: bool,
}

/// What Submit has brought.
#[derive(Debug)]
pub(super) struct Submissions {
    pub(super) lineup: Lineup,
    /// By who submitted.
    pub(super) submissions: Vec<(SubmissionHeader, Vec<EncryptedShare>)>,
    pub(super) sum: Vec<u64>,
}

impl Submitting {
    pub(super) fn owed_by(&self, supplier: &SupplierId) -> Option<CoordinatorMessage> {
        let owes = self.silent().any(|silent| silent == supplier);
        owes.then(|| {
            let encapsulations = self.encapsulations.get(supplier).cloned().unwrap_or_default();
            CoordinatorMessage::Exchange { attempt: self.lineup.attempt, encapsulations }
        })
    }

    pub(super) fn silent(&self) -> impl Iterator<Item = &SupplierId> {
        self.incoming.iter().filter(|(_, incoming)| !incoming.complete(self.sum.len())).map(|(supplier, _)| supplier)
    }

    pub(super) fn answers(&self) -> Answers {
        let of = self.incoming.len();
        Answers { attempt: self.lineup.attempt, answered: of - self.silent().count(), of }
    }

    /// Who has sent something since this was last asked.
    pub(super) fn take_moving(&mut self) -> Vec<SupplierId> {
        let moving = self
            .incoming
            .iter_mut()
            .filter_map(|(supplier, incoming)| std::mem::take(&mut incoming.moving).then(|| supplier.clone()));
        moving.collect()
    }

    fn open(&mut self, attempt: Attempt, from: &SupplierId) -> Option<&mut Incoming> {
        if self.lineup.attempt == attempt { self.incoming.get_mut(from) } else { None }
    }
}

impl Incoming {
    fn complete(&self, total: usize) -> bool {
        self.submission.is_some() && self.words == total
    }
}

impl Combiner {
    pub(super) fn enter_submitting(&mut self, step: &mut Step) {
        let Some((lineup, made)) = self.leave_pairing() else { return };
        let mut encapsulations: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for encapsulation in made {
            encapsulations.entry(encapsulation.to.clone()).or_default().push(encapsulation);
        }
        let encapsulations = encapsulations.into_iter().map(|(to, made)| (to, made.into())).collect();
        let total = words(self.shape);
        let digest = TableDigest::new();
        let nothing = |supplier: &SupplierId| {
            let incoming = Incoming { submission: None, words: 0, digest: digest.clone(), moving: false };
            (supplier.clone(), incoming)
        };
        let incoming = lineup.participants.suppliers().map(nothing).collect();
        let until = step.now.plus_millis(self.policy.phase_timeout_ms);
        let sum = vec![0; total];
        self.phase = Phase::Submitting(Submitting { lineup, until, encapsulations, incoming, sum });
        self.progress(step);
        self.send_owed(step);
    }

    pub(super) fn submission(
        &mut self,
        step: &mut Step,
        from: &SupplierId,
        attempt: Attempt,
        header: SubmissionHeader,
        shares: Vec<EncryptedShare>,
    ) -> Result<(), Fault> {
        let by_supplier = |what| Party::Supplier(from.clone()).did(what);
        let verifier = self.verifier(attempt);
        let Phase::Submitting(submitting) = &self.phase else { return Ok(()) };
        let Some(incoming) = submitting.incoming.get(from).filter(|_| submitting.lineup.attempt == attempt) else {
            return Ok(());
        };
        if header.supplier != *from {
            return Err(by_supplier(FaultKind::SpeaksForAnother(header.supplier)));
        }
        header.verify(&verifier).map_err(by_supplier)?;
        if let Some((earlier, _)) = &incoming.submission {
            let same = *earlier == header;
            return if same { Ok(()) } else { Err(by_supplier(FaultKind::TwoStatements { statement: "submission" })) };
        }
        check_form(&header, &shares, &submitting.lineup, self.shape).map_err(by_supplier)?;
        let until = step.now.plus_millis(self.policy.phase_timeout_ms);
        if let Phase::Submitting(submitting) = &mut self.phase {
            submitting.until = until;
            if let Some(incoming) = submitting.open(attempt, from) {
                incoming.submission = Some((header, shares));
                incoming.moving = true;
            }
        }
        self.submitted(step, from)
    }

    pub(super) fn chunk(&mut self, step: &mut Step, from: &SupplierId, chunk: &TableChunk) -> Result<(), Fault> {
        let by_supplier = |what| Party::Supplier(from.clone()).did(what);
        let Phase::Submitting(submitting) = &mut self.phase else { return Ok(()) };
        let until = step.now.plus_millis(self.policy.phase_timeout_ms);
        let total = submitting.sum.len();
        let Some(incoming) = submitting.incoming.get_mut(from).filter(|_| submitting.lineup.attempt == chunk.attempt)
        else {
            return Ok(());
        };
        let start = usize::try_from(chunk.offset).map_err(|_| by_supplier(FaultKind::ChunkOutside))?;
        let end = start.checked_add(chunk.words.len()).filter(|end| *end <= total);
        let end = end.ok_or_else(|| by_supplier(FaultKind::ChunkOutside))?;
        // A chunk that leaves a gap is dropped: the table will be sent again. Words that came before are not counted
        // twice, whatever they are now.
        if start > incoming.words || end <= incoming.words {
            return Ok(());
        }
        let fresh = chunk.words.get(incoming.words - start..).unwrap_or_default();
        let sums = submitting.sum.iter_mut().skip(incoming.words);
        sums.zip(fresh).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
        incoming.digest.update(fresh);
        incoming.words = end;
        incoming.moving = true;
        submitting.until = until;
        self.submitted(step, from)
    }

    /// Something of this submission has come; if all of it, holds it against its header.
    fn submitted(&mut self, step: &mut Step, from: &SupplierId) -> Result<(), Fault> {
        let Phase::Submitting(submitting) = &mut self.phase else { return Ok(()) };
        let total = submitting.sum.len();
        let Some(incoming) = submitting.incoming.get(from).filter(|incoming| incoming.complete(total)) else {
            return Ok(());
        };
        let digest = incoming.digest.finish();
        let fits = incoming.submission.as_ref().is_some_and(|(header, _)| header.table_digest == digest);
        let all = submitting.silent().next().is_none();
        if !fits {
            // Its words are in the sum already, so the attempt is lost.
            step.effects.push(Effect::Reject(Party::Supplier(from.clone()).did(FaultKind::TableDigest)));
            self.fail(step, vec![(from.clone(), Fate::Out)]);
            return Ok(());
        }
        self.progress(step);
        if all {
            self.enter_certifying(step);
        }
        Ok(())
    }

    /// Leaves this step with what it has brought.
    pub(super) fn leave_submitting(&mut self) -> Option<Submissions> {
        let until = Timestamp::from_millis(0);
        match std::mem::replace(&mut self.phase, Phase::Gathering { until }) {
            Phase::Submitting(Submitting { lineup, incoming, sum, .. }) => {
                let submissions = incoming.into_values().filter_map(|incoming| incoming.submission).collect();
                Some(Submissions { lineup, submissions, sum })
            }
            other => {
                self.phase = other;
                None
            }
        }
    }
}

/// How many words a table has.
fn words(shape: Shape) -> usize {
    shape.columns.saturating_mul(shape.cells)
}

/// Whether header and shares have the form that is due: of these participants, with a commitment and a blinding per
/// column, and the sealed shares that the header names.
fn check_form(
    header: &SubmissionHeader,
    shares: &[EncryptedShare],
    lineup: &Lineup,
    shape: Shape,
) -> Result<(), FaultKind> {
    let of = &header.supplier;
    if let Some(detail) = header.form_for(&lineup.participants, shape.columns) {
        return Err(FaultKind::Header { of: of.clone(), detail });
    }
    for column in &header.columns {
        if Option::<Scalar>::from(Scalar::from_canonical_bytes(column.masked_blinding)).is_none() {
            return Err(FaultKind::Header { of: of.clone(), detail: "a blinding is no scalar" });
        }
        if CompressedRistretto(column.commitment).decompress().is_none() {
            return Err(FaultKind::Commitment(of.clone()));
        }
    }
    let named = shares.iter().map(|share| (share.to.clone(), share.digest())).eq(header.sealed_shares.iter().cloned());
    if !named || shares.iter().any(|share| share.from != *of) {
        return Err(FaultKind::NotOneEach { what: "share" });
    }
    Ok(())
}
