//! Compiles the .proto files without protoc.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use tonic_prost_build::FileDescriptorSet;

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

/// A field that is itself a message, as descriptors number the kinds of fields.
const MESSAGE: i32 = 11;

/// Writes down which fields of each message are messages themselves, and which messages are asked with: the parts of a
/// message can be counted by that before it is taken in.
fn shapes(files: &FileDescriptorSet) -> Result<String, Box<dyn Error>> {
    let bare = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let calls = files.file.iter().flat_map(|file| &file.service).flat_map(|service| &service.method);
    let asked: Vec<_> = calls.map(|call| bare(call.input_type())).collect();
    let mut text = String::new();
    for message in files.file.iter().flat_map(|file| &file.message_type) {
        let name = message.name();
        let within = message.field.iter().filter(|field| field.r#type == Some(MESSAGE));
        let within: String =
            within.map(|field| format!("({}, {}::SHAPE), ", field.number(), bare(field.type_name()))).collect();
        let asked = asked.iter().any(|asked| asked == name);
        writeln!(text, "impl Shaped for {name} {{")?;
        writeln!(text, "    const SHAPE: &'static Shape = &Shape {{ asked: {asked}, within: &[{within}] }};\n}}")?;
    }
    Ok(text)
}

fn main() -> Result<(), Box<dyn Error>> {
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    // Secrets travel in these three; their derived Debug would print them.
    let builder = tonic_prost_build::configure().codec_path("crate::codec::Counting").skip_debug([
        ".optelsom.v1.Opening",
        ".optelsom.v1.Share",
        ".optelsom.v1.TablePart",
    ]);
    let files = protox::compile(FILES, ["."])?;
    let folder = env::var_os("OUT_DIR").ok_or("cargo names no folder")?;
    fs::write(Path::new(&folder).join("shapes.rs"), shapes(&files)?)?;
    SHARED.into_iter().fold(builder, tonic_prost_build::Builder::bytes).compile_fds(files)?;
    Ok(())
}
