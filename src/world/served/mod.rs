//! An embedded cloud that another process serves: `opsh local serve`.
//!
//! The run brings its own clock: its branches wait on it as on that of a cloud in the
//! same process, so waits cost nothing and the order of everything is the same. Each
//! call says what time it is, and the served cloud follows. So nothing on the other side
//! waits for a run that was killed.
//!
//! - [`notice`]: where the cloud is served, for the commands in the same folder;
//! - [`wire`]: what is said between the two processes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use opsh_cloud::chronicle::Happening;
use opsh_cloud::clock::Clock;
use opsh_cloud::console::Executed;
use opsh_cloud::discord::Message;
use opsh_cloud::hosts::CommandOutput;
use opsh_cloud::talk::Said;
use opsh_cloud::{Unreachable, Visitor};
use opsh_operation::{Fault, FaultKind};

use super::local::doors::{Account, Broken, Done, Doors, Refusal, Welcome};
use notice::Notice;
use wire::{Answer, Call, Frame, Head};

pub mod notice;
pub mod wire;

/// How long an answer may take: the cloud answers at once, but a disk may be slow.
const PATIENCE: Duration = Duration::from_mins(5);

/// A served cloud; clones are the same one.
#[derive(Debug, Clone)]
pub struct Served {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    agent: ureq::Agent,
    notice: Notice,
    clock: Clock,
    region: String,
    drawn: u64,
}

impl Served {
    /// The cloud of `folder`, which must be served at `url`, and be in `region` if one is
    /// asked for.
    ///
    /// # Errors
    /// It is not, or another version of opsh serves it.
    pub fn connect(folder: &Path, url: &str, region: Option<&str>) -> Result<Self, Fault> {
        let invalid = |message: String| Fault::new(FaultKind::Invalid, message);
        let notice = Notice::read(folder).ok_or_else(|| {
            invalid(format!(
                "the embedded cloud in {} is not being served",
                folder.display()
            ))
            .hint("serve it from this folder: opsh local serve --time virtual")
        })?;
        if notice.url != plain(url) {
            return Err(invalid(format!(
                "the embedded cloud in {} is served at {}, not at {url}",
                folder.display(),
                notice.url
            )));
        }
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let frame = Frame::of(None, Call::Hello);
        let (frame, _) =
            exchange(&agent, &notice, &frame, &[]).map_err(|broken| invalid(broken.0))?;
        let Answer::Hello(hello) = frame.what else {
            return Err(invalid(unexpected(&notice).0));
        };
        if let Some(wanted) = region.filter(|wanted| *wanted != hello.region) {
            return Err(invalid(format!(
                "the embedded cloud at {} is in {}, not in {wanted}",
                notice.url, hello.region
            )));
        }
        Ok(Self {
            inner: Arc::new(Inner {
                agent,
                clock: Clock::new(frame.now.unwrap_or_default()),
                region: hello.region,
                drawn: hello.drawn,
                notice,
            }),
        })
    }

    /// Asks, at the time of the run's clock; which moves on if the answer took longer.
    fn ask(&self, call: Call, payload: &[u8]) -> Result<(Answer, Bytes), Broken> {
        let inner = &*self.inner;
        let frame = Frame::of(Some(inner.clock.now()), call);
        let (frame, payload) = exchange(&inner.agent, &inner.notice, &frame, payload)?;
        if let Some(now) = frame.now {
            inner.clock.reach(now);
        }
        Ok((frame.what, payload))
    }

    /// Asks something of a machine.
    fn session(&self, call: Call, payload: &[u8]) -> Result<(Answer, Bytes), Refusal> {
        match self.ask(call, payload) {
            Ok((Answer::Refused(refusal), _)) => Err(refusal),
            Ok(answer) => Ok(answer),
            Err(broken) => Err(Unreachable::Reset(broken.0).into()),
        }
    }

    /// Lets the time there go on, and gives what happened.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn advance(&self, by: Duration) -> Result<Vec<Happening>, Refusal> {
        match self.session(Call::Advance { by }, &[])? {
            (Answer::Happened(happened), _) => Ok(happened),
            _ => Err(self.misunderstood()),
        }
    }

    /// Says something on Discord, and gives what bots say to it.
    ///
    /// # Errors
    /// [`Refusal`]; `NotFound` if there is no bot.
    pub fn say(&self, said: Said) -> Result<Vec<Message>, Refusal> {
        match self.session(Call::Say(said), &[])? {
            (Answer::Said(answers), _) => Ok(answers),
            _ => Err(self.misunderstood()),
        }
    }

    /// Runs a command line as root on the machine that `name` means.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn execute(&self, name: &str, line: &str) -> Result<Executed, Refusal> {
        let call = Call::Execute {
            name: name.to_owned(),
            line: line.to_owned(),
        };
        match self.session(call, &[])? {
            (
                Answer::Executed {
                    instance,
                    others,
                    exit_code,
                    stdout,
                },
                mut output,
            ) if stdout <= output.len() => Ok(Executed {
                instance,
                others,
                output: CommandOutput {
                    exit_code,
                    stderr: output.split_off(stdout).to_vec(),
                    stdout: output.to_vec(),
                    // It has passed.
                    took: SignedDuration::ZERO,
                },
            }),
            _ => Err(self.misunderstood()),
        }
    }

    fn misunderstood(&self) -> Refusal {
        Refusal::Failed(unexpected(&self.inner.notice).0)
    }
}

