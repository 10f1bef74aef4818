#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| optelsom_tests::decoders::fuzz("csv_windows_1252", bytes));
