//! What a visitor of a balancer's name gets.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use http::{HeaderValue, StatusCode};

use super::access_log::{self, Entry};
use super::action::{Does, Fixed, Redirect};
use super::balancer::Balancer;
use super::{health, listener};
use crate::course::{Back, Course};
use crate::hosts::Unreachable;
use crate::services::{cloudwatch, ec2};
use crate::state;

/// Answers a request from the address `client` that is for a balancer's name; `None` if
/// the name is no balancer's.
#[must_use]
pub(crate) fn visit(
    cloud: &mut state::State,
    request: &http::Request<Bytes>,
    client: &str,
) -> Option<Result<Course, Unreachable>> {
    let (name, port) = place(request)?;
    let balancer = cloud
        .elbv2
        .balancers
        .values()
        .find(|balancer| balancer.dns_name.eq_ignore_ascii_case(&name))?
        .clone();
    Some(answer(cloud, &balancer, request, port, client))
}

/// The host and the port that a request is for.
fn place(request: &http::Request<Bytes>) -> Option<(String, u16)> {
    let standard = if request.uri().scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let authority = match request.uri().authority() {
        Some(authority) => authority.clone(),
        None => request.headers().get(HOST)?.to_str().ok()?.parse().ok()?,
    };
    Some((
        authority.host().to_owned(),
        authority.port_u16().unwrap_or(standard),
    ))
}

fn answer(
    cloud: &mut state::State,
    balancer: &Balancer,
    request: &http::Request<Bytes>,
    port: u16,
    client: &str,
) -> Result<Course, Unreachable> {
    let admitted = client
        .parse()
        .is_ok_and(|from| ec2::lets_through(cloud, &balancer.groups, port, from, &[]));
    if !admitted || !balancer.internet_facing || !balancer.is_active(cloud.now) {
        return Err(Unreachable::Silent);
    }
    let listener = listener::at(cloud, &balancer.arn, port)
        .ok_or(Unreachable::Refused)?
        .clone();
    let action = listener.actions.first().ok_or(Unreachable::Refused)?;
    let trace = format!(
        "Root=1-{:08x}-{}",
        cloud.now.as_second(),
        hex::encode(cloud.requests.bytes::<12>())
    );
    let does = action.does();
    let passage = |word, target| Passage {
        balancer: balancer.clone(),
        client: client.to_owned(),
        port,
        trace: trace.clone(),
        word,
        target,
        request: request.clone(),
    };
    let (word, response) = match does {
        Ok(Does::Fixed(response)) => ("fixed-response", fixed(response)),
        Ok(Does::Redirect(redirect)) => ("redirect", redirected(redirect, request, port)),
        Ok(Does::Forward(groups)) => {
            let Some(target) = choose(cloud, &groups) else {
                count(cloud, balancer, "HTTPCode_ELB_5XX_Count");
                let response = failure(StatusCode::SERVICE_UNAVAILABLE);
                let response = passage("forward", None).note(cloud, response);
                return Ok(Course::Answer(response));
            };
            let course = forward(cloud, balancer, &target, request, client, &trace);
            let passage = passage("forward", Some(target));
            return Ok(match course {
                Ok(Course::Answer(answer)) => Course::Answer(passage.conclude(cloud, Ok(answer))),
                Err(why) => Course::Answer(passage.conclude(cloud, Err(why))),
                Ok(Course::Ask(mut asked)) => {
                    asked.patience = asked.patience.min(IDLE);
                    asked.back.push(Back::Balancer(Box::new(passage)));
                    Course::Ask(asked)
                }
            });
        }
        Err(_) => ("-", failure(StatusCode::INTERNAL_SERVER_ERROR)),
    };
    let response = passage(word, None).note(cloud, response);
    Ok(Course::Answer(response))
}

/// A request on its way through a balancer, and all that its log needs of it.
#[derive(Debug, Clone)]
pub struct Passage {
    balancer: Balancer,
    client: String,
    port: u16,
    trace: String,
    word: &'static str,
    target: Option<Choice>,
    request: http::Request<Bytes>,
}

impl Passage {
    /// Gives a target's answer to the visitor, or says that there is none.
    pub fn conclude(
        &self,
        cloud: &mut state::State,
        answer: Result<http::Response<Bytes>, Unreachable>,
    ) -> http::Response<Bytes> {
        let response = match answer {
            Ok(response) => {
                let class = response.status().as_u16() / 100;
                let name = format!("HTTPCode_Target_{class}XX_Count");
                count(cloud, &self.balancer, &name);
                response
            }
            Err(unreachable) => {
                count(cloud, &self.balancer, "HTTPCode_ELB_5XX_Count");
                failure(match unreachable {
                    Unreachable::Refused => StatusCode::BAD_GATEWAY,
                    Unreachable::Silent => StatusCode::GATEWAY_TIMEOUT,
                })
            }
        };
        self.note(cloud, response)
    }

    /// Counts and logs the visit.
    fn note(
        &self,
        cloud: &mut state::State,
        response: http::Response<Bytes>,
    ) -> http::Response<Bytes> {
        let (balancer, request) = (&self.balancer, &self.request);
        count(cloud, balancer, "RequestCount");
        let answered = response
            .headers()
            .get("server")
            .is_none_or(|server| server != OWN);
        let header = |headers: &http::HeaderMap, name: http::HeaderName| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let uri = request.uri();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let target = self.target.as_ref().and_then(|target| {
            let address = ec2::facts(cloud, &target.id)?.private?;
            Some((address.to_string(), target.port, target.group.as_str()))
        });
        let entry = Entry {
            client: &self.client,
            target_status: (target.is_some() && answered).then(|| response.status().as_u16()),
            target,
            status: response.status().as_u16(),
            received: request.body().len(),
            sent: response.body().len(),
            line: format!(
                "{} http://{}:{}{path} {:?}",
                request.method(),
                balancer.dns_name,
                self.port,
                request.version()
            ),
            agent: header(request.headers(), USER_AGENT),
            trace: self.trace.clone(),
            action: self.word,
            redirect: header(response.headers(), LOCATION),
        };
        access_log::note(cloud, balancer, &entry);
        response
    }
}

