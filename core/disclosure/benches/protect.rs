//! What protecting a table takes, attacker included, by the number of its cells; with margins, with sub-totals of groups of
//! codes, without either, and after earlier releases. Beside tables with all margins the hypercube method on the same ones.
//!
//! `cargo bench -p optelsom-disclosure --bench protect`; with `-- history` the last of these alone
#![allow(missing_docs, clippy::expect_used)]

mod hypercube;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use hypercube::Cube;
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
        // It looks at all boxes of every cell: at 100,000 cells it takes minutes.
        if plan.cell_count() < 20_000 {
            beside(&plan, lengths, took);
        }
        if (10_000..20_000).contains(&plan.cell_count()) {
            let aims = [("10 s", took.as_secs_f64() < MOST_SECONDS), ("500 MB", peak_memory() < MOST_MEMORY)];
            for (aim, met) in aims {
                println!("| aim: under {aim} | | | | {} | |", if met { "met" } else { "MISSED" });
            }
        }
    }
    sub_totals();
    mostly_small();
    after_earlier();
}

/// Two in five cells are empty, and two have too few.
fn mostly_small() {
    for lengths in CUBES {
        let codebook = codebook(lengths);
        let plan = plan(&codebook, "SELECT a, b, c, COUNT(*) FROM d GROUP BY CUBE(a, b, c)");
        let totals = totals_of(&plan, |codes| {
            [0, count(codes) % 9, 0, count(codes) % 10, count(codes)][codes.iter().sum::<usize>() % 5]
        });
        let (took, table) = timed(|| protect(&plan, &policy(&plan), totals).expect("a table"));
        row("mostly small cells, with all margins", &table, took);
    }
}

/// The same table by the peer, from the same counts.
fn beside(plan: &Plan, lengths: [usize; 3], took: Duration) {
    let cube = cube(plan, lengths);
    let (peer, others) = timed(|| cube.others_hidden(10));
    let others = others.map_or("none found".to_owned(), |others| others.to_string());
    let ratio = took.as_secs_f64() / peer.as_secs_f64();
    println!("| by the hypercube method: above it is {ratio:.2} times that | | | {others} | {peer:.1?} | |");
}

fn cube(plan: &Plan, lengths: [usize; 3]) -> Cube {
    let mut cube = Cube { lengths: lengths.map(|length| length + 1), counts: Vec::new() };
    cube.counts = vec![0; cube.lengths.iter().product()];
    let counts = counts(plan, count);
    for (cell, count) in counts.iter().enumerate() {
        let positions = plan.cell(cell).expect("a cell").positions;
        let place = std::array::from_fn(|axis| positions[axis].map_or(lengths[axis], |position| position as usize));
        let at = cube.at(place);
        cube.counts[at] = *count;
    }
    cube
}

/// Two of three variables in groups of five and four codes, and sub-totals of all.
fn sub_totals() {
    let codebook = codebook([25, 20, 18]);
    let sql = "SELECT COUNT(*) FROM d GROUP BY ROLLUP(LEVEL(a, 1), a), ROLLUP(LEVEL(b, 1), b), CUBE(c)";
    let plan = plan(&codebook, sql);
    let (took, table) = timed(|| protect(&plan, &policy(&plan), totals(&plan)).expect("a table"));
    row("with sub-totals of groups and all margins", &table, took);
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
            .map(|code| (format!("{name}{code}"), format!(", parent = \"{name}-{}\"", code / 5)))
            .chain((0..length.div_ceil(5)).map(|group| (format!("{name}-{group}"), String::new())))
            .map(|(code, parent)| format!("{{ code = \"{code}\", nl = \"{code}\", en = \"{code}\"{parent} }}"))
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
    totals_of(plan, count)
}

fn totals_of(plan: &Plan, count: fn([usize; 3]) -> i64) -> Totals {
    let counts = counts(plan, count);
    let of = |column: &Column| match column {
        Column::Suppliers { .. } => counts.iter().map(|count| (*count).min(4)).collect(),
        _ => counts.clone(),
    };
    Totals::new(plan.columns().iter().map(of).collect())
}

/// How many in each cell of a plan.
fn counts(plan: &Plan, count: fn([usize; 3]) -> i64) -> Vec<i64> {
    let lengths = ["a", "b", "c"].map(|name| plan.dataset().variable(name).expect("a variable").list().len());
    let mut counts = vec![0; plan.cell_count()];
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
                        let axis = &plan.axes()[*axis];
                        let at = ["a", "b", "c"].iter().position(|name| axis.name().starts_with(name));
                        let code = u16::try_from(codes[at.expect("one of three")]).expect("few codes");
                        axis.position_of(code).expect("shown")
                    };
                    let positions: Vec<u32> = block.axes().iter().map(position).collect();
                    counts[block.cell_at(&positions).expect("a cell")] += count(codes);
                }
            }
        }
    }
    counts
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
