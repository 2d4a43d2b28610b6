//! The other side of [`Served`](crate::world::served::Served): what a run in another
//! process asks of the cloud, at the time that it says.

use bytes::Bytes;
use jiff::Timestamp;
use opsh_cloud::Cloud;
use opsh_cloud::talk::Unheard;

use crate::world::local::doors::{Doors, Refusal};
use crate::world::served::wire::{self, Answer, Call, Frame, Head, Hello, Malformed};

/// Answers a question.
///
/// # Errors
/// It is none.
pub(super) fn answer(cloud: &Cloud, question: &Bytes) -> Result<Vec<u8>, Malformed> {
    let (frame, payload) = wire::unpack(question)?;
    if let Some(now) = frame.now {
        cloud.clock().reach(now);
    }
    let (answer, payload) = done(cloud, frame.what, payload);
    wire::pack(&Frame::of(Some(cloud.clock().now()), answer), &payload)
}

fn done(cloud: &Cloud, call: Call, payload: Bytes) -> (Answer, Bytes) {
    let refused = |refusal| (Answer::Refused(refusal), Bytes::new());
    let plain = |answer| (answer, Bytes::new());
    match call {
        Call::Hello => plain(Answer::Hello(Hello {
            region: cloud.region(),
            drawn: cloud.drawn(),
        })),
        Call::Aws(head) => match head.request(payload) {
            None => plain(Answer::Broken("the request is no HTTP request".to_owned())),
            Some(request) => {
                let answered = cloud
                    .clock()
                    .block_on(Doors::aws(cloud, request), &|| false);
                match answered {
                    Ok(Ok(response)) => message(response),
                    Ok(Err(broken)) => plain(Answer::Broken(broken.to_string())),
                    Err(stopped) => plain(Answer::Broken(stopped.to_string())),
                }
            }
        },
        Call::Visit(head) => match head.request(payload).map(|request| cloud.visit(request)) {
            None => refused(Refusal::Failed("the request is no HTTP request".to_owned())),
            Some(Ok(response)) => message(response),
            Some(Err(why)) => refused(why.into()),
        },
        Call::Knock { host, port } => match cloud.knock(&host, port) {
            Ok(welcome) => plain(Answer::Welcome(welcome)),
            Err(why) => refused(why.into()),
        },
        Call::Login {
            account,
            public_key,
        } => nothing(cloud.login(&account, &public_key)),
        Call::Run { account, line } => match cloud.run(&account, &line, &payload) {
            Ok(done) => {
                let answer = Answer::Done {
                    exit_code: done.exit_code,
                    stdout: done.stdout.len(),
                    took: done.took,
                };
                (answer, Bytes::from([done.stdout, done.stderr].concat()))
            }
            Err(refusal) => refused(refusal),
        },
        Call::Upload {
            account,
            path,
            mode,
        } => nothing(cloud.upload(&account, &path, &payload, mode)),
        Call::Download { account, path } => match cloud.download(&account, &path) {
            Ok(content) => (Answer::Nothing, content),
            Err(refusal) => refused(refusal),
        },
        Call::Advance { by } => {
            let end = cloud.clock().now().checked_add(by);
            let mut happened = Vec::new();
            let lived = cloud.live_until(end.unwrap_or(Timestamp::MAX), &|| false, &mut |what| {
                happened.push(what);
            });
            match lived {
                Ok(()) => plain(Answer::Happened(happened)),
                Err(error) => refused(Refusal::Failed(error.to_string())),
            }
        }
        Call::Say(said) => match cloud.say(said) {
            Ok(answers) => plain(Answer::Said(answers)),
            Err(unheard @ Unheard::NoBot) => refused(Refusal::NotFound(unheard.to_string())),
            Err(unheard) => refused(Refusal::Failed(unheard.to_string())),
        },
        Call::Execute { name, line } => match cloud.execute(&name, &line) {
            Ok(done) => {
                let answer = Answer::Executed {
                    instance: done.instance,
                    others: done.others,
                    exit_code: done.output.exit_code,
                    stdout: done.output.stdout.len(),
                };
                let output = [done.output.stdout, done.output.stderr].concat();
                (answer, Bytes::from(output))
            }
            Err(error) => refused(Refusal::Failed(error.to_string())),
        },
        Call::Rest => {
            cloud.close();
            plain(Answer::Nothing)
        }
    }
}

fn message(response: http::Response<Bytes>) -> (Answer, Bytes) {
    let head = Head::of_response(&response);
    (Answer::Http(head), response.into_body())
}

fn nothing(result: Result<(), Refusal>) -> (Answer, Bytes) {
    let answer = match result {
        Ok(()) => Answer::Nothing,
        Err(refusal) => Answer::Refused(refusal),
    };
    (answer, Bytes::new())
}
