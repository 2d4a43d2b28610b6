//! "Did you mean …?"

/// The candidate that `name` most likely means, if one is near enough.
///
/// Near: Damerau-Levenshtein distance of at most a third of the longer name,
/// at least 1. The first of equally near candidates wins.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lowered = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lowered, &candidate.to_lowercase());
            let reach = (name.chars().count().max(candidate.chars().count()) / 3).max(1);
            (distance, reach, candidate)
        })
        .filter(|(distance, reach, _)| distance <= reach)
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, _, candidate)| candidate)
}

/// What is said after `name`, which is not known: `; did you mean 'other'?`, or nothing
/// if no candidate is near.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    closest(name, candidates).map_or_else(String::new, |near| format!("; did you mean '{near}'?"))
}

#[cfg(test)]
mod tests {
    use super::{closest, did_you_mean};

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names = ["instance_type", "instance_ids", "image_id"];
        assert_eq!(closest("instance_typ", names), Some("instance_type"));
        assert_eq!(closest("imageId", names), Some("image_id"));
        assert_eq!(closest("volume", names), None);
        assert_eq!(did_you_mean("imageId", names), "; did you mean 'image_id'?");
        assert_eq!(did_you_mean("volume", names), "");
    }
}
