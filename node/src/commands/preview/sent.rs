//! What would leave for a question, byte for byte, made without anybody to send it to.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::{IdentityKey, QueryEntry, Roster, RosterError, SignedQuery};
use optelsom_proto::limits::PART_WORDS;
use optelsom_proto::v1;
use optelsom_proto::wire::{answer, table_part};
use optelsom_secagg::mask::MaskError;
use optelsom_secagg::messages::{Attempt, SupplierMessage};
use optelsom_secagg::supplier::{Rehearsal, rehearse};
use optelsom_secagg::{Entropy, Generators, PreparedTable, Question, RestoreError, SupplierConfig};
use prost::Message;
use thiserror::Error;

use super::Preview;
use crate::configuration::Configuration;
use crate::daemon::clock::{now, random};

/// How many of the bytes are shown where not all are.
const SHOWN: usize = 32;

/// Why it cannot be shown what would be sent. The operator's to mend.
#[derive(Debug, Error)]
pub enum SentError {
    /// The roster's file cannot be read.
    #[error("{path}: {cause}; it depends on the suppliers that take part, so the bureau's roster is needed")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The roster has mistakes.
    #[error("{path}: {cause}")]
    Roster {
        /// Which file.
        path: PathBuf,
        /// The first.
        cause: RosterError,
    },
    /// This supplier is not on the roster.
    #[error("supplier `{0}` is not a member of the roster; ask the bureau for the current one")]
    NotOnRoster(SupplierId),
    /// The roster's suppliers cannot be asked together.
    #[error(transparent)]
    Question(#[from] RestoreError),
    /// Noise is drawn when the question is charged to the budget, and for nothing else.
    #[error("a question with noise is not rehearsed: its noise is drawn when it is charged to the privacy budget")]
    Noised,
    /// The system gives no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The cipher cannot be set up.
    #[error(transparent)]
    Mask(#[from] MaskError),
    /// The file for the bytes.
    #[error("{path}: {cause}; the bytes go into a new file, none is replaced")]
    Output {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

/// The roster that the configuration names.
///
/// # Errors
/// When it cannot be read, or has mistakes.
pub(super) fn read_roster(configuration: &Configuration) -> Result<Roster, SentError> {
    let path = configuration.roster();
    let text = std::fs::read_to_string(path).map_err(|cause| SentError::File { path: path.to_owned(), cause })?;
    Roster::parse(&text).map_err(|cause| SentError::Roster { path: path.to_owned(), cause })
}

/// What a supplier would send for a question: the messages as the daemon makes them, each as a gRPC message, which is one
/// byte 0, its length in four bytes, highest first, and the protobuf bytes (`proto/optelsom/v1/node.proto`).
pub struct Sent {
    suppliers: usize,
    cells: usize,
    columns: usize,
    submission: usize,
    parts: usize,
    bytes: Vec<u8>,
}

impl Sent {
    /// The query, the keys and the secrets shared with peers are made up, and thrown away again.
    pub(super) fn rehearse(preview: Preview, supplier: &SupplierId, roster: Roster) -> Result<Self, SentError> {
        if preview.plan.query().epsilon().is_some() {
            return Err(SentError::Noised);
        }
        let Some(member) = roster.member(supplier).cloned() else {
            return Err(SentError::NotOnRoster(supplier.clone()));
        };
        // Not the supplier's own key: what is only shown must not carry its word.
        let nobody = IdentityKey::from_seed(&random()?);
        let roster = Arc::new(roster);
        let question = Question::standing(&roster, made_up(&preview, &roster, &nobody)?)?;
        let config = SupplierConfig::new(member.supplier, nobody, Arc::clone(&roster));
        let (cells, columns) = (preview.table.cells(), preview.table.column_count());
        let table = PreparedTable::new(preview.table, &Generators::with_capacity(0));
        let made = rehearse(&config, &question, &table, &Entropy::new(random()?))?;
        let mut sent =
            Self { suppliers: roster.members().len(), cells, columns, submission: 0, parts: 0, bytes: Vec::new() };
        sent.append(&question.id(), made);
        Ok(sent)
    }

    fn append(&mut self, query: &QueryId, made: Rehearsal) {
        let Rehearsal { header, shares, table } = made;
        let submission = SupplierMessage::Submission { attempt: Attempt::FIRST, header, shares };
        let message = answer(query, &submission).map(v1::node_message::Message::Answer);
        append(&mut self.bytes, &v1::NodeMessage { message });
        self.submission = self.bytes.len();
        for chunk in table.chunks(0, PART_WORDS) {
            append(&mut self.bytes, &table_part(query, &chunk));
            self.parts += 1;
        }
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes all of it into a new file.
    ///
    /// # Errors
    /// When the file exists, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), SentError> {
        let written = std::fs::File::create_new(path).and_then(|mut file| io::Write::write_all(&mut file, &self.bytes));
        written.map_err(|cause| SentError::Output { path: path.to_owned(), cause })
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (suppliers, peers, all) = (self.suppliers, self.suppliers.saturating_sub(1), self.bytes.len());
        let first = hex::encode(self.bytes.get(..SHOWN).unwrap_or(&self.bytes));
        writeln!(f)?;
        writeln!(f, "what would be sent, were the {suppliers} suppliers of the roster asked:")?;
        writeln!(
            f,
            "  submission  {} bytes in 1 message: per column a commitment; {peers} sealed shares",
            self.submission
        )?;
        writeln!(f, "  table       {} bytes in {}", all.saturating_sub(self.submission), messages(self.parts))?;
        writeln!(f, "              {} cells × {} columns × 8 bytes, all of them masked", self.cells, self.columns)?;
        writeln!(f, "  together    {all} bytes, sha256 {}", Hash256::of(&self.bytes))?;
        writeln!(f, "  they begin  {first}")?;
        writeln!(f, "  --bytes prints them, -o FILE writes them: gRPC messages, as they travel within TLS")?;
        writeln!(
            f,
            "masks, keys and the query's name are drawn afresh each time, here too, and thrown away again: a real"
        )?;
        writeln!(
            f,
            "submission has this form and size, and other bytes wherever something is masked, sealed or signed."
        )?;
        writeln!(
            f,
            "No seed is kept, so nobody can take the mask off these bytes again, and neither can this supplier"
        )?;
        writeln!(
            f,
            "besides these a node sends, for one query: that it is ready, or why it refuses; keys for this query"
        )?;
        writeln!(f, "alone; its signatures; at the end a self-mask. None of them is made from what was counted")
    }
}

fn messages(count: usize) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}

fn append(bytes: &mut Vec<u8>, message: &impl Message) {
    let encoded = message.encode_to_vec();
    bytes.push(0);
    // A message is far below 4 GiB: limits::MESSAGE_BYTES holds for each.
    bytes.extend(u32::try_from(encoded.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend(encoded);
}

/// An entry as the coordinator would bring it, of a question that nobody asks.
fn made_up(preview: &Preview, roster: &Roster, nobody: &IdentityKey) -> Result<SignedQuery, SentError> {
    let query = preview.plan.query();
    let dataset = preview.plan.dataset().name().to_owned();
    let entry = QueryEntry {
        query: Hash256::of(&query.canonical_bytes()),
        edition: preview.edition.clone(),
        purpose: preview.purpose.clone(),
        requester: "nobody".to_owned(),
        codebook: query.codebook(),
        roster: roster.hash(),
        disclosure_policy: preview.policy.hash(),
        scope: roster.members().iter().map(|member| member.supplier.clone()).collect(),
        collusion: roster.collusion() as u64,
        min_suppliers: preview.fewest as u64,
        asked_at: now(),
        expires_at: now(),
        nonce: random()?,
        dataset,
    };
    Ok(entry.sign(nobody))
}
