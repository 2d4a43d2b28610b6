//! Apache's configuration, as far as it changes what a visitor gets.

mod words;

use crate::hosts::boot::Flavour;
use crate::hosts::disk::absolute;
use crate::hosts::machine::Machine;

use words::{FAMILIES, HARMLESS, words};

use super::main_file;
use super::site::{Access, Action, Directory, Rule, Site, VirtualHost, included, text};

/// Reads the configuration of `httpd` or `apache2`.
///
/// # Errors
/// What `apachectl configtest` says.
pub fn read(machine: &Machine) -> Result<Site, String> {
    let amazon = machine.flavour == Flavour::AmazonLinux2023;
    let mut reader = Reader {
        machine,
        root: if amazon { "/etc/httpd" } else { "/etc/apache2" }.to_owned(),
        site: Site {
            software: if amazon {
                "Apache/2.4.65 (Amazon Linux)"
            } else {
                "Apache/2.4.58 (Ubuntu)"
            }
            .to_owned(),
            ..Site::default()
        },
        main: VirtualHost::default(),
        sections: Vec::new(),
        depth: 0,
    };
    let file = main_file(machine.flavour, "apache");
    reader.file(file)?;
    let Reader { mut site, main, .. } = reader;
    if site.ports.is_empty() {
        return Err("AH00014: no listening sockets available, shutting down".to_owned());
    }
    // A virtual host has what the main server has unless it says otherwise.
    for host in &mut site.hosts {
        let inherited = main.clone();
        host.root = host.root.take().or(inherited.root);
        if host.index.is_empty() {
            host.index = inherited.index;
        }
        host.access_log = host.access_log.take().or(inherited.access_log);
        host.welcome = host.welcome.take().or(inherited.welcome);
        host.rules.extend(inherited.rules);
        host.aliases.extend(inherited.aliases);
        host.headers.extend(inherited.headers);
        for (status, page) in inherited.error_pages {
            host.error_pages.entry(status).or_insert(page);
        }
    }
    site.hosts.push(main);
    for host in &mut site.hosts {
        if host.index.is_empty() {
            host.index = vec!["index.html".to_owned()];
        }
    }
    Ok(site)
}

enum Section {
    Host(VirtualHost),
    Location(Rule),
    Directory(String, Directory),
    /// The front page's section of `welcome.conf`.
    FrontPage,
    /// What is in it is read as if it were outside.
    Transparent,
    /// What is in it is not read.
    Skipped,
}

struct Reader<'a> {
    machine: &'a Machine,
    root: String,
    site: Site,
    main: VirtualHost,
    sections: Vec<(String, Section)>,
    depth: u8,
}

