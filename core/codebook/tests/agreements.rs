//! What an agreement admits and refuses, and mistakes in its document.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{codebook, plan};
use optelsom_codebook::{
    Admission, Agreement, Codebook, Lang, Plan, ProtectionRules, Query, Refusal, RefusalReason, Request, Timestamp,
};

const AGREEMENT: &str = r#"
supplier = "police-north"
version = "3"
valid = { from = "2024-01-01", until = "2028-12-31" }

[[datasets]]
name = "victims"
variables = ["year", "sex", "form"]
measures = ["days"]
purposes = ["monitor", "advice"]
years = [2020, 2022]
minimum_suppliers = 5
maximum_cells = 20
queries_per_day = 2
minimum_frequency = 12

[[datasets]]
name = "suspects"
variables = "all"
purposes = ["monitor"]
queries_per_day = 1
every_query_waits_for_approval = true
"#;

const WITHIN: &str = "SELECT year, AVG(days) FROM victims WHERE year BETWEEN 2020 AND 2022 AND sex = 'F' GROUP BY year";

fn agreement() -> Agreement {
    Agreement::parse(AGREEMENT, &codebook()).unwrap()
}

fn request(plan: &Plan) -> Request<'_> {
    let now = "2025-06-01T12:00:00Z".parse().unwrap();
    Request { plan, purpose: "monitor", now, min_suppliers: 5, rules: RULES, queries_today: 0 }
}

const RULES: ProtectionRules =
    ProtectionRules { minimum_frequency: 12, minimum_suppliers: 2, dominance_percent: None, rounding_base: None };

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn what_lies_within_is_admitted() {
    let plan = plan(WITHIN);
    let Ok(Admission::Admitted(admitted)) = agreement().admit(&request(&plan)) else { panic!() };
    assert_eq!(admitted.plan(), &plan);
}

#[test]
fn a_person_may_have_to_approve() {
    let plan = plan("SELECT COUNT(*) FROM suspects");
    let Ok(Admission::NeedsApproval(pending)) = agreement().admit(&request(&plan)) else { panic!() };
    assert_eq!(pending.approve().plan(), &plan);
}

