#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)] // bodies are written where they are sent

use serde_json::{Value, json};

use crate::Cloud;
use crate::api::{ApiRequest, Protocol};
use crate::furnish::Options;
use crate::services::sns;
use crate::services::sns::publish::Outcome;

const URL: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/work";
const ARN: &str = "arn:aws:sqs:us-east-1:123456789012:work";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:alerts";

/// A cloud whose time a test moves by hand.
struct Bench {
    cloud: Cloud,
}

impl Bench {
    fn new(attributes: Value) -> Self {
        let bench = Self {
            cloud: Cloud::furnished(&Options::default()),
        };
        let made = bench.ok(
            "CreateQueue",
            json!({"QueueName": "work", "Attributes": attributes}),
        );
        assert_eq!(made["QueueUrl"], URL);
        bench
    }

    fn ask(&self, action: &str, body: Value) -> (u16, Value) {
        let request = http::Request::post("https://sqs.us-east-1.amazonaws.com/")
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .body(body.to_string().into())
            .unwrap();
        let clock = self.cloud.clock();
        let answer = clock
            .block_on(self.cloud.aws(request), &|| false)
            .unwrap()
            .unwrap();
        (
            answer.status().as_u16(),
            serde_json::from_slice(answer.body()).unwrap(),
        )
    }

