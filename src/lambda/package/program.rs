//! What a script consists of: itself, what it imports, the assets beside it.
//!
//! Followed in the text, without running anything; a path that is only known at
//! run time has to be included by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rhai::{AST, ASTNode, Expr, Position, Stmt};

use crate::lambda::function::HANDLER;
use crate::modules::Files;
use crate::script::error::{Class, Finding, ScriptError, site};
use crate::script::imports::{Failed, Imported, Imports};
use crate::script::reach::Reach;
use crate::script::resolver::{Import, Unfound};
use crate::script::run::{Playbook, plain_io};
use crate::script::source::Sources;

/// A script with everything that it needs beside the program.
pub struct Program {
    /// Lambda's name of the handler, e.g. `health_check.handler`.
    pub handler: String,
    /// The content of every file, by its path from the script's folder on.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The operations that it can call.
    pub reach: Reach,
}

impl Program {
    /// Collects what the script in `file` needs; `include` names more files and
    /// folders, from its folder on.
    ///
    /// # Errors
    /// The script has no `handler(event, context)`; what it names is not there, is
    /// outside of its folder, or is only known at run time.
    pub fn gather(file: &Path, include: &[String], sources: &Sources) -> Result<Self, ScriptError> {
        Self::gather_as(file, include, sources, true)
    }

    /// The same for a playbook that runs as a service, which needs no handler.
    ///
    /// # Errors
    /// As [`Program::gather`].
    pub fn gather_service(
        file: &Path,
        include: &[String],
        sources: &Sources,
    ) -> Result<Self, ScriptError> {
        Self::gather_as(file, include, sources, false)
    }

    fn gather_as(
        file: &Path,
        include: &[String],
        sources: &Sources,
        function: bool,
    ) -> Result<Self, ScriptError> {
        let playbook = Playbook::load(file, sources)?;
        if function && !playbook.has_function(HANDLER, 2) {
            return Err(ScriptError::plain(
                Class::Start,
                format!(
                    "{} has no function {HANDLER}(event, context)",
                    playbook.name
                ),
            )
            .hint(format!(
                "write what is to happen for each event as: fn {HANDLER}(event, context) {{ … }}"
            )));
        }
        let root = playbook.folder.canonicalize().map_err(|error| {
            ScriptError::plain(
                Class::Start,
                format!("{}: {}", playbook.folder.display(), plain_io(&error)),
            )
        })?;
        let name = file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let stem = name.strip_suffix(".rhai").ok_or_else(|| {
            ScriptError::plain(
                Class::Start,
                format!("the script '{}' must end in .rhai", file.display()),
            )
        })?;
        let text = std::fs::read(file).map_err(|error| {
            ScriptError::plain(
                Class::Start,
                format!("cannot read '{}': {}", file.display(), plain_io(&error)),
            )
        })?;
        let mut search = Search {
            root,
            imports: Imports::new(&playbook.folder, sources),
            includes: !include.is_empty(),
            files: BTreeMap::from([(name.clone(), text)]),
            imported: BTreeSet::new(),
            findings: Vec::new(),
        };
        let script = playbook.shared_ast();
        search.follow(&playbook.name, &script);
        for path in include {
            if let Err(why) = search.add(path) {
                search.findings.push(Finding {
                    site: None,
                    message: why,
                });
            }
        }
        if !search.findings.is_empty() {
            return Err(ScriptError::of(Class::Start, search.findings));
        }
        Ok(Self {
            handler: format!("{stem}.{HANDLER}"),
            files: search.files,
            reach: Reach::closely(&script, &playbook.folder, sources),
        })
    }
}

struct Search<'a> {
    /// The script's folder, a real path.
    root: PathBuf,
    imports: Imports<'a>,
    /// Whether files are included by name, among which those may be that are only
    /// known at run time.
    includes: bool,
    files: BTreeMap<String, Vec<u8>>,
    imported: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Search<'_> {
    /// Collects what `ast` names.
    fn follow(&mut self, source: &str, ast: &AST) {
        for (kind, path, position) in named(ast) {
            let Some(path) = path else {
                if !self.includes {
                    self.complain(
                        source,
                        position,
                        format!("the path of this {} is only known at run time; name the file with --include", kind.word()),
                    );
                }
                continue;
            };
            let found = match kind {
                Kind::Import => self.import(&path),
                // The standard library has no files beside it.
                Kind::Asset => self.add(&path),
            };
            if let Err(why) = found {
                self.complain(source, position, why);
            }
        }
    }

    fn complain(&mut self, source: &str, position: Position, message: String) {
        self.findings.push(Finding {
            site: site(source, position),
            message,
        });
    }

    fn import(&mut self, path: &str) -> Result<(), String> {
        if !self.imported.insert(path.to_owned()) {
            return Ok(());
        }
        let Imported { found, ast } = self.imports.load(path).map_err(|failed| match failed {
            Failed::Unfound(Unfound::Missing) => {
                format!("there is nothing to import as {path:?}")
            }
            Failed::Unfound(Unfound::Refused(why)) => why,
            // Its place is in another text than the import's.
            Failed::Unparsed(name, error) => format!("{name} cannot be parsed: {error}"),
        })?;
        if let Import::File { name, text } = &found {
            self.files.insert(name.clone(), text.clone().into_bytes());
        }
        self.follow(found.name(), &ast);
        Ok(())
    }

    /// Adds the file at `path`, or all files of the folder there.
    fn add(&mut self, path: &str) -> Result<(), String> {
        let failed = |why: String| format!("'{path}' cannot be packaged: {why}");
        let confined = Files::new(&self.root)
            .map_err(|error| failed(plain_io(&error)))?
            .confined(path)
            .map_err(|_| failed("it is outside of the script's folder".to_owned()))?;
        self.take(&confined)
            .map_err(|error| failed(plain_io(&error)))
    }

    fn take(&mut self, path: &Path) -> std::io::Result<()> {
        if path.is_dir() {
            for entry in std::fs::read_dir(path)? {
                self.take(&entry?.path())?;
            }
            return Ok(());
        }
        let content = std::fs::read(path)?;
        let name = path.strip_prefix(&self.root).unwrap_or(path);
        self.files.insert(name.display().to_string(), content);
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Import,
    Asset,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Asset => "asset",
        }
    }
}

