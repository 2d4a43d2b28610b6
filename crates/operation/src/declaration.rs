//! One operation, declared once: every surface is generated from this.

use crate::fault::FaultKind;
use crate::shape::{Shape, Structure};

/// One thing that a playbook can ask for, e.g. `ec2::run_instances`.
#[derive(Debug)]
pub struct Operation {
    /// The module it is called through, e.g. `ec2`; empty for none.
    pub module: &'static str,
    /// Its name in the module, e.g. `run_instances`.
    pub name: &'static str,
    /// The action that policies name, as IAM does, e.g. `ec2:RunInstances`.
    pub action: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Its parameters.
    pub input: &'static Structure,
    /// Names of the parameters that may be given by position, in order; the
    /// others come in a map behind them.
    pub positional: &'static [&'static str],
    /// What it returns.
    pub output: Shape,
    /// What it does to the world.
    pub effect: Effect,
    /// What it is known to fail with, beside what every operation may.
    pub raises: &'static [Raises],
    /// Rhai that runs on a freshly furnished embedded cloud; shown as help, executed as a test.
    pub example: &'static str,
}

impl Operation {
    /// `module::name`; the name alone of what belongs to no module.
    #[must_use]
    pub fn full_name(&self) -> String {
        if self.module.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}::{}", self.module, self.name)
        }
    }

    /// What the write declares; `None` for reads and pure functions.
    #[must_use]
    pub fn write(&self) -> Option<&Write> {
        match &self.effect {
            Effect::Write(write) => Some(write),
            Effect::Pure | Effect::Read => None,
        }
    }
}

/// An error that an operation is known to fail with.
#[derive(Debug)]
pub struct Raises {
    /// What a playbook switches on; nothing where it follows from the code.
    pub kind: Option<FaultKind>,
    /// The service's own code; empty if it has none.
    pub code: &'static str,
    /// When it does, in one sentence.
    pub doc: &'static str,
}

/// What an operation does to the world.
#[derive(Debug)]
pub enum Effect {
    /// Computes from its parameters alone: no step, no record.
    Pure,
    /// Looks at the world; its result is recorded, because branches depend on it.
    Read,
    /// Changes the world.
    Write(Write),
}

/// What a write declares beside its parameters.
#[derive(Debug)]
pub struct Write {
    /// How it is undone.
    pub inverse: Inverse,
    /// How an interrupted call is settled.
    pub settle: Settle,
    /// The resources that it makes.
    pub makes: &'static [Makes],
    /// The resources that it removes.
    pub removes: &'static [Removes],
    /// The parameter that takes tags, if the write can tag what it makes.
    pub tags: Option<&'static str>,
    /// How it is seen before the call that what it would make is there already; where
    /// that is not said, the service refuses to make it twice.
    pub before: Option<&'static Before>,
    /// The place in the result (`result` or `result.FIELD`) that says whether there was
    /// something, as it is seen before the call: sent again, the call sees its own doing.
    pub answers: Option<&'static str>,
    /// How what it makes is found by the stack's tag, whatever the ledger knows.
    pub found: Option<&'static Found>,
    /// The kind of resource with which what it makes goes: nobody need look for it.
    pub goes_with: Option<&'static str>,
}

impl Write {
    /// A write that makes no resource and takes no tags.
    #[must_use]
    pub const fn plain(inverse: Inverse, settle: Settle) -> Self {
        Self {
            inverse,
            settle,
            makes: &[],
            removes: &[],
            tags: None,
            before: None,
            answers: None,
            found: None,
            goes_with: None,
        }
    }
}

/// A read, and what of its result is looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Look {
    /// `module::name` of the read.
    pub operation: &'static str,
    /// Its arguments, as in [`InverseCall::arguments`].
    pub arguments: &'static [(&'static str, &'static str)],
    /// Where in its result the items are, e.g. `result.buckets[]`.
    pub within: &'static str,
}

