//! Published test vectors of the two primitives that everything rests on: Ristretto (RFC 9496, appendix A) and X-Wing
//! (draft-connolly-cfrg-xwing-kem, appendix C), good and bad.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::{RistrettoPoint, Scalar, constants::RISTRETTO_BASEPOINT_POINT};
use sha2::{Digest, Sha256, Sha512};
use x_wing::{DecapsulationKeyRejectNonContrib, Decapsulator, EncapsulationKey, KeyExport, TryDecapsulate};

fn bytes<const N: usize>(hexadecimal: &str) -> [u8; N] {
    hex::decode(hexadecimal).unwrap().try_into().unwrap()
}

/// RFC 9496, A.1: 0·B to 15·B.
const MULTIPLES: [&str; 16] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
    "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
    "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
    "da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57",
    "e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e",
    "f64746d3c92b13050ed8d80236a7f0007c3b3f962f5ba793d19a601ebb1df403",
    "44f53520926ec81fbd5a387845beb7df85a96a24ece18738bdcfa6a7822a176d",
    "903293d8f2287ebe10e2374dc1a53e0bc887e592699f02d077d5263cdd55601c",
    "02622ace8f7303a31cafc63f8fc48fdc16e1c8c8d234b2f0d6685282a9076031",
    "20706fd788b2720a1ed2a5dad4952b01f413bcf0e7564de8cdc816689e2db95f",
    "bce83f8ba5dd2fa572864c24ba1810f9522bc6004afe95877ac73241cafdab42",
    "e4549ee16b9aa03099ca208c67adafcafa4c3f3e4e5303de6026e3ca8ff84460",
    "aa52e000df2e16f55fb1032fc33bc42742dad6bd5a8fc0be0167436c5948501f",
    "46376b80f409b29dc2b5f6f0c52591990896e5716f41477cd30085ab7f10301e",
    "e0c418f7c8d9c4cdd7395b93ea124f3ad99021bb681dfc3302a9d99a2e53e64e",
];

