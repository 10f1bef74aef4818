//! A change of what everybody goes by: roster, codebook, a supplier's agreement, disclosure policy, software version.
//!
//! Bytes: `optelsom/1`, `entry/document`, kind (`roster`, `codebook`, `agreement`, `policy`, `software`), the supplier
//! (of an agreement, else empty), SHA-256 of the document as it stands beside the log (32 bytes), the hash by which
//! queries name it (32 bytes), count of predecessors (0 for the first of its kind, else 1) and the predecessor's
//! index, count of signatures (2 for an agreement, else 1) and the signatures (64 bytes each): the coordinator's, then
//! the supplier's.

use optelsom_codebook::{Hash256, SupplierId};

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::entry::Body;
use crate::entry::signing::{SigningError, read_hash, read_signature, signed_bytes, verify_operator};
use crate::identity::{IdentityKey, PublicIdentity, Signature};
use crate::roster::Roster;

/// What kind of document changed. The documents of one subject form a chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Who may answer and ask.
    Roster,
    /// What can be asked.
    Codebook,
    /// What one supplier agreed to.
    Agreement(SupplierId),
    /// By what rules totals are protected, and whether queries need a second person.
    Policy,
    /// The version of the software in use.
    Software,
}

impl Subject {
    fn kind(&self) -> &'static str {
        match self {
            Self::Roster => "roster",
            Self::Codebook => "codebook",
            Self::Agreement(_) => "agreement",
            Self::Policy => "policy",
            Self::Software => "software",
        }
    }

    fn supplier(&self) -> &str {
        match self {
            Self::Agreement(supplier) => supplier.as_str(),
            _ => "",
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError> {
        let kind = reader.text()?;
        let kind_error = reader.wrong("a kind of document");
        let supplier = reader.text()?;
        match (kind, supplier) {
            ("roster", "") => Ok(Self::Roster),
            ("codebook", "") => Ok(Self::Codebook),
            ("policy", "") => Ok(Self::Policy),
            ("software", "") => Ok(Self::Software),
            ("agreement", name) => SupplierId::try_from(name)
                .map(Self::Agreement)
                .map_err(|_| reader.wrong("the name of the supplier that agreed")),
            _ => Err(kind_error),
        }
    }
}

/// Which document, and what it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentChange {
    /// What kind of document.
    pub subject: Subject,
    /// SHA-256 of the document as it stands beside the log.
    pub document: Hash256,
    /// The hash by which queries name it.
    pub named: Hash256,
    /// Index of the entry that it replaces; none for the first of its subject.
    pub predecessor: Option<u64>,
}

impl DocumentChange {
    fn write(&self, writer: Writer) -> Writer {
        let predecessors: Vec<u64> = self.predecessor.into_iter().collect();
        writer
            .text(self.subject.kind())
            .text(self.subject.supplier())
            .bytes(self.document.as_bytes())
            .bytes(self.named.as_bytes())
            .list(&predecessors, |w, index| w.number(*index))
    }

    fn signed(&self) -> Vec<u8> {
        signed_bytes(&self.write(Writer::new(DocumentEntry::STATEMENT)).finish())
    }

    /// Signs the change, as the coordinator or, for an agreement, as the supplier.
    pub fn sign(&self, key: &IdentityKey) -> Signature {
        key.sign(&self.signed())
    }

    /// Whether this is that party's signature on the change.
    pub fn is_signed_by(&self, identity: &PublicIdentity, signature: &Signature) -> bool {
        identity.verify(&self.signed(), signature).is_ok()
    }
}

/// A change with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentEntry {
    change: DocumentChange,
    operator: Signature,
    supplier: Option<Signature>,
}

impl DocumentEntry {
    /// Puts an entry together for everything but an agreement.
    ///
    /// # Errors
    /// For an agreement, which takes [`DocumentEntry::agreement`].
    pub fn new(change: DocumentChange, operator: Signature) -> Result<Self, SigningError> {
        match &change.subject {
            Subject::Agreement(supplier) => {
                Err(SigningError::Supplier { supplier: supplier.clone(), entry: "agreement" })
            }
            _ => Ok(Self { change, operator, supplier: None }),
        }
    }

    /// Puts the entry of a supplier's agreement together; both sign the same bytes, with the supplier in them.
    pub fn agreement(
        supplier: SupplierId,
        document: Hash256,
        named: Hash256,
        predecessor: Option<u64>,
        sign: impl FnOnce(&DocumentChange) -> (Signature, Signature),
    ) -> Self {
        let change = DocumentChange { subject: Subject::Agreement(supplier), document, named, predecessor };
        let (operator, supplier) = sign(&change);
        Self { change, operator, supplier: Some(supplier) }
    }

    /// Which document, and what it follows.
    pub fn change(&self) -> &DocumentChange {
        &self.change
    }

    /// Checks the coordinator's signature and, for an agreement, that of the supplier under the roster in force.
    ///
    /// # Errors
    /// When one does not fit, or the supplier is not on the roster.
    pub fn verify(&self, operator: &PublicIdentity, roster: Option<&Roster>) -> Result<(), SigningError> {
        let body = self.change.write(Writer::new(Self::STATEMENT)).finish();
        verify_operator(operator, self.change.subject.kind(), &body, &self.operator)?;
        let Subject::Agreement(supplier) = &self.change.subject else { return Ok(()) };
        let listed = roster.filter(|roster| roster.member(supplier).is_some());
        let roster = listed.ok_or_else(|| SigningError::NotInScope(supplier.clone()))?;
        let unfit = || SigningError::Supplier { supplier: supplier.clone(), entry: "agreement" };
        if self.is_agreed(roster) { Ok(()) } else { Err(unfit()) }
    }

    /// Whether this is an agreement, signed by the supplier whose it is with its key on this roster.
    pub fn is_agreed(&self, roster: &Roster) -> bool {
        let Subject::Agreement(supplier) = &self.change.subject else { return false };
        match (roster.member(supplier), &self.supplier) {
            (Some(member), Some(signature)) => self.change.is_signed_by(&member.identity, signature),
            _ => false,
        }
    }
}

impl Body for DocumentEntry {
    const STATEMENT: &'static str = "entry/document";

    fn write(&self, writer: Writer) -> Writer {
        let signatures: Vec<Signature> = std::iter::once(self.operator).chain(self.supplier).collect();
        self.change.write(writer).list(&signatures, |w, signature| w.bytes(signature.as_bytes()))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError> {
        let subject = Subject::read(reader)?;
        let document = read_hash(reader)?;
        let named = read_hash(reader)?;
        let predecessor = reader.list(1, Reader::number)?.pop();
        let signatures = reader.list(2, read_signature)?;
        let (operator, supplier) = match (&subject, signatures.as_slice()) {
            (Subject::Agreement(_), [operator, supplier]) => (*operator, Some(*supplier)),
            (Subject::Agreement(_), _) => return Err(reader.wrong("the end of the two signatures of an agreement")),
            (_, [operator]) => (*operator, None),
            _ => return Err(reader.wrong("the end of the coordinator's one signature")),
        };
        Ok(Self { change: DocumentChange { subject, document, named, predecessor }, operator, supplier })
    }
}
