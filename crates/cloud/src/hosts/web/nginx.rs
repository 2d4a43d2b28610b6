//! nginx's configuration, as far as it changes what a visitor gets.

use crate::hosts::boot::Flavour;
use crate::hosts::disk::absolute;
use crate::hosts::machine::Machine;

use super::main_file;
use super::proxy;
use super::site::{Access, Action, Rule, Site, VirtualHost, included, text};

/// Reads nginx's configuration.
///
/// # Errors
/// What `nginx -t` says.
pub fn read(machine: &Machine) -> Result<Site, String> {
    let file = main_file(machine.flavour, "nginx");
    let mut site = Site {
        software: match machine.flavour {
            Flavour::AmazonLinux2023 => "nginx/1.28.0",
            Flavour::Ubuntu2404 => "nginx/1.24.0 (Ubuntu)",
        }
        .to_owned(),
        error_log: "/var/log/nginx/error.log".to_owned(),
        ..Site::default()
    };
    let main = VirtualHost {
        index: vec!["index.html".to_owned()],
        access_log: Some("/var/log/nginx/access.log".to_owned()),
        ..VirtualHost::default()
    };
    let statements = parse(machine, file, 0)?;
    for statement in &statements {
        match statement.name() {
            "http" => http(&mut site, &main, &statement.block)?,
            "error_log" => statement.word(1).clone_into(&mut site.error_log),
            "user" | "worker_processes" | "pid" | "events" | "worker_rlimit_nofile" => {}
            _ => return Err(statement.unknown()),
        }
    }
    site.ports = site
        .hosts
        .iter()
        .flat_map(|host| host.ports.clone())
        .collect();
    site.ports.sort_unstable();
    site.ports.dedup();
    Ok(site)
}

/// A directive with its words, and its block if it has one.
struct Statement {
    words: Vec<String>,
    block: Vec<Statement>,
    place: String,
}

impl Statement {
    fn name(&self) -> &str {
        self.word(0)
    }

    fn word(&self, number: usize) -> &str {
        self.words.get(number).map_or("", String::as_str)
    }

    fn unknown(&self) -> String {
        let name = self.name();
        if FAMILIES.iter().any(|family| name.starts_with(family)) {
            format!(
                "opsh local: the directive {name} is not modelled by the embedded cloud in {}",
                self.place
            )
        } else {
            format!("unknown directive \"{name}\" in {}", self.place)
        }
    }
}

fn parse(machine: &Machine, file: &str, depth: u8) -> Result<Vec<Statement>, String> {
    if depth > 16 {
        return Err(format!("{file}: includes are nested too deeply"));
    }
    let content = text(machine, file)
        .ok_or_else(|| format!("open() \"{file}\" failed (2: No such file or directory)"))?;
    let mut tokens = tokens(&content).into_iter();
    let statements = block(machine, file, &mut tokens, false, depth)?;
    Ok(statements)
}

fn block(
    machine: &Machine,
    file: &str,
    tokens: &mut std::vec::IntoIter<(usize, String, bool)>,
    inner: bool,
    depth: u8,
) -> Result<Vec<Statement>, String> {
    let mut statements: Vec<Statement> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut last = 1;
    while let Some((line, token, quoted)) = tokens.next() {
        last = line;
        let place = format!("{file}:{line}");
        match token.as_str() {
            ";" if !quoted => {
                let statement = Statement {
                    words: std::mem::take(&mut words),
                    block: Vec::new(),
                    place,
                };
                if statement.name() == "include" {
                    if statement.word(1).ends_with("mime.types") {
                        continue;
                    }
                    for included in included(machine, "/etc/nginx", statement.word(1)) {
                        statements.extend(parse(machine, &included, depth + 1)?);
                    }
                } else if !statement.words.is_empty() {
                    statements.push(statement);
                }
            }
            "{" if !quoted => {
                let inside = block(machine, file, tokens, true, depth)?;
                statements.push(Statement {
                    words: std::mem::take(&mut words),
                    block: inside,
                    place,
                });
            }
            "}" if !quoted => {
                if !inner || !words.is_empty() {
                    return Err(format!("unexpected \"}}\" in {place}"));
                }
                return Ok(statements);
            }
            _ => words.push(token),
        }
    }
    if inner || !words.is_empty() {
        return Err(format!(
            "unexpected end of file, expecting \"}}\" or \";\" in {file}:{last}"
        ));
    }
    Ok(statements)
}

