//! Code lists: the values that a variable can take, and the groups in which they lie.

use std::collections::BTreeMap;

use crate::code_set::CodeSet;
use crate::label::Label;

/// A code's position in its list. Editions store these.
pub type CodeIndex = u16;

/// A group's position in its list.
pub type GroupIndex = u16;

/// The most codes that one list may hold, groups included, so that every position fits a [`CodeIndex`].
pub const MAX_CODES: usize = 60_000;
/// The most levels of a hierarchy: groups within groups, and the codes themselves.
pub const MAX_LEVELS: u8 = 8;

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

/// Codes that are counted together, such as the countries of a region. It has a code of its own, which no record carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    code: Code,
    parent: Option<GroupIndex>,
    level: u8,
    codes: CodeSet,
}

impl Group {
    /// Its own code and label.
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// The group that it lies in.
    pub fn parent(&self) -> Option<GroupIndex> {
        self.parent
    }

    /// 1 for the coarsest groups, 2 for those directly within them, and so on.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// All codes within it, those of groups within it included; never empty.
    pub fn codes(&self) -> &CodeSet {
        &self.codes
    }
}

/// What stands at one place of a list: a value, or a group of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// A code that records carry.
    Code(CodeIndex),
    /// A group of such codes.
    Group(GroupIndex),
}

/// A list of codes, never empty, each code once; some of them may lie in groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeList {
    name: String,
    ordered: bool,
    codes: Vec<Code>,
    missing: Option<CodeIndex>,
    /// Coarser ones before those within them, and otherwise in the order of their first codes.
    groups: Vec<Group>,
    /// For each code the group that it lies in directly.
    parents: Vec<Option<GroupIndex>>,
    positions: BTreeMap<String, Node>,
}

/// One entry of a list as it was written: a code, and the code of the group that it lies in.
pub(crate) struct Entry {
    pub(crate) code: Code,
    pub(crate) parent: Option<String>,
}

impl CodeList {
    /// An entry that is another's parent is a group, every other one a code that records carry.
    ///
    /// `None` unless there are 1 to [`MAX_CODES`] entries, all different; `missing` is among those that are no groups;
    /// and each parent is an entry, at most [`MAX_LEVELS`] deep, without a cycle.
    pub(crate) fn new(name: String, ordered: bool, entries: Vec<Entry>, missing: Option<&str>) -> Option<Self> {
        if entries.is_empty() || entries.len() > MAX_CODES {
            return None;
        }
        let (groups, parents) = Tree::new(&entries)?.into_groups();
        let positions = BTreeMap::new();
        let mut list = Self { name, ordered, codes: Vec::new(), missing: None, groups, parents, positions };
        let groups = list.groups.iter().zip(0..).map(|(group, at)| (group.code.code.clone(), Node::Group(at)));
        list.positions = groups.collect();
        for entry in entries {
            if !list.positions.contains_key(&entry.code.code) {
                let at = CodeIndex::try_from(list.codes.len()).ok()?;
                list.positions.insert(entry.code.code.clone(), Node::Code(at));
                list.codes.push(entry.code);
            }
        }
        list.missing = match missing.map(|code| list.index_of(code)) {
            Some(None) => return None,
            found => found.flatten(),
        };
        Some(list)
    }

    /// The list's name in the codebook.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the order of the codes means something, so that `BETWEEN` may be asked.
    pub fn ordered(&self) -> bool {
        self.ordered
    }

    /// The codes that records carry, in the order of the codebook.
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// How many codes; at least 1, at most [`MAX_CODES`]. Groups are not counted.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// The code that stands for "not known", if the list has one. It lies in no group.
    pub fn missing(&self) -> Option<CodeIndex> {
        self.missing
    }

    /// The code at this position.
    pub fn code(&self, index: CodeIndex) -> Option<&Code> {
        self.codes.get(usize::from(index))
    }

    /// The position of this code, written exactly so. `None` for groups.
    pub fn index_of(&self, code: &str) -> Option<CodeIndex> {
        match self.find(code)? {
            Node::Code(index) => Some(index),
            Node::Group(_) => None,
        }
    }

    /// The code or group that is written exactly so.
    pub fn find(&self, code: &str) -> Option<Node> {
        self.positions.get(code).copied()
    }

