//! What releases made before mean for a table, as far as that can be said before anything is counted.

use std::io::{self, Write};

use optelsom_codebook::Lang;
use optelsom_disclosure::{Overlap, OverlapKind};

/// Writes which releases of the same edition a table would overlap with, and what may come of it.
///
/// # Errors
/// When the output cannot be written.
pub fn write_overlaps(out: &mut dyn Write, overlaps: &[Overlap], lang: Lang) -> io::Result<()> {
    let none = match lang {
        Lang::En => "No earlier release of this edition overlaps with it.",
        Lang::Nl => "Geen eerdere uitgave over deze editie overlapt ermee.",
    };
    if overlaps.is_empty() {
        return writeln!(out, "{none}");
    }
    overlaps.iter().try_for_each(|overlap| writeln!(out, "{}", sentence(*overlap, lang)))
}

fn sentence(Overlap { query, kind }: Overlap, lang: Lang) -> String {
    let query = query.short();
    match (kind, lang) {
        (OverlapKind::Same, Lang::En) => {
            format!("The release of query {query} asks the same of the same suppliers: the same table will come out.")
        }
        (OverlapKind::Same, Lang::Nl) => {
            format!(
                "De uitgave van vraag {query} vraagt hetzelfde van dezelfde leveranciers: er komt dezelfde tabel uit."
            )
        }
        (OverlapKind::Differences { cells, other_suppliers }, Lang::En) => {
            let of = if other_suppliers { ", of other suppliers," } else { "" };
            format!(
                "The release of query {query}{of} overlaps with it: {cells} differences of its cells and those of this table \
                 would be known. Where one is of too few, more of this table is hidden, or it is refused."
            )
        }
        (OverlapKind::Differences { cells, other_suppliers }, Lang::Nl) => {
            let of = if other_suppliers { ", van andere leveranciers," } else { "" };
            format!(
                "De uitgave van vraag {query}{of} overlapt ermee: van {cells} cellen zou het verschil met deze tabel bekend \
                 zijn. Waar dat er te weinig telt, wordt meer van deze tabel verborgen, of wordt zij geweigerd."
            )
        }
        (OverlapKind::TooMuch, Lang::En) => format!(
            "Together with earlier releases, such as that of query {query}, it may be too much to be checked: then its largest \
             groupings are hidden, or it is refused. Ask for fewer axes and codes."
        ),
        (OverlapKind::TooMuch, Lang::Nl) => format!(
            "Samen met eerdere uitgaven, zoals die van vraag {query}, kan zij te groot zijn om na te gaan: dan worden de \
             grootste uitsplitsingen verborgen, of wordt zij geweigerd. Vraag minder assen en codes."
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use optelsom_codebook::QueryId;

    use super::*;

    fn written(kinds: &[OverlapKind], lang: Lang) -> String {
        let overlaps: Vec<_> =
            kinds.iter().map(|&kind| Overlap { query: QueryId::from_bytes([7; 32]), kind }).collect();
        let mut out = Vec::new();
        write_overlaps(&mut out, &overlaps, lang).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_overlap_names_its_query_and_what_may_come_of_it() {
        let differences = |other_suppliers| OverlapKind::Differences { cells: 3, other_suppliers };
        for lang in [Lang::En, Lang::Nl] {
            assert_eq!(written(&[], lang).lines().count(), 1);
            let kinds = [OverlapKind::Same, differences(false), differences(true), OverlapKind::TooMuch];
            let text = written(&kinds, lang);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), 4);
            assert!(lines.iter().all(|line| line.contains(&QueryId::from_bytes([7; 32]).short())), "{text}");
            assert!(lines[1].contains(" 3 ") && lines[2].len() > lines[1].len(), "{text}");
        }
    }
}
