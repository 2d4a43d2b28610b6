//! Programs that answer requests: the Common Gateway Interface of Apache, as far as a
//! program is a script of the shell.
//!
//! Source: RFC 3875, and Apache's `mod_cgid`.

use std::borrow::Cow;

use http::Method;

use crate::hosts::disk::Kind;
use crate::hosts::machine::Machine;
use crate::hosts::shell::{Outcome, PATH, Script};
use crate::hosts::users::User;

use super::respond::{Draft, Visit, decoded, rule_for};
use super::site::{Action, VirtualHost};

/// A program, and what of the request's path is its own and what is left for it.
struct Program {
    file: String,
    name: String,
    rest: String,
    text: String,
}

/// Why a program cannot be run: the answer, and what the error log says.
struct Trouble(u16, String);

impl Visit<'_> {
    /// The script that the request sets off, and as whom it runs.
    pub fn program(&self, machine: &Machine) -> Option<(User, Script)> {
        let host = self.host()?;
        let path = decoded(self.request.uri().path());
        let found = find(self, machine, host, &path)?.ok()?;
        let folder = found.file.rsplit_once('/').map(|(folder, _)| folder);
        let script = Script {
            name: Some(found.file.clone()),
            stdin: self.request.body().to_vec(),
            env: self.environment(host, &found),
            cwd: folder.map(str::to_owned),
            text: found.text,
            ..Script::default()
        };
        Some((self.reader(machine), script))
    }

    /// The variables of a program, those that RFC 3875 names and the request's headers.
    fn environment(&self, host: &VirtualHost, program: &Program) -> Vec<(String, String)> {
        let request = self.request;
        let uri = request.uri();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut all: Vec<(String, String)> = [
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("PATH", PATH),
            ("REQUEST_METHOD", request.method().as_str()),
            ("REQUEST_SCHEME", "http"),
            ("REQUEST_URI", path),
            ("QUERY_STRING", uri.query().unwrap_or_default()),
            ("SCRIPT_NAME", &program.name),
            ("SCRIPT_FILENAME", &program.file),
            ("PATH_INFO", &program.rest),
            ("DOCUMENT_ROOT", host.root.as_deref().unwrap_or_default()),
            ("SERVER_NAME", self.name()),
            ("SERVER_PORT", &self.port.to_string()),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("SERVER_SOFTWARE", &self.site.software),
            ("REMOTE_ADDR", self.client),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let length = request.body().len();
        if length > 0 || request.method() == Method::POST {
            all.push(("CONTENT_LENGTH".to_owned(), length.to_string()));
        }
        for (name, value) in request.headers() {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let name = name.as_str().to_ascii_uppercase().replace('-', "_");
            match name.as_str() {
                "CONTENT_LENGTH" | "AUTHORIZATION" => {}
                "CONTENT_TYPE" => all.push((name, value)),
                _ => all.push((format!("HTTP_{name}"), value)),
            }
        }
        all
    }
}

/// The program that a path leads to; `None` if the path is for none.
fn find(
    visit: &Visit<'_>,
    machine: &Machine,
    host: &VirtualHost,
    path: &str,
) -> Option<Result<Program, Trouble>> {
    let rule = rule_for(host, path)?;
    let Some(Action::Script(target)) = &rule.action else {
        return None;
    };
    let user = visit.reader(machine);
    let prefix = rule.path.trim_end_matches('/');
    let mut file = target.clone();
    let mut name = prefix.to_owned();
    let mut rest = path.get(prefix.len()..).unwrap_or_default();
    // Below a directory the next words of the path name the program.
    let node = loop {
        let Ok(node) = machine.disk.stat(&user, &file, true) else {
            return Some(Err(Trouble(404, missing(&file))));
        };
        if !node.is_directory() {
            break node;
        }
        let left = rest.trim_start_matches('/');
        let word = left.split('/').next().unwrap_or_default();
        if word.is_empty() {
            let why = format!("attempt to invoke directory as script: {file}");
            return Some(Err(Trouble(403, format!("AH01261: {why}"))));
        }
        file = format!("{}/{word}", file.trim_end_matches('/'));
        name = format!("{name}/{word}");
        rest = &left[word.len()..];
    };
    if !visit.may_read(&file) {
        let why = format!("AH01630: client denied by server configuration: {file}");
        return Some(Err(Trouble(403, why)));
    }
    let runs = matches!(node.kind, Kind::File(_)) && machine.disk.may_execute(&user, &file);
    if !runs {
        let why = format!("(13)Permission denied: AH01241: exec of '{file}' failed");
        return Some(Err(Trouble(500, why)));
    }
    let content = match machine.disk.read(&user, &file) {
        Ok(content) => String::from_utf8_lossy(&content).into_owned(),
        Err(why) => return Some(Err(Trouble(500, format!("{file}: {why}")))),
    };
    let shell = content.lines().next().unwrap_or_default();
    if !matches!(
        shell.trim_end(),
        "#!/bin/bash" | "#!/bin/sh" | "#!/usr/bin/bash" | "#!/usr/bin/sh"
    ) {
        let why = format!(
            "opsh local: {file}: a program that is no script of the shell is not modelled by the \
             embedded cloud"
        );
        return Some(Err(Trouble(500, why)));
    }
    Some(Ok(Program {
        file,
        name,
        rest: rest.to_owned(),
        text: content,
    }))
}

