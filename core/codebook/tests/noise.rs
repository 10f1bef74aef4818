//! Questions that ask for noise in place of hiding: how they are written, and what a plan adds up for them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{codebook, plan, query, refused};
use optelsom_codebook::{
    Admission, Agreement, Column, OutputKind, Plan, PlanError, ProtectionRules, Query, RefusalReason, Request,
};

const NOISED: &str = "SELECT year, COUNT(*) FROM victims WHERE year = '2024' GROUP BY year SETTINGS epsilon = 0.5";

/// What every query promises here; it is not looked at where there is noise.
const RULES: ProtectionRules =
    ProtectionRules { minimum_frequency: 10, minimum_suppliers: 2, dominance_percent: None, rounding_base: None };

#[test]
fn epsilon_stands_in_the_document_and_in_sql() {
    let noised = query(NOISED);
    assert_eq!(noised.epsilon().map(|epsilon| epsilon.thousandths()), Some(500));
    assert!(noised.canonical_json().ends_with(r#","noise":{"epsilon":"0.5"}}"#), "{}", noised.canonical_json());
    assert_eq!(Query::from_json(&codebook(), &noised.canonical_json()).unwrap(), noised);
    assert_eq!(query(&noised.to_sql()), noised);
    assert_eq!(query(&NOISED.replace("0.5", "'0.500'")), noised);
    for sql in
        ["SELECT COUNT(*) FROM victims SETTINGS epsilon = 1", "SELECT SUM(days) FROM victims settings epsilon = 10"]
    {
        assert_eq!(query(&query(sql).to_sql()), query(sql));
    }
}

#[test]
fn a_question_without_noise_is_what_it_was() {
    let plain = query(NOISED.strip_suffix(" SETTINGS epsilon = 0.5").unwrap());
    assert!(!plain.canonical_json().contains("noise") && plain.epsilon().is_none());
    assert_eq!(plain.clone().with_epsilon("0.5".parse().unwrap()).unwrap(), query(NOISED));
    assert_ne!(plain.hash(), query(NOISED).hash());
    assert_ne!(plan(NOISED).hash(), Plan::new(&codebook(), &plain).unwrap().hash());
}

#[test]
fn what_cannot_be_had_with_noise_is_refused() {
    for figure in ["AVG(days)", "VAR(days)", "STDDEV(days)", "SHARE(COUNT(*))", "QUANTILE(days, 0.5, 0, 7)"] {
        let sql = format!("SELECT COUNT(*), {figure} FROM victims");
        assert!(refused(&format!("{sql} SETTINGS epsilon = 1")).contains("ask COUNT(*) or SUM(…)"), "{figure}");
        assert!(query(&sql).with_epsilon("1".parse().unwrap()).is_err());
    }
    for setting in ["epsilon = 0", "epsilon = 10.5", "epsilon = 0.0001", "epsilon = -1", "epsilon = x"] {
        assert!(refused(&format!("SELECT COUNT(*) FROM victims SETTINGS {setting}")).contains("from 0.001 to 10"));
    }
    for setting in ["noise = 1", "epsilon = 1, epsilon = 2", "epsilon = 1, max_threads = 8"] {
        assert!(refused(&format!("SELECT COUNT(*) FROM victims SETTINGS {setting}")).contains("the one setting"));
    }
    for bad in [r#"{"epsilon":0.5}"#, r#"{"epsilon":"2e1"}"#, r#"{"epsilon":"1","delta":"0"}"#, "{}"] {
        let document = query(NOISED).canonical_json().replace(r#"{"epsilon":"0.5"}"#, bad);
        assert!(Query::from_json(&codebook(), &document).is_err(), "{bad}");
    }
}

#[test]
fn only_what_is_asked_is_added_up() {
    let columns = |sql: &str| plan(&format!("{sql} SETTINGS epsilon = 1")).columns().to_vec();
    let days = codebook().dataset("victims").unwrap().measure_index("days").unwrap();
    assert_eq!(columns("SELECT COUNT(*) FROM victims"), [Column::Count]);
    assert_eq!(columns("SELECT SUM(days) FROM victims"), [Column::Sum { measure: days }]);
    assert_eq!(columns("SELECT SUM(days), COUNT(*) FROM victims"), [Column::Sum { measure: days }, Column::Count]);
    let plan = plan("SELECT SUM(days), COUNT(*) FROM victims SETTINGS epsilon = 1");
    let kinds: Vec<_> = plan.outputs().iter().map(|output| output.kind().clone()).collect();
    assert_eq!(kinds, [OutputKind::NoisedSum { measure: days, column: 0 }, OutputKind::Count { column: 1 }]);
}

/// Counted by hand for a row that has every code of `form`, of which there are four.
#[test]
fn the_sensitivity_counts_every_cell_that_a_row_touches() {
    let of = |sql: &str| {
        let plan = plan(&format!("{sql} SETTINGS epsilon = 1"));
        plan.sensitivity(&plan.columns()[0])
    };
    assert_eq!(of("SELECT COUNT(*) FROM victims"), 1);
    assert_eq!(of("SELECT year, sex, COUNT(*) FROM victims GROUP BY year, sex"), 1);
    assert_eq!(of("SELECT year, sex, COUNT(*) FROM victims GROUP BY CUBE(year, sex)"), 4);
    assert_eq!(of("SELECT form, COUNT(*) FROM victims GROUP BY form"), 4);
    assert_eq!(of("SELECT form, year, COUNT(*) FROM victims GROUP BY ROLLUP(form, year)"), 4 + 4 + 1);
    assert_eq!(of("SELECT form, COUNT(*) FROM victims WHERE form = 'labour' GROUP BY form"), 1);
    assert_eq!(of("SELECT COUNT(*), HISTOGRAM(days, 0, 7) FROM victims"), 1);
    assert_eq!(of("SELECT SUM(days) FROM victims"), 20_000);
    // Scaled by a hundred; the largest magnitude counts.
    assert_eq!(of("SELECT sex, SUM(damages) FROM victims GROUP BY ROLLUP(sex)"), 2 * 100_000_000);
}

#[test]
fn noise_that_fits_no_sum_is_refused() {
    let sql = "SELECT form, SUM(wide) FROM victims GROUP BY form SETTINGS epsilon = ";
    let planned = |epsilon: &str| Plan::new(&codebook(), &query(&format!("{sql}{epsilon}")));
    assert!(planned("0.001").is_ok_and(|plan| plan.sensitivity(&plan.columns()[0]) == 1 << 34));
    let many = "SELECT form, SUM(wide), COUNT(*) FROM victims GROUP BY form SETTINGS epsilon = 0.001";
    let figure = "sum_wide".to_owned();
    assert_eq!(Plan::new(&codebook(), &query(many)).unwrap_err(), PlanError::TooMuchNoise { figure });
}

#[test]
fn an_agreement_says_whether_and_how_much() {
    let agreement = |terms: &str| {
        let text = format!(
            "supplier = \"police\"\nversion = \"1\"\nvalid = {{ from = \"2024-01-01\", until = \"2028-12-31\" }}\n\
             [[datasets]]\nname = \"victims\"\nvariables = \"all\"\npurposes = [\"monitor\"]\nqueries_per_day = 9\n{terms}"
        );
        Agreement::parse(&text, &codebook())
    };
    let plan = plan("SELECT COUNT(*) FROM victims SETTINGS epsilon = 0.5");
    let refusal = |terms: &str| {
        let now = "2025-06-01T12:00:00Z".parse().unwrap();
        let request =
            Request { plan: &plan, purpose: "monitor", now, min_suppliers: 5, rules: RULES, queries_today: 0 };
        match agreement(terms).unwrap().admit(&request) {
            Ok(Admission::Admitted(_)) => None,
            Ok(Admission::NeedsApproval(_)) => panic!("nobody was to be asked"),
            Err(refusal) => Some(refusal.reason()),
        }
    };
    assert_eq!(refusal(""), Some(RefusalReason::NoiseNotAgreed));
    assert_eq!(refusal("privacy_budget = 0.499"), Some(RefusalReason::PrivacyBudgetSpent));
    assert_eq!(refusal("privacy_budget = 0.5"), None);
    // The rules by which cells are hidden are for tables without noise.
    assert_eq!(refusal("privacy_budget = 2\nrounding_base = 5\nminimum_frequency = 99"), None);
    let (without, with) = (agreement("").unwrap(), agreement("privacy_budget = 2").unwrap());
    assert_ne!(without.hash(), with.hash());
    assert_ne!(with.hash(), agreement("privacy_budget = 2.5").unwrap().hash());
    for bad in ["0", "-1", "1000.5", "0.0001", "\"2\""] {
        assert!(agreement(&format!("privacy_budget = {bad}")).is_err(), "{bad}");
    }
}
