//! Plans: cells, columns and outputs.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{codebook, plan, query};
use optelsom_codebook::{
    AxisValue, Bin, Codebook, Column, Lang, NO_POSITION, OutputKind, Plan, PlanError, PlanLimits, Query,
};

#[test]
fn cells_stand_in_canonical_order() {
    let plan =
        plan("SELECT year, sex, COUNT(*) FROM victims WHERE year > 2022 AND sex <> 'U' GROUP BY ROLLUP(year, sex)");
    let cells: Vec<String> = (0..plan.cell_count())
        .map(|index| {
            let positions = plan.cell(index).unwrap().positions;
            let codes = plan.axes().iter().zip(positions).map(|(axis, position)| match position {
                Some(position) => axis.codes()[position as usize].code().to_owned(),
                None => "all".to_owned(),
            });
            codes.collect::<Vec<_>>().join(" ")
        })
        .collect();
    insta::assert_snapshot!(cells.join(", "), @"2023 F, 2023 M, 2024 F, 2024 M, 2023 all, 2024 all, all all");
    assert!(plan.blocks().iter().all(|block| block.shown()));
}

#[test]
fn axes_show_only_what_the_conditions_let_through() {
    let plan = plan(
        "SELECT form, year, COUNT(*) FROM victims WHERE form = 'labour' AND year BETWEEN 2020 AND 2021 GROUP BY form, year",
    );
    let [form, year] = plan.axes() else { panic!() };
    assert_eq!(form.lookup(), [0, NO_POSITION, NO_POSITION, NO_POSITION]);
    assert_eq!((year.len(), year.position_of(2), year.position_of(0)), (2, Some(0), None));
    assert_eq!(plan.periods(), ["2020", "2021"]);
    let without = common::plan("SELECT form, COUNT(*) FROM victims WHERE form <> 'labour' GROUP BY form");
    assert_eq!(without.axes()[0].lookup(), [NO_POSITION, 0, 1, 2]);
}

#[test]
fn bins_lose_nothing() {
    let plan = plan("SELECT COUNT(*), HISTOGRAM(days, 0, 10, 20) FROM victims");
    let axis = &plan.axes()[0];
    let codes: Vec<&str> = axis.codes().iter().map(|code| code.code()).collect();
    assert_eq!(codes, ["<0", "[0,10)", "[10,20)", ">=20", "missing"]);
    for (value, position) in [(-1, 0), (0, 1), (9, 1), (10, 2), (19, 2), (20, 3), (i64::MAX, 3)] {
        assert_eq!(axis.bin_of(Some(value)), Some(position), "{value}");
    }
    assert_eq!(axis.bin_of(None), Some(4));
    assert_eq!(axis.codes()[1].value(), AxisValue::Bin(Bin::Between { lower: 0, upper: 10 }));
    let always = common::plan("SELECT COUNT(*), HISTOGRAM(damages, 0.5, 10) FROM victims");
    assert_eq!(always.axes()[0].len(), 3);
    assert_eq!(always.axes()[0].bin_of(None), None);
    assert_eq!(always.axes()[0].codes()[1].code(), "[0.5,10)");
}

/// The column that counts suppliers, for disclosure control.
const SUPPLIERS: Column = Column::Suppliers { measure: None };

#[test]
fn columns_are_those_that_the_figures_need() {
    let columns = |sql: &str| plan(sql).columns().to_vec();
    let (days, damages) = (0, 1);
    assert_eq!(columns("SELECT COUNT(*) FROM victims"), [Column::Count, SUPPLIERS]);
    let of_days = Column::Suppliers { measure: Some(days) };
    assert_eq!(
        columns("SELECT AVG(days) FROM victims"),
        [Column::Count, Column::Sum { measure: days }, Column::Present { measure: days }, SUPPLIERS, of_days]
    );
    assert_eq!(
        columns("SELECT AVG(damages) FROM victims"),
        [Column::Count, Column::Sum { measure: damages }, SUPPLIERS]
    );
    let plan = plan("SELECT STDDEV(damages), SUM(damages), COUNT(*) FROM victims");
    assert_eq!(
        plan.columns(),
        [Column::Count, Column::Sum { measure: damages }, Column::SumOfSquares { measure: damages }, SUPPLIERS]
    );
    let bounds: Vec<u64> = plan.columns().iter().map(|column| column.row_bound(&plan)).collect();
    assert_eq!(bounds, [1, 100_000_000, 10_000_000_000_000_000, 1]);
}

#[test]
fn shares_and_quantiles_find_their_cells() {
    let sql = "SELECT SHARE(COUNT(*), year), QUANTILE(days, 0.5, 0, 10) FROM victims \
               WHERE year IN (2020, 2021) GROUP BY year, sex";
    let plan = plan(sql);
    let shape: Vec<(&[usize], bool)> = plan.blocks().iter().map(|block| (block.axes(), block.shown())).collect();
    assert_eq!(shape, [(&[0, 1, 2][..], false), (&[0, 1][..], true), (&[0][..], false)]);
    let [share, quantile] = plan.outputs() else { panic!() };
    let OutputKind::Share { margins, .. } = share.kind() else { panic!() };
    assert_eq!(margins, &[None, Some(2), None]);
    let OutputKind::Quantile { distributions, axis, .. } = quantile.kind() else { panic!() };
    assert_eq!((distributions, *axis), (&vec![None, Some(0), None], 2));
    // 2021 and M, the second year and the second sex.
    let cell = plan.blocks()[1].cell_at(&[1, 1]).unwrap();
    assert_eq!(plan.project(cell, 2), plan.blocks()[2].cell_at(&[1]));
    let along = plan.along(cell, 0, 2).unwrap();
    let expected: Vec<usize> = (0..4).map(|bin| plan.blocks()[0].cell_at(&[1, 1, bin]).unwrap()).collect();
    assert_eq!(along, expected);
    assert_eq!(plan.along(cell, 1, 2), None);
    assert_eq!(plan.project(cell, 0), None);
}

