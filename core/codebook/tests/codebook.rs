//! Mistakes in a codebook's document: all of them at once, each with its line and how to mend it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use optelsom_codebook::{Codebook, MAX_CODES, MAX_TEXT_BYTES};

fn mistakes(toml: &str) -> String {
    Codebook::parse(toml).unwrap_err().to_string()
}

/// The small codebook with one piece of it exchanged.
fn with(piece: &str, other: &str) -> String {
    assert!(common::SMALL.contains(piece), "{piece}");
    common::SMALL.replacen(piece, other, 1)
}

#[test]
fn a_codebook_that_no_node_would_take_beside_the_log_is_refused() {
    let most = |bytes: usize| format!("{}\n#{}", common::SMALL, "x".repeat(bytes - common::SMALL.len() - 2));
    assert!(Codebook::parse(&most(MAX_TEXT_BYTES)).is_ok());
    let why = mistakes(&most(MAX_TEXT_BYTES + 1));
    assert!(why.contains("4194305 bytes") && why.contains("more than 4194304") && why.contains("shorten"), "{why}");
}

#[test]
fn every_mistake_is_reported() {
    let toml = r#"
versoin = "1"
name = { nl = "Proef", en = "" }

[lists.year]
years = [2020, 2010]

[lists.sex]
missing = "X"
codes = [{ code = "F", nl = "vrouw", en = "female" }, { code = "F", nl = "vrouw", en = "female" }, { code = 1 }]

[lists.empty]
codes = []

[lists.Both]
years = [2010, 2020]
codes = []

[datasets.victims]
unit = "persons"
label = { nl = "slachtoffers", en = "victims", de = "Opfer" }
period = "yaer"
minimum_frequency = 2

[datasets.victims.variables.year]
list = "yaer"
label = { nl = "jaar", en = "year" }

[datasets.victims.variables.group]
list = "sex"
label = { nl = "groep", en = "group" }
multiple = "yes"

[datasets.victims.measures.year]
label = { nl = "duur", en = "duration" }
unit = "days"
minimum = 10
maximum = 1

[datasets.victims.measures.wide]
label = { nl = "breed", en = "wide" }
unit = "EUR"
decimals = 6
minimum = 0.0000001
maximum = 1000000000
"#;
    insta::assert_snapshot!(mistakes(toml), @r#"
    the codebook has 21 mistakes
      line 1: the document has no `version`; add `version = "2025.1"`
      line 2: the document has no key `versoin`; did you mean `version`?
      line 3: `en` of `name` of the document is empty, over 200 characters, or holds control characters; write it like `en = "…"`
      line 6: `years` of list `year` is not a range; write it like `years = [2015, 2030]`: first and last, from 1000 to 9999
      line 10: `code` of code 3 of list `sex` is an integer; write it like `code = "F"`
      line 10: code 3 of list `sex` has no `en`; add `en = "…"`
      line 10: code 3 of list `sex` has no `nl`; add `nl = "…"`
      line 10: the code `F` stands twice in list `sex`; remove one of the two
      line 12: list `empty` has 0 codes; give it 1 to 60000
      line 15: `Both` is no name for a list; use a small letter, then at most 39 small letters, digits and _
      line 15: list `Both` needs either `codes` or `years`; write one of them: `codes = [{ code, nl, en }]` or `years = [2010, 2030]`
      line 20: dataset `victims` has the unit `persons`; a row is a `report` or a `person`
      line 21: `label` of dataset `victims` has no key `de`; remove it; there can be `nl` or `en`
      line 22: the period `yaer` is no variable of dataset `victims`; did you mean `year`?
      line 23: `minimum_frequency` of dataset `victims` is 2; it must be a whole number from 3 to 4294967295
      line 26: variable `year` uses the list `yaer`, which is not there; did you mean `year`?
      line 29: the variable `group` has a name that SQL uses itself; choose another name, as in `group_code`
      line 32: `multiple` of variable `group` is a string; write it like `multiple = true`
      line 34: `year` is both a variable and a measure of dataset `victims`; rename one of them
      line 37: measure `year` has a minimum above its maximum; exchange the two
      line 44: `minimum` of measure `wide` is 0.0000001: more than 6 digits after the point; write fewer digits, or raise `decimals`
    "#);
}

#[test]
fn mistakes_of_syntax_are_reported_alone() {
    insta::assert_snapshot!(mistakes("version = \nname = { nl = 'x' \n[lists.x"), @r#"
    the codebook has 3 mistakes
      line 1: not TOML: string values must be quoted, expected literal string; correct the syntax
      line 3: not TOML: missing key for inline table element, expected `,`; correct the syntax
      line 3: not TOML: unclosed inline table, expected `}`; correct the syntax
    "#);
    insta::assert_snapshot!(mistakes(""), @r#"
    the codebook has 3 mistakes
      line 1: the document has no `name`; add `name = { nl = "…", en = "…" }`
      line 1: the document has no `version`; add `version = "2025.1"`
      line 1: the document has no dataset; add `[datasets.name]`
    "#);
}

#[test]
fn single_mistakes() {
    insta::assert_snapshot!(mistakes(&with("period = \"year\"", "period = \"form\"")), @r#"
    the codebook has 1 mistake
      line 37: the period `form` of dataset `victims` is multiple-valued or not ordered; a row belongs to one period: use a single variable with a list of years
    "#);
    insta::assert_snapshot!(mistakes(&with("missing = \"U\"", "missing = \"Unknown\"")), @r#"
    the codebook has 1 mistake
      line 9: the missing code `Unknown` is not in list `sex`; name one of its codes; did you mean `U`?
    "#);
    insta::assert_snapshot!(mistakes(&with("maximum = 4294967296", "maximum = 1e9")), @r#"
    the codebook has 1 mistake
      line 48: `maximum` of measure `wide` is 1e9: not a number: write digits with an optional sign and a point, as in -12.5; write fewer digits, or raise `decimals`
    "#);
    insta::assert_snapshot!(mistakes(&with("[datasets.suspects]", "[datasets.edition]\n[datasets.suspects]")), @r#"
    the codebook has 4 mistakes
      line 50: dataset `edition` has no `label`; add `label = { nl = "…", en = "…" }`
      line 50: dataset `edition` has no `period`; add `period = "year"`
      line 50: dataset `edition` has no `unit`; add `unit = "report"`
      line 50: the dataset `edition` has a name that SQL uses itself; choose another name, as in `edition_code`
    "#);
}

#[test]
fn bounds_are_such_that_sums_can_be_held() {
    let bound = |bound: &str| with("maximum = 4294967296", &format!("maximum = {bound}"));
    assert!(Codebook::parse(&bound("1099511627776")).is_ok());
    assert!(mistakes(&bound("1099511627777")).contains("so large that its sums cannot be held"));
    assert!(mistakes(&bound("99999999999999999999")).contains("too large a number"));
}

#[test]
fn lists_hold_at_most_so_many_codes() {
    let list = |count: usize| {
        let codes: Vec<String> = (0..count).map(|i| format!("{{code=\"{i}\",nl=\"a\",en=\"a\"}}")).collect();
        format!("[lists.long]\ncodes = [{}]\n[lists.year]\n", codes.join(","))
    };
    assert!(Codebook::parse(&with("[lists.year]\n", &list(MAX_CODES))).is_ok());
    assert!(mistakes(&with("[lists.year]\n", &list(MAX_CODES + 1))).contains("60001 codes"));
}

#[test]
fn the_hash_is_of_the_content() {
    let codebook = common::codebook();
    let respaced = format!("# a remark\n{}", common::SMALL.replace(" = ", "="));
    assert_eq!(Codebook::parse(&respaced).unwrap().hash(), codebook.hash());
    for (piece, other) in [
        ("version = \"1\"", "version = \"2\""),
        ("\"onbekend\"", "\"onbekend!\""),
        ("multiple = true", "multiple = false"),
        ("maximum = 20000", "maximum = 20001"),
        ("unit = \"report\"", "unit = \"person\""),
        ("period = \"year\"", "period = \"year\"\nminimum_frequency = 11"),
    ] {
        assert_ne!(Codebook::parse(&with(piece, other)).unwrap().hash(), codebook.hash(), "{other}");
    }
}

#[test]
fn rules_that_contradict_each_other_are_refused() {
    let rule = |rule: &str| {
        let mistakes = mistakes(&with("period = \"year\"", &format!("period = \"year\"\n{rule}")));
        mistakes.lines().nth(1).unwrap_or_default().trim().to_owned()
    };
    insta::assert_snapshot!(rule("rounding_base = 50"), @"line 38: dataset `victims` would round counts that it shows to nought: `rounding_base` is more than twice `minimum_frequency`; lower the one, or raise the other");
    insta::assert_snapshot!(rule("dominance_percent = 101"), @"line 38: `dominance_percent` of dataset `victims` is 101; it must be a whole number from 1 to 100");
    insta::assert_snapshot!(rule("minimum_suppliers = 0"), @"line 38: `minimum_suppliers` of dataset `victims` is 0; it must be a whole number from 1 to 4294967295");
    insta::assert_snapshot!(rule("dominance_percent = 10"), @"line 49: the measure `wide` is so large that its squares, which `dominance_percent` needs, cannot be added; stay within 2147483648 in units of the last decimal, or keep fewer decimals");
    assert!(Codebook::parse(&with("period = \"year\"", "period = \"year\"\nrounding_base = 20")).is_ok());
}
