//! `wget`.

use super::call::{Call, Reply, done, failure};
use super::http::{Asked, follow};
use super::options::Options;

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
    let answered = follow(call, true, &request);
    call.unless_broken_off()?;
    let answer = match answered {
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
