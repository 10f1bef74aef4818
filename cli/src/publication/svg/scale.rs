//! From numbers to places in a picture.

use optelsom_codebook::Lang;

use crate::publication::chart::{Place, Series};
use crate::words::grouped;

/// A linear scale that has nought on it, with round numbers along it.
pub struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    /// A scale for all that stands in these series, with about so many steps.
    pub fn new(series: &[Series], steps: u32) -> Self {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for mark in series.iter().flat_map(|series| &series.marks) {
            let ends = match mark.place {
                Place::At(value) => [Some(value), None],
                Place::Within(lower, upper) => [lower, upper],
                Place::Around(_, lower, upper) => [Some(lower), Some(upper)],
                Place::Hidden | Place::Missing => [None, None],
            };
            for end in ends.into_iter().flatten() {
                low = low.min(end);
                high = high.max(end);
            }
        }
        if high - low < f64::MIN_POSITIVE {
            high = 1.0;
        }
        let step = round_step((high - low) / f64::from(steps.max(1)));
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// The part of the way from the lowest to the highest end; ends that are open are at the scale's own.
    pub fn part(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// The lowest end.
    pub fn low(&self) -> f64 {
        self.low
    }

    /// The highest end.
    pub fn high(&self) -> f64 {
        self.high
    }

    /// Round numbers with their text, ascending.
    pub fn ticks(&self, lang: Lang) -> Vec<(f64, String)> {
        let decimals = (0..=12).find(|&decimals| {
            let scaled = self.step * 10_f64.powi(decimals);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        });
        let places = usize::try_from(decimals.unwrap_or(0)).unwrap_or(0);
        let number = |tick: u32| {
            let value = self.low + f64::from(tick) * self.step;
            // Nought has no sign.
            let value = if value.abs() < self.step / 2.0 { 0.0 } else { value };
            (value, grouped(lang, &format!("{value:.places$}")))
        };
        let most = 40;
        (0..most).map(number).take_while(|(value, _)| *value <= self.high + self.step / 2.0).collect()
    }
}

/// 1, 2 or 5 times a power of ten, at least this; at least 1e-12.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.max(1e-12).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|times| times * power)
        .find(|step| *step >= rough * 0.999_999)
        .unwrap_or(rough)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publication::chart::Mark;

    fn ticks(places: &[Place]) -> String {
        let marks = places.iter().map(|&place| Mark { label: String::new(), text: String::new(), place }).collect();
        let scale = Scale::new(&[Series { heading: None, marks }], 5);
        scale.ticks(Lang::Nl).into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn numbers_along_it_are_round() {
        assert_eq!(ticks(&[Place::At(1049.0), Place::At(700.0)]), "0 500 1.000 1.500");
        assert_eq!(ticks(&[Place::At(0.37)]), "0,0 0,1 0,2 0,3 0,4");
        assert_eq!(ticks(&[Place::At(-30.0), Place::Within(Some(5.0), Some(90.0))]), "-50 0 50 100");
        assert_eq!(ticks(&[Place::Hidden, Place::Missing]), "0,0 0,2 0,4 0,6 0,8 1,0");
    }
}
