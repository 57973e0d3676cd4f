//! `trust.toml`: reading it strictly, and editing it without touching what a person wrote.

use super::{AnyOf, Listed, NamePattern, Rule, Target, Trust};
use crate::envelope::Role;
use crate::limits::{NAME_CHARS, SIGNATURES, TEXT_BYTES, TRUST_BYTES, TRUST_RULES};
use crate::text;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::str::FromStr;
use toml::Spanned;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, value};
use weft_model::{Did, Slot};

/// The list of rules.
const RULE: &str = "rule";

/// What is wrong with a `trust.toml`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", .line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct TrustError {
    /// From 1; none: no line in particular.
    pub line: Option<usize>,
    /// What was found and what is allowed.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    rule: Vec<Spanned<RawRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    names: Vec<Spanned<String>>,
    targets: Vec<Spanned<String>>,
    #[serde(default)]
    all_of: Vec<Spanned<RawListed>>,
    any_of: Option<Spanned<RawAnyOf>>,
    #[serde(default)]
    security: Vec<Spanned<RawSecurity>>,
    comment: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAnyOf {
    minimum: Spanned<u64>,
    keys: Vec<Spanned<RawListed>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawListed {
    role: String,
    key: String,
    comment: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSecurity {
    key: String,
    comment: Option<String>,
}

impl Trust {
    /// Reads a `trust.toml`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line: no TOML, an unknown field, a rule without names, targets or a
    /// signature, a key listed twice, a threshold that can't be met.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        if text.len() > TRUST_BYTES {
            return Err(at_no_line(format!(
                "{} bytes, allowed are {TRUST_BYTES}",
                text.len()
            )));
        }
        let raw: RawFile = toml::from_str(text).map_err(|e| {
            let start = e.span().map_or(0, |span| span.start);
            let problem = text::shown(&e.message().replace('\n', ", "), 300);
            at(text, start, problem)
        })?;
        if raw.rule.len() > TRUST_RULES {
            return Err(at_no_line(format!(
                "{} rules, allowed are {TRUST_RULES}",
                raw.rule.len()
            )));
        }
        let rules = raw
            .rule
            .iter()
            .map(|rule| rule_of(rule).map_err(|(start, problem)| at(text, start, problem)))
            .collect::<Result<_, _>>()?;
        let document = text.parse::<DocumentMut>().map_err(|e| {
            at(
                text,
                e.span().map_or(0, |s| s.start),
                e.message().to_owned(),
            )
        })?;
        Ok(Self { document, rules })
    }

    /// The file as text, with the comments that were in it.
    pub fn to_toml(&self) -> String {
        self.document.to_string()
    }

    /// Adds a rule at the end. Nothing else of the file changes.
    ///
    /// # Errors
    /// What [`Trust::parse`] would refuse; the rules stay as they were.
    pub fn add(&mut self, rule: &Rule) -> Result<(), TrustError> {
        let mut document = self.document.clone();
        // Rules written inline, as `rule = []`, become tables: only those can be followed by another.
        if let Some(list @ Item::Value(_)) = document.get_mut(RULE) {
            let tables = std::mem::take(list).into_array_of_tables();
            let tables = tables.map_err(|_| at_no_line("`rule` is no list of rules".to_owned()))?;
            *list = Item::ArrayOfTables(tables);
        }
        let mut text = document.to_string();
        if !text.is_empty() {
            text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
        }
        let mut last = DocumentMut::new();
        let tables = ArrayOfTables::from_iter([table_of(rule)]);
        last.insert(RULE, Item::ArrayOfTables(tables));
        *self = Self::parse(&(text + &last.to_string()))?;
        Ok(())
    }

    /// Removes the rule at a place, from 1, with the comments above it.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove(&mut self, place: usize) -> Result<Rule, TrustError> {
        let count = self.rules.len();
        if !(1..=count).contains(&place) {
            return Err(at_no_line(format!("there is no rule {place} of {count}")));
        }
        let mut document = self.document.clone();
        match document.get_mut(RULE) {
            Some(Item::ArrayOfTables(tables)) => drop(tables.remove(place - 1)),
            Some(Item::Value(toml_edit::Value::Array(rules))) => drop(rules.remove(place - 1)),
            _ => return Err(at_no_line(format!("there is no rule {place}"))),
        }
        let rule = self.rules[place - 1].clone();
        *self = Self::parse(&document.to_string())?;
        Ok(rule)
    }
}