/// How it is seen before a call what the call would change instead of making it.
#[derive(Debug)]
pub struct Before {
    /// Where it is looked for.
    pub look: Look,
    /// Pairs of places where the same must stand, as [`crate::select::meet`] has it;
    /// `found` is the item.
    pub same: &'static [(&'static str, &'static str)],
    /// The parameter without which the service refuses to change what is there.
    pub only_if: Option<&'static str>,
    /// What of each item is kept, if all of them are what the call changes (`found.each`):
    /// then only they are put back, and where none is found the call changes nothing.
    pub every: Option<&'static str>,
    /// The calls that put back what was there (`found`); without any it cannot be put back.
    pub restore: &'static [InverseCall],
}

/// How resources of a kind are found that carry a stack's tag.
#[derive(Debug)]
pub struct Found {
    /// The read that lists them; `input.stack` is the stack's name, and the fields of
    /// what they belong to are there too.
    pub look: Look,
    /// The id; `result` is the item.
    pub id: &'static str,
    /// Where the tags are.
    pub tagged: Tagged,
    /// Fields of an item and values with which it does not count: it is going, or
    /// another kind's.
    pub unless: &'static [(&'static str, &'static [&'static str])],
    /// A field of an item that says that something else removes it.
    pub owner: Option<&'static str>,
    /// How much must be there before it can be made; what has more goes first.
    pub rank: usize,
}

/// Where the tags of a listed item are.
#[derive(Debug)]
pub enum Tagged {
    /// The listing has listed only what has the tag.
    Filtered,
    /// Among the item's fields.
    At(&'static str),
    /// A read tells them.
    Asked(Look),
    /// It has none: it belongs to this kind's resource that was found, if the same
    /// stands at these places.
    Of(&'static str, &'static [(&'static str, &'static str)]),
}

/// How a write is undone.
#[derive(Debug)]
pub enum Inverse {
    /// By these calls, in order.
    Calls(&'static [InverseCall]),
    /// It leaves nothing behind that could be undone; says why (e.g. it deletes).
    Nothing(&'static str),
    /// It cannot be undone; says why.
    Impossible(&'static str),
}

/// One call of an inverse.
#[derive(Debug)]
pub struct InverseCall {
    /// `module::name` of the operation to call.
    pub operation: &'static str,
    /// Parameter and where its value comes from; [`crate::select::calls`] makes
    /// the inputs of it.
    pub arguments: &'static [(&'static str, &'static str)],
}

/// How an interrupted call of a write is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// Sent again with the same idempotency token, which goes into this parameter.
    Token(&'static str),
    /// Looked for; what is found and proves to be this call's doing is adopted,
    /// else the call is sent again.
    Find(&'static Find),
    /// Harmless to send again.
    Repeat,
    /// Harmless to send again if this parameter is true; else a person is asked.
    RepeatIf(&'static str),
    /// Cannot be known: a person is asked.
    Ask,
}

/// How what an interrupted call made is found again.
#[derive(Debug, PartialEq, Eq)]
pub struct Find {
    /// `module::name` of the read that lists it.
    pub operation: &'static str,
    /// Its arguments, as in [`InverseCall::arguments`].
    pub arguments: &'static [(&'static str, &'static str)],
    /// Where in the read's result the candidates are, e.g. `result.images[]`.
    pub within: &'static str,
    /// What shows that a candidate is this call's doing; all of it must hold.
    pub proof: &'static [Proof],
    /// The write's result: each field and where its value comes from (`found.…`
    /// is the candidate, `every` all of them).
    pub result: &'static [(&'static str, &'static str)],
}

/// One condition on a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The map of tags there holds all tags that were sent, this run's among them.
    Tags(&'static str),
    /// The time there is not before the call was begun.
    Since(&'static str),
    /// Both are there and the same.
    Same(&'static str, &'static str),
    /// The text there is a text at the other place, or an ARN that ends with it.
    Named(&'static str, &'static str),
}

/// A kind of resource that a write makes.
#[derive(Debug)]
pub struct Makes {
    /// Service and resource, e.g. `ec2:instance`.
    pub kind: &'static str,
    /// Path to its id or ids, e.g. `result.instances[].instance_id`.
    pub id: &'static str,
}

/// A kind of resource that a write removes.
#[derive(Debug)]
pub struct Removes {
    /// Service and resource, e.g. `ec2:instance`.
    pub kind: &'static str,
    /// Path to the id or ids, e.g. `input.instance_ids[]`.
    pub id: &'static str,
}
