//! Records as text and back: values with sealed secrets, faults, calls, times.

use jiff::Timestamp;
use opsh_operation::{Fault, FaultKind, Map, Secret, Value};
use rusqlite::types::Value as Cell;
use serde_json::{Value as Json, json};

use super::chain::Broken;
use super::record::{Call, RunOutcome};
use super::seal::Seal;
use super::{Error, Secrets};
use crate::world::Kind;

/// Writes records; the first failure to seal is kept.
pub(super) struct Writer<'a> {
    seal: &'a Seal,
    failure: std::cell::RefCell<Option<Error>>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(seal: &'a Seal) -> Self {
        Self {
            seal,
            failure: std::cell::RefCell::default(),
        }
    }

    /// What `write` makes, unless a secret could not be sealed.
    pub(super) fn finish<T>(self, made: T) -> Result<T, Error> {
        self.failure.into_inner().map_or(Ok(made), Err)
    }

    fn record(&self, value: &Value) -> Json {
        value.to_record(&|secret| {
            self.seal.seal(secret).unwrap_or_else(|error| {
                self.failure.borrow_mut().get_or_insert(error);
                Json::Null
            })
        })
    }

    pub(super) fn value(&self, value: &Value) -> Cell {
        Cell::Text(self.record(value).to_string())
    }

    pub(super) fn map(&self, map: &Map) -> Cell {
        self.value(&Value::Map(map.clone()))
    }

    pub(super) fn fault(&self, fault: &Fault) -> Cell {
        let record = json!({
            "kind": fault.kind.word(),
            "code": fault.code,
            "message": fault.message,
            "service": fault.service,
            "operation": fault.operation,
            "request_id": fault.request_id,
            "retryable": fault.retryable,
            "open": fault.open,
            "hint": fault.hint,
            "details": self.record(&Value::Map(fault.details.clone())),
        });
        Cell::Text(record.to_string())
    }

    pub(super) fn calls(&self, calls: &[Call]) -> Cell {
        let records = calls.iter().map(|call| {
            json!({
                "operation": call.operation,
                "input": self.record(&Value::Map(call.input.clone())),
                "controls": self.record(&Value::Map(call.controls.clone())),
            })
        });
        Cell::Text(Json::Array(records.collect()).to_string())
    }
}

pub(super) fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

pub(super) fn optional(text: Option<&str>) -> Cell {
    text.map_or(Cell::Null, |text| Cell::Text(text.to_owned()))
}

pub(super) fn time(time: Timestamp) -> Cell {
    Cell::Text(time.to_string())
}

/// Reads the cells of one row from left to right.
pub(super) struct Reader<'a> {
    cells: std::vec::IntoIter<Cell>,
    seal: &'a Seal,
    secrets: Secrets,
}

impl<'a> Reader<'a> {
    pub(super) fn new(cells: Vec<Cell>, seal: &'a Seal, secrets: Secrets) -> Self {
        Self {
            cells: cells.into_iter(),
            seal,
            secrets,
        }
    }

    pub(super) fn int(&mut self) -> Result<i64, Broken> {
        match self.cells.next() {
            Some(Cell::Integer(number)) => Ok(number),
            other => Err(unreadable("a number", &format!("{other:?}"))),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, Broken> {
        self.optional()?
            .ok_or_else(|| unreadable("a text", "nothing"))
    }

    pub(super) fn optional(&mut self) -> Result<Option<String>, Broken> {
        match self.cells.next() {
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(Cell::Null) | None => Ok(None),
            other => Err(unreadable("a text", &format!("{other:?}"))),
        }
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, Broken> {
        let text = self.text()?;
        text.parse().map_err(|_| unreadable("a time", &text))
    }

    pub(super) fn world(&mut self) -> Result<Kind, Broken> {
        let word = self.text()?;
        Kind::from_word(&word).ok_or_else(|| unreadable("a world", &word))
    }

    pub(super) fn run_outcome(&mut self) -> Result<RunOutcome, Broken> {
        let word = self.text()?;
        RunOutcome::of(&word, self.optional()?)
            .ok_or_else(|| unreadable("the outcome of a run", &word))
    }

    pub(super) fn value(&mut self) -> Result<Value, Broken> {
        let json = self.json()?;
        self.revive(&json)
    }

    pub(super) fn map(&mut self) -> Result<Map, Broken> {
        match self.value()? {
            Value::Map(map) => Ok(map),
            other => Err(unreadable("a map", other.type_name())),
        }
    }

    pub(super) fn calls(&mut self) -> Result<Vec<Call>, Broken> {
        let Json::Array(records) = self.json()? else {
            return Err(unreadable("a list of calls", "something else"));
        };
        records
            .iter()
            .map(|record| {
                let map = |name: &str| match self.revive(&record[name])? {
                    Value::Map(map) => Ok(map),
                    other => Err(unreadable("a map", other.type_name())),
                };
                Ok(Call {
                    operation: owned(&record["operation"]).unwrap_or_default(),
                    input: map("input")?,
                    controls: map("controls")?,
                })
            })
            .collect()
    }

    pub(super) fn fault(&mut self) -> Result<Fault, Broken> {
        let record = self.json()?;
        let kind = record["kind"]
            .as_str()
            .and_then(FaultKind::from_word)
            .ok_or_else(|| unreadable("an error", &record["kind"].to_string()))?;
        let details = match self.revive(&record["details"])? {
            Value::Map(details) => details,
            _ => Map::new(),
        };
        Ok(Fault {
            kind,
            code: owned(&record["code"]),
            message: owned(&record["message"]).unwrap_or_default(),
            service: owned(&record["service"]).unwrap_or_default(),
            operation: owned(&record["operation"]).unwrap_or_default(),
            request_id: owned(&record["request_id"]),
            retryable: record["retryable"].as_bool().unwrap_or_default(),
            // Older records do not say.
            open: record["open"].as_bool().unwrap_or_default(),
            hint: owned(&record["hint"]),
            details,
        })
    }

    fn json(&mut self) -> Result<Json, Broken> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|error| unreadable("a record", &error.to_string()))
    }

    fn revive(&self, json: &Json) -> Result<Value, Broken> {
        let key = std::cell::RefCell::new(None);
        let value = Value::from_record(json, &|sealed| match self.secrets {
            Secrets::Hidden => Ok(Secret::new("")),
            Secrets::Opened => self.seal.unseal(sealed).map_err(|error| {
                let text = error.to_string();
                key.borrow_mut().get_or_insert(error);
                text
            }),
        });
        match (value, key.into_inner()) {
            (_, Some(error)) => Err(Broken::Key(error)),
            (value, None) => value.map_err(Broken::Damaged),
        }
    }
}

fn owned(json: &Json) -> Option<String> {
    json.as_str().map(ToOwned::to_owned)
}

fn unreadable(wanted: &str, found: &str) -> Broken {
    Broken::Damaged(format!("expected {wanted}, found {found}"))
}
