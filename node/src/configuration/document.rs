//! `node.toml` as it is written. What it says is checked in the files beside this one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use optelsom_codebook::SupplierId;
use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) supplier: Spanned<String>,
    pub(super) state: Option<PathBuf>,
    pub(super) codebook: Option<PathBuf>,
    pub(super) agreement: Option<PathBuf>,
    pub(super) roster: Option<PathBuf>,
    #[serde(default)]
    pub(super) trust: TrustDocument,
    pub(super) coordinator: Option<CoordinatorDocument>,
    pub(super) identity: Option<IdentityDocument>,
    #[serde(default)]
    pub(super) ledger: LedgerDocument,
    #[serde(default)]
    pub(super) health: HealthDocument,
    #[serde(default)]
    pub(super) datasets: BTreeMap<Spanned<String>, DatasetDocument>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoordinatorDocument {
    pub(super) address: Spanned<String>,
    pub(super) server_name: Option<String>,
    pub(super) proxy: Option<Spanned<String>>,
    pub(super) proxy_credentials: Option<PathBuf>,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) authority: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityDocument {
    pub(super) file: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrustDocument {
    pub(super) accepted_peers: Option<Vec<SupplierId>>,
    pub(super) collusion_floor: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LedgerDocument {
    pub(super) trust: Option<PathBuf>,
    pub(super) witness_key: Option<PathBuf>,
    pub(super) incarnation: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HealthDocument {
    pub(super) listen: Option<SocketAddr>,
}

/// When an edition is frozen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FreezeWhen {
    /// When the coordinator announces the edition.
    OnAnnouncement,
    /// When a person says `optelsom-node freeze`.
    #[default]
    ByHand,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetDocument {
    pub(super) source: Spanned<SourceDocument>,
    #[serde(default)]
    pub(super) freeze: FreezeWhen,
    pub(super) years: Option<Spanned<(i32, i32)>>,
    #[serde(default)]
    pub(super) variables: BTreeMap<Spanned<String>, VariableDocument>,
    #[serde(default)]
    pub(super) measures: BTreeMap<Spanned<String>, MeasureDocument>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum SourceDocument {
    Csv(CsvDocument),
    Parquet(ParquetDocument),
    Spreadsheet(SpreadsheetDocument),
    Sqlite(SqliteDocument),
    Postgresql(PostgresqlDocument),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CsvDocument {
    pub(super) path: PathBuf,
    pub(super) delimiter: Option<Spanned<String>>,
    pub(super) encoding: Option<Spanned<String>>,
    #[serde(default = "yes")]
    pub(super) header: bool,
    #[serde(default = "yes")]
    pub(super) quote: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParquetDocument {
    pub(super) path: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpreadsheetDocument {
    pub(super) path: PathBuf,
    pub(super) sheet: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SqliteDocument {
    pub(super) path: PathBuf,
    pub(super) view: Spanned<String>,
    pub(super) time_limit_seconds: Option<Spanned<i64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PostgresqlDocument {
    pub(super) url_file: PathBuf,
    pub(super) view: Spanned<String>,
    pub(super) time_limit_seconds: Option<Spanned<i64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VariableDocument {
    pub(super) column: Option<Spanned<String>>,
    pub(super) constant: Option<Spanned<String>>,
    pub(super) separator: Option<Spanned<String>>,
    pub(super) trim: Option<bool>,
    pub(super) ignore_case: Option<bool>,
    pub(super) map: Option<BTreeMap<Spanned<String>, Spanned<String>>>,
    pub(super) map_file: Option<Spanned<PathBuf>>,
    pub(super) otherwise: Option<Spanned<String>>,
    pub(super) transform: Option<Spanned<TransformDocument>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum TransformDocument {
    YearOfDate(DateDocument),
    AgeGroup(AgeDocument),
    Bins(Vec<Spanned<BinDocument>>),
}

/// From, up to and including, code.
pub(super) type BinDocument = (i64, i64, String);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DateDocument {
    pub(super) format: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgeDocument {
    pub(super) birth: Spanned<String>,
    pub(super) at: Spanned<String>,
    pub(super) format: Option<Spanned<String>>,
    pub(super) bins: Vec<Spanned<BinDocument>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MeasureDocument {
    pub(super) column: Spanned<String>,
    pub(super) decimal: Option<Spanned<String>>,
    pub(super) thousands: Option<Spanned<String>>,
    pub(super) scale: Option<Spanned<i32>>,
}

fn yes() -> bool {
    true
}
