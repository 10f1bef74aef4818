//! By linear algebra, and by brute force over all groups: can any combination of totals give somebody away?

/// Rows of numbers modulo a prime far above every determinant that so few suppliers can have.
const PRIME: u64 = (1 << 61) - 1;

fn times(a: u64, b: u64) -> u64 {
    u64::try_from(u128::from(a) * u128::from(b) % u128::from(PRIME)).unwrap()
}

fn inverse(a: u64) -> u64 {
    let (mut result, mut base, mut exponent) = (1, a, PRIME - 2);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = times(result, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    result
}

fn rank(mut rows: Vec<Vec<u64>>) -> usize {
    let columns = rows.first().map_or(0, Vec::len);
    let mut rank = 0;
    for column in 0..columns {
        let Some(pivot) = (rank..rows.len()).find(|row| rows[*row][column] != 0) else { continue };
        rows.swap(rank, pivot);
        let scale = inverse(rows[rank][column]);
        let pivot: Vec<u64> = rows[rank].iter().map(|value| times(*value, scale)).collect();
        for row in rows.iter_mut().skip(rank + 1) {
            let factor = PRIME - row[column];
            for (value, pivot) in row.iter_mut().zip(&pivot) {
                *value = (*value + times(factor % PRIME, *pivot)) % PRIME;
            }
        }
        rank += 1;
    }
    rank
}

/// Whether some combination of the totals is about one to c+1 suppliers without a waiver: there are such a group W and a
/// combination that vanishes on all others without a waiver but not on W.
pub fn isolates(sets: &[u32], suppliers: usize, waived: u32, collusion: usize) -> bool {
    let honest: Vec<usize> = (0..suppliers).filter(|n| waived >> n & 1 == 0).collect();
    let restricted = |columns: &[usize]| {
        let row = |set: &u32| columns.iter().map(|n| u64::from(set >> n & 1)).collect::<Vec<u64>>();
        rank(sets.iter().map(row).collect())
    };
    let whole = restricted(&honest);
    (1_u32..1 << honest.len()).filter(|group| (group.count_ones() as usize) < collusion + 2).any(|group| {
        let others: Vec<usize> =
            honest.iter().enumerate().filter(|(n, _)| group >> n & 1 == 0).map(|(_, supplier)| *supplier).collect();
        whole > restricted(&others)
    })
}
