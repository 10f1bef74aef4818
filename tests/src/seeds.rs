//! Many seeds at once, and how a failing one is named.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// What is asked for by `OPTELSOM_SEED` (one seed), `OPTELSOM_SEEDS` (how many) and `OPTELSOM_FIRST_SEED` (from where).
fn wanted(usual: u64) -> (u64, u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("OPTELSOM_SEED") {
        Some(seed) => (seed, seed.saturating_add(1)),
        None => {
            let first = number("OPTELSOM_FIRST_SEED").unwrap_or(0);
            (first, first.saturating_add(number("OPTELSOM_SEEDS").unwrap_or(usual)))
        }
    }
}

/// Runs `run` for `usual` seeds, or for those that the environment asks for, on all processors, and gives back what
/// each yielded.
///
/// # Panics
/// When a run fails or panics: with the smallest such seed and the command that repeats it. `target` and `test` name
/// the caller in that command.
pub fn run_seeds<T: Send>(
    target: &str,
    test: &str,
    usual: u64,
    run: impl Fn(u64) -> Result<T, String> + Sync,
) -> BTreeMap<u64, T> {
    let (first, end) = wanted(usual);
    let next = AtomicU64::new(first);
    let yielded = Mutex::new(BTreeMap::new());
    let failed = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let outcome = catch_unwind(AssertUnwindSafe(|| run(seed))).unwrap_or_else(|panic| Err(words_of(&*panic)));
            match outcome {
                Ok(value) => drop(lock(&yielded).insert(seed, value)),
                Err(why) => {
                    lock(&failed).insert(seed, why);
                    next.store(end, Ordering::Relaxed);
                }
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let failed = lock(&failed);
    if let Some((seed, why)) = failed.first_key_value() {
        #[expect(clippy::panic, reason = "this is how a test fails")]
        {
            panic!(
                "seed {seed}: {why}\nrepeat: OPTELSOM_SEED={seed} cargo test -p optelsom-tests --test {target} {test}"
            );
        }
    }
    drop(failed);
    yielded.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().cloned();
    words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_else(|| "panicked".to_owned())
}
