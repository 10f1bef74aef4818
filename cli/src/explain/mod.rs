//! What a question would do, told without touching data.

mod overlap;
mod supplier;

use std::io::{self, Write};

use optelsom_codebook::{Axis, Column, Dataset, Epsilon, Lang, Measure, Plan, format_decimal};
use optelsom_disclosure::{Noise, Policy};

pub use overlap::write_overlaps;
pub use supplier::{Agreed, Supplier, suppliers};

use crate::asking::Asking;
use crate::browse::{listing, unit_sentence, write_listing};
use crate::failure::printable;
use crate::words::{grouped, words};

/// Writes what follows from the question itself, and how its table will be protected: by this policy.
///
/// # Errors
/// When the output cannot be written.
pub fn write_plan(out: &mut dyn Write, plan: &Plan, policy: &Policy, lang: Lang) -> io::Result<()> {
    let query = plan.query();
    writeln!(out, "{}\n  {}", words(lang, "Vraag", "Question"), printable(&query.to_sql()))?;
    let document = words(lang, "Document (wat wordt vastgelegd)", "Document (what is logged)");
    writeln!(out, "\n{document}")?;
    query.pretty_json().lines().try_for_each(|line| writeln!(out, "  {}", printable(line)))?;
    let unit = unit_sentence(plan.dataset().unit(), lang);
    writeln!(out, "\n{}: {unit}", words(lang, "Eenheid", "Unit"))?;
    write_cells(out, plan, lang)?;
    match plan.query().epsilon() {
        Some(epsilon) => write_sensitivity(out, plan, epsilon, lang)?,
        None => writeln!(out, "{}", hiding(policy, lang))?,
    }
    write_axes(out, plan, lang)?;
    writeln!(out, "\n{}", words(lang, "Cijfers", "Figures"))?;
    let mut table = listing();
    for output in plan.outputs() {
        table.add_row([output.name(), &printable(output.label(lang)), &printable(output.unit(lang))]);
    }
    write_listing(out, &table)
}

fn write_cells(out: &mut dyn Write, plan: &Plan, lang: Lang) -> io::Result<()> {
    let cells = grouped(lang, &plan.cell_count().to_string());
    let columns: Vec<String> = plan.columns().iter().map(|column| column_text(column, plan.dataset())).collect();
    let (blocks, columns) = (plan.blocks().len(), columns.join(", "));
    match lang {
        Lang::Nl => writeln!(out, "Cellen: {cells} (blokken: {blocks}); opgeteld wordt per cel: {columns}"),
        Lang::En => writeln!(out, "Cells: {cells} (blocks: {blocks}); added up in each cell: {columns}"),
    }
}

fn hiding(policy: &Policy, lang: Lang) -> String {
    let k = policy.minimum_frequency();
    match lang {
        Lang::Nl => format!("Cellen onder {k} worden verborgen."),
        Lang::En => format!("Cells under {k} will be hidden."),
    }
}

/// ε, and what one row can change each column by.
fn write_sensitivity(out: &mut dyn Write, plan: &Plan, epsilon: Epsilon, lang: Lang) -> io::Result<()> {
    match lang {
        Lang::Nl => writeln!(out, "Ruis in plaats van verbergen: ε = {epsilon}, gelijk verdeeld over de kolommen.")?,
        Lang::En => writeln!(out, "Noise in place of hiding: ε = {epsilon}, in equal parts for each column.")?,
    }
    for column in plan.columns() {
        let (name, most) = (column_text(column, plan.dataset()), in_units(plan, column, plan.sensitivity(column)));
        match lang {
            Lang::Nl => writeln!(out, "  Δ = {most}: zoveel kan één rij aan alle cellen van {name} samen veranderen")?,
            Lang::En => writeln!(out, "  Δ = {most}: by so much one row can change all cells of {name} together")?,
        }
    }
    Ok(())
}

/// A number of a column in the measure's own unit.
fn in_units(plan: &Plan, column: &Column, scaled: u64) -> String {
    let decimals = column.measure().and_then(|at| plan.dataset().measures().get(at)).map_or(0, Measure::decimals);
    format_decimal(i64::try_from(scaled).unwrap_or(i64::MAX), decimals)
}

/// How much noise there will be, once it is known who is asked.
fn write_noise(out: &mut dyn Write, asking: &Asking, lang: Lang) -> io::Result<()> {
    let (asked, honest) = (asking.scope.members().len() as u64, asking.honest());
    let Some(noise) = Noise::of(&asking.plan, honest) else { return Ok(()) };
    for (at, column) in asking.plan.columns().iter().enumerate() {
        let Some(spread) = noise.spread(at, asked) else { continue };
        let name = column_text(column, asking.plan.dataset());
        let half_width = in_units(&asking.plan, column, spread.half_width().unsigned_abs());
        let decimals = column.measure().and_then(|at| asking.plan.dataset().measures().get(at));
        let deviation = format_decimal(spread.hundredths(), decimals.map_or(0, Measure::decimals) + 2);
        match lang {
            Lang::Nl => writeln!(
                out,
                "Ruis in {name}: standaardafwijking {deviation}, 95 %-interval ± {half_width}, als alle {asked} meedoen (de \
                 delen van {honest} volstaan voor ε)"
            )?,
            Lang::En => writeln!(
                out,
                "Noise in {name}: standard deviation {deviation}, 95 % interval ± {half_width}, if all {asked} take part (the \
                 shares of {honest} suffice for ε)"
            )?,
        }
    }
    Ok(())
}

