//! Code lists with groups: how they are written, what may be wrong with them, and what can be asked of them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use optelsom_codebook::{Codebook, Lang, Node, Plan, Query};

/// Countries in regions within two parts of the world, and one that stands beside them.
const COUNTRIES: &[(&str, &str)] = &[
    ("NL", ""),
    ("BG", "EU-east"),
    ("RO", "EU-east"),
    ("EU-east", "EU"),
    ("DE", "EU"),
    ("EU", ""),
    ("NG", "outside-EU"),
    ("VN", "outside-EU"),
    ("outside-EU", ""),
    ("unknown", ""),
];

/// The small codebook with a list of countries, by which victims and suspects are told apart.
fn toml(codes: &[(&str, &str)], list: &str) -> String {
    let code = |(code, parent): &(&str, &str)| {
        let parent = if parent.is_empty() { String::new() } else { format!(", parent = \"{parent}\"") };
        format!("    {{ code = \"{code}\", nl = \"{code} (nl)\", en = \"{code} (en)\"{parent} }},\n")
    };
    let codes: String = codes.iter().map(code).collect();
    let list = format!("[lists.country]\n{list}codes = [\n{codes}]\n\n[datasets.victims]");
    let variable = "[datasets.victims.variables]\ncountry = { list = \"country\", label = { nl = \"land\", en = \"country\" } }\n\
                    been = { list = \"country\", label = { nl = \"geweest\", en = \"been\" }, multiple = true }";
    common::SMALL.replacen("[datasets.victims]", &list, 1).replacen("[datasets.victims.variables]", variable, 1)
}

fn codebook() -> Codebook {
    Codebook::parse(&toml(COUNTRIES, "missing = \"unknown\"\n")).unwrap()
}

fn mistakes(codes: &[(&str, &str)], list: &str) -> String {
    Codebook::parse(&toml(codes, list)).unwrap_err().to_string()
}

fn document(sql: &str) -> String {
    Query::from_sql(&codebook(), sql).unwrap_or_else(|error| unreachable!("{sql}: {error}")).canonical_json()
}

fn refused(sql: &str) -> String {
    Query::from_sql(&codebook(), sql).unwrap_err().to_string()
}

