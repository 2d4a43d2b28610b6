//! `asset` and `assets`: files beside the playbook, wherever opsh is started.
//!
//! Assets are part of the program, like imports, and as confined.

use std::path::Path;

use opsh_operation::Shape;
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};

use super::{Builtin, Scene, builtin};
use crate::modules::Files as WorkingFolder;
use crate::modules::declare::required;
use crate::script::run::plain_io;

pub(super) const ASSET: Builtin = builtin! {
    "asset" asset, ("path") [
        required("path", Shape::Text, "The file, from the playbook's folder on."),
    ] -> Shape::Bytes,
    "The bytes of a file beside the playbook.",
    r#"assert_eq(asset("motd.txt").as_string(), "Welcome.");"#,
};

pub(super) const ASSETS: Builtin = builtin! {
    "assets" assets, ("path") [
        required("path", Shape::Text, "The folder, from the playbook's folder on."),
    ] -> Shape::List(&Shape::Text),
    "The names of all files in a folder beside the playbook and below it, in order.",
    r#"assert_eq(assets("."), ["motd.txt"]);"#,
};

fn asset(engine: &mut Engine, name: &'static str, scene: &Scene<'_>) {
    let Some(folder) = scene.folder.map(Path::to_path_buf) else {
        return;
    };
    engine.register_fn(
        name,
        move |path: ImmutableString| -> Result<rhai::Blob, Box<EvalAltResult>> {
            let file = WorkingFolder::new(&folder)
                .map_err(|error| error.to_string())
                .and_then(|root| root.confined(&path).map_err(|fault| fault.message))
                .and_then(|file| std::fs::read(file).map_err(|error| plain_io(&error)));
            file.map_err(|why| format!("asset {path:?} cannot be read: {why}").into())
        },
    );
}

fn assets(engine: &mut Engine, name: &'static str, scene: &Scene<'_>) {
    let Some(folder) = scene.folder.map(Path::to_path_buf) else {
        return;
    };
    engine.register_fn(
        name,
        move |path: ImmutableString| -> Result<rhai::Array, Box<EvalAltResult>> {
            let mut names = Vec::new();
            WorkingFolder::new(&folder)
                .map_err(|error| error.to_string())
                .and_then(|root| root.confined(&path).map_err(|fault| fault.message))
                .and_then(|top| below(&top, "", &mut names).map_err(|error| plain_io(&error)))
                .map_err(|why| format!("assets {path:?} cannot be listed: {why}"))?;
            names.sort();
            Ok(names.into_iter().map(Dynamic::from).collect())
        },
    );
}

/// Adds the files in `folder` and below it, each with `prefix` before its name.
///
/// Symbolic links are left out: they may lead anywhere.
fn below(folder: &Path, prefix: &str, names: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            below(&entry.path(), &format!("{name}/"), names)?;
        } else if kind.is_file() {
            names.push(name);
        }
    }
    Ok(())
}
