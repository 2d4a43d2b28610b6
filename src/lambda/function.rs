//! A script as a function: read and checked once, called for each event.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use opsh_operation::{Map, Value};

use crate::script::engine::Runtime;
use crate::script::error::{Class, ScriptError};
use crate::script::param;
use crate::script::run::Playbook;
use crate::script::source::Sources;

/// What a script's function is called unless the handler's name says otherwise.
pub const HANDLER: &str = "handler";

/// Which function of which script: Lambda's `_HANDLER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerName {
    /// The script from the task's folder on, without `.rhai`.
    pub script: String,
    /// The function in it.
    pub function: String,
}

impl HandlerName {
    /// Reads `health_check.handler`; without a dot it is the script alone.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let (script, function) = text.rsplit_once('.').unwrap_or((text, HANDLER));
        Self {
            script: script.to_owned(),
            function: function.to_owned(),
        }
    }

    /// The script's file below the task's folder.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}.rhai", self.script)
    }
}

/// A script that has been found to have the wanted handler.
pub struct Function {
    playbook: Playbook,
    handler: String,
    parameters: BTreeMap<String, Value>,
}

impl Function {
    /// Reads the script in the task's folder `root`; `variable` gives a parameter's value.
    ///
    /// # Errors
    /// Whatever is wrong with the script; it has no such handler; a parameter
    /// has no value or a wrong one.
    pub fn load(
        root: &Path,
        handler: &HandlerName,
        sources: &Sources,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ScriptError> {
        let file = handler.file();
        let playbook = Playbook::load_as(&file, &root.join(&file), sources)?;
        let given = playbook
            .parameters
            .iter()
            .filter_map(|parameter| {
                let value = variable(&parameter.name)?;
                Some((parameter.name.clone(), Value::Text(value)))
            })
            .collect();
        Self::of(playbook, &handler.function, &given).map_err(|error| match error.hint {
            Some(_) => error,
            None => error.hint(
                "a parameter of a function has the value of the environment variable of its name",
            ),
        })
    }

    /// Takes a script that has been read, with the values that are given to its parameters.
    ///
    /// # Errors
    /// It has no such handler; a parameter has no value or a wrong one.
    pub fn of(playbook: Playbook, handler: &str, given: &Map) -> Result<Self, ScriptError> {
        if !playbook.has_function(handler, 2) {
            return Err(ScriptError::plain(
                Class::Start,
                format!(
                    "{} has no function {handler}(event, context)",
                    playbook.name
                ),
            )
            .hint(format!(
                "write what is to happen for each event as: fn {handler}(event, context) {{ … }}"
            )));
        }
        let parameters = param::resolve(
            &playbook.name,
            &playbook.parameters,
            given,
            // In Lambda nobody can be asked.
            &mut |_| Ok(None),
        )?;
        Ok(Self {
            playbook,
            handler: handler.to_owned(),
            parameters,
        })
    }

    /// The script as its places name it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.playbook.name
    }

    /// Runs the script's top level and then its handler, whose value is the result.
    ///
    /// # Errors
    /// Whatever ended it.
    pub fn invoke(
        &self,
        runtime: &Arc<Runtime>,
        event: Value,
        context: Value,
    ) -> Result<Value, ScriptError> {
        let parameters = self.parameters.clone();
        self.playbook
            .call(runtime, parameters, &self.handler, &[event, context])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_are_named_as_in_lambda() {
        let name = HandlerName::read("lambda/health_check.check");
        assert_eq!(
            (name.file().as_str(), name.function.as_str()),
            ("lambda/health_check.rhai", "check")
        );
        assert_eq!(HandlerName::read("uploads").function, HANDLER);
    }
}
