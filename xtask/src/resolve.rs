//! A list and the SDK's sources together: what each operation takes and gives.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::list::{self, Line, Rule, TagType};
use crate::model::{Definition, Member, Operation, Paging, Structure, Type, Types};
use crate::reader::Crate;
use crate::{Error, Result};

/// One service, resolved.
pub struct Service<'a> {
    pub list: &'a list::Service,
    /// The crate as Rust names it, e.g. `aws_sdk_ec2`.
    pub krate: String,
    pub types: Types,
    /// File stems of types, which name their tables.
    pub stems: BTreeMap<String, String>,
    /// Types that are read from inputs.
    pub decoded: BTreeSet<String>,
    /// Types that are written to results.
    pub encoded: BTreeSet<String>,
    /// Structures whose lists are maps of tags.
    pub tags: Vec<TagType>,
    pub operations: Vec<Resolved<'a>>,
}

/// One operation, resolved.
pub struct Resolved<'a> {
    pub line: &'a Line,
    pub sdk: Operation,
    /// Parameters as a playbook sees them; paging and synthetic ones are apart.
    pub parameters: Vec<Member>,
    pub results: Vec<Member>,
    pub paging: Option<Paging>,
    /// The lists of items of a listing.
    pub items: Vec<String>,
    /// Whether `tags` is put into `tag_specifications`.
    pub specifies_tags: bool,
}

impl Resolved<'_> {
    /// The parameter that carries a body to send.
    pub fn request_body(&self) -> Option<&Member> {
        stream(&self.parameters)
    }

    /// The result that is a streamed body.
    pub fn response_body(&self) -> Option<&Member> {
        stream(&self.results)
    }

    /// The parameter with which the gate tags what the operation makes.
    pub fn tags_parameter(&self, service: &Service<'_>) -> Option<&'static str> {
        let plain = self
            .parameters
            .iter()
            .any(|member| member.name == "tags" && service.holds_tags(&member.ty));
        (!self.line.makes.is_empty() && (self.specifies_tags || plain)).then_some("tags")
    }
}

fn stream(members: &[Member]) -> Option<&Member> {
    members.iter().find(|member| member.ty == Type::Stream)
}

impl Service<'_> {
    /// Whether `ty` is a list of tags.
    pub fn is_tags(&self, ty: &Type) -> bool {
        list_of(ty).is_some_and(|name| self.tags.iter().any(|tag| tag.name == name))
    }

    /// Whether `ty` is tags, as a list of structures or, as Lambda has it, as a map.
    pub fn holds_tags(&self, ty: &Type) -> bool {
        self.is_tags(ty) || *ty == Type::Map(Box::new(Type::Text))
    }

    /// Whether `ty` is a list of filters.
    pub fn is_filters(&self, ty: &Type) -> bool {
        list_of(ty).is_some_and(|name| self.is_filter(name))
    }

    /// Whether the structure `name` is a filter: a name with values.
    pub fn is_filter(&self, name: &str) -> bool {
        name == "Filter"
            && matches!(self.types.get(name), Some(Definition::Structure(structure))
                if has_exactly(structure, ["name", "values"]))
    }

    /// Adds `ty` and all that it holds to the types and to `seen`.
    fn reach(&mut self, source: &Crate, ty: &Type, input: bool) -> Result<()> {
        let Some(name) = ty.named() else {
            return Ok(());
        };
        let seen = if input {
            &mut self.decoded
        } else {
            &mut self.encoded
        };
        if !seen.insert(name.to_owned()) {
            return Ok(());
        }
        if !self.types.contains_key(name) {
            let mut definition = source.definition(name)?;
            if let Definition::Structure(structure) = &mut definition {
                correct(self.list, structure);
                let tag = name.ends_with("Tag") && has_exactly(structure, ["key", "value"]);
                if tag {
                    self.tags.push(TagType {
                        name: name.to_owned(),
                        set: Vec::new(),
                    });
                }
            }
            self.stems.insert(name.to_owned(), source.stem(name)?);
            self.types.insert(name.to_owned(), definition);
        }
        let members = match &self.types[name] {
            Definition::Structure(structure) | Definition::Union(structure) => {
                structure.members.clone()
            }
            Definition::Enumeration(_) => Vec::new(),
        };
        for member in members {
            self.reach(source, &member.ty, input)?;
        }
        Ok(())
    }
}