/// A URL as notices have it.
fn plain(url: &str) -> String {
    url.trim_end_matches('/')
        .replacen("//localhost", "//127.0.0.1", 1)
}

fn unexpected(notice: &Notice) -> Broken {
    Broken(format!(
        "the server at {} answers something else than it was asked",
        notice.url
    ))
}

/// One question and its answer.
fn exchange(
    agent: &ureq::Agent,
    notice: &Notice,
    frame: &Frame<Call>,
    payload: &[u8],
) -> Result<(Frame<Answer>, Bytes), Broken> {
    let broken =
        |why: &dyn std::fmt::Display| Broken(format!("the server at {}: {why}", notice.url));
    let body = wire::pack(frame, payload).map_err(|error| broken(&error))?;
    let mut answer = agent
        .post(format!("{}{}", notice.url, wire::PATH))
        .header("authorization", format!("Bearer {}", notice.token))
        .send(&body[..])
        .map_err(|error| broken(&error))?;
    let status = answer.status();
    let body = answer
        .body_mut()
        .with_config()
        .limit(u64::MAX)
        .read_to_vec()
        .map_err(|error| broken(&error))?;
    if !status.is_success() {
        let words = String::from_utf8_lossy(&body);
        return Err(broken(&format_args!("{status}: {}", words.trim())));
    }
    wire::unpack(&Bytes::from(body)).map_err(|error| broken(&error))
}

impl Doors for Served {
    fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    fn region(&self) -> String {
        self.inner.region.clone()
    }

    fn flag(&self) -> String {
        format!(" --local-at {}", self.inner.notice.url)
    }

    fn drawn(&self) -> u64 {
        self.inner.drawn
    }

    fn close(&self) {
        // Writes are on disk already; a time that is not kept is only a little earlier.
        let _ = self.ask(Call::Rest, &[]);
    }

    /// Ready as soon as it is polled: the exchange takes no time on the run's clock.
    async fn aws(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Broken> {
        let head = Head::of_request(&request);
        match self.ask(Call::Aws(head), request.body())? {
            (Answer::Http(head), body) => head
                .response(body)
                .ok_or_else(|| unexpected(&self.inner.notice)),
            (Answer::Broken(why), _) => Err(Broken(why)),
            _ => Err(unexpected(&self.inner.notice)),
        }
    }

    /// The visitor's patience is that of the other side: its clock is not the run's.
    fn visit(
        &self,
        _visitor: &Visitor<'_>,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, Unreachable> {
        let lost = |broken: Broken| Unreachable::Reset(broken.0);
        let head = Head::of_request(&request);
        match self.ask(Call::Visit(head), request.body()).map_err(lost)? {
            (Answer::Http(head), body) => head
                .response(body)
                .ok_or_else(|| lost(unexpected(&self.inner.notice))),
            (Answer::Refused(Refusal::Unreachable(why)), _) => Err(why),
            _ => Err(lost(unexpected(&self.inner.notice))),
        }
    }

    fn knock(&self, host: &str, port: u16) -> Result<Welcome, Unreachable> {
        let call = Call::Knock {
            host: host.to_owned(),
            port,
        };
        match self.session(call, &[]) {
            Ok((Answer::Welcome(welcome), _)) => Ok(welcome),
            Err(Refusal::Unreachable(why)) => Err(why),
            Ok(_) | Err(_) => Err(Unreachable::Reset(unexpected(&self.inner.notice).0)),
        }
    }

    fn login(&self, account: &Account, public_key: &str) -> Result<(), Refusal> {
        let call = Call::Login {
            account: account.clone(),
            public_key: public_key.to_owned(),
        };
        self.session(call, &[]).map(|_| ())
    }

    fn run(&self, account: &Account, line: &str, stdin: &[u8]) -> Result<Done, Refusal> {
        let call = Call::Run {
            account: account.clone(),
            line: line.to_owned(),
        };
        match self.session(call, stdin)? {
            (
                Answer::Done {
                    exit_code,
                    stdout,
                    took,
                },
                mut output,
            ) if stdout <= output.len() => Ok(Done {
                exit_code,
                stderr: output.split_off(stdout).to_vec(),
                stdout: output.to_vec(),
                took,
            }),
            _ => Err(self.misunderstood()),
        }
    }

    fn upload(
        &self,
        account: &Account,
        path: &str,
        content: &[u8],
        mode: u32,
    ) -> Result<(), Refusal> {
        let call = Call::Upload {
            account: account.clone(),
            path: path.to_owned(),
            mode,
        };
        self.session(call, content).map(|_| ())
    }

    fn download(&self, account: &Account, path: &str) -> Result<Bytes, Refusal> {
        let call = Call::Download {
            account: account.clone(),
            path: path.to_owned(),
        };
        match self.session(call, &[])? {
            (Answer::Nothing, content) => Ok(content),
            _ => Err(self.misunderstood()),
        }
    }
}
