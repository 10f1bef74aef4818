//! Code lists: the values that a variable can take.

use std::collections::BTreeMap;

use crate::label::Label;

/// A code's position in its list. Editions store these.
pub type CodeIndex = u16;

/// The most codes that one list may hold, so that every position fits a [`CodeIndex`].
pub const MAX_CODES: usize = 60_000;

/// One value that a variable can take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    pub(crate) code: String,
    pub(crate) label: Label,
}

impl Code {
    /// The code itself, as it stands in questions and files. Case matters.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What the code means.
    pub fn label(&self) -> &Label {
        &self.label
    }
}

/// A list of codes, never empty, each code once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeList {
    name: String,
    ordered: bool,
    codes: Vec<Code>,
    missing: Option<CodeIndex>,
    positions: BTreeMap<String, CodeIndex>,
}

impl CodeList {
    /// `None` unless there are 1 to [`MAX_CODES`] codes, all different, with `missing` among them.
    pub(crate) fn new(name: String, ordered: bool, codes: Vec<Code>, missing: Option<&str>) -> Option<Self> {
        if codes.is_empty() || codes.len() > MAX_CODES {
            return None;
        }
        let positions: BTreeMap<String, CodeIndex> =
            codes.iter().zip(0..).map(|(code, index)| (code.code.clone(), index)).collect();
        if positions.len() != codes.len() {
            return None;
        }
        let missing = match missing {
            Some(code) => Some(*positions.get(code)?),
            None => None,
        };
        Some(Self { name, ordered, codes, missing, positions })
    }

    /// The list's name in the codebook.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the order of the codes means something, so that `BETWEEN` may be asked.
    pub fn ordered(&self) -> bool {
        self.ordered
    }

    /// The codes in the order of the codebook.
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// How many codes; at least 1, at most [`MAX_CODES`].
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// The code that stands for "not known", if the list has one.
    pub fn missing(&self) -> Option<CodeIndex> {
        self.missing
    }

    /// The code at this position.
    pub fn code(&self, index: CodeIndex) -> Option<&Code> {
        self.codes.get(usize::from(index))
    }

    /// The position of this code, written exactly so.
    pub fn index_of(&self, code: &str) -> Option<CodeIndex> {
        self.positions.get(code).copied()
    }

    /// Every position in order.
    pub fn indices(&self) -> impl Iterator<Item = CodeIndex> + '_ {
        self.codes.iter().zip(0..).map(|(_, index)| index)
    }
}
