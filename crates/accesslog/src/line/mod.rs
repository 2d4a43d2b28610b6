//! One line of a log: what is counted of it, checked to the end.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>:
//! "We recommend that you … ignore any fields that you do not expect": fields were added in
//! 2018, 2019, 2024 and 2025, and more may follow.

mod split;

use memchr::{memchr, memchr2, memrchr};

use crate::key::LONGEST;
use split::Fields;
pub use split::{FIELDS, fields};

/// A line has at least these fields, since November 2019.
pub const LEAST: usize = 29;
/// Where `classification` stands.
const CLASSIFICATION: usize = 27;
/// How a time is written: `2026-09-17T05:19:57.006409Z`.
const TIME: usize = "2026-09-17T05:19:57.006409Z".len();

/// Why a line is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It ends before its last field.
    #[error("it has {0} fields; a line has at least {LEAST}")]
    Short(usize),
    /// A quoted field has no end, or something follows its end at once.
    #[error("the quotes of the field '{}' are not closed before a space", name(*.0))]
    Quotes(usize),
    /// A field is not what it should be.
    #[error("the field '{}' is no {}", name(*.0), .1)]
    Field(usize, &'static str),
    /// It is no line of text at all.
    #[error("it is longer than {0} bytes")]
    Long(usize),
}

/// What the documentation calls a field.
fn name(field: usize) -> &'static str {
    FIELDS
        .get(field)
        .copied()
        .unwrap_or("beyond the known ones")
}

/// What is counted of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// When the balancer answered, as it is written.
    pub time: &'a [u8],
    /// Who asked: the address without the port.
    pub client: &'a [u8],
    /// Who answered: address and port, or `-`.
    pub target: &'a [u8],
    /// From the request to the answer in milliseconds, if it was answered.
    pub milliseconds: Option<u64>,
    /// What the client got; 0 if nothing.
    pub status: u16,
    /// What the target answered; 0 if nothing.
    pub target_status: u16,
    /// The request's size.
    pub received: u64,
    /// The answer's size.
    pub sent: u64,
    /// `GET`, …, or `-`.
    pub method: &'a [u8],
    /// Path and query as the client wrote them, or nothing.
    pub path: &'a [u8],
    /// `Acceptable`, `Ambiguous`, `Severe`, or `-`: whether it obeys RFC 7230.
    pub classification: &'a [u8],
    /// How many fields the line has.
    pub fields: usize,
}

impl<'a> Line<'a> {
    /// Reads a line without its newline.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(line: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::of(line);
        fields.next()?;
        let time = fields.next()?;
        if time.len() != TIME || time[10] != b'T' || time[TIME - 1] != b'Z' {
            return Err(Malformed::Field(1, "time"));
        }
        fields.next()?;
        let client = address(fields.next()?).ok_or(Malformed::Field(3, "address with a port"))?;
        let target = fields.next()?;
        if target.len() > LONGEST {
            return Err(Malformed::Field(4, "address with a port"));
        }
        let mut milliseconds = Some(0);
        for field in 5..8 {
            let text = fields.next()?;
            let spent = seconds(text).ok_or(Malformed::Field(field, "number of seconds"))?;
            milliseconds = match (milliseconds, spent) {
                (Some(sum), Spent::Milliseconds(spent)) => Some(sum + spent),
                _ => None,
            };
        }
        let status = status(fields.next()?).ok_or(Malformed::Field(8, "status"))?;
        let target_status = self::status(fields.next()?).ok_or(Malformed::Field(9, "status"))?;
        let received = number(fields.next()?).ok_or(Malformed::Field(10, "number of bytes"))?;
        let sent = number(fields.next()?).ok_or(Malformed::Field(11, "number of bytes"))?;
        let (method, path) = request(fields.next()?);
        let mut classification = b"-".as_slice();
        while !fields.ended() {
            let field = fields.next()?;
            if fields.count == CLASSIFICATION + 1 {
                classification = field;
            }
        }
        if fields.count < LEAST {
            return Err(Malformed::Short(fields.count));
        }
        Ok(Self {
            time,
            client,
            target,
            milliseconds,
            status,
            target_status,
            received,
            sent,
            method,
            path,
            classification,
            fields: fields.count,
        })
    }
}

