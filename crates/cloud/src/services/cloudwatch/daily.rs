//! What S3 publishes of its buckets, once a day.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html>: a
//! bucket has no value before its first whole day is over.

use jiff::{SignedDuration, Timestamp};

use super::Event;
use super::metric::{Dimension, Metric};
use super::statistic::Summary;
use super::store::Sample;
use crate::events;
use crate::state;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Plans the next midnight.
pub fn plan(cloud: &mut state::State) {
    let day = cloud.now.as_second().div_euclid(86_400);
    if let Ok(midnight) = Timestamp::from_second((day + 1) * 86_400) {
        cloud
            .events
            .plan(midnight, events::Event::CloudWatch(Event::Midnight));
    }
}

/// A day is over: publishes what each bucket holds.
#[allow(clippy::cast_precision_loss)] // sizes are exact in a double up to eight petabytes
pub fn midnight(cloud: &mut state::State) {
    plan(cloud);
    let day = cloud.now - DAY;
    for bucket in cloud.s3.stored() {
        if bucket.created > day {
            continue;
        }
        let values = [
            ("BucketSizeBytes", "StandardStorage", "Bytes", bucket.bytes),
            (
                "NumberOfObjects",
                "AllStorageTypes",
                "Count",
                bucket.objects,
            ),
        ];
        for (name, storage, unit, value) in values {
            let metric = Metric {
                namespace: "AWS/S3".to_owned(),
                name: name.to_owned(),
                dimensions: vec![
                    Dimension::new("BucketName", &bucket.name),
                    Dimension::new("StorageType", storage),
                ],
            };
            let sample = Sample {
                at: day,
                unit: unit.to_owned(),
                summary: Summary::of(value as f64),
            };
            cloud.cloudwatch.store.add(metric, sample, cloud.now);
        }
    }
}
