//! The program under test while it runs: what it costs, and how it ends when it is told to.
//!
//! Measured through `/proc`, so on Linux only.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::opsh::{Ended, User};

/// A run that goes on beside the test; killed if it is dropped alive.
pub struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    errors: BufReader<ChildStderr>,
    heard: String,
    begun: Instant,
    peak: u64,
}

/// How it ended.
pub struct Stopped {
    /// Exit code and texts.
    pub ended: Ended,
    /// The most memory that it held at once, in bytes, as of a few milliseconds before its end.
    pub peak: u64,
}

impl User {
    /// Starts `opsh` with `arguments`, from its home, with nothing to read.
    pub fn begin<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Running {
        let begun = Instant::now();
        let mut child = self
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let errors = BufReader::new(child.stderr.take().unwrap());
        Running {
            child,
            out,
            errors,
            heard: String::new(),
            begun,
            peak: 0,
        }
    }
}

impl Running {
    /// Waits for the next line of its results.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits until it has said `what` beside its results.
    pub fn hear(&mut self, what: &str) {
        while !self.heard.contains(what) {
            let read = self.errors.read_line(&mut self.heard).unwrap();
            assert!(read > 0, "it has ended without '{what}': {}", self.heard);
        }
    }

    /// Sends it what Ctrl-C sends, and says when.
    pub fn interrupt(&mut self) -> Instant {
        self.measure();
        let now = Instant::now();
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -INT {}", self.child.id())])
            .status()
            .unwrap();
        assert!(sent.success());
        now
    }

    /// Waits for its end, watching its memory.
    pub fn stopped(mut self) -> Stopped {
        let status = loop {
            self.measure();
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                self.begun.elapsed() < Duration::from_mins(2),
                "it does not end"
            );
            std::thread::sleep(Duration::from_millis(2));
        };
        let mut ended = Ended {
            code: status.code().unwrap_or(-1),
            out: String::new(),
            err: std::mem::take(&mut self.heard),
        };
        self.out.read_to_string(&mut ended.out).unwrap();
        self.errors.read_to_string(&mut ended.err).unwrap();
        Stopped {
            ended,
            peak: self.peak,
        }
    }

    /// Looks at the most memory that it has held so far.
    fn measure(&mut self) {
        if let Some(peak) = peak(self.child.id()) {
            self.peak = self.peak.max(peak);
        }
    }
}

/// The most memory that a process has held, in bytes, as long as it lives.
pub fn peak(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
