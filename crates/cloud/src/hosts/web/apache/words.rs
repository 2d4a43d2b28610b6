//! Words and names of Apache's configuration.

/// Words of a line, with quotes.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = None;
    let mut any = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quoted, letter) {
            (Some(_), '\\') if letters.peek() == Some(&'"') => {
                word.push('"');
                letters.next();
            }
            (Some(quote), letter) if letter == quote => quoted = None,
            (None, '"' | '\'') => {
                quoted = Some(letter);
                any = true;
            }
            (None, letter) if letter.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (_, letter) => word.push(letter),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

/// Directives that do not change what a visitor gets here.
pub const HARMLESS: &[&str] = &[
    "accessfilename",
    "adddefaultcharset",
    "addencoding",
    "addicon",
    "addiconbyencoding",
    "addiconbytype",
    "addlanguage",
    "addtype",
    "allowoverride",
    "defaulticon",
    "defaultruntimedir",
    "enablemmap",
    "enablesendfile",
    "extendedstatus",
    "fileetag",
    "group",
    "headername",
    "hostnamelookups",
    "indexignore",
    "indexoptions",
    "keepalive",
    "keepalivetimeout",
    "languagepriority",
    "loadmodule",
    "logformat",
    "loglevel",
    "maxconnectionsperchild",
    "maxkeepaliverequests",
    "maxrequestworkers",
    "maxspareservers",
    "maxsparethreads",
    "mimemagicfile",
    "minspareservers",
    "minsparethreads",
    "mutex",
    "pidfile",
    "protocols",
    "readmename",
    "serveradmin",
    "serverlimit",
    "serversignature",
    "servertokens",
    "startservers",
    "threadlimit",
    "threadsperchild",
    "timeout",
    "traceenable",
    "typesconfig",
    "usecanonicalname",
    "user",
];

/// Beginnings of directives that Apache has and the embedded cloud does not model.
pub const FAMILIES: &[&str] = &[
    "action",
    "addhandler",
    "addoutputfilter",
    "allow",
    "auth",
    "balancer",
    "browsermatch",
    "cache",
    "cgi",
    "dav",
    "deny",
    "directoryslash",
    "expires",
    "fallbackresource",
    "filter",
    "forcetype",
    "h2",
    "ldap",
    "limit",
    "lua",
    "order",
    "passenv",
    "proxy",
    "redirectmatch",
    "remoteip",
    "removehandler",
    "request",
    "rewrite",
    "satisfy",
    "script",
    "setenv",
    "setinput",
    "setoutput",
    "ssi",
    "ssl",
    "substitute",
    "suexec",
    "unsetenv",
    "userdir",
    "wsgi",
    "aliasmatch",
];
