//! Text that changes the statement which it is written into, by the ways of SQLite and of PostgreSQL.
// Each of the tests that share it uses a part.
#![allow(dead_code)]

use serde_json::Value;

/// One by one: ends of literals and of names, comments, dollar quotes, placeholders, wildcards, look-alikes.
pub const HOSTILE: [&str; 22] = [
    "'; DROP TABLE queries; --",
    "'); DELETE FROM queries; --",
    "' OR '1'='1",
    "' UNION SELECT name, sql FROM sqlite_master --",
    "'||(SELECT sql FROM sqlite_master)||'",
    "'||pg_sleep(60)||'",
    "\"; DROP TABLE \"queries\"; --",
    "\" OR \"\"=\"",
    "`; DROP TABLE queries; --",
    "]; DROP TABLE queries; --",
    "\\'; DROP TABLE queries; --",
    "$$; DROP TABLE queries; $$",
    "E'\\x27'; DROP TABLE queries; --",
    "x\n'; DROP TABLE queries; --",
    "x'/*",
    "*/ OR 1=1 --",
    "$1",
    "?1",
    "%",
    "{0}'",
    "\u{2019}; DROP TABLE queries; --",
    "\u{ff07} OR \u{ff07}1\u{ff07}=\u{ff07}1",
];

/// The document once for each string in it, with that one exchanged; names of fields are strings, too.
pub fn with_each_string_as(document: &Value, text: &str) -> Vec<(String, Value)> {
    match document {
        Value::String(_) => vec![(String::new(), Value::from(text))],
        Value::Array(items) => {
            let each = items.iter().enumerate().flat_map(|(at, item)| {
                with_each_string_as(item, text).into_iter().map(move |(place, changed)| {
                    let mut items = items.clone();
                    items[at] = changed;
                    (format!("/{at}{place}"), Value::from(items))
                })
            });
            each.collect()
        }
        Value::Object(fields) => {
            let mut all = Vec::new();
            for (name, value) in fields {
                let mut renamed = fields.clone();
                renamed.remove(name);
                renamed.insert(text.to_owned(), value.clone());
                all.push((format!("name of /{name}"), Value::from(renamed)));
                for (place, changed) in with_each_string_as(value, text) {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), changed);
                    all.push((format!("/{name}{place}"), Value::from(fields)));
                }
            }
            all
        }
        _ => Vec::new(),
    }
}
