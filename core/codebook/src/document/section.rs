//! One table of a TOML document, whose entries are taken out by kind.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Place, Reader};
use crate::decimal::parse_decimal;
use crate::excerpt::excerpt;
use crate::label::Label;
use crate::suggest::{Candidate, did_you_mean, listed, nearest};

/// A table and what to call it in messages.
pub(crate) struct Section<'a> {
    title: String,
    place: Place,
    table: &'a DeTable<'a>,
}

/// A value and where it stands.
pub(crate) type Found<T> = Spanned<T>;

impl<'a> Section<'a> {
    pub(crate) fn top(table: &'a Spanned<DeTable<'a>>) -> Self {
        Self { title: "the document".to_owned(), place: 0..0, table: table.get_ref() }
    }

    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Reports every key that is not one of `keys`.
    pub(crate) fn allow(&self, reader: &mut Reader, keys: &[&str]) {
        for (key, _) in self.table.iter() {
            let name: &str = key.get_ref();
            if keys.contains(&name) {
                continue;
            }
            let near = nearest(name, keys.iter().map(|key| Candidate::named(key)));
            let mend = match near {
                Some(_) => did_you_mean(near),
                None => format!("remove it; there can be {}", listed(keys.iter().copied())),
            };
            reader.report(&key.span(), format!("{} has no key `{}`", self.title, excerpt(name)), mend);
        }
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn required(&self, reader: &mut Reader, key: &str, example: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        let value = self.value(key);
        if value.is_none() {
            reader.report(&self.place, format!("{} has no `{key}`", self.title), format!("add `{example}`"));
        }
        value
    }

    fn wrong_kind(&self, reader: &mut Reader, key: &str, value: &Spanned<DeValue<'_>>, example: &str) {
        let kind = kind_of(value);
        reader.report(
            &value.span(),
            format!("`{key}` of {} is {kind}", self.title),
            format!("write it like `{example}`"),
        );
    }

    /// A text that must be there and not be empty. `example` shows how to write it.
    pub(crate) fn text(&self, reader: &mut Reader, key: &str, example: &str) -> Option<Found<&'a str>> {
        let value = self.required(reader, key, example)?;
        self.as_text(reader, key, value, example)
    }

