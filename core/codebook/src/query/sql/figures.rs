//! What is selected: grouped variables and figures.

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, SelectItem};

use super::super::error::QueryError;
use super::super::figure::{Detail, Figure, GroupAxis, Histogram, Probability};
use super::super::lookup;
use super::grouping::Grouping;
use super::{ident_name, literal_of, name_of, number_of, shown};
use crate::dataset::{Dataset, Measure};
use crate::decimal::parse_decimal;
use crate::suggest::{Candidate, did_you_mean, nearest};

/// Every function that can be asked, as it is called.
const FUNCTIONS: [&str; 12] = [
    "COUNT",
    "SUM",
    "AVG",
    "VAR",
    "VAR_POP",
    "STDDEV",
    "STDDEV_POP",
    "SHARE",
    "HISTOGRAM",
    "QUANTILE",
    "MEDIAN",
    "LEVEL",
];

/// An argument of a function: `*` or an expression.
enum Argument<'a> {
    Star,
    Expr(&'a Expr),
}

/// A call in capitals, with its arguments.
struct Call<'a> {
    name: String,
    arguments: Vec<Argument<'a>>,
}

/// Reads the figures; histograms become axes.
pub(super) fn read(
    dataset: &Dataset,
    projection: &[SelectItem],
    grouping: &mut Grouping,
) -> Result<Vec<Figure>, QueryError> {
    let (mut calls, mut selected) = (Vec::new(), Vec::new());
    for item in projection {
        let expr = expression(item)?;
        if let Some(name) = name_of(expr) {
            let place = lookup::axis_of(dataset, &grouping.axes, name, "")?;
            selected.extend(grouping.axes.get(place).cloned());
            continue;
        }
        match axis_call(dataset, expr)? {
            Some(axis @ GroupAxis::Histogram(_)) => {
                grouping.add_everywhere(axis.clone())?;
                selected.push(axis);
            }
            Some(axis) if grouping.axes.contains(&axis) => selected.push(axis),
            Some(_) => return Err(lookup::no_axis("", &shown(expr))),
            None => calls.push(call(expr)?),
        }
    }
    grouping.reorder(&selected);
    // Only now are all axes known that a figure may refer to.
    calls.iter().map(|call| figure(dataset, call, grouping)).collect()
}

fn expression(item: &SelectItem) -> Result<&Expr, QueryError> {
    match item {
        SelectItem::UnnamedExpr(expr) => Ok(expr),
        SelectItem::ExprWithAlias { .. } | SelectItem::ExprWithAliases { .. } => {
            Err(QueryError::not_allowed("AS", "columns keep the names of the codebook; rename them afterwards"))
        }
        SelectItem::QualifiedWildcard(..) | SelectItem::Wildcard(_) => {
            Err(QueryError::not_allowed("SELECT *", "rows are never shown; ask figures such as COUNT(*)"))
        }
    }
}

/// The axis that an expression asks for, if it is a call of HISTOGRAM or LEVEL.
pub(super) fn axis_call(dataset: &Dataset, expr: &Expr) -> Result<Option<GroupAxis>, QueryError> {
    if !matches!(expr, Expr::Function(_)) {
        return Ok(None);
    }
    let call = call(expr)?;
    match (call.name.as_str(), call.arguments.as_slice()) {
        ("HISTOGRAM", [Argument::Expr(measure), edges @ ..]) => {
            let index = measure_argument(dataset, measure, "HISTOGRAM")?;
            histogram(dataset, index, edges).map(|histogram| Some(GroupAxis::Histogram(histogram)))
        }
        ("HISTOGRAM", _) => Err(usage("HISTOGRAM", "HISTOGRAM(x, 0, 10, 20)")),
        ("LEVEL", [Argument::Expr(variable), Argument::Expr(level)]) => level_axis(dataset, variable, level).map(Some),
        ("LEVEL", _) => Err(usage("LEVEL", "LEVEL(x, 1)")),
        _ => Ok(None),
    }
}

fn level_axis(dataset: &Dataset, variable: &Expr, level: &Expr) -> Result<GroupAxis, QueryError> {
    let index = lookup::variable(dataset, name_of(variable).ok_or_else(|| usage("LEVEL", "LEVEL(x, 1)"))?)?;
    let level = number_of(level).and_then(|number| number.parse().ok()).ok_or_else(|| {
        QueryError::not_allowed(format!("the level {}", shown(level)), "write it as a number: 1 is the coarsest")
    })?;
    let detail = dataset.variables().get(index).map_or(Ok(Detail::Codes), |variable| Detail::level(variable, level))?;
    Ok(GroupAxis::Variable(index, detail))
}

