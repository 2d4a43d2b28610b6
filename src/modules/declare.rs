//! How native operations are declared, in few words.

use opsh_operation::{FaultKind, Field, Inverse, Raises, Settle, Shape, Write};

/// A parameter without which the call is refused.
pub(crate) const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        name,
        shape,
        required: true,
        sensitive: false,
        doc,
    }
}

/// A parameter that may be left out, or a field of a result.
pub(crate) const fn optional(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        required: false,
        ..required(name, shape, doc)
    }
}

/// A parameter that may be left out and is never shown.
pub(crate) const fn secret(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        sensitive: true,
        ..optional(name, shape, doc)
    }
}

/// An error that an operation is known to fail with, and when.
pub(crate) const fn raises(kind: FaultKind, doc: &'static str) -> Raises {
    Raises {
        kind: Some(kind),
        code: "",
        doc,
    }
}

/// A whole number from `min` to `max`.
pub(crate) const fn int(min: i64, max: i64) -> Shape {
    Shape::Int { min, max }
}

/// A write that makes no resource and takes no tags.
pub(crate) const fn plain_write(inverse: Inverse, settle: Settle) -> Write {
    Write::plain(inverse, settle)
}

/// One line of a module's table: a declaration beside what does it.
///
/// `"module" "name" "module:Action" effect handler, (positional…) [fields…] -> result,
/// summary, example`
macro_rules! entry {
    (
        $module:literal $name:literal $action:literal $effect:expr, $handler:expr,
        ($($positional:literal),*) [$($field:expr),* $(,)?] -> $output:expr,
        $summary:literal,
        $example:literal $(,)?
    ) => {
        $crate::modules::Entry {
            operation: &::opsh_operation::Operation {
                module: $module,
                name: $name,
                action: $action,
                summary: $summary,
                input: &::opsh_operation::Structure {
                    name: concat!($module, "::", $name),
                    fields: &[$($field),*],
                },
                positional: &[$($positional),*],
                output: $output,
                effect: $effect,
                raises: &[],
                example: $example,
            },
            handler: $handler,
        }
    };
}
pub(crate) use entry;
