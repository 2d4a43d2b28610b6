//! With how many arguments functions of no module can be called: Rhai's and the engine's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::script::builtin::BUILTINS;
use crate::script::engine::{self, NOT_TO_BE_USED};
use crate::script::values;
use crate::surface::Callable;

/// Words of the language that are called like functions.
const OF_THE_LANGUAGE: [&str; 9] = [
    "Fn",
    "call",
    "curry",
    "debug",
    "is_def_fn",
    "is_def_var",
    "is_shared",
    "print",
    "type_of",
];

/// All that can be called by its name alone.
pub struct Natives {
    arities: BTreeMap<String, BTreeSet<usize>>,
}

/// The one table; made when first asked for.
pub fn natives() -> &'static Natives {
    static NATIVES: OnceLock<Natives> = OnceLock::new();
    NATIVES.get_or_init(|| {
        let mut engine = engine::common();
        values::register_types(&mut engine);
        let mut arities: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        let registered = engine.collect_fn_metadata(
            None,
            |info| Some((info.metadata.name.to_string(), info.metadata.num_params)),
            true,
        );
        for (name, count) in registered {
            arities.entry(name).or_default().insert(count);
        }
        for builtin in BUILTINS {
            let callable = Callable::builtin(builtin.operation);
            let counts = arities.entry(callable.name.to_string()).or_default();
            counts.extend(callable.arities());
        }
        for name in OF_THE_LANGUAGE.iter().chain(&NOT_TO_BE_USED) {
            arities.remove(*name);
        }
        Natives { arities }
    })
}

impl Natives {
    /// Whether there is a function of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.arities.contains_key(name) || OF_THE_LANGUAGE.contains(&name)
    }

    /// With how many arguments `name` can be called; `None` if that is not known.
    #[must_use]
    pub fn arities(&self, name: &str) -> Option<&BTreeSet<usize>> {
        self.arities.get(name)
    }

    /// All names that a person would write.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let words = self.arities.keys().map(String::as_str);
        words
            .chain(OF_THE_LANGUAGE)
            .filter(|name| name.starts_with(|letter: char| letter.is_ascii_alphabetic()))
            .filter(|name| !name.contains('$'))
    }
}