/// The files that `ast` names, with their paths where these are literal.
fn named(ast: &AST) -> Vec<(Kind, Option<String>, Position)> {
    let literal = |expression: &Expr| {
        expression
            .get_literal_value(None)
            .and_then(|value| value.into_string().ok())
    };
    let mut all = Vec::new();
    ast.walk(&mut |nodes| {
        match nodes.last() {
            Some(ASTNode::Stmt(Stmt::Import(import, position))) => {
                all.push((Kind::Import, literal(&import.0), *position));
            }
            Some(
                ASTNode::Expr(Expr::FnCall(call, position))
                | ASTNode::Stmt(Stmt::FnCall(call, position)),
            ) if !call.is_qualified() && call.name == "asset" && call.args.len() == 1 => {
                all.push((Kind::Asset, literal(&call.args[0]), *position));
            }
            _ => {}
        }
        true
    });
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn gather(files: &[(&str, &str)], include: &[&str]) -> Result<Program, ScriptError> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let include: Vec<String> = include.iter().map(|path| (*path).to_owned()).collect();
        Program::gather(
            &folder.path().join("main.rhai"),
            &include,
            &Sources::default(),
        )
    }

    fn names(program: &Program) -> Vec<&str> {
        program.files.keys().map(String::as_str).collect()
    }

    #[test]
    fn imports_and_assets_are_followed() {
        let program = gather(
            &[
                (
                    "main.rhai",
                    r#"import "web" as web; import "lib/rules" as rules;
                    fn handler(event, context) { rules::page() }"#,
                ),
                (
                    "lib/rules.rhai",
                    r#"import "lib/more" as more; fn page() { asset("pages/a.html") }"#,
                ),
                ("lib/more.rhai", "fn nothing() {}"),
                ("pages/a.html", "<p>"),
                ("not_named.txt", ""),
            ],
            &[],
        )
        .unwrap();
        assert_eq!(program.handler, "main.handler");
        assert_eq!(
            names(&program),
            [
                "lib/more.rhai",
                "lib/rules.rhai",
                "main.rhai",
                "pages/a.html"
            ]
        );
        assert!(program.reach.imports().contains("web"));
    }

    #[test]
    fn what_is_only_known_at_run_time_is_named_or_refused() {
        let main = "fn handler(event, context) {\n  asset(`pages/${event.name}`)\n}";
        let error = gather(&[("main.rhai", main)], &[]).err().unwrap();
        let summary = error.summary();
        assert!(
            summary.ends_with("main.rhai:2:3: the path of this asset is only known at run time; name the file with --include"),
            "{summary}"
        );
        let program = gather(
            &[
                ("main.rhai", main),
                ("pages/a.html", ""),
                ("pages/b/c.html", ""),
            ],
            &["pages"],
        )
        .unwrap();
        assert_eq!(
            names(&program),
            ["main.rhai", "pages/a.html", "pages/b/c.html"]
        );
    }

    #[test]
    fn what_is_missing_or_outside_is_refused_with_its_place() {
        let error = gather(
            &[(
                "main.rhai",
                "import \"nowhere\" as n;\nfn handler(event, context) { asset(\"../x\") }",
            )],
            &[],
        )
        .err()
        .unwrap();
        let messages: Vec<_> = error
            .findings
            .iter()
            .map(|finding| finding.message.as_str())
            .collect();
        assert_eq!(
            messages,
            [
                "there is nothing to import as \"nowhere\"",
                "'../x' cannot be packaged: it is outside of the script's folder"
            ]
        );
        let error = gather(&[("main.rhai", "fn handler(event) {}")], &[])
            .err()
            .unwrap();
        assert!(
            error
                .summary()
                .ends_with("has no function handler(event, context)")
        );
    }
}
