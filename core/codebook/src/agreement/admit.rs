//! Whether a question lies within what was agreed.

use super::{Agreement, DatasetTerms, Refusal, RefusalReason};
use crate::plan::Plan;
use crate::query::Epsilon;
use crate::timestamp::Timestamp;

/// A question as a node sees it when it decides.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What would be counted.
    pub plan: &'a Plan,
    /// What for, as the analyst declared it in the signed query.
    pub purpose: &'a str,
    /// The moment of deciding.
    pub now: Timestamp,
    /// The fewest suppliers whose sum would be opened.
    pub min_suppliers: usize,
    /// The rules that the signed query promises for its table, the codebook's among them.
    pub rules: ProtectionRules,
    /// Questions of the same dataset that this node has admitted on the same day.
    pub queries_today: u32,
}

/// The rules of disclosure control by which a table is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtectionRules {
    /// k: cells of fewer rows are hidden.
    pub minimum_frequency: u64,
    /// s: cells of fewer suppliers are hidden. 1 where they are not counted.
    pub minimum_suppliers: u64,
    /// p of the p% rule, if there is one.
    pub dominance_percent: Option<u64>,
    /// What counts are rounded to a multiple of, if they are.
    pub rounding_base: Option<u64>,
}

/// What the agreement says of a question that it doesn't refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may be answered.
    Admitted(Admitted),
    /// It may be answered once a person has approved it.
    NeedsApproval(PendingApproval),
}

/// A plan that the agreement admits. Only such a plan is ever counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted(Plan);

impl Admitted {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}

/// A plan that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingApproval(Plan);

impl PendingApproval {
    /// The plan that waits.
    pub fn plan(&self) -> &Plan {
        &self.0
    }

    /// To be called when the supplier's own operator has approved the question.
    pub fn approve(self) -> Admitted {
        Admitted(self.0)
    }
}

impl Agreement {
    /// Whether this question lies within the agreement.
    ///
    /// # Errors
    /// The first reason, in a fixed order, why it doesn't.
    pub fn admit(&self, request: &Request<'_>) -> Result<Admission, Refusal> {
        if request.now < self.from || request.now >= self.until {
            return Err(Refusal::new(RefusalReason::AgreementNotInForce, request.now.to_string()));
        }
        let dataset = request.plan.dataset().name();
        let terms =
            self.dataset(dataset).ok_or_else(|| Refusal::new(RefusalReason::DatasetNotAgreed, dataset.to_owned()))?;
        terms.check_subject(request)?;
        terms.check_amounts(request)?;
        let plan = request.plan.clone();
        Ok(if terms.every_query_waits_for_approval {
            Admission::NeedsApproval(PendingApproval(plan))
        } else {
            Admission::Admitted(Admitted(plan))
        })
    }
}

impl DatasetTerms {
    /// Noise takes the place of the rules by which cells are hidden. What has been spent of the budget, the node looks up
    /// when it charges the question.
    fn check_budget(&self, epsilon: Epsilon) -> Result<(), Refusal> {
        match self.privacy_budget {
            None => Err(Refusal::new(RefusalReason::NoiseNotAgreed, "")),
            Some(budget) if !budget.has(epsilon, 0) => {
                Err(Refusal::new(RefusalReason::PrivacyBudgetSpent, format!("ε ≤ {budget}")))
            }
            Some(_) => Ok(()),
        }
    }

    fn check_subject(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let plan = request.plan;
        if !self.allows_purpose(request.purpose) {
            return Err(Refusal::new(RefusalReason::PurposeNotAgreed, request.purpose.to_owned()));
        }
        if let Some(variable) =
            plan.variables_used().into_iter().find(|variable| !self.allows_variable(variable.name()))
        {
            return Err(Refusal::new(RefusalReason::VariableNotAgreed, variable.name().to_owned()));
        }
        if let Some(measure) = plan.measures_used().into_iter().find(|measure| !self.allows_measure(measure.name())) {
            return Err(Refusal::new(RefusalReason::MeasureNotAgreed, measure.name().to_owned()));
        }
        match plan.periods().into_iter().find(|period| !self.allows_period(period)) {
            Some(period) => Err(Refusal::new(RefusalReason::OutsidePeriod, period.to_owned())),
            None => Ok(()),
        }
    }

    fn check_amounts(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let refuse = |reason, subject: String| Err(Refusal::new(reason, subject));
        if (request.min_suppliers as u64) < self.minimum_suppliers {
            return refuse(RefusalReason::TooFewSuppliers, format!("≥ {}", self.minimum_suppliers));
        }
        if request.plan.cell_count() as u64 > self.maximum_cells {
            return refuse(RefusalReason::TooManyCells, format!("≤ {}", self.maximum_cells));
        }
        if u64::from(request.queries_today) >= self.queries_per_day {
            return refuse(RefusalReason::TooManyQueriesToday, self.queries_per_day.to_string());
        }
        if let Some(epsilon) = request.plan.query().epsilon() {
            return self.check_budget(epsilon);
        }
        let (rules, dataset) = (request.rules, request.plan.dataset());
        let least_frequency = self.minimum_frequency.unwrap_or_default().max(dataset.minimum_frequency());
        let agreed = [
            ("k", Some(least_frequency), Some(rules.minimum_frequency)),
            ("s", self.minimum_suppliers_per_cell, Some(rules.minimum_suppliers)),
            ("p", self.dominance_percent, rules.dominance_percent),
            ("rounding to", self.rounding_base, rules.rounding_base),
        ];
        match agreed.into_iter().find(|(_, agreed, promised)| agreed > promised) {
            Some((rule, agreed, _)) => {
                refuse(RefusalReason::Policy, format!("{rule} = {}", agreed.unwrap_or_default()))
            }
            None => Ok(()),
        }
    }
}
