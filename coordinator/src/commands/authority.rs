//! `authority new` and `authority issue`.

use std::path::PathBuf;

use clap::Subcommand;
use optelsom_coordinator::authority::{AUTHORITY_CERTIFICATE, Authority};
use optelsom_coordinator::clock;
use optelsom_proto::Role;
use optelsom_proto::output::print_line;

use super::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Makes a new authority: its certificate, and its key, which signs all others.
    New {
        /// The folder to write into.
        folder: PathBuf,
        /// The authority's name, as certificates show it.
        #[arg(long, default_value = "Optelsom federation authority")]
        name: String,
        /// How long it is valid.
        #[arg(long, default_value_t = 3650)]
        days: u32,
    },
    /// Issues a certificate with a fresh key.
    Issue {
        /// The authority's folder.
        #[arg(long)]
        authority: PathBuf,
        /// optelsom:node:<supplier>, optelsom:analyst:<key id>, optelsom:auditor:<name>, optelsom:operator:<name> or
        /// optelsom:coordinator.
        role: String,
        /// A name or address that the coordinator is found by; may be given more than once.
        #[arg(long = "host")]
        hosts: Vec<String>,
        /// How long it is valid.
        #[arg(long, default_value_t = 365)]
        days: u32,
        /// The folder for `<name>.pem` and `<name>.key`.
        #[arg(long, default_value = ".")]
        out: PathBuf,
        /// The name of the two files.
        #[arg(long)]
        name: Option<String>,
    },
}

impl Command {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::New { folder, name, days } => {
                Authority::new(&name, clock::now(), days)?.write(&folder)?;
                print_line(folder.join(AUTHORITY_CERTIFICATE).display())?;
            }
            Self::Issue { authority, role, hosts, days, out, name } => {
                let role: Role = role.parse()?;
                let name = name.unwrap_or_else(|| match &role {
                    Role::Node(supplier) => supplier.to_string(),
                    Role::Analyst(party) | Role::Operator(party) | Role::Auditor(party) => party.to_string(),
                    Role::Coordinator => "coordinator".to_owned(),
                });
                Authority::read(&authority)?.issue(&role, &hosts, clock::now(), days)?.write(&out, &name)?;
                print_line(out.join(format!("{name}.pem")).display())?;
                print_line(out.join(format!("{name}.key")).display())?;
            }
        }
        Ok(())
    }
}