/// RFC 9496, A.2: non-canonical field elements, negative ones, non-squares and the like.
const BAD_ENCODINGS: [&str; 29] = [
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
    "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
    "c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78",
    "47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24",
    "f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72",
    "87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
    "de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b",
    "bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042",
    "2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08",
    "f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22",
    "8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731",
    "2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b",
    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
    "a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220",
    "d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e",
    "8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32",
    "32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b",
    "227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165",
    "5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e",
    "445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// RFC 9496, A.3: labels, of which the SHA-512 goes through the one-way map.
const HASHED: [(&str, &str); 7] = [
    (
        "Ristretto is traditionally a short shot of espresso coffee",
        "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46",
    ),
    (
        "made with the normal amount of ground coffee but extracted with",
        "f26e5b6f7d362d2d2a94c5d0e7602cb4773c95a2e5c31a64f133189fa76ed61b",
    ),
    (
        "about half the amount of water in the same amount of time",
        "006ccd2a9e6867e6a2c5cea83d3302cc9de128dd2a9a57dd8ee7b9d7ffe02826",
    ),
    ("by using a finer grind.", "f8f0c87cf237953c5890aec3998169005dae3eca1fbb04548c635953c817f92a"),
    (
        "This produces a concentrated shot of coffee per volume.",
        "ae81e7dedf20a497e10c304a765c1767a42d6e06029758d2d7e8ef7cc4c41179",
    ),
    (
        "Just pulling a normal shot short will produce a weaker shot",
        "e2705652ff9f5e44d3e841bf1c251cf7dddb77d140870d1ab2ed64f1a9ce8628",
    ),
    ("and is not a Ristretto as some believe.", "80bd07262511cdde4863f8a7434cef696750681cb9510eea557088f76d9e5065"),
];

#[test]
fn ristretto_small_multiples() {
    for (index, encoding) in MULTIPLES.iter().enumerate() {
        let multiple = RISTRETTO_BASEPOINT_POINT * Scalar::from(index as u64);
        assert_eq!(hex::encode(multiple.compress().to_bytes()), *encoding);
        assert_eq!(CompressedRistretto(bytes(encoding)).decompress(), Some(multiple));
    }
}

#[test]
fn ristretto_bad_encodings() {
    for encoding in BAD_ENCODINGS {
        assert_eq!(CompressedRistretto(bytes(encoding)).decompress(), None, "{encoding}");
    }
}

#[test]
fn ristretto_one_way_map() {
    for (label, encoding) in HASHED {
        let point = RistrettoPoint::from_uniform_bytes(&Sha512::digest(label).into());
        assert_eq!(hex::encode(point.compress().to_bytes()), encoding);
    }
}

struct XWing {
    seed: &'static str,
    encapsulation_seed: &'static str,
    secret: &'static str,
    /// SHA-256 of the 1,216 bytes of the public key.
    public_key: &'static str,
    /// SHA-256 of the 1,120 bytes of the ciphertext.
    ciphertext: &'static str,
}

const X_WING: [XWing; 3] = [
    XWing {
        seed: "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
        encapsulation_seed: "3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e2\
                             35b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2",
        secret: "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384",
        public_key: "2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb",
        ciphertext: "17cd532d657e44c897ca6583e548a5424fc70bf54f99515a4d2bcf99e3469f33",
    },
    XWing {
        seed: "badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea",
        encapsulation_seed: "17cda7cfad765f5623474d368ccca8af0007cd9f5e4c849f167a580b14aabdef\
                             aee7eef47cb0fca9767be1fda69419dfb927e9df07348b196691abaeb580b32d",
        secret: "f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150",
        public_key: "c42ba5f8430d7d2c83739338203819f090e8303ce9c8b02107c272bfa5376916",
        ciphertext: "1661ea86d608a1924ba30840cb0a65f13ae051e3aec9cf0f064efc0bc92f2154",
    },
    XWing {
        seed: "ef58538b8d23f87732ea63b02b4fa0f4873360e2841928cd60dd4cee8cc0d4c9",
        encapsulation_seed: "22a96188d032675c8ac850933c7aff1533b94c834adbb69c6115bad4692d8619\
                             f90b0cdf8a7b9c264029ac185b70b83f2801f2f4b3f70c593ea3aeeb613a7f1b",
        secret: "953f7f4e8c5b5049bdc771d1dffada0dd961477d1a2ae0988baa7ea6898d893f",
        public_key: "6b080d6b84f095342092fa7a22423e58bd681397ad0ef00eac92bd254db4fa95",
        ciphertext: "d3ca5578500344b5896cffc4fd740c9311946b82951df155e6fd86a7966b43c6",
    },
];

#[test]
fn x_wing() {
    for vector in X_WING {
        let key = DecapsulationKeyRejectNonContrib::from(bytes::<32>(vector.seed));
        let public = key.encapsulation_key().to_bytes();
        assert_eq!(hex::encode(Sha256::digest(public)), vector.public_key);
        let public = EncapsulationKey::try_from(&public[..]).unwrap();
        let (ciphertext, secret) = public.encapsulate_deterministic(&bytes::<64>(vector.encapsulation_seed).into());
        assert_eq!(hex::encode(Sha256::digest(ciphertext)), vector.ciphertext);
        assert_eq!(hex::encode(secret), vector.secret);
        assert_eq!(key.try_decapsulate(&ciphertext).unwrap(), secret);
        // A changed ciphertext gives another secret (ML-KEM rejects implicitly), and never this one.
        for at in [0, 1087, 1088, 1119] {
            let mut changed = ciphertext;
            changed[at] ^= 1;
            assert!(key.try_decapsulate(&changed).ok() != Some(secret), "byte {at}");
        }
    }
}

#[test]
fn x_wing_bad() {
    let key = DecapsulationKeyRejectNonContrib::from(bytes::<32>(X_WING[0].seed));
    let public = key.encapsulation_key().to_bytes();
    // Coefficients beyond the modulus of ML-KEM (FIPS 203, section 7.2).
    let mut beyond = public;
    beyond[..3].fill(0xff);
    assert!(EncapsulationKey::try_from(&beyond[..]).is_err());
    assert!(EncapsulationKey::try_from(&public[..1215]).is_err());
    // An X25519 share of small order contributes nothing (RFC 7748, section 6.1).
    let good = EncapsulationKey::try_from(&public[..]).unwrap();
    let (mut ciphertext, _) = good.encapsulate_deterministic(&bytes::<64>(X_WING[0].encapsulation_seed).into());
    ciphertext[1088..].fill(0);
    assert!(key.try_decapsulate(&ciphertext).is_err());
}
