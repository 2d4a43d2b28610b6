//! `opsh local say`: somebody says something to a bot on a simulated machine.

use std::path::Path;

use clap::Args;
use opsh_cloud::discord::Message;
use opsh_cloud::talk::Said;
use serde_json::Value as Json;

use super::hand::{Hand, no_cloud};
use super::outbox::said_line;
use crate::cli::console::Output;
use crate::cli::say;

/// Say something on the embedded Discord, and show what bots on simulated machines answer
///
/// A minute passes meanwhile, in which timers and schedules go on:
///
///   opsh local say status 'Tell me about my server!'
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The channel's name
    channel: String,
    /// The words
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// Who says it
    #[arg(long, default_value = "you", value_name = "NAME")]
    author: String,
    /// A role that the author has
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,
    /// A role that is mentioned
    #[arg(long, value_name = "ROLE")]
    mention: Vec<String>,
    /// The bot is mentioned
    #[arg(long)]
    to_bot: bool,
    /// It is said to the bot alone
    #[arg(long)]
    direct: bool,
    /// Form of the output; JSON has the whole messages
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Says it on the cloud in `folder`.
pub(super) fn talk(folder: &Path, arguments: &Arguments) -> Result<String, String> {
    let mut hand = Hand::on(folder)?.ok_or_else(no_cloud)?;
    let answers = hand.say(Said {
        channel: arguments.channel.trim_start_matches('#').to_owned(),
        author: arguments.author.clone(),
        roles: arguments.role.clone(),
        mentions: arguments.mention.clone(),
        to_bot: arguments.to_bot,
        direct: arguments.direct,
        content: arguments.words.join(" "),
        ..Said::default()
    })?;
    if answers.is_empty() && matches!(arguments.output, Output::Human) {
        say::err("nobody answers");
    }
    let shown: Vec<String> = answers
        .iter()
        .map(|answer| match arguments.output {
            Output::Json => said_line(answer).to_string(),
            Output::Human => shown(answer),
        })
        .collect();
    Ok(shown.join("\n"))
}

/// A message as it is read: the words, and what is laid out below them.
fn shown(message: &Message) -> String {
    let mut lines = vec![format!("#{}", message.channel)];
    lines.extend(message.content.lines().map(str::to_owned));
    for embed in &message.embeds {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let parts = [text(&embed["title"]), text(&embed["description"])];
        let parts = parts.iter().filter(|part| !part.is_empty());
        lines.extend(parts.flat_map(|part| part.lines().map(str::to_owned)));
        let fields = embed["fields"].as_array().into_iter().flatten();
        let fields: Vec<_> = fields
            .map(|field| (text(&field["name"]), text(&field["value"])))
            .collect();
        let width = fields.iter().map(|(name, _)| name.chars().count()).max();
        let width = width.unwrap_or_default();
        lines.extend(
            fields
                .iter()
                .map(|(name, value)| format!("{name:<width$}  {value}")),
        );
    }
    lines.join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_laid_out_for_reading() {
        let message = Message {
            at: jiff::Timestamp::UNIX_EPOCH,
            id: "1".to_owned(),
            channel: "status".to_owned(),
            content: "Here:".to_owned(),
            embeds: vec![serde_json::json!({
                "title": "web-1",
                "description": "It is busy.\nVery.",
                "fields": [
                    { "name": "Region", "value": "us-east-1" },
                    { "name": "CPU", "value": "12 %" },
                ],
            })],
            reply_to: None,
            calls: Vec::new(),
            nonce: None,
        };
        assert_eq!(
            shown(&message),
            "#status\n  Here:\n  web-1\n  It is busy.\n  Very.\n  Region  us-east-1\n  CPU     12 %"
        );
    }
}
