//! WHERE: conditions over codes.

use sqlparser::ast::{BinaryOperator, Expr, InTarget, UnaryOperator};

use super::super::error::QueryError;
use super::super::filter::Condition;
use super::super::{MAX_DEPTH, lookup};
use super::{literal_of, name_of, shown};
use crate::code_list::CodeIndex;
use crate::code_set::CodeSet;
use crate::dataset::{Dataset, Variable};
use crate::ids::EditionId;
use crate::query::dialect::EDITION;

const FORMS: &str =
    "write conditions like sex = 'F', year BETWEEN 2020 AND 2024, form IN ('a', 'b'), with AND, OR and NOT";

/// The edition asked for, and the condition on rows.
pub(super) fn read(dataset: &Dataset, expr: &Expr) -> Result<(Option<EditionId>, Option<Condition>), QueryError> {
    let mut edition = None;
    let mut conditions = Vec::new();
    for part in operands(expr, &BinaryOperator::And) {
        match edition_of(part)? {
            Some(_) if edition.is_some() => {
                return Err(QueryError::not_allowed("two editions", "ask one edition at a time"));
            }
            Some(found) => edition = Some(found),
            None => conditions.push(condition(dataset, part, 1)?),
        }
    }
    let condition = (!conditions.is_empty()).then_some(Condition::And(conditions));
    Ok((edition, condition))
}

/// The operands of a chain of one operator, in order. Not by recursion: the chain is as long as the text allows.
fn operands<'e>(expr: &'e Expr, operator: &BinaryOperator) -> Vec<&'e Expr> {
    let (mut found, mut open) = (Vec::new(), vec![expr]);
    while let Some(expr) = open.pop() {
        match expr {
            Expr::BinaryOp { left, op, right } if op == operator => open.extend([&**right, &**left]),
            other => found.push(other),
        }
    }
    found
}

fn is_edition(expr: &Expr) -> bool {
    name_of(expr).is_some_and(|name| name.eq_ignore_ascii_case(EDITION))
}

fn edition_of(expr: &Expr) -> Result<Option<EditionId>, QueryError> {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } if is_edition(left) => {
            let name = literal_of(right).ok_or_else(|| {
                QueryError::not_allowed(format!("the edition {}", shown(right)), "write edition = '2024-12'")
            })?;
            Ok(Some(EditionId::try_from(name.as_str())?))
        }
        Expr::Nested(inner) => edition_of(inner),
        _ => Ok(None),
    }
}

fn condition(dataset: &Dataset, expr: &Expr, depth: usize) -> Result<Condition, QueryError> {
    if depth > MAX_DEPTH {
        return Err(QueryError::TooComplex { what: "levels of conditions", limit: MAX_DEPTH });
    }
    let all = |operator| -> Result<Vec<Condition>, QueryError> {
        operands(expr, &operator).into_iter().map(|part| condition(dataset, part, depth + 1)).collect()
    };
    match expr {
        Expr::Nested(inner) => condition(dataset, inner, depth + 1),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
            Ok(Condition::Not(Box::new(condition(dataset, expr, depth + 1)?)))
        }
        Expr::BinaryOp { op: BinaryOperator::And, .. } => all(BinaryOperator::And).map(Condition::And),
        Expr::BinaryOp { op: BinaryOperator::Or, .. } => all(BinaryOperator::Or).map(Condition::Or),
        Expr::BinaryOp { left, op, right } => comparison(dataset, left, op, right),
        Expr::In { expr: subject, target: InTarget::List(list), negated, global: false } => {
            let (index, variable) = subject_of(dataset, subject, expr)?;
            let mut codes = CodeSet::empty(variable.list().len());
            for item in list {
                codes = codes.union(&codes_of(variable, item)?);
            }
            Ok(among(index, codes, *negated))
        }
        Expr::Between { expr: subject, negated, low, high } => {
            let (index, variable) = subject_of(dataset, subject, expr)?;
            let (low, high) = (code_of(variable, low)?, code_of(variable, high)?);
            Ok(among(index, range(variable, |code| low <= code && code <= high)?, *negated))
        }
        Expr::IsNull(subject) | Expr::IsNotNull(subject) => {
            let (_, variable) = subject_of(dataset, subject, expr)?;
            let missing = variable.list().missing().and_then(|index| variable.list().code(index));
            let instead = match missing {
                Some(code) => format!("write {} = '{}'", variable.name(), code.code()),
                None => format!("`{}` is known of every row", variable.name()),
            };
            Err(QueryError::not_allowed("IS NULL", instead))
        }
        Expr::In { .. } | Expr::Subquery(_) | Expr::Exists { .. } => {
            Err(QueryError::not_allowed("a subquery or expression in the place of codes", "write the codes themselves"))
        }
        other => Err(QueryError::not_allowed(format!("the condition {}", shown(other)), FORMS)),
    }
}