/// For how long a balancer waits for a target: the default `idle_timeout.timeout_seconds`.
const IDLE: Duration = Duration::from_mins(1);

/// How the balancer signs its own answers.
const OWN: &str = "awselb/2.0";

fn count(cloud: &mut state::State, balancer: &Balancer, name: &str) {
    let dimensions = [("LoadBalancer", balancer.dimension())];
    cloudwatch::store::publish(cloud, "AWS/ApplicationELB", name, &dimensions, "Count", 1.0);
}

fn page(status: StatusCode, content_type: &str, body: String) -> http::Response<Bytes> {
    let mut response = http::Response::new(Bytes::from(body));
    *response.status_mut() = status;
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

/// An answer that the balancer gives because nobody else does.
fn failure(status: StatusCode) -> http::Response<Bytes> {
    let title = format!(
        "{} {}",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default()
    );
    let mut response = page(
        status,
        "text/html",
        format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n\
             <center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
        ),
    );
    response
        .headers_mut()
        .insert("server", HeaderValue::from_static(OWN));
    response
}

fn fixed(fixed: &Fixed) -> http::Response<Bytes> {
    let status = fixed
        .status_code
        .parse()
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK);
    page(
        status,
        fixed.content_type.as_deref().unwrap_or("text/plain"),
        fixed.message_body.clone().unwrap_or_default(),
    )
}

fn redirected(
    redirect: &Redirect,
    request: &http::Request<Bytes>,
    port: u16,
) -> http::Response<Bytes> {
    let host = place(request).map(|(host, _)| host).unwrap_or_default();
    let uri = request.uri();
    let own = |template: &Option<String>, otherwise: &str| {
        template
            .as_deref()
            .unwrap_or(otherwise)
            .replace("#{protocol}", "http")
            .replace("#{host}", &host)
            .replace("#{port}", &port.to_string())
            .replace("#{path}", uri.path().trim_start_matches('/'))
            .replace("#{query}", uri.query().unwrap_or_default())
    };
    let protocol = own(&redirect.protocol, "#{protocol}").to_ascii_lowercase();
    let query = own(&redirect.query, "#{query}");
    let query = if query.is_empty() {
        query
    } else {
        format!("?{query}")
    };
    let location = format!(
        "{protocol}://{}:{}{}{query}",
        own(&redirect.host, "#{host}"),
        own(&redirect.port, "#{port}"),
        own(&redirect.path, "/#{path}")
    );
    let status = if redirect.status_code == "HTTP_301" {
        StatusCode::MOVED_PERMANENTLY
    } else {
        StatusCode::FOUND
    };
    let mut response = failure(status);
    if let Ok(value) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, value);
    }
    response
}

fn forward(
    cloud: &mut state::State,
    balancer: &Balancer,
    target: &Choice,
    request: &http::Request<Bytes>,
    client: &str,
    trace: &str,
) -> Result<Course, Unreachable> {
    let mut forwarded = request.clone();
    let headers = forwarded.headers_mut();
    let chain = match headers
        .get("x-forwarded-for")
        .and_then(|value| value.to_str().ok())
    {
        Some(before) => format!("{before}, {client}"),
        None => client.to_owned(),
    };
    let listened = place(request).map_or(80, |(_, port)| port).to_string();
    for (name, value) in [
        ("x-forwarded-for", chain.as_str()),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", listened.as_str()),
        ("x-amzn-trace-id", trace),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    health::send(cloud, balancer, &target.id, target.port, &forwarded)
}

/// Who gets a request.
#[derive(Debug, Clone)]
struct Choice {
    id: String,
    port: u16,
    group: String,
}

/// Whose turn it is: the groups by weight, their healthy targets in turn; where none is
/// healthy, all of them, as AWS does ("fail open").
fn choose(cloud: &mut state::State, groups: &[(&str, u32)]) -> Option<Choice> {
    let turn: usize = groups
        .iter()
        .filter_map(|(arn, _)| cloud.elbv2.groups.get(*arn))
        .map(|group| group.turns)
        .sum();
    let slots: Vec<&str> = groups
        .iter()
        .flat_map(|(arn, weight)| {
            let times = usize::try_from(*weight).unwrap_or_default();
            std::iter::repeat_n(*arn, times)
        })
        .collect();
    let arn = *slots.get(turn.checked_rem(slots.len())?)?;
    let group = cloud.elbv2.groups.get(arn)?;
    let with = |wanted: &[&str]| -> Vec<(String, u16)> {
        group
            .targets
            .iter()
            .filter(|target| wanted.contains(&health::verdict(cloud, group, target).0))
            .map(|target| (target.id.clone(), target.port))
            .collect()
    };
    let mut choice = with(&["healthy"]);
    if choice.is_empty() {
        choice = with(&["unhealthy", "initial"]);
    }
    let target = choice.get(group.turns.checked_rem(choice.len())?)?.clone();
    let dimensions = [("TargetGroup", group.dimension())];
    cloudwatch::store::publish(
        cloud,
        "AWS/ApplicationELB",
        "RequestCountPerTarget",
        &dimensions,
        "Count",
        1.0,
    );
    if let Some(group) = cloud.elbv2.groups.get_mut(arn) {
        group.turns += 1;
    }
    let (id, port) = target;
    Some(Choice {
        id,
        port,
        group: arn.to_owned(),
    })
}
