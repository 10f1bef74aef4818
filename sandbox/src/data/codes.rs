//! The built-in codebook's codes of made-up values: the meeting point of what was made up and what comes back.

use super::suspects::{Outcome, Stage};
use super::victim::{Form, Sex};

/// The code of a form of exploitation.
pub const fn form(form: Form) -> &'static str {
    match form {
        Form::DomesticSexual => "sexual-domestic",
        Form::CrossBorderSexual => "sexual-cross-border",
        Form::Labour => "labour",
        Form::Criminal => "criminal",
        Form::OrganRemoval => "organ-removal",
        Form::CrossBorderRecruitment => "recruitment-sub-3",
        Form::Unknown => "unknown",
    }
}

/// The code of a sex.
pub const fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Female => "F",
        Sex::Male => "M",
        Sex::Unknown => "U",
    }
}

/// The code of a link of the criminal-justice chain.
pub const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Signal => "signal",
        Stage::Investigation => "investigation",
        Stage::Prosecution => "prosecution",
        Stage::Trial => "trial",
        Stage::Sentence => "sentence",
        Stage::Resocialisation => "resocialisation",
    }
}

/// The code of an outcome.
pub const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pending => "pending",
        Outcome::NotPursued => "not-pursued",
        Outcome::TechnicalDismissal => "technical-dismissal",
        Outcome::PolicyDismissal => "policy-dismissal",
        Outcome::Acquittal => "acquittal",
        Outcome::Conviction => "conviction",
    }
}