fn comparison(dataset: &Dataset, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Condition, QueryError> {
    if is_edition(left) {
        return Err(QueryError::not_allowed(
            "a condition on the edition inside another",
            "write AND edition = '2024-12'",
        ));
    }
    let refused = || {
        let what = format!("the condition `{}`", super::excerpt(&format!("{left} {op} {right}")));
        QueryError::not_allowed(what, FORMS)
    };
    // `2020 <= year` is `year >= 2020`.
    let (named, op, literal) = match (name_of(left), mirrored(op)) {
        (None, Some(mirrored)) if name_of(right).is_some() => (right, mirrored, left),
        _ => (left, op.clone(), right),
    };
    let (index, variable) = subject(dataset, named).ok_or_else(refused)??;
    if let BinaryOperator::Eq | BinaryOperator::NotEq = op {
        return Ok(among(index, codes_of(variable, literal)?, op == BinaryOperator::NotEq));
    }
    let code = code_of(variable, literal)?;
    match op {
        BinaryOperator::Lt => Ok(among(index, range(variable, |at| at < code)?, false)),
        BinaryOperator::LtEq => Ok(among(index, range(variable, |at| at <= code)?, false)),
        BinaryOperator::Gt => Ok(among(index, range(variable, |at| at > code)?, false)),
        BinaryOperator::GtEq => Ok(among(index, range(variable, |at| at >= code)?, false)),
        _ => Err(refused()),
    }
}

/// The operator that says the same with its sides exchanged.
fn mirrored(op: &BinaryOperator) -> Option<BinaryOperator> {
    match op {
        BinaryOperator::Eq | BinaryOperator::NotEq => Some(op.clone()),
        BinaryOperator::Lt => Some(BinaryOperator::Gt),
        BinaryOperator::LtEq => Some(BinaryOperator::GtEq),
        BinaryOperator::Gt => Some(BinaryOperator::Lt),
        BinaryOperator::GtEq => Some(BinaryOperator::LtEq),
        _ => None,
    }
}

fn among(variable: usize, codes: CodeSet, negated: bool) -> Condition {
    let condition = Condition::Among { variable, codes };
    if negated { Condition::Not(Box::new(condition)) } else { condition }
}

/// The codes in a range of an ordered list. "Missing" lies in no range.
fn range(variable: &Variable, within: impl Fn(CodeIndex) -> bool) -> Result<CodeSet, QueryError> {
    let list = variable.list();
    if !list.ordered() {
        let what = format!("a range of `{}`, whose codes have no order,", variable.name());
        return Err(QueryError::not_allowed(what, format!("write {} IN (…)", variable.name())));
    }
    let mut codes = CodeSet::empty(list.len());
    list.indices().filter(|&code| Some(code) != list.missing() && within(code)).for_each(|code| codes.insert(code));
    Ok(codes)
}

fn subject<'d>(dataset: &'d Dataset, expr: &Expr) -> Option<Result<(usize, &'d Variable), QueryError>> {
    let name = name_of(expr)?;
    let found = lookup::variable(dataset, name);
    found.map(|index| dataset.variables().get(index).map(|variable| (index, variable))).transpose()
}

fn subject_of<'d>(
    dataset: &'d Dataset,
    subject_expr: &Expr,
    whole: &Expr,
) -> Result<(usize, &'d Variable), QueryError> {
    if is_edition(subject_expr) {
        return Err(QueryError::not_allowed(
            format!("the condition {}", shown(whole)),
            "ask one edition at a time, as in edition = '2024-12'",
        ));
    }
    subject(dataset, subject_expr)
        .ok_or_else(|| QueryError::not_allowed(format!("the condition {}", shown(whole)), FORMS))?
}

/// One code, for the end of a range.
fn code_of(variable: &Variable, expr: &Expr) -> Result<CodeIndex, QueryError> {
    lookup::code(variable, &written(variable, expr)?)
}

/// One code, or those of a group.
fn codes_of(variable: &Variable, expr: &Expr) -> Result<CodeSet, QueryError> {
    lookup::codes(variable, &written(variable, expr)?)
}

fn written(variable: &Variable, expr: &Expr) -> Result<String, QueryError> {
    literal_of(expr).ok_or_else(|| {
        let what = format!("the code {} of `{}`", shown(expr), variable.name());
        QueryError::not_allowed(what, "write codes as numbers or in single quotes")
    })
}