fn tokens(content: &str) -> Vec<(usize, String, bool)> {
    let mut found = Vec::new();
    for (number, line) in content.lines().enumerate() {
        let number = number + 1;
        let mut word = String::new();
        let mut letters = line.chars();
        let mut quote = None;
        while let Some(letter) = letters.next() {
            match (quote, letter) {
                (Some(end), letter) if letter == end => {
                    found.push((number, std::mem::take(&mut word), true));
                    quote = None;
                }
                (Some(_), '\\') => word.extend(letters.next()),
                (None, '\'' | '"') if word.is_empty() => quote = Some(letter),
                (None, '#') if word.is_empty() => break,
                (None, ';' | '{' | '}') if !(letter == '{' && word.ends_with('$')) => {
                    if !word.is_empty() {
                        found.push((number, std::mem::take(&mut word), false));
                    }
                    found.push((number, letter.to_string(), false));
                }
                (None, letter) if letter.is_whitespace() => {
                    if !word.is_empty() {
                        found.push((number, std::mem::take(&mut word), false));
                    }
                }
                (_, letter) => word.push(letter),
            }
        }
        if !word.is_empty() {
            found.push((number, word, false));
        }
    }
    found
}

fn http(site: &mut Site, main: &VirtualHost, statements: &[Statement]) -> Result<(), String> {
    let mut base = main.clone();
    for statement in statements {
        if statement.name() != "server" && !host(&mut base, statement)? {
            return Err(statement.unknown());
        }
    }
    for statement in statements
        .iter()
        .filter(|statement| statement.name() == "server")
    {
        let mut server = base.clone();
        for inner in &statement.block {
            match inner.name() {
                "listen" => {
                    let address = inner.word(1);
                    if inner.words.iter().any(|word| word == "ssl") {
                        return Err(format!(
                            "opsh local: listen … ssl is not modelled by the embedded cloud in {}",
                            inner.place
                        ));
                    }
                    let port = address.rsplit(':').next().unwrap_or(address);
                    let port = port.parse().map_err(|_| {
                        format!(
                            "invalid port in \"{address}\" of the \"listen\" directive in {}",
                            inner.place
                        )
                    })?;
                    if !server.ports.contains(&port) {
                        server.ports.push(port);
                    }
                }
                "server_name" => server
                    .names
                    .extend(inner.words[1..].iter().filter(|name| *name != "_").cloned()),
                "location" => server.rules.push(location(inner)?),
                "return" => server.rules.push(Rule {
                    path: "/".to_owned(),
                    exact: false,
                    access: None,
                    action: Some(answer(inner)?),
                    headers: Vec::new(),
                }),
                _ => {
                    if !host(&mut server, inner)? {
                        return Err(inner.unknown());
                    }
                }
            }
        }
        if server.ports.is_empty() {
            server.ports.push(80);
        }
        site.hosts.push(server);
    }
    Ok(())
}

/// Directives that mean the same for all servers and for one.
fn host(host: &mut VirtualHost, statement: &Statement) -> Result<bool, String> {
    match statement.name() {
        "root" => host.root = Some(absolute("/", statement.word(1))),
        "index" => host.index = statement.words[1..].to_vec(),
        "access_log" => {
            host.access_log = (statement.word(1) != "off").then(|| statement.word(1).to_owned());
        }
        "add_header" => host
            .headers
            .push((statement.word(1).to_owned(), statement.word(2).to_owned())),
        "error_page" => {
            let page = statement.words.last().cloned().unwrap_or_default();
            for status in &statement.words[1..statement.words.len().max(2) - 1] {
                if let Ok(status) = status.parse() {
                    host.error_pages.insert(status, page.clone());
                }
            }
        }
        name => return Ok(HARMLESS.contains(&name)),
    }
    Ok(true)
}

