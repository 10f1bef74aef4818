//! What can be asked: code lists, datasets, queries, their cells, and what each supplier has agreed to.
//!
//! The way through this package is [`Codebook`] → [`Query`] → [`Plan`] → [`Admitted`]: each is made from the one before,
//! and none can be made otherwise. Nothing here reads a clock, a file, the network or a source of randomness.

mod agreement;
mod builtin;
mod code_list;
mod code_set;
mod codebook;
mod dataset;
mod decimal;
mod document;
mod encoding;
mod excerpt;
mod ids;
mod label;
mod plan;
mod query;
mod suggest;
mod timestamp;

pub use agreement::{
    Admission, Admitted, Agreement, AgreementErrors, DatasetTerms, PendingApproval, ProtectionRules, Refusal,
    RefusalReason, Request, UnknownReason,
};
pub use builtin::BUILTIN_TOML;
pub use code_list::{Code, CodeIndex, CodeList, Group, GroupIndex, MAX_CODES, MAX_LEVELS, Node};
pub use code_set::CodeSet;
pub use codebook::{Codebook, CodebookErrors};
pub use dataset::{Dataset, MAX_MEASURE_BOUND, Measure, Unit, Variable};
pub use decimal::{DecimalError, format_decimal, parse_decimal};
pub use document::{MAX_TEXT_BYTES, Problem};
pub use ids::{EditionId, Hash256, IdError, QueryId, SupplierId};
pub use label::{Label, Lang};
pub use plan::{
    Axis, AxisCode, AxisKind, AxisValue, Bin, Block, Cell, CoarserLevel, Column, DEFAULT_CELL_LIMIT, NO_POSITION,
    Output, OutputKind, Plan, PlanError, PlanLimits,
};
pub use query::{
    Detail, Epsilon, Figure, GroupAxis, Histogram, MAX_AXES, MAX_DOCUMENT_BYTES, MAX_QUERY_BYTES, NotAnEpsilon,
    PrivacyBudget, Probability, Query, QueryError, RowFilter,
};
pub use timestamp::{Timestamp, TimestampError};