    #[track_caller]
    fn ok(&self, action: &str, body: Value) -> Value {
        let (status, answer) = self.ask(action, body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    #[track_caller]
    fn fails(&self, action: &str, body: Value) -> String {
        let (status, answer) = self.ask(action, body);
        assert_ne!(status, 200, "{answer}");
        let name = answer["__type"].as_str().unwrap();
        let name = name.trim_start_matches("com.amazonaws.sqs#");
        format!("{name}: {}", answer["message"].as_str().unwrap())
    }

    fn send(&self, body: &str) {
        self.ok("SendMessage", json!({"QueueUrl": URL, "MessageBody": body}));
    }

    /// The bodies that come, and the receipt of the first.
    fn receive(&self, options: Value) -> (Vec<String>, Value) {
        let mut body = json!({"QueueUrl": URL, "MaxNumberOfMessages": 10});
        body.as_object_mut()
            .unwrap()
            .extend(options.as_object().unwrap().clone());
        let answer = self.ok("ReceiveMessage", body);
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        let bodies = messages
            .iter()
            .map(|message| message["Body"].as_str().unwrap().to_owned())
            .collect();
        let first = messages.first().cloned().unwrap_or_default();
        (bodies, first["ReceiptHandle"].clone())
    }

    fn wait(&self, seconds: u64) {
        let pause = std::time::Duration::from_secs(seconds);
        self.cloud.clock().sleep(pause, &|| false).unwrap();
    }

    fn count(&self, name: &str) -> Value {
        let ask = json!({"QueueUrl": URL, "AttributeNames": ["All"]});
        self.ok("GetQueueAttributes", ask)["Attributes"][name].clone()
    }
}

#[test]
fn a_message_is_held_until_it_is_received_and_deleted() {
    let bench = Bench::new(json!({"VisibilityTimeout": "40"}));
    bench.send("one");
    bench.send("two");
    assert_eq!(bench.receive(json!({"MaxNumberOfMessages": 1})).0, ["one"]);
    let (bodies, receipt) = bench.receive(json!({}));
    assert_eq!(bodies, ["two"]);
    assert_eq!(bench.receive(json!({})).0, [""; 0]);
    assert_eq!(bench.count("ApproximateNumberOfMessagesNotVisible"), "2");
    bench.ok(
        "DeleteMessage",
        json!({"QueueUrl": URL, "ReceiptHandle": receipt}),
    );
    bench.wait(41);
    let (bodies, old) = bench.receive(json!({}));
    assert_eq!(bodies, ["one"], "not deleted, hence back");
    bench.wait(41);
    let (_, new) = bench.receive(json!({}));
    // The handle of an earlier receive deletes nothing, and nothing is said.
    bench.ok(
        "DeleteMessage",
        json!({"QueueUrl": URL, "ReceiptHandle": old}),
    );
    assert_eq!(bench.count("ApproximateNumberOfMessagesNotVisible"), "1");
    bench.ok(
        "DeleteMessage",
        json!({"QueueUrl": URL, "ReceiptHandle": new}),
    );
    assert_eq!(bench.count("ApproximateNumberOfMessagesNotVisible"), "0");
    assert_eq!(
        bench.fails(
            "DeleteMessage",
            json!({"QueueUrl": URL, "ReceiptHandle": "x"})
        ),
        "ReceiptHandleIsInvalid: The input receipt handle \"x\" is not a valid receipt handle."
    );
}

#[test]
fn who_waits_gets_what_comes_meanwhile_in_virtual_time() {
    let bench = Bench::new(json!({"ReceiveMessageWaitTimeSeconds": "5"}));
    let begun = bench.cloud.clock().now();
    assert!(bench.receive(json!({})).0.is_empty());
    let seconds =
        |since: jiff::Timestamp| bench.cloud.clock().now().duration_since(since).as_secs();
    assert_eq!(seconds(begun), 5);

    let late = json!({"QueueUrl": URL, "MessageBody": "late", "DelaySeconds": 7});
    bench.ok("SendMessage", late);
    assert_eq!(bench.count("ApproximateNumberOfMessagesDelayed"), "1");
    let begun = bench.cloud.clock().now();
    assert_eq!(bench.receive(json!({"WaitTimeSeconds": 20})).0, ["late"]);
    assert_eq!(seconds(begun), 7, "no longer than until it comes");
}

#[test]
fn a_receiver_may_hide_a_message_longer_or_give_it_back() {
    let bench = Bench::new(json!({}));
    bench.send("one");
    let (_, receipt) = bench.receive(json!({}));
    let change = |seconds: i64| json!({"QueueUrl": URL, "ReceiptHandle": receipt, "VisibilityTimeout": seconds});
    bench.ok("ChangeMessageVisibility", change(100));
    bench.wait(60);
    assert!(bench.receive(json!({})).0.is_empty());
    bench.ok("ChangeMessageVisibility", change(0));
    assert_eq!(
        bench.fails("ChangeMessageVisibility", change(10)),
        "MessageNotInflight: The specified message isn't in flight."
    );
    assert_eq!(bench.receive(json!({})).0, ["one"]);
}

#[test]
fn what_is_received_too_often_goes_to_the_dead_letters() {
    let bench = Bench::new(json!({"VisibilityTimeout": "1"}));
    let made = bench.ok("CreateQueue", json!({"QueueName": "dead"}));
    let redrive = |target: &str| {
        let policy = json!({"deadLetterTargetArn": target, "maxReceiveCount": 2}).to_string();
        json!({"QueueUrl": URL, "Attributes": {"RedrivePolicy": policy}})
    };
    assert!(
        bench
            .fails(
                "SetQueueAttributes",
                redrive("arn:aws:sqs:us-east-1:123456789012:no")
            )
            .ends_with(
                "for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist."
            )
    );
    bench.ok(
        "SetQueueAttributes",
        redrive("arn:aws:sqs:us-east-1:123456789012:dead"),
    );
    let sources = bench.ok(
        "ListDeadLetterSourceQueues",
        json!({"QueueUrl": made["QueueUrl"]}),
    );
    assert_eq!(sources, json!({"queueUrls": [URL]}));
    bench.send("poison");
    for _ in 0..2 {
        assert_eq!(bench.receive(json!({})).0, ["poison"]);
        bench.wait(2);
    }
    assert!(bench.receive(json!({})).0.is_empty());
    let ask = json!({"QueueUrl": made["QueueUrl"], "MessageSystemAttributeNames": ["All"]});
    let dead = bench.ok("ReceiveMessage", ask);
    let attributes = &dead["Messages"][0]["Attributes"];
    assert_eq!(attributes["ApproximateReceiveCount"], "3");
    assert_eq!(attributes["DeadLetterQueueSourceArn"], ARN);
}

#[test]
fn digests_are_those_that_clients_compute() {
    let bench = Bench::new(json!({}));
    let attributes = json!({
        "kind": {"DataType": "String", "StringValue": "alert"},
        "raw": {"DataType": "Binary", "BinaryValue": "AAEC"},
    });
    let sent = bench.ok(
        "SendMessage",
        json!({"QueueUrl": URL, "MessageBody": "hello", "MessageAttributes": attributes}),
    );
    assert_eq!(sent["MD5OfMessageBody"], "5d41402abc4b2a76b9719d911017c592");
    // Computed with the algorithm of the developer guide in another language.
    assert_eq!(
        sent["MD5OfMessageAttributes"],
        "c50ff237f450116b0d4bae005e913f40"
    );
    let ask = json!({"QueueUrl": URL, "MessageAttributeNames": ["kind"]});
    let message = bench.ok("ReceiveMessage", ask)["Messages"][0].clone();
    assert_eq!(
        message["MessageAttributes"],
        json!({"kind": {"DataType": "String", "StringValue": "alert"}})
    );
}

#[test]
fn batches_succeed_and_fail_entry_by_entry() {
    let bench = Bench::new(json!({}));
    let answer = bench.ok(
        "SendMessageBatch",
        json!({"QueueUrl": URL, "Entries": [
            {"Id": "a", "MessageBody": "one"},
            {"Id": "b", "MessageBody": "two", "DelaySeconds": 901},
        ]}),
    );
    assert_eq!(answer["Successful"][0]["Id"], "a");
    assert_eq!(
        answer["Failed"],
        json!([{
            "Id": "b", "SenderFault": true, "Code": "InvalidParameterValue",
            "Message": "Value 901 for parameter DelaySeconds is invalid. \
                        Reason: DelaySeconds must be >= 0 and <= 900.",
        }])
    );
    let entry = json!({"Id": "a", "MessageBody": "x"});
    assert_eq!(
        bench.fails(
            "SendMessageBatch",
            json!({"QueueUrl": URL, "Entries": [entry, entry]})
        ),
        "BatchEntryIdsNotDistinct: Id a repeated."
    );
    let (_, receipt) = bench.receive(json!({}));
    let entries = json!([{"Id": "a", "ReceiptHandle": receipt}, {"Id": "b", "ReceiptHandle": "x"}]);
    let answer = bench.ok(
        "DeleteMessageBatch",
        json!({"QueueUrl": URL, "Entries": entries}),
    );
    assert_eq!(answer["Successful"], json!([{"Id": "a"}]));
    assert_eq!(answer["Failed"][0]["Code"], "ReceiptHandleIsInvalid");
    assert_eq!(bench.count("ApproximateNumberOfMessagesNotVisible"), "0");
}

#[test]
fn what_is_not_modelled_or_wrong_is_refused_by_name() {
    let bench = Bench::new(json!({}));
    let not = "NotModelled: not modelled by the embedded cloud: ";
    let table = [
        (
            "CreateQueue",
            json!({"QueueName": "a.fifo"}),
            format!("{not}FIFO queues"),
        ),
        (
            "CreateQueue",
            json!({"QueueName": "a", "Attributes": {"FifoQueue": "true"}}),
            format!("{not}queue attribute 'FifoQueue'"),
        ),
        (
            "SendMessage",
            json!({"QueueUrl": URL, "MessageBody": "x", "MessageGroupId": "g"}),
            format!("{not}parameter 'MessageGroupId' of sqs:SendMessage"),
        ),
        (
            "StartMessageMoveTask",
            json!({"SourceArn": ARN}),
            format!("{not}sqs:StartMessageMoveTask"),
        ),
        (
            "CreateQueue",
            json!({"QueueName": "work", "Attributes": {"VisibilityTimeout": "31"}}),
            "QueueNameExists: A queue already exists with the same name and a different value \
             for attribute VisibilityTimeout"
                .to_owned(),
        ),
        (
            "CreateQueue",
            json!({"QueueName": "a", "Attributes": {"DelaySeconds": "1000"}}),
            "InvalidAttributeValue: Invalid value for the parameter DelaySeconds.".to_owned(),
        ),
        (
            "GetQueueUrl",
            json!({"QueueName": "other"}),
            "QueueDoesNotExist: The specified queue does not exist.".to_owned(),
        ),
        (
            "SendMessage",
            json!({"QueueUrl": URL, "MessageBody": ""}),
            "MissingParameter: The request must contain the parameter MessageBody.".to_owned(),
        ),
        (
            "ReceiveMessage",
            json!({"QueueUrl": URL, "MaxNumberOfMessages": 11}),
            "InvalidParameterValue: Value 11 for parameter MaxNumberOfMessages is invalid. \
             Reason: Must be >= 1 and <= 10, if provided."
                .to_owned(),
        ),
    ];
    for (action, body, refusal) in table {
        assert_eq!(bench.fails(action, body), refusal);
    }
}

#[test]
fn a_queue_is_found_purged_and_gone_for_a_minute() {
    let bench = Bench::new(json!({}));
    bench.ok(
        "TagQueue",
        json!({"QueueUrl": URL, "Tags": {"team": "web", "a": "b"}}),
    );
    bench.ok("UntagQueue", json!({"QueueUrl": URL, "TagKeys": ["a"]}));
    let tags = bench.ok("ListQueueTags", json!({"QueueUrl": URL}));
    assert_eq!(tags, json!({"Tags": {"team": "web"}}));
    assert_eq!(
        bench.ok("ListQueues", json!({"QueueNamePrefix": "x"})),
        json!({})
    );
    assert_eq!(
        bench.ok("ListQueues", json!({})),
        json!({"QueueUrls": [URL]})
    );
    // Tools that have their own endpoint name it in the URL.
    let local = json!({"QueueUrl": "http://127.0.0.1:4566/123456789012/work", "MessageBody": "x"});
    bench.ok("SendMessage", local);
    bench.ok("PurgeQueue", json!({"QueueUrl": URL}));
    assert!(bench.receive(json!({})).0.is_empty());
    assert_eq!(
        bench.fails("PurgeQueue", json!({"QueueUrl": URL})),
        "PurgeQueueInProgress: Only one PurgeQueue operation on work is allowed every 60 seconds."
    );
    bench.ok("DeleteQueue", json!({"QueueUrl": URL}));
    assert!(
        bench
            .fails("CreateQueue", json!({"QueueName": "work"}))
            .starts_with("QueueDeletedRecently: ")
    );
    bench.wait(60);
    bench.ok("CreateQueue", json!({"QueueName": "work"}));
}

#[test]
fn messages_are_kept_as_long_as_the_queue_says() {
    let bench = Bench::new(json!({"MessageRetentionPeriod": "60"}));
    bench.send("old");
    bench.wait(59);
    assert_eq!(bench.count("ApproximateNumberOfMessages"), "1");
    bench.wait(1);
    assert_eq!(bench.count("ApproximateNumberOfMessages"), "0");
}

/// What a topic's message comes to, if the queue's policy is this.
fn published(policy: &Value, attributes: &[(&str, &str)]) -> (Bench, Outcome) {
    let bench = Bench::new(json!({"Policy": policy.to_string()}));
    let outcome = bench
        .cloud
        .change(|state| {
            let mut call = |action: &str, params: &[(&str, &str)]| {
                sns::handle(state, &ApiRequest::query("sns", action, params)).unwrap();
            };
            call("CreateTopic", &[("Name", "alerts")]);
            let mut subscribe = vec![("TopicArn", TOPIC), ("Protocol", "sqs"), ("Endpoint", ARN)];
            subscribe.extend_from_slice(attributes);
            call("Subscribe", &subscribe);
            let publish = [
                ("TopicArn", TOPIC),
                ("Subject", "web-1"),
                ("Message", "disk full"),
                ("MessageAttributes.entry.1.Name", "kind"),
                ("MessageAttributes.entry.1.Value.DataType", "String"),
                ("MessageAttributes.entry.1.Value.StringValue", "alert"),
            ];
            call("Publish", &publish);
            state.sns.outbox.pop().unwrap().outcome
        })
        .unwrap();
    (bench, outcome)
}

fn policy(source: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": ARN,
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }]})
}

