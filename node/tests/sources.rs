//! Every kind of file gives the same edition, and every broken one a clear error.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod files;
mod supplier;

use std::time::Duration;

use files::{Cells, nested_parquet, ods, parquet, sqlite, xlsb, xlsx, zip};
use optelsom_node::source::{Source, SourceError, SqliteSource, View};
use supplier::Supplier;

const VARIABLES: &str = r#"
[datasets.victims.variables.year]
column = "datum"
transform = { year_of_date = {} }
[datasets.victims.variables.sex]
column = "geslacht"
[datasets.victims.variables.form]
column = "vorm"
separator = "|"
[datasets.victims.measures.days]
column = "dagen"
[datasets.victims.measures.damages]
column = "schade"
"#;

const CELLS: Cells = &[
    ["datum", "geslacht", "vorm", "dagen", "schade"],
    ["2024-03-01", "F", "labour|sexual", "12", "0.5"],
    ["2023-12-31", "M", "", "", "1234"],
    ["2024-02-29", "", "criminal", "0", "10000"],
];

fn bindings(source: &str) -> String {
    format!("[datasets.victims]\nsource = {{ {source} }}\n{VARIABLES}")
}

fn gives_the_same(supplier: &Supplier, source: &str) {
    supplier.freeze(&bindings(source)).unwrap_or_else(|error| panic!("{source}: {error}"));
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY year"), [0, 0, 0, 0, 1, 2], "{source}");
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY sex"), [1, 1, 1], "{source}");
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY form"), [1, 1, 1, 1], "{source}");
    let sums = supplier.count("SELECT AVG(days), SUM(damages) FROM victims").unwrap();
    assert_eq!(sums.columns().concat(), [3, 12, 2, 1_123_450, 1, 1], "{source}");
}

fn refused(supplier: &Supplier, source: &str) -> String {
    supplier.complaint(&bindings(source))
}