/// The address of `address:port`, IPv6 also in brackets.
fn address(field: &[u8]) -> Option<&[u8]> {
    let (address, port) = field.split_at(memrchr(b':', field)?);
    let address = match address {
        [b'[', inner @ .., b']'] => inner,
        plain => plain,
    };
    let fine = !address.is_empty()
        && address.len() <= LONGEST
        && port.len() > 1
        && port[1..].iter().all(u8::is_ascii_digit);
    fine.then_some(address)
}

/// How long a phase of a request took.
enum Spent {
    Milliseconds(u64),
    /// It did not come about.
    Nothing,
}

/// `0.057` in milliseconds; `-1` and `-` are no time.
#[inline]
fn seconds(field: &[u8]) -> Option<Spent> {
    if matches!(field, b"-1" | b"-") {
        return Some(Spent::Nothing);
    }
    let point = field.iter().position(|byte| *byte == b'.');
    let whole = number(&field[..point.unwrap_or(field.len())])?;
    let mut fraction = 0;
    let digits = point.map_or(&[][..], |point| &field[point + 1..]);
    for place in 0..3 {
        let digit = match digits.get(place) {
            Some(digit @ b'0'..=b'9') => u64::from(digit - b'0'),
            Some(_) => return None,
            None => 0,
        };
        fraction = fraction * 10 + digit;
    }
    whole
        .checked_mul(1000)
        .and_then(|whole| whole.checked_add(fraction))
        .map(Spent::Milliseconds)
}

/// A status, or `-` as 0.
#[inline]
fn status(field: &[u8]) -> Option<u16> {
    match field {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            Some(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
        }
        b"-" => Some(0),
        _ => None,
    }
}

#[inline]
fn number(field: &[u8]) -> Option<u64> {
    if field.is_empty() || field.len() > 18 {
        return None;
    }
    field.iter().try_fold(0, |sum: u64, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + u64::from(byte - b'0'))
    })
}

/// Method, and path with query, of `GET http://host:80/path?query HTTP/1.1`.
#[inline]
fn request(field: &[u8]) -> (&[u8], &[u8]) {
    let Some(first) = memchr(b' ', field) else {
        return (b"-", b"");
    };
    let (method, rest) = (&field[..first], &field[first + 1..]);
    let url = &rest[..memrchr(b' ', rest).unwrap_or(rest.len())];
    (method, path(url))
}

