//! `node.toml`: every mistake is found at once, with its line and how to mend it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod supplier;

use std::ffi::OsString;

use optelsom_node::configuration::{Configuration, FreezeWhen};
use supplier::{CSV, Supplier};

fn mistakes(bindings: &str) -> String {
    let supplier = Supplier::new();
    supplier.without_folder(&supplier.binding(bindings).unwrap_err().to_string())
}

#[test]
fn every_mistake_is_listed_with_its_line() {
    insta::assert_snapshot!(mistakes(r#"
[datasets.victims]
source = { csv = { path = "data.csv", delimiter = ";;", encoding = "windows1252x" } }
years = [2030, 2031]
[datasets.victims.variables.year]
column = "jaar"
transform = { year_of_date = { format = "%d-%m" } }
[datasets.victims.variables.sekse]
column = "geslacht"
[datasets.victims.variables.sex]
column = "geslacht"
separator = "|"
map = { vrouw = "Female" }
[datasets.victims.variables.age_group]
column = "leeftijd"
constant = "18+"
[datasets.victims.variables.form]
column = "vorm"
map = { a = "labor", b = "labour" }
otherwise = "other"
[datasets.victims.measures.days]
column = "dagen"
decimal = ","
thousands = ","
scale = 12
"#), @r#"
    …/node.toml has 12 mistakes
      line 4: the delimiter ";;" is not one character; use ";", "," or "\t"
      line 4: there is no encoding "windows1252x"; use "utf-8", "windows-1252" or another name of the WHATWG list
      line 5: the period has none of the years 2030 to 2031; write years = [first, last]
      line 8: "%d-%m" does not say how a whole date is written; use %d, %m and %Y, as in "%d-%m-%Y"
      line 9: `victims` has no variable `sekse`; it has year, sex, age_group, form
      line 11: `sex` takes one value, so a separator means nothing; take `separator` out
      line 14: the list `sex` has no code "Female"; did you mean "F"?
      line 15: `age_group` does not say plainly where its values come from; give it either `column`, or `constant` alone, or `transform = { age_group = { birth, at, bins } }`
      line 20: the list `forms` has no code "labor"; did you mean "labour"?
      line 21: the list `forms` has no code "other"; look the codes up in the codebook
      line 23: `decimal` and `thousands` are the same mark; use two different marks
      line 26: the scale is not within -9 to 9; scale = 2 says that the column holds hundredths
    "#);
}

#[test]
fn names_that_would_reach_a_statement_are_plain() {
    let message = mistakes(
        "[datasets.victims]\nsource = { sqlite = { path = \"a\", view = \"v; DROP TABLE x\" } }\n\
         [datasets.victims.variables.sex]\ncolumn = \"a\\\" OR 1\"\n\
         [datasets.victims.measures.days]\ncolumn = \"d\"\ndecimal = \",\"\n",
    );
    assert!(message.contains("line 3: `v; DROP TABLE x` is no plain name for a view"), "{message}");
    assert!(message.contains("line 5: `a\\\" OR 1` is no plain name for a column"), "{message}");
    assert!(message.contains("line 8: this source gives numbers as numbers"), "{message}");
    assert!(message.contains("line 2: the period is not bound"), "{message}");
}

#[test]
fn unknown_keys_and_broken_syntax_name_their_line() {
    let of = |text: &str| Supplier::new().configuration(text).unwrap_err().to_string();
    assert!(of("[health]\nlisten = \"127.0.0.1:9\"\nport = 9\n").contains("line 4: unknown field `port`"));
    assert!(of("[datasets.victims\n").contains("line 2: "));
    assert!(
        of("[coordinator]\naddress = \"https://x/\"\ncertificate = \"c\"\nkey = \"k\"\nauthority = \"a\"\n")
            .contains("line 3: `https://x/` is not host:port")
    );
}

#[test]
fn paths_are_those_of_the_files_folder_and_of_the_environment() {
    let text = "supplier = \"police\"\n[coordinator]\naddress = \"bureau.example:8443\"\ncertificate = \"node.pem\"\nkey = \"node.key\"\nauthority = \"/etc/ca.pem\"\n[identity]\nfile = \"id.key\"\n";
    let environment = |name: &str| (name == "OPTELSOM_NODE_KEY").then(|| OsString::from("/run/secrets/key"));
    let configuration = Configuration::parse("/srv/node/node.toml".as_ref(), text.to_owned(), &environment).unwrap();
    let coordinator = configuration.coordinator().unwrap();
    assert_eq!(coordinator.server_name, "bureau.example");
    assert_eq!(coordinator.certificate.to_str(), Some("/srv/node/node.pem"));
    assert_eq!(coordinator.key.to_str(), Some("/run/secrets/key"));
    assert_eq!(coordinator.authority.to_str(), Some("/etc/ca.pem"));
    assert_eq!(configuration.identity().unwrap().to_str(), Some("/srv/node/id.key"));
    assert_eq!(configuration.state().to_str(), Some("/srv/node/state"));
    assert!(configuration.health().ip().is_loopback());
}

#[test]
fn a_map_may_stand_in_a_file() {
    let supplier = Supplier::new();
    supplier
        .write("map.csv", "local;code\nvrouwelijk;F\n\"man; mannelijk\";M\n")
        .write("data.csv", supplier::csv(&["vrouwelijk;;01-01-2024;;1;1"]));
    let bindings = CSV.replace("map = { vrouw = \"F\", man = \"M\" }", "map_file = \"map.csv\"");
    supplier.freeze(&bindings).unwrap();
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY sex"), [1, 0, 0]);
    for head in [
        "local,code",
        "code;remark;local",
        "local,code,remark",
        "local\tcode",
        "\u{feff}local;code",
        "\"local\",\"code\"",
    ] {
        supplier.write("map.csv", format!("{head}\n"));
        supplier.binding(&bindings).unwrap_or_else(|error| panic!("{head}: {error}"));
    }
    for head in ["vrouwelijk;F", "lokaal,code", "local", "local;code;local"] {
        supplier.write("map.csv", format!("{head}\n"));
        let message = supplier.without_folder(&supplier.binding(&bindings).unwrap_err().to_string());
        assert!(message.contains(&format!("…/map.csv: its head is \"{head}\"")), "{message}");
        assert!(message.contains("begin the file with the line local,code or local;code"), "{message}");
    }
}

#[test]
fn freezing_by_hand_unless_said_otherwise() {
    let supplier = Supplier::new();
    assert_eq!(supplier.binding(CSV).unwrap().freeze(), FreezeWhen::ByHand);
    let announced = CSV.replace("[datasets.victims]\n", "[datasets.victims]\nfreeze = \"on-announcement\"\n");
    assert_eq!(supplier.binding(&announced).unwrap().freeze(), FreezeWhen::OnAnnouncement);
}

/// A configuration changed at random is an error or a configuration, never a crash.
#[test]
fn broken_configurations_never_crash() {
    let mut state = 0x9E37_79B9_97F4_A7C1_u64;
    let mut chance = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let supplier = Supplier::new();
    for round in 0..500 {
        let mut broken: Vec<char> = CSV.chars().collect();
        for _ in 0..=chance(5) {
            let at = chance(broken.len());
            match chance(3) {
                0 => broken[at] = ['"', '[', ']', '{', '=', '\n', 'é', '9'][chance(8)],
                1 => drop(broken.remove(at)),
                _ => broken.insert(at, ['"', '.', ',', '-', '|', '\n', '0', '%'][chance(8)]),
            }
        }
        let text: String = broken.into_iter().collect();
        let outcome = std::panic::catch_unwind(|| supplier.binding(&text).map(|_| ()));
        assert!(outcome.is_ok(), "round {round}: crashed on\n{text}");
    }
}

#[test]
fn a_time_limit_is_one() {
    for source in ["sqlite = { path = \"a.sqlite\"", "postgresql = { url_file = \"url\""] {
        let with = |limit: &str| {
            let source = format!("[datasets.victims]\nsource = {{ {source}, view = \"v\", {limit} }} }}\n");
            source + "[datasets.victims.variables.year]\ncolumn = \"jaar\"\n"
        };
        for seconds in ["0", "-1", "86401", "4294967296"] {
            let said = mistakes(&with(&format!("time_limit_seconds = {seconds}")));
            let wanted = format!(
                "line 3: time_limit_seconds = {seconds} is no limit; write from 1 to 86400, a day; without it the limit is 600"
            );
            assert!(said.contains(&wanted), "{said}");
        }
        for seconds in ["1", "86400"] {
            Supplier::new().binding(&with(&format!("time_limit_seconds = {seconds}"))).unwrap();
        }
    }
}
