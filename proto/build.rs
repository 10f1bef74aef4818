//! Compiles the .proto files without protoc.

use std::error::Error;

const FILES: [&str; 4] = [
    "optelsom/v1/node.proto",
    "optelsom/v1/analyst.proto",
    "optelsom/v1/bureau.proto",
    "optelsom/v1/ledger.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    // Secrets travel in these three; their derived Debug would print them.
    tonic_prost_build::configure()
        .skip_debug([".optelsom.v1.Opening", ".optelsom.v1.Share", ".optelsom.v1.TablePart"])
        .compile_fds(protox::compile(FILES, ["."])?)?;
    Ok(())
}