fn column_text(column: &Column, dataset: &Dataset) -> String {
    let name = |measure: &usize| dataset.measures().get(*measure).map_or("", Measure::name);
    match column {
        Column::Count => "count".to_owned(),
        Column::Present { measure } => format!("present({})", name(measure)),
        Column::Sum { measure } => format!("sum({})", name(measure)),
        Column::SumOfSquares { measure } => format!("sum of squares({})", name(measure)),
        Column::Suppliers { measure: None } => "suppliers".to_owned(),
        Column::Suppliers { measure: Some(measure) } => format!("suppliers({})", name(measure)),
    }
}

fn write_axes(out: &mut dyn Write, plan: &Plan, lang: Lang) -> io::Result<()> {
    if plan.axes().is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", words(lang, "Assen", "Axes"))?;
    let mut table = listing();
    for axis in plan.axes() {
        table.add_row([axis.name(), &printable(axis.label().get(lang)), &axis_codes(axis, lang)]);
    }
    write_listing(out, &table)
}

fn axis_codes(axis: &Axis, lang: Lang) -> String {
    let codes: Vec<String> = axis.codes().iter().map(|code| printable(code.code())).collect();
    let mut text = match codes.as_slice() {
        [first, .., last] if codes.len() > 8 => format!("{first} … {last} ({})", codes.len()),
        codes => codes.join(", "),
    };
    if axis.multiple() {
        text.push_str(words(lang, "; meer per rij, telt niet op", "; several per row, does not add up"));
    }
    text
}

/// Writes what suppliers have said of themselves, and what follows for this question.
///
/// # Errors
/// When the output cannot be written.
pub fn write_suppliers(out: &mut dyn Write, asking: &Asking, suppliers: &[Supplier], lang: Lang) -> io::Result<()> {
    let edition = words(lang, "Editie", "Edition");
    writeln!(out, "\n{edition}: {}", asking.edition)?;
    if let Some(purpose) = &asking.purpose {
        writeln!(out, "{}: {}", words(lang, "Doel", "Purpose"), printable(purpose))?;
    }
    writeln!(out, "\n{}", words(lang, "Leveranciers", "Suppliers"))?;
    let mut table = listing();
    let heading = match lang {
        Lang::Nl => ["", "verbonden", "heeft", "editie", "overeenkomst"],
        Lang::En => ["", "connected", "holds", "edition", "agreement"],
    };
    table.set_header(heading);
    for supplier in suppliers {
        table.add_row(supplier.row(lang));
    }
    write_listing(out, &table)?;
    let (asked, least) = (asking.scope.members().len(), asking.min_suppliers);
    match lang {
        Lang::Nl => writeln!(out, "\nGevraagd worden er {asked}; ten minste {least} moeten meedoen.")?,
        Lang::En => writeln!(out, "\n{asked} are asked; at least {least} have to take part.")?,
    }
    write_noise(out, asking, lang)?;
    let willing = suppliers.iter().filter(|supplier| supplier.would_take_part()).count();
    if (willing as u64) < least {
        match lang {
            Lang::Nl => writeln!(out, "Zoals het nu staat doen er {willing} mee: de vraag zou worden afgebroken.")?,
            Lang::En => writeln!(out, "As things stand {willing} would: the query would be abandoned.")?,
        }
    }
    writeln!(out, "{}", asking.consequences(lang))
}

/// Writes what the guard against differencing says of a total: over all suppliers asked, or over so many that would take
/// part.
///
/// # Errors
/// When the output cannot be written.
pub fn write_guard(out: &mut dyn Write, of: Option<usize>, refused: Option<&str>, lang: Lang) -> io::Result<()> {
    let whose = match (of, lang) {
        (None, Lang::En) => "A total of all".to_owned(),
        (None, Lang::Nl) => "Een totaal van allen".to_owned(),
        (Some(of), Lang::En) => format!("A total of the {of} that would take part as things stand"),
        (Some(of), Lang::Nl) => format!("Een totaal van de {of} die zoals het nu staat meedoen"),
    };
    match (refused, lang) {
        (None, Lang::En) => writeln!(out, "{whose}: no earlier total stands in its way."),
        (None, Lang::Nl) => writeln!(out, "{whose}: geen eerder totaal staat in de weg."),
        (Some(why), Lang::En) => {
            writeln!(out, "{whose}: earlier totals stand in its way, it would be refused: {}", printable(why))
        }
        (Some(why), Lang::Nl) => {
            writeln!(out, "{whose}: eerdere totalen staan in de weg, het zou worden geweigerd: {}", printable(why))
        }
    }
}

/// Writes that what went before does not stand in the way of a total with noise.
///
/// # Errors
/// When the output cannot be written.
pub fn write_unbound(out: &mut dyn Write, lang: Lang) -> io::Result<()> {
    match lang {
        Lang::En => writeln!(
            out,
            "Earlier totals and releases do not stand in its way, since it has noise in it: each supplier's budget decides."
        ),
        Lang::Nl => writeln!(
            out,
            "Eerdere totalen en uitgaven staan niet in de weg, want er zit ruis in: het budget van elke leverancier beslist."
        ),
    }
}

#[cfg(test)]
mod tests;
