//! Which names a bucket may have.
//!
//! Source: Amazon S3 user guide, "General purpose bucket naming rules".

/// Whether a new general purpose bucket may be called so.
pub(super) fn valid(name: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let reserved_start = ["xn--", "sthree-", "amzn-s3-demo-"];
    let reserved_end = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    (3..=63).contains(&name.len())
        && name.chars().all(|c| edge(c) || c == '.' || c == '-')
        && name.starts_with(edge)
        && name.ends_with(edge)
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !reserved_start.iter().any(|start| name.starts_with(start))
        && !reserved_end.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::valid;

    #[test]
    fn names_follow_the_rules() {
        for (name, expected) in [
            ("my-bucket", true),
            ("example.com", true),
            ("ab", false),
            ("My-Bucket", false),
            ("my_bucket", false),
            ("-bucket", false),
            ("bucket-", false),
            ("a..b", false),
            ("192.168.5.4", false),
            ("xn--bucket", false),
            ("bucket-s3alias", false),
        ] {
            assert_eq!(valid(name), expected, "{name}");
        }
        assert!(valid(&"a".repeat(63)) && !valid(&"a".repeat(64)));
    }
}
