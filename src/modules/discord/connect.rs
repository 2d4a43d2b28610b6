//! Who the bot is, as Discord says when it is shown the token.

use opsh_operation::{Fault, Map, Value};
use serde_json::Value as Json;

use crate::modules::Context;

pub(super) fn connect(context: &Context<'_>, _: &Map) -> Result<Value, Fault> {
    let discord = context.world.discord();
    (context.conceal)(&discord.token()?);
    let ask = |path: &str| discord.ask("GET", path, None, context.cancel);
    let bot = ask("/users/@me")?;
    let servers = ask("/users/@me/guilds")?;
    let text = |value: &Json| Value::from(value.as_str().unwrap_or_default());
    let names = servers.as_array().into_iter().flatten();
    Ok(Value::Map(Map::from([
        ("id".to_owned(), text(&bot["id"])),
        ("name".to_owned(), text(&bot["username"])),
        (
            "servers".to_owned(),
            Value::List(names.map(|server| text(&server["name"])).collect()),
        ),
    ])))
}
