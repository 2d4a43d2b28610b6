//! What is known of a value without running anything.

use std::collections::BTreeMap;

use opsh_operation::validate::{Gap, Gaps};
use opsh_operation::{Map, Value};
use rhai::{Expr, Position};

use super::scope::Facts;
use crate::script::values::to_value;

/// How many variables are followed behind each other.
const DEEP: usize = 8;

/// The steps from a value to a part of it: keys, and `[n]` for items.
pub type Path = Vec<String>;

/// A value as far as it is written down.
#[derive(Debug, Default)]
pub struct Known {
    /// The value; what is not known of it is in the gaps.
    pub value: Value,
    /// What is not known of it.
    pub gaps: Gaps,
    /// Where its parts stand.
    pub places: BTreeMap<Path, Position>,
}

impl Known {
    /// What is known of the value of `expression`.
    #[must_use]
    pub fn of(facts: &Facts<'_>, expression: &Expr) -> Self {
        let mut known = Self::default();
        known.value = known.read(facts, expression, &mut Vec::new(), DEEP);
        known
    }

    /// A map of which nothing is known.
    #[must_use]
    pub fn open() -> Self {
        Self {
            value: Value::Map(Map::new()),
            gaps: Gaps::from([(Path::new(), Gap::More)]),
            places: BTreeMap::new(),
        }
    }

    /// What is not known of the value itself.
    #[must_use]
    pub fn gap(&self) -> Option<Gap> {
        self.gaps.get(&Path::new()).copied()
    }

    /// Its entries, if it is known to be a map.
    #[must_use]
    pub fn map(&self) -> Option<&Map> {
        match self.gap() {
            Some(Gap::Anything | Gap::Text) => None,
            Some(Gap::More) | None => self.value.as_map(),
        }
    }

    /// The place of the part at `path`, or of the nearest one around it that has one.
    #[must_use]
    pub fn place(&self, path: &[String]) -> Option<Position> {
        (1..=path.len())
            .rev()
            .find_map(|count| self.places.get(&path[..count]).copied())
    }

    /// Puts `other` into this map under `key`.
    pub fn insert(&mut self, key: &str, position: Position, other: Self) {
        let under = |path: Path| {
            let mut whole = vec![key.to_owned()];
            whole.extend(path);
            whole
        };
        self.places.insert(vec![key.to_owned()], position);
        for (path, place) in other.places {
            self.places.insert(under(path), place);
        }
        for (path, gap) in other.gaps {
            self.gaps.insert(under(path), gap);
        }
        if let Value::Map(map) = &mut self.value {
            map.insert(key.to_owned(), other.value);
        }
    }

    fn unknown(&mut self, path: &Path, gap: Gap) -> Value {
        self.gaps.insert(path.clone(), gap);
        match gap {
            Gap::Anything => Value::Null,
            Gap::Text => Value::Text(String::new()),
            Gap::More => Value::Map(Map::new()),
        }
    }

    fn read(
        &mut self,
        facts: &Facts<'_>,
        expression: &Expr,
        path: &mut Path,
        deep: usize,
    ) -> Value {
        match expression {
            Expr::Map(map, _) => {
                let mut read = Map::new();
                for (key, value) in &map.0 {
                    path.push(key.name.to_string());
                    self.places.insert(path.clone(), key.pos);
                    read.insert(key.name.to_string(), self.read(facts, value, path, deep));
                    path.pop();
                }
                Value::Map(read)
            }
            Expr::Array(items, _) => {
                let mut read = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    path.push(format!("[{index}]"));
                    self.places.insert(path.clone(), item.start_position());
                    read.push(self.read(facts, item, path, deep));
                    path.pop();
                }
                Value::List(read)
            }
            Expr::InterpolatedString(..) => self.unknown(path, Gap::Text),
            Expr::Variable(..) if deep > 0 => match behind(facts, expression) {
                Some(value) => self.read(facts, value, path, deep - 1),
                None => self.unknown(path, Gap::Anything),
            },
            Expr::FnCall(call, _) if call.is_operator_call() && call.name == "+" => {
                match &call.args[..] {
                    [left, right] => self.sum(facts, left, right, path, deep),
                    _ => self.unknown(path, Gap::Anything),
                }
            }
            Expr::Unit(_)
            | Expr::BoolConstant(..)
            | Expr::IntegerConstant(..)
            | Expr::FloatConstant(..)
            | Expr::CharConstant(..)
            | Expr::StringConstant(..) => {
                let literal = expression.get_literal_value(None).unwrap_or_default();
                to_value(&literal).unwrap_or_else(|_| self.unknown(path, Gap::Anything))
            }
            _ => self.unknown(path, Gap::Anything),
        }
    }

    /// Two maps together, or a text with something behind it.
    fn sum(
        &mut self,
        facts: &Facts<'_>,
        left: &Expr,
        right: &Expr,
        path: &mut Path,
        deep: usize,
    ) -> Value {
        let (mut first, mut second) = (Self::default(), Self::default());
        first.value = first.read(facts, left, path, deep);
        second.value = second.read(facts, right, path, deep);
        let here: &Path = path;
        let is_map = |known: &Self| {
            matches!(known.value, Value::Map(_))
                && !matches!(known.gaps.get(here), Some(Gap::Anything | Gap::Text))
        };
        if matches!(first.value, Value::Text(_)) {
            return self.unknown(here, Gap::Text);
        }
        let anything = |known: &Self| known.gaps.get(here) == Some(&Gap::Anything);
        let maps = (is_map(&first), is_map(&second));
        let open = match maps {
            (true, true) => [&first, &second]
                .iter()
                .any(|known| known.gaps.get(here) == Some(&Gap::More)),
            (true, false) if anything(&second) => true,
            (false, true) if anything(&first) => true,
            _ => return self.unknown(here, Gap::Anything),
        };
        let mut sum = Map::new();
        for known in [first, second] {
            let Value::Map(map) = known.value else {
                continue;
            };
            for key in map.keys() {
                // What stands further right replaces what was there before.
                let mut whole = here.clone();
                whole.push(key.clone());
                self.gaps.retain(|known, _| !known.starts_with(&whole));
                self.places.retain(|known, _| !known.starts_with(&whole));
            }
            let below = |known: &Path| known.len() > here.len();
            self.gaps
                .extend(known.gaps.into_iter().filter(|(known, _)| below(known)));
            self.places
                .extend(known.places.into_iter().filter(|(known, _)| below(known)));
            sum.extend(map);
        }
        if open {
            self.gaps.insert(here.clone(), Gap::More);
            if maps.0 && !maps.1 {
                // What is not known may replace any of it.
                for key in sum.keys() {
                    let mut whole = here.clone();
                    whole.push(key.clone());
                    self.gaps.insert(whole, Gap::Anything);
                }
            }
        }
        Value::Map(sum)
    }
}

/// What the variable that `expression` is was declared as, if it keeps that.
#[must_use]
pub fn behind<'a>(facts: &Facts<'a>, expression: &Expr) -> Option<&'a Expr> {
    let Expr::Variable(name, _, position) = expression else {
        return None;
    };
    let variable = if name.2.is_empty() {
        facts.variable(*position)?
    } else if name.2.path.len() == 1 && name.2.path[0].name == "global" {
        facts.global(&name.1)?
    } else {
        return None;
    };
    variable.value.filter(|_| variable.steady)
}
