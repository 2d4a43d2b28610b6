//! What a session does: commands, streams, files.

use std::fs;
use std::time::{Duration, Instant};

use opsh::world::Cancel;
use opsh::world::ssh::Output;
use opsh_operation::{Fault, FaultKind};

use super::{Lab, command, connect, run};

#[test]
fn commands_give_their_streams_and_exit_codes() {
    let Some(lab) = Lab::new() else { return };
    let world = lab.world(&[]);
    let mut session = connect(&world, &lab.target());
    let mut with_input = command("cat; echo oops >&2; exit 3");
    with_input.stdin = b"hello".to_vec().into();
    let output = run(session.as_mut(), &with_input).unwrap();
    assert_eq!(
        output,
        Output {
            exit_code: 3,
            stdout: b"hello".to_vec(),
            stderr: b"oops\n".to_vec(),
        }
    );
    let killed = run(session.as_mut(), &command("kill -9 $$")).unwrap();
    assert_eq!(killed.exit_code, 137);
    assert_eq!(session.host_key(), lab.host_key());
}

#[test]
fn full_streams_do_not_block_each_other() {
    let Some(lab) = Lab::new() else { return };
    let world = lab.world(&[]);
    let mut session = connect(&world, &lab.target());
    let size = 6_000_000;
    let both = format!("head -c {size} /dev/zero >&2; head -c {size} /dev/zero");
    let output = run(session.as_mut(), &command(&both)).unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (size, size));

    let mut echo = command("cat");
    let sent: Vec<u8> = (0..=250_u8).cycle().take(size).collect();
    echo.stdin = sent.clone().into();
    let output = run(session.as_mut(), &echo).unwrap();
    assert!(output.stdout == sent, "what came back is not what was sent");

    let mut ignored = command("exec <&-; echo done");
    ignored.stdin = vec![b'x'; size].into();
    let output = run(session.as_mut(), &ignored).unwrap();
    assert_eq!(
        (output.exit_code, output.stdout.as_slice()),
        (0, b"done\n".as_slice())
    );
}

#[test]
fn too_much_output_too_long_a_command_and_an_interruption_end_it() {
    let Some(lab) = Lab::new() else { return };
    let world = lab.world(&[]);
    let mut endless = command("yes");
    endless.limit = 100_000;
    let fault = run(connect(&world, &lab.target()).as_mut(), &endless).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Limit);
    assert_eq!(
        lab.plain(&fault.message),
        "USER@127.0.0.1 (127.0.0.1:PORT): the command wrote more than 100000 bytes"
    );

    let mut slow = command("echo begun; sleep 20");
    slow.timeout = Duration::from_secs(3);
    let start = Instant::now();
    let fault = run(connect(&world, &lab.target()).as_mut(), &slow).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert_eq!(
        lab.plain(&fault.message),
        "USER@127.0.0.1 (127.0.0.1:PORT): the command did not end within 3s"
    );
    assert_eq!(fault.details["stdout"], "begun\n".into());

    let cancel = Cancel::new(None);
    let mut session = connect(&world, &lab.target());
    let other = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        other.interrupt();
    });
    let start = Instant::now();
    let fault = session.run(&command("sleep 20"), &cancel).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Interrupted);
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn files_arrive_whole_or_not_at_all() {
    let Some(lab) = Lab::new() else { return };
    let world = lab.world(&[]);
    let cancel = Cancel::new(None);
    let mut session = connect(&world, &lab.target());
    let folder = tempfile::tempdir().unwrap();
    let remote = folder.path().join("it's here");
    let content: Vec<u8> = (0..=252_u8).cycle().take(3_000_000).collect();
    let sent = content.clone().into();
    session.upload(&sent, &remote, 0o640, &cancel).unwrap();
    assert!(fs::read(&remote).unwrap() == content);
    let second = b"second".to_vec().into();
    session.upload(&second, &remote, 0o600, &cancel).unwrap();
    assert_eq!(fs::read(&remote).unwrap(), b"second");
    let mode = std::os::unix::fs::PermissionsExt::mode(&remote.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let mut copy = Vec::new();
    session.download(&remote, &mut copy, 6, &cancel).unwrap();
    assert_eq!(copy, b"second");

    let said = |fault: Fault| {
        let text = lab.plain(&fault.message);
        (
            fault.kind,
            text.replace(&folder.path().display().to_string(), "THERE"),
        )
    };
    assert_eq!(
        said(
            session
                .download(&remote, &mut copy, 5, &cancel)
                .unwrap_err()
        ),
        (
            FaultKind::Limit,
            "USER@127.0.0.1 (127.0.0.1:PORT): THERE/it's here is larger than 5 bytes".into()
        )
    );
    let missing = folder.path().join("none");
    assert_eq!(
        said(
            session
                .download(&missing, &mut copy, 5, &cancel)
                .unwrap_err()
        ),
        (
            FaultKind::NotFound,
            "USER@127.0.0.1 (127.0.0.1:PORT): cannot read THERE/none: it does not exist".into()
        )
    );
    let fault = session
        .upload(&b"x".to_vec().into(), &missing.join("file"), 0o600, &cancel)
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    let fault = session
        .upload(&b"x".to_vec().into(), folder.path(), 0o600, &cancel)
        .unwrap_err();
    assert_eq!(
        said(fault),
        (
            FaultKind::Invalid,
            "USER@127.0.0.1 (127.0.0.1:PORT): THERE is a folder".into()
        )
    );
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["it's here"]);
}
