//! What the combiner must know again after a crash.
