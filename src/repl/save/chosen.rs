//! Which inputs of a session are worth keeping: what declares or writes, what a later
//! one uses as `_`, and the last one, whose value is the playbook's result.

use crate::repl::lex::{Kind, lex, statements};
use crate::repl::marks;
use crate::repl::session::Input;

/// An input that is kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its place among all inputs.
    pub place: usize,
    /// The place of the input whose result is its `_`.
    pub uses: Option<usize>,
}

/// Chooses among `inputs`, in their order.
#[must_use]
pub fn choose(inputs: &[Input]) -> Vec<Chosen> {
    let mut kept: Vec<bool> = inputs
        .iter()
        .map(|input| input.wrote || declares(&input.text))
        .collect();
    if let Some(last) = kept.last_mut() {
        *last = true;
    }
    let uses: Vec<Option<usize>> = (0..inputs.len())
        .map(|place| {
            let asks = !marks::places(&inputs[place].text).is_empty();
            let before = &inputs[..place];
            before.iter().rposition(|input| input.gave).filter(|_| asks)
        })
        .collect();
    // From the last on: what is used by what is kept is kept, too.
    for place in (0..inputs.len()).rev() {
        if let (true, Some(used)) = (kept[place], uses[place]) {
            kept[used] = true;
        }
    }
    (0..inputs.len())
        .filter(|place| kept[*place])
        .map(|place| Chosen {
            place,
            uses: uses[place],
        })
        .collect()
}

/// Whether an input leaves something behind in the session: a name, or a changed value.
fn declares(text: &str) -> bool {
    statements(text).into_iter().any(|span| {
        let statement = &text[span];
        let tokens = lex(statement);
        let first = tokens.first().map(|token| token.of(statement));
        let mut depth = 0_usize;
        let assigns = tokens.iter().any(|token| {
            match token.of(statement) {
                "(" | "[" | "{" | "#{" | "${" | "?[" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && token.kind == Kind::Symbol && token.of(statement) == "="
        });
        assigns
            || matches!(
                first,
                Some("import" | "fn" | "private" | "for" | "while" | "loop" | "do")
            )
            || calls_service(statement)
    })
}

/// Whether something is registered that stays: `every`, `serve`, `run_forever`.
fn calls_service(statement: &str) -> bool {
    let tokens = lex(statement);
    let services = crate::modules::registry::registry().module(crate::modules::service::MODULE);
    tokens.windows(2).any(|pair| {
        pair[1].of(statement) == "("
            && services.is_some_and(|all| all.contains_key(pair[0].of(statement)))
    })
}

#[cfg(test)]
mod tests {
    use opsh_operation::Value;

    use super::*;

    fn input(text: &str, wrote: bool) -> Input {
        Input {
            text: text.to_owned(),
            wrote,
            gave: !text.ends_with(';'),
            result: Value::Null,
        }
    }

    fn chosen(inputs: &[Input]) -> Vec<&str> {
        choose(inputs)
            .iter()
            .map(|chosen| inputs[chosen.place].text.as_str())
            .collect()
    }

    #[test]
    fn looking_around_is_left_out_unless_it_is_used_or_the_last() {
        let inputs = [
            input("import \"web\" as web;", false),
            input("ec2::describe_vpcs(#{})", false),
            input("ec2::describe_images(#{})", false),
            input("let ami = _.images[0].image_id;", false),
            input("1 + 1", false),
            input("ec2::run_instances(#{ image_id: ami })", true),
            input("x += 1;", false),
            input("ec2::describe_instances(#{})", false),
        ];
        assert_eq!(
            chosen(&inputs),
            [
                "import \"web\" as web;",
                "ec2::describe_images(#{})",
                "let ami = _.images[0].image_id;",
                "ec2::run_instances(#{ image_id: ami })",
                "x += 1;",
                "ec2::describe_instances(#{})",
            ]
        );
        assert_eq!(choose(&inputs)[2].uses, Some(2));
    }
}
