//! How columns become the figures that were asked.

use super::column::{Column, Columns};
use crate::dataset::{Dataset, Measure};
use crate::label::{Label, Lang};
use crate::query::{Figure, Probability, Query};

/// One selected figure: what to call it and how it is made of the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    name: String,
    label: Label,
    unit: Label,
    decimals: u32,
    kind: OutputKind,
}

/// How a figure is made of the columns, which are given by their position in the plan.
///
/// Sums are scaled by 10^decimals of the measure, sums of squares by 10^(2·decimals).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// How many rows.
    Count {
        /// The column of counts.
        column: usize,
    },
    /// The sum over the rows that have a value.
    Sum {
        /// The measure's position in the dataset.
        measure: usize,
        /// The column of sums.
        column: usize,
        /// The column that counts the rows with a value.
        present: usize,
    },
    /// The sum over the rows that have a value, with noise. How many have one is not known then.
    NoisedSum {
        /// The measure's position in the dataset.
        measure: usize,
        /// The column of sums.
        column: usize,
    },
    /// Sum divided by the number of rows with a value.
    Mean {
        /// The measure's position in the dataset.
        measure: usize,
        /// The column of sums.
        sum: usize,
        /// The column that counts the rows with a value.
        present: usize,
    },
    /// The variance over the rows with a value.
    Variance {
        /// The measure's position in the dataset.
        measure: usize,
        /// The column of sums.
        sum: usize,
        /// The column of sums of squares.
        squares: usize,
        /// The column that counts the rows with a value.
        present: usize,
        /// Whether to divide by n instead of n − 1.
        population: bool,
    },
    /// The square root of the variance.
    StandardDeviation {
        /// The measure's position in the dataset.
        measure: usize,
        /// The column of sums.
        sum: usize,
        /// The column of sums of squares.
        squares: usize,
        /// The column that counts the rows with a value.
        present: usize,
        /// Whether to divide by n instead of n − 1.
        population: bool,
    },
    /// The cell's count divided by that of its margin, which [`super::Plan::project`] finds.
    Share {
        /// The column of counts.
        column: usize,
        /// For each block the block that holds its margins; `None` for blocks that are not shown.
        margins: Vec<Option<usize>>,
    },
    /// The bin in which the quantile lies, among the cells that [`super::Plan::along`] finds.
    Quantile {
        /// The measure's position in the dataset.
        measure: usize,
        /// The column of counts.
        column: usize,
        /// The axis of bins, by its position in the plan.
        axis: usize,
        /// Which quantile.
        probability: Probability,
        /// For each block the block that is broken down by the bins as well; `None` for blocks that are not shown.
        distributions: Vec<Option<usize>>,
    },
}

impl Output {
    /// The name in files: `count`, `mean_duration_days`, `share_within_year`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells the figure from others of its name, the `nth` one from 2 on.
    pub(super) fn tell_apart(&mut self, name: String, nth: usize) {
        self.name = name;
        self.label = Label::new(format!("{} ({nth})", self.label.nl), format!("{} ({nth})", self.label.en));
    }

    /// What the figure is, for people.
    pub fn label(&self, lang: Lang) -> &str {
        self.label.get(lang)
    }

    /// The unit: that of the dataset's rows, of the measure, its square for variances, none for shares.
    pub fn unit(&self, lang: Lang) -> &str {
        self.unit.get(lang)
    }

    /// How many digits after the point are worth showing.
    pub fn decimals(&self) -> u32 {
        self.decimals
    }

    /// How the figure is made of the columns.
    pub fn kind(&self) -> &OutputKind {
        &self.kind
    }
}

/// What an output needs to know of blocks and axes.
pub(super) struct Layout<'l> {
    /// For each block the block of its margin that keeps only these axes.
    pub(super) margins: &'l dyn Fn(&[usize]) -> Vec<Option<usize>>,
    /// For each block the block that has this axis as well.
    pub(super) with_axis: &'l dyn Fn(usize) -> Vec<Option<usize>>,
    /// The position of the axis on which this figure's quantile is looked for.
    pub(super) bins: &'l dyn Fn(&Figure) -> Option<usize>,
}

/// The output for one figure. `None` for a figure that the layout has no place for.
pub(super) fn output(query: &Query, figure: &Figure, columns: &mut Columns<'_>, layout: &Layout<'_>) -> Option<Output> {
    let dataset = query.dataset().as_ref();
    let kind = match query.epsilon() {
        Some(_) => noised_kind(figure, columns)?,
        None => kind(figure, columns, layout)?,
    };
    let (name, label) = words(query, figure);
    let measure = figure.measure().and_then(|index| dataset.measures().get(index));
    let unit = match (figure, measure) {
        (Figure::Count, _) => Label::new(dataset.unit().label(Lang::Nl), dataset.unit().label(Lang::En)),
        (Figure::Variance { .. }, Some(measure)) => Label::same(format!("{}²", measure.unit())),
        (_, Some(measure)) => Label::same(measure.unit()),
        _ => Label::same(""),
    };
    let decimals = match figure {
        Figure::Count => 0,
        Figure::Share { .. } => 4,
        Figure::Sum { .. } | Figure::Quantile { .. } => measure.map_or(0, Measure::decimals),
        _ => measure.map_or(0, Measure::decimals) + 2,
    };
    Some(Output { name, label, unit, decimals, kind })
}

