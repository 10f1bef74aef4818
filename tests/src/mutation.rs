//! Breaks good documents in the ways in which bytes from outside are broken.

use crate::dice::Dice;

/// Changes a document a few times at random; `others` lend their pieces.
pub fn mutate(dice: &mut Dice, document: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = document.to_vec();
    for _ in 0..dice.between(1, 4) {
        mutate_once(dice, &mut bytes, others);
    }
    bytes
}

fn mutate_once(dice: &mut Dice, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    let at = dice.below(bytes.len() + 1);
    let end = (at + dice.below(12)).min(bytes.len());
    match dice.below(9) {
        0 => bytes.truncate(at),
        1 => {
            bytes.splice(at..end, std::iter::empty());
        }
        2 => {
            let piece = bytes.get(at..end).unwrap_or_default().to_vec();
            bytes.splice(at..at, piece);
        }
        3 => bytes.insert(at, dice.bytes()[0]),
        4 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        5 => {
            let other = dice.pick(others).cloned().unwrap_or_default();
            let from = dice.below(other.len() + 1);
            let to = (from + dice.below(40)).min(other.len());
            bytes.splice(at..end, other.get(from..to).unwrap_or_default().iter().copied());
        }
        6 => {
            let extremes: [&[u8]; 6] =
                [&[0xff; 4], &[0; 4], &[0x7f, 0xff, 0xff, 0xff], &[0xff; 8], b"-1", b"99999999999999999999"];
            let extreme = dice.pick(&extremes).copied().unwrap_or_default();
            let end = (at + extreme.len()).min(bytes.len());
            bytes.splice(at..end, extreme.iter().copied());
        }
        7 => {
            let signs: [&[u8]; 12] =
                [b"'", b"\"", b"(", b")", b"[", b"]", b"{", b"}", b",", b"\n", b"\xc3\xa9", b"; DROP TABLE x --"];
            bytes.splice(at..at, dice.pick(&signs).copied().unwrap_or_default().iter().copied());
        }
        _ => {
            let open: &[u8] = if dice.permille(500) { b"(" } else { b"NOT " };
            bytes.splice(at..at, open.repeat(dice.below(200)));
        }
    }
}
