#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| optelsom_tests::decoders::fuzz("edition_manifest", bytes));
