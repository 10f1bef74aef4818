//! How much of anything is taken from the other side.

use std::time::Duration;

/// The longest message that is taken from the coordinator, in bytes. The largest is Pair, with the cards of all
/// participants: those of the most suppliers there may be fit.
pub const MESSAGE_BYTES: usize = 16 * 1024 * 1024;
/// The longest message that is taken from a node, in bytes. The largest are Hello, with the longest agreement, and the
/// encapsulations for all of the most suppliers there may be, of 1.3 KB each.
pub const NODE_MESSAGE_BYTES: usize = 6 * 1024 * 1024;
/// The longest message with a part of a table, in bytes: its words, and what is said of them.
pub const PART_MESSAGE_BYTES: usize = PART_WORDS * 8 + 1024;
/// The longest message that is taken from an analyst, in bytes: the longest document, with the longest entry or the names of
/// all of the most suppliers there may be.
pub const QUESTION_BYTES: usize = DOCUMENT_BYTES + 256 * 1024;
/// The longest message in which only names are said, in bytes.
pub const NAMES_BYTES: usize = 16 * 1024;
/// The most texts, byte strings and messages within one message that is taken from a node or an analyst. Two bytes on the
/// wire can become a hundred in memory, so that bytes alone bound little: with this, a message takes at most some 15 MB
/// more than it is long. The most of honest ones are in a submission among the most suppliers there may be: 45,000.
pub const PARTS: usize = 1 << 16;
/// The most calls on one connection. A node has its Attend and a table for each query that is between Pair and Certify;
/// each call costs some 15 KB before it has said anything.
pub const STREAMS: u32 = 32;
/// The most connections of one node: the one that attends, some that have broken unnoticed, and `optelsom-node check`.
pub const NODE_CONNECTIONS: usize = 8;
/// The most connections of one analyst, operator or auditor: `optelsom query` has one each until the query has ended.
pub const CONNECTIONS: usize = 64;
/// The most words of 8 bytes in one part of a table.
pub const PART_WORDS: usize = 16 * 1024;
/// The longest query document, in bytes.
pub const DOCUMENT_BYTES: usize = 1024 * 1024;
/// The longest canonical entry, in bytes: what one leaf of the log holds.
pub const ENTRY_BYTES: usize = 65_535;
/// The longest agreement, in bytes; so it is for every document beside the log.
pub const AGREEMENT_BYTES: usize = optelsom_codebook::MAX_TEXT_BYTES;
/// The longest text of other kinds, in bytes.
pub const TEXT_BYTES: usize = 4096;
/// The most suppliers in any list.
pub const SUPPLIERS: usize = 4096;
/// The most columns of a table.
pub const COLUMNS: usize = 1024;
/// The most datasets, variables, measures or editions in a node's holdings.
pub const HOLDINGS: usize = 4096;
/// The most unfinished queries that a node names.
pub const UNFINISHED: usize = 10_000;
/// The longest encrypted share, in bytes.
pub const SEALED_BYTES: usize = 256;
/// Bytes of a release in one event.
pub const RELEASE_PART_BYTES: usize = 256 * 1024;
/// How far a node's clock may be off the coordinator's, in milliseconds: five minutes.
pub const CLOCK_TOLERANCE_MS: u64 = 5 * 60 * 1000;
/// The longest signed note, in bytes: a checkpoint with 16 signatures by keys of long names.
pub const NOTE_BYTES: usize = 16 * 1024;
/// The most entries of the log in one message.
pub const LEAVES: usize = 1 << 20;
/// Handshakes that go on at once. One costs some tens of kilobytes and a file descriptor, of which a process has 1,024 by
/// default; what it costs in time is over in milliseconds, so that many nodes may come at once and soon all be in.
pub const HANDSHAKES: usize = 128;
/// How long a handshake may take when others wait. Two turns of the slowest line take less.
pub const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(1);
/// How long a handshake may take at all.
pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Connections at once to what everybody may read.
pub const PUBLIC_CONNECTIONS: usize = 128;
/// How long one of them may last when others wait: a tile is read in less.
pub const PUBLIC_PATIENCE: Duration = Duration::from_secs(10);
/// Connections at once to the health pages.
pub const HEALTH_CONNECTIONS: usize = 32;
/// How long one of them may last when others wait.
pub const HEALTH_PATIENCE: Duration = Duration::from_secs(5);
/// How long somebody may take to say what it wants to read, the time between two such wishes included.
pub const HEADER_LIMIT: Duration = Duration::from_secs(10);
