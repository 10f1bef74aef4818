//! The bytes of a proof: one encoding, strictly read, whatever comes.

use curve25519_dalek::Scalar;

use super::*;

const PRIME: [u8; 32] = field(0xed);

const fn field(lowest: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = lowest;
    bytes[31] = 0x7f;
    bytes
}

/// Encodings that RFC 9496 refuses: p in place of 0, p + 1 in place of 1, all ones, the top bit set, 1 (which is odd, so
/// negative), and a value that is no square.
pub(super) const NO_POINTS: [[u8; 32]; 6] = [PRIME, field(0xee), [0xff; 32], top(), small(1), small(26)];

const fn small(value: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = value;
    bytes
}

const fn top() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[31] = 0x80;
    bytes
}

/// ℓ = 2^252 + 27742317777372353535851937790883648493, lowest byte first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The same scalar once more, not in its one encoding.
fn plus_order(scalar: &Scalar) -> [u8; 32] {
    let mut carry = 0_u16;
    let mut bytes = scalar.to_bytes();
    for (byte, order) in bytes.iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    bytes
}

/// The bytes with those at this place replaced.
fn with(bytes: &[u8], at: usize, by: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at..at + by.len()].copy_from_slice(by);
    changed
}

#[test]
fn the_layout_byte_for_byte() {
    let (world, claims) = table();
    let proof = world.prove(&world.statement(0, &claims)).unwrap();
    let [few, rounded] = proof.memberships.each_ref().map(|membership| membership.as_ref().unwrap());
    let points = |membership: &super::super::proof::Membership| -> Vec<u8> {
        membership.coefficients.iter().flat_map(|point| *point.as_bytes()).collect()
    };
    let responses: Vec<u8> = proof.responses.iter().flat_map(|response| response.to_bytes()).collect();
    let expected: &[&[u8]] = &[
        b"\0\0\0\x0aoptelsom/1",
        b"\0\0\0\x0drelease proof",
        b"\0\0\0\x20",
        proof.announcement.as_bytes(),
        b"\0\0\0\x80",
        &points(few),
        b"\0\0\0\x20",
        few.blinding.as_bytes(),
        b"\0\0\0\x80",
        &points(rounded),
        b"\0\0\0\x20",
        rounded.blinding.as_bytes(),
        b"\0\0\0\x20",
        proof.blinding.as_bytes(),
        b"\0\0\0\xc0",
        &responses,
    ];
    assert_eq!(proof.to_bytes(), expected.concat());
}

#[test]
fn every_bit_counts() {
    let (world, claims) = table();
    let statement = world.statement(0, &claims);
    let mut bytes = world.prove(&statement).unwrap().to_bytes();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        let refused = ReleaseProof::from_bytes(&bytes).map_or(true, |proof| world.verify(&statement, &proof).is_err());
        assert!(refused, "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(ReleaseProof::from_bytes(&bytes).is_ok());
}

#[test]
fn cut_or_lengthened() {
    let (world, claims) = table();
    let bytes = world.prove(&world.statement(0, &claims)).unwrap().to_bytes();
    for end in 0..bytes.len() {
        assert!(matches!(ReleaseProof::from_bytes(&bytes[..end]), Err(DecodeError::Layout(_))), "{end}");
    }
    for more in [&[0][..], &[0; 4], &[0; 32], &bytes[..]] {
        assert!(matches!(ReleaseProof::from_bytes(&[&bytes[..], more].concat()), Err(DecodeError::Layout(_))));
    }
}

#[test]
fn points_that_are_none_the_identity_and_scalars_in_other_encodings() {
    let (world, claims) = table();
    let proof = world.prove(&world.statement(0, &claims)).unwrap();
    let bytes = proof.to_bytes();
    // Where the announcement, the first coefficient, its blinding, the blinding and the first response stand.
    let (announcement, coefficient) = (14 + 17 + 4, 14 + 17 + 4 + 32 + 4);
    let (of_few, blinding, response) = (coefficient + 128 + 4, bytes.len() - 192 - 4 - 32, bytes.len() - 192);
    assert_eq!(bytes[announcement..announcement + 32], proof.announcement.as_bytes()[..]);
    for bad in NO_POINTS.iter().chain(&[[0; 32]]) {
        let refused = ReleaseProof::from_bytes(&with(&bytes, announcement, bad)).unwrap_err();
        assert_eq!(refused, DecodeError::Point("an announcement"), "{bad:?}");
        let refused = ReleaseProof::from_bytes(&with(&bytes, coefficient, bad)).unwrap_err();
        assert_eq!(refused, DecodeError::Point("a coefficient"));
    }
    let few = proof.memberships[0].as_ref().unwrap().blinding;
    for (at, scalar, what) in [
        (of_few, few, "a blinding"),
        (blinding, proof.blinding, "a blinding"),
        (response, proof.responses[0], "a response"),
    ] {
        assert_eq!(bytes[at..at + 32], scalar.to_bytes());
        assert_eq!(Scalar::from_bytes_mod_order(plus_order(&scalar)), scalar);
        for bad in [plus_order(&scalar), ORDER, [0xff; 32]] {
            let refused = ReleaseProof::from_bytes(&with(&bytes, at, &bad)).unwrap_err();
            assert_eq!(refused, DecodeError::Scalar(what));
        }
    }
}

#[test]
fn sizes_that_lie_are_refused_before_anything_is_made_of_them() {
    let writer = || optelsom_ledger::canonical::Writer::new("release proof").bytes(&table_announcement());
    let refused = |bytes: Vec<u8>| ReleaseProof::from_bytes(&bytes).unwrap_err();
    // A field that claims four gigabytes.
    assert!(matches!(refused([&writer().finish()[..], &[0xff; 4]].concat()), DecodeError::Layout(_)));
    assert_eq!(refused(writer().bytes(&vec![0; 32 * (MOST_VALUES + 1)]).finish()), DecodeError::TooLarge);
    assert!(matches!(refused(writer().bytes(&[0; 33]).finish()), DecodeError::Layout(_)));
    // A blinding without coefficients.
    assert!(matches!(refused(writer().bytes(&[]).bytes(&[0; 32]).finish()), DecodeError::Layout(_)));
    assert_eq!(refused(vec![0; MOST_BYTES + 1]), DecodeError::TooLarge);
}

fn table_announcement() -> [u8; 32] {
    let (world, claims) = table();
    *world.prove(&world.statement(0, &claims)).unwrap().announcement.as_bytes()
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ReleaseProof::from_bytes(&bytes);
    }

    #[test]
    fn damaged_proofs_are_refused_without_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>(),
    ) {
        let world = World::new(vec![vec![3, 7]]);
        let statement = world.statement(0, &[CellClaim::TooFew, CellClaim::Shown(7)]);
        let good = world.prove(&statement).unwrap().to_bytes();
        let mut bytes = good.clone();
        for (at, by) in changes {
            bytes[at.index(good.len())] = by;
        }
        bytes.truncate(bytes.len() - cut.index(3));
        if let Ok(read) = ReleaseProof::from_bytes(&bytes) {
            prop_assert_eq!(world.verify(&statement, &read).is_ok(), bytes == good);
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }
}
