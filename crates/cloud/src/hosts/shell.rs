//! Runs a command line on a machine, as bash would.

mod limits;
mod session;

pub use session::{Outcome, Session, Talk};

use std::sync::{Arc, Mutex, PoisonError};

use bashkit::{Bash, BuiltinRegistry, ExecOptions, ExecutionExtensions};
use jiff::Timestamp;

use super::boot::Boot;
use super::host::Answered;
use super::procfs;
use super::timeline::Timeline;
use super::tools;
use super::users::User;
use super::vfs::{Shared, View, lock};
use super::web::Forward;

/// What is to be run.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// The text.
    pub text: String,
    /// `$0`; bash's own name if there is none.
    pub name: Option<String>,
    /// `$1`, `$2`, ….
    pub arguments: Vec<String>,
    /// What it reads.
    pub stdin: Vec<u8>,
    /// Variables beyond those of a login.
    pub env: Vec<(String, String)>,
    /// Where; the user's home if not given.
    pub cwd: Option<String>,
    /// A file that output and complaints go to as they come, in addition.
    pub log: Option<String>,
    /// What programs of the machine answered, in the order in which they are asked.
    pub known: Vec<Answered>,
}

impl Script {
    /// A command line.
    pub fn line(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// The stack of the thread a command runs on: deep scripts recurse.
const STACK: usize = 16 << 20;

/// Runs `script` as `user`; gives the machine back with what the script did to it.
pub fn run(
    timeline: Timeline,
    facts: &Arc<Boot>,
    user: User,
    script: Script,
) -> (Timeline, Outcome) {
    let (timeline, outcome, _) = run_talking(timeline, facts, user, script);
    (timeline, outcome)
}

/// The same; gives also what a program of the machine has to answer before the script can
/// be run to its end.
pub fn run_talking(
    timeline: Timeline,
    facts: &Arc<Boot>,
    user: User,
    script: Script,
) -> (Timeline, Outcome, Option<Box<Forward>>) {
    let shared: Shared = Arc::new(Mutex::new(timeline));
    let registry = BuiltinRegistry::new();
    tools::register(&registry, &lock(&shared).present);
    let session = Session {
        machine: Arc::clone(&shared),
        facts: Arc::clone(facts),
        user: Arc::new(user),
        tools: registry,
        deadline: None,
        depth: 0,
        talk: Arc::new(Mutex::new(Talk {
            known: script.known.iter().cloned().collect(),
            asks: None,
        })),
    };
    let talk = Arc::clone(&session.talk);
    let outcome = on_a_thread(session, script);
    let mut talk = talk.lock().unwrap_or_else(PoisonError::into_inner);
    let asks = talk.asks.take();
    drop(talk);
    let timeline = match Arc::try_unwrap(shared) {
        Ok(timeline) => timeline
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner),
        Err(shared) => lock(&shared).clone(),
    };
    (timeline, outcome, asks)
}

/// The shell is asynchronous inside and its callers may be too: it gets a thread of its own.
fn on_a_thread(session: Session, script: Script) -> Outcome {
    let work = move || -> Outcome {
        let runtime = match tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
        {
            Ok(runtime) => runtime,
            Err(error) => return Outcome::failed(&format!("no runtime for the shell: {error}")),
        };
        runtime.block_on(session.execute(script))
    };
    match std::thread::Builder::new().stack_size(STACK).spawn(work) {
        Ok(thread) => thread
            .join()
            .unwrap_or_else(|_| Outcome::failed("the shell failed unexpectedly")),
        Err(error) => Outcome::failed(&format!("no thread for the shell: {error}")),
    }
}

impl Session {
    /// Runs `script` as this session's user, on this session's machine.
    pub async fn execute(self, script: Script) -> Outcome {
        let started = lock(&self.machine).present.clock;
        let mut bash = self.bash(&script, started);
        let mut options = ExecOptions::new().stdin(script.stdin);
        let mut extensions = ExecutionExtensions::new();
        let _ = extensions.insert(self.clone());
        options = options.extensions(extensions);
        if let Some(name) = script.name {
            options = options.arg0(name);
        }
        if !script.arguments.is_empty() {
            options = options.positional(script.arguments);
        }
        if let Some(log) = script.log {
            let machine = Arc::clone(&self.machine);
            options = options.streaming(Box::new(move |output, complaints| {
                let mut timeline = lock(&machine);
                let at = timeline.present.clock;
                // A command's trace (`set -x`) comes with what it wrote, and was first.
                let text = if complaints.starts_with('+') {
                    format!("{complaints}{output}")
                } else {
                    format!("{output}{complaints}")
                };
                // A full disk loses the log, as it does on a real machine.
                let _ = timeline
                    .present
                    .disk
                    .append(&User::root(), &log, text.as_bytes(), at);
            }));
        }
        // `$RANDOM` would otherwise come from the real system. On the same line, so that line
        // numbers stay.
        let seed = self.random_seed();
        let text = format!("{seed}{}", script.text);
        match bash.exec_with_options(&text, options).await {
            Ok(result) => Outcome {
                exit_code: result.exit_code,
                stdout: result.stdout.into_bytes(),
                stderr: result.stderr.into_bytes(),
            },
            Err(error) => limits::explain(&error, &script.text),
        }
    }

    fn random_seed(&self) -> String {
        let bytes = procfs::random(&mut lock(&self.machine).present, &self.facts, 2);
        let seed = bytes
            .iter()
            .fold(0_u32, |sum, byte| sum * 256 + u32::from(*byte));
        format!("RANDOM={};", seed % 32_768)
    }

    fn bash(&self, script: &Script, now: Timestamp) -> Bash {
        let user = &self.user;
        let view = View {
            machine: Arc::clone(&self.machine),
            user: Arc::clone(user),
            facts: Arc::clone(&self.facts),
        };
        let mut builder = Bash::builder()
            .fs(Arc::new(view))
            .rootfs(false)
            .username(&user.name)
            .hostname(self.facts.addresses.host_name())
            .fixed_epoch(now.as_second())
            .builtin_filter(tools::is_real)
            .builtin_registry(self.tools.clone())
            .cwd(script.cwd.as_ref().unwrap_or(&user.home))
            .limits(limits::execution())
            .session_limits(limits::session())
            .memory_limits(limits::memory());
        for (name, value) in [
            ("HOME", user.home.as_str()),
            ("USER", &user.name),
            ("LOGNAME", &user.name),
            ("SHELL", &user.shell),
            ("PATH", PATH),
            ("LANG", "C.UTF-8"),
            ("UID", &user.uid.to_string()),
            ("EUID", &user.uid.to_string()),
        ] {
            builder = builder.env(name, value);
        }
        for (name, value) in &script.env {
            builder = builder.env(name, value);
        }
        builder.build()
    }
}

/// Where a login looks for programs.
pub const PATH: &str = "/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin:/bin:/sbin";
