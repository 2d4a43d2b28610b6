//! A playbook with everything that it imports, each text once.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhai::{AST, ASTNode, Expr, Position, Stmt};

use super::finding::Finding;
use super::rules;
use crate::script::parsed;
use crate::script::resolver::{self, Import, Unfound};
use crate::script::source::Sources;

/// One text of a program.
pub struct Unit {
    /// Its name in places.
    pub name: String,
    /// As it was read.
    pub text: Arc<str>,
    /// As it was parsed.
    pub ast: Arc<AST>,
    /// Whether it is the user's: the standard library is looked up, not checked.
    pub own: bool,
    /// The texts that its aliases may stand for; `None` where one is not known.
    pub imports: BTreeMap<String, Option<usize>>,
}

/// A playbook and what it imports.
pub struct Program {
    /// The texts; the playbook is the first.
    pub units: Vec<Unit>,
    /// What was wrong with reading them.
    pub findings: Vec<Finding>,
}

/// What stands for what is imported in places.
#[derive(Clone, Copy)]
pub enum Naming {
    /// Its path from the playbook's folder on, as when the playbook runs.
    FromFolder,
    /// Its path from where opsh was started.
    FromHere,
}

impl Program {
    /// Parses the playbook `name` with `text` in `folder`, and what it imports; `sources`
    /// gets all texts.
    ///
    /// # Errors
    /// The syntax error of the playbook itself, which is all that can be said then.
    pub fn read(
        name: &str,
        text: &str,
        folder: &Path,
        naming: Naming,
        sources: &Sources,
    ) -> Result<Self, Box<Finding>> {
        let ast = parsed::parse(name, text, sources)
            .map_err(|error| Box::new(rules::syntax::finding(name, &error)))?;
        let mut reader = Reader {
            folder: folder.to_path_buf(),
            root: folder.canonicalize().ok(),
            naming,
            sources,
            known: HashMap::new(),
            program: Self {
                units: Vec::new(),
                findings: Vec::new(),
            },
        };
        reader.add(name, text, ast, true);
        Ok(reader.program)
    }
}

struct Reader<'a> {
    folder: PathBuf,
    root: Option<PathBuf>,
    naming: Naming,
    sources: &'a Sources,
    /// Texts by what they are imported as; `None` if they cannot be read.
    known: HashMap<String, Option<usize>>,
    program: Program,
}

impl Reader<'_> {
    fn add(&mut self, name: &str, text: &str, ast: Arc<AST>, own: bool) -> usize {
        let index = self.program.units.len();
        self.program.units.push(Unit {
            name: name.to_owned(),
            text: text.into(),
            ast,
            own,
            imports: BTreeMap::new(),
        });
        let ast = Arc::clone(&self.program.units[index].ast);
        let mut imports: Vec<(Option<String>, String, Position)> = Vec::new();
        ast.walk(&mut |nodes| {
            if let Some(ASTNode::Stmt(Stmt::Import(import, _))) = nodes.last() {
                let path = match &import.0 {
                    Expr::StringConstant(path, _) => Some(path.to_string()),
                    _ => None,
                };
                imports.push((path, import.1.name.to_string(), import.0.start_position()));
            }
            true
        });
        for (path, alias, position) in imports {
            let found = path.and_then(|path| self.import(name, own, &path, position));
            let entry = self.program.units[index].imports.entry(alias);
            entry
                .and_modify(|known| {
                    if *known != found {
                        *known = None;
                    }
                })
                .or_insert(found);
        }
        index
    }

    /// The text that is imported as `path` by `importer`.
    fn import(
        &mut self,
        importer: &str,
        own: bool,
        path: &str,
        position: Position,
    ) -> Option<usize> {
        if let Some(known) = self.known.get(path) {
            return *known;
        }
        // Whoever imports itself finds nothing yet.
        self.known.insert(path.to_owned(), None);
        let import = match resolver::find(self.root.as_deref(), path) {
            Ok(Import::File { name, text }) => Import::File {
                name: self.shown(name),
                text,
            },
            Ok(embedded) => embedded,
            Err(unfound) => {
                if own {
                    let message = match unfound {
                        Unfound::Missing => rules::imports::missing(path, self.root.as_deref()),
                        Unfound::Refused(why) => why,
                    };
                    let rule = &rules::imports::UNKNOWN;
                    let found = Finding::new(rule, importer, position, message);
                    self.program.findings.push(found);
                }
                return None;
            }
        };
        let name = import.name();
        match parsed::import(&import, self.sources) {
            Ok(ast) => {
                let own = matches!(import, Import::File { .. });
                let index = self.add(name, import.text(), ast, own);
                self.known.insert(path.to_owned(), Some(index));
                Some(index)
            }
            Err(error) => {
                self.program
                    .findings
                    .push(rules::syntax::finding(name, &error));
                None
            }
        }
    }

    fn shown(&self, name: String) -> String {
        match self.naming {
            Naming::FromFolder => name,
            Naming::FromHere => {
                let here = self.folder.strip_prefix(".").unwrap_or(&self.folder);
                here.join(name).display().to_string()
            }
        }
    }
}
