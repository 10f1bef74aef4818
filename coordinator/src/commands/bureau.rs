//! What the bureau's operator tells a running coordinator.

use optelsom_codebook::Timestamp;
use optelsom_proto::output::print_line;
use optelsom_proto::v1::bureau_service_client::BureauServiceClient;
use optelsom_proto::{Credentials, Target, dial, v1};
use tonic::transport::Channel;

use super::{Connection, Failure};

async fn connect(connection: &Connection) -> Result<BureauServiceClient<Channel>, Failure> {
    let credentials = Credentials::read(&connection.certificate, &connection.key, &connection.authority)?;
    let target = Target::new(&connection.coordinator, connection.server_name.as_deref(), connection.proxy.clone())?;
    Ok(BureauServiceClient::new(dial(&credentials, &target).await?.channel))
}

fn name(query: String) -> v1::QueryName {
    v1::QueryName { name: Some(v1::query_name::Name::Prefix(query)) }
}

fn moment(millis: u64) -> String {
    if millis == 0 { "never".to_owned() } else { Timestamp::from_millis(millis).to_string() }
}

pub(super) async fn announce(connection: &Connection, dataset: String, edition: String) -> Result<(), Failure> {
    let request = v1::AnnounceEditionRequest { dataset, edition };
    let announced = connect(connection).await?.announce_edition(request).await?.into_inner();
    let at = moment(announced.announced_at);
    Ok(print_line(format_args!("{} {} announced at {at}", announced.dataset, announced.edition))?)
}

pub(super) async fn cancel(connection: &Connection, query: String) -> Result<(), Failure> {
    let told = connect(connection).await?.cancel_query(name(query)).await?.into_inner();
    Ok(print_line(format_args!("told to give up {}", hex::encode(told.query)))?)
}

pub(super) async fn void(connection: &Connection, query: String) -> Result<(), Failure> {
    let told = connect(connection).await?.void_query(name(query)).await?.into_inner();
    Ok(print_line(format_args!("told to have {} declared void", hex::encode(told.query)))?)
}

pub(super) async fn status(connection: &Connection) -> Result<(), Failure> {
    let status = connect(connection).await?.status(v1::StatusRequest {}).await?.into_inner();
    let (codebook, roster) = (hex::encode(status.codebook), hex::encode(status.roster));
    print_line(format_args!("{}, codebook {codebook}, roster {roster}", status.software))?;
    for node in status.nodes {
        let attends =
            if node.attending { "attends".to_owned() } else { format!("last seen {}", moment(node.last_seen)) };
        let mut remarks = Vec::new();
        if node.last_seen > 0 && !node.codebook_matches {
            remarks.push("OTHER CODEBOOK");
        }
        if node.last_seen > 0 && !node.roster_matches {
            remarks.push("OTHER ROSTER");
        }
        let remarks = remarks.join(" ");
        print_line(format_args!("node {:<40} {attends} {} {remarks}", node.supplier, node.software))?;
        for holding in node.holdings {
            print_line(format_args!(
                "  {} {}-{} editions {}",
                holding.dataset,
                holding.first_year,
                holding.last_year,
                holding.editions.join(" ")
            ))?;
        }
    }
    for query in status.running {
        print_line(format_args!(
            "query {} {} {} by {} until {}",
            hex::encode(query.query),
            query.dataset,
            query.edition,
            query.purpose,
            moment(query.expires_at)
        ))?;
    }
    Ok(())
}
