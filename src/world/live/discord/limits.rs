//! When the next request to Discord's REST API may leave.
//!
//! [Rate limits](https://docs.discord.com/developers/topics/rate-limits): each route has a
//! bucket, which every answer names with what is left in it and when it is filled again; at
//! most fifty requests a second in all; an answer 429 says how long to wait, for its bucket
//! or for everything. `twilight-http` heeds the headers of 429 only, and repeats at once what
//! was refused for everything.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::world::http::Response;

/// How many requests may leave in a second.
const A_SECOND: usize = 50;
const SECOND: Duration = Duration::from_secs(1);
/// Where no header says how long: 429 comes from before Discord, whose patience is unknown.
const UNKNOWN: Duration = Duration::from_secs(5);
/// What a longer wait is taken as: no limit of Discord's lasts longer than a day.
const LONGEST: Duration = Duration::from_hours(24);

/// What the answers so far have said.
#[derive(Debug, Default)]
pub(super) struct Limits {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Nothing may leave before this.
    all: Option<Instant>,
    /// The buckets of routes.
    names: HashMap<String, String>,
    buckets: HashMap<String, Bucket>,
    /// When the last requests left.
    left: VecDeque<Instant>,
}

#[derive(Debug)]
struct Bucket {
    remaining: u32,
    full: Instant,
}

impl Limits {
    /// Takes a place for a request on `route`; otherwise says how long to wait first.
    pub(super) fn enter(&self, route: &str, now: Instant) -> Result<(), Duration> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        let wait = |until: Instant| {
            until
                .checked_duration_since(now)
                .filter(|wait| !wait.is_zero())
        };
        if let Some(wait) = inner.all.and_then(wait) {
            return Err(wait);
        }
        while inner
            .left
            .front()
            .is_some_and(|left| now.duration_since(*left) >= SECOND)
        {
            inner.left.pop_front();
        }
        if let Some(first) = inner.left.front()
            && inner.left.len() >= A_SECOND
        {
            return Err(SECOND.saturating_sub(now.duration_since(*first)));
        }
        let key = inner.names.get(route).map_or(route, String::as_str);
        if let Some(bucket) = inner.buckets.get_mut(key) {
            match (wait(bucket.full), bucket.remaining.checked_sub(1)) {
                (Some(wait), None) => return Err(wait),
                (Some(_), Some(left)) => bucket.remaining = left,
                // It is full again; how much goes in, the next answer says.
                (None, _) => {
                    inner.buckets.remove(key);
                }
            }
        }
        inner.left.push_back(now);
        Ok(())
    }

    /// Takes note of what an answer on `route` says; how long is to be waited if it is 429.
    pub(super) fn learn(&self, route: &str, answer: &Response, now: Instant) -> Option<Duration> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let header = |name: &str| {
            let found = answer.headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        let seconds = |name: &str| header(name)?.parse::<f64>().ok().and_then(duration);
        if let Some(name) = header("x-ratelimit-bucket") {
            // A bucket is one for each channel; the route names that.
            let major = route.split('/').nth(2).unwrap_or_default();
            inner
                .names
                .insert(route.to_owned(), format!("{name} {major}"));
        }
        let key = inner
            .names
            .get(route)
            .map_or(route, String::as_str)
            .to_owned();
        if answer.status == 429 {
            let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let wait = body["retry_after"]
                .as_f64()
                .and_then(duration)
                .or_else(|| seconds("retry-after"))
                .unwrap_or(UNKNOWN);
            let known = header("x-ratelimit-bucket").is_some();
            let global = body["global"] == true
                || header("x-ratelimit-global").is_some()
                || header("x-ratelimit-scope") == Some("global");
            let until = now + wait;
            if global || !known {
                inner.all = Some(inner.all.map_or(until, |other| other.max(until)));
            } else {
                let bucket = Bucket {
                    remaining: 0,
                    full: until,
                };
                inner.buckets.insert(key, bucket);
            }
            return Some(wait);
        }
        let remaining = header("x-ratelimit-remaining").and_then(|text| text.parse::<u32>().ok());
        if let (Some(remaining), Some(reset)) = (remaining, seconds("x-ratelimit-reset-after")) {
            let full = now + reset;
            // Answers may overtake each other: the lowest of one filling is right.
            let known = inner
                .buckets
                .get(&key)
                .filter(|bucket| bucket.full > now)
                .map(|bucket| bucket.remaining);
            let remaining = known.map_or(remaining, |known| remaining.min(known));
            inner.buckets.insert(key, Bucket { remaining, full });
        }
        None
    }
}

