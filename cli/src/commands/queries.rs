//! `optelsom fetch`, `watch` and `list`: queries that were asked before.

use optelsom_codebook::{Lang, QueryId};

use super::verify::Delivery;
use super::{Session, print};
use crate::arguments::FetchArguments;
use crate::browse::listing;
use crate::failure::{Failure, printable};
use crate::federation::{Federation, Moment, Summary, Wanted, follow};
use crate::progress::Progress;
use crate::words::words;

pub(super) async fn fetch(session: Session<'_>, arguments: &FetchArguments) -> Result<(), Failure> {
    let configuration = session.configuration()?;
    let delivery = Delivery::prepare(session, &arguments.output)?;
    let lang = session.lang(Some(&configuration));
    // Who reads the log but asks no questions has to write the whole identifier.
    if let (true, Ok(query)) = (delivery.is_bundle(), arguments.id.parse::<QueryId>()) {
        return delivery.bundle(&configuration, query, lang).await;
    }
    let events = Federation::open(&configuration).await?.fetch(&arguments.id).await?;
    let release = follow(events, lang, |_| ()).await?;
    delivery.deliver(&configuration, &release, lang).await
}

pub(super) async fn watch(session: Session<'_>, arguments: &FetchArguments) -> Result<(), Failure> {
    let configuration = session.configuration()?;
    let delivery = Delivery::prepare(session, &arguments.output)?;
    let lang = session.lang(Some(&configuration));
    let mut federation = Federation::open(&configuration).await?;
    let progress = Progress::new(lang);
    let tell = |moment: &Moment| {
        // That it was accepted is no news.
        if !matches!(moment, Moment::Accepted(_)) {
            progress.tell(moment);
        }
    };
    let release = federation.see_through(&configuration, Wanted::Earlier(&arguments.id), lang, tell).await?;
    drop(progress);
    delivery.deliver(&configuration, &release, lang).await
}

pub(super) async fn list(session: Session<'_>, most: u32) -> Result<(), Failure> {
    let configuration = session.configuration()?;
    let lang = session.lang(Some(&configuration));
    let queries = Federation::open(&configuration).await?.list(most).await?;
    print(text(&queries, lang).as_bytes())
}

fn text(queries: &[Summary], lang: Lang) -> String {
    if queries.is_empty() {
        return format!("{}\n", words(lang, "Er is nog niets gevraagd.", "Nothing has been asked yet."));
    }
    let mut table = listing();
    for query in queries {
        let going_on = words(lang, "loopt nog", "going on").to_owned();
        let ended = query.ended.as_ref().map_or(going_on, |ended| ended.text(lang));
        let asked_at = query.asked_at.to_string();
        let day = asked_at.get(..16).unwrap_or(&asked_at).replace('T', " ");
        table.add_row([query.query.short(), day, printable(&query.dataset), query.edition.to_string(), ended]);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    format!("{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use optelsom_codebook::{EditionId, Timestamp};

    use super::*;
    use crate::federation::Ended;

    #[test]
    fn lists_in_both_languages() {
        let query = |byte: u8, ended: Option<Ended>| Summary {
            query: QueryId::from_bytes([byte; 32]),
            dataset: "victims".to_owned(),
            edition: EditionId::try_from("2024-12").unwrap(),
            asked_at: Timestamp::from_millis(1_735_689_599_250),
            ended,
        };
        let abandoned = Ended::Abandoned("two suppliers absent at the deadline".to_owned());
        let queries = [query(1, None), query(2, Some(Ended::Opened)), query(3, Some(abandoned))];
        insta::assert_snapshot!(text(&queries, Lang::En), @r"
        010101010101  2024-12-31 23:59  victims  2024-12  going on
        020202020202  2024-12-31 23:59  victims  2024-12  table
        030303030303  2024-12-31 23:59  victims  2024-12  abandoned: two suppliers absent at the deadline
        ");
        insta::assert_snapshot!(text(&queries, Lang::Nl), @r"
        010101010101  2024-12-31 23:59  victims  2024-12  loopt nog
        020202020202  2024-12-31 23:59  victims  2024-12  tabel
        030303030303  2024-12-31 23:59  victims  2024-12  afgebroken: two suppliers absent at the deadline
        ");
        insta::assert_snapshot!(text(&[], Lang::En), @"Nothing has been asked yet.");
    }
}
