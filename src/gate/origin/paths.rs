//! The paths of a run whose folder has been moved since: what it has recorded begins with
//! the old one.

use std::path::Path;

use opsh_operation::{Map, Shape, Structure, Value};

use crate::ledger::Step;
use crate::modules::registry::registry;

/// Lets the paths in what `steps` have sent begin with the working directory, where they
/// begin with the `folder` that their run was started in.
pub fn relocate(steps: &mut [Step], folder: &str) {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let Ok(here) = here else {
        return;
    };
    if here == Path::new(folder) {
        return;
    }
    let moved = Moved {
        from: folder,
        to: &here,
    };
    for step in steps {
        if let Some(entry) = registry().get(&step.operation) {
            moved.fields(entry.operation.input, &mut step.input);
        }
    }
}

struct Moved<'a> {
    from: &'a str,
    to: &'a Path,
}

impl Moved<'_> {
    fn fields(&self, structure: &Structure, map: &mut Map) {
        for (name, value) in map {
            if let Some(field) = structure.field(name) {
                self.value(&field.shape, value);
            }
        }
    }

    fn value(&self, shape: &Shape, value: &mut Value) {
        match (shape, value) {
            (Shape::Path | Shape::Output, Value::Text(path)) => self.path(path),
            (Shape::Body, Value::Map(body)) => {
                if let Some(Value::Text(path)) = body.get_mut("file") {
                    self.path(path);
                }
            }
            (Shape::List(item), Value::List(values)) => {
                for value in values {
                    self.value(item, value);
                }
            }
            (Shape::Struct(inner), Value::Map(map)) => self.fields(inner, map),
            _ => {}
        }
    }

    fn path(&self, path: &mut String) {
        if let Ok(rest) = Path::new(path.as_str()).strip_prefix(self.from) {
            *path = self.to.join(rest).display().to_string();
        }
    }
}
