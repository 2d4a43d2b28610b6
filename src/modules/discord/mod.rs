//! `discord`: a bot that listens and answers.
//!
//! The token is in the environment variable `DISCORD_TOKEN` or in a file `.env`, never in a
//! playbook. Nothing that the bot says calls anybody: mentions are shown as plain words. In
//! the embedded cloud and in a dry run what it says goes to an outbox
//! (`opsh local outbox`).

use opsh_operation::{Effect, Field, Inverse, Settle, Shape, Structure, Write};

use super::declare::{entry, optional, plain_write, required};
use super::{Entry, Handler};

mod connect;
mod neutral;
mod send;

static FIELD: Structure = Structure {
    name: "field",
    fields: &[
        required("name", Shape::Text, "What it is, at most 256 characters."),
        required(
            "value",
            Shape::Any,
            "Its value, at most 1024 characters; what is empty is shown as a dash.",
        ),
        optional(
            "inline",
            Shape::Bool,
            "Whether others may stand beside it; true by default.",
        ),
    ],
};

static EMBED: Structure = Structure {
    name: "embed",
    fields: &[
        optional("title", Shape::Text, "At most 256 characters."),
        optional("description", Shape::Text, "At most 4096 characters."),
        optional("url", Shape::Text, "Where the title leads."),
        optional(
            "color",
            Shape::Text,
            "The stripe at its side, e.g. \"#2ecc71\".",
        ),
        optional(
            "fields",
            Shape::List(&Shape::Struct(&FIELD)),
            "Names and values laid out side by side, at most 25.",
        ),
        optional(
            "footer",
            Shape::Text,
            "A line below, at most 2048 characters.",
        ),
        optional("timestamp", Shape::Time, "A time beside the footer."),
    ],
};

const WORDS: &Shape = &Shape::Text;

/// Whom and what a bot answers.
pub static LISTENS: Structure = Structure {
    name: "listens",
    fields: &[
        optional(
            "channels",
            Shape::List(WORDS),
            "Only in these channels and their threads, by id or name; this or 'roles' must be given.",
        ),
        optional(
            "roles",
            Shape::List(WORDS),
            "Only those who have one of these roles, by id or name.",
        ),
        optional(
            "mentions",
            Shape::List(WORDS),
            "Only what mentions one of these roles.",
        ),
        optional(
            "addressed",
            Shape::Bool,
            "Only what mentions the bot, or is said to it alone.",
        ),
        optional(
            "direct",
            Shape::Bool,
            "Conversations between two, too; 'channels' do not matter for them.",
        ),
        optional(
            "timeout",
            Shape::Duration,
            "How long the function may take; 1 m by default.",
        ),
        optional(
            "exclusive",
            Shape::Text,
            "Of all events with this name, one is handled at a time.",
        ),
    ],
};

static BOT: Structure = Structure {
    name: "bot",
    fields: &[
        required("id", Shape::Text, "The bot's id."),
        required("name", Shape::Text, "What it is called."),
        required(
            "servers",
            Shape::List(WORDS),
            "The names of the servers that it was invited to.",
        ),
    ],
};

static SENT: Structure = Structure {
    name: "sent",
    fields: &[
        required("id", Shape::Text, "The message's id."),
        required("channel_id", Shape::Text, "Where it is."),
    ],
};

const CONTENT: Field = optional(
    "content",
    Shape::Text,
    "The words, at most 2000 characters; Discord's Markdown is shown, mentions call nobody.",
);
const ONE_EMBED: &Shape = &Shape::Struct(&EMBED);
const EMBEDS: Field = optional(
    "embeds",
    Shape::List(ONE_EMBED),
    "What is laid out below the words, at most 10.",
);
const NONCE_FIELD: Field = optional(
    "nonce",
    Shape::Text,
    "Of messages with the same one Discord shows only the first; derived by default.",
);

const SPEAK: Write = plain_write(
    Inverse::Impossible("people may have read it"),
    Settle::Token("nonce"),
);

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "discord" "connect" "discord:Connect" Effect::Read, Handler::Native(connect::connect),
        () [] -> Shape::Struct(&BOT),
        "Shows Discord the token, and says who the bot is and on which servers; what it is to hear comes from run_forever on, over a connection that is made again as often as it breaks.",
        r#"let bot = discord::connect();
    if bot.servers.is_empty() { throw "nobody has invited the bot yet"; }"#,
    },
    entry! {
        "discord" "on_message" "discord:OnMessage" Effect::Pure, Handler::SCRIPT,
        ("listens", "function") [
            required("listens", Shape::Struct(&LISTENS), "Whom and what the bot answers."),
            required("function", Shape::Function, "What is called with each message: #{ id, channel, channel_id, author, roles, mentions, content, text, direct, at }; text is the content without mentions."),
        ] -> Shape::Nothing,
        "Lets a function of the playbook answer what is said in channels of Discord, from run_forever on; never what the bot itself or another one says.",
        r#"discord::on_message(#{ channels: ["status"] }, |message| discord::reply(message, "hello"));
    run_forever();"#,
    },
    entry! {
        "discord" "send" "discord:Send" Effect::Write(SPEAK), Handler::Native(send::send),
        ("channel", "content") [
            required("channel", Shape::Text, "The channel's id, or its name."),
            CONTENT,
            EMBEDS,
            NONCE_FIELD,
        ] -> Shape::Struct(&SENT),
        "Says something in a channel.",
        r##"discord::send("status", "The deployment is done.");
    discord::send("status", #{ embeds: [#{ title: "web-1", color: "#2ecc71", fields: [#{ name: "CPU", value: "12 %" }] }] });"##,
    },
    entry! {
        "discord" "reply" "discord:Reply" Effect::Write(SPEAK), Handler::Native(send::reply),
        ("message", "content") [
            required("message", Shape::MapOf(&Shape::Any), "The message that is answered, as on_message gives it: its id and channel_id."),
            CONTENT,
            EMBEDS,
            NONCE_FIELD,
        ] -> Shape::Struct(&SENT),
        "Answers a message.",
        r#"let question = discord::send("status", "Is it up?");
    discord::reply(question, "It is.");"#,
    },
];
