//! `curl` and `wget`: to the metadata service and to the machine itself; nothing else is
//! reachable from inside the embedded cloud.

use bytes::Bytes;
use http::{Method, Request};

use super::call::{Call, Reply, Stop, done, failure};
use super::options::Options;
use crate::hosts::shell::Outcome;
use crate::hosts::{imds, web};

/// A request as the command line has it.
struct Asked {
    method: String,
    url: url::Url,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer as the wire has it.
struct Answered {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Why there is no answer, with curl's exit status.
struct Failed {
    code: i32,
    text: String,
}

const CURL: &str = "s|silent S|show-error f|fail L|location o|output= O|remote-name w|write-out= H|header= X|request= d|data= |data-raw= |data-binary= I|head i|include k|insecure |connect-timeout= m|max-time= |retry= |retry-delay= |retry-connrefused |retry-all-errors |max-redirs= |noproxy= A|user-agent= e|referer= v|verbose 4|ipv4 |compressed |fail-with-body |url= N|no-buffer G|get";

/// `curl`.
pub fn curl(call: &Call<'_>) -> Reply {
    if call.args == ["--version"] {
        return done("curl 8.11.1 (x86_64-amazon-linux-gnu)\n");
    }
    let options = Options::parse(call, CURL)?;
    let mut urls = options.operands.clone();
    urls.extend(options.all("url").iter().cloned());
    let [text] = urls.as_slice() else {
        return Err(if urls.is_empty() {
            failure(2, "curl: (2) no URL specified\n")
        } else {
            call.not_modelled("several URLs at once")
        });
    };
    let asked = asked(call, &options, text)?;
    let mut outcome = Outcome::default();
    let mut tries = options
        .value("retry")
        .and_then(|count| count.parse::<u32>().ok())
        .unwrap_or(0);
    let mut answered = follow(call, &options, &asked);
    while tries > 0 && worth_trying_again(&options, &answered) {
        tries -= 1;
        let wait = options
            .value("retry-delay")
            .and_then(super::clock::interval)
            .unwrap_or(jiff::SignedDuration::from_secs(1));
        call.pass(wait, 0.0)?;
        answered = follow(call, &options, &asked);
    }
    let talks = !options.has("silent") || options.has("show-error");
    let (answer, url) = match answered {
        Ok(answered) => answered,
        Err(failed) => {
            outcome.exit_code = failed.code;
            if talks {
                outcome.stderr = format!("curl: ({}) {}\n", failed.code, failed.text).into_bytes();
            }
            if let Some(format) = options.value("write-out") {
                outcome.stdout = written_out(call, format, None, text)?.into_bytes();
            }
            return Ok(outcome);
        }
    };
    let failing = answer.status >= 400;
    let mut content = Vec::new();
    if options.has("head") || options.has("include") {
        content.extend_from_slice(
            format!(
                "HTTP/1.1 {} {}\r\n",
                answer.status,
                http::StatusCode::from_u16(answer.status)
                    .ok()
                    .and_then(|status| status.canonical_reason())
                    .unwrap_or_default()
            )
            .as_bytes(),
        );
        for (name, value) in &answer.headers {
            content.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        content.extend_from_slice(b"\r\n");
    }
    if failing && options.has("fail") {
        outcome.exit_code = 22;
        if talks {
            outcome.stderr = format!(
                "curl: (22) The requested URL returned error: {}\n",
                answer.status
            )
            .into_bytes();
        }
    } else {
        content.extend_from_slice(&answer.body);
        if failing && options.has("fail-with-body") {
            outcome.exit_code = 22;
        }
    }
    let file = if options.has("remote-name") {
        url.path_segments()
            .and_then(|mut parts| parts.next_back().map(str::to_owned))
            .filter(|name| !name.is_empty())
    } else {
        options.value("output").map(str::to_owned)
    };
    match file.as_deref() {
        None | Some("-") => outcome.stdout = content,
        Some("/dev/null") => {}
        Some(file) => {
            let path = call.path(file);
            let mut timeline = call.machine();
            let at = timeline.present.clock;
            timeline
                .present
                .disk
                .write(&call.session.user, &path, content.as_slice(), at)
                .map_err(|reason| {
                    failure(
                        23,
                        format!("curl: (23) Failure writing output to {file}: {reason}\n"),
                    )
                })?;
        }
    }
    if let Some(format) = options.value("write-out") {
        outcome
            .stdout
            .extend_from_slice(written_out(call, format, Some(&answer), url.as_str())?.as_bytes());
    }
    Ok(outcome)
}

fn worth_trying_again(options: &Options, answered: &Result<(Answered, url::Url), Failed>) -> bool {
    match answered {
        Err(failed) => {
            failed.code == 28
                || options.has("retry-all-errors")
                || (failed.code == 7 && options.has("retry-connrefused"))
        }
        Ok((answer, _)) => matches!(answer.status, 408 | 429 | 500 | 502 | 503 | 504),
    }
}

fn asked(call: &Call<'_>, options: &Options, text: &str) -> Result<Asked, Stop> {
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let mut url: url::Url = with_scheme.parse().map_err(|_| {
        failure(
            3,
            "curl: (3) URL rejected: Malformed input to a URL function\n",
        )
    })?;
    let mut body = Vec::new();
    for key in ["data", "data-raw", "data-binary"] {
        for data in options.all(key) {
            if !body.is_empty() {
                body.push(b'&');
            }
            match data.strip_prefix('@').filter(|_| key != "data-raw") {
                Some("-") => body.extend_from_slice(call.stdin),
                Some(file) => {
                    let path = call.path(file);
                    let content = call
                        .machine()
                        .present
                        .disk
                        .read(&call.session.user, &path)
                        .map_err(|_| failure(26, format!("curl: option -d: error encountered when reading a file: {file}\n")))?;
                    body.extend_from_slice(&content);
                }
                None => body.extend_from_slice(data.as_bytes()),
            }
        }
    }
    if options.has("get") && !body.is_empty() {
        url.set_query(Some(&String::from_utf8_lossy(&body)));
        body.clear();
    }
    let method = options.value("request").map_or_else(
        || {
            if options.has("head") {
                "HEAD"
            } else if body.is_empty() {
                "GET"
            } else {
                "POST"
            }
            .to_owned()
        },
        str::to_owned,
    );
    let mut headers = vec![(
        "user-agent".to_owned(),
        options
            .value("user-agent")
            .unwrap_or("curl/8.11.1")
            .to_owned(),
    )];
    if let Some(referer) = options.value("referer") {
        headers.push(("referer".to_owned(), referer.to_owned()));
    }
    for header in options.all("header") {
        if let Some((name, value)) = header.split_once(':') {
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    Ok(Asked {
        method,
        url,
        headers,
        body,
    })
}

fn follow(
    call: &Call<'_>,
    options: &Options,
    asked: &Asked,
) -> Result<(Answered, url::Url), Failed> {
    let mut url = asked.url.clone();
    for _ in 0..20 {
        let answer = send(call, asked, &url)?;
        let target = answer
            .headers
            .iter()
            .find(|(name, _)| name == "location")
            .map(|(_, value)| value.clone());
        match target {
            Some(target) if options.has("location") && (300..400).contains(&answer.status) => {
                url = url.join(&target).map_err(|_| Failed {
                    code: 3,
                    text: "URL rejected".to_owned(),
                })?;
            }
            _ => return Ok((answer, url)),
        }
    }
    Err(Failed {
        code: 47,
        text: "Maximum (50) redirects followed".to_owned(),
    })
}

fn send(call: &Call<'_>, asked: &Asked, url: &url::Url) -> Result<Answered, Failed> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    let facts = &call.session.facts;
    let own = &facts.addresses;
    let local = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]")
        || host == own.private
        || host == own.private_dns
        || host == own.host_name();
    let method = Method::from_bytes(asked.method.as_bytes()).unwrap_or(Method::GET);
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let refused = || Failed {
        code: 7,
        text: format!(
            "Failed to connect to {host} port {port} after 0 ms: Could not connect to server"
        ),
    };
    if host == imds::ADDRESS {
        let header = |name: &str| {
            asked
                .headers
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
        };
        let mut timeline = call.machine();
        let answer = imds::answer(&mut timeline.present, facts, &method, &target, &header);
        let mut headers = vec![
            ("content-type".to_owned(), answer.kind.to_owned()),
            ("content-length".to_owned(), answer.body.len().to_string()),
            ("server".to_owned(), "EC2ws".to_owned()),
        ];
        headers.extend(
            answer
                .headers
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        return Ok(Answered {
            status: answer.status.as_u16(),
            headers,
            body: if method == Method::HEAD {
                Vec::new()
            } else {
                answer.body.into_bytes()
            },
        });
    }
    if !local {
        let name = host.parse::<std::net::IpAddr>().is_err();
        return Err(if name {
            Failed {
                code: 6,
                text: format!("Could not resolve host: {host}"),
            }
        } else {
            refused()
        });
    }
    if url.scheme() != "http" {
        return Err(refused());
    }
    let mut request = Request::builder().method(method).uri(&target);
    let shown = if port == 80 {
        host.clone()
    } else {
        format!("{host}:{port}")
    };
    request = request.header("host", shown);
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Bytes::from(asked.body.clone()))
        .map_err(|error| Failed {
            code: 43,
            text: error.to_string(),
        })?;
    let client = if host == own.private {
        own.private.clone()
    } else {
        "127.0.0.1".to_owned()
    };
    let mut timeline = call.machine();
    let response =
        web::answer(&mut timeline.present, facts, port, &request, &client).ok_or_else(refused)?;
    Ok(Answered {
        status: response.status().as_u16(),
        headers: response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body: response.into_body().to_vec(),
    })
}

fn written_out(
    call: &Call<'_>,
    format: &str,
    answer: Option<&Answered>,
    url: &str,
) -> Result<String, Stop> {
    let mut text = String::new();
    let mut rest = format;
    while let Some(start) = rest.find("%{") {
        text.push_str(&rest[..start]);
        let Some(end) = rest[start..].find('}') else {
            break;
        };
        let name = &rest[start + 2..start + end];
        rest = &rest[start + end + 1..];
        text.push_str(&match name {
            "http_code" | "response_code" => answer.map_or_else(
                || "000".to_owned(),
                |answer| format!("{:03}", answer.status),
            ),
            "size_download" => answer.map_or(0, |answer| answer.body.len()).to_string(),
            "url_effective" | "url" => url.to_owned(),
            "content_type" => answer
                .and_then(|answer| {
                    answer
                        .headers
                        .iter()
                        .find(|(name, _)| name == "content-type")
                })
                .map(|(_, value)| value.clone())
                .unwrap_or_default(),
            "time_total" | "time_connect" | "time_starttransfer" => "0.001000".to_owned(),
            "num_redirects" => "0".to_owned(),
            other => return Err(call.not_modelled(&format!("the variable %{{{other}}}"))),
        });
    }
    text.push_str(rest);
    Ok(text
        .replace("\\n", "\n")
        .replace("\\t", "\t")
        .replace("\\r", "\r"))
}

/// `wget`.
pub fn wget(call: &Call<'_>) -> Reply {
    let options = Options::parse(
        call,
        "q|quiet O|output-document= S|server-response |header= |method= T|timeout= t|tries= |no-check-certificate nv| |spider U|user-agent=",
    )?;
    let [text] = options.operands.as_slice() else {
        return Err(failure(1, "wget: missing URL\n"));
    };
    let with_scheme = if text.contains("://") {
        text.clone()
    } else {
        format!("http://{text}")
    };
    let url: url::Url = with_scheme
        .parse()
        .map_err(|_| failure(1, format!("{text}: Invalid URL.\n")))?;
    let mut headers = vec![(
        "user-agent".to_owned(),
        options
            .value("user-agent")
            .unwrap_or("Wget/1.21.3")
            .to_owned(),
    )];
    for header in options.all("header") {
        if let Some((name, value)) = header.split_once(':') {
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    let request = Asked {
        method: options
            .value("method")
            .unwrap_or(if options.has("spider") { "HEAD" } else { "GET" })
            .to_owned(),
        url: url.clone(),
        headers,
        body: Vec::new(),
    };
    let mut following = Options::default();
    following.set("location");
    let answer = match follow(call, &following, &request) {
        Ok((answer, _)) => answer,
        Err(failed) => {
            let complaint = if failed.code == 6 {
                format!(
                    "wget: unable to resolve host address ‘{}’\n",
                    url.host_str().unwrap_or_default()
                )
            } else {
                "failed: Connection refused.\n".to_owned()
            };
            return Err(failure(
                4,
                if options.has("quiet") {
                    String::new()
                } else {
                    complaint
                },
            ));
        }
    };
    if answer.status >= 400 {
        return Err(failure(
            8,
            if options.has("quiet") {
                String::new()
            } else {
                format!("ERROR {}.\n", answer.status)
            },
        ));
    }
    if options.has("spider") {
        return done("");
    }
    let file = options.value("output-document").map_or_else(
        || {
            url.path_segments()
                .and_then(|mut parts| parts.next_back().map(str::to_owned))
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "index.html".to_owned())
        },
        str::to_owned,
    );
    if file == "-" {
        return done(answer.body);
    }
    if file != "/dev/null" {
        let path = call.path(&file);
        let mut timeline = call.machine();
        let at = timeline.present.clock;
        timeline
            .present
            .disk
            .write(&call.session.user, &path, answer.body.as_slice(), at)
            .map_err(|reason| failure(3, format!("{file}: {reason}\n")))?;
    }
    done("")
}
