//! What protecting a table takes, attacker included, by the number of its cells; with margins, without, and after earlier
//! releases.
//!
//! `cargo bench -p optelsom-disclosure --bench protect`; with `-- history` the last of these alone
#![allow(missing_docs, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use optelsom_codebook::{Codebook, Column, EditionId, Plan, Query, QueryId, SupplierId, Timestamp};
use optelsom_disclosure::{
    History, Policy, ProtectedTable, Release, RoundFacts, Status, Totals, protect, protect_after,
};

/// Lengths of three axes, so that with all margins there are about ten times as many cells each time.
const CUBES: [[usize; 3]; 4] = [[4, 4, 3], [10, 9, 8], [25, 20, 18], [50, 45, 42]];
const FLAT: [usize; 3] = [100, 100, 10];
const MOST_SECONDS: f64 = 10.0;
const MOST_MEMORY: u64 = 500_000_000;

fn main() {
    println!(
        "| what | cells | too few | others hidden | time | memory so far |\n| --- | --- | --- | --- | --- | --- |"
    );
    if std::env::args().any(|argument| argument == "history") {
        return after_earlier();
    }
    flat();
    for lengths in CUBES {
        let codebook = codebook(lengths);
        let plan = plan(&codebook, "SELECT a, b, c, COUNT(*) FROM d GROUP BY CUBE(a, b, c)");
        let (took, table) = timed(|| protect(&plan, &policy(&plan), totals(&plan)).expect("a table"));
        row("with all margins", &table, took);
        if (10_000..20_000).contains(&plan.cell_count()) {
            let aims = [("10 s", took.as_secs_f64() < MOST_SECONDS), ("500 MB", peak_memory() < MOST_MEMORY)];
            for (aim, met) in aims {
                println!("| aim: under {aim} | | | | {} | |", if met { "met" } else { "MISSED" });
            }
        }
    }
    after_earlier();
}

/// No margins: nothing to find out, and the release to write.
fn flat() {
    let codebook = codebook(FLAT);
    let plan = plan(&codebook, "SELECT a, b, c, COUNT(*) FROM d GROUP BY a, b, c");
    let (took, table) = timed(|| protect(&plan, &policy(&plan), totals(&plan)).expect("a table"));
    row("without margins", &table, took);
    let release = release(&codebook, &plan, 1, table);
    let (writing, document) = timed(|| release.to_json().expect("a document"));
    let (reading, _) = timed(|| Release::from_json(&document).expect("a release"));
    println!("| writing that release: {} kB | | | | {writing:.1?} | |", document.len() / 1000);
    println!("| reading it back | | | | {reading:.1?} | |");
}

/// Tables that share margins, one after the other.
fn after_earlier() {
    let codebook = codebook([25, 20, 18]);
    let mut history = History::none(suppliers());
    let questions = [
        "SELECT a, b, c, COUNT(*) FROM d GROUP BY a, b, c",
        "SELECT a, b, COUNT(*) FROM d GROUP BY ROLLUP(a, b)",
        "SELECT a, c, COUNT(*) FROM d GROUP BY ROLLUP(a, c)",
        "SELECT a, COUNT(*) FROM d WHERE c IN ('c0', 'c1', 'c2') GROUP BY a",
        "SELECT a, b, COUNT(*) FROM d WHERE c <> 'c0' GROUP BY a, b",
        "SELECT a, b, COUNT(*) FROM d GROUP BY ROLLUP(a, b)",
    ];
    for (sql, number) in questions.into_iter().zip(1..) {
        let plan = plan(&codebook, sql);
        let (took, table) = timed(|| protect_after(&plan, &policy(&plan), totals(&plan), &history));
        match table {
            Ok(table) => {
                row(&format!("after {} others: {sql}", history.len()), &table, took);
                history.add(&codebook, &release(&codebook, &plan, number, table)).expect("a readable release");
            }
            Err(cause) => println!("| {sql}: {cause} | | | | {took:.1?} | |"),
        }
    }
}

