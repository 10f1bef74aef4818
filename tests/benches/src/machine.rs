//! What the machine says of processes, as Linux tells it under `/proc`.

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

/// The least processor time that so many runs in this thread take: what the work costs, also on a machine that does other
/// things beside it (`/proc/thread-self/schedstat`, in nanoseconds).
pub fn least_processor_time<T>(runs: usize, mut work: impl FnMut() -> T) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let begin = thread_time();
        std::hint::black_box(work());
        best = best.min(thread_time() - begin);
    }
    best
}

fn thread_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|spent| spent.parse().ok()).unwrap_or(0))
}

/// Processor time so far of a process, in steps of 10 ms (`proc_pid_stat(5)`, with the usual 100 ticks a second).
pub fn processor_time(process: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in brackets may hold anything; after it, user and system time are the 12th and 13th fields.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The most memory that a process has held so far, in bytes.
pub fn peak_memory(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
