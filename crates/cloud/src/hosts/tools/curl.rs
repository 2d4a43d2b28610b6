//! `curl`.

use super::call::{Call, Reply, Stop, done, failure};
use super::http::{Answered, Asked, Failed, follow};
use super::options::Options;
use crate::hosts::shell::Outcome;

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
    let mut answered = follow(call, options.has("location"), &asked);
    call.unless_broken_off()?;
    while tries > 0 && worth_trying_again(&options, &answered) {
        tries -= 1;
        let wait = options
            .value("retry-delay")
            .and_then(super::clock::interval)
            .unwrap_or(jiff::SignedDuration::from_secs(1));
        call.pass(wait, 0.0)?;
        answered = follow(call, options.has("location"), &asked);
        call.unless_broken_off()?;
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
    let content = content(&options, &answer, talks, &mut outcome);
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

/// What is written of an answer; a failing one may change the exit status.
fn content(options: &Options, answer: &Answered, talks: bool, outcome: &mut Outcome) -> Vec<u8> {
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
    content
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
