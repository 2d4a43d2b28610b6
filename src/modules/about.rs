//! What each module of the registry is for, in one sentence.

/// Modules and their sentences.
pub static MODULES: &[(&str, &str)] = &[
    (
        "autoscaling",
        "Groups of EC2 instances that scale themselves (AWS Auto Scaling).",
    ),
    (
        "cloudwatch",
        "Metrics and alarms of AWS (Amazon CloudWatch).",
    ),
    (
        "discord",
        "A bot on Discord that listens and answers; rate limits are kept, mentions neutralised, each message is sent once.",
    ),
    (
        "ec2",
        "Machines, their disks, images and networks on AWS (Amazon EC2).",
    ),
    (
        "elbv2",
        "Application and network load balancers (Elastic Load Balancing, version 2).",
    ),
    ("file", "Files below the working directory."),
    ("host", "Figures of the machine that opsh runs on."),
    (
        "http",
        "Requests over HTTP: one, a download, or many that are measured.",
    ),
    ("iam", "Roles, policies and instance profiles of AWS (IAM)."),
    (
        "imds",
        "What an EC2 instance that opsh runs on can ask its metadata service.",
    ),
    (
        "lambda",
        "Functions of AWS Lambda, and playbooks deployed as such.",
    ),
    (
        "log",
        "Messages about what happens, on standard error and in the log file.",
    ),
    (
        "logs",
        "What access logs of a balancer say: who asks how much, who tries doors, who fails.",
    ),
    (
        "metrics",
        "Series of numbers: statistics, tables, sparklines, charts and plots.",
    ),
    (
        "parallel",
        "A function over a list, several items at a time.",
    ),
    ("random", "Randomness that a resumed run sees again."),
    ("s3", "Buckets and objects (Amazon S3)."),
    (
        "scheduler",
        "Schedules of AWS (Amazon EventBridge Scheduler).",
    ),
    (
        "service",
        "Playbooks that stay and react to requests, timers and alarms; called without the module's name.",
    ),
    ("sns", "Topics and who is told (Amazon SNS)."),
    ("sqs", "Queues and messages (Amazon SQS)."),
    (
        "ssh",
        "Commands and files on other machines over SSH, with verified host keys.",
    ),
    ("ssm", "The parameter store of AWS (Systems Manager)."),
    (
        "stack",
        "What the ledger knows of the run's stack, and its removal.",
    ),
    (
        "state",
        "What a service keeps from event to event, and over a restart.",
    ),
    ("sts", "Who the caller is, and other roles (AWS STS)."),
    (
        "term",
        "The person at the terminal: questions, tables, progress.",
    ),
    ("text", "Texts: templates, encodings, digests, JSON."),
    ("time", "The clock, durations and dates."),
];

/// The sentence about `module`.
#[must_use]
pub fn of(module: &str) -> Option<&'static str> {
    MODULES
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, sentence)| *sentence)
}
