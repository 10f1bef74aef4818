//! How messages are taken in: only once it is sure that they do not become many times as long in memory.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstEncoder};

use crate::limits::PARTS;
use crate::v1::*;

/// What the parts of a message can be counted by.
#[derive(Debug)]
pub struct Shape {
    /// Whether it is what somebody asks with, and so is counted.
    asked: bool,
    /// The numbers of the fields that are messages themselves.
    within: &'static [(u32, &'static Shape)],
}

/// A message whose parts can be counted.
pub trait Shaped {
    /// By what.
    const SHAPE: &'static Shape;
}

include!(concat!(env!("OUT_DIR"), "/shapes.rs"));

impl Shape {
    /// How many texts, byte strings and messages are in a message of this shape, as far as it can be read: what cannot, is
    /// refused when it is taken in.
    fn parts(&self, mut bytes: &[u8]) -> usize {
        let mut parts = 0;
        while let Some((field, part)) = next_field(&mut bytes) {
            let Some(part) = part else { continue };
            let within = self.within.iter().find(|(number, _)| *number == field);
            parts += 1 + within.map_or(0, |(_, shape)| shape.parts(part));
        }
        parts
    }
}

/// The number of the next field, with its bytes where it has a length. With the functions by which it is taken in, so that
/// nothing can be read in two ways.
fn next_field<'a>(bytes: &mut &'a [u8]) -> Option<(u32, Option<&'a [u8]>)> {
    if bytes.is_empty() {
        return None;
    }
    let (field, kind) = decode_key(bytes).ok()?;
    if kind != WireType::LengthDelimited {
        skip_field(kind, field, bytes, DecodeContext::default()).ok()?;
        return Some((field, None));
    }
    let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
    let (part, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some((field, Some(part)))
}

/// The codec of all conversations: protobuf, of which what somebody asks with is counted first.
#[derive(Debug)]
pub struct Counting<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Counting<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for Counting<T, U>
where
    T: Message + Send + 'static,
    U: Message + Shaped + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = CountingDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        CountingDecoder(PhantomData)
    }
}

/// Takes in messages of one kind.
#[derive(Debug)]
pub struct CountingDecoder<U>(PhantomData<U>);

impl<U: Message + Shaped + Default> Decoder for CountingDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // The message lies in one piece: that is what it was awaited for.
        if U::SHAPE.asked && U::SHAPE.parts(buffer.chunk()) > PARTS {
            return Err(Status::out_of_range(format!("malformed message: it has more than {PARTS} parts")));
        }
        U::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use optelsom_secagg::messages::CIPHERTEXT_BYTES;

    use super::*;
    use crate::limits::*;

    fn parts<M: Message + Shaped>(message: &M) -> usize {
        M::SHAPE.parts(&message.encode_to_vec())
    }

    #[test]
    fn parts_are_counted_at_every_depth() {
        let holding = Holding { dataset: "victims".into(), variables: vec!["sex".into(); 3], ..Holding::default() };
        assert_eq!(parts(&holding), 4);
        let datasets = vec![holding.clone(), Holding::default()];
        let hello = Hello { holdings: Some(Holdings { datasets }), unfinished: vec![vec![1; 32]], ..Hello::default() };
        // The holdings, two in them, what is in the first, and a query.
        assert_eq!(parts(&hello), 1 + 2 + 4 + 1);
        let message = NodeMessage { message: Some(node_message::Message::Hello(hello)) };
        assert_eq!(parts(&message), 9);
        // Bytes are one part, whatever they look like.
        let part = TablePart { words: message.encode_to_vec().into(), ..TablePart::default() };
        assert_eq!(parts(&part), 1);
    }

    #[test]
    fn what_cannot_be_read_is_counted_as_far_as_it_can() {
        let whole = Holdings { datasets: vec![Holding::default(); 3] }.encode_to_vec();
        assert_eq!(Holdings::SHAPE.parts(&whole[..5]), 2);
        // A group is passed over, and does not hide what follows.
        assert_eq!(Holdings::SHAPE.parts(&[&[0x13, 0x14], &whole[..]].concat()), 3);
        assert_eq!(Holdings::SHAPE.parts(&[0xff; 20]), 0);
    }

    #[test]
    fn the_longest_honest_messages_are_taken_in() {
        let all = |part: &dyn Fn(String) -> SupplierDigest| (0..SUPPLIERS).map(|n| part(format!("{n:040}"))).collect();
        let digests: Vec<_> = all(&|supplier| SupplierDigest { supplier, digest: vec![1; 32] });
        let names = || digests.iter().map(|one| one.supplier.clone());
        let column = ColumnHeader { masked_blinding: vec![1; 32], commitment: vec![1; 32] };
        let header = SubmissionHeader {
            columns: vec![column; COLUMNS],
            share_commitments: digests.clone(),
            sealed_shares: digests.clone(),
            ..SubmissionHeader::default()
        };
        let shares = names().map(|to| EncryptedShare { from: to.clone(), to, sealed: vec![1; SEALED_BYTES] }).collect();
        let submission = Submission { attempt: 1, header: Some(header), shares };
        let encapsulation = |to: String| Encapsulation {
            from: to.clone(),
            to,
            ciphertext: vec![1; CIPHERTEXT_BYTES],
            signature: vec![1; 64],
        };
        let encapsulations = Encapsulations { attempt: 1, encapsulations: names().map(encapsulation).collect() };
        let holding = Holding { variables: vec!["a".repeat(40); 100], ..Holding::default() };
        let hello = Hello {
            agreement: "#".repeat(AGREEMENT_BYTES),
            holdings: Some(Holdings { datasets: vec![holding; 50] }),
            unfinished: vec![vec![1; 32]; UNFINISHED],
            ..Hello::default()
        };
        let answer = |answer| node_message::Message::Answer(Answer { query: vec![1; 32], answer: Some(answer) });
        for message in [
            answer(answer::Answer::Submission(submission)),
            answer(answer::Answer::Encapsulations(encapsulations)),
            node_message::Message::Hello(hello),
        ] {
            let message = NodeMessage { message: Some(message) };
            assert!(message.encoded_len() <= NODE_MESSAGE_BYTES && parts(&message) <= PARTS);
        }
        let query = SignedQuery { entry: vec![1; ENTRY_BYTES], signature: vec![1; 64] };
        let ask = AskRequest { query: Some(query), document: vec![1; DOCUMENT_BYTES] };
        assert!(ask.encoded_len() <= QUESTION_BYTES);
        let explain =
            ExplainRequest { document: vec![1; DOCUMENT_BYTES], scope: names().collect(), ..Default::default() };
        assert!(explain.encoded_len() <= QUESTION_BYTES && parts(&explain) <= PARTS);
    }

    #[test]
    fn what_is_asked_with_is_counted_and_nothing_else() {
        assert!(NodeMessage::SHAPE.asked && TablePart::SHAPE.asked && AskRequest::SHAPE.asked);
        assert!(!CoordinatorMessage::SHAPE.asked && !LedgerUpdate::SHAPE.asked);
    }
}