fn histogram(dataset: &Dataset, index: usize, edges: &[Argument<'_>]) -> Result<Histogram, QueryError> {
    let decimals = dataset.measures().get(index).map_or(0, Measure::decimals);
    let read = |edge: &Argument<'_>| match edge {
        Argument::Expr(expr) => {
            let text = number_of(expr).ok_or_else(|| {
                QueryError::not_allowed(format!("the edge {}", shown(expr)), "write edges as numbers")
            })?;
            parse_decimal(&text, decimals).map_err(|cause| {
                QueryError::not_allowed(format!("the edge {} ({cause})", shown(expr)), "write it plainly")
            })
        }
        Argument::Star => Err(usage("HISTOGRAM", "HISTOGRAM(x, 0, 10, 20)")),
    };
    let edges = edges.iter().map(read).collect::<Result<_, _>>()?;
    Histogram::new(dataset, index, edges)
}

fn usage(name: &str, example: &str) -> QueryError {
    QueryError::not_allowed(format!("{name} in this form"), format!("write {example}"))
}

/// Takes a function call apart, refusing all that SQL can hang on to it.
fn call(expr: &Expr) -> Result<Call<'_>, QueryError> {
    let Expr::Function(function) = expr else {
        let instead = "select variables of GROUP BY and figures such as COUNT(*), SUM(x) or AVG(x)";
        return Err(QueryError::not_allowed(format!("the selection of {}", shown(expr)), instead));
    };
    let Function { name, uses_odbc_syntax, parameters, args, within_group, filter, null_treatment, over } = function;
    let name = match name.0.as_slice() {
        [part] => part.as_ident().map(|ident| ident_name(ident).to_ascii_uppercase()),
        _ => None,
    };
    let plain = !uses_odbc_syntax
        && matches!(parameters, FunctionArguments::None)
        && within_group.is_empty()
        && null_treatment.is_none();
    if over.is_some() {
        return Err(QueryError::not_allowed("OVER", "use SHARE(COUNT(*), …) for shares of a margin"));
    }
    if filter.is_some() {
        return Err(QueryError::not_allowed("FILTER", "put the condition into WHERE"));
    }
    match (name, args, plain) {
        (Some(name), FunctionArguments::List(list), true) if list.clauses.is_empty() => {
            if list.duplicate_treatment.is_some() {
                return Err(QueryError::not_allowed(
                    format!("{name}(DISTINCT …) or {name}(ALL …)"),
                    "use COUNT(*): it counts the dataset's unit, as every table says",
                ));
            }
            let arguments = list.args.iter().map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Ok(Argument::Star),
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(Argument::Expr(expr)),
                _ => Err(QueryError::not_allowed(format!("the argument of {name}"), "write names and numbers only")),
            });
            let arguments = arguments.collect::<Result<_, _>>()?;
            Ok(Call { name, arguments })
        }
        _ => Err(QueryError::not_allowed(shown(expr), "write figures such as COUNT(*), SUM(x) or AVG(x)")),
    }
}

fn measure_argument(dataset: &Dataset, expr: &Expr, function: &str) -> Result<usize, QueryError> {
    let name = name_of(expr).ok_or_else(|| {
        QueryError::not_allowed(
            format!("{function} of {}", shown(expr)),
            format!("name one measure, as in {function}(x)"),
        )
    })?;
    lookup::measure(dataset, name)
}

