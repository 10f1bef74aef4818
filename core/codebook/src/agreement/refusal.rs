//! Why a node does not answer.

use std::fmt;
use std::str::FromStr;

use crate::label::Lang;

/// A refusal: its reason, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", .reason.code(), self.explain(Lang::En))]
pub struct Refusal {
    reason: RefusalReason,
    subject: String,
}

impl Refusal {
    /// A refusal for this reason. The subject names what was not agreed or where a limit lies; never what was counted.
    pub fn new(reason: RefusalReason, subject: impl Into<String>) -> Self {
        Self { reason, subject: subject.into() }
    }

    /// The reason.
    pub fn reason(&self) -> RefusalReason {
        self.reason
    }

    /// The variable, measure, year or limit that it is about; may be empty.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The reason in words, with its subject.
    pub fn explain(&self, lang: Lang) -> String {
        let words = self.reason.explain(lang);
        if self.subject.is_empty() { words.to_owned() } else { format!("{words} ({})", self.subject) }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $nl:literal, $en:literal;)*) => {
        /// Why a node does not answer, as a code that may leave it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RefusalReason {
            $($(#[$doc])* $name,)*
        }

        impl RefusalReason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code on the wire and in the journal.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The reason in words.
            pub const fn explain(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, Lang::Nl) => $nl, (Self::$name, Lang::En) => $en,)*
                }
            }
        }
    };
}

reasons! {
    /// The agreement doesn't hold yet, or holds no more.
    AgreementNotInForce = "agreement-not-in-force",
        "de overeenkomst geldt nog niet of niet meer", "the agreement does not hold yet, or holds no more";
    /// The dataset is not in the agreement.
    DatasetNotAgreed = "dataset-not-agreed",
        "de gegevensset staat niet in de overeenkomst", "the dataset is not in the agreement";
    /// A variable is not in the agreement.
    VariableNotAgreed = "variable-not-agreed",
        "een variabele staat niet in de overeenkomst", "a variable is not in the agreement";
    /// A measure is not in the agreement.
    MeasureNotAgreed = "measure-not-agreed",
        "een grootheid staat niet in de overeenkomst", "a measure is not in the agreement";
    /// The purpose is not in the agreement.
    PurposeNotAgreed = "purpose-not-agreed",
        "het doel staat niet in de overeenkomst", "the purpose is not in the agreement";
    /// The question asks years that were not agreed.
    OutsidePeriod = "outside-period",
        "de vraag gaat over jaren buiten de overeenkomst", "the question asks years outside the agreement";
    /// The sum would have too few suppliers.
    TooFewSuppliers = "too-few-suppliers",
        "de som zou over minder leveranciers gaan dan is overeengekomen",
        "the sum would have fewer suppliers than was agreed";
    /// The question has too many cells.
    TooManyCells = "too-many-cells",
        "de vraag heeft meer cellen dan is overeengekomen", "the question has more cells than was agreed";
    /// Enough questions were answered today.
    TooManyQueriesToday = "too-many-queries-today",
        "het aantal vragen voor vandaag is bereikt", "today's number of questions is reached";
    /// The agreement allows no answers with noise.
    NoiseNotAgreed = "noise-not-agreed",
        "antwoorden met ruis staan niet in de overeenkomst", "answers with noise are not in the agreement";
    /// The answers with noise about the dataset would go beyond the budget agreed.
    PrivacyBudgetSpent = "privacy-budget-spent",
        "het budget voor antwoorden met ruis is op", "the budget for answers with noise is spent";
    /// The supplier has not frozen this edition.
    EditionNotFrozen = "edition-not-frozen",
        "deze editie is bij de leverancier niet vastgelegd", "the supplier has not frozen this edition";
    /// The supplier doesn't hold the dataset or a variable.
    NotHeld = "not-held",
        "de leverancier houdt deze gegevens niet bij", "the supplier does not hold this";
    /// The supplier's operator said no.
    Denied = "denied",
        "de beheerder van de leverancier heeft de vraag afgewezen", "the supplier's operator denied the question";
    /// A total of the supplier lies beyond what can be added up.
    OutOfBounds = "out-of-bounds",
        "een lokaal totaal past niet binnen de grenzen van de som", "a local total lies beyond the bounds of the sum";
    /// The question breaks a rule of the protocol or of the node's operator.
    Policy = "policy",
        "de vraag strookt niet met de regels van de leverancier", "the question breaks a rule of the supplier";
    /// The node could not count, for a reason of its own.
    LocalFailure = "local-failure",
        "de node van de leverancier kon niet tellen", "the supplier's node could not count";
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A code that is no reason for refusing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a reason code")]
pub struct UnknownReason;

impl FromStr for RefusalReason {
    type Err = UnknownReason;

    fn from_str(code: &str) -> Result<Self, UnknownReason> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code).ok_or(UnknownReason)
    }
}