fn duration(seconds: f64) -> Option<Duration> {
    let said = Duration::try_from_secs_f64(seconds).ok()?;
    Some(said.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: &str = "POST /channels/1/messages";

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter();
        Response {
            status,
            url: String::new(),
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec(),
            length: 0,
        }
    }

    fn bucket<'a>(remaining: &'a str, reset: &'a str) -> [(&'a str, &'a str); 3] {
        [
            ("x-ratelimit-bucket", "abcd"),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset-after", reset),
        ]
    }

    #[test]
    fn an_empty_bucket_is_waited_for_and_another_channel_is_not() {
        let (limits, now) = (Limits::default(), Instant::now());
        assert_eq!(limits.enter(ROUTE, now), Ok(()));
        limits.learn(ROUTE, &answer(200, &bucket("1", "2.5"), ""), now);
        assert_eq!(limits.enter(ROUTE, now), Ok(()));
        // The second one's place was taken by the request that is on its way.
        assert_eq!(limits.enter(ROUTE, now), Err(Duration::from_millis(2_500)));
        assert_eq!(limits.enter("POST /channels/2/messages", now), Ok(()));
        let later = now + Duration::from_secs(3);
        assert_eq!(limits.enter(ROUTE, later), Ok(()));
    }

    #[test]
    fn a_refusal_says_how_long_to_wait_and_for_what() {
        let (limits, now) = (Limits::default(), Instant::now());
        let own = answer(
            429,
            &[
                ("x-ratelimit-bucket", "abcd"),
                ("x-ratelimit-scope", "user"),
            ],
            r#"{"retry_after": 0.75, "global": false}"#,
        );
        let wait = Duration::from_millis(750);
        assert_eq!(limits.learn(ROUTE, &own, now), Some(wait));
        assert_eq!(limits.enter(ROUTE, now), Err(wait));
        assert_eq!(limits.enter("GET /gateway/bot", now), Ok(()));
        let global = answer(
            429,
            &[("retry-after", "2"), ("x-ratelimit-global", "true")],
            "<html>",
        );
        let wait = Duration::from_secs(2);
        assert_eq!(limits.learn(ROUTE, &global, now), Some(wait));
        assert_eq!(limits.enter("GET /gateway/bot", now), Err(wait));
        let unknown = answer(429, &[], "");
        assert_eq!(limits.learn(ROUTE, &unknown, now), Some(UNKNOWN));
        assert_eq!(limits.enter("GET /gateway/bot", now), Err(UNKNOWN));
    }

    #[test]
    fn no_wait_is_endless() {
        let (limits, now) = (Limits::default(), Instant::now());
        let body = answer(429, &[], r#"{"retry_after": 1e19}"#);
        assert_eq!(limits.learn(ROUTE, &body, now), Some(LONGEST));
        assert_eq!(limits.enter(ROUTE, now), Err(LONGEST));
        let (limits, header) = (Limits::default(), answer(200, &bucket("0", "1e19"), ""));
        assert_eq!(limits.learn(ROUTE, &header, now), None);
        assert_eq!(limits.enter(ROUTE, now), Err(LONGEST));
    }

    #[test]
    fn fifty_leave_in_a_second() {
        let (limits, now) = (Limits::default(), Instant::now());
        for index in 0..A_SECOND {
            assert_eq!(limits.enter(&format!("GET /x/{index}"), now), Ok(()));
        }
        assert_eq!(limits.enter("GET /x/y", now), Err(SECOND));
        assert_eq!(limits.enter("GET /x/y", now + SECOND), Ok(()));
    }
}
