//! The oracle: it knows what everybody counted.

use optelsom_codebook::SupplierId;
use optelsom_disclosure::Totals;
use optelsom_secagg::combiner::Outcome;
use optelsom_secagg::{Fault, FaultKind, Party};

use super::World;

impl World {
    /// What these suppliers' tables come to, with the noise that they have added.
    fn oracle(&self, participants: &[SupplierId]) -> Option<Totals> {
        let mut total = self.federation.total(participants)?;
        for drawn in participants.iter().filter_map(|supplier| self.noise.get(supplier)) {
            for (sum, noise) in total.iter_mut().flatten().zip(drawn.iter().flatten()) {
                *sum = sum.checked_add(*noise)?;
            }
        }
        Some(Totals::new(total))
    }

    /// The oracle's verdict on a run that has ended.
    ///
    /// # Errors
    /// When more than one total was released, or an untrue one, or the ending does not fit, or somebody honest was blamed.
    pub fn judge(&mut self) -> Result<(), String> {
        let outcome = self.desk.outcome().cloned();
        // A desk that is started again announces the same ending, and opens nothing.
        self.desk.kill();
        self.desk.start(self.schedule.now(), &mut || false);
        if self.desk.outcome() != outcome.as_ref() {
            return Err(format!("ended as {outcome:?}, after a restart as {:?}", self.desk.outcome()));
        }
        if self.desk.endings().iter().any(|ending| Some(ending) != outcome.as_ref()) {
            return Err(format!("several endings: {:?}", self.desk.endings()));
        }
        match (self.desk.releases(), &outcome) {
            ([release], Some(Outcome::Opened)) => {
                if self.oracle(&release.participants).is_some_and(|truth| release.totals == truth) {
                    self.judge_blame()
                } else {
                    Err("the opened total is not the true one".to_owned())
                }
            }
            ([], Some(Outcome::Opened)) => Err("ended as opened, and no total was released".to_owned()),
            ([], Some(_)) => self.judge_blame(),
            (releases, outcome) => Err(format!("{} totals were released and the end was {outcome:?}", releases.len())),
        }
    }

    /// Nobody honest is named as the culprit, and where one of several must be, somebody of them has cheated. (That the
    /// coordinator is named is right where the network brought its messages late or in another order.)
    fn judge_blame(&self) -> Result<(), String> {
        let unjust = |fault: &&Fault| match &fault.party {
            Party::Supplier(named) => !self.distrusted.contains(named),
            Party::Unattributable { between } => between.iter().all(|named| !self.distrusted.contains(named)),
            Party::Coordinator => !matches!(fault.what, FaultKind::NotDue { .. }),
            Party::Requester | Party::ThisHost => false,
        };
        self.faults.iter().find(unjust).map_or(Ok(()), |fault| Err(format!("nobody dishonest is named in: {fault}")))
    }
}
