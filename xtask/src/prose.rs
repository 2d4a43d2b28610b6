//! One sentence out of the SDK's documentation, which is HTML in Markdown.

/// The first sentence of `html`, as plain text that ends in a period.
pub fn first_sentence(html: &str) -> String {
    let paragraph = html
        .split("</p>")
        .map(strip_tags)
        .find(|text| !text.is_empty())
        .unwrap_or_default();
    let mut sentence = cut(&paragraph).trim_end_matches([':', ' ']).to_owned();
    if sentence.is_empty() {
        return "Not documented by the service.".to_owned();
    }
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

fn strip_tags(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                text.push(' ');
            }
            '\\' => {}
            _ if inside => {}
            _ => text.push(letter),
        }
    }
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&");
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .join(" ")
        .replace(" .", ".")
        .replace(" ,", ",")
        .replace("( ", "(")
        .replace(" )", ")")
}

/// Up to the first period, exclamation or question mark that ends a sentence.
fn cut(text: &str) -> &str {
    let abbreviation = |head: &str| {
        ["e.g", "i.e", "etc", " vs", "For ex", "Inc"]
            .iter()
            .any(|short| head.ends_with(short))
    };
    for (index, letter) in text.char_indices() {
        if !matches!(letter, '.' | '!' | '?') {
            continue;
        }
        let rest = &text[index + 1..];
        let head = &text[..index];
        let begins = rest
            .strip_prefix(' ')
            .and_then(|rest| rest.chars().next())
            .is_some_and(|next| !next.is_lowercase());
        if begins && !abbreviation(head) {
            return &text[..=index];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::first_sentence;

    #[test]
    fn sentences_lose_their_markup_and_followers() {
        assert_eq!(
            first_sentence(
                "<p>The <code>ID</code> of the AMI, e.g. <i>ami-1</i>. Required.</p><p>More.</p>"
            ),
            "The ID of the AMI, e.g. ami-1."
        );
        assert_eq!(
            first_sentence(r"<p>\[Default VPC\] The names &amp; ids</p>"),
            "[Default VPC] The names & ids."
        );
        assert_eq!(first_sentence("<p>The filters:</p>"), "The filters.");
        assert_eq!(first_sentence(""), "Not documented by the service.");
    }
}
