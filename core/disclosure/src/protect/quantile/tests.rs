#![allow(clippy::unwrap_used)]

use optelsom_codebook::{Codebook, Figure, Query};
use proptest::prelude::*;

use super::*;

const CODEBOOK: &str = r#"
version = "1"
name = { nl = "x", en = "x" }
[lists.years]
years = [2020, 2021]
[datasets.d]
label = { nl = "d", en = "d" }
unit = "report"
period = "year"
minimum_frequency = 3
minimum_suppliers = 1
[datasets.d.variables.year]
label = { nl = "jaar", en = "year" }
list = "years"
[datasets.d.measures.x]
label = { nl = "x", en = "x" }
unit = "days"
decimals = 0
minimum = 0
maximum = 100
"#;

/// A probability, which only a question can make.
fn probability(text: &str) -> Probability {
    let codebook = Codebook::parse(CODEBOOK).unwrap();
    let query = Query::from_sql(&codebook, &format!("SELECT QUANTILE(x, {text}, 0, 10) FROM d")).unwrap();
    let Some(Figure::Quantile { probability, .. }) = query.select().first() else { unreachable!("one quantile") };
    *probability
}

#[test]
fn the_median_is_in_the_bin_that_reaches_half() {
    let median = probability("0.5");
    assert_eq!(holder(&[10, 10, 10], median, 3), Holder::Bin(1));
    assert_eq!(holder(&[10, 10], median, 3), Holder::Bin(0));
    assert_eq!(holder(&[0, 0, 5], median, 3), Holder::Bin(2));
    assert_eq!(holder(&[0, 0, 0], median, 3), Holder::NoValues);
    assert_eq!(holder(&[], median, 3), Holder::NoValues);
}

#[test]
fn hidden_bins_that_matter_hide_it() {
    let median = probability("0.5");
    // Two of all: too few. A bin of two: too few. A hidden bin that could tip it: hidden. One that could not: shown.
    assert_eq!(holder(&[0, 2, 0], median, 3), Holder::Hidden);
    assert_eq!(holder(&[0, 2, 1], median, 3), Holder::Hidden);
    assert_eq!(holder(&[10, 1, 10], median, 10), Holder::Hidden);
    assert_eq!(holder(&[20, 2, 18], median, 3), Holder::Bin(0));
    assert_eq!(holder(&[20, 1, 18], median, 3), Holder::Bin(0));
    assert_eq!(holder(&[20, 1, 19], median, 3), Holder::Hidden);
    assert_eq!(holder(&[100, 2, 3], median, 3), Holder::Bin(0));
}

/// All ways to fill the hidden bins with 1 to k − 1.
fn fillings(counts: &[i64], k: i64) -> Vec<Vec<i64>> {
    counts.iter().fold(vec![Vec::new()], |fillings, &count| {
        let choices: Vec<i64> = if 0 < count && count < k { (1..k).collect() } else { vec![count] };
        let with = |filling: &Vec<i64>, &choice: &i64| filling.iter().copied().chain([choice]).collect();
        fillings
            .iter()
            .flat_map(|filling| choices.iter().map(|choice| with(filling, choice)).collect::<Vec<_>>())
            .collect()
    })
}

fn true_bin(counts: &[i64], probability: Probability) -> Option<usize> {
    (0..counts.len()).find(|&at| reaches(counts, at, probability, |_, count| count))
}

proptest! {
    /// What is shown is the same for every content of the hidden bins; and what is the same for all is shown, unless
    /// its own bin is hidden or there are too few in all.
    #[test]
    fn a_shown_quantile_tells_nothing_of_hidden_bins(
        counts in prop::collection::vec(0i64..9, 1..6),
        k in 3i64..5,
        p in prop::sample::select(vec!["0.1", "0.25", "0.5", "0.9", "0.999999"]),
    ) {
        let probability = probability(p);
        let bins: Vec<_> = fillings(&counts, k).iter().map(|filling| true_bin(filling, probability)).collect();
        let settled = bins.iter().all(|bin| *bin == bins[0]);
        match holder(&counts, probability, k) {
            Holder::NoValues => prop_assert!(counts.iter().all(|&count| count == 0)),
            Holder::Bin(at) => {
                prop_assert!(settled && bins[0] == Some(at));
                prop_assert!(counts[at] >= k);
            }
            Holder::Hidden => {
                let in_hidden_bin = true_bin(&counts, probability).is_none_or(|at| counts[at] < k);
                prop_assert!(!settled || in_hidden_bin || counts.iter().sum::<i64>() < k);
            }
        }
    }
}