    /// Every position in order.
    pub fn indices(&self) -> impl Iterator<Item = CodeIndex> + '_ {
        self.codes.iter().zip(0..).map(|(_, index)| index)
    }

    /// The groups, each after the one that it lies in; none in most lists.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// How many levels there are: 1 without groups, at most [`MAX_LEVELS`].
    pub fn levels(&self) -> u8 {
        self.indices().map(|code| self.level(Node::Code(code))).max().unwrap_or(1)
    }

    /// On which level a code or group stands; 1 is the coarsest.
    pub fn level(&self, node: Node) -> u8 {
        match node {
            Node::Group(group) => self.group(group).map_or(1, Group::level),
            Node::Code(_) => self.parent(node).and_then(|group| self.group(group)).map_or(1, |group| group.level + 1),
        }
    }

    /// The group at this position.
    pub fn group(&self, index: GroupIndex) -> Option<&Group> {
        self.groups.get(usize::from(index))
    }

    /// The group that a code or group lies in directly.
    pub fn parent(&self, node: Node) -> Option<GroupIndex> {
        match node {
            Node::Code(code) => self.parents.get(usize::from(code)).copied().flatten(),
            Node::Group(group) => self.group(group)?.parent,
        }
    }

    /// The codes that a node stands for: itself, or all within it.
    pub fn codes_of(&self, node: Node) -> CodeSet {
        let mut codes = CodeSet::empty(self.len());
        match node {
            Node::Code(code) => codes.insert(code),
            Node::Group(group) => codes = self.group(group).map_or(codes, |group| group.codes.clone()),
        }
        codes
    }

    /// Those of the codes that a node stands for that are in a set.
    pub(crate) fn codes_among(&self, node: Node, set: &CodeSet) -> Vec<CodeIndex> {
        match node {
            // Lists are long and a code is one: no set is made of it.
            Node::Code(code) => Some(code).filter(|code| set.contains(*code)).into_iter().collect(),
            Node::Group(_) => self.codes_of(node).intersection(set).iter().collect(),
        }
    }

    /// The code and label of a node.
    pub fn entry(&self, node: Node) -> Option<&Code> {
        match node {
            Node::Code(code) => self.code(code),
            Node::Group(group) => self.group(group).map(Group::code),
        }
    }

    /// All codes and groups, each group right before what lies in it. Neighbours stand in the order of their first codes.
    pub fn tree(&self) -> Vec<Node> {
        let groups = self.groups.iter().zip(0..).map(|(group, at)| (group.parent, first(group), Node::Group(at)));
        let codes = self.indices().map(|code| (self.parent(Node::Code(code)), Some(code), Node::Code(code)));
        let mut below: BTreeMap<Option<GroupIndex>, Vec<(Option<CodeIndex>, Node)>> = BTreeMap::new();
        for (parent, first, node) in groups.chain(codes) {
            below.entry(parent).or_default().push((first, node));
        }
        let mut open: Vec<Node> = Vec::new();
        let mut found = Vec::new();
        let mut enter = |parent: Option<GroupIndex>, open: &mut Vec<Node>| {
            let mut children = below.remove(&parent).unwrap_or_default();
            children.sort_unstable();
            open.extend(children.into_iter().rev().map(|(_, node)| node));
        };
        enter(None, &mut open);
        while let Some(node) = open.pop() {
            found.push(node);
            if let Node::Group(group) = node {
                enter(Some(group), &mut open);
            }
        }
        found
    }
}

fn first(group: &Group) -> Option<CodeIndex> {
    group.codes.iter().next()
}

/// Which entries lie in which, by their place in the list as it was written.
struct Tree<'e> {
    entries: &'e [Entry],
    /// For each entry the groups that it lies in, the nearest first.
    above: Vec<Vec<usize>>,
    is_group: Vec<bool>,
}

impl<'e> Tree<'e> {
    fn new(entries: &'e [Entry]) -> Option<Self> {
        let places: BTreeMap<&str, usize> =
            entries.iter().enumerate().map(|(at, entry)| (entry.code.code(), at)).collect();
        if places.len() != entries.len() {
            return None;
        }
        let mut parents = Vec::with_capacity(entries.len());
        let mut is_group = vec![false; entries.len()];
        for entry in entries {
            let parent = match &entry.parent {
                Some(parent) => Some(*places.get(parent.as_str())?),
                None => None,
            };
            if let Some(slot) = parent.and_then(|parent| is_group.get_mut(parent)) {
                *slot = true;
            }
            parents.push(parent);
        }
        let above = (0..entries.len()).map(|at| {
            let up = |at: &usize| parents.get(*at).copied().flatten();
            let chain: Vec<usize> = std::iter::successors(up(&at), up).take(usize::from(MAX_LEVELS)).collect();
            (chain.len() < usize::from(MAX_LEVELS)).then_some(chain)
        });
        let above = above.collect::<Option<_>>()?;
        Some(Self { entries, above, is_group })
    }

    /// The groups, and for each code the group that it lies in, both in the order in which the list keeps them.
    fn into_groups(self) -> (Vec<Group>, Vec<Option<GroupIndex>>) {
        let leaves = || self.is_group.iter().enumerate().filter(|(_, is_group)| !**is_group).map(|(at, _)| at);
        let above = |at: usize| self.above.get(at).map_or(&[][..], Vec::as_slice);
        let mut places: Vec<Option<GroupIndex>> = vec![None; self.entries.len()];
        let place_of = |places: &[Option<GroupIndex>], at: Option<&usize>| places.get(*at?).copied().flatten();
        let none = CodeSet::empty(leaves().count());
        let mut groups: Vec<Group> = Vec::new();
        let mut parents = Vec::new();
        for (leaf, index) in leaves().zip(0..) {
            for &at in above(leaf).iter().rev() {
                if place_of(&places, Some(&at)).is_none()
                    && let (Some(entry), Some(place)) = (self.entries.get(at), places.get_mut(at))
                {
                    *place = GroupIndex::try_from(groups.len()).ok();
                    let level = u8::try_from(above(at).len()).unwrap_or(MAX_LEVELS) + 1;
                    let parent = place_of(&places, above(at).first());
                    groups.push(Group { code: entry.code.clone(), parent, level, codes: none.clone() });
                }
                let place = place_of(&places, Some(&at)).map(usize::from);
                if let Some(group) = place.and_then(|place| groups.get_mut(place)) {
                    group.codes.insert(index);
                }
            }
            parents.push(place_of(&places, above(leaf).first()));
        }
        (groups, parents)
    }
}
