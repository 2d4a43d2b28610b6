//! `~/.ssh/config`: the part of it that says where and how to log in.
//!
//! The first value of an option wins, as `ssh_config(5)` says. Options that do
//! not concern a login (forwarding, terminals, …) are passed over; those that
//! would change where a connection goes and are not supported are refused by
//! name, never ignored.

use std::path::Path;

use opsh_operation::{Fault, FaultKind};
use wildmatch::WildMatch;

use super::include;

/// How deep `Include` may nest, as in OpenSSH.
const DEPTH: u32 = 16;

/// What the configuration says about one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `HostName`.
    pub host_name: Option<String>,
    /// `HostKeyAlias`.
    pub host_key_alias: Option<String>,
    /// `Port`.
    pub port: Option<u16>,
    /// `User`.
    pub user: Option<String>,
    /// `IdentityFile`, all of them, tokens unexpanded.
    pub identity_files: Vec<String>,
    /// `IdentitiesOnly`.
    pub identities_only: Option<bool>,
    /// `IdentityAgent`.
    pub identity_agent: Option<String>,
    /// `UserKnownHostsFile`, tokens unexpanded; empty if it is `none`.
    pub known_hosts_files: Option<Vec<String>>,
    /// `StrictHostKeyChecking`.
    pub strict_host_key_checking: Option<String>,
}

/// Reads what `.ssh/config` in `home` says about `host`; a missing file says nothing.
///
/// # Errors
/// `invalid`: unreadable or malformed, with file and line, or an option that is
/// not supported and would change where the connection goes.
pub fn read(home: &Path, host: &str) -> Result<Options, Fault> {
    let mut reader = Reader {
        home,
        host,
        options: Options::default(),
    };
    reader.file(&home.join(".ssh/config"), DEPTH)?;
    Ok(reader.options)
}

