//! The condition of a question in words: which rows a table is about.

use optelsom_codebook::Lang;
use optelsom_disclosure::{AxisHeading, Release};
use serde_json::Value;

use crate::words::words;

/// Which rows were counted, or nothing where all were, or where the document says it in a way that is not known here; the
/// question itself goes with every table.
pub fn selection(release: &Release, lang: Lang) -> Option<String> {
    let reading = Reading { axes: release.table().axes(), lang };
    reading.condition(release.document().get("where")?, false)
}

struct Reading<'r> {
    axes: &'r [AxisHeading],
    lang: Lang,
}

impl Reading<'_> {
    fn condition(&self, condition: &Value, nested: bool) -> Option<String> {
        let braced = |text: String| if nested { format!("({text})") } else { text };
        if let Some(variable) = condition.get("variable") {
            return self.codes(variable.as_str()?, condition);
        }
        if let Some(parts) = condition.get("all") {
            return self.parts(parts, "; ").map(braced);
        }
        if let Some(parts) = condition.get("any") {
            return self.parts(parts, words(self.lang, " of ", " or ")).map(braced);
        }
        let not = words(self.lang, "niet", "not");
        Some(format!("{not} {}", self.condition(condition.get("not")?, true)?))
    }

    fn parts(&self, parts: &Value, joint: &str) -> Option<String> {
        let parts: Option<Vec<String>> = parts.as_array()?.iter().map(|part| self.condition(part, true)).collect();
        Some(parts?.join(joint))
    }

    fn codes(&self, variable: &str, condition: &Value) -> Option<String> {
        let axis = self.axes.iter().find(|axis| axis.name == variable);
        let name = axis.map_or(variable, |axis| axis.label.get(self.lang));
        let none = words(self.lang, "geen van", "none of");
        let (quantifier, codes) = match condition.get("in") {
            Some(codes) => (String::new(), codes),
            None => (format!("{none} "), condition.get("has_none_of")?),
        };
        let codes: Vec<&str> = codes.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
        let label = |code: &&str| {
            let place = axis.and_then(|axis| axis.places.iter().find(|place| place.code == *code));
            place.map_or_else(|| (*code).to_owned(), |place| place.label.get(self.lang).to_owned())
        };
        let text = range(&codes).unwrap_or_else(|| codes.iter().map(label).collect::<Vec<_>>().join(", "));
        Some(format!("{name}: {quantifier}{text}"))
    }
}

/// Three or more numbers one after the other, such as years.
fn range(codes: &[&str]) -> Option<String> {
    let numbers: Vec<u32> = codes.iter().map(|code| code.parse().ok()).collect::<Option<_>>()?;
    let (first, last) = (numbers.first()?, numbers.last()?);
    let consecutive = numbers.windows(2).all(|pair| matches!(pair, [a, b] if a.checked_add(1) == Some(*b)));
    (numbers.len() > 2 && consecutive).then(|| format!("{first}–{last}"))
}
