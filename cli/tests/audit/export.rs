//! Fetching the log from a coordinator's service: whole, after an interruption, and while it grows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use optelsom_cli::Failure;
use optelsom_cli::audit::export::{Exported, Source, export};
use optelsom_cli::audit::folder::Export;
use optelsom_codebook::Lang;
use optelsom_ledger::audit::Files;
use optelsom_proto::v1::ledger_service_server::{LedgerService, LedgerServiceServer};
use optelsom_proto::v1::{FilePart, ReadRequest};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status};

use crate::sample::Sample;
use crate::{accepted, audit, told};

#[derive(Default)]
struct Shelf {
    files: Files,
    /// What lies there once the log has grown, which it does at the first tile that is read.
    grown: Option<Files>,
    read: Vec<String>,
    /// Read so many more, then be gone.
    patience: Option<usize>,
}

#[derive(Clone, Default)]
struct Service(Arc<Mutex<Shelf>>);

type Parts = tokio_stream::Iter<std::vec::IntoIter<Result<FilePart, Status>>>;

#[tonic::async_trait]
impl LedgerService for Service {
    type ReadStream = Parts;

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<Parts>, Status> {
        let path = request.into_inner().path;
        let mut shelf = self.0.lock().unwrap();
        if shelf.patience == Some(0) {
            return Err(Status::unavailable("going down"));
        }
        shelf.patience = shelf.patience.map(|left| left - 1);
        if path.starts_with("tile/")
            && let Some(grown) = shelf.grown.take()
        {
            shelf.files = grown;
        }
        let file = shelf.files.get(&path).cloned().ok_or_else(|| Status::not_found("nothing there"))?;
        shelf.read.push(path);
        let parts: Vec<_> = file.chunks(300).map(|part| Ok(FilePart { bytes: part.to_vec() })).collect();
        Ok(Response::new(tokio_stream::iter(parts)))
    }
}

async fn fetch(service: &Service, folder: &Path) -> Result<Exported, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::builder().add_service(LedgerServiceServer::new(service.clone()));
    let serving = tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let channel = Channel::from_shared(address).unwrap().connect().await.unwrap();
    let done = export(Source::new(channel), &accepted(), folder, Lang::En).await;
    serving.abort();
    done
}

fn serving(files: Files) -> Service {
    Service(Arc::new(Mutex::new(Shelf { files, ..Shelf::default() })))
}

#[tokio::test]
async fn what_is_fetched_is_the_whole_log_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let files = Sample::good().files();
    let out = folder.path().join("export");
    let done = fetch(&serving(files.clone()), &out).await.unwrap();
    assert_eq!(done, Exported { entries: 31, files: files.len() + 1, missing: 0 });
    let read = Export::read(&out).unwrap();
    assert_eq!((read.files, read.trust), (files, Some(accepted().copy().into_bytes())));
    fs::write(folder.path().join("trust.toml"), Sample::trust().to_toml()).unwrap();
    assert_eq!(told(&audit(folder.path(), &["verify", "export"])).0, Some(0));
    // It makes a new folder, and nothing else.
    assert!(matches!(fetch(&serving(Files::new()), &out).await, Err(Failure::Usage(_))));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn an_interrupted_export_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("export");
    let service = serving(Sample::good().files());
    service.0.lock().unwrap().patience = Some(12);
    let interrupted = fetch(&service, &out).await.unwrap_err();
    assert_eq!(interrupted.code(), 4);
    assert!(!out.exists());
    let before: BTreeSet<String> = service.0.lock().unwrap().read.drain(..).collect();
    service.0.lock().unwrap().patience = None;
    fetch(&service, &out).await.unwrap();
    let after: BTreeSet<String> = service.0.lock().unwrap().read.drain(..).collect();
    // What may have changed is read again, and nothing else of what was there.
    let again: Vec<&String> = before.intersection(&after).collect();
    assert!(again.iter().all(|path| *path == "checkpoint" || path.contains(".p/")), "{again:?}");
    assert!(before.iter().any(|path| path.starts_with("documents/") && !after.contains(path)));
    assert_eq!(Export::read(&out).unwrap().files, Sample::good().files());
}

#[tokio::test]
async fn a_log_that_grows_meanwhile_is_fetched_as_it_is_then() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("export");
    let mut longer = Sample::good();
    longer.ask("SELECT COUNT(*) FROM victims WHERE year = 2017", None);
    let service = serving(Sample::good().files());
    service.0.lock().unwrap().grown = Some(longer.files());
    fetch(&service, &out).await.unwrap();
    assert_eq!(Export::read(&out).unwrap().files, longer.files());
}

#[tokio::test]
async fn what_is_withheld_is_left_to_the_audit_and_another_log_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Sample::good().files();
    let document = files.keys().find(|path| path.starts_with("documents/")).unwrap().clone();
    files.remove(&document);
    let done = fetch(&serving(files.clone()), &folder.path().join("export")).await.unwrap();
    assert_eq!(done.missing, 1);
    fs::write(folder.path().join("trust.toml"), Sample::trust().to_toml()).unwrap();
    assert_eq!(told(&audit(folder.path(), &["verify", "export"])).0, Some(11));
    let checkpoint = String::from_utf8(files["checkpoint"].clone()).unwrap().replacen("bureau", "another", 1);
    files.insert("checkpoint".to_owned(), checkpoint.into_bytes());
    assert_eq!(fetch(&serving(files), &folder.path().join("other")).await.unwrap_err().code(), 1);
}
