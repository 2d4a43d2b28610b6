//! `CALL in PATH`: a read and what of its result is looked at, and the clauses that stand
//! on it: `before` (what a call would change instead of making it), `among` (which of the
//! things that it names a call changes) and `found` (how what carries a stack's tag is found).

use crate::list::Call;
use crate::{Error, Result};

/// A read, and where in its result the items are.
#[derive(Debug)]
pub struct Look {
    pub call: Call,
    pub within: String,
}

/// Pairs of places where the same must stand.
pub type Same = Vec<(String, String)>;

/// `before CALL in PATH [where A = B, …] [if PARAMETER]`, or
/// `among CALL in PATH [where A = B, …] [as SOURCE]`.
#[derive(Debug)]
pub struct Before {
    pub look: Look,
    pub same: Same,
    pub only_if: Option<String>,
    /// What of each item is kept, if every one counts.
    pub every: Option<String>,
    /// `restore CALL, …`, a clause of its own.
    pub restore: Vec<Call>,
}

/// `found CALL in PATH [as ID]` and the clauses behind it.
#[derive(Debug)]
pub struct Found {
    pub look: Look,
    /// The id, where the end of the path in `makes` is not it.
    pub id: Option<String>,
    pub tagged: Tagged,
    pub unless: Vec<(String, Vec<String>)>,
    pub owner: Option<String>,
    pub rank: usize,
}

/// Where the stack's tag is.
#[derive(Debug)]
pub enum Tagged {
    Filtered,
    At(String),
    Asked(Look),
    Of(String, Same),
}

/// Reads one call.
pub trait ReadCall: Fn(&str) -> Result<Call> {}
impl<F: Fn(&str) -> Result<Call>> ReadCall for F {}

fn look(text: &str, call: &impl ReadCall) -> Result<Look> {
    let (read, within) = text
        .split_once(" in ")
        .ok_or_else(|| Error(format!("'{text}' does not say where: CALL in PATH")))?;
    Ok(Look {
        call: call(read)?,
        within: within.trim().to_owned(),
    })
}

fn same(text: &str) -> Result<Same> {
    text.split(", ")
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            pair.split_once(" = ")
                .map(|(left, right)| (left.to_owned(), right.to_owned()))
                .ok_or_else(|| Error(format!("'{pair}' must be PATH = PATH")))
        })
        .collect()
}

/// What stands behind `before`.
pub fn before(text: &str, call: impl ReadCall) -> Result<Before> {
    let (text, only_if) = match text.split_once(" if ") {
        Some((text, parameter)) => (text, Some(parameter.trim().to_owned())),
        None => (text, None),
    };
    let (text, conditions) = text.split_once(" where ").unwrap_or((text, ""));
    Ok(Before {
        look: look(text, &call)?,
        same: same(conditions)?,
        only_if,
        every: None,
        restore: Vec::new(),
    })
}

/// What stands behind `among`.
pub fn among(text: &str, call: impl ReadCall) -> Result<Before> {
    let (text, kept) = text.split_once(" as ").unwrap_or((text, "found"));
    Ok(Before {
        every: Some(kept.trim().to_owned()),
        ..before(text, call)?
    })
}

/// What stands behind `found`.
pub fn found(text: &str, call: impl ReadCall) -> Result<Found> {
    let (text, id) = match text.split_once(" as ") {
        Some((text, id)) => (text, Some(id.trim().to_owned())),
        None => (text, None),
    };
    Ok(Found {
        look: look(text, &call)?,
        id,
        tagged: Tagged::Filtered,
        unless: Vec::new(),
        owner: None,
        rank: 0,
    })
}

impl Found {
    /// Takes a clause that stands behind `found`: its first word and the rest.
    pub fn clause(&mut self, word: &str, rest: &str, call: impl ReadCall) -> Result<()> {
        match word {
            "tagged" if rest.contains(" in ") => self.tagged = Tagged::Asked(look(rest, &call)?),
            "tagged" => self.tagged = Tagged::At(rest.to_owned()),
            "of" => {
                let (kind, conditions) = rest.split_once(" where ").unwrap_or((rest, ""));
                self.tagged = Tagged::Of(kind.to_owned(), same(conditions)?);
            }
            "unless" => {
                let (path, values) = rest
                    .split_once(" is ")
                    .ok_or_else(|| Error(format!("'{rest}' must be PATH is VALUE …")))?;
                let values = values.split_whitespace().map(str::to_owned).collect();
                self.unless.push((path.to_owned(), values));
            }
            "owner" => self.owner = Some(rest.to_owned()),
            "rank" => {
                self.rank = rest
                    .parse()
                    .map_err(|_| Error(format!("the rank '{rest}' is no number")))?;
            }
            _ => return Err(Error(format!("unknown clause '{word} {rest}'"))),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<Call> {
        Ok(Call {
            operation: text.to_owned(),
            arguments: Vec::new(),
        })
    }

    #[test]
    fn what_is_there_before_has_conditions() {
        let before = before(
            "look(a: input.a) in result.items[] where found.b = input.b if overwrite",
            read,
        )
        .unwrap();
        assert_eq!(before.look.call.operation, "look(a: input.a)");
        assert_eq!(before.look.within, "result.items[]");
        assert_eq!(before.same, [("found.b".into(), "input.b".to_owned())]);
        assert_eq!(before.only_if.as_deref(), Some("overwrite"));
    }

    #[test]
    fn what_is_among_the_named_is_kept_in_part() {
        let among = among(
            r#"look(a: input.a) in result.items[] where found.b = =["x","y"] as found.c"#,
            read,
        )
        .unwrap();
        assert_eq!(among.same, [("found.b".into(), r#"=["x","y"]"#.to_owned())]);
        assert_eq!(among.every.as_deref(), Some("found.c"));
    }

    #[test]
    fn what_is_found_says_where_its_tags_are() {
        let mut found = found("list() in result.items[] as {input.a}/{result}", read).unwrap();
        assert_eq!(found.id.as_deref(), Some("{input.a}/{result}"));
        found
            .clause("tagged", "tags(of: result.arn) in result.tags", read)
            .unwrap();
        assert!(matches!(&found.tagged, Tagged::Asked(look) if look.within == "result.tags"));
        found
            .clause("of", "a:b where result.c = input.d", read)
            .unwrap();
        assert!(
            matches!(&found.tagged, Tagged::Of(kind, same) if kind == "a:b" && same.len() == 1)
        );
        found
            .clause("unless", "result.state is going gone", read)
            .unwrap();
        assert_eq!(found.unless[0].1, ["going", "gone"]);
        let error = found.clause("rank", "high", read).unwrap_err();
        assert_eq!(error.to_string(), "the rank 'high' is no number");
    }
}
