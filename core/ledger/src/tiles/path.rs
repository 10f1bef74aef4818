//! Where a tile lies: `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`, N in groups of three digits of which all
//! but the last begin with `x` (C2SP tlog-tiles).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::proof::MAX_TREE_SIZE;
use crate::tiles::{TILE_HEIGHT, TILE_WIDTH};

/// Which tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    /// `None` is an entry bundle; tiles of hashes have a level from 0.
    level: Option<u8>,
    index: u64,
    width: u16,
}

/// A text that is no tile's path.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not the path of a tile, such as tile/0/x001/067 or tile/entries/000.p/5")]
pub struct PathError(String);

impl TilePath {
    /// The highest level of any tile: fewer than 2^48 entries fill six levels at most.
    const MAX_LEVEL: u8 = 5;

    pub(crate) fn hashes(level: u8, index: u64, width: u64) -> Option<Self> {
        (level <= Self::MAX_LEVEL).then_some(())?;
        Self::checked(Some(level), index, width)
    }

    pub(crate) fn entries(index: u64, width: u64) -> Option<Self> {
        Self::checked(None, index, width)
    }

    fn checked(level: Option<u8>, index: u64, width: u64) -> Option<Self> {
        let last = MAX_TREE_SIZE >> (TILE_HEIGHT * (1 + level.unwrap_or(0)));
        let width = u16::try_from(width).ok().filter(|width| (1..=256).contains(width))?;
        (index <= last).then_some(Self { level, index, width })
    }

    /// The level of a tile of hashes; none for an entry bundle.
    pub fn level(&self) -> Option<u8> {
        self.level
    }

    /// Its place within the level, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it has, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// All tiles of a log of this size, each at its full width there: what a complete export holds.
    pub fn all(size: u64) -> impl Iterator<Item = Self> {
        let bundles = Self::row(None, size);
        let levels = (0..=Self::MAX_LEVEL).flat_map(move |level| Self::row(Some(level), size >> (TILE_HEIGHT * level)));
        bundles.chain(levels)
    }

    fn row(level: Option<u8>, hashes: u64) -> impl Iterator<Item = Self> {
        let full = (0..hashes / TILE_WIDTH).map(move |index| (index, TILE_WIDTH));
        let partial = (!hashes.is_multiple_of(TILE_WIDTH)).then_some((hashes / TILE_WIDTH, hashes % TILE_WIDTH));
        full.chain(partial).filter_map(move |(index, width)| Self::checked(level, index, width))
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(formatter, "tile/{level}/")?,
            None => formatter.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        while let Some(group) = groups.pop() {
            match groups.is_empty() {
                true => write!(formatter, "{group:03}")?,
                false => write!(formatter, "x{group:03}/")?,
            }
        }
        if u64::from(self.width) == TILE_WIDTH { Ok(()) } else { write!(formatter, ".p/{}", self.width) }
    }
}

impl FromStr for TilePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let refused = || PathError(text.chars().take(80).collect());
        let parsed = parse(text).ok_or_else(refused)?;
        // One tile has one path: leading zeros, `+` and the like would give it others.
        if parsed.to_string() == text { Ok(parsed) } else { Err(refused()) }
    }
}

fn parse(text: &str) -> Option<TilePath> {
    if text.len() > 80 {
        return None;
    }
    let (level, rest) = text.strip_prefix("tile/")?.split_once('/')?;
    let level = if level == "entries" { None } else { Some(level.parse::<u8>().ok()?) };
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => (number, width.parse::<u64>().ok().filter(|width| *width < TILE_WIDTH)?),
        None => (rest, TILE_WIDTH),
    };
    let mut index = 0_u64;
    for group in number.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        index = index.checked_mul(1000)?.checked_add(digits.parse::<u64>().ok().filter(|group| *group < 1000)?)?;
    }
    match level {
        Some(level) => TilePath::hashes(level, index, width),
        None => TilePath::entries(index, width),
    }
}
