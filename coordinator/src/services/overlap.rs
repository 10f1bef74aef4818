//! What is known beforehand of a table beside those released before, as analysts are told.

use std::sync::Arc;

use optelsom_codebook::{PlanLimits, SupplierId};
use optelsom_disclosure::{Overlap, OverlapKind};
use optelsom_proto::v1;
use optelsom_proto::v1::overlap::Kind;
use tokio::task::spawn_blocking;
use tonic::Status;

use crate::driver;
use crate::shared::Shared;

/// The releases that a table of this document would overlap with, if all of the scope take part; none without a document.
pub(super) async fn overlaps(
    shared: &Arc<Shared>,
    dataset: &str,
    document: &[u8],
    scope: &[String],
) -> Result<Vec<v1::Overlap>, Status> {
    if document.is_empty() {
        return Ok(Vec::new());
    }
    let plan = driver::plan(&shared.codebook, document, PlanLimits::default())
        .map_err(|error| Status::invalid_argument(format!("the question whose overlaps are asked for: {error}")))?;
    let Some(edition) = plan.query().edition().cloned() else { return Ok(Vec::new()) };
    let scope = scope.iter().filter_map(|name| SupplierId::try_from(name.as_str()).ok()).collect();
    // Waits for a release that is being made: it may be one of them.
    let mut releasing = shared.histories.lock().await;
    let history = releasing.of(&shared.store, &shared.codebook, (dataset, &edition)).await;
    drop(releasing);
    let history = history.map_err(|cause| Status::unavailable(cause.to_string()))?.before(scope);
    let overlaps = spawn_blocking(move || history.overlaps(&plan)).await;
    let overlaps = overlaps.map_err(|cause| Status::internal(cause.to_string()))?;
    Ok(overlaps.map_err(|cause| Status::internal(cause.to_string()))?.into_iter().map(wire).collect())
}

fn wire(overlap: Overlap) -> v1::Overlap {
    let kind = match overlap.kind {
        OverlapKind::Same => Kind::Same(v1::SameTable {}),
        OverlapKind::Differences { cells, other_suppliers } => {
            Kind::Differences(v1::Differences { cells: cells as u64, other_suppliers })
        }
        OverlapKind::TooMuch => Kind::TooMuch(v1::TooMuch {}),
    };
    v1::Overlap { query: overlap.query.as_bytes().to_vec(), kind: Some(kind) }
}
