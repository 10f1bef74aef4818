#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use rand_core::SeedableRng;

use super::sampler::{negative_binomial, share};
use super::*;

/// Seeds of the statistical tests; a majority of them has to agree.
const SEEDS: std::ops::Range<u64> = 1..10;

fn rate(over: u64, under: u64) -> Rate {
    Rate::new(over, under).unwrap()
}

fn random(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// P(k) of the negative binomial distribution with this shape r, for k below `end`, in floating point.
fn negative_binomial_weights(gamma: f64, shape: f64, end: usize) -> Vec<f64> {
    let alpha = (-gamma).exp();
    let mut weight = (1.0 - alpha).powf(shape);
    let next = |k: f64| {
        let this = weight;
        weight *= alpha * (k + shape) / (k + 1.0);
        this
    };
    (0..end).map(|k| k as f64).map(next).collect()
}

/// P(z) ∝ α^|z|, for |z| up to `most`.
fn two_sided_weights(gamma: f64, most: i64) -> Vec<f64> {
    let alpha = (-gamma).exp();
    (-most..=most).map(|z| (1.0 - alpha) / (1.0 + alpha) * alpha.powf(z.unsigned_abs() as f64)).collect()
}

/// Whether so many draws fall into buckets as they should: χ² over buckets of neighbouring values in which at least 400 are
/// expected, with the rest in a last one, below the value that one in a thousand exceeds (after Wilson and Hilferty).
fn fits(weights: &[f64], drawn: &[Option<usize>]) -> bool {
    let mut bucket_of = Vec::with_capacity(weights.len());
    let mut expected = vec![0.0];
    for weight in weights {
        if expected[expected.len() - 1] >= 400.0 {
            expected.push(0.0);
        }
        bucket_of.push(expected.len() - 1);
        *expected.last_mut().unwrap() += weight * drawn.len() as f64;
    }
    expected.push((1.0 - weights.iter().sum::<f64>()).max(0.0) * drawn.len() as f64);
    let mut seen = vec![0.0; expected.len()];
    for at in drawn {
        let bucket = at.and_then(|at| bucket_of.get(at)).copied().unwrap_or(expected.len() - 1);
        seen[bucket] += 1.0;
    }
    let mut chi = 0.0;
    let mut freedom = -1.0;
    for (seen, expected) in seen.iter().zip(&expected) {
        if *expected < 5.0 {
            // Too few to be compared, but not too few to be missed.
            chi += if *seen > 40.0 { f64::INFINITY } else { 0.0 };
            continue;
        }
        chi += (seen - expected).powi(2) / expected;
        freedom += 1.0;
    }
    if freedom < 1.0 {
        return chi.is_finite();
    }
    let width: f64 = 2.0 / (9.0 * freedom);
    chi < freedom * (1.0 - width + 3.09 * width.sqrt()).powi(3)
}

/// Whether a majority of seeds agrees.
fn majority(fits: impl Fn(u64) -> bool) -> bool {
    SEEDS.filter(|&seed| fits(seed)).count() * 2 > SEEDS.count()
}

fn drawn(seed: u64, draws: usize, rate: Rate, honest: u64) -> Vec<Option<usize>> {
    let (mut random, shape) = (random(seed), NonZeroU64::new(honest).unwrap());
    (0..draws).map(|_| usize::try_from(negative_binomial(&mut random, rate, shape)).ok()).collect()
}

#[test]
fn a_million_shares_fall_as_the_exact_distribution_has_it() {
    let drawn: Vec<_> = SEEDS.map(|seed| drawn(seed, 1_000_000, rate(1, 20), 5)).collect();
    let agree = |gamma: f64, shape: f64| {
        let weights = negative_binomial_weights(gamma, shape, 4000);
        drawn.iter().filter(|drawn| fits(&weights, drawn)).count() * 2 > drawn.len()
    };
    assert!(agree(0.05, 0.2));
    // What is a little off is found.
    for (gamma, shape) in [(0.051, 0.2), (0.049, 0.2), (0.05, 0.204), (0.05, 0.196), (0.05, 1.0 / 6.0)] {
        assert!(!agree(gamma, shape), "γ = {gamma}, r = {shape}");
    }
}

#[test]
fn shares_fit_at_every_rate_and_shape() {
    for (over, under) in [(1, 100), (3, 7), (1, 1), (999, 1000), (5, 4), (2, 1), (10, 1), (51, 100)] {
        for honest in [1, 2, 3, 17, 400] {
            let weights = negative_binomial_weights(over as f64 / under as f64, 1.0 / honest as f64, 4000);
            let fits = majority(|seed| fits(&weights, &drawn(seed, 20_000, rate(over, under), honest)));
            assert!(fits, "γ = {over}/{under}, h = {honest}");
        }
    }
}

#[test]
fn the_shares_of_h_participants_are_two_sided_geometric_noise_and_those_of_fewer_are_not() {
    let (rate, gamma) = (rate(1, 10), 0.1);
    let sum_fits = |seed: u64, honest: u64, adding: u64| {
        let mut random = random(seed);
        let shape = NonZeroU64::new(honest).unwrap();
        let mut sum = || (0..adding).map(|_| share(&mut random, rate, shape)).sum::<i64>();
        let drawn: Vec<_> = (0..60_000).map(|_| usize::try_from(sum() + 400).ok()).collect();
        fits(&two_sided_weights(gamma, 400), &drawn)
    };
    for honest in [1, 2, 5, 12] {
        assert!(majority(|seed| sum_fits(seed, honest, honest)), "h = {honest}");
    }
    assert!(!majority(|seed| sum_fits(seed, 5, 4)));
    assert!(!majority(|seed| sum_fits(seed, 5, 6)));
}

/// At the largest scale the buckets are of powers of two, and the continuous limit, the gamma distribution, has the same
/// moments to nine digits.
#[test]
fn the_largest_scale_has_the_right_moments() {
    let (rate, honest) = (rate(1, 1 << 44), NonZeroU64::new(4).unwrap());
    let fits = |seed: u64| {
        let mut random = random(seed);
        let draws = 40_000;
        let scale = (1_u64 << 44) as f64;
        let numbers: Vec<f64> =
            (0..draws).map(|_| negative_binomial(&mut random, rate, honest) as f64 / scale).collect();
        let mean = numbers.iter().sum::<f64>() / f64::from(draws);
        let square = numbers.iter().map(|number| number * number).sum::<f64>() / f64::from(draws);
        // E X = r, E X² = r(r+1); five standard errors.
        (mean - 0.25).abs() < 0.0125 && (square - 0.3125).abs() < 0.035
    };
    assert!(majority(fits));
}

#[test]
fn the_same_seed_gives_the_same_noise_and_another_seed_another() {
    let plan = plan("SELECT a0, COUNT(*) FROM d GROUP BY ROLLUP(a0) SETTINGS epsilon = 0.1");
    let noise = Noise::of(&plan, 3).unwrap();
    let drawn = |seed: u8| {
        let mut columns = vec![vec![100; plan.cell_count()]];
        noise.add(&NoiseSeed::new([seed; 32]), &mut columns);
        columns
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
    assert_eq!(format!("{:?}", NoiseSeed::new([7; 32])), "NoiseSeed(secret)");
}

fn plan(sql: &str) -> Plan {
    let codebook = crate::trial::codebook(&[40], &[]);
    Plan::new(&codebook, &optelsom_codebook::Query::from_sql(&codebook, sql).unwrap()).unwrap()
}

#[test]
fn each_column_takes_its_part_of_epsilon() {
    let noise = |sql: &str| Noise::of(&plan(sql), 3);
    assert_eq!(noise("SELECT COUNT(*) FROM d"), None);
    let plain = noise("SELECT COUNT(*) FROM d SETTINGS epsilon = 0.5").unwrap();
    assert_eq!(plain.rates, [rate(500, 1000)]);
    let cube = noise("SELECT a0, COUNT(*) FROM d GROUP BY ROLLUP(a0) SETTINGS epsilon = 0.5").unwrap();
    assert_eq!(cube.rates, [rate(500, 2000)]);
    assert_eq!(Noise::of(&plan("SELECT COUNT(*) FROM d SETTINGS epsilon = 0.5"), 0), None);
}

/// P(|Z| ≤ w) where Z is the noise of N participants with h honest ones, computed from the exact probabilities.
fn covered(gamma: f64, shape: f64, half_width: i64) -> f64 {
    let end = (60.0 / gamma) as usize + 60;
    let weights = negative_binomial_weights(gamma, shape, end);
    let mut below = vec![0.0; end + 1];
    for (at, weight) in weights.iter().enumerate() {
        below[at + 1] = below[at] + weight;
    }
    let width = usize::try_from(half_width).unwrap();
    let within = |x: usize| below[(x + width + 1).min(end)] - below[x.saturating_sub(width)];
    weights.iter().enumerate().map(|(x, weight)| weight * within(x)).sum()
}

#[test]
fn at_least_95_percent_lies_in_the_interval_and_not_much_more() {
    for (over, under) in [(1, 200), (1, 50), (1, 7), (1, 3), (1, 2), (1, 1), (3, 2), (3, 1), (10, 1)] {
        for (honest, participants) in [(1, 1), (7, 8), (3, 4), (2, 3), (5, 9), (3, 6), (2, 9), (2, 40)] {
            let spread = Spread::new(rate(over, under), NonZeroU64::new(honest).unwrap(), participants);
            let (gamma, shape) = (over as f64 / under as f64, participants as f64 / honest as f64);
            let covered = covered(gamma, shape, spread.half_width());
            let tight = spread.half_width() < 20 || covered < 0.98;
            assert!(covered >= 0.95 && tight, "γ = {gamma}, N/h = {shape}: {covered} in ±{}", spread.half_width());
        }
    }
}

#[test]
fn the_standard_deviation_is_that_of_the_distribution() {
    for (over, under, honest, participants) in
        [(1, 10, 1, 1), (1, 2, 3, 5), (3, 1, 2, 7), (10, 1, 4, 9), (1, 1000, 5, 6)]
    {
        let spread = Spread::new(rate(over, under), NonZeroU64::new(honest).unwrap(), participants);
        let alpha = (-(over as f64) / under as f64).exp();
        let variance = 2.0 * participants as f64 / honest as f64 * alpha / (1.0 - alpha).powi(2);
        let off = spread.hundredths() as f64 / 100.0 - variance.sqrt();
        assert!((-1e-9..=0.010_001).contains(&off), "{spread:?}");
    }
    // Computed the same everywhere.
    let spread = Spread::new(rate(1, 1 << 44), NonZeroU64::new(2).unwrap(), 3);
    assert_eq!((spread.hundredths(), spread.half_width()), (3_047_056_004_513_267, 64_597_587_295_682));
}
