//! What the machine says of this process, as Linux tells it under `/proc`.

use std::fs;
use std::time::{Duration, Instant};

/// The shortest of so many runs: what the work takes when nothing else disturbs it.
pub fn shortest<T>(runs: usize, mut work: impl FnMut() -> T) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let begin = Instant::now();
        std::hint::black_box(work());
        best = best.min(begin.elapsed());
    }
    best
}

/// Processor time so far of this process's living threads whose names begin so.
///
/// Threads that have ended are not counted, so keep them alive for as long as they are measured.
pub fn processor_time(name: &str) -> Duration {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let nanoseconds = threads.flatten().filter_map(|thread| {
        let of = |file: &str| fs::read_to_string(thread.path().join(file)).ok();
        if !of("comm")?.starts_with(name) {
            return None;
        }
        of("schedstat")?.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// The most memory that this process has held so far, in bytes.
pub fn peak_memory() -> u64 {
    status("VmHWM:")
}

/// The memory that this process holds now, in bytes.
pub fn memory() -> u64 {
    status("VmRSS:")
}

fn status(key: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