/// With noise only what was asked is added up.
fn noised_kind(figure: &Figure, columns: &mut Columns<'_>) -> Option<OutputKind> {
    match *figure {
        Figure::Count => Some(OutputKind::Count { column: columns.place(Column::Count) }),
        Figure::Sum { measure } => {
            Some(OutputKind::NoisedSum { measure, column: columns.place(Column::Sum { measure }) })
        }
        _ => None,
    }
}

fn kind(figure: &Figure, columns: &mut Columns<'_>, layout: &Layout<'_>) -> Option<OutputKind> {
    let count = columns.place(Column::Count);
    let mut moments = |measure: usize| {
        let sum = columns.place(Column::Sum { measure });
        let squares = columns.place(Column::SumOfSquares { measure });
        (sum, squares, columns.present(measure))
    };
    Some(match figure {
        Figure::Count => OutputKind::Count { column: count },
        &Figure::Sum { measure } => {
            let column = columns.place(Column::Sum { measure });
            OutputKind::Sum { measure, column, present: columns.present(measure) }
        }
        &Figure::Mean { measure } => {
            let sum = columns.place(Column::Sum { measure });
            OutputKind::Mean { measure, sum, present: columns.present(measure) }
        }
        &Figure::Variance { measure, population } => {
            let (sum, squares, present) = moments(measure);
            OutputKind::Variance { measure, sum, squares, present, population }
        }
        &Figure::StandardDeviation { measure, population } => {
            let (sum, squares, present) = moments(measure);
            OutputKind::StandardDeviation { measure, sum, squares, present, population }
        }
        Figure::Share { within } => OutputKind::Share { column: count, margins: (layout.margins)(within) },
        Figure::Quantile { histogram, probability } => {
            let axis = (layout.bins)(figure)?;
            OutputKind::Quantile {
                measure: histogram.measure(),
                column: count,
                axis,
                probability: *probability,
                distributions: (layout.with_axis)(axis),
            }
        }
    })
}

/// The name in files and the label.
fn words(query: &Query, figure: &Figure) -> (String, Label) {
    let dataset: &Dataset = query.dataset();
    let measure = figure.measure().and_then(|index| dataset.measures().get(index));
    let of = |name: &str, nl: &str, en: &str| {
        let (measure_name, label) = measure.map_or(("", Label::same("")), |m| (m.name(), m.label().clone()));
        (format!("{name}_{measure_name}"), Label::new(format!("{nl} {}", label.nl), format!("{en} {}", label.en)))
    };
    match figure {
        Figure::Count => ("count".to_owned(), Label::new("aantal", "number")),
        Figure::Sum { .. } => of("sum", "som van", "sum of"),
        Figure::Mean { .. } => of("mean", "gemiddelde van", "mean of"),
        Figure::Variance { population: false, .. } => of("var", "variantie van", "variance of"),
        Figure::Variance { population: true, .. } => of("var_pop", "populatievariantie van", "population variance of"),
        Figure::StandardDeviation { population: false, .. } => {
            of("stddev", "standaardafwijking van", "standard deviation of")
        }
        Figure::StandardDeviation { population: true, .. } => {
            of("stddev_pop", "populatiestandaardafwijking van", "population standard deviation of")
        }
        Figure::Share { within } if within.is_empty() => {
            ("share".to_owned(), Label::new("aandeel in het totaal", "share of the total"))
        }
        Figure::Share { within } => {
            let words: Vec<(String, Label)> = within.iter().filter_map(|&axis| query.axis_words(axis)).collect();
            let join = |words: Vec<&str>, by: &str| words.join(by);
            let names = join(words.iter().map(|(name, _)| name.as_str()).collect(), "_");
            let nl = join(words.iter().map(|(_, label)| label.nl.as_str()).collect(), ", ");
            let en = join(words.iter().map(|(_, label)| label.en.as_str()).collect(), ", ");
            (format!("share_within_{names}"), Label::new(format!("aandeel binnen {nl}"), format!("share within {en}")))
        }
        Figure::Quantile { probability, .. } => of(
            &format!("quantile_{probability}"),
            &format!("kwantiel {probability} van"),
            &format!("quantile {probability} of"),
        ),
    }
}
