//! What the counts come to, for people and programs.

use crate::analysis::{Analysis, Example};
use crate::bounded::Bounded;
use crate::text::lossy;
use crate::traffic::Figures;

/// What the logs say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Lines that are not empty.
    pub lines: u64,
    /// Those of them that are none.
    pub malformed: u64,
    /// The first of these.
    pub examples: Vec<Example>,
    /// Logs that are damaged or cut off, and how; what could be read of them is counted.
    pub broken: Vec<(String, String)>,
    /// When the first and the last request was answered, as the log writes it.
    pub span: Option<(String, String)>,
    /// All requests.
    pub total: Figures,
    /// By minute since 1970.
    pub minutes: Vec<(u32, Figures)>,
    /// How long requests took.
    pub latency: Latency,
    /// Who asked most in any minute, most first.
    pub clients: Listed<Client>,
    /// Who tried doors, most of them first.
    pub suspects: Listed<Suspect>,
    /// Who answered, most 5xx first.
    pub targets: Listed<Target>,
    /// Requests by probe, in the order of the rules; none left out.
    pub probes: Vec<u64>,
    /// Requests that do not obey RFC 7230, by how the balancer classifies them.
    pub classifications: Vec<(String, u64)>,
}

/// The first of many, and what is known of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The first ones.
    pub first: Vec<T>,
    /// How many are remembered, these included.
    pub known: u64,
    /// Requests of those that are not remembered, and how often one was forgotten.
    pub forgotten: (u64, u64),
    /// By how much the requests of any of them can be short; 0 if all is exact.
    pub missed: u64,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            first: Vec::new(),
            known: 0,
            forgotten: (0, 0),
            missed: 0,
        }
    }
}

/// Times in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// Requests that were answered.
    pub requests: u64,
    /// Half of them took no longer.
    pub p50: u64,
    /// 95 of 100 took no longer.
    pub p95: u64,
    /// 99 of 100 took no longer.
    pub p99: u64,
    /// The longest.
    pub longest: u64,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The address.
    pub address: String,
    /// What they asked and got.
    pub figures: Figures,
    /// Their busiest minute since 1970, and its requests.
    pub peak: (u32, u64),
    /// Lines of theirs, if they ask often.
    pub samples: Vec<String>,
}

/// Who tries doors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The address.
    pub address: String,
    /// Requests of paths that are not there.
    pub missing: u64,
    /// Different paths among them, and whether that is exact (it is up to 64).
    pub missing_paths: (u64, bool),
    /// Requests of probe paths.
    pub probes: u64,
    /// Those of them that were answered with 2xx.
    pub answered: u64,
    /// When it began and ended.
    pub span: (String, String),
    /// Some of the paths.
    pub paths: Vec<String>,
    /// Some of the lines.
    pub samples: Vec<String>,
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Address and port, or `-` for the balancer itself.
    pub address: String,
    /// Requests that came to it.
    pub requests: u64,
    /// Answers of 400 to 499.
    pub errors_4xx: u64,
    /// Answers of 500 to 599.
    pub errors_5xx: u64,
    /// Those of the 5xx that the balancer gave in its place.
    pub unanswered: u64,
    /// The slowest answer in milliseconds.
    pub slowest: u64,
    /// Some lines of 5xx.
    pub samples: Vec<String>,
}

impl Report {
    pub(crate) fn of(analysis: &Analysis, broken: Vec<(String, String)>) -> Self {
        let top = analysis.rules.rules.top;
        let latency = &analysis.latency;
        Self {
            lines: analysis.lines,
            malformed: analysis.malformed,
            examples: analysis.examples.clone(),
            broken,
            span: (!analysis.first.is_empty())
                .then(|| (lossy(&analysis.first), lossy(&analysis.last))),
            total: analysis.traffic.total,
            minutes: analysis.traffic.minutes.clone(),
            latency: Latency {
                requests: latency.total(),
                p50: latency.percentile(50),
                p95: latency.percentile(95),
                p99: latency.percentile(99),
                longest: latency.longest(),
            },
            clients: clients(analysis, top),
            suspects: suspects(&analysis.tables.suspects, top),
            targets: targets(&analysis.tables.targets, top),
            probes: analysis.probes.clone(),
            classifications: analysis
                .classifications
                .iter()
                .map(|(classification, count)| (lossy(classification), *count))
                .collect(),
        }
    }
}

fn listed<V: crate::bounded::Weighed, T>(table: &Bounded<V>, first: Vec<T>) -> Listed<T> {
    Listed {
        first,
        known: table.len() as u64,
        forgotten: (table.others(), table.dropped()),
        missed: table.missed(),
    }
}

fn clients(analysis: &Analysis, top: usize) -> Listed<Client> {
    let found = analysis
        .tables
        .clients
        .top(top, |client| u64::from(client.busiest().1));
    let first = found
        .into_iter()
        .map(|(address, client)| {
            let (minute, requests) = client.busiest();
            let busy = analysis.tables.busy.get(address);
            Client {
                address: lossy(address),
                figures: Figures {
                    requests: client.requests,
                    received: client.received,
                    sent: client.sent,
                    errors_4xx: client.errors_4xx,
                    errors_5xx: client.errors_5xx,
                },
                peak: (minute, requests.into()),
                samples: busy.map(|busy| busy.samples.texts()).unwrap_or_default(),
            }
        })
        .collect();
    listed(&analysis.tables.clients, first)
}

fn suspects(table: &Bounded<crate::suspects::Suspect>, top: usize) -> Listed<Suspect> {
    // A probe tells as much as a path that is not there, and is often one.
    let found = table.top(top, |suspect| suspect.distinct.count() + suspect.probes);
    let first = found
        .into_iter()
        .map(|(address, suspect)| Suspect {
            address: lossy(address),
            missing: suspect.missing,
            missing_paths: (suspect.distinct.count(), suspect.distinct.exact()),
            probes: suspect.probes,
            answered: suspect.answered,
            span: (lossy(&suspect.first), lossy(&suspect.last)),
            paths: suspect.paths.iter().map(|path| lossy(path)).collect(),
            samples: suspect.samples.texts(),
        })
        .collect();
    listed(table, first)
}

fn targets(table: &Bounded<crate::targets::Target>, top: usize) -> Listed<Target> {
    // Those without errors follow, by their requests: no log has 2^40 lines.
    let found = table.top(top, |target| target.errors_5xx << 40 | target.requests);
    let first = found
        .into_iter()
        .map(|(address, target)| Target {
            address: lossy(address),
            requests: target.requests,
            errors_4xx: target.errors_4xx,
            errors_5xx: target.errors_5xx,
            unanswered: target.unanswered,
            slowest: target.slowest,
            samples: target.samples.texts(),
        })
        .collect();
    listed(table, first)
}
