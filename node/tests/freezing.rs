//! What freezing makes of a file, and of everything that can be wrong with one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod supplier;

use supplier::{CSV, HEAD, Supplier, csv, edition_id, leftovers};

const GOOD: [&str; 4] = [
    "Vrouw;01-02-2010;31-01-2024;seksueel|arbeid;12;1.234,50",
    "MAN ;29-02-2000;28-02-2018;geëist;;0",
    ";;01-01-2024;;20000;10000",
    "vrouw;01-01-2024;01-01-2023; arbeid | |arbeid;0;0,1",
];

#[test]
fn every_value_becomes_a_code() {
    let supplier = Supplier::new();
    let lines =
        [GOOD[0], "MAN ;29-02-2004;28-02-2022;geëist;;0", GOOD[2], "x;01-01-2020;01-01-2023; arbeid | |arbeid;0;0,1"];
    let manifest = supplier.write("data.csv", csv(&lines)).freeze(CSV).unwrap();
    let summary = manifest.summary();
    assert_eq!(summary.rows, 4);
    let sex = &summary.variables[1];
    // `x` is itself a code, whatever its case, and needs no line in the map.
    assert_eq!((sex.mapped, sex.missing, sex.otherwise), (3, 1, 0));
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY sex"), [1, 1, 2]);
    // Born on 29 February: seventeen until 1 March.
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY age_group"), [3, 0, 1]);
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY form"), [1, 2, 1, 1]);
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY year"), [0, 0, 0, 1, 1, 2]);
    let sums = supplier.count("SELECT SUM(days), AVG(days), SUM(damages) FROM victims").unwrap();
    assert_eq!(sums.columns().concat(), [4, 20012, 3, 1_123_460, 1, 1]);
    supplier.edition().verify().unwrap();
}