fn codebook(lengths: [usize; 3]) -> Codebook {
    let mut toml = String::from(
        "version = \"1\"\nname = { nl = \"b\", en = \"b\" }\n[lists.years]\nyears = [2020, 2021]\n[datasets.d]\n\
         label = { nl = \"d\", en = \"d\" }\nunit = \"report\"\nperiod = \"year\"\nminimum_frequency = 10\n\
         [datasets.d.variables.year]\nlabel = { nl = \"y\", en = \"y\" }\nlist = \"years\"\n",
    );
    for (name, length) in ["a", "b", "c"].into_iter().zip(lengths) {
        let codes: Vec<String> = (0..length)
            .map(|code| format!("{{ code = \"{name}{code}\", nl = \"{code}\", en = \"{code}\" }}"))
            .collect();
        let codes = codes.join(", ");
        writeln!(toml, "[datasets.d.variables.{name}]\nlabel = {{ nl = \"x\", en = \"x\" }}\nlist = \"l{name}\"")
            .and_then(|()| writeln!(toml, "[lists.l{name}]\ncodes = [{codes}]"))
            .expect("text");
    }
    Codebook::parse(&toml).expect("a codebook")
}

fn plan(codebook: &Codebook, sql: &str) -> Plan {
    Plan::new(codebook, &Query::from_sql(codebook, sql).expect("a question")).expect("a plan")
}

fn policy(plan: &Plan) -> Policy {
    Policy::for_dataset(plan.dataset()).expect("a policy")
}

/// The population: so many in each combination of codes, of one in eight a few.
fn count(codes: [usize; 3]) -> i64 {
    let mixed = codes
        .iter()
        .fold(1_u64, |state, &code| (state ^ code as u64).wrapping_mul(6_364_136_223_846_793_005).rotate_left(29));
    let number = i64::try_from(mixed >> 40).expect("24 bits");
    if number % 8 == 0 { number / 8 % 10 } else { 5 + number % 90 }
}

fn totals(plan: &Plan) -> Totals {
    let lengths = ["a", "b", "c"].map(|name| plan.dataset().variable(name).expect("a variable").list().len());
    let mut counts = vec![0; plan.cell_count()];
    let places = ["a", "b", "c"].map(|name| plan.axes().iter().position(|axis| axis.name() == name));
    let variables = ["a", "b", "c"].map(|name| plan.dataset().variable_index(name).expect("a variable"));
    for a in 0..lengths[0] {
        for b in 0..lengths[1] {
            for c in 0..lengths[2] {
                let codes = [a, b, c];
                let of = |variable: usize| {
                    let at = variables.iter().position(|known| *known == variable).expect("one of three");
                    std::slice::from_ref(&INDICES[codes[at]])
                };
                if !plan.filter().matches(&of) {
                    continue;
                }
                for block in plan.blocks() {
                    let position = |axis: &usize| {
                        let at = places.iter().position(|place| *place == Some(*axis)).expect("one of three");
                        let code = u16::try_from(codes[at]).expect("few codes");
                        plan.axes()[*axis].position_of(code).expect("shown")
                    };
                    let positions: Vec<u32> = block.axes().iter().map(position).collect();
                    counts[block.cell_at(&positions).expect("a cell")] += count(codes);
                }
            }
        }
    }
    let of = |column: &Column| match column {
        Column::Suppliers { .. } => counts.iter().map(|count| (*count).min(4)).collect(),
        _ => counts.clone(),
    };
    Totals::new(plan.columns().iter().map(of).collect())
}

static INDICES: [u16; 256] = {
    let mut indices = [0; 256];
    let mut at = 0_u16;
    while at < 256 {
        indices[at as usize] = at;
        at += 1;
    }
    indices
};

fn suppliers() -> BTreeSet<SupplierId> {
    (0..4).map(|at| SupplierId::try_from(format!("s{at}").as_str()).expect("a name")).collect()
}

fn release(codebook: &Codebook, plan: &Plan, number: u8, table: ProtectedTable) -> Release {
    let round = RoundFacts {
        query: QueryId::from_bytes([number; 32]),
        edition: EditionId::try_from("1").expect("an edition"),
        purpose: "bench".to_owned(),
        asked_at: Timestamp::from_millis(0),
        released_at: Timestamp::from_millis(0),
        asked: suppliers(),
        taking_part: suppliers(),
        absences: Vec::new(),
    };
    Release::new(codebook, plan, &policy(plan), round, table).expect("a release")
}

fn row(what: &str, table: &ProtectedTable, took: Duration) {
    let cells = || table.rows().iter().flat_map(|row| row.figures());
    let with = |status: Status| cells().filter(|cell| cell.status() == status).count();
    println!(
        "| {what} | {} | {} | {} | {took:.1?} | {} MB |",
        cells().count(),
        with(Status::HiddenTooFew),
        with(Status::HiddenProtectsOthers),
        peak_memory() / 1_000_000
    );
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begin = Instant::now();
    let made = work();
    (begin.elapsed(), made)
}

/// The most memory that this process has held so far, as Linux tells it (`proc_pid_status(5)`); 0 elsewhere.
fn peak_memory() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
