//! Finding what a question names, or the nearest thing to it.

use std::sync::Arc;

use super::error::QueryError;
use super::figure::{Detail, GroupAxis};
use crate::code_list::{CodeIndex, CodeList, Group, Node};
use crate::code_set::CodeSet;
use crate::codebook::Codebook;
use crate::dataset::{Dataset, Measure, Variable};
use crate::excerpt::excerpt;
use crate::suggest::{Candidate, did_you_mean, listed, nearest};

/// "did you mean", or else what there is.
fn instead<'a>(near: Option<&str>, kind: &str, all: impl Iterator<Item = &'a str>) -> String {
    match near {
        Some(_) => did_you_mean(near),
        None => format!("{kind} {}", listed(all)),
    }
}

/// The dataset of this name, in any case.
pub(super) fn dataset<'c>(codebook: &'c Codebook, name: &str) -> Result<&'c Arc<Dataset>, QueryError> {
    codebook.datasets().find(|dataset| dataset.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
        let near = nearest(name, codebook.datasets().map(|d| Candidate::labelled(d.name(), d.label())));
        QueryError::Unknown {
            kind: "dataset",
            name: excerpt(name),
            place: String::new(),
            instead: instead(near, "there is", codebook.datasets().map(|dataset| dataset.name())),
        }
    })
}

/// The position of the variable of this name, in any case.
pub(super) fn variable(dataset: &Dataset, name: &str) -> Result<usize, QueryError> {
    let found = dataset.variables().iter().position(|variable| variable.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        if let Some(measure) = dataset.measures().iter().find(|measure| measure.name().eq_ignore_ascii_case(name)) {
            let name = measure.name();
            return QueryError::not_allowed(
                format!("the measure `{name}` in the place of a variable"),
                format!("use SUM({name}), AVG({name}) or HISTOGRAM({name}, 0, 10, …)"),
            );
        }
        let near = nearest(name, dataset.variables().iter().map(Variable::candidate));
        unknown(dataset, "variable", name, near, dataset.variables().iter().map(Variable::name))
    })
}

/// The axis that the name of a variable stands for: its only one, or that of its codes. `what` goes before the name where
/// there is none.
pub(super) fn axis_of(dataset: &Dataset, axes: &[GroupAxis], name: &str, what: &str) -> Result<usize, QueryError> {
    let wanted = variable(dataset, name)?;
    let of_variable = axes.iter().enumerate().filter_map(|(at, axis)| match axis {
        GroupAxis::Variable(index, detail) if *index == wanted => Some((at, *detail)),
        _ => None,
    });
    let of_variable: Vec<(usize, Detail)> = of_variable.collect();
    match (of_variable.as_slice(), of_variable.iter().find(|(_, detail)| *detail == Detail::Codes)) {
        ([], _) => Err(no_axis(what, &format!("`{name}`"))),
        ([(only, _)], _) | (_, Some((only, _))) => Ok(*only),
        _ => Err(QueryError::not_allowed(
            format!("{what}`{name}`, of which several levels are asked,"),
            format!("say which, as in LEVEL({name}, 1)"),
        )),
    }
}

/// An axis that is not among those grouped by, as it was written.
pub(super) fn no_axis(what: &str, axis: &str) -> QueryError {
    QueryError::not_allowed(format!("{what}{axis} without GROUP BY"), format!("add {axis} to GROUP BY"))
}

/// The position of the measure of this name, in any case.
pub(super) fn measure(dataset: &Dataset, name: &str) -> Result<usize, QueryError> {
    let found = dataset.measures().iter().position(|measure| measure.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        if let Some(variable) = dataset.variables().iter().find(|variable| variable.name().eq_ignore_ascii_case(name)) {
            let name = variable.name();
            return QueryError::not_allowed(
                format!("a sum or mean of `{name}`, whose values are codes,"),
                format!("use COUNT(*) with GROUP BY {name}"),
            );
        }
        let near = nearest(name, dataset.measures().iter().map(Measure::candidate));
        unknown(dataset, "measure", name, near, dataset.measures().iter().map(|measure| measure.name()))
    })
}

fn unknown<'a>(
    dataset: &Dataset,
    kind: &'static str,
    name: &str,
    near: Option<&str>,
    all: impl Iterator<Item = &'a str>,
) -> QueryError {
    let place = format!(" in `{}`", dataset.name());
    QueryError::Unknown { kind, name: excerpt(name), place, instead: instead(near, "it has", all) }
}

/// The codes that this code of the variable, written exactly so, stands for: itself, or all of a group.
pub(super) fn codes(variable: &Variable, code: &str) -> Result<CodeSet, QueryError> {
    let list: &CodeList = variable.list();
    list.find(code).map(|node| list.codes_of(node)).ok_or_else(|| unknown_code(variable, code))
}

/// The position of this code of the variable, written exactly so, where a group will not do.
pub(super) fn code(variable: &Variable, code: &str) -> Result<CodeIndex, QueryError> {
    match variable.list().find(code) {
        Some(Node::Code(index)) => Ok(index),
        Some(Node::Group(_)) => Err(QueryError::not_allowed(
            format!("a range of `{}` that begins or ends with the group `{}`", variable.name(), excerpt(code)),
            format!("name a code within it, or write {} = '{code}'", variable.name()),
        )),
        None => Err(unknown_code(variable, code)),
    }
}

fn unknown_code(variable: &Variable, code: &str) -> QueryError {
    let list: &CodeList = variable.list();
    let all = || list.groups().iter().map(Group::code).chain(list.codes());
    let near = nearest(code, all().map(|c| Candidate::labelled(c.code(), c.label())));
    QueryError::Unknown {
        kind: "code",
        name: excerpt(code),
        place: format!(" of `{}`", variable.name()),
        instead: instead(near, "it has", all().map(|code| code.code())),
    }
}
