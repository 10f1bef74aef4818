//! A Python that has the packages which a script wants.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The system's Python, or one in the build folder, that imports these modules. Only where `OPTELSOM_FOREIGN` is set are the
/// packages taken from PyPI: who runs the tests has not asked for anything from there.
pub fn python(own: &str, modules: &str, packages: &[&str]) -> Option<PathBuf> {
    let imports = |python: &Path| {
        let import = Command::new(python).args(["-c", &format!("import {modules}")]).output();
        import.is_ok_and(|output| output.status.success())
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(own);
    let own = folder.join("bin/python");
    let there = [PathBuf::from("python3"), own.clone()].into_iter().find(|python| imports(python));
    if there.is_some() || std::env::var_os("OPTELSOM_FOREIGN").is_none() {
        return there;
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output().ok()?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    made.status.success().then(|| Command::new(&own).args(pip).args(packages).output())?.ok()?;
    imports(&own).then_some(own)
}