impl FromStr for NamePattern {
    type Err = String;

    fn from_str(pattern: &str) -> Result<Self, String> {
        let prefix = pattern.strip_suffix('*');
        let ok = match prefix {
            Some("") => true,
            // A beginning may end in a dash; a letter behind it makes it a name.
            Some(prefix) => {
                prefix.len() < NAME_CHARS && text::check_name(&format!("{prefix}a")).is_ok()
            }
            None => text::check_name(pattern).is_ok(),
        };
        if ok {
            Ok(Self(pattern.to_owned()))
        } else {
            Err(format!(
                "`{}` is no name; write a release's name, or its beginning and one `*` at the end",
                text::shown(pattern, 80)
            ))
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "*" => Ok(Self::Any),
            "workload" => Ok(Self::Workload),
            "skill" => Ok(Self::Skill),
            word => word.parse().map(Self::Slot).map_err(|_| {
                format!(
                    "`{}` is no target; write {}, workload, skill or *",
                    text::shown(word, 40),
                    Slot::ALL.map(Slot::name).join(", ")
                )
            }),
        }
    }
}

/// A problem and where it begins, as a byte of the file.
type At = (usize, String);

fn rule_of(raw: &Spanned<RawRule>) -> Result<Rule, At> {
    let start = raw.span().start;
    let raw = raw.get_ref();
    let each = |items: &[Spanned<String>], what: &str| -> Result<(), At> {
        if items.is_empty() {
            let problem = format!("`{what}` is empty; name what the rule is for");
            return Err((start, problem));
        }
        Ok(())
    };
    each(&raw.names, "names")?;
    each(&raw.targets, "targets")?;
    let any_of = raw.any_of.as_ref().map(any_of).transpose()?;
    let rule = Rule {
        names: parse_all(&raw.names)?,
        targets: parse_all(&raw.targets)?,
        all_of: raw.all_of.iter().map(listed).collect::<Result<_, _>>()?,
        any_of,
        security: raw
            .security
            .iter()
            .map(security)
            .collect::<Result<_, _>>()?,
        comment: match &raw.comment {
            Some(c) => comment(Some(c.get_ref())).map_err(|p| (c.span().start, p))?,
            None => None,
        },
    };
    if rule.all_of.is_empty() && rule.any_of.is_none() {
        return Err((
            start,
            "the rule demands no signature; list keys in `all_of` or `any_of`".to_owned(),
        ));
    }
    let demanded = rule
        .all_of
        .iter()
        .chain(rule.any_of.iter().flat_map(|any| &any.keys));
    if demanded.clone().count() + rule.security.len() > SIGNATURES {
        let problem = format!("more than {SIGNATURES} keys; an envelope holds no more signatures");
        return Err((start, problem));
    }
    for list in [demanded.collect::<Vec<_>>(), rule.security.iter().collect()] {
        let mut seen = BTreeSet::new();
        if let Some(twice) = list.into_iter().find(|listed| !seen.insert(listed.key)) {
            let problem = format!(
                "`{}` is listed twice; a key signs once and counts once",
                twice.key
            );
            return Err((start, problem));
        }
    }
    Ok(rule)
}

fn parse_all<T: FromStr<Err = String>>(items: &[Spanned<String>]) -> Result<Vec<T>, At> {
    let one = |item: &Spanned<String>| item.get_ref().parse().map_err(|p| (item.span().start, p));
    items.iter().map(one).collect()
}