fn figure(dataset: &Dataset, call: &Call<'_>, grouping: &Grouping) -> Result<Figure, QueryError> {
    let name = call.name.as_str();
    let of_measure = |make: fn(usize) -> Figure| match call.arguments.as_slice() {
        [Argument::Expr(expr)] => measure_argument(dataset, expr, name).map(make),
        _ => Err(usage(name, &format!("{name}(x) with one measure"))),
    };
    match name {
        "COUNT" => match call.arguments.as_slice() {
            [Argument::Star] => Ok(Figure::Count),
            _ => Err(usage("COUNT", "COUNT(*)")),
        },
        "SUM" => of_measure(|measure| Figure::Sum { measure }),
        "AVG" => of_measure(|measure| Figure::Mean { measure }),
        "VAR" | "VAR_SAMP" => of_measure(|measure| Figure::Variance { measure, population: false }),
        "VAR_POP" => of_measure(|measure| Figure::Variance { measure, population: true }),
        "STDDEV" | "STDDEV_SAMP" => of_measure(|measure| Figure::StandardDeviation { measure, population: false }),
        "STDDEV_POP" => of_measure(|measure| Figure::StandardDeviation { measure, population: true }),
        "SHARE" => share(dataset, call, grouping),
        "QUANTILE" => match call.arguments.as_slice() {
            [Argument::Expr(measure), Argument::Expr(p), edges @ ..] => {
                quantile(dataset, measure, &literal_of(p).unwrap_or_default(), edges, grouping)
            }
            _ => Err(usage("QUANTILE", "QUANTILE(x, 0.5, 0, 10, 20)")),
        },
        "MEDIAN" => match call.arguments.as_slice() {
            [Argument::Expr(measure), edges @ ..] => quantile(dataset, measure, "0.5", edges, grouping),
            _ => Err(usage("MEDIAN", "MEDIAN(x, 0, 10, 20)")),
        },
        "MIN" | "MAX" => {
            let near = if name == "MIN" { "0.05" } else { "0.95" };
            let instead = format!("it would show a single row; use QUANTILE(x, {near}, edges…)");
            Err(QueryError::not_allowed(name, instead))
        }
        _ => {
            let near = nearest(name, FUNCTIONS.into_iter().map(Candidate::named));
            let all = format!("there are {}", FUNCTIONS.join(", "));
            let name = super::excerpt(name);
            let instead = if near.is_some() { did_you_mean(near) } else { all };
            Err(QueryError::Unknown { kind: "function", name, place: String::new(), instead })
        }
    }
}

fn share(dataset: &Dataset, call: &Call<'_>, grouping: &Grouping) -> Result<Figure, QueryError> {
    const EXAMPLE: &str = "SHARE(COUNT(*)) of the total, or SHARE(COUNT(*), year) within each year";
    let [Argument::Expr(base), within @ ..] = call.arguments.as_slice() else {
        return Err(usage("SHARE", EXAMPLE));
    };
    if !matches!(base, Expr::Function(_)) || !is_count(&self::call(base)?) {
        return Err(usage("SHARE", EXAMPLE));
    }
    let axes = within.iter().map(|argument| match argument {
        Argument::Expr(expr) => {
            if let Some(axis) = axis_call(dataset, expr)? {
                let place = grouping.axes.iter().position(|known| *known == axis);
                return place.ok_or_else(|| lookup::no_axis("a share within ", &shown(expr)));
            }
            let name = name_of(expr).ok_or_else(|| usage("SHARE", EXAMPLE))?;
            lookup::axis_of(dataset, &grouping.axes, name, "a share within ")
        }
        Argument::Star => Err(usage("SHARE", EXAMPLE)),
    });
    Ok(Figure::Share { within: axes.collect::<Result<_, _>>()? })
}

fn is_count(call: &Call<'_>) -> bool {
    call.name == "COUNT" && matches!(call.arguments.as_slice(), [Argument::Star])
}

fn quantile(
    dataset: &Dataset,
    measure: &Expr,
    p: &str,
    edges: &[Argument<'_>],
    grouping: &Grouping,
) -> Result<Figure, QueryError> {
    let index = measure_argument(dataset, measure, "QUANTILE")?;
    let probability = Probability::parse(p).ok().flatten().ok_or_else(|| {
        QueryError::not_allowed(
            format!("the quantile `{}`", super::excerpt(p)),
            "write it as a number between 0 and 1 with at most six decimals, such as 0.5",
        )
    })?;
    let histogram =
        if edges.is_empty() { beside(dataset, index, grouping)? } else { histogram(dataset, index, edges)? };
    Ok(Figure::Quantile { histogram, probability })
}

/// The one histogram of this measure that the question asks for.
fn beside(dataset: &Dataset, index: usize, grouping: &Grouping) -> Result<Histogram, QueryError> {
    let mut found = grouping.axes.iter().filter_map(|axis| match axis {
        GroupAxis::Histogram(histogram) if histogram.measure == index => Some(histogram),
        _ => None,
    });
    match (found.next(), found.next()) {
        (Some(histogram), None) => Ok(histogram.clone()),
        _ => {
            let name = dataset.measures().get(index).map_or("x", Measure::name);
            let instead =
                format!("give them, as in QUANTILE({name}, 0.5, 0, 10, 20), or select one HISTOGRAM({name}, …)");
            Err(QueryError::not_allowed(format!("a quantile of `{name}` without edges"), instead))
        }
    }
}