#[test]
fn what_lies_outside_is_refused() {
    let refusal = |plan: &Plan, change: &dyn Fn(&mut Request<'_>)| {
        let mut request = request(plan);
        change(&mut request);
        let refusal = agreement().admit(&request).unwrap_err();
        format!("{} ({})", refusal.reason().code(), refusal.subject())
    };
    let within = plan(WITHIN);
    let asked = |sql: &str| refusal(&plan(sql), &|_| {});
    let changed = |change: &dyn Fn(&mut Request<'_>)| refusal(&within, change);
    let before = moment("2023-12-31T23:59:59.999Z");
    assert_eq!(changed(&|r| r.now = before), "agreement-not-in-force (2023-12-31T23:59:59.999Z)");
    assert_eq!(changed(&|r| r.now = moment("2029-01-01T00:00:00Z")), "agreement-not-in-force (2029-01-01T00:00:00Z)");
    assert_eq!(changed(&|r| r.purpose = "curiosity"), "purpose-not-agreed (curiosity)");
    assert_eq!(changed(&|r| r.min_suppliers = 4), "too-few-suppliers (≥ 5)");
    assert_eq!(changed(&|r| r.queries_today = 2), "too-many-queries-today (2)");
    assert_eq!(changed(&|r| r.rules.minimum_frequency = 11), "policy (k = 12)");
    let only = "WHERE year = 2020";
    assert_eq!(asked(&format!("SELECT age, COUNT(*) FROM victims {only} GROUP BY age")), "variable-not-agreed (age)");
    assert_eq!(asked(&format!("SELECT COUNT(*) FROM victims {only} AND age = '23+'")), "variable-not-agreed (age)");
    assert_eq!(asked(&format!("SELECT SUM(damages) FROM victims {only}")), "measure-not-agreed (damages)");
    let hidden = format!("SELECT COUNT(*), HISTOGRAM(damages, 0, 1) FROM victims {only}");
    assert_eq!(asked(&hidden), "measure-not-agreed (damages)");
    assert_eq!(asked("SELECT COUNT(*) FROM victims"), "outside-period (2018)");
    assert_eq!(asked("SELECT COUNT(*) FROM victims WHERE year = 2020 OR sex = 'F'"), "outside-period (2018)");
    assert_eq!(asked("SELECT COUNT(*) FROM victims WHERE year IN (2021, 2023)"), "outside-period (2023)");
    let large = "SELECT COUNT(*) FROM victims WHERE year BETWEEN 2020 AND 2022 GROUP BY year, sex, form";
    assert_eq!(asked(large), "too-many-cells (≤ 20)");
    let other =
        Agreement::parse(AGREEMENT.split("[[datasets]]\nname = \"suspects\"").next().unwrap(), &codebook()).unwrap();
    let refusal = other.admit(&request(&plan("SELECT COUNT(*) FROM suspects"))).unwrap_err();
    assert_eq!(refusal.reason(), RefusalReason::DatasetNotAgreed);
}

#[test]
fn the_last_moment_counts_and_the_next_does_not() {
    let plan = plan(WITHIN);
    let mut request = request(&plan);
    request.now = moment("2028-12-31T23:59:59.999Z");
    assert!(agreement().admit(&request).is_ok());
    assert_eq!(agreement().until(), moment("2029-01-01T00:00:00Z"));
}

#[test]
fn reasons_have_codes_and_words() {
    for reason in RefusalReason::ALL {
        assert_eq!(reason.code().parse(), Ok(*reason));
        assert!(reason.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
    }
    let refusal = Refusal::new(RefusalReason::VariableNotAgreed, "age");
    insta::assert_snapshot!(refusal, @"variable-not-agreed: a variable is not in the agreement (age)");
    insta::assert_snapshot!(refusal.explain(Lang::Nl), @"een variabele staat niet in de overeenkomst (age)");
    let limit = Refusal::new(RefusalReason::TooManyCells, "≤ 20");
    insta::assert_snapshot!(limit.explain(Lang::En), @"the question has more cells than was agreed (≤ 20)");
    // An analyst reads the reason without its subject: it has to be a sentence of its own.
    for reason in RefusalReason::ALL {
        for lang in [Lang::Nl, Lang::En] {
            assert!(!reason.explain(lang).ends_with(" is"), "{}", reason.explain(lang));
        }
    }
}

#[test]
fn every_mistake_is_reported() {
    let toml = r#"
supplier = "Police North"
valid = { from = "2024-13-01", until = "31-12-2028" }
[[datasets]]
name = "victim"
purposes = []
[[datasets]]
name = "victims"
variables = ["year", "vorm"]
measures = "some"
purposes = ["monitor"]
years = [2022, 2020]
minimum_suppliers = 2
queries_per_week = 3
"#;
    insta::assert_snapshot!(Agreement::parse(toml, &codebook()).unwrap_err(), @r#"
    the agreement has 13 mistakes
      line 1: the document has no `version`; add `version = "1"`
      line 2: `Police North` is not a supplier's name: use 1 to 40 of the characters a-z, 0-9 and -; use the name under which the bureau knows it
      line 3: `2024-13-01` is no day since 1970; write it like "2024-01-31"
      line 3: `31-12-2028` is no day since 1970; write it like "2024-01-31"
      line 4: dataset 1 of the document has no `queries_per_day`; add `queries_per_day = 50`
      line 4: dataset 1 of the document has no purpose; add `purposes = ["monitor"]`
      line 5: the codebook has no dataset `victim`; did you mean `victims`?
      line 7: dataset 2 of the document has no `queries_per_day`; add `queries_per_day = 50`
      line 9: `variables` of dataset 2 of the document names `vorm`, which the codebook doesn't have; did you mean `form`?
      line 10: `measures` of dataset 2 of the document is `some`; write `measures = "all"` or a list of names
      line 12: `years` of dataset 2 of the document is not a range; write it like `years = [2015, 2030]`: first and last, from 1000 to 9999
      line 13: `minimum_suppliers` of dataset 2 of the document is 2; it must be a whole number from 3 to 4294967295
      line 14: dataset 2 of the document has no key `queries_per_week`; did you mean `queries_per_day`?
    "#);
    insta::assert_snapshot!(Agreement::parse("", &codebook()).unwrap_err(), @r#"
    the agreement has 4 mistakes
      line 1: the agreement does not say when it holds; add `valid = { from = "2024-01-01", until = "2028-12-31" }`
      line 1: the agreement has no dataset; add `[[datasets]]` with its terms
      line 1: the document has no `supplier`; add `supplier = "police-north"`
      line 1: the document has no `version`; add `version = "1"`
    "#);
    let twice = AGREEMENT.replace("name = \"suspects\"", "name = \"victims\"");
    insta::assert_snapshot!(Agreement::parse(&twice, &codebook()).unwrap_err(), @r#"
    the agreement has 1 mistake
      line 18: the dataset `victims` stands twice in the agreement; join the two
    "#);
}

#[test]
fn the_hash_is_of_the_content() {
    let respaced =
        AGREEMENT.replace(" = ", "=").replace("[\"year\", \"sex\", \"form\"]", "[\"sex\", \"form\", \"year\"]");
    assert_eq!(Agreement::parse(&respaced, &codebook()).unwrap().hash(), agreement().hash());
    let changed = AGREEMENT.replace("queries_per_day = 2", "queries_per_day = 3");
    assert_ne!(Agreement::parse(&changed, &codebook()).unwrap().hash(), agreement().hash());
}

#[test]
fn stricter_rules_have_to_be_possible_and_are_kept() {
    let with = |rule: &str| AGREEMENT.replace("minimum_frequency = 12", &format!("minimum_frequency = 12\n{rule}"));
    let mistake = |rule: &str| Agreement::parse(&with(rule), &codebook()).unwrap_err().to_string();
    assert!(mistake("dominance_percent = 20").contains("the codebook has no such rule"));
    assert!(mistake("rounding_base = 25").contains("would round counts that are shown to nought"));
    assert!(mistake("minimum_suppliers_per_cell = 1").contains("must be a whole number from 2"));
    let within = plan(WITHIN);
    let stricter = |rules: ProtectionRules| ProtectionRules { minimum_suppliers: 4, rounding_base: Some(10), ..rules };
    for (rule, refused) in [
        ("minimum_suppliers_per_cell = 2", None),
        ("minimum_suppliers_per_cell = 3", Some("s = 3")),
        ("rounding_base = 5", Some("rounding to = 5")),
    ] {
        let agreement = Agreement::parse(&with(rule), &codebook()).unwrap();
        let promised = |rules| agreement.admit(&Request { rules, ..request(&within) });
        assert_eq!(promised(RULES).err().as_ref().map(Refusal::subject), refused, "{rule}");
        assert!(promised(stricter(RULES)).is_ok(), "what promises as much or more is admitted");
    }
}

#[test]
fn a_percentage_is_compared_too() {
    let codebook = Codebook::parse(
        &common::SMALL
            .replacen("period = \"year\"", "period = \"year\"\ndominance_percent = 10", 1)
            .lines()
            .filter(|line| !line.starts_with("wide ="))
            .collect::<Vec<_>>()
            .join("\n"),
    )
    .unwrap();
    let agreement = AGREEMENT.replace("minimum_frequency = 12", "minimum_frequency = 12\ndominance_percent = 20");
    let agreement = Agreement::parse(&agreement, &codebook).unwrap();
    let plan = Plan::new(&codebook, &Query::from_sql(&codebook, WITHIN).unwrap()).unwrap();
    let refused = |percent| {
        let rules = ProtectionRules { dominance_percent: percent, ..RULES };
        agreement.admit(&Request { rules, ..request(&plan) }).err().map(|refusal| refusal.subject().to_owned())
    };
    assert_eq!([None, Some(10)].map(refused), [Some("p = 20".to_owned()), Some("p = 20".to_owned())]);
    assert_eq!([Some(20), Some(30)].map(refused), [None, None]);
}
