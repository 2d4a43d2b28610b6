//! One valid message, and what becomes of it when one condition is altered: the check that
//! is responsible refuses it, and nobody connects anywhere before that check.

use std::collections::BTreeSet;

use opsh_snsmessage::Refusal;
use serde_json::Value;

use crate::case::Case;

mod certificates;
mod form;
mod places;
mod signatures;
mod times;
mod topics;

/// How a case is altered.
pub enum Alter {
    /// A field is given another text.
    Set(&'static str, &'static str),
    /// A field is given another text, and all is signed again.
    Sign(&'static str, &'static str),
    /// A field is given this JSON.
    Json(&'static str, &'static str),
    /// A field is taken away.
    Remove(&'static str),
    /// These fields are put before all others, in the JSON itself.
    Before(&'static str),
    /// The body is this instead.
    Body(&'static str),
    /// Anything else.
    By(fn(&mut Case)),
}

/// A name, what is altered, who refuses it.
pub type Forgery = (&'static str, Alter, &'static str);

impl Alter {
    fn apply(&self, case: &mut Case) {
        match self {
            Self::Set(field, text) => case.set(field, *text),
            Self::Sign(field, text) => {
                case.set(field, *text);
                case.sign();
            }
            Self::Json(field, json) => {
                let value: Value = serde_json::from_str(json).expect("JSON");
                case.set(field, value);
            }
            Self::Remove(field) => {
                case.fields.remove(*field).expect("it is there");
            }
            Self::Before(fields) => {
                let json = String::from_utf8(case.json()).expect("text");
                case.body = Some(format!("{{{fields},{}", &json[1..]).into_bytes());
            }
            Self::Body(body) => case.body = Some(body.as_bytes().to_vec()),
            Self::By(alter) => alter(case),
        }
    }
}

/// The refusal as the tables name it.
pub fn verdict(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Twice(field) => format!("Twice {field}"),
        Refusal::Missing(field) => format!("Missing {field}"),
        Refusal::Content(field) => format!("Content {field}"),
        Refusal::Place { oddity, .. } => format!("Place {oddity:?}"),
        Refusal::Redirected(status) => format!("Redirected {status}"),
        Refusal::Status(status) => format!("Status {status}"),
        other => {
            let shown = format!("{other:?}");
            shown
                .split([' ', '('])
                .next()
                .unwrap_or_default()
                .to_owned()
        }
    }
}

/// Delivers forgeries; `allowed` is what each fetches: nothing, or the certificate.
pub fn refused(base: fn() -> Case, forgeries: &[Forgery], allowed: &[String]) {
    delivered(base, forgeries, allowed, false);
}

/// Delivers forgeries to who has proved a genuine message before: nothing is fetched any more.
pub fn refused_without_connecting(base: fn() -> Case, forgeries: &[Forgery]) {
    delivered(base, forgeries, &[], true);
}

fn delivered(base: fn() -> Case, forgeries: &[Forgery], allowed: &[String], acquainted: bool) {
    let names: BTreeSet<_> = forgeries.iter().map(|(name, ..)| name).collect();
    assert_eq!(names.len(), forgeries.len(), "names are unique");
    let mut wrong = Vec::new();
    for (name, alter, wanted) in forgeries {
        let mut case = base();
        alter.apply(&mut case);
        if acquainted {
            case.acquaint(base());
        }
        let got = match case.deliver() {
            Ok(_) => "believed".to_owned(),
            Err(refusal) => verdict(&refusal),
        };
        let fetched = case.fetches();
        if got != *wanted || fetched != allowed {
            wrong.push(format!(
                "{name}: {got} instead of {wanted}, fetched {fetched:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