#[test]
fn a_topic_brings_its_messages_in_an_envelope() {
    let (bench, outcome) = published(&policy(TOPIC), &[]);
    assert_eq!(outcome, Outcome::Delivered);
    let envelope: Value = serde_json::from_str(&bench.receive(json!({})).0[0]).unwrap();
    assert_eq!(envelope["Type"], "Notification");
    assert_eq!(envelope["Subject"], "web-1");
    assert_eq!(envelope["Message"], "disk full");
}

#[test]
fn raw_delivery_leaves_the_envelope_out_and_the_attributes_in() {
    let raw = [
        ("Attributes.entry.1.key", "RawMessageDelivery"),
        ("Attributes.entry.1.value", "true"),
    ];
    let (bench, outcome) = published(&policy(TOPIC), &raw);
    assert_eq!(outcome, Outcome::Delivered);
    let ask = json!({"QueueUrl": URL, "MessageAttributeNames": ["All"]});
    let message = bench.ok("ReceiveMessage", ask)["Messages"][0].clone();
    assert_eq!(message["Body"], "disk full");
    assert_eq!(message["MessageAttributes"]["kind"]["StringValue"], "alert");
}

#[test]
fn what_the_policy_does_not_let_in_is_not_delivered() {
    let failed = Outcome::Failed(format!(
        "the policy of {ARN} does not let sns.amazonaws.com send for {TOPIC}"
    ));
    let (bench, outcome) = published(&policy("arn:aws:sns:us-east-1:123456789012:other"), &[]);
    assert_eq!(outcome, failed);
    assert!(bench.receive(json!({})).0.is_empty());
    let mut denied = policy("*");
    let deny = json!({"Effect": "Deny", "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:*", "Resource": "*"});
    denied["Statement"].as_array_mut().unwrap().push(deny);
    assert_eq!(published(&denied, &[]).1, failed);
}

