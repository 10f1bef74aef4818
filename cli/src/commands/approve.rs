//! `optelsom approve`: a second person looks at a question, and signs exactly what is shown.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write as _};

use optelsom_codebook::{Codebook, Lang, Query, QueryId};
use optelsom_ledger::entry::Approval;
use optelsom_proto::key_file::read_identity;
use optelsom_proto::output::complain;
use optelsom_proto::wire::Asked;

use super::{Session, print};
use crate::arguments::ApproveArguments;
use crate::failure::{Failure, printable};
use crate::federation::Federation;
use crate::words::words;

pub(super) async fn run(session: Session<'_>, arguments: &ApproveArguments) -> Result<(), Failure> {
    let configuration = session.configuration()?;
    let lang = session.lang(Some(&configuration));
    let mut federation = Federation::open(&configuration).await?;
    let catalogue = federation.catalogue().await?;
    let codebook = &catalogue.codebook;
    let waiting = federation.pending().await?;
    let Some(digits) = &arguments.id else {
        return print(listing(&waiting, codebook, lang).as_bytes());
    };
    let mut named = waiting.iter().filter(|asked| asked.query().entry.id().to_string().starts_with(digits.as_str()));
    let (Some(asked), None) = (named.next(), named.next()) else {
        return Err(Failure::Usage(format!(
            "no one query beginning with `{digits}` waits for a second person; `optelsom approve` lists those that do"
        )));
    };
    // λ is computed from the very bytes that are shown here, so no other question can be slipped under the signature.
    let id = asked.query().entry.id();
    print(shown(asked, codebook, lang).as_bytes())?;
    if !arguments.yes && !agreed(&id, lang)? {
        return Err(Failure::Usage(words(lang, "niet goedgekeurd", "not approved").to_owned()));
    }
    let key = read_identity(&configuration.identity).map_err(Failure::from)?;
    let own = catalogue.roster.requesters().iter().find(|requester| requester.identity == key.public());
    let own = own.ok_or_else(|| Failure::NotAuthorised("your identity is not on the roster".to_owned()))?;
    federation.approve(&id, &Approval::sign(&key, &own.key_id, &id)).await?;
    complain(format_args!("{} {}", id.short(), words(lang, "is goedgekeurd", "is approved")));
    Ok(())
}

fn listing(waiting: &[Asked], codebook: &Codebook, lang: Lang) -> String {
    if waiting.is_empty() {
        return format!(
            "{}\n",
            words(lang, "Geen vraag wacht op een tweede persoon.", "No query waits for a second person.")
        );
    }
    waiting.iter().map(|asked| shown(asked, codebook, lang) + "\n").collect()
}

/// Everything that the signature stands for.
fn shown(asked: &Asked, codebook: &Codebook, lang: Lang) -> String {
    let entry = &asked.query().entry;
    let document = String::from_utf8_lossy(asked.document());
    let sql = Query::from_json(codebook, &document).map(|query| query.to_sql());
    let scope: Vec<_> = entry.scope.iter().map(ToString::to_string).collect();
    let lines = [
        (words(lang, "Vraag", "Question"), sql.unwrap_or_else(|_| printable(&document))),
        (words(lang, "Doel", "Purpose"), printable(&entry.purpose)),
        (words(lang, "Gevraagd door", "Asked by"), format!("{}, {}", printable(&entry.requester), entry.asked_at)),
        (words(lang, "Gegevens", "Data"), format!("{}, {}", printable(&entry.dataset), entry.edition)),
        (words(lang, "Aan", "Put to"), scope.join(", ")),
        (words(lang, "Ten minste", "At least"), entry.min_suppliers.to_string()),
        (words(lang, "Uiterlijk", "Until"), entry.expires_at.to_string()),
        (words(lang, "Kenmerk", "Identifier"), entry.id().to_string()),
    ];
    let mut text = String::new();
    for (label, value) in lines {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{label:<14} {value}");
    }
    text
}

fn agreed(id: &QueryId, lang: Lang) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage("to approve without being asked, say --yes".to_owned()));
    }
    let ask = words(lang, "Goedkeuren? Typ ja: ", "Approve it? Type yes: ");
    write!(io::stderr(), "{} {ask}", id.short()).map_err(Failure::Output)?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(Failure::Output)?;
    Ok(line.trim() == words(lang, "ja", "yes"))
}
