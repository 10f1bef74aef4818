mod dialect;
pub(crate) use dialect::{EDITION, is_askable_name};
