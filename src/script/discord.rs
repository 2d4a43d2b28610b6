//! `discord::on_message`: it needs the playbook's functions, so the engine binds it itself.

use std::any::TypeId;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opsh_operation::{Fault, FaultKind, Map, Value};
use rhai::{Dynamic, FnPtr, FuncRegistration, Module, NativeCallContext, RhaiFunc};

use super::engine::Runtime;
use super::service::{Given, duration, options, refused, registered};
use crate::modules::discord::LISTENS;
use crate::service::discord::{Bot, Connection, Listener, PATIENCE};
use crate::service::{Bounds, Handler};

const NAME: &str = "discord::on_message";

/// The bot of an engine's playbook, once something listens.
type Only = Arc<Mutex<Option<Arc<Bot>>>>;

/// Adds `on_message` to the module `discord`.
pub fn extend(name: &str, module: &mut Module, runtime: &Arc<Runtime>) {
    if name != "discord" {
        return;
    }
    let (runtime, only) = (Arc::clone(runtime), Only::default());
    let function = move |context: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| {
        let Some(context) = context else {
            return Ok(Dynamic::UNIT);
        };
        on_message(&runtime, &only, &context, arguments)
    };
    FuncRegistration::new("on_message")
        .in_internal_namespace()
        .set_into_module_raw(
            module,
            vec![TypeId::of::<Dynamic>(); 2],
            RhaiFunc::Pure {
                func: Arc::new(function),
                has_context: true,
                is_pure: false,
                is_volatile: true,
            },
        );
}

fn on_message(
    runtime: &Arc<Runtime>,
    only: &Only,
    context: &NativeCallContext,
    arguments: &[&mut Dynamic],
) -> Given {
    let listener =
        listener(runtime, context, arguments).map_err(|fault| refused(runtime, context, &fault))?;
    let mut only = only.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(bot) = &*only {
        bot.add(listener);
        return Ok(Dynamic::UNIT);
    }
    let bot = Arc::new(Bot::default());
    bot.add(listener);
    let given = registered(runtime, context, Arc::new(Connection(Arc::clone(&bot))))?;
    *only = Some(bot);
    Ok(given)
}

fn invalid(why: &str) -> Fault {
    Fault::new(FaultKind::Invalid, format!("{NAME}: {why}"))
}

fn listener(
    runtime: &Runtime,
    context: &NativeCallContext,
    arguments: &[&mut Dynamic],
) -> Result<Listener, Fault> {
    const FORM: &str = "write discord::on_message(#{ channels: [\"status\"] }, |message| …)";
    runtime.service.possible(NAME)?;
    let given = arguments[0].flatten_clone().try_cast::<rhai::Map>();
    let function = arguments[1].flatten_clone().try_cast::<FnPtr>();
    let (Some(given), Some(function)) = (given, function) else {
        return Err(invalid(FORM));
    };
    let map = options(NAME, given, LISTENS.fields)?;
    let flag = |name: &str| match map.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(invalid(&format!(
            "'{name}' must be true or false, not {}",
            other.type_name()
        ))),
    };
    let exclusive = map.get("exclusive").and_then(Value::as_text);
    let timeout = duration(NAME, &map, "timeout", Duration::from_millis(1))?;
    let bounds = Bounds {
        limit: Some(timeout.unwrap_or(PATIENCE)),
        exclusive: exclusive.map(str::to_owned),
    };
    let handler = Handler::new(context, &function).within(bounds);
    let listener = Listener {
        channels: words(&map, "channels")?,
        roles: words(&map, "roles")?,
        mentions: words(&map, "mentions")?,
        addressed: flag("addressed")?,
        direct: flag("direct")?,
        handler: runtime.service.handler("discord", &handler),
    };
    if listener.channels.is_empty() && listener.roles.is_empty() {
        return Err(invalid(
            "give 'channels' or 'roles', or anybody is answered anywhere",
        ));
    }
    Ok(listener)
}

/// The list of texts `name`; one text alone is a list, too.
fn words(map: &Map, name: &str) -> Result<Vec<String>, Fault> {
    let wrong = || invalid(&format!("'{name}' must be a list of ids or names"));
    let word = |value: &Value| match value.as_text().map(str::trim) {
        Some(word) if !word.trim_start_matches(['#', '@']).is_empty() => Ok(word.to_owned()),
        _ => Err(wrong()),
    };
    match map.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::List(items)) => items.iter().map(word).collect(),
        Some(one) => Ok(vec![word(one)?]),
    }
}