    /// A text that may be absent.
    pub(crate) fn optional_text(&self, reader: &mut Reader, key: &str, example: &str) -> Option<Found<&'a str>> {
        self.value(key).and_then(|value| self.as_text(reader, key, value, example))
    }

    fn as_text(
        &self,
        reader: &mut Reader,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
        example: &str,
    ) -> Option<Found<&'a str>> {
        match value.get_ref().as_str() {
            Some(text) if is_readable(text) => Some(Spanned::new(value.span(), text)),
            Some(_) => {
                let message =
                    format!("`{key}` of {} is empty, over 200 characters, or holds control characters", self.title);
                reader.report(&value.span(), message, format!("write it like `{example}`"));
                None
            }
            None => {
                self.wrong_kind(reader, key, value, example);
                None
            }
        }
    }

    /// `true` or `false`; `false` when absent.
    pub(crate) fn flag(&self, reader: &mut Reader, key: &str) -> bool {
        let Some(value) = self.value(key) else { return false };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong_kind(reader, key, value, &format!("{key} = true"));
            false
        })
    }

    /// A whole number from `least` to `most`, if the key is there.
    pub(crate) fn number(&self, reader: &mut Reader, key: &str, least: u64, most: u64) -> Option<Found<u64>> {
        let value = self.value(key)?;
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_kind(reader, key, value, &format!("{key} = {least}"));
            return None;
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| (least..=most).contains(n));
        if number.is_none() {
            let message = format!("`{key}` of {} is {}", self.title, integer.as_str());
            let range = if most == u64::MAX { format!("at least {least}") } else { format!("from {least} to {most}") };
            reader.report(&value.span(), message, format!("it must be a whole number {range}"));
        }
        number.map(|number| Spanned::new(value.span(), number))
    }

    /// A number with at most so many decimals, scaled to an integer. It must be there.
    pub(crate) fn decimal(&self, reader: &mut Reader, key: &str, decimals: u32) -> Option<Found<i64>> {
        let value = self.required(reader, key, &format!("{key} = 0"))?;
        let text = match value.get_ref() {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            DeValue::Float(float) => float.as_str(),
            _ => {
                self.wrong_kind(reader, key, value, &format!("{key} = 0"));
                return None;
            }
        };
        match parse_decimal(text, decimals) {
            Ok(number) => Some(Spanned::new(value.span(), number)),
            Err(cause) => {
                let message = format!("`{key}` of {} is {text}: {cause}", self.title);
                reader.report(&value.span(), message, "write fewer digits, or raise `decimals`");
                None
            }
        }
    }

    /// Two whole numbers, the first not above the second, if the key is there.
    pub(crate) fn range(&self, reader: &mut Reader, key: &str, least: u64, most: u64) -> Option<Found<(u64, u64)>> {
        let value = self.value(key)?;
        let numbers: Option<Vec<u64>> = value.get_ref().as_array().and_then(|array| {
            let integers = array.iter().map(|item| item.get_ref().as_integer());
            integers.map(|i| i.and_then(|i| u64::from_str_radix(i.as_str(), i.radix()).ok())).collect()
        });
        match numbers.as_deref() {
            Some(&[first, last]) if least <= first && first <= last && last <= most => {
                Some(Spanned::new(value.span(), (first, last)))
            }
            _ => {
                let message = format!("`{key}` of {} is not a range", self.title);
                let mend = format!("write it like `{key} = [2015, 2030]`: first and last, from {least} to {most}");
                reader.report(&value.span(), message, mend);
                None
            }
        }
    }

    /// A list of texts, if the key is there.
    pub(crate) fn texts(&self, reader: &mut Reader, key: &str, example: &str) -> Option<Vec<Found<&'a str>>> {
        let value = self.value(key)?;
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_kind(reader, key, value, example);
            return None;
        };
        Some(array.iter().filter_map(|item| self.as_text(reader, key, item, example)).collect())
    }

    /// Whether the key holds a single text rather than a list.
    pub(crate) fn is_text(&self, key: &str) -> bool {
        self.value(key).is_some_and(|value| value.get_ref().is_str())
    }

    /// A label in both languages from the table at `key`.
    pub(crate) fn label(&self, reader: &mut Reader, key: &str) -> Option<Label> {
        let example = format!("{key} = {{ nl = \"…\", en = \"…\" }}");
        let value = self.required(reader, key, &example)?;
        let section = self.as_section(reader, key, value, &example)?;
        section.allow(reader, &["nl", "en"]);
        section.own_label(reader)
    }

    /// The label made of this section's own `nl` and `en`.
    pub(crate) fn own_label(&self, reader: &mut Reader) -> Option<Label> {
        let nl = self.text(reader, "nl", "nl = \"…\"");
        let en = self.text(reader, "en", "en = \"…\"");
        Some(Label::new(*nl?.get_ref(), *en?.get_ref()))
    }

    fn as_section(
        &self,
        reader: &mut Reader,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
        example: &str,
    ) -> Option<Section<'a>> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_kind(reader, key, value, example);
            return None;
        };
        Some(Section { title: format!("`{key}` of {}", self.title), place: value.span(), table })
    }

    /// The table at `key`, if it is there.
    pub(crate) fn section(&self, reader: &mut Reader, key: &str, example: &str) -> Option<Section<'a>> {
        let value = self.value(key)?;
        self.as_section(reader, key, value, example)
    }

    /// The named tables under `key`, in the order of the text: `[lists.sex]`, `[lists.year]`.
    pub(crate) fn named_sections(
        &self,
        reader: &mut Reader,
        key: &str,
        kind: &str,
    ) -> Vec<(Found<&'a str>, Section<'a>)> {
        let Some(outer) = self.section(reader, key, &format!("[{key}.name]")) else { return Vec::new() };
        let mut found = Vec::new();
        for (name, value) in outer.table.iter() {
            let key: &'a str = name.get_ref();
            let title = format!("{kind} `{}`", excerpt(key));
            match value.get_ref().as_table() {
                Some(table) => {
                    found.push((Spanned::new(name.span(), key), Section { title, place: name.span(), table }));
                }
                None => {
                    let message = format!("{title} is {}", kind_of(value));
                    reader.report(&value.span(), message, "make it a table with keys of its own");
                }
            }
        }
        found.sort_by_key(|(name, _)| name.span().start);
        found
    }

    /// The tables of the array at `key`, in order; none if it is absent.
    pub(crate) fn listed_sections(&self, reader: &mut Reader, key: &str, kind: &str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_kind(reader, key, value, &format!("{key} = [ {{ … }} ]"));
            return Vec::new();
        };
        let mut found = Vec::new();
        for (item, number) in array.iter().zip(1..) {
            let title = format!("{kind} {number} of {}", self.title);
            match item.get_ref().as_table() {
                Some(table) => found.push(Section { title, place: item.span(), table }),
                None => {
                    let message = format!("{title} is {}", kind_of(item));
                    reader.report(&item.span(), message, "make it a table: { … }");
                }
            }
        }
        found
    }
}

/// Short text for people: not empty, no control characters, no blanks around it.
pub(crate) fn is_readable(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && text.chars().count() <= 200 && !text.chars().any(char::is_control)
}

/// What TOML calls this kind of value, with its article.
fn kind_of(value: &Spanned<DeValue<'_>>) -> String {
    let kind = value.get_ref().type_str();
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {kind}")
}
