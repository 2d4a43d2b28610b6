//! `s3::upload_file`: a file of any size, in parts where it is large.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_smithy_types::byte_stream::{ByteStream, Length};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use opsh_operation::{
    Before, Effect, Fault, FaultKind, Inverse, InverseCall, Look, Makes, Map, Operation, Settle,
    Shape, Structure, Value, Write,
};

use super::{BUCKET, KEY, optional, required};
use crate::glue::encode::put;
use crate::glue::{Encode as _, Patience, Reply, fault, open, s3_client, take};
use crate::{Binding, Controls, Fills, Session};

/// Up to here a file is one request, beyond it is parts of this size.
const PART: u64 = 16 * 1024 * 1024;
/// S3 takes no more parts
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
const MOST_PARTS: u64 = 10_000;
/// How many parts are on their way at once.
const AT_ONCE: usize = 4;

static INPUT: Structure = Structure {
    name: "UploadFileInput",
    fields: &[
        BUCKET,
        KEY,
        required("file", Shape::Path, "The file to upload."),
        optional(
            "content_type",
            Shape::Text,
            "The type of the content, e.g. image/jpeg.",
        ),
        optional(
            "content_encoding",
            Shape::Text,
            "How the content is encoded, e.g. gzip.",
        ),
        optional(
            "content_disposition",
            Shape::Text,
            "How a browser presents it, e.g. as a download.",
        ),
        optional("cache_control", Shape::Text, "How long it may be cached."),
        optional(
            "metadata",
            Shape::MapOf(&Shape::Text),
            "Names and values to keep with it.",
        ),
    ],
};

static OUTPUT: Structure = Structure {
    name: "UploadFileOutput",
    fields: &[
        optional("e_tag", Shape::Text, "The entity tag of the object."),
        optional(
            "version_id",
            Shape::Text,
            "The version, where the bucket keeps versions.",
        ),
        required("size", Shape::INT64, "How many bytes were uploaded."),
        required(
            "parts",
            Shape::INT64,
            "In how many parts; 1 for a small file.",
        ),
    ],
};

