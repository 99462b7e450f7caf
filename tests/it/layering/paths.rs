//! The paths that a piece of code names, resolved against the module that it stands in.
//!
//! `use` trees are spread out (groups, renamings, globs), `crate`, `self` and `super` are resolved, inline modules count.
//! A path that leaves the crate keeps its first segment as it is written.

use super::tokens::{Kind, Token};

/// A path of the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// True if it starts at this crate's root; `segments` then does not repeat `crate`.
    pub own: bool,
    /// The names from there on; a glob ends a path.
    pub segments: Vec<String>,
    /// Where it stands.
    pub line: usize,
}

impl Path {
    /// As it would be written.
    pub fn text(&self) -> String {
        let rest = self.segments.join("::");
        if self.own { format!("crate::{rest}") } else { rest }
    }
}

/// The module path of a file under `src/`, e.g. `actors/market/mod.rs` -> `[actors, market]`.
pub fn module_of(file: &str) -> Vec<String> {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let mut segments: Vec<String> = stem.split('/').map(str::to_owned).collect();
    let is_root = segments.len() == 1 && matches!(segments[0].as_str(), "lib" | "main");
    if is_root || segments.last().is_some_and(|last| last == "mod") {
        segments.pop();
    }
    segments
}

/// All paths of two or more segments, and every leaf of every `use`.
pub fn paths(code: &[Token], module: &[String]) -> Vec<Path> {
    let mut walker = Walker { code, at: 0, module: module.to_vec(), inline: Vec::new(), depth: 0, found: Vec::new() };
    walker.run();
    walker.found
}

struct Walker<'a> {
    code: &'a [Token],
    at: usize,
    module: Vec<String>,
    /// Brace depths at which inline modules were opened.
    inline: Vec<usize>,
    depth: usize,
    found: Vec<Path>,
}

impl Walker<'_> {
    fn run(&mut self) {
        while let Some(token) = self.code.get(self.at) {
            match &token.kind {
                Kind::Mark('{') => self.depth += 1,
                Kind::Mark('}') => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.inline.last() == Some(&self.depth) {
                        self.inline.pop();
                        self.module.pop();
                    }
                }
                Kind::Word(word) if word == "use" && !self.mark_at(self.at + 1, '<') => {
                    self.at += 1;
                    self.skip_leading_colons();
                    self.use_tree(&[]);
                    continue;
                }
                Kind::Word(word) if word == "mod" => {
                    if let (Some(name), true) =
                        (self.code.get(self.at + 1).and_then(Token::word), self.mark_at(self.at + 2, '{'))
                    {
                        self.module.push(name.to_owned());
                        self.inline.push(self.depth);
                        self.depth += 1;
                        self.at += 3;
                        continue;
                    }
                }
                Kind::Word(_) => {
                    self.expression_path();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn mark_at(&self, at: usize, mark: char) -> bool {
        self.code.get(at).is_some_and(|token| token.is_mark(mark))
    }

    fn follows_mark(&self, mark: char) -> bool {
        self.at > 0 && self.mark_at(self.at - 1, mark)
    }

    fn colons_at(&self, at: usize) -> bool {
        self.mark_at(at, ':') && self.mark_at(at + 1, ':')
    }

    fn skip_leading_colons(&mut self) {
        if self.colons_at(self.at) {
            self.at += 2;
        }
    }

    fn expression_path(&mut self) {
        let line = self.code[self.at].line;
        // What follows a dot is a method or a field; what follows `::` belongs to a path with type arguments in it.
        let continues = self.follows_mark('.') || self.follows_mark(':') && self.at > 1 && self.colons_at(self.at - 2);
        let mut segments = Vec::new();
        while let Some(word) = self.code.get(self.at).and_then(Token::word) {
            segments.push(word.to_owned());
            self.at += 1;
            if !(self.colons_at(self.at) && self.code.get(self.at + 2).is_some_and(|t| t.word().is_some())) {
                break;
            }
            self.at += 2;
        }
        if !continues && segments.len() > 1 {
            self.push(segments, line);
        }
    }

    fn use_tree(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        let line = self.code.get(self.at).map_or(0, |token| token.line);
        loop {
            match self.code.get(self.at).map(|token| &token.kind) {
                Some(Kind::Word(word)) if word == "as" => self.at += 2,
                Some(Kind::Word(word)) => {
                    if word != "self" || segments.is_empty() {
                        segments.push(word.clone());
                    }
                    self.at += 1;
                    self.skip_leading_colons();
                }
                Some(Kind::Mark('*')) => self.at += 1,
                Some(Kind::Mark('{')) => {
                    self.at += 1;
                    while self.code.get(self.at).is_some_and(|token| !token.is_mark('}')) {
                        self.skip_leading_colons();
                        self.use_tree(&segments);
                        if self.mark_at(self.at, ',') {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                _ => break,
            }
        }
        self.push(segments, line);
        // A leaf that ended at something unforeseen must not stop the walk.
        if self.code.get(self.at).is_some_and(|t| !(t.is_mark(',') || t.is_mark('}') || t.is_mark(';'))) {
            self.at += 1;
        }
    }

    fn push(&mut self, written: Vec<String>, line: usize) {
        let mut rest = written.as_slice();
        let mut base = self.module.clone();
        let own = match rest.first().map(String::as_str) {
            Some("crate" | "zmart") => {
                base.clear();
                rest = &rest[1..];
                true
            }
            Some("self") => {
                rest = &rest[1..];
                true
            }
            Some("super") => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
                true
            }
            Some(_) => false,
            None => return,
        };
        let segments = if own { base.into_iter().chain(rest.iter().cloned()).collect() } else { written };
        self.found.push(Path { own, segments, line });
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tokens::tokens, *};

    fn found(file: &str, source: &str) -> Vec<String> {
        paths(&tokens(source), &module_of(file)).iter().map(Path::text).collect()
    }

    #[test]
    fn use_trees_are_spread_out_and_resolved() {
        assert_eq!(
            found(
                "domain/market.rs",
                "use crate::{actors::{self, stream::ReadError as E}, chain::*}; use super::fees::Fees;"
            ),
            ["crate::actors", "crate::actors::stream::ReadError", "crate::chain", "crate::domain::fees::Fees"]
        );
        assert_eq!(found("domain/mod.rs", "use super::http::ws;"), ["crate::http::ws"]);
        assert_eq!(found("actors/market/mod.rs", "use super::super::http;"), ["crate::http"]);
        assert_eq!(found("main.rs", "use zmart::cli; use std::{fmt, io};"), ["crate::cli", "std::fmt", "std::io"]);
    }

    #[test]
    fn paths_in_expressions_and_types_are_found() {
        assert_eq!(
            found(
                "domain/a.rs",
                "fn f(x: &crate::http::App) -> u8 { super::b::g(); Vec::<tokio::net::TcpStream>::new(); x.y }"
            ),
            ["crate::http::App", "crate::domain::b::g", "tokio::net::TcpStream"]
        );
    }

    #[test]
    fn inline_modules_count() {
        assert_eq!(
            found(
                "domain/a.rs",
                "mod inner { fn f() { if x { super::g::h() } super::super::b::c() } } use super::d::e;"
            ),
            ["crate::domain::a::g::h", "crate::domain::b::c", "crate::domain::d::e"]
        );
    }
}
