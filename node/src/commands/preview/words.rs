//! What a question counts here, as a table for people.

use std::fmt;

use optelsom_codebook::{Column, Lang, Plan, format_decimal};

use super::Preview;

/// A preview in one language.
pub(super) struct Words<'a> {
    pub(super) preview: &'a Preview,
    pub(super) lang: Lang,
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plan, table) = (&self.preview.plan, &self.preview.table);
        let axes = plan.axes().iter().map(|axis| axis.name().to_owned());
        let heads: Vec<String> = axes.chain(plan.columns().iter().map(|column| column_name(plan, *column))).collect();
        let mut lines = vec![heads];
        let mut empty = 0u64;
        for cell in 0..table.cells() {
            let figures: Vec<i64> = table.columns().iter().filter_map(|column| column.get(cell).copied()).collect();
            if figures.iter().all(|figure| *figure == 0) {
                empty += 1;
                continue;
            }
            lines.push(self.line(cell, &figures));
        }
        write_aligned(f, &lines)?;
        let (edition, unit) = (&self.preview.edition, plan.dataset().unit().label(self.lang));
        writeln!(f, "{} cells, {empty} of them with nothing in them; {unit}, edition {edition}", table.cells())?;
        if self.preview.waits_for_approval {
            writeln!(f, "a question like this waits until a person approves it")?;
        }
        if let Some(epsilon) = plan.query().epsilon() {
            writeln!(f, "what would be sent has noise added to each figure, for ε = {epsilon} of the privacy budget")?;
        }
        writeln!(f, "these are this supplier's own figures: not protected, and not to be passed on")
    }
}

impl Words<'_> {
    fn line(&self, cell: usize, figures: &[i64]) -> Vec<String> {
        let plan = &self.preview.plan;
        let positions = plan.cell(cell).map(|cell| cell.positions).unwrap_or_default();
        let names = plan.axes().iter().zip(positions).map(|(axis, position)| {
            let code = position.and_then(|position| axis.codes().get(usize::try_from(position).ok()?));
            code.map_or("(all)", |code| code.label().get(self.lang)).to_owned()
        });
        let columns = plan.columns().iter().zip(figures);
        names.chain(columns.map(|(column, figure)| format_decimal(*figure, decimals(plan, *column)))).collect()
    }
}

fn column_name(plan: &Plan, column: Column) -> String {
    let measure =
        column.measure().and_then(|at| plan.dataset().measures().get(at)).map_or("", |measure| measure.name());
    match column {
        Column::Count => "count".to_owned(),
        Column::Present { .. } => format!("rows with {measure}"),
        Column::Sum { .. } => format!("sum of {measure}"),
        Column::SumOfSquares { .. } => format!("sum of {measure}²"),
        Column::Suppliers { measure: None } => "supplier with rows".to_owned(),
        Column::Suppliers { measure: Some(_) } => format!("supplier with {measure}"),
    }
}

fn decimals(plan: &Plan, column: Column) -> u32 {
    let of = |at: usize| plan.dataset().measures().get(at).map_or(0, |measure| measure.decimals());
    match column {
        Column::Count | Column::Present { .. } | Column::Suppliers { .. } => 0,
        Column::Sum { measure } => of(measure),
        Column::SumOfSquares { measure } => 2 * of(measure),
    }
}

fn write_aligned(f: &mut fmt::Formatter<'_>, lines: &[Vec<String>]) -> fmt::Result {
    let columns = lines.first().map_or(0, Vec::len);
    let longest = |at: usize| lines.iter().filter_map(|line| line.get(at)).map(|text| text.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|at| longest(at).unwrap_or(0)).collect();
    for line in lines {
        let texts: Vec<String> = line.iter().zip(&widths).map(|(text, &width)| format!("{text:width$}")).collect();
        writeln!(f, "{}", texts.join("  ").trim_end())?;
    }
    Ok(())
}