fn any_of(raw: &Spanned<RawAnyOf>) -> Result<AnyOf, At> {
    let any = raw.get_ref();
    let keys: Vec<Listed> = any.keys.iter().map(listed).collect::<Result<_, _>>()?;
    match usize::try_from(*any.minimum.get_ref()) {
        Ok(minimum) if (1..=keys.len()).contains(&minimum) => Ok(AnyOf { minimum, keys }),
        _ => Err((
            any.minimum.span().start,
            format!(
                "`minimum` is {} of {} keys, allowed is 1 up to the number of keys",
                any.minimum.get_ref(),
                keys.len()
            ),
        )),
    }
}

fn listed(raw: &Spanned<RawListed>) -> Result<Listed, At> {
    let start = raw.span().start;
    let raw = raw.get_ref();
    let role = match Role::parse(&raw.role) {
        Some(Role::Security) => Err(
            "the role `security` trusts nothing by itself; put the key into the rule's `security` list".to_owned(),
        ),
        Some(role) => Ok(role),
        None => Err(format!(
            "`{}` is no role; write author, validator or owner",
            text::shown(&raw.role, 40)
        )),
    };
    key(role, &raw.key, raw.comment.as_ref()).map_err(|p| (start, p))
}

fn security(raw: &Spanned<RawSecurity>) -> Result<Listed, At> {
    let start = raw.span().start;
    let raw = raw.get_ref();
    key(Ok(Role::Security), &raw.key, raw.comment.as_ref()).map_err(|p| (start, p))
}

fn key(role: Result<Role, String>, key: &str, note: Option<&String>) -> Result<Listed, String> {
    Ok(Listed {
        role: role?,
        key: key
            .parse::<Did>()
            .map_err(|e| text::shown(&e.to_string(), 200))?,
        comment: comment(note)?,
    })
}

fn comment(text: Option<&String>) -> Result<Option<String>, String> {
    if let Some(text) = text {
        text::check(text, 0, TEXT_BYTES).map_err(|e| format!("`comment` {e}"))?;
    }
    Ok(text.cloned())
}

/// A rule as it is written.
fn table_of(rule: &Rule) -> Table {
    let words = |items: Vec<String>| value(items.into_iter().collect::<Array>());
    let mut table = Table::new();
    if let Some(comment) = &rule.comment {
        table["comment"] = value(comment);
    }
    table["names"] = words(rule.names.iter().map(ToString::to_string).collect());
    table["targets"] = words(rule.targets.iter().map(ToString::to_string).collect());
    if !rule.all_of.is_empty() {
        table["all_of"] = value(keys_of(&rule.all_of, true));
    }
    if !rule.security.is_empty() {
        table["security"] = value(keys_of(&rule.security, false));
    }
    if let Some(any) = &rule.any_of {
        let mut choice = Table::new();
        choice["minimum"] = value(i64::try_from(any.minimum).unwrap_or(i64::MAX));
        choice["keys"] = value(keys_of(&any.keys, true));
        table["any_of"] = Item::Table(choice);
    }
    table
}

/// Keys one to a line.
fn keys_of(keys: &[Listed], with_role: bool) -> Array {
    let mut array = Array::new();
    for listed in keys {
        let mut entry = InlineTable::new();
        if with_role {
            entry.insert("role", listed.role.word().into());
        }
        entry.insert("key", listed.key.to_string().into());
        if let Some(comment) = &listed.comment {
            entry.insert("comment", comment.as_str().into());
        }
        let mut entry = toml_edit::Value::InlineTable(entry);
        entry.decor_mut().set_prefix("\n    ");
        array.push_formatted(entry);
    }
    array.set_trailing("\n");
    array.set_trailing_comma(true);
    array
}

fn at(text: &str, byte: usize, problem: String) -> TrustError {
    let before = text.as_bytes().get(..byte).unwrap_or_default();
    TrustError {
        line: Some(1 + before.iter().filter(|b| **b == b'\n').count()),
        problem,
    }
}

fn at_no_line(problem: String) -> TrustError {
    TrustError {
        line: None,
        problem,
    }
}