/// A URL without scheme and authority; nothing of a URL that is none, such as
/// `http://name:80-`.
fn path(url: &[u8]) -> &[u8] {
    let Some(colon) = memchr(b':', url) else {
        return if url.first() == Some(&b'/') { url } else { b"" };
    };
    match url.get(colon + 1..) {
        Some([b'/', b'/', authority @ ..]) if !url[..colon].contains(&b'/') => {
            let start = memchr2(b'/', b'?', authority);
            start.map_or(&[], |start| &authority[start..])
        }
        _ if url.first() == Some(&b'/') => url,
        _ => b"",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HTTP: &str = r#"http 2026-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.056 200 200 34 366 "GET http://www.example.com:80/shop/?page=2 HTTP/1.1" "curl/7.46.0" - - arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2026-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1234abcd5678ef90 "-" "-" "-" 203.0.113.7"#;

    #[test]
    fn a_line_of_today() {
        let line = Line::parse(HTTP.as_bytes()).unwrap();
        assert_eq!(line.fields, FIELDS.len());
        assert_eq!(line.time, b"2026-07-02T22:23:00.186641Z");
        assert_eq!(line.client, b"192.168.131.39");
        assert_eq!(line.target, b"10.0.0.1:80");
        assert_eq!(line.milliseconds, Some(57));
        assert_eq!((line.status, line.target_status), (200, 200));
        assert_eq!((line.received, line.sent), (34, 366));
        assert_eq!(
            (line.method, line.path),
            (b"GET".as_slice(), b"/shop/?page=2".as_slice())
        );
        let all = fields(HTTP.as_bytes()).unwrap();
        assert_eq!(all[29], b"TID_1234abcd5678ef90");
        assert_eq!(all[33], b"203.0.113.7");
    }

    /// The line with one field replaced.
    fn with(field: usize, text: &str) -> String {
        let mut from = 0;
        let bytes = HTTP.as_bytes();
        let mut fields = Fields::of(bytes);
        for _ in 0..field {
            fields.next().unwrap();
            from = bytes.len() - fields.rest.unwrap().len();
        }
        fields.next().unwrap();
        let end = bytes.len() - fields.rest.map_or(0, |rest| rest.len() + 1);
        format!("{}{text}{}", &HTTP[..from], &HTTP[end..])
    }

    #[test]
    fn odd_but_well_formed_lines() {
        // Nobody answered, and nothing was asked that could be read.
        let nobody = with(12, r#""- http://shop-1.us-east-1.elb.amazonaws.com:80- -""#);
        let line = Line::parse(nobody.as_bytes()).unwrap();
        assert_eq!((line.method, line.path), (b"-".as_slice(), b"".as_slice()));
        let line = with(4, "-");
        assert_eq!(Line::parse(line.as_bytes()).unwrap().target, b"-");
        let line = with(6, "-1");
        assert_eq!(Line::parse(line.as_bytes()).unwrap().milliseconds, None);
        // Quotes and spaces in a field.
        let line = with(13, r#""a \"quoted\" agent\\""#);
        let line = line.as_bytes();
        assert_eq!(fields(line).unwrap()[13], br#"a \"quoted\" agent\\"#);
        assert!(Line::parse(line).is_ok());
        let line = with(13, r#""""#);
        assert_eq!(fields(line.as_bytes()).unwrap()[13], b"");
        assert!(Line::parse(line.as_bytes()).is_ok());
        for client in ["2001:db8::1:4711", "[2001:db8::1]:4711"] {
            let line = with(3, client);
            assert_eq!(Line::parse(line.as_bytes()).unwrap().client, b"2001:db8::1");
        }
        let line = with(27, r#""Severe""#);
        assert_eq!(
            Line::parse(line.as_bytes()).unwrap().classification,
            b"Severe"
        );
        // Fields that are still to come.
        let line = format!(r#"{HTTP} "-" "new and quoted" new"#);
        assert_eq!(Line::parse(line.as_bytes()).unwrap().fields, 37);
        // Before connections were traced.
        let old = &HTTP[..HTTP.find(" TID_").unwrap()];
        assert_eq!(Line::parse(old.as_bytes()).unwrap().fields, LEAST);
        for (url, path) in [
            ("https://shop.example:443?x=1", "?x=1"),
            ("https://shop.example:443/a:b", "/a:b"),
            ("/a://b", "/a://b"),
            ("*", ""),
        ] {
            let line = with(12, &format!(r#""OPTIONS {url} HTTP/2.0""#));
            assert_eq!(
                Line::parse(line.as_bytes()).unwrap().path,
                path.as_bytes(),
                "{url}"
            );
        }
    }

    #[test]
    fn what_is_wrong_with_a_line() {
        let wrong = |line: &str| Line::parse(line.as_bytes()).unwrap_err().to_string();
        assert_eq!(wrong(""), "it has 1 fields; a line has at least 29");
        assert_eq!(
            wrong("Enable AccessLog for ELB: app/x/1 at 2026-07-02T22:23:00Z"),
            "the field 'time' is no time"
        );
        assert_eq!(
            wrong(&HTTP[..HTTP.find(" \"forward").unwrap()]),
            "it has 22 fields; a line has at least 29"
        );
        assert_eq!(
            wrong(&HTTP[..HTTP.find("forward").unwrap()]),
            "the quotes of the field 'actions_executed' are not closed before a space"
        );
        assert_eq!(
            wrong(&with(13, r#""curl"x"#)),
            "the quotes of the field 'user_agent' are not closed before a space"
        );
        for (field, text, message) in [
            (
                3,
                "nobody",
                "the field 'client:port' is no address with a port",
            ),
            (
                3,
                "1.2.3.4:",
                "the field 'client:port' is no address with a port",
            ),
            (
                6,
                "0.0x1",
                "the field 'target_processing_time' is no number of seconds",
            ),
            (8, "20", "the field 'elb_status_code' is no status"),
            (9, "0200", "the field 'target_status_code' is no status"),
            (11, "-5", "the field 'sent_bytes' is no number of bytes"),
        ] {
            assert_eq!(wrong(&with(field, text)), message);
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        for end in 0..HTTP.len() {
            let _ = Line::parse(&HTTP.as_bytes()[..end]);
            let mut bytes = HTTP.as_bytes().to_vec();
            for byte in [b'"', b'\\', b' ', b':', 0, 0xff] {
                bytes[end] = byte;
                let _ = Line::parse(&bytes);
            }
        }
    }
}
