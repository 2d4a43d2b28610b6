//! `--fault RULE`: something goes wrong on purpose, on the embedded cloud.
//!
//! | rule | what happens |
//! |---|---|
//! | `throttle [ACTION] [WHEN]` | the service says that it is asked too often |
//! | `server STATUS [ACTION] [WHEN]` | the service fails with this status, nothing is done |
//! | `refuse CODE [ACTION] [WHEN]` | the service refuses with this code, e.g. `ExpiredToken` |
//! | `capacity [ACTION] [WHEN]` | the service refuses with `InsufficientInstanceCapacity` |
//! | `reset [ACTION] [WHEN]` | the connection breaks, nothing is done |
//! | `lost [ACTION] [WHEN]` | it is done, then the connection breaks: the answer is lost |
//! | `delay DURATION [ACTION] [WHEN]` | the answer takes this much longer |
//! | `crash STEP POINT`, `crash after STEP` | the process is killed at this point of this step |
//!
//! ACTION is the service and its action as the embedded cloud names them
//! (`ec2:RunInstances`, `s3:*`; also `http:GET`, `ssh:connect`, `ssh:run`); without one
//! it is any that can go wrong in this way (SSH does not throttle). WHEN says at which requests of that action: `1` (by itself), `2,3`,
//! `every 3`, or `20%` of them by the cloud's seed; or, in place of an action, `step 4`:
//! at the first request of that step. STEP is a number or path as `opsh history RUN -v`
//! shows it; the points are those of [`Point`]: `before-intent`, `after-intent`,
//! `accepted` (done and stored, no answer seen), `answered`, `recorded`. `crash after 7`
//! is `crash 7 recorded`.

use std::collections::BTreeSet;

use opsh_cloud::api::ApiError;
use opsh_cloud::faults::{Fault, Rule, When};
use opsh_operation::duration;

use super::branch::StepPath;
use super::crash::{Crash, Ends, Point};
use crate::world::local::Local;

/// What goes wrong on purpose.
#[derive(Debug, Clone)]
pub enum Rehearsal {
    /// A request, in the cloud.
    Request(Rule),
    /// The first request of a step, in the cloud.
    Step(StepPath, Fault),
    /// The process itself.
    Crash(Crash),
}

impl Rehearsal {
    /// Whether it is the cloud that something goes wrong in.
    #[must_use]
    pub fn is_of_a_request(&self) -> bool {
        matches!(self, Self::Request(_) | Self::Step(..))
    }

    /// Lets it go wrong in the cloud of `world`; a crash is the gate's business.
    pub fn prepare(&self, world: &Local) {
        match self {
            Self::Request(rule) => world.cloud().inject(rule.clone()),
            Self::Step(step, fault) => world.strike_at(&step.0, fault.clone()),
            Self::Crash(_) => {}
        }
    }
}

/// Reads a rule.
///
/// # Errors
/// A sentence that names the word that is wrong, and what could stand there.
pub fn parse(text: &str) -> Result<Rehearsal, String> {
    let mut words = text.split_whitespace().peekable();
    let kind = words.next().unwrap_or_default();
    let mut next = |what: &str| {
        words
            .next()
            .ok_or_else(|| format!("'{text}' does not say {what}"))
    };
    let fault = match kind {
        "crash" => {
            let crash = match next("at which step")? {
                "after" => Crash {
                    step: self::step(next("after which step")?)?,
                    point: Point::Recorded,
                    ends: Ends::Process,
                },
                word => Crash {
                    step: self::step(word)?,
                    point: next("at which point")?.parse::<Point>()?,
                    ends: Ends::Process,
                },
            };
            return end(words, text).map(|()| Rehearsal::Crash(crash));
        }
        "throttle" => Fault::Throttle,
        "reset" => Fault::Reset,
        "lost" => Fault::Lost,
        "server" => {
            let status = next("with which status")?;
            Fault::Server(
                status
                    .parse()
                    .ok()
                    .filter(|status| (500..=599).contains(status))
                    .ok_or_else(|| format!("'{status}' is no status from 500 to 599"))?,
            )
        }
        "delay" => {
            let time = next("how long")?;
            Fault::Delay(
                duration::parse(time)
                    .ok_or_else(|| format!("'{time}' is no duration such as 5s or 2m"))?,
            )
        }
        "capacity" => Fault::Refuse(ApiError::new(
            "InsufficientInstanceCapacity",
            "There is no capacity for what was asked for (a rehearsed fault).",
        )),
        "refuse" => Fault::Refuse(ApiError::new(
            next("with which code")?,
            "This is refused (a rehearsed fault).",
        )),
        other => {
            return Err(format!(
                "'{other}' is no fault; there are throttle, server STATUS, refuse CODE, capacity, \
                 reset, lost, delay DURATION and crash STEP POINT"
            ));
        }
    };
    let action = words.next_if(|word| word.contains(':')).map(str::to_owned);
    let Some(word) = words.next() else {
        let action = action.ok_or_else(|| {
            format!("'{text}' does not say when, e.g. ec2:RunInstances, every 3 or step 4")
        })?;
        return Ok(Rehearsal::Request(Rule {
            action,
            when: When::Nth(BTreeSet::from([1])),
            fault,
        }));
    };
    if word == "step" && action.is_none() {
        let step = words
            .next()
            .ok_or_else(|| format!("'{text}' does not say at which step"))?;
        let step = self::step(step)?;
        return end(words, text).map(|()| Rehearsal::Step(step, fault));
    }
    let when = when(word, &mut words).ok_or_else(|| match &action {
        None if word.starts_with(char::is_alphabetic) && word != "every" => format!(
            "'{word}' is no action; write service and action, e.g. ec2:RunInstances or 's3:*'"
        ),
        _ => format!("'{word}' does not say when; write 1, 2,3, every 3 or 20%"),
    })?;
    end(words, text)?;
    Ok(Rehearsal::Request(Rule {
        action: action.unwrap_or_else(|| Rule::ANY.to_owned()),
        when,
        fault,
    }))
}

