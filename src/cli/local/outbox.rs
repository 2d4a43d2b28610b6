//! `opsh local outbox`: what SNS delivered, and what was said on Discord.

use std::path::Path;

use clap::Args;
use jiff::Timestamp;
use opsh_cloud::Cloud;
use opsh_cloud::discord::Message;
use opsh_cloud::services::sns::publish::{Delivery, Outcome};
use serde_json::{Value as Json, json};

use crate::cli::console::Output;
use crate::cli::records::table;

/// How much of a message a table shows.
const WIDTH: usize = 60;

/// Show the e-mails, text messages and other deliveries of SNS, and the messages on Discord,
/// oldest first
#[derive(Args)]
pub struct Arguments {
    /// Only those of this topic: its name or its ARN
    #[arg(long)]
    topic: Option<String>,
    /// Form of the output; JSON has the whole messages
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// What has been delivered by the cloud in `folder`.
pub(super) fn show(folder: &Path, arguments: &Arguments) -> Result<String, String> {
    let cloud = Cloud::copy_of_existing(folder).map_err(|error| error.to_string())?;
    let (deliveries, messages) = cloud.map_or_else(Default::default, |cloud| {
        cloud.look(|state| (state.sns.outbox.clone(), state.discord.outbox.clone()))
    });
    let wanted = |delivery: &&Delivery| match &arguments.topic {
        None => true,
        Some(topic) => delivery.topic == *topic || topic_name(delivery) == topic,
    };
    let mut found: Vec<(Timestamp, Json, Vec<String>)> = deliveries
        .iter()
        .filter(wanted)
        .map(|one| (one.at, line(one), row(one)))
        .collect();
    if arguments.topic.is_none() {
        let said = messages.iter();
        found.extend(said.map(|one| (one.at, said_line(one), said_row(one))));
        found.sort_by_key(|(at, _, _)| *at);
    }
    Ok(match arguments.output {
        Output::Json => {
            let lines: Vec<String> = found.iter().map(|(_, line, _)| line.to_string()).collect();
            lines.join("\n")
        }
        Output::Human if found.is_empty() => "nothing has been delivered".to_owned(),
        Output::Human => {
            let rows: Vec<Vec<String>> = found.into_iter().map(|(_, _, row)| row).collect();
            table(
                &["time", "protocol", "to", "subject", "message", "result"],
                &rows,
            )
        }
    })
}

/// A message of a bot as JSON.
pub(super) fn said_line(message: &Message) -> Json {
    json!({
        "time": message.at.to_string(),
        "protocol": "discord",
        "to": format!("#{}", message.channel),
        "body": message.content,
        "embeds": message.embeds,
        "answers": message.reply_to,
        "message_id": message.id,
        "result": "delivered",
    })
}

fn said_row(message: &Message) -> Vec<String> {
    let title = |embed: &Json| embed["title"].as_str().map(str::to_owned);
    let titles: Vec<String> = message.embeds.iter().filter_map(title).collect();
    vec![
        message.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        "discord".to_owned(),
        shortened(&format!("#{}", message.channel)),
        shortened(&titles.join(", ")),
        shortened(&message.content),
        "delivered".to_owned(),
    ]
}

fn topic_name(delivery: &Delivery) -> &str {
    delivery.topic.rsplit(':').next().unwrap_or_default()
}

/// How it was sent; straight to a telephone there is no subscription that says so.
fn protocol(delivery: &Delivery) -> &'static str {
    delivery.protocol.map_or("sms", |protocol| protocol.name())
}

fn outcome(delivery: &Delivery) -> String {
    match &delivery.outcome {
        Outcome::Delivered => "delivered".to_owned(),
        Outcome::Answered(status) => format!("HTTP {status}"),
        Outcome::Failed(why) => why.clone(),
        Outcome::Outside => "not sent: outside of the embedded cloud".to_owned(),
        Outcome::UnderWay => "sent: no answer yet".to_owned(),
    }
}

fn line(delivery: &Delivery) -> Json {
    json!({
        "time": delivery.at.to_string(),
        "protocol": protocol(delivery),
        "to": delivery.endpoint,
        "subject": delivery.subject,
        "body": delivery.body,
        "kind": delivery.kind,
        "topic": delivery.topic,
        "message_id": delivery.id,
        "result": outcome(delivery),
    })
}

fn row(delivery: &Delivery) -> Vec<String> {
    vec![
        delivery.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        protocol(delivery).to_owned(),
        shortened(&delivery.endpoint),
        delivery.subject.clone().unwrap_or_default(),
        shortened(&delivery.body),
        outcome(delivery),
    ]
}

/// The beginning of a text, on one line.
fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= WIDTH {
        return line;
    }
    let begin: String = line.chars().take(WIDTH - 1).collect();
    format!("{begin}…")
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_message_is_one_line_of_a_table() {
        assert_eq!(shortened("a\n  b\tc\n"), "a b c");
        assert_eq!(shortened(&"é".repeat(70)).chars().count(), 60);
    }
}