fn missing(file: &str) -> String {
    format!("AH02811: stderr from {file}: script not found or unable to stat: {file}")
}

/// What the server answers where a program is to: what it wrote, or why it could not run.
pub fn draft(visit: &Visit<'_>, machine: &Machine, host: &VirtualHost, path: &str) -> Draft {
    let file = match find(visit, machine, host, path) {
        Some(Err(Trouble(status, why))) => return troubled(status, why),
        Some(Ok(program)) => program.file,
        None => String::new(),
    };
    let Some(outcome) = visit.outcome else {
        let why = "a script behind a web server that is asked from its own machine is not modelled \
                   by the embedded cloud";
        return troubled(500, format!("opsh local: {why}: {file}"));
    };
    let mut draft = read(outcome).unwrap_or_else(|| {
        let name = file.rsplit('/').next().unwrap_or_default();
        troubled(500, format!("End of script output before headers: {name}"))
    });
    if !outcome.stderr.is_empty() {
        let said = String::from_utf8_lossy(&outcome.stderr);
        draft.complaint = Some(format!("AH01215: stderr from {file}: {}", said.trim_end()));
    }
    // A path of this server: what is there is answered, as if it had been asked for.
    if let Some(to) = draft.location.clone().filter(|to| to.starts_with('/')) {
        let asked = http::Request::builder().uri(to.as_str());
        if let Ok(request) = asked.body(bytes::Bytes::new()) {
            let inner = Visit {
                request: &request,
                outcome: None,
                ..*visit
            };
            return inner.draft(machine, host, &decoded(request.uri().path()));
        }
    }
    draft
}

fn troubled(status: u16, why: String) -> Draft {
    let mut draft = Draft::page(status, bytes::Bytes::new());
    draft.complaint = Some(why);
    draft
}

/// What a program wrote: headers, an empty line, the body.
fn read(outcome: &Outcome) -> Option<Draft> {
    let output = &outcome.stdout;
    let (head, body) = split(output)?;
    let mut draft = Draft::page(200, bytes::Bytes::copy_from_slice(body));
    let mut any = false;
    for line in String::from_utf8_lossy(head).lines() {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        any = true;
        match name.to_ascii_lowercase().as_str() {
            "status" => draft.status = value.split(' ').next()?.parse().ok()?,
            "content-type" => draft.kind = Cow::Owned(value.to_owned()),
            "location" => {
                draft.location = Some(value.to_owned());
                if draft.status == 200 && !value.starts_with('/') {
                    draft.status = 302;
                }
            }
            _ => draft.headers.push((name.to_owned(), value.to_owned())),
        }
    }
    any.then_some(draft)
}

/// The two sides of the first empty line.
fn split(output: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = |mark: &[u8]| {
        let found = output.windows(mark.len()).position(|part| part == mark);
        found.map(|at| (at, at + mark.len()))
    };
    let (end, begin) = match (at(b"\r\n\r\n"), at(b"\n\n")) {
        (Some(one), Some(other)) => one.min(other),
        (one, other) => one.or(other)?,
    };
    Some((&output[..end], &output[begin..]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::read;
    use crate::hosts::shell::Outcome;

    fn wrote(text: &str) -> Outcome {
        Outcome {
            stdout: text.into(),
            ..Outcome::default()
        }
    }

    #[test]
    fn what_a_program_writes_is_headers_and_a_body() {
        let draft = read(&wrote("Status: 201 Created\r\nX-A: b\r\n\r\nbody\n\nmore")).unwrap();
        assert_eq!(draft.status, 201);
        assert_eq!(draft.headers, [("X-A".to_owned(), "b".to_owned())]);
        assert_eq!(&draft.body[..], b"body\n\nmore");
        let moved = read(&wrote("Location: https://example.com/\n\n")).unwrap();
        assert_eq!(moved.status, 302);
        for nothing in ["", "no headers at all\n\nbody", "Status: 200\n"] {
            assert!(read(&wrote(nothing)).is_none(), "{nothing:?}");
        }
    }
}
