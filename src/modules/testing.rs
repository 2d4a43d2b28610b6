//! A world and a terminal for the tests of native operations.

#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use opsh_aws::Session;
use opsh_operation::{Fault, Map, Value, validate};

use super::{Context, Entry, Files, Handler, Terminal};
use crate::world::{BranchGuard, Cancel, Kind, Scope, World, discord, host, http, ssh};

/// A world with a clock that only `sleep` moves, and countable randomness.
pub(super) struct TestWorld {
    now: Mutex<Timestamp>,
    random: Mutex<u64>,
}

/// A terminal that answers from a list and keeps what it was told.
#[derive(Default)]
pub(crate) struct TestTerminal {
    pub answers: Mutex<VecDeque<&'static str>>,
    pub asked: Mutex<Vec<String>>,
    pub said: Mutex<Vec<String>>,
}

impl TestTerminal {
    pub(crate) fn answering(answers: &[&'static str]) -> Self {
        Self {
            answers: Mutex::new(answers.iter().copied().collect()),
            ..Self::default()
        }
    }
}

impl Terminal for TestTerminal {
    fn consents(&self) -> bool {
        false
    }

    fn interactive(&self) -> bool {
        !self.answers.lock().unwrap().is_empty()
    }

    fn ask(&self, question: &str, secret: bool, _: &Cancel) -> Result<String, Fault> {
        let mark = if secret { "(secret) " } else { "" };
        self.asked.lock().unwrap().push(format!("{mark}{question}"));
        Ok(self.answers.lock().unwrap().pop_front().unwrap().to_owned())
    }

    fn print(&self, text: &str) {
        self.said.lock().unwrap().push(text.to_owned());
    }

    fn log(&self, level: tracing::Level, message: &str) {
        self.said
            .lock()
            .unwrap()
            .push(format!("{level}: {message}"));
    }

    fn width(&self) -> u16 {
        40
    }
}

struct Guard;
impl BranchGuard for Guard {}

impl World for TestWorld {
    fn kind(&self) -> Kind {
        Kind::DryRun
    }

    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, duration: Duration, _: &Cancel) -> Result<(), Fault> {
        *self.now.lock().unwrap() += duration;
        Ok(())
    }

    /// SHA-256 of a counter: every byte and every length of words occurs.
    fn random(&self, bytes: &mut [u8]) {
        use sha2::Digest as _;
        let mut count = self.random.lock().unwrap();
        for chunk in bytes.chunks_mut(32) {
            *count += 1;
            let hash = sha2::Sha256::digest(count.to_be_bytes());
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }

    fn aws(&self, _: &Scope, _: &Cancel) -> Result<Session, Fault> {
        unreachable!("native operations under test do not use AWS")
    }

    fn complete(
        &self,
        _: BoxFuture<'static, Result<Value, Fault>>,
        _: &Cancel,
    ) -> Result<Value, Fault> {
        unreachable!("native operations under test have no futures")
    }

    fn http(&self) -> &dyn http::Transport {
        unreachable!("native operations under test do not use HTTP")
    }

    fn ssh(&self) -> &dyn ssh::Transport {
        unreachable!("native operations under test do not use SSH")
    }

    fn discord(&self) -> &dyn discord::Discord {
        unreachable!("native operations under test do not ask Discord")
    }

    fn host(&self) -> &dyn host::Host {
        unreachable!("native operations under test do not ask the machine")
    }

    fn metadata(&self, _: &str, _: &Cancel) -> Result<String, Fault> {
        unreachable!("native operations under test do not ask for metadata")
    }

    fn enter(&self, _: &[u32]) -> Box<dyn BranchGuard> {
        Box::new(Guard)
    }
}

/// Calls operations of a table as the gate does: validated first.
pub(super) struct Bench {
    entries: &'static [Entry],
    world: TestWorld,
    pub terminal: TestTerminal,
}

impl Bench {
    pub(super) fn new(entries: &'static [Entry]) -> Self {
        Self::with(entries, TestTerminal::default())
    }

    pub(super) fn with(entries: &'static [Entry], terminal: TestTerminal) -> Self {
        Self {
            entries,
            world: TestWorld {
                now: Mutex::new("2026-01-31T12:00:00Z".parse().unwrap()),
                random: Mutex::new(0),
            },
            terminal,
        }
    }

    pub(super) fn call<const N: usize>(
        &self,
        name: &str,
        input: [(&str, Value); N],
    ) -> Result<Value, Fault> {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.operation.name == name)
            .unwrap();
        let mut input: Map = input
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let report = validate::input(entry.operation.input, &input);
        assert_eq!(report.errors, [], "{name}");
        input.retain(|_, value| !value.is_null());
        let Handler::Native(function) = entry.handler else {
            panic!("{name} is not native");
        };
        let context = Context {
            world: &self.world,
            cancel: &Cancel::new(None),
            terminal: &self.terminal,
            files: &Files::new(std::path::Path::new(".")).unwrap(),
            scope: &Scope::default(),
            conceal: &|_| {},
        };
        function(&context, &input)
    }
}
