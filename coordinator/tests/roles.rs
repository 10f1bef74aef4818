//! Every role against every call, over real connections.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use federation::{Federation, target};
use optelsom_proto::gate::{Call, permitted};
use optelsom_proto::{Role, RoleKind, dial};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

async fn call(channel: &Channel, path: &'static str) -> Code {
    let mut client = Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let nothing = Request::new(tokio_stream::iter(std::iter::empty::<()>()));
    let codec = ProstCodec::<(), ()>::default();
    match client.streaming(nothing, PathAndQuery::from_static(path), codec).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}

#[tokio::test]
async fn the_table_holds_for_every_role_and_call() {
    let federation = Federation::new();
    let running = federation.start().await;
    for uri in ["optelsom:node:police", "optelsom:analyst:analyst-1", "optelsom:operator:duty", "optelsom:auditor:dpa"]
    {
        let role: Role = uri.parse().unwrap();
        let channel = federation.connect(&running, uri).await.channel;
        for known in Call::ALL {
            let refused = call(&channel, known.path()).await == Code::PermissionDenied;
            assert_eq!(!refused, permitted(role.kind(), known), "{uri} {known:?}");
        }
        assert_eq!(call(&channel, "/optelsom.v1.NodeService/Nothing").await, Code::Unimplemented);
    }
    running.shutdown().await;
}

/// A coordinator's certificate is good for listening only: with it nobody gets as far as a call.
#[tokio::test]
async fn a_coordinators_certificate_calls_nothing() {
    let federation = Federation::new();
    let running = federation.start().await;
    let credentials = federation.credentials("optelsom:coordinator");
    if let Ok(connection) = dial(&credentials, &target(&running)).await {
        let mut client = Grpc::new(connection.channel);
        let ready = client.ready().await.is_ok();
        assert!(!ready || call_fails(&mut client).await);
    }
    assert!(Call::ALL.into_iter().all(|call| !permitted(RoleKind::Coordinator, call)));
    running.shutdown().await;
}

async fn call_fails(client: &mut Grpc<Channel>) -> bool {
    let nothing = Request::new(tokio_stream::iter(std::iter::empty::<()>()));
    let path = PathAndQuery::from_static(Call::Status.path());
    client.streaming(nothing, path, ProstCodec::<(), ()>::default()).await.is_err()
}
