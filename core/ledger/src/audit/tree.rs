//! Whether entries, tiles and checkpoint belong together: the tree is built again from the entries.

use std::collections::BTreeSet;

use crate::audit::finding::Finding;
use crate::audit::{Files, bytes_of};
use crate::leaf::Leaf;
use crate::proof::TreeHead;
use crate::tiles::{Edge, HASH_BYTES, TILE_WIDTH, TilePath, Tiles, read_bundle};

/// How many altered entries are named singly; beyond it one knows enough.
const MOST_NAMED: usize = 1000;

/// Builds the tree again, hands each entry with its index to `each`, and yields what does not fit.
pub(super) fn rebuild(files: &Files, head: &TreeHead, mut each: impl FnMut(u64, &Leaf)) -> Vec<Finding> {
    let mut rebuilt = Rebuilt::new(files, head);
    let bundles = TilePath::all(head.size()).take_while(|path| path.level().is_none());
    for path in bundles {
        let first = rebuilt.edge.size();
        let leaves = match rebuilt.take(path) {
            Ok(leaves) => leaves,
            Err(finding) => {
                rebuilt.findings.push(finding);
                return rebuilt.findings;
            }
        };
        for (leaf, index) in leaves.iter().zip(first..) {
            each(index, leaf);
        }
    }
    rebuilt.verdict()
}

struct Rebuilt<'a> {
    files: &'a Files,
    head: &'a TreeHead,
    edge: Edge,
    /// The tiles that are not full; the others are told by their width.
    partial: BTreeSet<TilePath>,
    findings: Vec<Finding>,
    differing_tiles: Vec<TilePath>,
    differing_entries: Vec<u64>,
}

impl<'a> Rebuilt<'a> {
    fn new(files: &'a Files, head: &'a TreeHead) -> Self {
        Self {
            files,
            head,
            edge: Edge::new(),
            partial: Edge::paths(head.size()).into_iter().collect(),
            findings: Vec::new(),
            differing_tiles: Vec::new(),
            differing_entries: Vec::new(),
        }
    }

    fn take(&mut self, path: TilePath) -> Result<Vec<Leaf>, Finding> {
        let bundle = bytes_of(self.files, &path.to_string()).ok_or_else(|| Finding::FileMissing(path.to_string()))?;
        let leaves = read_bundle(bundle, path.width()).map_err(|cause| Finding::BundleMalformed(path, cause))?;
        let extension = self.edge.extend(&leaves).map_err(|_| Finding::RootDiffers)?;
        self.compare(&extension.tiles);
        self.edge = extension.edge;
        Ok(leaves)
    }

    /// Holds the tiles of hashes that the entries yield against those of the export.
    fn compare(&mut self, tiles: &Tiles) {
        for (path, yielded) in tiles {
            let complete = u64::from(path.width()) == TILE_WIDTH || self.partial.contains(path);
            let Some(level) = path.level().filter(|_| complete) else { continue };
            match bytes_of(self.files, &path.to_string()) {
                None => self.findings.push(Finding::FileMissing(path.to_string())),
                Some(found) if found == yielded => {}
                Some(found) => {
                    self.differing_tiles.push(*path);
                    if level == 0 {
                        self.name_entries(path.index() * TILE_WIDTH, yielded, found);
                    }
                }
            }
        }
    }

    fn name_entries(&mut self, first: u64, yielded: &[u8], found: &[u8]) {
        let room = MOST_NAMED.saturating_sub(self.differing_entries.len());
        let pairs = yielded.chunks(HASH_BYTES).zip(found.chunks(HASH_BYTES)).zip(first..);
        let differing = pairs.filter(|((ours, theirs), _)| ours != theirs).map(|(_, index)| index);
        self.differing_entries.extend(differing.take(room));
    }

    /// Where entries and tiles disagree, the checkpoint tells which of them was altered.
    fn verdict(mut self) -> Vec<Finding> {
        let entries_fit = self.edge.head().is_ok_and(|head| head == *self.head);
        if entries_fit {
            self.findings.extend(self.differing_tiles.into_iter().map(Finding::TileAltered));
        } else if self.differing_entries.is_empty() {
            self.findings.push(Finding::RootDiffers);
        } else {
            self.findings.extend(self.differing_entries.into_iter().map(Finding::EntryAltered));
        }
        self.findings
    }
}
