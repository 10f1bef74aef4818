//! What of SQL's SELECT is read, and that nothing else was written.

use sqlparser::ast::{
    Expr, GroupByExpr, Query as SqlQuery, Select, SelectFlavor, SelectItem, SetExpr, Setting, Statement, TableFactor,
    TableWithJoins,
};

use super::super::epsilon::{Epsilon, NotAnEpsilon};
use super::super::error::QueryError;
use super::{ident_name, literal_of, shown};

/// The parts of a SELECT that a question is made of.
pub(super) struct Parsed {
    pub(super) dataset: String,
    pub(super) projection: Vec<SelectItem>,
    pub(super) selection: Option<Expr>,
    pub(super) group_by: Vec<Expr>,
    pub(super) epsilon: Option<Epsilon>,
}

/// Something that was written, what it is called, and what to do instead.
type Refusal = (bool, &'static str, &'static str);

fn refuse(refusals: &[Refusal]) -> Result<(), QueryError> {
    match refusals.iter().find(|(present, ..)| *present) {
        Some((_, what, instead)) => Err(QueryError::not_allowed(*what, *instead)),
        None => Ok(()),
    }
}

/// Takes the one SELECT out of a statement.
pub(super) fn select(statement: Statement) -> Result<Parsed, QueryError> {
    match statement {
        Statement::Query(query) => from_query(*query),
        _ => Err(QueryError::not_allowed("a statement that is no SELECT", "ask SELECT … FROM … GROUP BY …")),
    }
}

fn from_query(query: SqlQuery) -> Result<Parsed, QueryError> {
    let SqlQuery {
        with,
        body,
        order_by,
        limit_clause,
        fetch,
        locks,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = query;
    const ROWS: &str = "every cell is given, in the order of the codebook; sort and cut the table afterwards";
    refuse(&[
        (with.is_some(), "WITH", "ask one SELECT over one dataset"),
        (order_by.is_some(), "ORDER BY", ROWS),
        (limit_clause.is_some() || fetch.is_some(), "LIMIT", ROWS),
        (!locks.is_empty() || for_clause.is_some(), "FOR", "leave it out"),
        (format_clause.is_some(), "FORMAT", "choose the format with --format"),
        (!pipe_operators.is_empty(), "|>", "ask one SELECT over one dataset"),
    ])?;
    let epsilon = epsilon(&settings.unwrap_or_default())?;
    match *body {
        SetExpr::Select(select) => from_select(*select, epsilon),
        SetExpr::SetOperation { .. } => {
            Err(QueryError::not_allowed("UNION, EXCEPT or INTERSECT", "ask one SELECT at a time"))
        }
        SetExpr::Query(_) => Err(QueryError::not_allowed("a SELECT in parentheses", "write it without them")),
        _ => Err(QueryError::not_allowed("a statement that is no SELECT", "ask SELECT … FROM … GROUP BY …")),
    }
}

/// `SETTINGS epsilon = 0.5`: noise in place of hiding.
fn epsilon(settings: &[Setting]) -> Result<Option<Epsilon>, QueryError> {
    const ONLY: &str = "the one setting is for noise in place of hiding: SETTINGS epsilon = 0.5";
    match settings {
        [] => Ok(None),
        [Setting { key, value }] if ident_name(key) == "epsilon" => {
            let epsilon = literal_of(value).ok_or(NotAnEpsilon).and_then(|text| text.parse());
            let what = format!("epsilon = {}", shown(value));
            epsilon.map(Some).map_err(|cause| QueryError::not_allowed(what, cause.to_string()))
        }
        _ => Err(QueryError::not_allowed("such SETTINGS", ONLY)),
    }
}

fn from_select(select: Select, epsilon: Option<Epsilon>) -> Result<Parsed, QueryError> {
    let Select {
        select_token: _,
        optimizer_hints,
        distinct,
        select_modifiers,
        top,
        top_before_distinct: _,
        projection,
        exclude,
        into,
        from,
        lateral_views,
        prewhere,
        selection,
        connect_by,
        group_by,
        cluster_by,
        distribute_by,
        sort_by,
        having,
        named_window,
        qualify,
        window_before_qualify: _,
        value_table_mode,
        flavor,
    } = select;
    let odd = select_modifiers.is_some()
        || exclude.is_some()
        || !lateral_views.is_empty()
        || prewhere.is_some()
        || !connect_by.is_empty()
        || !(cluster_by.is_empty() && distribute_by.is_empty() && sort_by.is_empty())
        || value_table_mode.is_some()
        || flavor != SelectFlavor::Standard
        || !optimizer_hints.is_empty();
    refuse(&[
        (distinct.is_some(), "DISTINCT", "use GROUP BY; each cell stands once"),
        (top.is_some(), "TOP", "every cell is given; cut the table afterwards"),
        (into.is_some(), "INTO", "questions only read"),
        (having.is_some(), "HAVING", "ask for all cells and choose afterwards; small ones are hidden in any case"),
        (!named_window.is_empty() || qualify.is_some(), "a window", "use SHARE(COUNT(*), …) for shares of a margin"),
        (odd, "this form of SELECT", "ask SELECT … FROM … WHERE … GROUP BY …"),
    ])?;
    Ok(Parsed { dataset: dataset_name(from)?, projection, selection, group_by: groups(group_by)?, epsilon })
}

fn groups(group_by: GroupByExpr) -> Result<Vec<Expr>, QueryError> {
    match group_by {
        GroupByExpr::Expressions(groups, modifiers) if modifiers.is_empty() => Ok(groups),
        GroupByExpr::Expressions(..) => {
            Err(QueryError::not_allowed("GROUP BY … WITH", "write GROUP BY ROLLUP(a, b) or CUBE(a, b)"))
        }
        GroupByExpr::All(_) => Err(QueryError::not_allowed("GROUP BY ALL", "name the variables")),
    }
}

fn dataset_name(from: Vec<TableWithJoins>) -> Result<String, QueryError> {
    const ONE: &str = "ask one dataset, as in FROM victims";
    let mut tables = from.into_iter();
    let table = match (tables.next(), tables.next()) {
        (Some(table), None) => table,
        (None, _) => return Err(QueryError::not_allowed("a SELECT without FROM", ONE)),
        _ => return Err(QueryError::not_allowed("several datasets in FROM", ONE)),
    };
    refuse(&[(
        !table.joins.is_empty(),
        "JOIN",
        "records of two datasets are never linked; ask each dataset by itself",
    )])?;
    let TableFactor::Table {
        name,
        alias,
        args,
        with_hints,
        version,
        with_ordinality,
        partitions,
        json_path,
        sample,
        index_directives,
        inheritance,
    } = table.relation
    else {
        return Err(QueryError::not_allowed("a subquery or function in FROM", ONE));
    };
    let odd = args.is_some()
        || !with_hints.is_empty()
        || with_ordinality
        || !partitions.is_empty()
        || json_path.is_some()
        || sample.is_some()
        || !index_directives.is_empty()
        || inheritance.is_some();
    refuse(&[
        (alias.is_some(), "another name for the dataset", "use the dataset's own name"),
        (version.is_some(), "AS OF", "name the edition as a condition: WHERE edition = '2024-12'"),
        (odd, "this form of FROM", ONE),
    ])?;
    match name.0.as_slice() {
        [part] => part.as_ident().map(|ident| ident_name(ident).to_owned()),
        _ => None,
    }
    .ok_or_else(|| QueryError::not_allowed("a dataset's name with a dot", ONE))
}