fn list_of(ty: &Type) -> Option<&str> {
    match ty {
        Type::List(item) => match item.as_ref() {
            Type::Named(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

fn has_exactly(structure: &Structure, names: [&str; 2]) -> bool {
    structure
        .members
        .iter()
        .map(|member| member.name.as_str())
        .eq(names)
}

/// Applies the list's corrections of sensitivity.
fn correct(list: &list::Service, structure: &mut Structure) {
    for member in &mut structure.members {
        if let Some(rule) = rule(list, &structure.name, &member.name) {
            member.sensitive = *rule != Rule::Never;
        }
    }
}

/// The list's correction for one member.
pub fn rule<'a>(list: &'a list::Service, structure: &str, member: &str) -> Option<&'a Rule> {
    list.sensitivity
        .iter()
        .find(|found| found.structure == structure && found.member == member)
        .map(|found| &found.rule)
}

/// Resolves every operation of `list` with the sources in `root`.
pub fn service<'a>(list: &'a list::Service, root: &Path) -> Result<Service<'a>> {
    let source = Crate::open(root)?;
    let mut service = Service {
        list,
        krate: list.krate.replace('-', "_"),
        types: Types::new(),
        stems: BTreeMap::new(),
        decoded: BTreeSet::new(),
        encoded: BTreeSet::new(),
        tags: list.tags.clone(),
        operations: Vec::new(),
    };
    for line in &list.operations {
        let resolved = operation(&mut service, &source, line)
            .map_err(|error| Error(format!("{}::{}: {error}", list.module, line.name)))?;
        service.operations.push(resolved);
    }
    for sensitivity in &list.sensitivity {
        sensitivity_exists(&service, sensitivity)?;
    }
    Ok(service)
}

fn sensitivity_exists(service: &Service<'_>, found: &list::Sensitivity) -> Result<()> {
    let types = service
        .types
        .values()
        .filter_map(|definition| match definition {
            Definition::Structure(structure) => Some(structure),
            _ => None,
        });
    let known = service
        .operations
        .iter()
        .flat_map(|operation| [&operation.sdk.input, &operation.sdk.output])
        .chain(types)
        .filter(|structure| structure.name == found.structure)
        .flat_map(|structure| &structure.members)
        .any(|member| member.name == found.member);
    if known {
        return Ok(());
    }
    Err(Error(format!(
        "{}.list: @sensitive {}.{} corrects nothing",
        service.list.module, found.structure, found.member
    )))
}

fn operation<'a>(
    service: &mut Service<'a>,
    source: &Crate,
    line: &'a Line,
) -> Result<Resolved<'a>> {
    let mut sdk = source.operation(&line.name)?;
    correct(service.list, &mut sdk.input);
    correct(service.list, &mut sdk.output);
    let paging = paging(line, &sdk)?;
    let hidden_in = |name: &str| {
        paging.as_ref().is_some_and(|paging| {
            paging.size.as_deref() == Some(name)
                || paging.tokens.iter().any(|(input, _)| input == name)
        })
    };
    let hidden_out = |name: &str| {
        paging.as_ref().is_some_and(|paging| {
            hidden_in(name)
                || ["is_truncated", "key_count"].contains(&name)
                || paging.tokens.iter().any(|(_, output)| output == name)
        })
    };
    let mut parameters = sdk.input.members.clone();
    parameters.retain(|member| !hidden_in(&member.name));
    for name in &line.require {
        parameters
            .iter_mut()
            .find(|member| member.name == *name)
            .ok_or_else(|| Error(format!("require: no parameter '{name}'")))?
            .required = true;
    }
    let mut results = sdk.output.members.clone();
    results.retain(|member| !hidden_out(&member.name));
    for member in &parameters {
        service.reach(source, &member.ty, true)?;
    }
    for member in &results {
        service.reach(source, &member.ty, false)?;
    }
    let lists = |name: &str| {
        results
            .iter()
            .any(|member| member.name == name && matches!(member.ty, Type::List(_)))
    };
    let items = match &paging {
        None => Vec::new(),
        Some(Paging {
            items: Some(name), ..
        }) if lists(name) => vec![name.clone()],
        Some(_) => results
            .iter()
            .filter(|member| matches!(member.ty, Type::List(_)))
            .map(|member| member.name.clone())
            .collect(),
    };
    let specifies_tags = parameters
        .iter()
        .any(|member| member.name == "tag_specifications");
    if specifies_tags == line.tags.is_empty() {
        return Err(Error(if specifies_tags {
            "say which resource types `tags` goes to".into()
        } else {
            "has no tag_specifications for `tags`".into()
        }));
    }
    Ok(Resolved {
        line,
        sdk,
        parameters,
        results,
        paging,
        items,
        specifies_tags,
    })
}

fn paging(line: &Line, sdk: &Operation) -> Result<Option<Paging>> {
    let has = |structure: &Structure, name: &str| {
        structure.members.iter().any(|member| member.name == name)
    };
    if !line.page.is_empty() {
        let mut paging = sdk.paging.clone().unwrap_or_default();
        paging.tokens.clone_from(&line.page);
        if paging.size.is_none() {
            paging.size = ["max_results", "max_items", "max_keys", "max_records"]
                .into_iter()
                .find(|name| has(&sdk.input, name))
                .map(str::to_owned);
        }
        return Ok(Some(paging));
    }
    match &sdk.paging {
        Some(paging) if paging.tokens.is_empty() => {
            Err(Error("the paginator's tokens were not found".into()))
        }
        None if has(&sdk.output, "next_token") || has(&sdk.output, "next_marker") => Err(Error(
            "pages without a generated paginator: declare `page INPUT:OUTPUT`".into(),
        )),
        paging => Ok(paging.clone()),
    }
}
