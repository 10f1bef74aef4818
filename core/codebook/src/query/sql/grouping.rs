//! GROUP BY: axes and the sets in which they are shown.

use sqlparser::ast::Expr;

use super::super::build::MAX_SETS;
use super::super::error::QueryError;
use super::super::figure::{Detail, GroupAxis};
use super::super::{MAX_AXES, lookup};
use super::figures::axis_call;
use super::{name_of, shown};
use crate::dataset::Dataset;

/// Axes in the order of their first mention, and the sets shown, as positions of axes.
pub(super) struct Grouping {
    pub(super) axes: Vec<GroupAxis>,
    pub(super) sets: Vec<Vec<usize>>,
}

impl Grouping {
    /// The position of the axis, which is added if it is new.
    fn place(&mut self, axis: GroupAxis) -> Result<usize, QueryError> {
        if let Some(place) = self.axes.iter().position(|known| *known == axis) {
            return Ok(place);
        }
        if self.axes.len() >= MAX_AXES {
            return Err(QueryError::TooComplex { what: "axes", limit: MAX_AXES });
        }
        self.axes.push(axis);
        Ok(self.axes.len() - 1)
    }

    /// Adds the axis to every set, if no set has it yet.
    pub(super) fn add_everywhere(&mut self, axis: GroupAxis) -> Result<(), QueryError> {
        if !self.axes.contains(&axis) {
            let place = self.place(axis)?;
            self.sets.iter_mut().for_each(|set| set.push(place));
        }
        Ok(())
    }

    /// Puts the axes into the order in which they are selected; those that are not selected come last.
    pub(super) fn reorder(&mut self, selected: &[GroupAxis]) {
        let mut order: Vec<usize> = (0..self.axes.len()).collect();
        let rank = |axis: &GroupAxis| selected.iter().position(|other| other == axis).unwrap_or(usize::MAX);
        order.sort_by_key(|&old| self.axes.get(old).map(rank));
        let place_of = |old: usize| order.iter().position(|&at| at == old).unwrap_or(old);
        self.sets.iter_mut().flatten().for_each(|axis| *axis = place_of(*axis));
        self.axes = order.iter().filter_map(|&old| self.axes.get(old).cloned()).collect();
    }
}

/// Reads the elements of GROUP BY. Several elements multiply: `GROUP BY a, ROLLUP(b)` is `(a, b)` and `(a)`.
pub(super) fn read(dataset: &Dataset, elements: &[Expr]) -> Result<Grouping, QueryError> {
    let mut grouping = Grouping { axes: Vec::new(), sets: vec![Vec::new()] };
    for element in elements {
        let sets = element_sets(dataset, element, &mut grouping)?;
        if grouping.sets.len().saturating_mul(sets.len()) > MAX_SETS {
            return Err(QueryError::TooComplex { what: "grouping sets", limit: MAX_SETS });
        }
        let before = std::mem::take(&mut grouping.sets);
        grouping.sets =
            before.iter().flat_map(|left| sets.iter().map(move |right| [&left[..], right].concat())).collect();
    }
    Ok(grouping)
}

fn element_sets(dataset: &Dataset, element: &Expr, grouping: &mut Grouping) -> Result<Vec<Vec<usize>>, QueryError> {
    let mut resolve = |groups: &[Vec<Expr>]| -> Result<Vec<Vec<usize>>, QueryError> {
        let resolve_all = |group: &Vec<Expr>| group.iter().map(|expr| axis(dataset, expr, grouping)).collect();
        groups.iter().map(resolve_all).collect()
    };
    match element {
        Expr::Rollup(groups) => {
            let groups = resolve(groups)?;
            Ok((0..=groups.len()).rev().map(|kept| groups.iter().take(kept).flatten().copied().collect()).collect())
        }
        Expr::Cube(groups) => {
            if groups.len() > MAX_AXES {
                return Err(QueryError::TooComplex { what: "axes", limit: MAX_AXES });
            }
            let groups = resolve(groups)?;
            let chosen = |mask: usize| {
                let kept = groups.iter().enumerate().filter(move |(place, _)| mask >> place & 1 == 1);
                kept.flat_map(|(_, group)| group.iter().copied()).collect()
            };
            Ok((0..1_usize << groups.len()).map(chosen).collect())
        }
        Expr::GroupingSets(groups) => resolve(groups),
        Expr::Tuple(group) => resolve(std::slice::from_ref(group)),
        Expr::Nested(inner) => element_sets(dataset, inner, grouping),
        single => Ok(vec![vec![axis(dataset, single, grouping)?]]),
    }
}

fn axis(dataset: &Dataset, expr: &Expr, grouping: &mut Grouping) -> Result<usize, QueryError> {
    if let Some(name) = name_of(expr) {
        let variable = lookup::variable(dataset, name)?;
        return grouping.place(GroupAxis::Variable(variable, Detail::Codes));
    }
    match axis_call(dataset, expr)? {
        Some(axis) => grouping.place(axis),
        None => Err(QueryError::not_allowed(
            format!("GROUP BY {}", shown(expr)),
            "group by variables, LEVEL(x, 1), HISTOGRAM(x, edges…), ROLLUP(…), CUBE(…) or GROUPING SETS(…)",
        )),
    }
}