fn answer(statement: &Statement) -> Result<Action, String> {
    let status: u16 = statement.word(1).parse().map_err(|_| {
        format!(
            "invalid return code \"{}\" in {}",
            statement.word(1),
            statement.place
        )
    })?;
    let rest = statement.word(2).to_owned();
    Ok(if (300..400).contains(&status) {
        Action::Redirect(status, rest, false)
    } else {
        Action::Answer(status, rest)
    })
}

fn location(statement: &Statement) -> Result<Rule, String> {
    let (exact, path) = match (statement.word(1), statement.word(2)) {
        ("=", path) => (true, path),
        ("~" | "~*", _) => {
            return Err(format!(
                "opsh local: a location with a regular expression is not modelled by the embedded cloud in {}",
                statement.place
            ));
        }
        ("^~", path) | (path, _) => (false, path),
    };
    let mut rule = Rule {
        path: path.to_owned(),
        exact,
        access: None,
        action: None,
        headers: Vec::new(),
    };
    for inner in &statement.block {
        match inner.name() {
            "return" => rule.action = Some(answer(inner)?),
            "proxy_pass" => {
                let to = proxy::target(inner.word(1))
                    .map_err(|why| format!("{why} in {}", inner.place))?;
                rule.action = Some(Action::Proxy(to));
            }
            name if name.starts_with("proxy_") => {}
            "stub_status" => rule.action = Some(Action::StubStatus),
            "root" => rule.action = Some(Action::Root(absolute("/", inner.word(1)))),
            "alias" => rule.action = Some(Action::Alias(absolute("/", inner.word(1)))),
            "add_header" => rule
                .headers
                .push((inner.word(1).to_owned(), inner.word(2).to_owned())),
            "deny" if inner.word(1) == "all" => {
                rule.access = Some(match rule.access.take() {
                    Some(allowed @ Access::From(_)) => allowed,
                    _ => Access::Denied,
                });
            }
            "allow" => {
                let more = inner.word(1).to_owned();
                rule.access = Some(match (rule.access.take(), more.as_str()) {
                    (_, "all") => Access::Granted,
                    (Some(Access::From(mut all)), _) => {
                        all.push(more);
                        Access::From(all)
                    }
                    _ => Access::From(vec![more]),
                });
            }
            // The files themselves, and 404 where there is none: what happens anyway.
            "try_files" if inner.words.last().is_some_and(|word| word == "=404") => {}
            "access_log" | "default_type" | "index" | "expires" | "internal" => {}
            _ => return Err(inner.unknown()),
        }
    }
    if let Some(Action::Proxy(to)) = &mut rule.action {
        for inner in &statement.block {
            if !proxy::set(to, inner.name(), &inner.words[1..]) {
                return Err(inner.unknown());
            }
        }
    } else if let Some(inner) = statement
        .block
        .iter()
        .find(|inner| inner.name().starts_with("proxy_"))
    {
        return Err(inner.unknown());
    }
    Ok(rule)
}

const HARMLESS: &[&str] = &[
    "charset",
    "client_body_timeout",
    "client_header_timeout",
    "client_max_body_size",
    "default_type",
    "gzip",
    "gzip_comp_level",
    "gzip_min_length",
    "gzip_proxied",
    "gzip_types",
    "gzip_vary",
    "keepalive_requests",
    "keepalive_timeout",
    "log_format",
    "log_not_found",
    "reset_timedout_connection",
    "send_timeout",
    "sendfile",
    "server_names_hash_bucket_size",
    "server_tokens",
    "tcp_nodelay",
    "tcp_nopush",
    "types_hash_max_size",
    "error_log",
    "types",
];

/// Beginnings of directives that nginx has and the embedded cloud does not model.
const FAMILIES: &[&str] = &[
    "auth",
    "autoindex",
    "fastcgi",
    "geo",
    "grpc",
    "if",
    "limit",
    "map",
    "perl",
    "proxy",
    "real_ip",
    "resolver",
    "rewrite",
    "scgi",
    "secure",
    "set",
    "split_clients",
    "ssl",
    "sub_",
    "try_files",
    "upstream",
    "uwsgi",
    "valid_referers",
    "stream",
    "load_module",
];
