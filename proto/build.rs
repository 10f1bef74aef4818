//! Compiles the .proto files without protoc.

use std::error::Error;

const FILES: [&str; 4] =
    ["optelsom/v1/node.proto", "optelsom/v1/analyst.proto", "optelsom/v1/bureau.proto", "optelsom/v1/ledger.proto"];

/// Parts that go to many are written once and shared; parts of tables are read where they were received, and releases are sent
/// from where they were written.
const SHARED: [&str; 7] = [
    ".optelsom.v1.Pair.cards",
    ".optelsom.v1.Certify.headers",
    ".optelsom.v1.Finalise.certificate",
    ".optelsom.v1.Open.certificate",
    ".optelsom.v1.RecoverShares.certificate",
    ".optelsom.v1.TablePart.words",
    ".optelsom.v1.QueryEvent.release",
];

fn main() -> Result<(), Box<dyn Error>> {
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    // Secrets travel in these three; their derived Debug would print them.
    let builder = tonic_prost_build::configure().skip_debug([
        ".optelsom.v1.Opening",
        ".optelsom.v1.Share",
        ".optelsom.v1.TablePart",
    ]);
    SHARED.into_iter().fold(builder, tonic_prost_build::Builder::bytes).compile_fds(protox::compile(FILES, ["."])?)?;
    Ok(())
}
