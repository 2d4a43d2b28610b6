//! A request and its answer: virtual host, rules, file, error page, log.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};

use crate::hosts::boot::Boot;
use crate::hosts::disk::{Kind, absolute};
use crate::hosts::machine::Machine;
use crate::hosts::shell::Outcome;
use crate::hosts::users::{self, User};

use super::site::{Access, Action, Rule, Site, VirtualHost};
use super::{cgi, log, pages};

/// One request on its way through a server.
pub struct Visit<'a> {
    pub facts: &'a Boot,
    pub site: &'a Site,
    pub unit: &'a str,
    pub port: u16,
    pub request: &'a Request<Bytes>,
    pub client: &'a str,
    /// What the script that the request is for has done.
    pub outcome: Option<&'a Outcome>,
}

/// An answer before headers and log.
pub(super) struct Draft {
    pub status: u16,
    pub kind: Cow<'static, str>,
    pub body: Bytes,
    pub location: Option<String>,
    /// What the error log says.
    pub complaint: Option<String>,
    pub headers: Vec<(String, String)>,
}

impl Draft {
    pub fn page(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            kind: Cow::Borrowed("text/html"),
            body: body.into(),
            location: None,
            complaint: None,
            headers: Vec::new(),
        }
    }
}

impl Visit<'_> {
    /// Answers, and notes the visit in the server's logs.
    pub fn answer(&self, machine: &mut Machine) -> Response<Bytes> {
        let Some(host) = self.host() else {
            return Response::new(Bytes::new());
        };
        let path = decoded(self.request.uri().path());
        let draft = self.draft(machine, host, &path);
        self.complete(machine, host, &path, draft)
    }

    /// Answers with an error of its own, because of `complaint`.
    pub(super) fn fail(
        &self,
        machine: &mut Machine,
        status: u16,
        complaint: String,
    ) -> Response<Bytes> {
        let Some(host) = self.host() else {
            return Response::new(Bytes::new());
        };
        let mut draft = Draft::page(status, Bytes::new());
        draft.complaint = Some(complaint);
        self.complete(machine, host, &decoded(self.request.uri().path()), draft)
    }

    fn complete(
        &self,
        machine: &mut Machine,
        host: &VirtualHost,
        path: &str,
        mut draft: Draft,
    ) -> Response<Bytes> {
        if draft.status >= 400 {
            self.error_page(machine, host, path, &mut draft);
        }
        if let Some(complaint) = &draft.complaint {
            log::error(machine, self, complaint);
        }
        let length = draft.body.len();
        if let Some(file) = &host.access_log {
            log::access(machine, self, file, draft.status, length);
        }
        self.finish(machine, host, draft)
    }

    fn finish(&self, machine: &Machine, host: &VirtualHost, draft: Draft) -> Response<Bytes> {
        let length = draft.body.len();
        let body = if self.request.method() == Method::HEAD {
            Bytes::new()
        } else {
            draft.body
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(draft.status).unwrap_or(StatusCode::OK);
        let said = draft.kind.contains("charset");
        let kind = if draft.kind.starts_with("text/") && !said && !self.is_nginx() {
            format!("{}; charset=UTF-8", draft.kind)
        } else {
            draft.kind.into_owned()
        };
        let mut headers = vec![
            (
                "date".to_owned(),
                machine
                    .clock
                    .strftime("%a, %d %b %Y %H:%M:%S GMT")
                    .to_string(),
            ),
            ("server".to_owned(), self.site.software.clone()),
            ("content-length".to_owned(), length.to_string()),
            ("content-type".to_owned(), kind),
        ];
        headers.extend(draft.location.map(|to| ("location".to_owned(), to)));
        headers.extend(host.headers.iter().cloned());
        headers.extend(draft.headers);
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (
                http::HeaderName::try_from(name.to_ascii_lowercase()),
                HeaderValue::try_from(value),
            ) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    pub fn is_nginx(&self) -> bool {
        self.unit == "nginx"
    }

    /// The host name asked for, without a port.
    pub fn name(&self) -> &str {
        let name = self
            .request
            .headers()
            .get(http::header::HOST)
            .and_then(|value| value.to_str().ok())
            .or_else(|| self.request.uri().host())
            .unwrap_or("localhost");
        match name.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => name,
        }
    }

    pub(super) fn host(&self) -> Option<&VirtualHost> {
        let name = self.name();
        let mut here = self
            .site
            .hosts
            .iter()
            .filter(|host| host.ports.is_empty() || host.ports.contains(&self.port));
        let first = here.clone().next();
        here.find(|host| {
            host.names
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
        })
        .or(first)
    }

    pub(super) fn allowed(&self, access: &Access) -> bool {
        let own = ["127.0.0.1", "::1", self.facts.addresses.private.as_str()];
        match access {
            Access::Granted => true,
            Access::Denied => false,
            Access::Local => own.contains(&self.client),
            Access::From(blocks) => blocks.iter().any(|block| within(self.client, block)),
        }
    }

    /// What the server answers for a path of `host`.
    pub(super) fn draft(&self, machine: &Machine, host: &VirtualHost, path: &str) -> Draft {
        let method = self.request.method();
        if !matches!(
            *method,
            Method::GET | Method::HEAD | Method::POST | Method::OPTIONS
        ) {
            return Draft::page(405, Bytes::new());
        }
        let rule = rule_for(host, path);
        let mut draft = match rule {
            Some(rule) => self.by_rule(machine, host, rule, path),
            None => self.file(machine, host, path, None),
        };
        if let Some(rule) = rule {
            draft.headers.extend(rule.headers.iter().cloned());
        }
        draft
    }

    fn by_rule(&self, machine: &Machine, host: &VirtualHost, rule: &Rule, path: &str) -> Draft {
        if let Some(access) = &rule.access
            && !self.allowed(access)
        {
            let mut draft = Draft::page(403, Bytes::new());
            draft.complaint = Some(format!(
                "AH01630: client denied by server configuration: {path}"
            ));
            return draft;
        }
        match &rule.action {
            None => self.file(machine, host, path, None),
            Some(Action::Status) => {
                let auto = self.request.uri().query() == Some("auto");
                let mut draft = Draft::page(200, pages::status(machine, self, auto));
                if auto {
                    draft.kind = Cow::Borrowed("text/plain");
                }
                draft
            }
            Some(Action::StubStatus) => {
                let mut draft = Draft::page(200, pages::stub_status(machine));
                draft.kind = Cow::Borrowed("text/plain");
                draft
            }
            Some(Action::Answer(status, body)) => {
                let mut draft = Draft::page(*status, body.clone());
                draft.kind = Cow::Borrowed("text/plain");
                draft
            }
            Some(Action::Redirect(status, target, append)) => {
                let rest = path.strip_prefix(&rule.path).unwrap_or_default();
                let target = if *append {
                    format!("{target}{rest}")
                } else {
                    target
                        .replace("$host", self.name())
                        .replace("$request_uri", &self.request.uri().to_string())
                };
                let mut draft = Draft::page(*status, pages::moved(*status, &target));
                draft.location = Some(target);
                draft
            }
            Some(Action::Script(_)) => cgi::draft(self, machine, host, path),
            Some(Action::Root(root)) => {
                self.file(machine, host, path, Some(format!("{root}{path}")))
            }
            // Forwarded before it comes to this; its location is the only one that leads here.
            Some(Action::Proxy(_)) => Draft::page(502, Bytes::new()),
            Some(Action::Alias(target)) => {
                let rest = path.strip_prefix(&rule.path).unwrap_or_default();
                self.file(machine, host, path, Some(format!("{target}/{rest}")))
            }
        }
    }

    /// The account that the server reads files as.
    pub(super) fn reader(&self, machine: &Machine) -> User {
        let name = match (self.unit, machine.flavour) {
            ("httpd", _) => "apache",
            ("nginx", crate::hosts::Flavour::AmazonLinux2023) => "nginx",
            _ => "www-data",
        };
        users::by_name(&machine.disk, name).unwrap_or(User {
            name: name.to_owned(),
            uid: 65_534,
            gid: 65_534,
            groups: vec![65_534],
            home: "/".to_owned(),
            shell: "/sbin/nologin".to_owned(),
        })
    }

    /// Whether the rules for directories let the visitor have a file.
    pub(super) fn may_read(&self, file: &str) -> bool {
        let access = self
            .site
            .directories
            .iter()
            .filter(|(directory, rule)| below(file, directory) && rule.access.is_some())
            .max_by_key(|(directory, _)| directory.len())
            .and_then(|(_, rule)| rule.access.as_ref());
        access.is_none_or(|access| self.allowed(access))
    }

    fn file(
        &self,
        machine: &Machine,
        host: &VirtualHost,
        path: &str,
        on_disk: Option<String>,
    ) -> Draft {
        let file = on_disk.map_or_else(|| on_disk_of(host, path), |file| absolute("/", &file));
        let forbidden = |why: String| {
            let mut draft = Draft::page(403, Bytes::new());
            draft.complaint = Some(why);
            draft
        };
        if !self.is_nginx() {
            let hidden = file
                .rsplit('/')
                .next()
                .is_some_and(|name| name.starts_with(".ht"));
            if hidden || !self.may_read(&file) {
                return forbidden(format!(
                    "AH01630: client denied by server configuration: {file}"
                ));
            }
        }
        let user = self.reader(machine);
        let node = match machine.disk.stat(&user, &file, true) {
            Ok(node) => node,
            Err(reason) if reason.kind() == std::io::ErrorKind::PermissionDenied => {
                return forbidden(format!(
                    "(13)Permission denied: AH00035: access to {path} denied (filesystem path '{file}') because search permissions are missing on a component of the path"
                ));
            }
            Err(_) => {
                let mut draft = Draft::page(404, Bytes::new());
                if self.is_nginx() {
                    draft.complaint = Some(format!(
                        "open() \"{file}\" failed (2: No such file or directory)"
                    ));
                }
                return draft;
            }
        };
        if !node.is_directory() {
            return match machine.disk.read(&user, &file) {
                Ok(content) => {
                    let mut draft = Draft::page(200, content);
                    draft.kind = Cow::Borrowed(content_type(&file));
                    let modified = node.modified.strftime("%a, %d %b %Y %H:%M:%S GMT");
                    draft
                        .headers
                        .push(("last-modified".to_owned(), modified.to_string()));
                    draft
                }
                Err(_) => forbidden(format!(
                    "(13)Permission denied: AH00132: file permissions deny server access: {file}"
                )),
            };
        }
        if !path.ends_with('/') {
            let target = format!("http://{}{path}/", self.name());
            let mut draft = Draft::page(301, pages::moved(301, &target));
            draft.location = Some(target);
            return draft;
        }
        for index in &host.index {
            let candidate = format!("{}/{index}", file.trim_end_matches('/'));
            if machine
                .disk
                .stat(&user, &candidate, true)
                .is_ok_and(|node| matches!(node.kind, Kind::File(_)))
            {
                return self.file(machine, host, &format!("{path}{index}"), Some(candidate));
            }
        }
        let front = path == "/" && host.welcome.is_some();
        let listing = !front
            && self
                .site
                .directories
                .iter()
                .filter(|(directory, rule)| below(&file, directory) && rule.listing.is_some())
                .max_by_key(|(directory, _)| directory.len())
                .and_then(|(_, rule)| rule.listing)
                .unwrap_or(false);
        if listing && let Ok(entries) = machine.disk.list(&user, &file) {
            return Draft::page(200, pages::listing(path, &entries));
        }
        forbidden(if self.is_nginx() {
            format!("directory index of \"{file}/\" is forbidden")
        } else {
            format!(
                "AH01276: Cannot serve directory {file}/: No matching DirectoryIndex ({}) found, and server-generated directory index forbidden by Options directive",
                host.index.join(",")
            )
        })
    }

    fn error_page(&self, machine: &Machine, host: &VirtualHost, path: &str, draft: &mut Draft) {
        let own = match &host.welcome {
            Some(page) if path == "/" && draft.status == 403 => Some(page),
            _ => host.error_pages.get(&draft.status),
        };
        if let Some(page) = own.filter(|page| page.starts_with('/')) {
            let inner = self.file(machine, host, page, None);
            if inner.status == 200 {
                draft.body = inner.body;
                draft.kind = inner.kind;
                return;
            }
        } else if let Some(text) = own {
            draft.body = Bytes::from(text.clone());
            return;
        }
        if draft.body.is_empty() {
            draft.body = pages::error(self, draft.status, path).into();
            draft.kind = Cow::Borrowed("text/html");
        }
    }
}

