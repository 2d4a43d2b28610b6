//! The service's URL is subscribed to its topic, and the subscription confirmed.
//!
//! Both are calls of operations like a playbook's own, in events of their own: policy,
//! plan and ledger see them. The URL that a confirmation offers is not even known here.

use opsh_operation::Value;
use rhai::{Dynamic, EvalAltResult, FnPtr, NativeCallContext, Scope};

use crate::service::{Event, Handler, Service};

/// Subscribes `url` to `topic`, unless it is; `sha1` says whether signatures with SHA-1 will do.
const SUBSCRIBE: Script = Script {
    takes: &["topic", "url", "sha1"],
    text: r#"
let version = sns::get_topic_attributes(#{ topic_arn: topic }).attributes.SignatureVersion;
if version == () && !sha1 {
    log::warn(`the topic ${topic} does not say how it signs: messages of SignatureVersion 1, AWS's default, are refused`);
}
if version == "1" && !sha1 {
    throw #{
        kind: "invalid",
        message: `the topic ${topic} signs its messages with SHA-1 (SignatureVersion 1), which is not accepted`,
        hint: "set its attribute SignatureVersion to 2, or say sha1: true",
    };
}
for known in sns::list_subscriptions_by_topic(#{ topic_arn: topic }).subscriptions {
    if known.endpoint == url && known.subscription_arn.starts_with("arn:") { return false; }
}
let protocol = url.split(":")[0];
sns::subscribe(#{ topic_arn: topic, protocol: protocol, endpoint: url });
true
"#,
};

/// Confirms a subscription to `topic` with the `token` that came.
const CONFIRM: Script = Script {
    takes: &["topic", "token"],
    text: "sns::confirm_subscription(#{ topic_arn: topic, token: token }).subscription_arn",
};

/// What `on_alarm` runs beside the playbook's own code.
pub const CODE: [&str; 2] = [SUBSCRIBE.text, CONFIRM.text];

/// A function in Rhai that is no playbook's.
struct Script {
    takes: &'static [&'static str],
    text: &'static str,
}

impl Script {
    /// The function, for whichever engine it is called on.
    fn function(&'static self, name: &str) -> Result<FnPtr, Box<EvalAltResult>> {
        #[allow(deprecated)] // volatile API of Rhai, pinned
        FnPtr::from_fn(
            name,
            move |context: NativeCallContext, arguments: &mut [&mut Dynamic]| {
                let mut scope = Scope::new();
                for (name, value) in self.takes.iter().zip(arguments) {
                    scope.push_dynamic(*name, (*value).clone());
                }
                let engine = context.engine();
                let mut code = engine.compile_with_scope(&scope, self.text)?;
                code.set_source("on_alarm");
                engine.eval_ast_with_scope::<Dynamic>(&mut scope, &code)
            },
        )
    }
}

/// Who subscribes and confirms.
pub struct Clerk {
    subscribe: Handler,
    confirm: Handler,
}

impl Clerk {
    /// For the source `name`, as it is registered by the call at `context`.
    ///
    /// # Errors
    /// None: a test has it.
    pub fn new(
        service: &Service,
        context: &NativeCallContext,
        name: &str,
    ) -> Result<Self, Box<EvalAltResult>> {
        let own = |script: &'static Script, what: &str| {
            let handler = Handler::new(context, &script.function(what)?);
            Ok::<_, Box<EvalAltResult>>(service.handler(&format!("{name} {what}"), &handler))
        };
        Ok(Self {
            subscribe: own(&SUBSCRIBE, "subscribe")?,
            confirm: own(&CONFIRM, "confirm")?,
        })
    }

    /// Subscribes `url`, unless it is.
    pub(super) fn subscribes(&self, topic: &str, url: &str, sha1: bool) -> Event {
        let input = vec![topic.into(), url.into(), Value::Bool(sha1)];
        Event::new(&self.subscribe, format!("subscribe {url}"), input)
    }

    /// Confirms with the token that came.
    pub(super) fn confirms(&self, topic: &str, token: &str) -> Event {
        let input = vec![topic.into(), token.into()];
        Event::new(&self.confirm, format!("confirm {topic}"), input)
    }
}