struct Reader<'a> {
    home: &'a Path,
    host: &'a str,
    options: Options,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, depth: u32) -> Result<(), Fault> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                return Err(Fault::new(
                    FaultKind::Invalid,
                    format!("cannot read {}: {error}", path.display()),
                ));
            }
        };
        let mut applies = true;
        for (index, line) in text.lines().enumerate() {
            let place = Place {
                path,
                line: index + 1,
            };
            let Some((name, arguments)) = words(line, place)? else {
                continue;
            };
            match name.as_str() {
                "host" => applies = matches(&arguments, self.host),
                "match" => applies = self.condition(&arguments, place)?,
                _ if !applies => {}
                "include" => self.include(&arguments, place, depth)?,
                _ => self.option(&name, &arguments, place)?,
            }
        }
        Ok(())
    }

    /// `Match`: the criteria that can be decided without asking the outside.
    fn condition(&self, arguments: &[String], place: Place<'_>) -> Result<bool, Fault> {
        let mut words = arguments.iter();
        let mut applies = true;
        while let Some(word) = words.next() {
            let (negated, criterion) = match word.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, word.as_str()),
            };
            let met = match criterion.to_ascii_lowercase().as_str() {
                "all" => true,
                "host" => {
                    let name = self.options.host_name.as_deref().unwrap_or(self.host);
                    matches(&list(words.next(), place)?, name)
                }
                "originalhost" => matches(&list(words.next(), place)?, self.host),
                _ => {
                    return Err(place.fault(&format!("'Match {criterion}' is not supported")).hint(
                        "opsh decides 'Match' by 'all', 'host' and 'originalhost'; put the host in a 'Host' section",
                    ));
                }
            };
            applies &= met != negated;
        }
        Ok(applies)
    }

    fn include(&mut self, arguments: &[String], place: Place<'_>, depth: u32) -> Result<(), Fault> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(place.fault("'Include' is nested too deeply"));
        };
        for argument in arguments {
            let files = include::files(argument, self.home).map_err(|what| {
                place
                    .fault(&format!("'Include {argument}': {what} is not supported"))
                    .hint("name the file by its path; '*' and '?' may stand for parts of it")
            })?;
            for path in files {
                self.file(&path, depth)?;
            }
        }
        Ok(())
    }

    fn option(&mut self, name: &str, arguments: &[String], place: Place<'_>) -> Result<(), Fault> {
        let first = || {
            arguments
                .first()
                .cloned()
                .ok_or_else(|| place.fault(&format!("'{name}' has no value")))
        };
        let options = &mut self.options;
        match name {
            "hostname" => set(&mut options.host_name, first()?),
            "hostkeyalias" => set(&mut options.host_key_alias, first()?),
            "user" => set(&mut options.user, first()?),
            "identityagent" => set(&mut options.identity_agent, first()?),
            "stricthostkeychecking" => set(
                &mut options.strict_host_key_checking,
                first()?.to_ascii_lowercase(),
            ),
            "identityfile" => options.identity_files.push(first()?),
            "userknownhostsfile" => {
                first()?;
                let nowhere = |file: &String| file.eq_ignore_ascii_case("none");
                let files = match arguments {
                    [only] if nowhere(only) => Vec::new(),
                    several if several.iter().any(nowhere) => {
                        return Err(place.fault("'UserKnownHostsFile none' must stand alone"));
                    }
                    files => files.to_vec(),
                };
                set(&mut options.known_hosts_files, files);
            }
            "port" => {
                let text = first()?;
                let port = text
                    .parse()
                    .map_err(|_| place.fault(&format!("'{text}' is not a port")))?;
                set(&mut options.port, port);
            }
            "identitiesonly" => {
                let yes = first()?.eq_ignore_ascii_case("yes");
                set(&mut options.identities_only, yes);
            }
            "proxyjump" | "proxycommand" if !first()?.eq_ignore_ascii_case("none") => {
                let shown = if name == "proxyjump" {
                    "ProxyJump"
                } else {
                    "ProxyCommand"
                };
                return Err(place
                    .fault(&format!("'{shown}' for {} is not supported", self.host))
                    .hint("connect to the host directly, or forward a local port with ssh -L and use --connect-to"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The first value wins.
fn set<T>(slot: &mut Option<T>, value: T) {
    slot.get_or_insert(value);
}

#[derive(Clone, Copy)]
struct Place<'a> {
    path: &'a Path,
    line: usize,
}

impl Place<'_> {
    fn fault(self, what: &str) -> Fault {
        Fault::new(
            FaultKind::Invalid,
            format!("{}:{}: {what}", self.path.display(), self.line),
        )
    }
}

/// The option's name in lower case and its arguments; `None` for blank lines and comments.
fn words(line: &str, place: Place<'_>) -> Result<Option<(String, Vec<String>)>, Fault> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let end = line
        .find(|letter: char| letter.is_whitespace() || letter == '=')
        .unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let mut rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    let mut arguments = Vec::new();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, after) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted
                .split_once('"')
                .ok_or_else(|| place.fault("a quote is not closed"))?
        } else {
            rest.split_once(char::is_whitespace).unwrap_or((rest, ""))
        };
        arguments.push(word.to_owned());
        rest = after.trim_start();
    }
    Ok(Some((name.to_ascii_lowercase(), arguments)))
}

fn list(word: Option<&String>, place: Place<'_>) -> Result<Vec<String>, Fault> {
    word.map(|word| word.split(',').map(str::to_owned).collect())
        .ok_or_else(|| place.fault("'Match' lacks a pattern"))
}

/// Whether one pattern matches and no negated one does.
pub(super) fn matches(patterns: &[String], host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let mut found = false;
    for pattern in patterns {
        let pattern = pattern.to_ascii_lowercase();
        match pattern.strip_prefix('!') {
            Some(negated) if WildMatch::new(negated).matches(&host) => return false,
            Some(_) => {}
            None => found |= WildMatch::new(&pattern).matches(&host),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".ssh")).unwrap();
        home
    }

    fn read_text(text: &str, host: &str) -> Result<Options, Fault> {
        let home = home();
        std::fs::write(home.path().join(".ssh/config"), text).unwrap();
        read(home.path(), host).map_err(|mut fault| {
            fault.message = fault
                .message
                .replace(&home.path().display().to_string(), "~");
            fault
        })
    }

    const CONFIG: &str = r#"
# stand-ins
Host web* !webster
    HostName = 127.0.0.1
    Port 2222
    IdentityFile "~/keys/my key"
    IdentitiesOnly yes