/// The rule for a path: an exact one, else the longest.
pub(super) fn rule_for<'a>(host: &'a VirtualHost, path: &str) -> Option<&'a Rule> {
    host.rules
        .iter()
        .filter(|rule| rule.matches(path))
        .max_by_key(|rule| (rule.exact, rule.path.len()))
}

impl Rule {
    fn matches(&self, path: &str) -> bool {
        if self.exact {
            self.path == path
        } else {
            below(path, &self.path)
        }
    }
}

/// Where a path is on the disk, by alias or document root.
fn on_disk_of(host: &VirtualHost, path: &str) -> String {
    let alias = host
        .aliases
        .iter()
        .filter(|(from, _)| below(path, from))
        .max_by_key(|(from, _)| from.len());
    match alias {
        Some((from, to)) => absolute("/", &format!("{to}/{}", &path[from.len()..])),
        None => absolute(
            "/",
            &format!("{}/{path}", host.root.as_deref().unwrap_or("/var/www/html")),
        ),
    }
}

/// Whether `path` is `top` or below it.
fn below(path: &str, top: &str) -> bool {
    let top = top.trim_end_matches('/');
    path == top
        || path
            .strip_prefix(top)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Whether an IPv4 address is in a block, or is the address.
fn within(address: &str, block: &str) -> bool {
    let (network, bits) = block.split_once('/').unwrap_or((block, "32"));
    let number = |text: &str| text.parse::<std::net::Ipv4Addr>().ok().map(u32::from);
    match (number(address), number(network), bits.parse::<u32>()) {
        (Some(address), Some(network), Ok(bits)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            address & mask == network & mask
        }
        _ => address == block,
    }
}

pub(super) fn decoded(path: &str) -> String {
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let clean = absolute("/", &path);
    if path.ends_with('/') && clean != "/" {
        format!("{clean}/")
    } else {
        clean
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "js" | "mjs" => "text/javascript",
        "txt" | "log" | "conf" => "text/plain",
        "csv" => "text/csv",
        "json" => "application/json",
        "xml" => "application/xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "webp" => "image/webp",
        "ico" => "image/vnd.microsoft.icon",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "woff2" => "font/woff2",
        "mp4" => "video/mp4",
        _ if !path.rsplit('/').next().unwrap_or_default().contains('.') => "text/plain",
        _ => "application/octet-stream",
    }
}
