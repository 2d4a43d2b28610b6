//! WebSocket frames (RFC 6455), from the server's side and byte by byte, so that wrong ones
//! can be sent, too.

use std::io::{Error, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// A whole message.
pub const TEXT: u8 = 1;
/// The end, with a code.
pub const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What the server answers to the key of a client that wants to speak WebSocket.
pub fn accept(key: &str) -> String {
    let magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    STANDARD.encode(Sha1::digest(format!("{key}{magic}")))
}

/// Writes one frame; servers do not mask.
pub fn write(mut to: impl Write, kind: u8, payload: &[u8]) -> Result<(), Error> {
    let mut frame = vec![0x80 | kind];
    match payload.len() {
        length @ 0..126 => frame.push(u8::try_from(length).unwrap()),
        length @ 126..=0xFFFF => {
            frame.push(126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    to.write_all(&frame)
}

/// A close frame's payload.
pub fn closing(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// What a client says.
pub enum Said {
    /// A whole text.
    Text(String),
    /// The end, with its code.
    Close(u16),
}

/// Reads until there is a whole message; pings are left alone.
pub fn read(mut from: impl Read) -> Result<Said, Error> {
    let mut text = Vec::new();
    loop {
        let mut head = [0; 2];
        from.read_exact(&mut head)?;
        assert!(head[1] & 0x80 != 0, "clients mask what they send");
        let length = match head[1] & 0x7F {
            126 => {
                let mut bytes = [0; 2];
                from.read_exact(&mut bytes)?;
                u64::from(u16::from_be_bytes(bytes))
            }
            127 => {
                let mut bytes = [0; 8];
                from.read_exact(&mut bytes)?;
                u64::from_be_bytes(bytes)
            }
            length => u64::from(length),
        };
        let mut mask = [0; 4];
        from.read_exact(&mut mask)?;
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        from.read_exact(&mut payload)?;
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        match head[0] & 0x0F {
            CLOSE => {
                let code = payload
                    .get(..2)
                    .map_or(1_005, |code| u16::from_be_bytes([code[0], code[1]]));
                return Ok(Said::Close(code));
            }
            PING | PONG => {}
            _ => {
                text.extend_from_slice(&payload);
                if head[0] & 0x80 != 0 {
                    return Ok(Said::Text(String::from_utf8(text).unwrap()));
                }
            }
        }
    }
}
