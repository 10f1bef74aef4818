//! Questions in SQL: one SELECT over one dataset. The edition is asked for as a condition, `edition = '2024-12'`.
//! Axes stand in the order in which they are selected, then in that of GROUP BY.

mod condition;
mod figures;
mod grouping;
mod shape;

use sqlparser::ast::{Expr, Ident, Statement, UnaryOperator, Value};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Tokenizer};

use super::build::Parts;
use super::error::QueryError;
use super::{MAX_QUERY_BYTES, Query, lookup};
use crate::codebook::Codebook;
use crate::excerpt::excerpt;

/// How deeply parentheses may be nested.
const MAX_NESTING: usize = 32;
/// Words and signs, literals and commas aside. Each may be one level of the parsed tree, which is dropped by recursion.
const MAX_TOKENS: usize = 2_000;
/// What the parser may use of its own recursion for parentheses as deep as [`MAX_NESTING`].
const PARSER_RECURSION: usize = 4 * MAX_NESTING;

/// Reads a question.
pub(super) fn read(codebook: &Codebook, sql: &str) -> Result<Query, QueryError> {
    if sql.len() > MAX_QUERY_BYTES {
        return Err(QueryError::TooLong { bytes: sql.len(), limit: MAX_QUERY_BYTES });
    }
    let select = shape::select(parse(sql)?)?;
    let dataset = lookup::dataset(codebook, &select.dataset)?.clone();
    let (edition, condition) = match &select.selection {
        Some(expr) => condition::read(&dataset, expr)?,
        None => (None, None),
    };
    let mut grouping = grouping::read(&dataset, &select.group_by)?;
    let figures = figures::read(&dataset, &select.projection, &mut grouping)?;
    let grouping::Grouping { axes, sets } = grouping;
    let epsilon = select.epsilon;
    Parts { dataset, edition, select: figures, axes, sets, condition, epsilon }.build(codebook)
}

/// Parses one statement, after making sure that the parser stays small.
fn parse(sql: &str) -> Result<Statement, QueryError> {
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| QueryError::Syntax(excerpt_message(&error.to_string())))?;
    let (mut depth, mut weight) = (0_usize, 0_usize);
    for token in &tokens {
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            Token::Whitespace(_) | Token::Comma | Token::Number(..) | Token::SingleQuotedString(_) => continue,
            _ => {}
        }
        weight += 1;
        if depth > MAX_NESTING {
            return Err(QueryError::TooComplex { what: "levels of parentheses", limit: MAX_NESTING });
        }
        if weight > MAX_TOKENS {
            return Err(QueryError::TooComplex { what: "words and signs", limit: MAX_TOKENS });
        }
    }
    let mut parser = Parser::new(&dialect).with_recursion_limit(PARSER_RECURSION).with_tokens_with_locations(tokens);
    let mut statements = parser.parse_statements().map_err(|error| match error {
        ParserError::RecursionLimitExceeded => QueryError::TooComplex { what: "levels of nesting", limit: MAX_NESTING },
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            QueryError::Syntax(excerpt_message(&message))
        }
    })?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        (None, _) => Err(QueryError::Syntax("the question is empty".to_owned())),
        (Some(_), false) => Err(QueryError::not_allowed("more than one statement", "ask one SELECT at a time")),
    }
}

/// The parser's words, on one line and not too long.
fn excerpt_message(message: &str) -> String {
    message.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The name that an expression is, if it is a bare name.
fn name_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(ident) => Some(ident_name(ident)),
        Expr::Nested(inner) => name_of(inner),
        _ => None,
    }
}

fn ident_name(ident: &Ident) -> &str {
    &ident.value
}

/// The text of a literal: a string, or a number as it was written.
fn literal_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            Value::Number(number, false) => Some(number.clone()),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, .. } => number_of(expr),
        Expr::Nested(inner) => literal_of(inner),
        _ => None,
    }
}

/// The text of a number with an optional sign.
fn number_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(number, false) => Some(number.clone()),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match &**expr {
            Expr::Value(_) => number_of(expr).map(|number| format!("-{number}")),
            _ => None,
        },
        _ => None,
    }
}

/// An expression as it was written, for a message.
fn shown(expr: &Expr) -> String {
    format!("`{}`", excerpt(&expr.to_string()))
}
