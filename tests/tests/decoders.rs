//! Every decoder of bytes from outside takes its good documents, and none of them panics on broken ones: a short run of
//! what `tests/fuzz` does for longer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use optelsom_tests::decoders::{DECODERS, Decoder};
use optelsom_tests::dice::Dice;
use optelsom_tests::mutation::mutate;
use optelsom_tests::seeds::run_seeds;

/// As many seeds are run unless the environment says otherwise, and so many broken documents of each decoder in each.
const SEEDS: u64 = 24;
const MUTATIONS: usize = 12;

/// A decoder with its samples.
type Sampled = (&'static Decoder, Vec<Vec<u8>>);

/// The samples, by decoder.
static SAMPLES: LazyLock<Vec<Sampled>> =
    LazyLock::new(|| DECODERS.iter().map(|decoder| (decoder, (decoder.seeds)())).collect());

fn shown(bytes: &[u8]) -> String {
    let all: String = bytes.escape_ascii().to_string();
    if all.len() <= 2000 { all } else { format!("{} … of {} bytes", &all[..2000], bytes.len()) }
}

/// With `OPTELSOM_CORPUS` they are written into that folder as well, for `cargo fuzz`.
#[test]
fn every_sample_is_accepted() {
    let corpus = std::env::var_os("OPTELSOM_CORPUS").map(PathBuf::from);
    let mut refused = Vec::new();
    for (decoder, samples) in &*SAMPLES {
        let name = decoder.name;
        assert!(!samples.is_empty(), "{name} has no sample");
        for (number, sample) in samples.iter().enumerate() {
            match decoder.try_out(sample) {
                Ok(true) => {}
                Ok(false) => refused.push(format!("{name} refuses its own sample {number}: {}", shown(sample))),
                Err(why) => refused.push(format!("{name}, sample {number}: {why}")),
            }
            if let Some(corpus) = &corpus {
                let folder = corpus.join(name);
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(format!("sample-{number}")), sample).unwrap();
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// Samples are the same in every run, or no failure could be repeated.
#[test]
fn samples_are_not_random() {
    for (decoder, samples) in &*SAMPLES {
        assert!((decoder.seeds)() == *samples, "{} has other samples each time", decoder.name);
    }
}

#[test]
fn no_broken_document_makes_a_decoder_panic() {
    run_seeds("decoders", "no_broken_document_makes_a_decoder_panic", SEEDS, |seed| {
        let mut dice = Dice::new(seed);
        for (decoder, samples) in &*SAMPLES {
            // Each decoder has dice of its own, so that a new one changes nothing for the others.
            let mut dice = dice.fork();
            for _ in 0..MUTATIONS {
                let Some(sample) = dice.pick(samples) else { continue };
                let broken = mutate(&mut dice, sample, samples);
                decoder.try_out(&broken).map_err(|why| format!("{}: {why}\non {}", decoder.name, shown(&broken)))?;
            }
        }
        Ok(())
    });
}

#[test]
fn each_decoder_has_one_fuzz_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let decoders: BTreeSet<String> = DECODERS.iter().map(|decoder| decoder.name.to_owned()).collect();
    assert_eq!(decoders.len(), DECODERS.len(), "two decoders of one name");
    let files = fs::read_dir(fuzz.join("fuzz_targets")).unwrap();
    let files: BTreeSet<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, decoders.iter().map(|name| format!("{name}.rs")).collect(), "tests/fuzz/fuzz_targets");
    for name in &decoders {
        let target = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert_eq!(target, target_of(name), "{name}.rs");
    }
    let manifest: toml::Table = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap().parse().unwrap();
    let binaries = manifest["bin"].as_array().unwrap().iter().map(|binary| {
        let text = |key: &str| binary[key].as_str().unwrap().to_owned();
        assert_eq!(text("path"), format!("fuzz_targets/{}.rs", text("name")));
        text("name")
    });
    let binaries: Vec<_> = binaries.collect();
    assert_eq!(binaries.iter().cloned().collect::<BTreeSet<_>>(), decoders, "tests/fuzz/Cargo.toml");
    assert_eq!(binaries.len(), decoders.len(), "two binaries of one name");
}

fn target_of(name: &str) -> String {
    format!(
        "#![no_main]\nlibfuzzer_sys::fuzz_target!(|bytes: &[u8]| optelsom_tests::decoders::fuzz(\"{name}\", bytes));\n"
    )
}