impl Reader<'_> {
    fn file(&mut self, path: &str) -> Result<(), String> {
        self.depth += 1;
        if self.depth > 16 {
            return Err(format!("{path}: includes are nested too deeply"));
        }
        let content = text(self.machine, path).ok_or_else(|| {
            format!("httpd: Could not open configuration file {path}: No such file or directory")
        })?;
        let open = self.sections.len();
        for (number, line) in content.replace("\\\n", " ").lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            self.line(line).map_err(|reason| {
                if reason.starts_with("AH00526") {
                    reason
                } else {
                    format!(
                        "AH00526: Syntax error on line {} of {path}:\n{reason}",
                        number + 1
                    )
                }
            })?;
        }
        if self.sections.len() > open
            && let Some((name, _)) = self.sections.last()
        {
            return Err(format!(
                "AH00526: Syntax error on line {} of {path}:\n{path}: <{name}> was not closed.",
                content.lines().count()
            ));
        }
        self.depth -= 1;
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(name) = line.strip_prefix("</") {
            return self.close(name.trim_end_matches('>').trim());
        }
        let opening = line.starts_with('<');
        let line = line.trim_start_matches('<');
        let line = if opening {
            line.trim_end_matches('>')
        } else {
            line
        };
        let words = words(&expand(line));
        let Some((name, args)) = words.split_first() else {
            return Ok(());
        };
        if opening {
            return self.open(name, args);
        }
        if self
            .sections
            .iter()
            .any(|(_, section)| matches!(section, Section::Skipped))
        {
            return Ok(());
        }
        self.directive(name, args)
    }

    fn open(&mut self, name: &str, args: &[String]) -> Result<(), String> {
        let first = args.first().map(String::as_str).unwrap_or_default();
        let rule = |exact| Rule {
            path: first.to_owned(),
            exact,
            access: None,
            action: None,
            headers: Vec::new(),
        };
        let section = match name.to_ascii_lowercase().as_str() {
            "virtualhost" => Section::Host(VirtualHost {
                ports: args
                    .iter()
                    .filter_map(|address| address.rsplit(':').next()?.parse().ok())
                    .collect(),
                ..VirtualHost::default()
            }),
            "location" if first == "~" => return Err(not_modelled("<Location ~>")),
            "location" => Section::Location(rule(false)),
            "locationmatch" if first == "^/+$" => Section::FrontPage,
            "directory" if first == "~" => return Err(not_modelled("<Directory ~>")),
            "directory" => Section::Directory(absolute("/", first), Directory::default()),
            "ifmodule" => match first {
                "!ssl_module" | "!mod_ssl.c" => Section::Transparent,
                "ssl_module" | "mod_ssl.c" => Section::Skipped,
                module if module.starts_with('!') => Section::Skipped,
                _ => Section::Transparent,
            },
            "ifversion" | "requireany" => Section::Transparent,
            "ifdefine" => Section::Skipped,
            "files" | "filesmatch" if args.iter().any(|arg| arg.contains("ht")) => Section::Skipped,
            other => return Err(not_modelled(&format!("the section <{other}>"))),
        };
        self.sections.push((name.to_owned(), section));
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        let Some((open, section)) = self.sections.pop() else {
            return Err(format!("</{name}> without matching <{name}> section"));
        };
        if !open.eq_ignore_ascii_case(name) {
            return Err(format!("Expected </{open}> but saw </{name}>"));
        }
        match section {
            Section::Host(host) => self.site.hosts.push(host),
            Section::Location(rule) => self.host().rules.push(rule),
            Section::Directory(path, directory) => {
                let there = self.site.directories.entry(path).or_default();
                there.access = directory.access.or(there.access.take());
                there.listing = directory.listing.or(there.listing);
            }
            Section::FrontPage | Section::Transparent | Section::Skipped => {}
        }
        Ok(())
    }

    /// The virtual host that is being read, or the main server.
    fn host(&mut self) -> &mut VirtualHost {
        self.sections
            .iter_mut()
            .rev()
            .find_map(|(_, section)| match section {
                Section::Host(host) => Some(host),
                _ => None,
            })
            .unwrap_or(&mut self.main)
    }

    fn directive(&mut self, name: &str, args: &[String]) -> Result<(), String> {
        let root = self.root.clone();
        let first = args.first().map(String::as_str).unwrap_or_default();
        let second = args.get(1).map(String::as_str).unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "serverroot" => first.clone_into(&mut self.root),
            "include" | "includeoptional" => {
                let files = included(self.machine, &root, first);
                for file in files {
                    if name.eq_ignore_ascii_case("include") || text(self.machine, &file).is_some() {
                        self.file(&file)?;
                    }
                }
            }
            "listen" => {
                let port = first.rsplit(':').next().unwrap_or(first);
                let port = port
                    .parse()
                    .map_err(|_| "Port must be specified".to_owned())?;
                if second.eq_ignore_ascii_case("https") {
                    return Err(not_modelled("Listen … https"));
                }
                self.site.ports.push(port);
            }
            "documentroot" => {
                let path = absolute("/", first);
                let directory = self
                    .machine
                    .disk
                    .resolve(&path, true)
                    .ok()
                    .and_then(|path| self.machine.disk.node(&path).cloned())
                    .is_some_and(|node| node.is_directory());
                if !directory {
                    return Err(format!(
                        "DocumentRoot '{first}' is not a directory, or is not readable"
                    ));
                }
                self.host().root = Some(path);
            }
            "servername" | "serveralias" => {
                let names: Vec<String> = args
                    .iter()
                    .map(|name| name.split(':').next().unwrap_or(name).to_owned())
                    .collect();
                self.host().names.extend(names);
            }
            "directoryindex" => self.host().index = args.to_vec(),
            "alias" => {
                let alias = (first.to_owned(), absolute("/", second));
                self.host().aliases.push(alias);
            }
            // Ubuntu's server lacks the module until it is enabled.
            "scriptalias" if self.machine.flavour == Flavour::AmazonLinux2023 => {
                let rule = Rule {
                    path: first.to_owned(),
                    exact: false,
                    access: None,
                    action: Some(Action::Script(absolute("/", second))),
                    headers: Vec::new(),
                };
                self.host().rules.push(rule);
            }
            "errordocument" => self.error_document(first, &args[1.min(args.len())..])?,
            "errorlog" => self.site.error_log = absolute(&root, first),
            "customlog" => {
                let path = absolute(&root, first);
                self.host().access_log = Some(path);
            }
            "redirect" | "redirectpermanent" | "redirecttemp" => self.redirect(name, args)?,
            "header" => self.header(args)?,
            "sethandler" => self.handler(first)?,
            "require" => self.require(args)?,
            "options" => self.options(args),
            other => {
                if !HARMLESS.contains(&other) {
                    return Err(if FAMILIES.iter().any(|family| other.starts_with(family)) {
                        not_modelled(&format!("the directive {name}"))
                    } else {
                        format!(
                            "Invalid command '{name}', perhaps misspelled or defined by a module not included in the server configuration"
                        )
                    });
                }
            }
        }
        Ok(())
    }

    fn error_document(&mut self, status: &str, page: &[String]) -> Result<(), String> {
        let status: u16 = status
            .parse()
            .map_err(|_| "Unsupported HTTP response code".to_owned())?;
        let page = page.join(" ");
        if let Some((_, Section::FrontPage)) = self.sections.last() {
            self.host().welcome = Some(page);
        } else {
            self.host().error_pages.insert(status, page);
        }
        Ok(())
    }

    fn redirect(&mut self, name: &str, args: &[String]) -> Result<(), String> {
        let (status, rest) = match (name.to_ascii_lowercase().as_str(), args) {
            ("redirectpermanent", rest) => (301, rest),
            (_, [word, rest @ ..]) if word == "permanent" || word == "301" => (301, rest),
            (_, [word, rest @ ..]) if word == "temp" || word == "302" => (302, rest),
            (_, [word, rest @ ..]) if word == "seeother" || word == "303" => (303, rest),
            (_, rest) => (302, rest),
        };
        let [path, target] = rest else {
            return Err(not_modelled("Redirect in this form"));
        };
        let rule = Rule {
            path: path.clone(),
            exact: false,
            access: None,
            action: Some(Action::Redirect(status, target.clone(), true)),
            headers: Vec::new(),
        };
        self.host().rules.push(rule);
        Ok(())
    }

    fn header(&mut self, args: &[String]) -> Result<(), String> {
        let args = match args {
            [always, rest @ ..] if always == "always" => rest,
            all => all,
        };
        let [verb, name, value] = args else {
            return Err(not_modelled("Header in this form"));
        };
        if verb != "set" && verb != "append" && verb != "add" {
            return Err(not_modelled(&format!("Header {verb}")));
        }
        let header = (name.trim_end_matches(':').to_owned(), value.clone());
        match self.sections.last_mut() {
            Some((_, Section::Location(rule))) => rule.headers.push(header),
            _ => self.host().headers.push(header),
        }
        Ok(())
    }

    fn handler(&mut self, handler: &str) -> Result<(), String> {
        match (self.sections.last_mut(), handler) {
            (Some((_, Section::Location(rule))), "server-status") => {
                rule.action = Some(Action::Status);
                Ok(())
            }
            (_, other) => Err(not_modelled(&format!("SetHandler {other}"))),
        }
    }

    fn require(&mut self, args: &[String]) -> Result<(), String> {
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        let access = match words.as_slice() {
            ["all", "granted"] => Access::Granted,
            ["all", "denied"] => Access::Denied,
            ["local"] | ["host", "localhost"] => Access::Local,
            ["ip", blocks @ ..] if !blocks.is_empty() => {
                Access::From(blocks.iter().map(|block| (*block).to_owned()).collect())
            }
            other => return Err(not_modelled(&format!("Require {}", other.join(" ")))),
        };
        let holder = self
            .sections
            .iter_mut()
            .rev()
            .find_map(|(_, section)| match section {
                Section::Location(rule) => Some(&mut rule.access),
                Section::Directory(_, directory) => Some(&mut directory.access),
                _ => None,
            });
        if let Some(holder) = holder {
            // Several `Require` lines: any of them is enough.
            *holder = Some(match (holder.take(), access) {
                (Some(Access::From(mut all)), Access::From(more)) => {
                    all.extend(more);
                    Access::From(all)
                }
                (Some(Access::From(mut all)), Access::Local)
                | (Some(Access::Local), Access::From(mut all)) => {
                    all.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
                    Access::From(all)
                }
                (_, access) => access,
            });
        }
        Ok(())
    }

    fn options(&mut self, args: &[String]) {
        if let Some((_, Section::Directory(_, directory))) = self.sections.last_mut() {
            if args.iter().any(|word| word == "-Indexes" || word == "None") {
                directory.listing = Some(false);
            } else if args
                .iter()
                .any(|word| word == "Indexes" || word == "+Indexes")
            {
                directory.listing = Some(true);
            }
        }
    }
}

/// Replaces the variables that Ubuntu's `envvars` sets.
fn expand(line: &str) -> String {
    let mut line = line.to_owned();
    for (name, value) in [
        ("APACHE_LOG_DIR", "/var/log/apache2"),
        ("APACHE_RUN_DIR", "/var/run/apache2"),
        ("APACHE_LOCK_DIR", "/var/lock/apache2"),
        ("APACHE_PID_FILE", "/var/run/apache2/apache2.pid"),
        ("APACHE_RUN_USER", "www-data"),
        ("APACHE_RUN_GROUP", "www-data"),
    ] {
        line = line.replace(&format!("${{{name}}}"), value);
    }
    line
}

fn not_modelled(what: &str) -> String {
    format!("opsh local: {what} is not modelled by the embedded cloud")
}