fn step(word: &str) -> Result<StepPath, String> {
    word.parse()
        .map_err(|_| format!("'{word}' is no step; write a number or a path such as 3.0.2"))
}

fn when<'a>(word: &str, words: &mut impl Iterator<Item = &'a str>) -> Option<When> {
    if word == "every" {
        return words.next()?.parse().ok().map(When::Every);
    }
    if let Some(percent) = word.strip_suffix('%') {
        let percent = percent.parse().ok().filter(|percent| *percent <= 100);
        return percent.map(When::Percent);
    }
    let numbers: Result<BTreeSet<u32>, _> = word.split(',').map(str::parse).collect();
    numbers
        .ok()
        .filter(|numbers| !numbers.contains(&0))
        .map(When::Nth)
}

fn end<'a>(mut words: impl Iterator<Item = &'a str>, text: &str) -> Result<(), String> {
    match words.next() {
        None => Ok(()),
        Some(word) => Err(format!("'{word}' is too much in '{text}'")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    fn request(text: &str) -> (String, When, Fault) {
        match parse(text).unwrap() {
            Rehearsal::Request(rule) => (rule.action, rule.when, rule.fault),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_kind_of_rule_is_read() {
        let nth = |numbers: &[u32]| When::Nth(numbers.iter().copied().collect());
        let run = || "ec2:RunInstances".to_owned();
        assert_eq!(
            request("throttle ec2:RunInstances"),
            (run(), nth(&[1]), Fault::Throttle)
        );
        assert_eq!(
            request("server 503 s3:* 2,3"),
            ("s3:*".to_owned(), nth(&[2, 3]), Fault::Server(503))
        );
        assert_eq!(
            request("delay 5s ec2:RunInstances 20%"),
            (
                run(),
                When::Percent(20),
                Fault::Delay(Duration::from_secs(5))
            )
        );
        assert_eq!(request("reset ssh:run 1").2, Fault::Reset);
        let every = |count| When::Every(NonZeroU32::new(count).unwrap());
        assert_eq!(
            request("throttle every 3"),
            ("*".to_owned(), every(3), Fault::Throttle)
        );
        assert_eq!(
            request("lost s3:* every 2"),
            ("s3:*".to_owned(), every(2), Fault::Lost)
        );
        assert_eq!(request("reset 2,3").0, "*");
        let Rehearsal::Step(step, Fault::Refuse(_)) = parse("capacity step 4.0.1").unwrap() else {
            panic!("no step")
        };
        assert_eq!(step.to_string(), "4.0.1");
        assert_eq!(request("lost ec2:RunInstances").2, Fault::Lost);
        for (text, code) in [
            ("capacity ec2:RunInstances", "InsufficientInstanceCapacity"),
            ("refuse ExpiredToken ec2:RunInstances", "ExpiredToken"),
        ] {
            let Fault::Refuse(error) = request(text).2 else {
                panic!("{text}")
            };
            assert_eq!(error.code, code);
        }
        let Rehearsal::Crash(crash) = parse("crash 3.0.2 accepted").unwrap() else {
            panic!("no crash")
        };
        assert_eq!(
            (crash.step.to_string().as_str(), crash.point),
            ("3.0.2", Point::Accepted)
        );
        let Rehearsal::Crash(crash) = parse("crash after 7").unwrap() else {
            panic!("no crash")
        };
        assert_eq!(
            (crash.step.to_string().as_str(), crash.point),
            ("7", Point::Recorded)
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_what_could_stand_there() {
        for (text, error) in [
            (
                "explode ec2:RunInstances",
                "'explode' is no fault; there are throttle, server STATUS, refuse CODE, capacity, reset, lost, delay DURATION and crash STEP POINT",
            ),
            (
                "throttle",
                "'throttle' does not say when, e.g. ec2:RunInstances, every 3 or step 4",
            ),
            (
                "throttle RunInstances",
                "'RunInstances' is no action; write service and action, e.g. ec2:RunInstances or 's3:*'",
            ),
            ("server 200 s3:*", "'200' is no status from 500 to 599"),
            ("delay long s3:*", "'long' is no duration such as 5s or 2m"),
            (
                "lost s3:* never",
                "'never' does not say when; write 1, 2,3, every 3 or 20%",
            ),
            (
                "lost every third",
                "'every' does not say when; write 1, 2,3, every 3 or 20%",
            ),
            ("lost step", "'lost step' does not say at which step"),
            (
                "lost step x",
                "'x' is no step; write a number or a path such as 3.0.2",
            ),
            (
                "lost s3:* step 4",
                "'step' does not say when; write 1, 2,3, every 3 or 20%",
            ),
            ("crash after", "'crash after' does not say after which step"),
            ("lost s3:* 1 2", "'2' is too much in 'lost s3:* 1 2'"),
            ("crash", "'crash' does not say at which step"),
            (
                "crash x accepted",
                "'x' is no step; write a number or a path such as 3.0.2",
            ),
            ("crash 7", "'crash 7' does not say at which point"),
            (
                "crash 7 later",
                "'later' is no point of a step; there are before-intent, after-intent, accepted, answered, recorded",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), error);
        }
    }
}
