//! `s3::presign_get_object` and `s3::presign_put_object`: URLs that carry a permission.
//!
//! The permission is the caller's own, so it ends no later than the credentials
//! that sign it; seven days at most
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html>).

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_smithy_types::DateTime;
use opsh_operation::{
    Effect, Fault, FaultKind, Field, Map, Operation, Shape, Structure, Value, duration,
};

use super::{BUCKET, KEY, optional, required};
use crate::glue::{Encode as _, Patience, Reply, fault, open, s3_client, take};
use crate::{Binding, Controls, Fills, Session};

/// The longest that Signature Version 4 allows.
const LONGEST: Duration = Duration::from_hours(7 * 24);
const DEFAULT: Duration = Duration::from_hours(1);

const EXPIRES_IN: Field = optional(
    "expires_in",
    Shape::Duration,
    "How long the URL works: an hour if not given, seven days at most.",
);

static GET_INPUT: Structure = Structure {
    name: "PresignGetObjectInput",
    fields: &[
        BUCKET,
        KEY,
        EXPIRES_IN,
        optional(
            "version_id",
            Shape::Text,
            "The version of the object, if not the newest.",
        ),
        optional(
            "response_content_type",
            Shape::Text,
            "The Content-Type to answer with.",
        ),
        optional(
            "response_content_disposition",
            Shape::Text,
            "The Content-Disposition to answer with, e.g. to name a download.",
        ),
    ],
};

static PUT_INPUT: Structure = Structure {
    name: "PresignPutObjectInput",
    fields: &[
        BUCKET,
        KEY,
        EXPIRES_IN,
        optional(
            "content_type",
            Shape::Text,
            "The Content-Type that the upload must have.",
        ),
    ],
};

static OUTPUT: Structure = Structure {
    name: "PresignedUrl",
    fields: &[
        required(
            "url",
            Shape::Text,
            "The URL; whoever has it may use it until it expires.",
        ),
        required("expires", Shape::Time, "When it stops working."),
    ],
};

static GET_OPERATION: Operation = Operation {
    module: "s3",
    name: "presign_get_object",
    action: "s3:GetObject",
    summary: "Makes a URL with which anybody can download an object for a while.",
    input: &GET_INPUT,
    positional: &[],
    output: Shape::Struct(&OUTPUT),
    effect: Effect::Read,
    raises: &[],
    example: r#"s3::presign_get_object(#{ bucket: "opsh-example", key: "a.txt", expires_in: "15m" }).url"#,
};

static PUT_OPERATION: Operation = Operation {
    module: "s3",
    name: "presign_put_object",
    action: "s3:PutObject",
    summary: "Makes a URL with which anybody can upload an object for a while.",
    input: &PUT_INPUT,
    positional: &[],
    output: Shape::Struct(&OUTPUT),
    effect: Effect::Read,
    raises: &[],
    example: r#"s3::presign_put_object(#{ bucket: "opsh-example", key: "a.txt", expires_in: "15m" }).url"#,
};

pub const GET: Binding = Binding {
    operation: &GET_OPERATION,
    call: get,
    fills: Fills::NONE,
};

pub const PUT: Binding = Binding {
    operation: &PUT_OPERATION,
    call: put,
    fills: Fills::NONE,
};

fn get(session: &Session, mut input: Map, controls: Controls) -> Reply {
    let now = now(session);
    let (client, limit) = open(session, &controls, Patience::Call, s3_client);
    limit.run(Box::pin(async move {
        let life = Life::of(now, &mut input)?;
        let request = client
            .get_object()
            .set_bucket(take(&mut input, "bucket")?)
            .set_key(take(&mut input, "key")?)
            .set_version_id(take(&mut input, "version_id")?)
            .set_response_content_type(take(&mut input, "response_content_type")?)
            .set_response_content_disposition(take(&mut input, "response_content_disposition")?);
        let signed = request.presigned(life.config()?).await.map_err(fault)?;
        Ok(life.result(&signed))
    }))
}

fn put(session: &Session, mut input: Map, controls: Controls) -> Reply {
    let now = now(session);
    let (client, limit) = open(session, &controls, Patience::Call, s3_client);
    limit.run(Box::pin(async move {
        let life = Life::of(now, &mut input)?;
        let request = client
            .put_object()
            .set_bucket(take(&mut input, "bucket")?)
            .set_key(take(&mut input, "key")?)
            .set_content_type(take(&mut input, "content_type")?);
        let signed = request.presigned(life.config()?).await.map_err(fault)?;
        Ok(life.result(&signed))
    }))
}

fn now(session: &Session) -> SystemTime {
    let time = session.config().time_source();
    time.map_or_else(SystemTime::now, |time| time.now())
}

/// From when and for how long a URL works.
struct Life {
    start: SystemTime,
    length: Duration,
}

impl Life {
    fn of(start: SystemTime, input: &mut Map) -> Result<Self, Fault> {
        let length = input.remove("expires_in");
        let length = length.and_then(|length| duration::of(&length));
        let length = length.unwrap_or(DEFAULT);
        if length > LONGEST || length.is_zero() {
            return Err(Fault::new(
                FaultKind::Invalid,
                "parameter 'expires_in' must be at most seven days, and more than nothing",
            ));
        }
        Ok(Self { start, length })
    }

    fn config(&self) -> Result<PresigningConfig, Fault> {
        PresigningConfig::builder()
            .start_time(self.start)
            .expires_in(self.length)
            .build()
            .map_err(|error| Fault::new(FaultKind::Invalid, error.to_string()))
    }

    fn result(&self, signed: &PresignedRequest) -> Value {
        Value::Map(Map::from([
            ("url".into(), signed.uri().into()),
            (
                "expires".into(),
                DateTime::from(self.start + self.length).encode(),
            ),
        ]))
    }
}