#[test]
fn csv_gives_it() {
    let supplier = Supplier::new();
    let text: String = CELLS.iter().map(|row| row.join("\t") + "\n").collect();
    gives_the_same(supplier.write("data.tsv", text), r#"csv = { path = "data.tsv", delimiter = "\t" }"#);
}

#[test]
fn csv_without_a_head_names_its_columns_by_number() {
    let supplier = Supplier::new();
    supplier.write("data.csv", "2024,F\n2023,M\n");
    let bindings = "[datasets.victims]\nsource = { csv = { path = \"data.csv\", header = false } }\n[datasets.victims.variables.year]\ncolumn = \"1\"\n[datasets.victims.variables.sex]\ncolumn = \"2\"\n";
    supplier.freeze(bindings).unwrap();
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY sex"), [1, 1, 0]);
}

#[test]
fn constants_need_no_column() {
    let supplier = Supplier::new();
    supplier.write("data.csv", "id\na\nb\n");
    let bindings = "[datasets.victims]\nsource = { csv = { path = \"data.csv\" } }\n[datasets.victims.variables.year]\nconstant = \"2020\"\n[datasets.victims.variables.form]\nconstant = \"labour\"\n";
    supplier.freeze(bindings).unwrap();
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY form"), [0, 2, 0, 0]);
}

#[test]
fn parquet_gives_it() {
    let supplier = Supplier::new();
    supplier.write("data.parquet", parquet(&CELLS[1..]));
    gives_the_same(&supplier, r#"parquet = { path = "data.parquet" }"#);
}

#[test]
fn a_folder_of_parquet_files_gives_it() {
    let supplier = Supplier::new();
    std::fs::create_dir(supplier.path("parts")).unwrap();
    assert!(
        refused(&supplier, r#"parquet = { path = "parts" }"#).contains("holds no file whose name ends in .parquet")
    );
    supplier
        .write("parts/a.parquet", parquet(&CELLS[1..2]))
        .write("parts/b.parquet", parquet(&CELLS[2..]))
        .write("parts/README", "");
    gives_the_same(&supplier, r#"parquet = { path = "parts" }"#);
}

#[test]
fn a_parquet_file_cut_in_half_is_not_read() {
    let supplier = Supplier::new();
    let whole = parquet(&CELLS[1..]);
    for length in [0, 3, whole.len() / 2, whole.len() - 1] {
        supplier.write("data.parquet", &whole[..length]);
        let message = refused(&supplier, r#"parquet = { path = "data.parquet" }"#);
        assert!(message.contains("not a whole Parquet file"), "{length}: {message}");
    }
}

#[test]
fn a_column_of_lists_or_structures_is_named_and_hurts_only_whoever_binds_it() {
    let list = "required group vorm (LIST) { repeated group list { required binary element (UTF8); } }";
    let shapes = [
        (list, Some(&[1, 1][..]), Some(&[0, 1][..])),
        ("repeated binary vorm (UTF8);", Some(&[1, 1][..]), Some(&[0, 1][..])),
        ("required group vorm { required binary soort (UTF8); }", None, None),
    ];
    for (shape, definitions, repetitions) in shapes {
        let supplier = Supplier::new();
        supplier.write("data.parquet", nested_parquet(shape, definitions, repetitions));
        let message = refused(&supplier, r#"parquet = { path = "data.parquet" }"#);
        let wanted = "…/data.parquet, column `vorm`: a list or structure is not a single value. Export it as text";
        assert!(message.contains(wanted), "{shape}: {message}");
        let form = "[datasets.victims.variables.form]\ncolumn = \"vorm\"\nseparator = \"|\"\n";
        let without = bindings(r#"parquet = { path = "data.parquet" }"#).replace(form, "");
        supplier.freeze(&without).unwrap_or_else(|error| panic!("{shape}: {error}"));
    }
}

#[test]
fn sqlite_gives_it() {
    let supplier = Supplier::new();
    sqlite(&supplier.path("data.sqlite"), CELLS);
    gives_the_same(&supplier, r#"sqlite = { path = "data.sqlite", view = "meldingen" }"#);
}

#[test]
fn a_sqlite_file_that_is_wrong_says_so() {
    let supplier = Supplier::new();
    let message = refused(&supplier, r#"sqlite = { path = "data.sqlite", view = "meldingen" }"#);
    assert!(message.contains("cannot read …/data.sqlite"), "{message}");
    assert!(!supplier.path("data.sqlite").exists(), "reading must not make a database");
    sqlite(&supplier.path("data.sqlite"), CELLS);
    let message = refused(&supplier, r#"sqlite = { path = "data.sqlite", view = "melding" }"#);
    assert!(message.contains("finding the view failed"), "{message}");
    supplier.write("data.sqlite", "no database at all, but long enough to be taken for one".repeat(20));
    let message = refused(&supplier, r#"sqlite = { path = "data.sqlite", view = "meldingen" }"#);
    assert!(message.contains("See that the file is a SQLite database"), "{message}");
}

/// A view that never ends, whether rows come of it or not, is broken off, and so is what reads it.
#[test]
fn a_sqlite_view_that_never_ends_is_broken_off() {
    let supplier = Supplier::new();
    let path = supplier.path("data.sqlite");
    sqlite(&path, CELLS);
    for (view, rows) in [("endless", "1"), ("barren", "i < 0")] {
        let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
        files::tell_sqlite(&path, format!("CREATE VIEW {view} AS {numbers} SELECT i AS datum FROM n WHERE {rows};"));
        let view = View::new(view).unwrap();
        let source = SqliteSource { path: path.clone(), view, time_limit: Duration::from_millis(20) };
        let mut read = 0_u64;
        let ended = Source::Sqlite(source).read(&["datum".to_owned()], &mut |_| {}, |_, _| {
            read += 1;
            Ok::<_, SourceError>(())
        });
        let message = ended.unwrap_err().to_string();
        assert!(message.contains("The time limit was reached: raise `time_limit_seconds`"), "{message}");
        assert_eq!(read > 0, rows == "1", "{message}");
    }
}

#[test]
fn spreadsheets_give_it() {
    for (name, bytes) in [("data.xlsx", xlsx(CELLS)), ("data.xlsb", xlsb(CELLS)), ("data.ods", ods(CELLS))] {
        let supplier = Supplier::new();
        supplier.write(name, bytes);
        gives_the_same(&supplier, &format!("spreadsheet = {{ path = \"{name}\", sheet = \"Blad1\" }}"));
        let message = supplier
            .freeze_as(&bindings(&format!("spreadsheet = {{ path = \"{name}\", sheet = \"Blad\" }}")), "2")
            .unwrap_err();
        assert!(message.to_string().contains("has no sheet `Blad` (did you mean `Blad1`?)"), "{message}");
    }
}

/// The head, a row with all its values, and a row of these cells.
fn sheets_of(xlsx: &str, ods: &str) -> [(&'static str, Vec<u8>); 2] {
    let text = |cell: &str| format!("<c t=\"inlineStr\"><is><t>{cell}</t></is></c>");
    let head: String = CELLS[0].iter().chain([&"naam"]).map(|cell| text(cell)).collect();
    let whole = "<c t=\"str\"><f>B9</f><v>2024-03-01</v></c><c t=\"str\"><f>\"\"</f><v></v></c><c/><c/><c><v>1</v></c>";
    let in_excel =
        files::xlsx_of(&format!("<row r=\"1\">{head}</row><row r=\"2\">{whole}</row><row r=\"3\">{xlsx}</row>"));
    let cell = |attributes: &str, text: &str| {
        format!("<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>")
    };
    let string = "office:value-type=\"string\"";
    let head: String = CELLS[0].iter().chain([&"naam"]).map(|name| cell(string, name)).collect();
    let whole = cell(&format!("{string} table:formula=\"of:=[.B9]\""), "2024-03-01")
        + &cell(&format!("{string} table:formula=\"of:=&quot;&quot;\""), "")
        + "<table:table-cell table:number-columns-repeated=\"2\"/>"
        + &cell("office:value-type=\"float\" office:value=\"1\"", "1");
    let row = |cells: &str| format!("<table:table-row>{cells}</table:table-row>");
    [("data.xlsx", in_excel), ("data.ods", files::ods_of(&[row(&head), row(&whole), row(ods)].concat()))]
}

#[test]
fn a_formula_that_was_never_computed_is_no_empty_cell() {
    const EXCEL: &str = "<c><v>2024</v></c>";
    let date = "<c t=\"inlineStr\"><is><t>2024-01-01</t></is></c>";
    let ods_date = "<table:table-cell office:value-type=\"string\"><text:p>2024-01-01</text:p></table:table-cell>";
    let (lacking, empty, shared) =
        ("<c><f>A1&amp;\"\"</f></c>", "<c><f>1</f><v/></c>", "<c><f t=\"shared\" si=\"0\"/></c>");
    let ods_lacking = "<table:table-cell table:formula=\"of:=1+1\"/>";
    for cell in [lacking, empty, shared] {
        for (name, bytes) in sheets_of(&format!("{date}{cell}{EXCEL}"), &format!("{ods_date}{ods_lacking}")) {
            let supplier = Supplier::new();
            supplier.write(name, bytes);
            let message = refused(&supplier, &format!("spreadsheet = {{ path = \"{name}\" }}"));
            let place = format!("…/{name}, sheet `Blad1`, row 3, column B: a formula without its value");
            assert!(message.contains(&place) && message.contains("save it in a program"), "{cell}: {message}");
        }
    }
    // In a column that nobody has bound it hurts nobody, and makes no row of an empty one.
    let unbound = "<c/><c/><c/><c/><c/><c><f>1</f></c>";
    let ods_unbound = "<table:table-cell table:number-columns-repeated=\"5\"/>".to_owned() + ods_lacking;
    for (name, bytes) in sheets_of(unbound, &ods_unbound) {
        let supplier = Supplier::new();
        supplier.write(name, bytes);
        let frozen = supplier.freeze(&bindings(&format!("spreadsheet = {{ path = \"{name}\" }}")));
        assert_eq!(frozen.unwrap_or_else(|error| panic!("{name}: {error}")).summary().rows, 1, "{name}");
    }
    // Nobody can know what a head is called that was never computed.
    let supplier = Supplier::new();
    supplier.write("data.xlsx", files::xlsx_of("<row r=\"1\"><c r=\"AB1\"><f>1</f></c></row>"));
    let message = refused(&supplier, r#"spreadsheet = { path = "data.xlsx" }"#);
    assert!(message.contains("row 1, column AB: a formula without its value"), "{message}");
}

#[test]
fn a_spreadsheet_row_is_named_as_its_margin_shows() {
    let supplier = Supplier::new();
    supplier.write("data.xlsx", xlsx(&[CELLS[0], CELLS[1], ["2024-01-01", "vrouw", "", "", "1"]]));
    let message = refused(&supplier, r#"spreadsheet = { path = "data.xlsx" }"#);
    assert!(message.contains("\"vrouw\": stands for no code (1 row, first on row 3)"), "{message}");
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let supplier = Supplier::new();
    let spaces = " ".repeat(80 << 20);
    let bomb = zip(&[("xl/workbook.xml", ""), ("xl/worksheets/sheet1.xml", &spaces)]);
    assert!(bomb.len() < 1 << 20);
    supplier.write("data.xlsx", &bomb);
    let message = refused(&supplier, r#"spreadsheet = { path = "data.xlsx" }"#);
    assert!(message.contains("too large for a spreadsheet: its parts, unpacked"), "{message}");
    // The same, claiming to be small.
    let mut liar = bomb;
    let heads: Vec<usize> = (0..liar.len() - 4).filter(|at| liar[*at..*at + 4] == *b"PK\x01\x02").collect();
    heads.iter().for_each(|at| liar[at + 24..at + 28].copy_from_slice(&100u32.to_le_bytes()));
    supplier.write("data.xlsx", liar);
    refused(&supplier, r#"spreadsheet = { path = "data.xlsx" }"#);
    // One cell repeated over the whole sheet.
    let wide = "<table:table-row table:number-rows-repeated=\"1000000\"><table:table-cell office:value-type=\"float\" office:value=\"1\" table:number-columns-repeated=\"16000\"/></table:table-row>";
    supplier.write("data.ods", files::ods_of(wide));
    let message = refused(&supplier, r#"spreadsheet = { path = "data.ods" }"#);
    assert!(message.contains("its cells, repeated ones counted"), "{message}");
    // The same, with the number where it is easily overlooked: behind a look-alike, and in a cell with nothing but a formula.
    let look_alike = wide.replace("<table:table-cell", "<table:table-cell x=\"number-columns-repeated='1'\"");
    let formula = wide.replace("office:value-type=\"float\" office:value=\"1\"", "table:formula=\"of:=1\"");
    // One long text, and one run of spaces, of which there are few cells.
    let text = |content: &str, repeated: usize| {
        format!(
            "<table:table-row><table:table-cell office:value-type=\"string\" table:number-columns-repeated=\"{repeated}\"><text:p>{content}</text:p></table:table-cell></table:table-row>"
        )
    };
    let long = text(&"a".repeat(1 << 20), 16_000);
    let spaces = text("<text:s text:c=\"5000000000\"/>", 1);
    for (rows, what) in [
        (look_alike, "its cells, repeated ones counted"),
        (formula, "its cells, repeated ones counted"),
        (long, "its text, repeated cells counted"),
        (spaces, "its text, repeated cells counted"),
    ] {
        supplier.write("data.ods", files::ods_of(&rows));
        let message = refused(&supplier, r#"spreadsheet = { path = "data.ods" }"#);
        assert!(message.contains(what), "{message}");
    }
    // Many cells that share one long text.
    let cells = "<c t=\"s\"><v>0</v></c>".repeat(16_000);
    supplier.write("data.xlsx", files::xlsx_sharing(&format!("<row r=\"1\">{cells}</row>"), &"a".repeat(1 << 20)));
    let message = refused(&supplier, r#"spreadsheet = { path = "data.xlsx" }"#);
    assert!(message.contains("too large for a spreadsheet: the text of row 1"), "{message}");
    // Two cells at the far corners.
    let corners =
        "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>";
    supplier.write("data.xlsx", files::xlsx_of(corners));
    let message = refused(&supplier, r#"spreadsheet = { path = "data.xlsx" }"#);
    assert!(message.contains("no column `datum`"), "{message}");
}

/// Their reader would wait for the end of a table, or of a remark, for ever.
#[test]
fn sheets_that_do_not_end_are_refused() {
    let supplier = Supplier::new();
    let row = "<table:table-row><table:table-cell office:value-type=\"string\"><text:p>datum</text:p></table:table-cell></table:table-row>";
    let remark = row.replace("<text:p>", "<office:annotation><text:p>");
    for rows in
        [remark, format!("{row}</table:table><table:table table:name=\"a\">{row}</table:tabl>"), format!("{row}<!--")]
    {
        supplier.write("data.ods", files::ods_of(&rows));
        let message = refused(&supplier, r#"spreadsheet = { path = "data.ods" }"#);
        assert!(message.contains("its content is not XML as spreadsheets have it"), "{message}");
    }
}

#[test]
fn other_spreadsheets_are_named_as_such() {
    let supplier = Supplier::new();
    supplier.write("data.xls", zip(&[("a", "b")]));
    let message = refused(&supplier, r#"spreadsheet = { path = "data.xls" }"#);
    assert!(message.contains("only .xlsx, .xlsm, .xlsb and .ods files are read"), "{message}");
    supplier.write("data.xlsx", "no zip");
    assert!(refused(&supplier, r#"spreadsheet = { path = "data.xlsx" }"#).contains("cannot be read as a spreadsheet"));
}

/// Bytes from outside, changed at random: an error or an edition, never a crash. The seed is in the message.
#[test]
fn broken_bytes_never_crash_the_node() {
    let text: String = CELLS.iter().map(|row| row.join(",") + "\n").collect();
    let corpus = [
        ("data.csv", text.into_bytes(), r#"csv = { path = "data.csv" }"#),
        ("data.parquet", parquet(&CELLS[1..]), r#"parquet = { path = "data.parquet" }"#),
        ("data.xlsx", xlsx(CELLS), r#"spreadsheet = { path = "data.xlsx" }"#),
        ("data.xlsb", xlsb(CELLS), r#"spreadsheet = { path = "data.xlsb" }"#),
        ("data.ods", ods(CELLS), r#"spreadsheet = { path = "data.ods" }"#),
    ];
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut chance = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for (name, bytes, source) in corpus {
        let supplier = Supplier::new();
        let bindings = bindings(source);
        for round in 0..150 {
            let mut broken = bytes.clone();
            for _ in 0..=chance(4) {
                let at = chance(broken.len());
                match chance(4) {
                    0 => broken[at] = u8::try_from(chance(256)).unwrap(),
                    1 => broken[at] ^= 1 << chance(8),
                    2 => broken.truncate(at.max(1)),
                    _ => broken.insert(at, b"\"\n\r,\0\xff<>"[chance(8)]),
                }
            }
            supplier.write(name, &broken);
            let outcome = std::panic::catch_unwind(|| supplier.freeze_as(&bindings, &format!("e{round}")).map(|_| ()));
            assert!(outcome.is_ok(), "{name}, round {round}: crashed on {broken:02x?}");
        }
    }
}
