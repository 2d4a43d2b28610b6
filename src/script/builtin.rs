//! The functions that belong to no module: each declared beside what registers it.
//!
//! What is registered under another name than it is declared under cannot be: the
//! declaration's name is handed to the registration.

mod assertions;
mod assets;
mod given;
mod output;

use std::path::Path;
use std::sync::Arc;

use opsh_operation::Operation;
use rhai::Engine;

use super::engine::Runtime;

/// What the registrations may use.
pub struct Scene<'a> {
    /// What the functions of one run share.
    pub runtime: &'a Arc<Runtime>,
    /// The playbook's folder, if it has one.
    pub folder: Option<&'a Path>,
}

/// A function of no module.
pub struct Builtin {
    /// What it is; its module is empty.
    pub operation: &'static Operation,
    /// Registers it under its declared name.
    register: fn(&mut Engine, &'static str, &Scene<'_>),
}

/// All of them.
pub static BUILTINS: &[Builtin] = &[
    given::PARAM,
    given::SECRET,
    given::SLEEP,
    output::PRINT,
    output::DEBUG,
    assets::ASSET,
    assets::ASSETS,
    assertions::ASSERT,
    assertions::ASSERT_EQ,
];

/// Gives `engine` all of them.
pub fn register(engine: &mut Engine, scene: &Scene<'_>) {
    for builtin in BUILTINS {
        (builtin.register)(engine, builtin.operation.name, scene);
    }
}

/// `"name" register, (positional…) [fields…] -> result, summary, example`
macro_rules! builtin {
    (
        $name:literal $register:expr, ($($positional:literal),*) [$($field:expr),* $(,)?] -> $output:expr,
        $summary:literal,
        $example:literal $(,)?
    ) => {
        $crate::script::builtin::Builtin {
            operation: &::opsh_operation::Operation {
                module: "",
                name: $name,
                action: "",
                summary: $summary,
                input: &::opsh_operation::Structure { name: $name, fields: &[$($field),*] },
                positional: &[$($positional),*],
                output: $output,
                effect: ::opsh_operation::Effect::Pure,
                raises: &[],
                example: $example,
            },
            register: $register,
        }
    };
}
use builtin;
