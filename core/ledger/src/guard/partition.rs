//! Into which parts a number of sets cuts the suppliers: two are in one part when no set has one of them without the
//! other.

/// A supplier, by its place in the history's list.
pub(super) type Place = u32;

/// The part that lies outside all sets so far.
const OUTSIDE: usize = 0;

/// The parts so far. Each further set can only cut them up, so a part that is too small stays too small.
pub(super) struct Partition<'a> {
    waived: &'a dyn Fn(Place) -> bool,
    least: usize,
    part_of: Vec<usize>,
    /// Of each part, how many members have not waived.
    unwaived: Vec<usize>,
}

/// A part that gives away its members.
pub(super) struct TooSmall {
    pub(super) members: Vec<Place>,
    pub(super) unwaived: usize,
}

impl<'a> Partition<'a> {
    /// All suppliers lie outside; parts of the fold must have `least` members without a waiver, or none such.
    pub(super) fn new(suppliers: usize, least: usize, waived: &'a dyn Fn(Place) -> bool) -> Self {
        Self { waived, least, part_of: vec![OUTSIDE; suppliers], unwaived: vec![0] }
    }

    /// Cuts every part by the set, in time proportional to the set's size.
    pub(super) fn cut(&mut self, set: &[Place]) -> Result<(), TooSmall> {
        let mut halves: Vec<(usize, usize)> = Vec::new();
        for place in set {
            let Some(part) = self.part_of.get(*place as usize).copied() else { continue };
            let half = match halves.iter().find(|(whole, _)| *whole == part) {
                Some((_, half)) => *half,
                None => {
                    self.unwaived.push(0);
                    let half = self.unwaived.len() - 1;
                    halves.push((part, half));
                    half
                }
            };
            self.move_to(*place, part, half);
        }
        let mut touched = halves.iter().flat_map(|(whole, half)| [*whole, *half]);
        match touched.find(|part| self.too_small(*part)) {
            Some(part) => Err(TooSmall { members: self.members(part), unwaived: self.count(part) }),
            None => Ok(()),
        }
    }

    fn move_to(&mut self, place: Place, from: usize, to: usize) {
        if let Some(part) = self.part_of.get_mut(place as usize) {
            *part = to;
        }
        if (self.waived)(place) {
            return;
        }
        if let Some(count) = self.unwaived.get_mut(to) {
            *count += 1;
        }
        // Outside nobody is counted, since outside nobody is given away.
        if let Some(count) = self.unwaived.get_mut(from).filter(|_| from != OUTSIDE) {
            *count -= 1;
        }
    }

    fn count(&self, part: usize) -> usize {
        self.unwaived.get(part).copied().unwrap_or(0)
    }

    fn too_small(&self, part: usize) -> bool {
        (1..self.least).contains(&self.count(part))
    }

    fn members(&self, part: usize) -> Vec<Place> {
        (0..).zip(&self.part_of).filter(|(_, other)| **other == part).map(|(place, _)| place).collect()
    }
}
