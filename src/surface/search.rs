//! Finding what can be called by words, the likeliest first.

use super::{Callable, modules};

/// What matches all words of `query`, the likeliest first.
///
/// A name counts more than the sentence about it, and that more than the parameters.
#[must_use]
pub fn search(query: &str) -> Vec<&'static Callable> {
    let query = query.to_lowercase();
    let words: Vec<&str> = query
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(u32, &Callable)> = modules()
        .flat_map(|module| &module.callables)
        .filter_map(|callable| Some((score(callable, &words)?, callable)))
        .collect();
    found.sort_by_cached_key(|(score, callable)| {
        let name = callable.full_name();
        (std::cmp::Reverse(*score), name.len(), name)
    });
    found.dedup_by_key(|(_, callable)| callable.full_name());
    found.into_iter().map(|(_, callable)| callable).collect()
}

/// How well `callable` fits; `None` if a word is nowhere.
fn score(callable: &Callable, words: &[&str]) -> Option<u32> {
    let name = callable.name.to_lowercase();
    let module = callable.module.to_lowercase();
    let parts: Vec<&str> = name.split('_').collect();
    let summary = callable.doc.summary.to_lowercase();
    let mut sum = 0;
    for word in words {
        sum += if name == *word {
            100
        } else if parts.contains(word) {
            60
        } else if name.starts_with(word) {
            50
        } else if name.contains(word) {
            40
        } else if module == *word {
            35
        } else if has_word(&summary, word) {
            30
        } else if summary.contains(word) {
            20
        } else if callable.doc.details.to_lowercase().contains(word) {
            12
        } else {
            in_parameters(callable, word)?
        };
    }
    Some(sum)
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric())
        .any(|one| one == word)
}

fn in_parameters(callable: &Callable, word: &str) -> Option<u32> {
    let parameters = callable.parameters();
    if parameters.iter().any(|one| one.name.contains(word)) {
        return Some(10);
    }
    let said = parameters
        .iter()
        .any(|one| has_word(&one.doc.to_lowercase(), word));
    said.then_some(5)
}

#[cfg(test)]
mod tests {
    use super::search;

    fn first(query: &str) -> String {
        search(query)
            .first()
            .map(|callable| callable.full_name())
            .unwrap_or_default()
    }

    #[test]
    fn the_likeliest_comes_first() {
        assert_eq!(first("slug"), "text::slug");
        assert_eq!(first("run instances"), "ec2::run_instances");
        assert_eq!(first("publish object"), "web::publish_object");
        assert_eq!(first("every"), "service::every");
        assert!(search("no_such_thing_anywhere").is_empty());
        assert!(search("").is_empty());
    }

    #[test]
    fn all_words_count_and_nothing_is_there_twice() {
        let found = search("security group");
        assert!(found.len() > 5);
        let mut names: Vec<_> = found.iter().map(|one| one.full_name()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), found.len());
    }
}