Host *
    Port 22
    User deploy   # everyone
    IdentityFile ~/.ssh/other
    UserKnownHostsFile /dev/null ~/.ssh/more
"#;

    #[test]
    fn the_first_value_wins_and_identities_add_up() {
        let options = read_text(CONFIG, "WEB1").unwrap();
        assert_eq!(options.host_name.as_deref(), Some("127.0.0.1"));
        assert_eq!(options.port, Some(2222));
        assert_eq!(options.user.as_deref(), Some("deploy"));
        assert_eq!(options.identity_files, ["~/keys/my key", "~/.ssh/other"]);
        assert_eq!(options.identities_only, Some(true));
        assert_eq!(
            options.known_hosts_files.unwrap(),
            ["/dev/null", "~/.ssh/more"]
        );
    }

    #[test]
    fn a_negated_pattern_excludes() {
        let options = read_text(CONFIG, "webster").unwrap();
        assert_eq!(options.host_name, None);
        assert_eq!(options.port, Some(22));
    }

    #[test]
    fn files_are_included_where_they_stand() {
        let home = home();
        let write = |path: &str, text: &str| {
            let path = home.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(".ssh/conf.d/a.conf", "User first\nInclude more.conf\n");
        write(".ssh/conf.d/b.conf", "User second\nPort 7\n");
        // Relative names are those in ~/.ssh, wherever they are included from.
        write(".ssh/more.conf", "HostName 127.0.0.1\n");
        write(".ssh/conf.d/more.conf", "HostName 127.0.0.2\n");
        write("dots/ssh", "HostKeyAlias alias\n");
        let text = "Host x\nInclude ~/.ssh/conf.d/?.conf ~/dots/ssh\nPort 9\n";
        write(".ssh/config", text);
        let options = read(home.path(), "x").unwrap();
        assert_eq!(
            (options.user.as_deref(), options.port),
            (Some("first"), Some(7))
        );
        assert_eq!(options.host_name.as_deref(), Some("127.0.0.1"));
        assert_eq!(options.host_key_alias.as_deref(), Some("alias"));
        assert_eq!(read(home.path(), "y").unwrap(), Options::default());
        let nobody = home.path().join("none");
        assert_eq!(read(&nobody, "x").unwrap(), Options::default());
    }

    #[test]
    fn no_file_of_known_hosts_is_none() {
        let options = read_text("UserKnownHostsFile None", "x").unwrap();
        assert_eq!(options.known_hosts_files, Some(Vec::new()));
        let several = read_text("UserKnownHostsFile none ~/.ssh/more", "x").unwrap_err();
        assert_eq!(
            several.message,
            "~/.ssh/config:1: 'UserKnownHostsFile none' must stand alone"
        );
    }

    #[test]
    fn what_cannot_be_followed_is_refused_by_name() {
        let refused = |text: &str| read_text(text, "db").unwrap_err().message;
        assert_eq!(
            refused("Host db\n  ProxyJump bastion"),
            "~/.ssh/config:2: 'ProxyJump' for db is not supported"
        );
        assert_eq!(
            refused("Match exec true"),
            "~/.ssh/config:1: 'Match exec' is not supported"
        );
        assert_eq!(
            refused("Include ~you/config"),
            "~/.ssh/config:1: 'Include ~you/config': the home of somebody else ('~name') is not supported"
        );
        assert_eq!(refused("Port ssh"), "~/.ssh/config:1: 'ssh' is not a port");
        assert_eq!(
            refused("User \"me"),
            "~/.ssh/config:1: a quote is not closed"
        );
        assert!(
            read_text(
                "Host other\nProxyJump b\nMatch host other\nProxyCommand x",
                "db"
            )
            .is_ok()
        );
        assert!(read_text("ProxyJump none", "db").is_ok());
    }

    #[test]
    fn match_sees_the_real_host_name() {
        let text = "Host db\nHostName 10.0.0.1\nMatch host 10.0.*\nUser a\nMatch originalhost x\nPort 5\nMatch all\nPort 6";
        let options = read_text(text, "db").unwrap();
        assert_eq!(
            (options.user.as_deref(), options.port),
            (Some("a"), Some(6))
        );
    }
}