#[test]
fn policies_that_say_more_than_is_modelled_are_refused() {
    let bench = Bench::new(json!({}));
    let refusal = |change: fn(&mut Value)| {
        let mut policy = policy(TOPIC);
        change(&mut policy["Statement"][0]);
        let attributes = json!({"Policy": policy.to_string()});
        bench.fails(
            "SetQueueAttributes",
            json!({"QueueUrl": URL, "Attributes": attributes}),
        )
    };
    let not = "NotModelled: not modelled by the embedded cloud: ";
    assert_eq!(
        refusal(|one| one["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
        format!("{not}the condition key 'aws:principalorgid' of a queue's policy")
    );
    assert_eq!(
        refusal(|one| one["Condition"] = json!({"Bool": {"aws:SecureTransport": "false"}})),
        format!("{not}the condition operator 'Bool' of a queue's policy")
    );
    assert_eq!(
        refusal(|one| {
            one["Effect"] = json!("Deny");
            one["Principal"] = json!("*");
        }),
        format!("{not}a Deny for callers in a queue's policy (for services it is)")
    );
    assert_eq!(
        refusal(|one| one["Resource"] = json!(null)),
        "InvalidAttributeValue: Invalid value for the parameter Policy. \
         Reason: a Statement needs Principal, Action and Resource."
    );
}

#[test]
fn a_request_of_the_older_protocol_is_told_so() {
    let request = http::Request::post("https://sqs.us-east-1.amazonaws.com/")
        .body("Action=ListQueues&Version=2012-11-05".into())
        .unwrap();
    let request = crate::router::decode(request, "id".to_owned()).unwrap_err();
    assert_eq!(request.0.protocol, Protocol::Json);
    assert_eq!(
        request.1.message,
        "not modelled by the embedded cloud: sqs without X-Amz-Target (it is spoken to in JSON)"
    );
}
