//! The codebook: all that can be asked, versioned and hashed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::code_list::{CodeList, Node};
use crate::dataset::{Dataset, Variable};
use crate::document::{Problem, Reader, read_codebook, write_problems};
use crate::encoding::Encoder;
use crate::ids::Hash256;
use crate::label::{Label, Lang};

/// A checked codebook.
#[derive(Clone, Debug)]
pub struct Codebook {
    parts: CodebookParts,
    hash: Hash256,
}

/// What a codebook's document says.
#[derive(Clone, Debug)]
pub(crate) struct CodebookParts {
    pub(crate) version: String,
    pub(crate) name: Label,
    pub(crate) lists: BTreeMap<String, Arc<CodeList>>,
    pub(crate) datasets: Vec<Arc<Dataset>>,
}

/// Every mistake in a codebook's document, in the order of its lines. Its author is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodebookErrors(Vec<Problem>);

impl CodebookErrors {
    /// The mistakes, at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for CodebookErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_problems(f, "the codebook", &self.0)
    }
}

impl std::error::Error for CodebookErrors {}

impl Codebook {
    /// Reads and checks a codebook in TOML.
    ///
    /// # Errors
    /// All mistakes, each with its line, what is wrong and how to mend it.
    pub fn parse(toml: &str) -> Result<Self, CodebookErrors> {
        let parts = Reader::read(toml, read_codebook).map_err(CodebookErrors)?;
        let hash = hash(&parts);
        Ok(Self { parts, hash })
    }

    /// The version that its authors gave it.
    pub fn version(&self) -> &str {
        &self.parts.version
    }

    /// The digest of its content: the same for every text that says the same.
    pub fn hash(&self) -> Hash256 {
        self.hash
    }

    /// What the codebook is called.
    pub fn name(&self, lang: Lang) -> &str {
        self.parts.name.get(lang)
    }

    /// The datasets in the order of the document; at least one.
    pub fn datasets(&self) -> impl Iterator<Item = &Arc<Dataset>> {
        self.parts.datasets.iter()
    }

    /// The dataset of this name.
    pub fn dataset(&self, name: &str) -> Option<&Arc<Dataset>> {
        self.datasets().find(|dataset| dataset.name() == name)
    }

    /// The code lists by name.
    pub fn lists(&self) -> impl Iterator<Item = &Arc<CodeList>> {
        self.parts.lists.values()
    }

    /// The code list of this name.
    pub fn list(&self, name: &str) -> Option<&Arc<CodeList>> {
        self.parts.lists.get(name)
    }
}

fn hash(parts: &CodebookParts) -> Hash256 {
    // What has no groups keeps the digest that it had before there were any.
    let grouped = parts.lists.values().any(|list| !list.groups().is_empty());
    let mut encoder = Encoder::new(if grouped { "codebook-with-groups" } else { "codebook" });
    encoder.text(&parts.version);
    encoder.label(&parts.name);
    encoder.count(parts.lists.len());
    for list in parts.lists.values() {
        encode_list(&mut encoder, list);
        if grouped {
            encode_groups(&mut encoder, list);
        }
    }
    encoder.count(parts.datasets.len());
    for dataset in &parts.datasets {
        encode_dataset(&mut encoder, dataset);
    }
    encoder.hash()
}

fn encode_list(encoder: &mut Encoder, list: &CodeList) {
    encoder.text(list.name());
    encoder.flag(list.ordered());
    encoder.count(list.len());
    for code in list.codes() {
        encoder.text(code.code());
        encoder.label(code.label());
    }
    encoder.flag(list.missing().is_some());
    encoder.number(list.missing().map_or(0, u64::from));
}

/// The groups and what lies in them, each by the place of its parent from 1 on; nought for what lies in none.
fn encode_groups(encoder: &mut Encoder, list: &CodeList) {
    let above = |node: Node| list.parent(node).map_or(0, |group| u64::from(group) + 1);
    encoder.count(list.groups().len());
    for (group, index) in list.groups().iter().zip(0..) {
        encoder.text(group.code().code());
        encoder.label(group.code().label());
        encoder.number(above(Node::Group(index)));
    }
    list.indices().for_each(|code| encoder.number(above(Node::Code(code))));
}

fn encode_dataset(encoder: &mut Encoder, dataset: &Dataset) {
    encoder.text(dataset.name());
    encoder.label(dataset.label());
    encoder.text(dataset.unit().code());
    encoder.text(dataset.period_variable().map_or("", Variable::name));
    encoder.number(dataset.minimum_frequency());
    encoder.number(dataset.minimum_suppliers());
    encoder.number(dataset.dominance_percent().unwrap_or_default());
    encoder.number(dataset.rounding_base().unwrap_or_default());
    encoder.count(dataset.variables().len());
    for variable in dataset.variables() {
        encoder.text(variable.name());
        encoder.label(variable.label());
        encoder.text(variable.list().name());
        encoder.flag(variable.multiple());
    }
    encoder.count(dataset.measures().len());
    for measure in dataset.measures() {
        encoder.text(measure.name());
        encoder.label(measure.label());
        encoder.text(measure.unit());
        encoder.number(u64::from(measure.decimals()));
        encoder.signed(measure.minimum());
        encoder.signed(measure.maximum());
        encoder.flag(measure.optional());
    }
}
