//! Service managers: `systemctl`, `service`, `journalctl`, `logger`.

mod journal;
mod show;
mod systemctl;

use super::call::{Call, Reply, fail};

pub use journal::{journalctl, logger};
pub use systemctl::systemctl;

/// `service NAME ACTION`.
pub fn service(call: &Call<'_>) -> Reply {
    let words: Vec<String> = call.args.to_vec();
    let [name, action] = words.as_slice() else {
        return fail(
            1,
            "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]\n",
        );
    };
    let args = [action.clone(), name.clone()];
    let inner = Call {
        name: "systemctl",
        args: &args,
        stdin: call.stdin,
        env: call.env,
        cwd: call.cwd,
        session: call.session,
    };
    let mut outcome = systemctl(&inner)?;
    let redirected = format!("Redirecting to /bin/systemctl {action} {name}.service\n");
    outcome.stderr = [redirected.into_bytes(), outcome.stderr].concat();
    Ok(outcome)
}
