//! A node's journal held against the log.

use std::fs;

use serde_json::{Value, json};

use crate::{audit, exported, told};

/// The journal of a supplier that answered as the log says.
fn journal(supplier: &str) -> Vec<Value> {
    let folder = exported();
    let (_, report) = told(&audit(folder.path(), &["report", "export", "--format", "json"]));
    let report: Value = serde_json::from_str(&report).unwrap();
    let names = |list: &Value| list.as_array().unwrap().iter().any(|name| name == supplier);
    let line = |query: &Value| {
        let refused = query["refusals"].as_array().unwrap().iter().find(|refusal| refusal["supplier"] == supplier);
        let attempts = if names(&query["participants"]) { json!([{ "attempt": 1 }]) } else { json!([]) };
        json!({
            "supplier": supplier, "query": query["id"], "dataset": query["dataset"], "edition": query["edition"],
            "purpose": query["purpose"], "requester": query["requester"], "attempts": attempts,
            "refused": refused.map(|refusal| refusal["reason"].clone()), "received_at": "2026-11-02T10:30:00Z",
        })
    };
    report["queries"].as_array().unwrap().iter().map(line).collect()
}

fn compared(lines: &[Value], words: &[&str]) -> (Option<i32>, String) {
    let folder = exported();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(folder.path().join("journal.jsonl"), text).unwrap();
    told(&audit(folder.path(), &[&["compare", "journal.jsonl", "export"], words].concat()))
}

fn codes(lines: &[Value]) -> Vec<String> {
    let (_, text) = compared(lines, &["--format", "json"]);
    let differences: Vec<Value> = serde_json::from_str(&text).unwrap();
    differences.iter().map(|difference| difference["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn journal_and_log_agree() {
    for supplier in ["police", "youth-care"] {
        let (code, text) = compared(&journal(supplier), &[]);
        assert_eq!((code, text.as_str()), (Some(0), "Journal and log do not contradict each other on 7 queries.\n"));
    }
}

#[test]
fn what_either_lacks_is_found() {
    let good = journal("youth-care");
    let changed = |nth: usize, change: &dyn Fn(&mut Value)| {
        let mut lines = good.clone();
        change(&mut lines[nth]);
        codes(&lines)
    };
    assert_eq!(changed(0, &|line| line["purpose"] = json!("curiosity")), ["question-differs"]);
    assert_eq!(changed(0, &|line| line["document"] = json!("{}")), ["question-differs"]);
    assert_eq!(changed(0, &|line| line["attempts"] = json!([])), ["not-sent"]);
    let shown = json!([{ "attempt": 1, "statement": "00".repeat(32) }]);
    assert_eq!(changed(0, &|line| line["attempts"] = shown.clone()), ["statement-differs"]);
    assert_eq!(changed(1, &|line| line["attempts"] = shown.clone()), ["left-out"]);
    assert_eq!(changed(1, &|line| line["refused"] = json!("policy")), ["refusal-differs"]);
    assert_eq!(changed(1, &|line| line["refused"] = Value::Null), ["refusal-differs"]);
    assert_eq!(changed(2, &|line| line["refused"] = json!("policy")), ["refusal-not-logged"]);
    // Asked beside the log.
    assert_eq!(changed(3, &|line| line["query"] = json!("ab".repeat(32))), ["not-logged"]);
    // The log says that it took part, and its journal knows of nothing.
    assert_eq!(codes(&good[1..]), ["not-in-journal"]);
    assert_eq!(codes(&[&good[..1], &good[2..]].concat()), ["not-in-journal"]);
    // Not having been asked, or not having been up, is no contradiction.
    assert_eq!(codes(&good[..6]), Vec::<String>::new());
}

#[test]
fn differences_are_told_in_words() {
    let mut lines = journal("youth-care");
    lines[1]["refused"] = Value::Null;
    lines[3]["query"] = json!("ab".repeat(32));
    let (code, text) = compared(&lines, &[]);
    assert_eq!(code, Some(19));
    insta::assert_snapshot!(text, @r"
    abababababab: asked of this node, but not in the log [not-logged]
    #9 27c692c44260: entry 11 says that the node refused; its journal does not [refusal-differs]
    ");
    insta::assert_snapshot!(compared(&lines, &["--lang", "nl"]).1, @r"
    abababababab: aan deze node gevraagd, maar niet in het logboek [not-logged]
    #9 27c692c44260: volgens post 11 weigerde de node; zijn journaal zegt dat niet [refusal-differs]
    ");
}

#[test]
fn what_honest_parties_may_show_too_is_a_note() {
    let good = journal("youth-care");
    let (_, report) = told(&audit(exported().path(), &["report", "export", "--format", "json"]));
    let report: Value = serde_json::from_str(&report).unwrap();
    let refusing = |nth: usize| {
        let mut lines = good.clone();
        lines[nth]["refused"] = json!("policy");
        compared(&lines, &[])
    };
    for (nth, query) in report["queries"].as_array().unwrap().iter().enumerate() {
        if query["refusals"].as_array().unwrap().iter().any(|refusal| refusal["supplier"] == "youth-care") {
            continue;
        }
        // Concealed beside a table it contradicts; elsewhere it may have come too late.
        let released = query["end"]["ending"] == "release";
        let (code, text) = refusing(nth);
        assert_eq!(code, Some(if released { 19 } else { 0 }), "{query}\n{text}");
        assert_eq!(text.contains("[refusal-differs]"), released, "{text}");
        assert_eq!(text.contains("To note:"), !released, "{text}");
    }
    // A log that ends before the query came conceals nothing; one that is long enough does.
    let mut lines = good;
    lines[3]["query"] = json!("ab".repeat(32));
    lines[3]["index"] = json!(1000);
    let (code, text) = compared(&lines, &[]);
    assert!(code == Some(0) && text.contains("[log-older]"), "{text}");
    lines[3]["index"] = json!(5);
    assert_eq!(codes(&lines), ["not-logged"]);
}

#[test]
fn a_journal_is_of_one_supplier() {
    let mut lines = journal("police");
    lines[0]["supplier"] = json!("labour");
    assert_eq!(compared(&lines, &[]).0, Some(6));
    lines.iter_mut().for_each(|line| line["supplier"] = Value::Null);
    assert_eq!(compared(&lines, &[]).0, Some(6));
    assert_eq!(compared(&lines, &["--supplier", "police"]).0, Some(0));
    assert_eq!(compared(&[json!({ "query": "no digest" })], &[]).0, Some(6));
}