static OPERATION: Operation = Operation {
    module: "s3",
    name: "upload_file",
    action: "s3:PutObject",
    summary: "Uploads a file of up to 5 TB; a large one in parts, which are removed if it fails.",
    input: &INPUT,
    positional: &[],
    output: Shape::Struct(&OUTPUT),
    effect: Effect::Write(Write {
        makes: &[Makes {
            kind: "s3:object",
            id: "{input.bucket}/{input.key}",
        }],
        before: Some(&Before {
            look: Look {
                operation: "s3::head_object",
                arguments: &[("bucket", "input.bucket"), ("key", "input.key")],
                within: "result",
            },
            same: &[],
            only_if: None,
            every: None,
            restore: &[],
        }),
        goes_with: Some("s3:bucket"),
        ..Write::plain(
            Inverse::Calls(&[InverseCall {
                operation: "s3::delete_object",
                arguments: &[("bucket", "input.bucket"), ("key", "input.key")],
            }]),
            Settle::Repeat,
        )
    }),
    raises: &[],
    example: r#"s3::create_bucket(#{ bucket: "opsh-example" });
file::write("example.txt", "hello");
s3::upload_file(#{ bucket: "opsh-example", key: "example.txt", file: "example.txt", content_type: "text/plain" }).size"#,
};

pub const BINDING: Binding = Binding {
    operation: &OPERATION,
    call,
    fills: Fills::NONE,
};

fn call(session: &Session, mut input: Map, controls: Controls) -> Reply {
    let (client, limit) = open(session, &controls, Patience::Transfer, s3_client);
    limit.run(Box::pin(async move {
        let upload = Upload {
            client,
            bucket: take(&mut input, "bucket")?.unwrap_or_default(),
            key: take(&mut input, "key")?.unwrap_or_default(),
            file: take(&mut input, "file")?.unwrap_or_default(),
        };
        let size = std::fs::metadata(&upload.file)
            .map_err(|error| upload.unreadable(&error))?
            .len();
        let mut result = if size <= PART {
            upload.whole(input).await?
        } else {
            upload.in_parts(input, size).await?
        };
        put(
            &mut result,
            "size",
            i64::try_from(size).unwrap_or(i64::MAX).into(),
        );
        Ok(Value::Map(result))
    }))
}

struct Upload {
    client: Client,
    bucket: String,
    key: String,
    file: String,
}

impl Upload {
    fn unreadable(&self, error: &dyn std::error::Error) -> Fault {
        let reason = error
            .source()
            .map_or_else(|| error.to_string(), ToString::to_string);
        Fault::new(
            FaultKind::Failed,
            format!("cannot read the file '{}': {reason}", self.file),
        )
    }

    async fn whole(&self, mut input: Map) -> Result<Map, Fault> {
        let body = ByteStream::from_path(&self.file)
            .await
            .map_err(|error| self.unreadable(&error))?;
        let output = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(&self.key)
            .body(body)
            .set_content_type(take(&mut input, "content_type")?)
            .set_content_encoding(take(&mut input, "content_encoding")?)
            .set_content_disposition(take(&mut input, "content_disposition")?)
            .set_cache_control(take(&mut input, "cache_control")?)
            .set_metadata(take(&mut input, "metadata")?)
            .send()
            .await
            .map_err(fault)?;
        Ok(result(output.e_tag, output.version_id, 1))
    }

    async fn in_parts(&self, mut input: Map, size: u64) -> Result<Map, Fault> {
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(&self.key)
            .set_content_type(take(&mut input, "content_type")?)
            .set_content_encoding(take(&mut input, "content_encoding")?)
            .set_content_disposition(take(&mut input, "content_disposition")?)
            .set_cache_control(take(&mut input, "cache_control")?)
            .set_metadata(take(&mut input, "metadata")?)
            .send()
            .await
            .map_err(fault)?;
        let id = begun.upload_id.unwrap_or_default();
        match self.send_parts(&id, size).await {
            Ok(result) => Ok(result),
            Err(mut failure) => {
                let aborted = self
                    .client
                    .abort_multipart_upload()
                    .bucket(&self.bucket)
                    .key(&self.key)
                    .upload_id(&id)
                    .send()
                    .await;
                if aborted.is_err() {
                    failure.details.insert("upload_id".into(), id.into());
                    failure.hint = Some(
                        "its parts are still stored: remove them with s3::abort_multipart_upload"
                            .into(),
                    );
                }
                Err(failure)
            }
        }
    }

    async fn send_parts(&self, id: &str, size: u64) -> Result<Map, Fault> {
        let parts: Vec<CompletedPart> = stream::iter(ranges(size))
            .map(|(number, offset, length)| self.part(id, number, offset, length))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let count = parts.len();
        let output = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(&self.key)
            .upload_id(id)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts))
                    .build(),
            )
            .send()
            .await
            .map_err(fault)?;
        Ok(result(output.e_tag, output.version_id, count))
    }

    async fn part(
        &self,
        id: &str,
        number: i32,
        offset: u64,
        length: u64,
    ) -> Result<CompletedPart, Fault> {
        let body = ByteStream::read_from()
            .path(&self.file)
            .offset(offset)
            .length(Length::Exact(length))
            .build()
            .await
            .map_err(|error| self.unreadable(&error))?;
        let sent = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(&self.key)
            .upload_id(id)
            .part_number(number)
            .body(body)
            .send()
            .await
            .map_err(fault)?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32)
            .build())
    }
}

fn result(e_tag: Option<String>, version_id: Option<String>, parts: usize) -> Map {
    let mut map = Map::new();
    put(&mut map, "e_tag", e_tag.encode());
    put(&mut map, "version_id", version_id.encode());
    put(
        &mut map,
        "parts",
        i64::try_from(parts).unwrap_or(i64::MAX).into(),
    );
    map
}

/// Number, offset and length of each part: as small as the limit of parts allows.
fn ranges(size: u64) -> impl Iterator<Item = (i32, u64, u64)> {
    let part = PART.max(size.div_ceil(MOST_PARTS));
    (1..)
        .zip((0..size).step_by(usize::try_from(part).unwrap_or(usize::MAX)))
        .map(move |(number, offset)| (number, offset, part.min(size - offset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_file_and_are_not_too_many() {
        let small: Vec<_> = ranges(PART * 2 + 5).collect();
        assert_eq!(small, [(1, 0, PART), (2, PART, PART), (3, PART * 2, 5)]);
        let huge = 1024 * 1024 * 1024 * 1024;
        let parts: Vec<_> = ranges(huge).collect();
        assert!(parts.len() as u64 <= MOST_PARTS);
        assert_eq!(parts.iter().map(|part| part.2).sum::<u64>(), huge);
    }
}
