//! Options as the programs of a machine take them.

use std::collections::BTreeMap;

use super::call::{Call, Stop, failure};

/// The options and operands of a call.
#[derive(Debug, Default)]
pub struct Options {
    values: BTreeMap<String, Vec<String>>,
    /// What is no option, in order.
    pub operands: Vec<String>,
}

impl Options {
    /// Parses the call's arguments.
    ///
    /// `known` lists what is modelled: `s|silent o|output= |retry=`, a letter and a word for
    /// the same option, `=` where a value follows. Options are known by their word, or by
    /// their letter where they have none.
    ///
    /// # Errors
    /// An option that is not in the list is refused by name.
    pub fn parse(call: &Call<'_>, known: &str) -> Result<Self, Stop> {
        Self::parse_from(call, call.args, known, false)
    }

    /// As [`Options::parse`], up to the first operand: the rest is another command.
    pub fn before_command(call: &Call<'_>, known: &str) -> Result<Self, Stop> {
        Self::parse_from(call, call.args, known, true)
    }

    /// Parses other arguments than all of the call's.
    pub fn parse_from(
        call: &Call<'_>,
        args: &[String],
        known: &str,
        stop_at_operand: bool,
    ) -> Result<Self, Stop> {
        let known: Vec<Known<'_>> = known.split_whitespace().map(Known::new).collect();
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--" {
                options.operands.extend(args.by_ref().cloned());
            } else if let Some(word) = arg.strip_prefix("--") {
                let (name, given) = match word.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (word, None),
                };
                let option = known
                    .iter()
                    .find(|option| option.word == name)
                    .ok_or_else(|| call.not_modelled(&format!("option --{name}")))?;
                let value = match (option.valued, given) {
                    (true, Some(value)) => value,
                    (true, None) => args.next().cloned().ok_or_else(|| missing(call, arg))?,
                    (false, given) => given.unwrap_or_default(),
                };
                options.add(option, value);
            } else if arg.len() > 1 && arg.starts_with('-') {
                let mut letters = arg[1..].chars();
                while let Some(letter) = letters.next() {
                    let option = known
                        .iter()
                        .find(|option| option.letter == Some(letter))
                        .ok_or_else(|| call.not_modelled(&format!("option -{letter}")))?;
                    let value = if option.valued {
                        let rest: String = letters.by_ref().collect();
                        if rest.is_empty() {
                            args.next().cloned().ok_or_else(|| missing(call, arg))?
                        } else {
                            rest
                        }
                    } else {
                        String::new()
                    };
                    options.add(option, value);
                }
            } else {
                options.operands.push(arg.clone());
                if stop_at_operand {
                    options.operands.extend(args.by_ref().cloned());
                }
            }
        }
        Ok(options)
    }

    fn add(&mut self, option: &Known<'_>, value: String) {
        self.values.entry(option.key()).or_default().push(value);
    }

    /// Whether the option was given.
    pub fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// The option's last value.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.last().map(String::as_str)
    }

    /// All values of an option that may be given several times.
    pub fn all(&self, key: &str) -> &[String] {
        self.values.get(key).map_or(&[], Vec::as_slice)
    }

    /// The operands as `&str`.
    pub fn words(&self) -> Vec<&str> {
        self.operands.iter().map(String::as_str).collect()
    }
}

fn missing(call: &Call<'_>, option: &str) -> Stop {
    failure(
        2,
        format!("{}: option {option} requires an argument\n", call.name),
    )
}

struct Known<'a> {
    letter: Option<char>,
    word: &'a str,
    valued: bool,
}

impl<'a> Known<'a> {
    fn new(text: &'a str) -> Self {
        let (text, valued) = match text.strip_suffix('=') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (letter, word) = text.split_once('|').unwrap_or((text, ""));
        Self {
            letter: letter.chars().next(),
            word,
            valued,
        }
    }

    fn key(&self) -> String {
        match (self.word, self.letter) {
            ("", Some(letter)) => letter.to_string(),
            (word, _) => word.to_owned(),
        }
    }
}
