//! What a reader of a table has to know beside its figures.

use std::fmt;

use optelsom_codebook::{Label, Lang, RefusalReason, SupplierId};
use serde::{Deserialize, Serialize};

/// Something that the reader has to know. The names are stable: files and scripts rely on them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Note {
    /// A row of the data may have several codes of this variable, so its counts don't add up to their total.
    MultipleValued {
        /// Its name.
        variable: String,
        /// Its name for people.
        label: Label,
    },
    /// The table is about rows that have one of the codes shown; the other codes that such a row may have are not shown.
    OtherCodesNotShown {
        /// The multiple-valued variable.
        variable: String,
        /// Its name for people.
        label: Label,
    },
    /// Counts are rounded to a multiple of a base, each by itself, so that parts need not add up to their total.
    Rounded,
    /// Every figure has noise in it, for differential privacy.
    Noised {
        /// ε, such as `0.5`.
        epsilon: String,
        /// What ε is about: `report` or `person`, one row of the data.
        unit: String,
    },
    /// Whole groupings are hidden: together with earlier releases they are too much to be checked.
    GroupingsWithheld,
    /// No row was counted at all: every figure is a true zero or does not apply.
    NothingCounted,
    /// Fewer suppliers took part than were asked.
    IncompleteTotal {
        /// How many were asked.
        asked: usize,
        /// How many took part.
        taking_part: usize,
    },
    /// A supplier that was asked did not take part.
    SupplierAbsent {
        /// Which.
        supplier: SupplierId,
        /// Why.
        reason: Absence,
    },
    /// An agreement asks for a higher minimum frequency than the codebook.
    StricterMinimumFrequency {
        /// The k that was applied.
        minimum_frequency: u64,
        /// The codebook's.
        codebook: u64,
    },
    /// An agreement asks for stricter rules on contributors or rounding than the codebook. Which ones stays out of what is
    /// published.
    StricterRules,
}

/// Why a supplier took no part in a total.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Absence {
    /// Its node refused, with the stable code of a refusal's reason.
    Refused {
        /// Such as `outside-period`.
        code: String,
    },
    /// Its node did not answer before the deadline.
    NoAnswer,
    /// Its node was lost during the round, and the round was done again without it.
    Lost,
}

/// The reason in words; the code itself where this version does not know it.
fn refusal(code: &str, lang: Lang) -> &str {
    code.parse().map_or(code, |reason: RefusalReason| reason.explain(lang))
}

impl Absence {
    /// Refused for this reason.
    pub fn refused(reason: RefusalReason) -> Self {
        Self::Refused { code: reason.code().to_owned() }
    }

    /// In words.
    pub fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Refused { code }, Lang::En) => format!("refused: {}", refusal(code, lang)),
            (Self::Refused { code }, Lang::Nl) => format!("weigerde: {}", refusal(code, lang)),
            (Self::NoAnswer, Lang::En) => "gave no answer in time".to_owned(),
            (Self::NoAnswer, Lang::Nl) => "antwoordde niet op tijd".to_owned(),
            (Self::Lost, Lang::En) => "was lost during the round".to_owned(),
            (Self::Lost, Lang::Nl) => "viel tijdens de ronde uit".to_owned(),
        }
    }
}

impl Note {
    /// The stable name, as in JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MultipleValued { .. } => "multiple-valued",
            Self::OtherCodesNotShown { .. } => "other-codes-not-shown",
            Self::Rounded => "rounded",
            Self::Noised { .. } => "noised",
            Self::GroupingsWithheld => "groupings-withheld",
            Self::NothingCounted => "nothing-counted",
            Self::IncompleteTotal { .. } => "incomplete-total",
            Self::SupplierAbsent { .. } => "supplier-absent",
            Self::StricterMinimumFrequency { .. } => "stricter-minimum-frequency",
            Self::StricterRules => "stricter-rules",
        }
    }

    /// The note in words: one sentence.
    pub fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::En => self.english(),
            Lang::Nl => self.dutch(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::MultipleValued { label, .. } => {
                format!("One row may have several values of “{}”: its counts do not add up to the total.", label.en)
            }
            Self::OtherCodesNotShown { label, .. } => {
                format!("The rows were selected by “{}”; further values that they have of it are not shown.", label.en)
            }
            Self::Rounded => "Counts are rounded, each by itself: parts need not add up to their total.".to_owned(),
            Self::Noised { epsilon, unit } => format!(
                "Each figure has random noise in it, so that no single {unit} can be told from the table (differential \
                 privacy, ε = {epsilon}). The truth lies within the interval given in at least 95 of 100 figures. A figure \
                 can be below nought, and parts need not add up to their total."
            ),
            Self::GroupingsWithheld => {
                "Some groupings are hidden as a whole: together with the releases made before they are \
                                        too much to be checked."
                    .to_owned()
            }
            Self::NothingCounted => "No row was counted at all.".to_owned(),
            Self::IncompleteTotal { asked, taking_part } => {
                format!("Incomplete: {taking_part} of the {asked} suppliers asked took part.")
            }
            Self::SupplierAbsent { supplier, reason } => format!("Supplier {supplier} {}.", reason.text(Lang::En)),
            Self::StricterMinimumFrequency { minimum_frequency, codebook } => format!(
                "Cells under {minimum_frequency} are hidden, as a supplier's agreement asks (codebook: {codebook})."
            ),
            Self::StricterRules => {
                "More is hidden or rounded than the codebook asks for, as a supplier's agreement wants.".to_owned()
            }
        }
    }

    fn dutch(&self) -> String {
        match self {
            Self::MultipleValued { label, .. } => {
                format!(
                    "Een rij kan meer waarden van “{}” hebben: de aantallen tellen niet op tot het totaal.",
                    label.nl
                )
            }
            Self::OtherCodesNotShown { label, .. } => {
                format!(
                    "De rijen zijn gekozen op “{}”; andere waarden die zij daarvan hebben, staan er niet bij.",
                    label.nl
                )
            }
            Self::Rounded => {
                "Aantallen zijn afgerond, elk apart: delen hoeven niet op te tellen tot hun totaal.".to_owned()
            }
            Self::Noised { epsilon, unit } => {
                let one = if unit == "person" { "persoon" } else { "melding" };
                format!(
                    "In elk cijfer zit willekeurige ruis, zodat geen enkele {one} uit de tabel is af te leiden (differential \
                     privacy, ε = {epsilon}). De waarheid ligt in ten minste 95 van de 100 cijfers binnen het gegeven \
                     interval. Een cijfer kan onder nul liggen, en delen tellen niet altijd op tot hun totaal."
                )
            }
            Self::GroupingsWithheld => "Sommige uitsplitsingen zijn in hun geheel verborgen: samen met wat eerder is \
                                        uitgegeven, zijn zij te groot om na te gaan."
                .to_owned(),
            Self::NothingCounted => "Er is geen enkele rij geteld.".to_owned(),
            Self::IncompleteTotal { asked, taking_part } => {
                format!("Onvolledig: {taking_part} van de {asked} gevraagde leveranciers deden mee.")
            }
            Self::SupplierAbsent { supplier, reason } => format!("Leverancier {supplier} {}.", reason.text(Lang::Nl)),
            Self::StricterMinimumFrequency { minimum_frequency, codebook } => format!(
                "Cellen onder {minimum_frequency} zijn verborgen, zoals de overeenkomst van een leverancier vraagt \
                 (codeboek: {codebook})."
            ),
            Self::StricterRules => {
                "Er is meer verborgen of afgerond dan het codeboek vraagt, omdat een leverancier dat in zijn overeenkomst wil."
                    .to_owned()
            }
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english())
    }
}