#[test]
fn codes_that_are_parents_are_groups() {
    let codebook = codebook();
    let list = codebook.list("country").unwrap();
    let written = |node: &Node| {
        let entry = list.entry(*node).unwrap();
        format!("{}{}", "-".repeat(usize::from(list.level(*node)) - 1), entry.code())
    };
    let tree: Vec<String> = list.tree().iter().map(written).collect();
    assert_eq!(tree, ["NL", "EU", "-EU-east", "--BG", "--RO", "-DE", "outside-EU", "-NG", "-VN", "unknown"]);
    assert_eq!((list.len(), list.groups().len(), list.levels()), (7, 3, 3));
    assert_eq!((list.index_of("EU"), list.index_of("RO")), (None, Some(2)));
    let Some(group @ Node::Group(_)) = list.find("EU") else { unreachable!() };
    assert_eq!(list.codes_of(group).iter().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(list.entry(group).unwrap().label().get(Lang::Nl), "EU (nl)");
    assert_eq!((list.parent(list.find("EU-east").unwrap()), list.parent(group)), (Some(0), None));
}

/// Where the groups stand in the text says nothing; in which group a code lies does.
#[test]
fn the_digest_is_that_of_the_content() {
    let mut moved = COUNTRIES.to_vec();
    moved.rotate_right(2);
    let moved: Vec<_> =
        moved.iter().filter(|(code, _)| *code != "unknown").chain([&("unknown", "")]).copied().collect();
    let unknown = "missing = \"unknown\"\n";
    assert_eq!(Codebook::parse(&toml(&moved, unknown)).unwrap().hash(), codebook().hash());
    let mut other = COUNTRIES.to_vec();
    other[4].1 = "EU-east";
    assert_ne!(Codebook::parse(&toml(&other, unknown)).unwrap().hash(), codebook().hash());
}

#[test]
fn what_is_no_hierarchy_is_told_with_its_line() {
    insta::assert_snapshot!(mistakes(&[("a", "c"), ("b", "a"), ("c", "b"), ("d", "d"), ("e", "x")], ""), @r#"
    the codebook has 5 mistakes
      line 36: the code `a` of list `country` lies within itself: `a` in `c` in `b` in `a`; take one of these parents away
      line 37: the code `b` of list `country` lies within itself: `b` in `a` in `c` in `b`; take one of these parents away
      line 38: the code `c` of list `country` lies within itself: `c` in `b` in `a` in `c`; take one of these parents away
      line 39: the code `d` of list `country` lies within itself: `d` in `d`; take one of these parents away
      line 40: the parent `x` of the code `e` is not in list `country`; add a code `x` with its labels, or take `parent` away
    "#);
    insta::assert_snapshot!(mistakes(&[("NL", ""), ("BG", "EUU"), ("EU", ""), ("RO", "EU")], ""), @r#"
    the codebook has 1 mistake
      line 37: the parent `EUU` of the code `BG` is not in list `country`; did you mean `EU`?
    "#);
    let deep: Vec<String> = (0..12).map(|level| format!("c{level}")).collect();
    let deep: Vec<(&str, &str)> =
        deep.iter().zip(deep.iter().skip(1)).map(|(a, b)| (&a[..], &b[..])).chain([("c11", "")]).collect();
    insta::assert_snapshot!(mistakes(&deep, ""), @r#"
    the codebook has 4 mistakes
      line 36: the code `c0` of list `country` lies on more than 8 levels: `c0` in `c1` in `c2` in `c3` in `c4` in `c5` in `c6` in `c7` in `c8` in `c9` …; there may be 8 at most, and no circle
      line 37: the code `c1` of list `country` lies on more than 8 levels: `c1` in `c2` in `c3` in `c4` in `c5` in `c6` in `c7` in `c8` in `c9` in `c10` …; there may be 8 at most, and no circle
      line 38: the code `c2` of list `country` lies on more than 8 levels: `c2` in `c3` in `c4` in `c5` in `c6` in `c7` in `c8` in `c9` in `c10` in `c11` …; there may be 8 at most, and no circle
      line 39: the code `c3` of list `country` lies on more than 8 levels; there may be 8 at most
    "#);
    insta::assert_snapshot!(mistakes(COUNTRIES, "missing = \"EU\"\n"), @r#"
    the codebook has 1 mistake
      line 35: the missing code `EU` of list `country` is a group, or lies in one; what is not known stands by itself: take its `parent` away
    "#);
    insta::assert_snapshot!(mistakes(COUNTRIES, "missing = \"NG\"\n"), @r#"
    the codebook has 1 mistake
      line 35: the missing code `NG` of list `country` is a group, or lies in one; what is not known stands by itself: take its `parent` away
    "#);
    insta::assert_snapshot!(mistakes(&[("a", "x"), ("b", ""), ("c", "x"), ("x", "")], "ordered = true\n"), @r#"
    the codebook has 1 mistake
      line 34: the codes of `x` do not stand together, though list `country` is ordered; bring the codes of each group together, or leave `ordered` out
    "#);
    let by_group = toml(&[("a", "x"), ("b", "x"), ("x", "")], "ordered = true\n").replacen(
        "period = \"year\"",
        "period = \"country\"",
        1,
    );
    insta::assert_snapshot!(Codebook::parse(&by_group).unwrap_err().to_string(), @r#"
    the codebook has 1 mistake
      line 45: the period `country` of dataset `victims` has a list with groups; a supplier keeps single periods: use a list without `parent`
    "#);
}

/// A group in a condition stands for its codes, and is written so in the one document.
#[test]
fn a_condition_on_a_group_is_one_on_its_codes() {
    let of_codes = document("SELECT COUNT(*) FROM victims WHERE country IN ('BG', 'RO', 'DE')");
    for condition in
        ["country = 'EU'", "country IN ('EU-east', 'DE')", "country IN ('EU', 'BG')", "NOT country <> 'EU'"]
    {
        assert_eq!(document(&format!("SELECT COUNT(*) FROM victims WHERE {condition}")), of_codes, "{condition}");
    }
    let json = of_codes.replace("[\"BG\",\"RO\",\"DE\"]", "[\"EU\"]");
    assert_eq!(Query::from_json(&codebook(), &json).unwrap().canonical_json(), of_codes);
    insta::assert_snapshot!(document("SELECT COUNT(*) FROM victims WHERE country <> 'EU' AND been <> 'outside-EU'"), @r#"{"dataset":"victims","select":[{"figure":"count"}],"where":{"all":[{"variable":"country","in":["NL","NG","VN","unknown"]},{"variable":"been","has_none_of":["NG","VN"]}]}}"#);
    insta::assert_snapshot!(refused("SELECT COUNT(*) FROM victims WHERE country = 'EU-oost'"), @"no code `EU-oost` of `country`; did you mean `EU-east`?");
    insta::assert_snapshot!(refused("SELECT COUNT(*) FROM victims WHERE country = 'EU-east' AND country = 'DE'"), @"no row can match the conditions; look for codes that exclude each other");
}

fn plan(sql: &str) -> Plan {
    let codebook = codebook();
    Plan::new(&codebook, &Query::from_sql(&codebook, sql).unwrap()).unwrap()
}

#[test]
fn a_level_is_an_axis_on_which_every_row_has_its_place() {
    let codes = |level: u8| -> Vec<String> {
        let plan = plan(&format!("SELECT COUNT(*) FROM victims GROUP BY LEVEL(country, {level})"));
        plan.axes()[0].codes().iter().map(|code| code.code().to_owned()).collect()
    };
    assert_eq!(codes(1), ["NL", "EU", "outside-EU", "unknown"]);
    assert_eq!(codes(2), ["NL", "EU-east", "DE", "NG", "VN", "unknown"]);
    assert_eq!(codes(3), ["NL", "BG", "RO", "DE", "NG", "VN", "unknown"]);
    let plan = plan("SELECT COUNT(*) FROM victims GROUP BY LEVEL(been, 1)");
    let axis = &plan.axes()[0];
    assert_eq!(axis.lookup(), [0, 1, 1, 1, 2, 2, 3]);
    // Who has been in Bulgaria, Germany and Nigeria counts once in the European Union.
    assert_eq!(axis.positions_of([1, 3, 4]), [1, 2]);
    assert_eq!(axis.codes_at(1).iter().collect::<Vec<_>>(), [1, 2, 3]);
    assert!(axis.shows_all() && plan.cell_count() == 4);
}

#[test]
fn levels_are_asked_and_written() {
    let sql = "SELECT LEVEL(country, 1), sex, COUNT(*), SHARE(COUNT(*), country) FROM victims \
               GROUP BY ROLLUP(LEVEL(country, 1), sex)";
    let asked = Query::from_sql(&codebook(), sql).unwrap();
    insta::assert_snapshot!(asked.canonical_json(), @r#"{"dataset":"victims","select":[{"figure":"count"},{"figure":"share","within":["country"]}],"group_by":{"axes":[{"variable":"country","level":1},{"variable":"sex"}],"sets":[[0,1],[0],[]]}}"#);
    assert_eq!(Query::from_json(&codebook(), &asked.canonical_json()).unwrap(), asked);
    assert_eq!(asked.to_sql(), sql.replace("               ", ""));
    // The finest level is that of the codes, and a bare name in SELECT is the axis of its variable.
    let codes = document("SELECT COUNT(*) FROM victims GROUP BY country");
    assert_eq!(document("SELECT COUNT(*) FROM victims GROUP BY LEVEL(country, 3)"), codes);
    let bare = document("SELECT country, COUNT(*) FROM victims GROUP BY LEVEL(country, 1)");
    assert_eq!(document("SELECT COUNT(*) FROM victims GROUP BY LEVEL(country, 1)"), bare);
    for (condition, group, said) in [
        ("", "LEVEL(country, 4)", "level 4 of `country`"),
        ("", "LEVEL(country, 0)", "level 0 of `country`"),
        ("", "LEVEL(sex, 2)", "level 2 of `sex`"),
        ("", "LEVEL(contry, 1)", "did you mean `country`"),
        ("", "LEVEL(country)", "LEVEL in this form"),
        (" WHERE country IN ('DE', 'NG')", "LEVEL(country, 1)", "the group `EU` of `country`"),
    ] {
        let refusal = refused(&format!("SELECT COUNT(*) FROM victims{condition} GROUP BY {group}"));
        assert!(refusal.contains(said), "{refusal}");
    }
    // Whole groups may be asked about.
    assert_eq!(plan("SELECT COUNT(*) FROM victims WHERE country = 'EU' GROUP BY LEVEL(country, 2)").cell_count(), 2);
}

#[test]
fn several_levels_in_one_table_are_totals_of_each_other() {
    let plan =
        plan("SELECT COUNT(*) FROM victims GROUP BY CUBE(sex), ROLLUP(LEVEL(country, 1), LEVEL(country, 2), country)");
    let names: Vec<&str> = plan.axes().iter().map(|axis| axis.name()).collect();
    assert_eq!(names, ["sex", "country_level_1", "country_level_2", "country"]);
    let blocks: Vec<(&[usize], &[usize], usize)> =
        plan.blocks().iter().map(|block| (block.axes(), block.axes_told(), block.len())).collect();
    let sexes = plan.axes()[0].len();
    assert_eq!(
        blocks,
        [
            (&[0, 3][..], &[0, 1, 2, 3][..], 7 * sexes),
            (&[0, 2], &[0, 1, 2], 6 * sexes),
            (&[3], &[1, 2, 3], 7),
            (&[0, 1], &[0, 1], 4 * sexes),
            (&[2], &[1, 2], 6),
            (&[0], &[0], sexes),
            (&[1], &[1], 4),
            (&[], &[], 1),
        ]
    );
    // Romania lies in the east of the European Union, and counts in both and in the whole.
    let romania = plan.blocks()[2].offset() + 2;
    let cell = plan.cell(romania).unwrap();
    assert_eq!(cell.positions, [None, Some(1), Some(1), Some(2)]);
    assert_eq!(plan.index_of(&cell), Some(romania));
    let totals: Vec<Option<usize>> = [4, 6, 7, 5].iter().map(|&block| plan.project(romania, block)).collect();
    let first = |block: usize| plan.blocks()[block].offset();
    assert_eq!(totals, [Some(first(4) + 1), Some(first(6) + 1), Some(first(7)), None]);
    assert_eq!(
        plan.index_of(&optelsom_codebook::Cell { positions: vec![None, Some(2), Some(1), Some(2)], ..cell }),
        None
    );
    assert_eq!(plan.parents_of(&plan.axes()[3]), Some(&plan.axes()[2]));
    let parents: Vec<&str> = (0..7).map(|at| plan.parent_of(&plan.axes()[3], at).unwrap().code()).collect();
    assert_eq!(parents, ["NL", "EU-east", "EU-east", "DE", "NG", "VN", "unknown"]);
}

#[test]
fn several_levels_are_asked_and_written() {
    let sql = "SELECT LEVEL(country, 1), country, COUNT(*), SHARE(COUNT(*), LEVEL(country, 1)) FROM victims \
               GROUP BY ROLLUP(LEVEL(country, 1), country)";
    let asked = Query::from_sql(&codebook(), sql).unwrap();
    insta::assert_snapshot!(asked.canonical_json(), @r#"{"dataset":"victims","select":[{"figure":"count"},{"figure":"share","within":[{"variable":"country","level":1}]}],"group_by":{"axes":[{"variable":"country","level":1},{"variable":"country"}],"sets":[[0,1],[0],[]]}}"#);
    assert_eq!(Query::from_json(&codebook(), &asked.canonical_json()).unwrap(), asked);
    assert_eq!(asked.to_sql(), sql.replace("               ", ""));
    // Whoever groups by codes groups by what they lie in.
    let sets = "GROUPING SETS ((country), (LEVEL(country, 1)), ())";
    let spelt_out = format!(
        "SELECT LEVEL(country, 1), country, COUNT(*), SHARE(COUNT(*), LEVEL(country, 1)) FROM victims GROUP BY {sets}"
    );
    assert_eq!(document(&spelt_out), asked.canonical_json());
    let both = "SHARE(COUNT(*), LEVEL(country, 1), country)";
    let within = |share: &str| {
        document(&format!("SELECT {share} FROM victims GROUP BY sex, ROLLUP(LEVEL(country, 1), country)"))
    };
    assert_eq!(within(both), within("SHARE(COUNT(*), country)"));
    let plan = plan(sql);
    let names: Vec<&str> = plan.outputs().iter().map(|output| output.name()).collect();
    assert_eq!(names, ["count", "share_within_country_level_1"]);
    for (question, said) in [
        ("SELECT country, COUNT(*) FROM victims GROUP BY LEVEL(country, 1), LEVEL(country, 2)", "several levels"),
        (
            "SELECT COUNT(*) FROM victims GROUP BY GROUPING SETS ((country, sex), (sex, LEVEL(been, 1)), (country, been))",
            "a ring",
        ),
        ("SELECT SHARE(COUNT(*), LEVEL(country, 2)) FROM victims GROUP BY LEVEL(country, 1)", "without GROUP BY"),
        (
            "SELECT COUNT(*) FROM victims WHERE country = 'DE' GROUP BY ROLLUP(LEVEL(country, 1), country)",
            "the group `EU`",
        ),
    ] {
        let refusal = refused(question);
        assert!(refusal.contains(said), "{refusal}");
    }
}

#[test]
fn an_axis_has_a_name_of_its_own() {
    let toml = toml(COUNTRIES, "").replace("been = {", "country_level_1 = {");
    let codebook = Codebook::parse(&toml).unwrap();
    let sql = "SELECT COUNT(*) FROM victims GROUP BY CUBE(country_level_1), ROLLUP(LEVEL(country, 1), country)";
    let plan = Plan::new(&codebook, &Query::from_sql(&codebook, sql).unwrap()).unwrap();
    let names: Vec<&str> = plan.axes().iter().map(|axis| axis.name()).collect();
    assert_eq!(names, ["country_level_1", "country_level_1_2", "country"]);
    assert_ne!(plan.axes()[0].label(), plan.axes()[1].label());
}
