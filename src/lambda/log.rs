//! What a function says: lines on standard output, which Lambda takes to `CloudWatch` Logs.
//!
//! Text or, with `AWS_LAMBDA_LOG_FORMAT=JSON`, an object a line whose `level`
//! Lambda filters by.
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>

use std::str::FromStr as _;
use std::sync::Arc;

use jiff::Timestamp;
use opsh_operation::{Effect, Fault, FaultKind};
use serde_json::json;
use tracing::Level;

use crate::gate::event::{Event, Observer};
use crate::gate::redact::Redactor;
use crate::modules::Terminal;
use crate::world::{Cancel, World};

/// In which form lines are written, and which are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// One JSON object a line.
    pub json: bool,
    /// The least important lines that are written.
    pub level: Level,
}

impl Style {
    /// From the values of `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL`.
    #[must_use]
    pub fn read(format: Option<&str>, level: Option<&str>) -> Self {
        let level = match level {
            Some(word) if word.eq_ignore_ascii_case("fatal") => Level::ERROR,
            Some(word) => Level::from_str(word).unwrap_or(Level::INFO),
            None => Level::INFO,
        };
        Self {
            json: format.is_some_and(|format| format.eq_ignore_ascii_case("json")),
            level,
        }
    }
}

/// Takes a finished line, without the line break.
pub type Sink = Box<dyn Fn(&str) + Send + Sync>;

/// Writes the lines of one invocation, scrubbed of secrets.
pub struct Lines {
    style: Style,
    request_id: String,
    redactor: Arc<Redactor>,
    world: Arc<dyn World>,
    sink: Sink,
}

impl Lines {
    /// Gives lines to `sink`, in the time of `world`; what is said before any
    /// invocation has no `request_id`.
    #[must_use]
    pub fn new(
        style: Style,
        request_id: &str,
        redactor: Arc<Redactor>,
        world: Arc<dyn World>,
        sink: Sink,
    ) -> Self {
        Self {
            style,
            request_id: request_id.to_owned(),
            redactor,
            world,
            sink,
        }
    }

    /// Writes one line.
    pub fn write(&self, level: Level, message: &str) {
        if level > self.style.level {
            return;
        }
        let message = self.redactor.scrub(message.trim_end());
        let now = self.world.now();
        (self.sink)(&line(self.style, now, &self.request_id, level, &message));
    }
}

fn line(style: Style, time: Timestamp, request_id: &str, level: Level, message: &str) -> String {
    let time = time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
    if style.json {
        let mut object = json!({"timestamp": time.to_string(), "level": level.as_str()});
        if !request_id.is_empty() {
            object["requestId"] = request_id.into();
        }
        object["message"] = message.into();
        return object.to_string();
    }
    // Lambda makes a log event of every line; a carriage return keeps one message together.
    let message = message.replace('\n', "\r");
    let request_id = if request_id.is_empty() {
        "-"
    } else {
        request_id
    };
    format!("{time} {request_id} {level} {message}")
}

impl Observer for Lines {
    fn observe(&self, event: &Event<'_>) {
        match event {
            // A function serves nothing.
            Event::Started(_) | Event::Served(_) => {}
            Event::Finished(step) => {
                let level = match step.operation.effect {
                    Effect::Write(_) => Level::INFO,
                    Effect::Read | Effect::Pure => Level::DEBUG,
                };
                self.write(level, &step.ended(""));
            }
            Event::Warning { site, message } => {
                self.write(Level::WARN, &format!("{site}: {message}"));
            }
        }
    }
}

impl Terminal for Lines {
    fn interactive(&self) -> bool {
        false
    }

    fn consents(&self) -> bool {
        false
    }

    fn ask(&self, question: &str, _secret: bool, _: &Cancel) -> Result<String, Fault> {
        Err(Fault::new(
            FaultKind::Failed,
            format!("nobody can be asked in a Lambda function: {question}"),
        )
        .hint("make it a parameter, and give its value in the function's environment"))
    }

    fn print(&self, text: &str) {
        self.write(Level::INFO, text);
    }

    fn log(&self, level: Level, message: &str) {
        self.write(level, message);
    }

    fn width(&self) -> u16 {
        80
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_in_both_forms() {
        let time = Timestamp::UNIX_EPOCH;
        let text = Style::read(None, None);
        assert_eq!(
            line(text, time, "r-1", Level::WARN, "one\ntwo"),
            "1970-01-01T00:00:00.000Z r-1 WARN one\rtwo"
        );
        let json = Style::read(Some("JSON"), Some("DEBUG"));
        assert_eq!(
            line(json, time, "r-1", Level::DEBUG, "one\ntwo"),
            "{\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"level\":\"DEBUG\",\"requestId\":\"r-1\",\"message\":\"one\\ntwo\"}"
        );
    }

    #[test]
    fn lambda_s_levels_are_understood() {
        assert_eq!(Style::read(None, Some("FATAL")).level, Level::ERROR);
        assert_eq!(Style::read(None, Some("WARN")).level, Level::WARN);
        assert_eq!(Style::read(None, Some("whatever")).level, Level::INFO);
    }
}
