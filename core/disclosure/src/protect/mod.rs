//! From totals to a protected table.

mod check;
mod dominance;
mod figure;
mod guarded;
mod hide;
mod noised;
mod quantile;
mod sums;

use std::collections::BTreeSet;

use optelsom_codebook::{Label, Lang, Output, OutputKind, Plan, QueryId};
use thiserror::Error;

use crate::history::History;
use crate::policy::{Policy, PolicyError};
use crate::table::{AxisHeading, FigureHeading, PlaceHeading, ProtectedTable, Row};
use crate::totals::Totals;
use figure::Opened;
pub(crate) use hide::{published, values_of};
pub use noised::protect_noised;

/// Why no table can be made. Says nothing of what was counted; nothing is released.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProtectError {
    /// A bug: the totals are not those of the plan.
    #[error("the totals do not fit the plan: this is a bug")]
    Shape,
    /// A bug: noise was asked for, and these totals were to be protected by hiding.
    #[error("a question that asks for noise is not answered without: this is a bug; nothing is released")]
    Noised,
    /// A bug: the policy is another dataset's, or weaker than the codebook's.
    #[error("the disclosure policy is not one for dataset `{0}`: this is a bug")]
    OtherPolicy(String),
    /// The rules in force contradict each other.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A supplier sent what no data can have; the masks hide which one did.
    #[error(
        "the totals contradict each other ({0}): a supplier submitted what no data can have, and nobody can tell which; \
         each supplier should check its node's software"
    )]
    Contradiction(&'static str),
    /// A bug: no way of hiding stood up to the attacker.
    #[error("no safe table was found: this is a bug; nothing is released")]
    Unsafe,
    /// Whatever is hidden of it, the table would give something away together with an earlier one.
    #[error(
        "together with the release of query {0}, about the same edition, this table would give away what may not be \
         known, however much of it is hidden; ask something that overlaps less with that question"
    )]
    Collides(QueryId),
    /// Too many tables that look at too many things at once.
    #[error(
        "this table and those released before about the same edition, such as that of query {0}, look at too many things \
         together to make sure that nothing can be worked out of them; ask for fewer axes and codes, or of the next edition"
    )]
    TooMuchBefore(QueryId),
    /// The rows cannot have been the same.
    #[error(
        "no population fits this table and those released before about the same edition: a supplier has counted other \
         records than before, or a release was changed; nothing is released"
    )]
    ContradictsBefore,
    /// A figure needs more digits than can be held.
    #[error("`{0}` is too large to be computed exactly; ask for a smaller group or another figure")]
    TooLarge(String),
}

/// Turns opened totals into a table that may be shown, and forgets the totals.
///
/// A cell that counts some, but fewer than the policy's k, or by fewer than s suppliers, is hidden, and with it the cells
/// from which it could be worked out. A sum is hidden, too, when one row may make up too much of it. A figure is hidden when the count of its cell is, or
/// the count of the values that it is made of, or its margin; a quantile when the bin that holds it is, or when hidden
/// bins could move it. Figures are computed exactly and rounded once, half away from zero.
///
/// # Errors
/// When totals, plan and policy do not belong together, or the totals contradict each other.
pub fn protect(plan: &Plan, policy: &Policy, totals: Totals) -> Result<ProtectedTable, ProtectError> {
    protect_after(plan, policy, totals, &History::none(BTreeSet::new()))
}

/// As [`protect`], where releases about the same edition were made before: nothing hidden in them or in this table can be
/// worked out of all together.
///
/// # Errors
/// As [`protect`]; and when no way of hiding keeps what was published before from being given away, or what was published
/// before is too much to be looked at together.
pub fn protect_after(
    plan: &Plan,
    policy: &Policy,
    totals: Totals,
    history: &History,
) -> Result<ProtectedTable, ProtectError> {
    if plan.query().epsilon().is_some() {
        return Err(ProtectError::Noised);
    }
    let dataset = plan.dataset();
    if policy.dataset() != dataset.name() || policy.minimum_frequency() < dataset.minimum_frequency() {
        return Err(ProtectError::OtherPolicy(dataset.name().to_owned()));
    }
    let policy = &policy.with_codebook(dataset)?;
    let columns = totals.columns();
    if columns.len() != plan.columns().len() || columns.iter().any(|column| column.len() != plan.cell_count()) {
        return Err(ProtectError::Shape);
    }
    check::consistent(plan, columns)?;
    let hidden = hide::Hidden::decide(plan, policy, columns, history)?;
    let k = i64::try_from(policy.minimum_frequency()).unwrap_or(i64::MAX);
    let rounding = policy.rounding_base().and_then(|base| i64::try_from(base).ok());
    let opened = Opened { plan, columns, k, rounding, hidden: &hidden };
    // Axes that only quantiles need stand last, and are not shown.
    let shown = plan.query().axes().len();
    let mut rows = Vec::with_capacity(plan.cell_count());
    for (at, block) in plan.blocks().iter().enumerate().filter(|(_, block)| block.shown()) {
        for cell in block.cells() {
            let figures = plan.outputs().iter().map(|output| opened.figure(output, at, cell));
            let mut places = plan.cell(cell).ok_or(ProtectError::Shape)?.positions;
            places.truncate(shown);
            rows.push(Row::new(places, figures.collect::<Result<_, _>>()?));
        }
    }
    let axes = axis_headings(plan).take(shown).collect();
    Ok(ProtectedTable::new(axes, headings(plan, policy), rows).with_bases(hidden.bases(&opened)?))
}

/// The headings of all axes of a plan.
fn axis_headings(plan: &Plan) -> impl Iterator<Item = AxisHeading> + '_ {
    plan.axes().iter().map(|axis| {
        let places = (0..).zip(axis.codes()).map(|(at, code)| PlaceHeading {
            code: code.code().to_owned(),
            parent: plan.parent_of(axis, at).map(|parent| parent.code().to_owned()),
            label: code.label().clone(),
        });
        AxisHeading {
            name: axis.name().to_owned(),
            label: axis.label().clone(),
            multiple: axis.multiple(),
            parents: plan.parents_of(axis).map(|parents| parents.name().to_owned()),
            places: places.collect(),
        }
    })
}

fn headings(plan: &Plan, policy: &Policy) -> Vec<FigureHeading> {
    plan.outputs().iter().map(|output| figure_heading(output, policy.rounding_base())).collect()
}

fn figure_heading(output: &Output, rounding_base: Option<u64>) -> FigureHeading {
    let is_count = matches!(output.kind(), OutputKind::Count { .. });
    FigureHeading {
        name: output.name().to_owned(),
        kind: output.kind().into(),
        label: Label::new(output.label(Lang::Nl), output.label(Lang::En)),
        unit: Label::new(output.unit(Lang::Nl), output.unit(Lang::En)),
        decimals: output.decimals(),
        rounded_to: rounding_base.filter(|_| is_count),
        noise: None,
    }
}

#[cfg(test)]
mod tests;
