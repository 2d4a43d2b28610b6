//! `s3::empty_bucket`: everything that is in a bucket, whoever put it there.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use opsh_operation::{
    Effect, Fault, FaultKind, Inverse, Map, Operation, Settle, Shape, Structure, Value, Write,
};

use super::{BUCKET, required};
use crate::glue::{Patience, Reply, fault, open, s3_client, take};
use crate::{Binding, Controls, Fills, Session};

static INPUT: Structure = Structure {
    name: "EmptyBucketInput",
    fields: &[BUCKET],
};

static OUTPUT: Structure = Structure {
    name: "EmptyBucketOutput",
    fields: &[
        required(
            "deleted",
            Shape::INT64,
            "How many versions and delete markers were deleted.",
        ),
        required(
            "aborted",
            Shape::INT64,
            "How many uploads in parts were ended.",
        ),
    ],
};

static OPERATION: Operation = Operation {
    module: "s3",
    name: "empty_bucket",
    action: "s3:DeleteObject",
    summary: "Deletes all objects of a bucket with all versions and delete markers, and ends its uploads in parts.",
    input: &INPUT,
    positional: &[],
    output: Shape::Struct(&OUTPUT),
    effect: Effect::Write(Write::plain(
        Inverse::Impossible("what the bucket held is not kept"),
        Settle::Repeat,
    )),
    raises: &[],
    example: r#"s3::create_bucket(#{ bucket: "opsh-example" });
s3::put_bucket_versioning(#{ bucket: "opsh-example", versioning_configuration: #{ status: "Enabled" } });
s3::put_object(#{ bucket: "opsh-example", key: "a.txt", body: "one" });
s3::put_object(#{ bucket: "opsh-example", key: "a.txt", body: "two" });
s3::delete_object(#{ bucket: "opsh-example", key: "a.txt" });
s3::create_multipart_upload(#{ bucket: "opsh-example", key: "big" });
let emptied = s3::empty_bucket(#{ bucket: "opsh-example" });
if emptied.deleted != 3 || emptied.aborted != 1 { throw emptied; }"#,
};

pub const BINDING: Binding = Binding {
    operation: &OPERATION,
    call,
    fills: Fills::NONE,
};

fn call(session: &Session, mut input: Map, controls: Controls) -> Reply {
    let (client, limit) = open(session, &controls, Patience::Call, s3_client);
    limit.run(Box::pin(async move {
        let emptying = Emptying {
            client,
            bucket: take(&mut input, "bucket")?.unwrap_or_default(),
        };
        let deleted = emptying.versions().await?;
        let aborted = emptying.uploads().await?;
        Ok(Value::Map(Map::from([
            ("deleted".to_owned(), count(deleted)),
            ("aborted".to_owned(), count(aborted)),
        ])))
    }))
}

struct Emptying {
    client: Client,
    bucket: String,
}

impl Emptying {
    /// Deletes page by page. Each page is the first one, since the last is gone:
    /// what others put there meanwhile is found too.
    async fn versions(&self) -> Result<usize, Fault> {
        let mut deleted = 0;
        loop {
            let page = self
                .client
                .list_object_versions()
                .bucket(&self.bucket)
                .send()
                .await
                .map_err(fault)?;
            let versions = page.versions().iter();
            let markers = page.delete_markers().iter();
            let found: Vec<ObjectIdentifier> = versions
                .map(|version| (version.key(), version.version_id()))
                .chain(markers.map(|marker| (marker.key(), marker.version_id())))
                .filter_map(|(key, version)| identifier(key, version))
                .collect();
            if found.is_empty() {
                return Ok(deleted);
            }
            deleted += found.len();
            // A page of a listing holds no more than a deletion takes: 1,000
            // (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>).
            self.delete(found).await?;
        }
    }

    async fn delete(&self, objects: Vec<ObjectIdentifier>) -> Result<(), Fault> {
        let objects = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .map_err(|error| Fault::new(FaultKind::Failed, error.to_string()))?;
        let answer = self
            .client
            .delete_objects()
            .bucket(&self.bucket)
            .delete(objects)
            .send()
            .await
            .map_err(fault)?;
        match answer.errors().first() {
            None => Ok(()),
            Some(error) => Err(refused(&self.bucket, error)),
        }
    }

    async fn uploads(&self) -> Result<usize, Fault> {
        let mut aborted = 0;
        loop {
            let page = self
                .client
                .list_multipart_uploads()
                .bucket(&self.bucket)
                .send()
                .await
                .map_err(fault)?;
            if page.uploads().is_empty() {
                return Ok(aborted);
            }
            for upload in page.uploads() {
                self.client
                    .abort_multipart_upload()
                    .bucket(&self.bucket)
                    .set_key(upload.key.clone())
                    .set_upload_id(upload.upload_id.clone())
                    .send()
                    .await
                    .map_err(fault)?;
                aborted += 1;
            }
        }
    }
}

fn identifier(key: Option<&str>, version: Option<&str>) -> Option<ObjectIdentifier> {
    ObjectIdentifier::builder()
        .key(key?)
        .set_version_id(version.map(str::to_owned))
        .build()
        .ok()
}

/// A refusal of one object among those of a request that succeeded.
fn refused(bucket: &str, error: &aws_sdk_s3::types::Error) -> Fault {
    let code = error.code().unwrap_or("Failed");
    let kind = if code == "AccessDenied" {
        FaultKind::Denied
    } else {
        FaultKind::Failed
    };
    let mut fault = Fault::new(
        kind,
        format!(
            "{bucket}/{} cannot be deleted: {}",
            error.key().unwrap_or_default(),
            error.message().unwrap_or(code)
        ),
    );
    fault.code = Some(code.to_owned());
    fault
}

fn count(number: usize) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}
