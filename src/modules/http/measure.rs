//! What a load test measures: latencies, answers, failures by kind.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;
use opsh_operation::{Map, Value};

/// Three significant digits, from a microsecond on.
const DIGITS: u8 = 3;

/// The measurements of one load.
pub(super) struct Measured {
    latencies: Histogram<u64>,
    /// How many requests failed, by kind: `timeout`, `unreachable`, `HTTP 503`.
    errors: BTreeMap<String, u64>,
    answers: u64,
    failed: u64,
}

impl Measured {
    /// Nothing yet.
    pub fn new() -> Result<Self, String> {
        Ok(Self {
            latencies: Histogram::new(DIGITS).map_err(|error| error.to_string())?,
            errors: BTreeMap::new(),
            answers: 0,
            failed: 0,
        })
    }

    /// An answer that is no failure came after `latency`.
    pub fn answered(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        // Only what lasts longer than all of the histogram's range is not recorded.
        let _ = self.latencies.record(micros.max(1));
        self.answers += 1;
    }

    /// A request failed.
    pub fn failed(&mut self, kind: &str) {
        *self.errors.entry(kind.to_owned()).or_default() += 1;
        self.failed += 1;
    }

    /// How many requests have ended.
    pub fn requests(&self) -> u64 {
        self.answers + self.failed
    }

    /// In a few words.
    pub fn words(&self, passed: Duration) -> String {
        let mut text = format!(
            "{} requests in {:.0} s, {:.1} answers/s, p50 {} p99 {}",
            self.requests(),
            passed.as_secs_f64(),
            per_second(self.answers, passed),
            shown(self.latencies.value_at_quantile(0.5)),
            shown(self.latencies.value_at_quantile(0.99)),
        );
        for (kind, count) in &self.errors {
            let _ = write!(text, ", {count} × {kind}");
        }
        text
    }

    /// The result of the operation.
    pub fn result(&self, passed: Duration) -> Map {
        let quantile = |quantile: f64| seconds(self.latencies.value_at_quantile(quantile));
        let latency = Map::from([
            ("min".to_owned(), seconds(self.latencies.min())),
            ("mean".to_owned(), mean(self.latencies.mean())),
            ("p50".to_owned(), quantile(0.5)),
            ("p90".to_owned(), quantile(0.9)),
            ("p99".to_owned(), quantile(0.99)),
            ("max".to_owned(), seconds(self.latencies.max())),
        ]);
        let errors: Map = self
            .errors
            .iter()
            .map(|(kind, count)| (kind.clone(), whole(*count)))
            .collect();
        let share = if self.requests() == 0 {
            0.0
        } else {
            float(self.failed) / float(self.requests())
        };
        Map::from([
            ("requests".to_owned(), whole(self.requests())),
            ("answers".to_owned(), whole(self.answers)),
            ("failed".to_owned(), whole(self.failed)),
            ("error_rate".to_owned(), Value::Float(rounded(share))),
            ("errors".to_owned(), errors.into()),
            (
                "seconds".to_owned(),
                Value::Float(rounded(passed.as_secs_f64())),
            ),
            (
                "rate".to_owned(),
                Value::Float(rounded(per_second(self.answers, passed))),
            ),
            ("latency".to_owned(), latency.into()),
            ("histogram".to_owned(), Value::List(self.histogram())),
        ])
    }

    /// How the latencies are spread, in steps of 1, 2 and 5; without empty ends.
    fn histogram(&self) -> Vec<Value> {
        let mut buckets: Vec<(u64, u64)> = Vec::new();
        let mut bounds = bounds().skip_while(|bound| *bound < self.latencies.min());
        for seen in self.latencies.iter_recorded() {
            // What is told apart no further counts as the least of it.
            let latency = self.latencies.lowest_equivalent(seen.value_iterated_to());
            while buckets.last().is_none_or(|(bound, _)| *bound < latency) {
                buckets.extend(bounds.next().map(|bound| (bound, 0)));
            }
            if let Some((_, count)) = buckets.last_mut() {
                *count += seen.count_at_value();
            }
        }
        let bucket = |(bound, count)| {
            Map::from([
                ("up_to".to_owned(), seconds(bound)),
                ("answers".to_owned(), whole(count)),
            ])
            .into()
        };
        buckets.into_iter().map(bucket).collect()
    }
}

/// 1, 2, 5, 10, 20, 50, … microseconds; the last is longer than anything.
fn bounds() -> impl Iterator<Item = u64> {
    let decades = (0..19).flat_map(|power| {
        let one = 10_u64.pow(power);
        [one, one.saturating_mul(2), one.saturating_mul(5)]
    });
    decades.chain(std::iter::repeat(u64::MAX))
}

fn whole(count: u64) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

#[allow(clippy::cast_precision_loss)] // counts and microseconds of a test fit a double
fn float(count: u64) -> f64 {
    count as f64
}

fn per_second(count: u64, passed: Duration) -> f64 {
    let seconds = passed.as_secs_f64();
    if seconds > 0.0 {
        float(count) / seconds
    } else {
        0.0
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn seconds(micros: u64) -> Value {
    Value::Float(rounded(float(micros) / 1e6))
}

fn mean(micros: f64) -> Value {
    Value::Float(rounded(micros / 1e6))
}

fn shown(micros: u64) -> String {
    let seconds = float(micros) / 1e6;
    if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn latencies_keep_three_digits_and_failures_their_kinds() {
        let mut measured = Measured::new().unwrap();
        for milliseconds in 1..=100 {
            measured.answered(Duration::from_millis(milliseconds));
        }
        measured.failed("timeout");
        measured.failed("HTTP 503");
        measured.failed("timeout");
        let result = measured.result(Duration::from_secs(10));
        let at = |name: &str| {
            result["latency"]
                .get(name)
                .and_then(Value::as_float)
                .unwrap()
        };
        for (name, wanted) in [("p50", 0.05), ("p90", 0.09), ("p99", 0.099), ("max", 0.1)] {
            let got = at(name);
            assert!((got - wanted).abs() < wanted * 0.002, "{name}: {got}");
        }
        assert_eq!(result["requests"], Value::Int(103));
        assert_eq!(result["rate"], Value::Float(10.0));
        assert_eq!(result["errors"].get("timeout"), Some(&Value::Int(2)));
        let spread: Vec<(f64, i64)> = result["histogram"]
            .as_list()
            .unwrap()
            .iter()
            .map(|bucket| {
                let up_to = bucket.get("up_to").and_then(Value::as_float).unwrap();
                let answers = bucket.get("answers").and_then(Value::as_int).unwrap();
                (up_to, answers)
            })
            .collect();
        let wanted = [
            (0.001, 1),
            (0.002, 1),
            (0.005, 3),
            (0.01, 5),
            (0.02, 10),
            (0.05, 30),
            (0.1, 50),
        ];
        assert_eq!(spread, wanted);
        assert_eq!(
            measured.words(Duration::from_secs(10)),
            "103 requests in 10 s, 10.0 answers/s, p50 50.0 ms p99 99.0 ms, 1 × HTTP 503, 2 × timeout"
        );
    }
}