#[test]
fn outputs_are_described() {
    let plan = plan(
        "SELECT sex, COUNT(*), SUM(damages), AVG(damages), VAR(damages), SHARE(COUNT(*)), SHARE(COUNT(*), sex), \
         QUANTILE(days, 0.25, 0, 10) FROM victims GROUP BY sex",
    );
    let lines: Vec<String> = plan
        .outputs()
        .iter()
        .map(|output| {
            let (nl, en) = (output.label(Lang::Nl), output.label(Lang::En));
            format!("{}: {nl} / {en} [{}] .{}", output.name(), output.unit(Lang::En), output.decimals())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    count: aantal / number [reports] .0
    sum_damages: som van schade / sum of damages [EUR] .2
    mean_damages: gemiddelde van schade / mean of damages [EUR] .4
    var_damages: variantie van schade / variance of damages [EUR²] .4
    share: aandeel in het totaal / share of the total [] .4
    share_within_sex: aandeel binnen geslacht / share within sex [] .4
    quantile_0.25_days: kwantiel 0.25 van duur / quantile 0.25 of duration [days] .0
    "#);
    let used: Vec<&str> = plan.variables_used().iter().map(|variable| variable.name()).collect();
    assert_eq!(used, ["sex"]);
    let used: Vec<&str> = plan.measures_used().iter().map(|measure| measure.name()).collect();
    assert_eq!(used, ["days", "damages"]);
    assert_eq!(plan.periods().len(), 7);
}

#[test]
fn what_cannot_be_planned_says_why() {
    let codebook = codebook();
    let asked = query("SELECT COUNT(*) FROM victims GROUP BY CUBE(year, sex, form, age)");
    let error = Plan::with_limits(&codebook, &asked, PlanLimits { cells: 100 }).unwrap_err();
    insta::assert_snapshot!(error, @"the table would have 800 cells, more than the 100 allowed; shorten `year`, which has 7 values, by a condition, or leave an axis out");
    let error = Plan::new(&codebook, &query("SELECT VAR(wide) FROM victims")).unwrap_err();
    insta::assert_snapshot!(error, @"the variance of `wide` cannot be asked: squares of its largest values cannot be added; ask SUM or AVG");
    let other = Codebook::builtin().unwrap();
    assert_eq!(Plan::new(&other, &asked).unwrap_err(), PlanError::OtherCodebook);
}

#[test]
fn cells_are_counted_without_overflow() {
    let codes: Vec<String> = (0..60_000).map(|i| format!("{{code=\"{i}\",nl=\"a\",en=\"a\"}}")).collect();
    let variables: String =
        (0..8).map(|i| format!("v{i} = {{ list = \"long\", label = {{ nl = \"v\", en = \"v\" }} }}\n")).collect();
    let toml = format!(
        "version = \"1\"\nname = {{ nl = \"n\", en = \"n\" }}\n[lists.long]\nordered = true\ncodes = [{}]\n\
         [datasets.d]\nunit = \"person\"\nperiod = \"v0\"\nlabel = {{ nl = \"d\", en = \"d\" }}\n\
         [datasets.d.variables]\n{variables}",
        codes.join(",")
    );
    let codebook = Codebook::parse(&toml).unwrap();
    let asked =
        Query::from_sql(&codebook, "SELECT COUNT(*) FROM d GROUP BY CUBE(v0, v1, v2, v3, v4, v5, v6, v7)").unwrap();
    let PlanError::TooManyCells { cells, .. } = Plan::new(&codebook, &asked).unwrap_err() else { panic!() };
    assert_eq!(cells, 60_001_u128.pow(8));
}

#[test]
fn the_hash_is_of_question_and_codebook() {
    let one = plan("SELECT COUNT(*) FROM victims WHERE sex = 'F' AND year = 2020");
    let same = plan("SELECT COUNT(*) FROM victims WHERE year = 2020 AND sex = 'F'");
    let other = plan("SELECT COUNT(*) FROM victims WHERE sex = 'F' AND year = 2021");
    assert_eq!(one.hash(), same.hash());
    assert_ne!(one.hash(), other.hash());
    let renewed = Codebook::parse(&common::SMALL.replacen("version = \"1\"", "version = \"2\"", 1)).unwrap();
    let again = Query::from_json(&renewed, &one.query().canonical_json()).unwrap();
    assert_ne!(Plan::new(&renewed, &again).unwrap().hash(), one.hash());
}

#[test]
fn bins_with_two_sets_of_edges_are_refused() {
    let refused = |figures: &str| {
        let codebook = common::codebook();
        let sql = format!("SELECT COUNT(*), {figures} FROM victims");
        Query::from_sql(&codebook, &sql).map(|_| ()).map_err(|cause| cause.to_string())
    };
    // Whoever is under 12 and not under 10 would be the difference of two cells, each of them shown.
    let two = refused("HISTOGRAM(days, 12, 20), HISTOGRAM(days, 10, 20)").unwrap_err();
    assert!(two.contains("two sets of edges"), "{two}");
    assert!(refused("QUANTILE(days, 0.5, 0, 10), QUANTILE(days, 0.9, 0, 20)").is_err());
    assert_eq!(refused("QUANTILE(days, 0.5, 0, 10), QUANTILE(days, 0.9, 0, 10), HISTOGRAM(damages, 0, 1)"), Ok(()));
}
