//! A terminal with somebody at it: keys in, screen out.

use std::ffi::OsStr;
use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::opsh::User;

const ROWS: u16 = 50;
const COLUMNS: u16 = 120;

/// How long a busy machine may take for anything that is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// The program under test at a terminal of its own; killed if it is dropped alive.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    shown: Arc<Mutex<Shown>>,
    reader: Option<JoinHandle<()>>,
    /// The other side sees the end of its input when this goes.
    _master: Box<dyn MasterPty + Send>,
}

/// What the program has written.
struct Shown {
    screen: vt100::Parser,
    /// Everything, also what has been wiped since.
    ever: String,
}

/// How a program at a terminal ended.
pub struct Left {
    /// Its exit code.
    pub code: u32,
    /// What is on the screen now.
    pub screen: String,
    /// Everything that was written to the terminal, control sequences too.
    pub ever: String,
}

impl User {
    /// Starts `opsh` with `arguments` at a terminal, from the user's home.
    pub fn at_terminal<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_opsh"));
        command.args(arguments);
        command.cwd(self.home());
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        Terminal::start(command)
    }
}

impl Terminal {
    fn start(command: CommandBuilder) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize {
                rows: ROWS,
                cols: COLUMNS,
                ..PtySize::default()
            })
            .unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let shown = Arc::new(Mutex::new(Shown {
            screen: vt100::Parser::new(
                NonZeroU16::new(ROWS).unwrap(),
                NonZeroU16::new(COLUMNS).unwrap(),
                0,
            ),
            ever: String::new(),
        }));
        let mut output = pair.master.try_clone_reader().unwrap();
        let sink = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            // The end of the last program at a terminal reads as an error.
            while let Ok(count @ 1..) = output.read(&mut chunk) {
                let mut shown = sink.lock().unwrap();
                shown.screen.process(&chunk[..count]);
                shown
                    .ever
                    .push_str(&String::from_utf8_lossy(&chunk[..count]));
            }
        });
        Self {
            child,
            keys: pair.master.take_writer().unwrap(),
            shown,
            reader: Some(reader),
            _master: pair.master,
        }
    }

    /// Types `keys` as they are.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Types `text` and Enter.
    pub fn enter(&mut self, text: &str) {
        self.press(&format!("{text}\r"));
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&mut self) {
        self.press("\x03");
    }

    /// What is on the screen, without spaces at the ends of lines and empty lines at its end.
    pub fn screen(&self) -> String {
        let shown = self.shown.lock().unwrap();
        let text = shown.screen.screen().contents();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// Waits until `text` is on the screen.
    #[track_caller]
    pub fn sees(&self, text: &str) {
        self.waits(&format!("{text:?}"), |screen| screen.contains(text));
    }

    /// Waits until the screen is so that there is `what`.
    #[track_caller]
    pub fn waits(&self, what: &str, is_there: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if is_there(&screen) {
                return;
            }
            assert!(Instant::now() < end, "{what} is not on:\n{screen}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until the program has ended.
    #[track_caller]
    pub fn left(mut self) -> Left {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(Instant::now() < end, "it does not end:\n{}", self.screen()),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.reader.take().unwrap().join().unwrap();
        Left {
            code: status.exit_code(),
            screen: self.screen(),
            ever: self.shown.lock().unwrap().ever.clone(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
