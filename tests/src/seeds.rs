//! Many seeds at once, how a failing one is named, and how it is kept.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, io, thread};

/// Where kept seeds stand, within the package.
const REPRODUCTIONS: &str = "reproductions";

/// The seeds to run, in this order: those kept first, then those from `OPTELSOM_FIRST_SEED` on, as many as
/// `OPTELSOM_SEEDS` or `usual` says. `OPTELSOM_SEED` asks for that one alone.
fn wanted(usual: u64, kept: &[u64], variable: impl Fn(&str) -> Option<String>) -> Result<Vec<u64>, String> {
    let number = |name: &str| {
        let read = |text: String| text.parse::<u64>().map_err(|_| format!("{name}={text} is no whole number"));
        variable(name).map(read).transpose()
    };
    let (one, first, count) =
        (number("OPTELSOM_SEED")?, number("OPTELSOM_FIRST_SEED")?.unwrap_or(0), number("OPTELSOM_SEEDS")?);
    if let Some(seed) = one {
        return Ok(vec![seed]);
    }
    let usual = (first..first.saturating_add(count.unwrap_or(usual))).filter(|seed| !kept.contains(seed));
    Ok(kept.iter().copied().chain(usual).collect())
}

/// Reads kept seeds: one per line, with words behind a `#`.
fn read_kept(text: &str) -> Result<Vec<u64>, String> {
    let bare = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let read = |line: &str| line.parse().map_err(|_| format!("`{line}` is no seed"));
    bare.filter(|line| !line.is_empty()).map(read).collect()
}

fn file_of(target: &str, test: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(REPRODUCTIONS).join(format!("{target}.{test}"))
}