#[test]
fn values_without_a_code_are_listed_and_nothing_is_kept() {
    let supplier = Supplier::new();
    let mut lines = GOOD.to_vec();
    lines.extend([
        "onbekend;;01-01-2024;seksueel|huiselijk;1;1",
        "onbekend;;01-01-2031;;20001;1,005",
        "man;;31-02-2024;;een;",
    ]);
    supplier.write("data.csv", csv(&lines));
    insta::assert_snapshot!(supplier.complaint(CSV), @r#"
    nothing was frozen: of 7 rows read, some have values that stand for nothing
    year
      "28-02-2018": in a year that the codebook does not have (1 row, first on line 3)
      "01-01-2031": in a year that the codebook does not have (1 row, first on line 7)
      "31-02-2024": not a date as the binding says that they are written (1 row, first on line 8)
    age_group
      "born 01-01-2024, at 01-01-2023": in none of the binding's bins (1 row, first on line 5)
      "born , at 31-02-2024": not a date as the binding says that they are written (1 row, first on line 8)
    sex
      "onbekend": stands for no code (2 rows, first on line 6)
    form
      "huiselijk": stands for no code (1 row, first on line 6)
    days
      "20001": outside the measure's bounds (1 row, first on line 7)
      "een": not a number as the binding says that they are written (1 row, first on line 8)
    damages
      "1,005": more decimals than the measure keeps (1 row, first on line 7)
      "": no value, and the measure is not optional (1 row, first on line 8)
    Values that stand for no code: add them to the binding's `map`, name a code as `otherwise`, or correct them at the source.
    Dates that cannot be read: set the transform's `format` to how they are written, name a code as `otherwise`, or correct them at the source.
    Years that the codebook does not have: leave those rows out at the source, name a code as `otherwise`, or correct the dates there.
    Values in no bin: add a bin to the transform, name a code as `otherwise`, or correct them at the source.
    Values that are no numbers: set the measure's `decimal` and `thousands` to how they are written, or correct them at the source.
    Numbers that do not fit the codebook's measure: if the column holds another unit, such as cents, set `scale`; otherwise correct them at the source.
    Missing numbers: fill them in at the source.
    "#);
}

#[test]
fn what_a_map_cannot_mend_gets_other_advice() {
    let advice = |bindings: &str, line: &str| {
        let supplier = Supplier::new();
        let complaint = supplier.write("data.csv", csv(&[GOOD[0], line])).complaint(bindings);
        complaint.lines().last().unwrap().to_owned()
    };
    for (line, wanted) in [
        ("man;;31-02-2024;;1;1", "set the transform's `format`"),
        ("man;;01-01-2031;;1;1", "Years that the codebook does not have"),
        ("man;01-01-1800;01-01-2024;;1;1", "add a bin to the transform"),
        ("man;;01-01-2024;;20001;1", "set `scale`; otherwise correct them at the source"),
        ("man;;01-01-2024;;een;1", "set the measure's `decimal` and `thousands`"),
        ("man;;01-01-2024;;1;", "fill them in at the source"),
    ] {
        let found = advice(CSV, line);
        assert!(found.contains(wanted) && !found.contains("`map`"), "{line}: {found}");
    }
    let held = CSV.replace("[datasets.victims]\n", "[datasets.victims]\nyears = [2024, 2024]\n");
    assert!(advice(&held, "man;;01-01-2023;;1;1").contains("widen `years` in node.toml"));
    assert!(advice(CSV, "dame;;01-01-2024;;1;1").contains("add them to the binding's `map`"));
}

#[test]
fn values_without_a_code_go_where_the_binding_says() {
    let supplier = Supplier::new();
    let bindings = CSV.replace("map = { vrouw", "otherwise = \"X\"\nmap = { vrouw");
    let manifest =
        supplier.write("data.csv", csv(&["onbekend;;01-01-2024;;1;1", ";;01-01-2024;;1;1"])).freeze(&bindings).unwrap();
    let sex = &manifest.summary().variables[1];
    assert_eq!((sex.mapped, sex.missing, sex.otherwise), (0, 1, 1));
}

#[test]
fn years_that_are_not_held_are_refused() {
    let supplier = Supplier::new();
    let bindings = CSV.replace("[datasets.victims]\n", "[datasets.victims]\nyears = [2023, 2024]\n");
    supplier.write("data.csv", csv(&[";;01-01-2022;;1;1", ";;01-01-2023;;1;1"]));
    assert!(supplier.complaint(&bindings).contains("a year outside the `years`"));
}

#[test]
fn an_empty_file_is_a_true_zero() {
    let supplier = Supplier::new();
    let manifest = supplier.write("data.csv", HEAD).freeze(CSV).unwrap();
    assert_eq!(manifest.summary().rows, 0);
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY form"), [0, 0, 0, 0]);
}

#[test]
fn broken_files_say_where_they_are_broken() {
    let supplier = Supplier::new();
    let mut complain = |bytes: Vec<u8>| supplier.write("data.csv", bytes).complaint(CSV);
    let lines = |last: &str| csv(&[GOOD[0], "\"a\r\nb\";;01-01-2024;;1;1", last]);
    let cases = [
        lines("man;;01-01-2024;\"geëist;1;1"),
        lines("man;;01-01-2024;ge\"ist;1;1"),
        lines("man;;01-01-2024;\"geëist\"x;1;1"),
        lines("man;;01-01-2024;;1"),
        Vec::new(),
        HEAD.replace("geboren", "geb").into_bytes(),
        HEAD.replace("geboren", "datum").into_bytes(),
        [b"\xef\xbb\xbf", HEAD.as_bytes()].concat(),
        [b"\xff\xfe", HEAD.as_bytes()].concat(),
    ];
    let messages: Vec<String> = cases.into_iter().map(&mut complain).collect();
    insta::assert_snapshot!(messages.join("\n"), @r#"
    …/data.csv, record starting on line 5: a quoted value is never closed before the end of the file. Close the quote, or set `quote = false` if quotes mean nothing in this file
    …/data.csv, record starting on line 5: a quote stands inside a value that does not start with one. Put the value in quotes and double the quotes inside it, or set `quote = false`
    …/data.csv, record starting on line 5: text follows a closing quote. Double the quotes inside a quoted value, or set `quote = false`
    …/data.csv, record starting on line 5: 5 values where there are 6 columns. Look for a missing or unquoted delimiter
    …/data.csv, record starting on line 1: no line with the columns' names: the file is empty. Export it again, with its head even if it has no rows
    the source has no column `geboren` (did you mean `geb`?); its columns are: geslacht, geb, datum, vormen, dagen, schade. Correct the column's name in node.toml
    the source has more than one column `datum`: give each its own name, so that it is clear which is meant
    …/data.csv begins with the mark of UTF-8, but node.toml says windows-1252: set `encoding = "UTF-8"`
    …/data.csv begins with the mark of UTF-16LE, but node.toml says windows-1252: set `encoding = "UTF-16LE"`
    "#);
}

#[test]
fn another_delimiter_is_named() {
    let supplier = Supplier::new();
    let text = String::from_utf8_lossy(&csv(&GOOD[..1])).into_owned();
    for (mark, quoted) in [(",", "\",\""), ("\t", "\"\\t\""), ("|", "\"|\"")] {
        let other = text.replace('|', "+").replace(',', "").replace(';', mark);
        let message = supplier.write("data.csv", other).complaint(CSV);
        let wanted = format!(
            "…/data.csv: its head is one column by the delimiter \";\", and has {quoted} in it: set `delimiter = {quoted}` in node.toml"
        );
        assert_eq!(message, wanted);
    }
    // A file of one column that is called otherwise has no other delimiter.
    let message = supplier.write("data.csv", "naam\r\n").complaint(CSV);
    assert!(message.contains("the source has no column"), "{message}");
}

#[test]
fn a_wrong_encoding_is_found_by_its_first_byte() {
    let supplier = Supplier::new();
    let bindings = CSV.replace("windows-1252", "utf-8");
    supplier.write("data.csv", csv(&["man;;01-01-2024;arbeid;1;1", "man;;01-01-2024;geëist;1;1"]));
    let message = supplier.complaint(&bindings);
    assert!(message.starts_with("…/data.csv, line 3, byte 90: not UTF-8 text."), "{message}");
    let bindings = CSV.replace("windows-1252", "utf-16le");
    let text: Vec<u8> = String::from_utf8_lossy(&csv(&["man;;01-01-2024;arbeid;1;1"]))
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let manifest = supplier.write("data.csv", &text).freeze(&bindings).unwrap();
    assert_eq!(manifest.summary().rows, 1);
    let half = [&text[..], &[0x00, 0xD8, b'x', 0]].concat();
    let error = supplier.write("data.csv", half).freeze_as(&bindings, "2").unwrap_err();
    assert!(error.to_string().contains("not UTF-16LE text"), "{error}");
}

#[test]
fn an_edition_never_changes() {
    let supplier = Supplier::new();
    supplier.write("data.csv", csv(&GOOD[..1])).freeze(CSV).unwrap();
    let before = std::fs::read(supplier.path("state/editions/victims/1/extract.parquet")).unwrap();
    let error = supplier.write("data.csv", csv(&GOOD[2..3])).freeze(CSV).unwrap_err();
    assert!(error.to_string().contains("exists already, and an edition never changes"), "{error}");
    assert_eq!(std::fs::read(supplier.path("state/editions/victims/1/extract.parquet")).unwrap(), before);
}

#[test]
fn what_an_interrupted_freeze_left_is_swept() {
    let supplier = Supplier::new();
    let folder = supplier.path("state/editions/victims");
    std::fs::create_dir_all(folder.join(".freezing-abc")).unwrap();
    std::fs::write(folder.join(".freezing-abc/extract.parquet"), "half").unwrap();
    assert!(supplier.store().editions("victims").unwrap().is_empty());
    supplier.write("data.csv", csv(&GOOD[..1])).freeze(CSV).unwrap();
    assert_eq!(leftovers(&folder), ["1"]);
}

#[test]
fn two_freezes_of_a_dataset_do_not_meet() {
    let supplier = Supplier::new();
    std::fs::create_dir_all(supplier.path("state/editions/victims")).unwrap();
    let other = std::fs::File::create(supplier.path("state/editions/victims/.lock")).unwrap();
    other.lock().unwrap();
    let error = supplier.write("data.csv", csv(&GOOD[..1])).freeze(CSV).unwrap_err();
    assert!(error.to_string().contains("another freeze of `victims` is running"), "{error}");
}

#[test]
fn a_damaged_edition_is_not_believed() {
    let supplier = Supplier::new();
    supplier.write("data.csv", csv(&GOOD[..1])).freeze(CSV).unwrap();
    let path = supplier.path("state/editions/victims/1/extract.parquet");
    let whole = std::fs::read(&path).unwrap();
    let open = || supplier.store().open("victims", &edition_id("1"), supplier.codebook());
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(open().err().unwrap().to_string().contains("is damaged: it is"));
    let mut flipped = whole.clone();
    flipped[40] ^= 1;
    std::fs::write(&path, &flipped).unwrap();
    assert!(open().unwrap().verify().unwrap_err().to_string().contains("its SHA-256 is not the manifest's"));
    std::fs::write(&path, &whole).unwrap();
    open().unwrap().verify().unwrap();
}

/// The sums of a damaged extract would be wrong without a word, or overflow.
#[test]
fn a_value_beyond_its_measures_bounds_is_damage() {
    let supplier = Supplier::new();
    supplier.write("data.csv", csv(&GOOD[..1])).freeze(CSV).unwrap();
    let path = supplier.path("state/editions/victims/1/extract.parquet");
    let whole = std::fs::read(&path).unwrap();
    // 1.234,50 in cents, as plain Parquet has it.
    let held = 123_450_i64.to_le_bytes();
    let at = whole.windows(8).position(|bytes| bytes == held).unwrap();
    for (value, sum) in
        [(-1, None), (100_000_001, None), (i64::MAX, None), (100_000_000, Some(100_000_000)), (0, Some(0))]
    {
        let mut changed = whole.clone();
        changed[at..at + 8].copy_from_slice(&i64::to_le_bytes(value));
        std::fs::write(&path, changed).unwrap();
        let counted = supplier.count("SELECT SUM(damages), VAR(damages) FROM victims");
        match sum {
            Some(sum) => assert!(counted.unwrap().columns().contains(&vec![sum]), "{value}"),
            None => {
                assert!(counted.unwrap_err().to_string().contains("a value is beyond its measure's bounds"), "{value}")
            }
        }
    }
}

#[test]
fn an_edition_of_another_codebook_is_not_opened() {
    let supplier = Supplier::new();
    supplier.write("data.csv", csv(&GOOD[..1])).freeze(CSV).unwrap();
    let other =
        optelsom_codebook::Codebook::parse(&supplier::CODEBOOK.replace("version = \"1\"", "version = \"2\"")).unwrap();
    let error = supplier.store().open("victims", &edition_id("1"), &other).err().unwrap();
    assert!(error.to_string().contains("was frozen under codebook 1 ("), "{error}");
}

#[test]
fn what_is_not_bound_is_not_held() {
    let supplier = Supplier::new();
    let (start, rest) = CSV.split_once("[datasets.victims.variables.sex]").unwrap();
    let (_, end) = rest.split_once("[datasets.victims.variables.age_group]").unwrap();
    let bindings = format!("{start}[datasets.victims.variables.age_group]{end}");
    supplier.write("data.csv", csv(&GOOD[..1])).freeze(&bindings).unwrap();
    let error = supplier.count("SELECT COUNT(*) FROM victims WHERE sex = 'F'").unwrap_err();
    assert!(error.to_string().contains("does not hold variable `sex`"), "{error}");
}
