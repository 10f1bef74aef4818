//! A peer that tables are held against: the hypercube method (Repsilber 1994; GHMITER in τ-ARGUS, `HYPERCUBE` in R's
//! sdcTable), in its plainest form: a cell with too few becomes the corner of a box of hidden cells, the cheapest that
//! there is. It knows nothing of ranges nor of how closely a cell may become known.

/// The counts of a cube of three dimensions with all its margins: along each axis the last place is the total.
pub struct Cube {
    pub lengths: [usize; 3],
    pub counts: Vec<i64>,
}

impl Cube {
    /// Where a cell stands.
    pub fn at(&self, place: [usize; 3]) -> usize {
        (place[0] * self.lengths[1] + place[1]) * self.lengths[2] + place[2]
    }

    fn places(&self) -> impl Iterator<Item = [usize; 3]> + use<> {
        let [a, b, c] = self.lengths;
        (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| [i, j, k])))
    }

    /// How many other cells are hidden for those with fewer than `k`; `None` if one of these has no box.
    pub fn others_hidden(&self, k: i64) -> Option<usize> {
        let few = |count: i64| 0 < count && count < k;
        let mut hidden: Vec<bool> = self.counts.iter().map(|&count| few(count)).collect();
        for place in self.places().filter(|&place| few(self.counts[self.at(place)])) {
            let boxes = self.places().filter(|other| place.iter().zip(other).all(|(one, other)| one != other));
            let priced = boxes.filter_map(|other| Some((self.price(place, other, &hidden)?, other)));
            let (_, opposite) = priced.min()?;
            for corner in corners(place, opposite) {
                hidden[self.at(corner)] = true;
            }
        }
        Some(hidden.iter().zip(&self.counts).filter(|&(&hidden, &count)| hidden && !few(count)).count())
    }

    /// What is hidden anew with the box between two cells: cells first, rows second. None where a corner is empty.
    fn price(&self, one: [usize; 3], other: [usize; 3], hidden: &[bool]) -> Option<(usize, i64)> {
        corners(one, other).into_iter().try_fold((0, 0), |(cells, rows), corner| {
            let at = self.at(corner);
            match self.counts[at] {
                0 => None,
                _ if hidden[at] => Some((cells, rows)),
                count => Some((cells + 1, rows + count)),
            }
        })
    }
}

fn corners(one: [usize; 3], other: [usize; 3]) -> [[usize; 3]; 8] {
    std::array::from_fn(|bits| std::array::from_fn(|axis| if bits >> axis & 1 == 0 { one[axis] } else { other[axis] }))
}