fn kept(target: &str, test: &str) -> Result<Vec<u64>, String> {
    let file = file_of(target, test);
    match fs::read_to_string(&file) {
        Ok(text) => read_kept(&text).map_err(|why| format!("{}: {why}", file.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("{}: {error}", file.display())),
    }
}

/// What is said of a seed that failed.
fn report(target: &str, test: &str, seed: u64, why: &str, kept: &[u64]) -> String {
    let repeat = format!("repeat: OPTELSOM_SEED={seed} cargo test -p optelsom-tests --test {target} {test}");
    let keep = match kept.contains(&seed) {
        true => format!("it is kept in tests/{REPRODUCTIONS}/{target}.{test}"),
        false => format!("keep: add the line `{seed}` to tests/{REPRODUCTIONS}/{target}.{test}"),
    };
    format!("seed {seed}: {why}\n{repeat}\n{keep}")
}

fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Runs `run` for the seeds kept for this test and `usual` others, or for those that the environment asks for, on all
/// processors, and gives back what each yielded.
///
/// # Panics
/// When a run fails or panics: with the first such seed, the command that repeats it, and the line that keeps it. `target`
/// and `test` name the caller in both. When the environment or a kept seed is no number.
pub fn run_seeds<T: Send>(
    target: &str,
    test: &str,
    usual: u64,
    run: impl Fn(u64) -> Result<T, String> + Sync,
) -> BTreeMap<u64, T> {
    let kept = kept(target, test).unwrap_or_else(|why| fail(&why));
    let seeds = wanted(usual, &kept, variable).unwrap_or_else(|why| fail(&why));
    run_these(&seeds, run).unwrap_or_else(|(seed, why)| fail(&report(target, test, seed, &why, &kept)))
}

/// Runs these on all processors; of those that fail, names the one that stands first.
fn run_these<T: Send>(
    seeds: &[u64],
    run: impl Fn(u64) -> Result<T, String> + Sync,
) -> Result<BTreeMap<u64, T>, (u64, String)> {
    let next = AtomicUsize::new(0);
    let yielded = Mutex::new(BTreeMap::new());
    let failed = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(seed) = seeds.get(place).copied() else { return };
            let outcome = catch_unwind(AssertUnwindSafe(|| run(seed))).unwrap_or_else(|panic| Err(words_of(&*panic)));
            match outcome {
                Ok(value) => drop(lock(&yielded).insert(seed, value)),
                Err(why) => {
                    lock(&failed).insert(place, (seed, why));
                    next.store(seeds.len(), Ordering::Relaxed);
                }
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let first = lock(&failed).pop_first();
    match first {
        Some((_, failure)) => Err(failure),
        None => Ok(yielded.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)),
    }
}

#[expect(clippy::panic, reason = "this is how a test fails")]
fn fail(why: &str) -> ! {
    panic!("{why}")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().cloned();
    words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_else(|| "panicked".to_owned())
}

#[cfg(test)]
#[expect(clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn with(set: &[(&str, &str)]) -> Result<Vec<u64>, String> {
        let find = |name: &str| set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        wanted(3, &[40, 1], find)
    }

    #[test]
    fn kept_seeds_come_first_and_once() {
        assert_eq!(with(&[]), Ok(vec![40, 1, 0, 2]));
        assert_eq!(with(&[("OPTELSOM_SEEDS", "1")]), Ok(vec![40, 1, 0]));
        assert_eq!(with(&[("OPTELSOM_SEEDS", "2"), ("OPTELSOM_FIRST_SEED", "39")]), Ok(vec![40, 1, 39]));
        assert_eq!(with(&[("OPTELSOM_SEED", "7"), ("OPTELSOM_SEEDS", "2")]), Ok(vec![7]));
    }

    #[test]
    fn what_is_no_number_is_an_error_and_no_default() {
        for name in ["OPTELSOM_SEED", "OPTELSOM_SEEDS", "OPTELSOM_FIRST_SEED"] {
            for value in ["10_000", "", " 5", "-1", "many"] {
                assert_eq!(with(&[(name, value)]), Err(format!("{name}={value} is no whole number")));
            }
        }
        assert_eq!(read_kept("40 # why\n\n# only words\n1\n"), Ok(vec![40, 1]));
        assert_eq!(read_kept("0x28"), Err("`0x28` is no seed".to_owned()));
    }

    #[test]
    fn a_kept_seed_is_run_and_fails_before_all_others() {
        let kept = kept("seeds", "kept_for_the_test_of_this_file").expect("the file");
        let seeds = wanted(100, &kept, |_| None).expect("seeds");
        let run = |seed| if seed == 4_000_000_000 || seed == 99 { Err("it is wrong".to_owned()) } else { Ok(seed) };
        assert_eq!(run_these(&seeds, run), Err((4_000_000_000, "it is wrong".to_owned())));
        assert_eq!(run_these(&[2, 98], run), Ok(BTreeMap::from([(2, 2), (98, 98)])));
    }

    #[test]
    fn a_failure_says_how_to_repeat_and_keep_it() {
        let said = report("world", "a_test", 5, "wrong", &[4]);
        assert!(said.contains("OPTELSOM_SEED=5 cargo test -p optelsom-tests --test world a_test"), "{said}");
        assert!(said.ends_with("keep: add the line `5` to tests/reproductions/world.a_test"), "{said}");
        assert!(
            report("world", "a_test", 4, "wrong", &[4]).ends_with("it is kept in tests/reproductions/world.a_test")
        );
    }

    /// A file whose test has another name now would keep nothing.
    #[test]
    fn each_file_of_kept_seeds_belongs_to_a_test() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        for entry in fs::read_dir(folder.join(REPRODUCTIONS)).expect("the folder of kept seeds") {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            if name == "README.md" || name == "seeds.kept_for_the_test_of_this_file" {
                continue;
            }
            let (target, test) = name.split_once('.').unwrap_or_else(|| panic!("{name} is not `<target>.<test>`"));
            let source = fs::read_to_string(folder.join(format!("tests/{target}.rs"))).expect(target);
            assert!(source.contains(&format!("fn {test}()")), "tests/{target}.rs has no test `{test}`");
            kept(target, test).expect("seeds");
        }
    }
}
