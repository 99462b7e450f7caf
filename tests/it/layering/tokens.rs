//! Rust source as a list of tokens, with comments and literals told apart from code.
//!
//! A lexer and no more: enough to know that `"tokio"` in a string, or `f64` in a comment, is not code. It knows nested
//! block comments, raw strings, lifetimes beside character literals, and floats beside ranges and tuple fields.

/// A piece of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A name or keyword (a raw one without its `r#`).
    Word(String),
    /// A number with a fraction, an exponent or a float suffix.
    Float,
    /// A plain string, as written between its quotes.
    Text(String),
    /// Any other literal, and lifetimes.
    Literal,
    /// One character of punctuation.
    Mark(char),
}

/// A piece of code and the line that it starts on, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

impl Token {
    /// True if it is this word.
    pub fn is(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(own) if own == word)
    }

    /// True if it is this character of punctuation.
    pub fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }

    /// The word, if it is one.
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(own) => Some(own),
            _ => None,
        }
    }
}

/// All tokens of a source text.
pub fn tokens(source: &str) -> Vec<Token> {
    Lexer { text: source.chars().collect(), at: 0, line: 1, found: Vec::new() }.run()
}

struct Lexer {
    text: Vec<char>,
    at: usize,
    line: usize,
    found: Vec<Token>,
}

impl Lexer {
    fn run(mut self) -> Vec<Token> {
        while let Some(c) = self.peek(0) {
            let line = self.line;
            let kind = match c {
                c if c.is_whitespace() => {
                    self.step();
                    continue;
                }
                '/' if self.peek(1) == Some('/') => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.step();
                    }
                    continue;
                }
                '/' if self.peek(1) == Some('*') => {
                    self.block_comment();
                    continue;
                }
                '"' => self.quoted('"'),
                '\'' => self.tick(),
                c if c.is_ascii_digit() => self.number(),
                c if c == '_' || c.is_alphabetic() => self.word(),
                c => {
                    self.step();
                    Kind::Mark(c)
                }
            };
            self.found.push(Token { kind, line });
        }
        self.found
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn step(&mut self) {
        if self.peek(0) == Some('\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0usize;
        while let Some(c) = self.peek(0) {
            match (c, self.peek(1)) {
                ('/', Some('*')) => {
                    depth += 1;
                    self.skip(2);
                }
                ('*', Some('/')) => {
                    depth -= 1;
                    self.skip(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.step(),
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Kind {
        self.step();
        let start = self.at;
        while let Some(c) = self.peek(0).filter(|c| *c != quote) {
            self.skip(if c == '\\' { 2 } else { 1 });
        }
        let text = self.text[start..self.at.min(self.text.len())].iter().collect();
        self.step();
        if quote == '"' { Kind::Text(text) } else { Kind::Literal }
    }

    fn raw_string(&mut self, hashes: usize) -> Kind {
        self.skip(hashes + 1);
        while let Some(c) = self.peek(0) {
            self.step();
            if c == '"' && (0..hashes).all(|n| self.peek(n) == Some('#')) {
                self.skip(hashes);
                break;
            }
        }
        Kind::Literal
    }

    /// A lifetime (`'a`) has no closing tick right after its first character; a character literal has.
    fn tick(&mut self) -> Kind {
        let is_lifetime = self.peek(1).is_some_and(|c| c == '_' || c.is_alphabetic()) && self.peek(2) != Some('\'');
        if !is_lifetime {
            return self.quoted('\'');
        }
        self.step();
        while self.peek(0).is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            self.step();
        }
        Kind::Literal
    }

    fn number(&mut self) -> Kind {
        let is_field = self.found.last().is_some_and(|token| token.is_mark('.'))
            && !self.found.iter().rev().nth(1).is_some_and(|token| token.is_mark('.'));
        let hexadecimal = self.peek(0) == Some('0') && matches!(self.peek(1), Some('x' | 'o' | 'b'));
        let mut digits = String::new();
        let mut take = |lexer: &mut Self| {
            while let Some(c) = lexer.peek(0).filter(|c| *c == '_' || c.is_ascii_alphanumeric()) {
                digits.push(c);
                lexer.step();
            }
        };
        take(self);
        if is_field || hexadecimal {
            return Kind::Literal;
        }
        let mut float = false;
        if self.peek(0) == Some('.') && !self.peek(1).is_some_and(|c| c == '.' || c == '_' || c.is_alphabetic()) {
            float = true;
            self.step();
            take(self);
        }
        let exponent = digits.contains(['e', 'E']) && !digits.ends_with("size");
        float |= exponent || digits.ends_with("f32") || digits.ends_with("f64");
        if float { Kind::Float } else { Kind::Literal }
    }

    fn word(&mut self) -> Kind {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            self.step();
        }
        let word: String = self.text[start..self.at].iter().collect();
        let prefix = matches!(word.as_str(), "r" | "b" | "br" | "c" | "cr");
        if prefix {
            let raw = word.ends_with('r');
            let hashes = (0..).take_while(|n| self.peek(*n) == Some('#')).count();
            if raw && self.peek(hashes) == Some('"') {
                return self.raw_string(hashes);
            }
            if raw && hashes == 1 {
                self.step();
                return self.word();
            }
            match self.peek(0) {
                Some('"') => return self.quoted('"'),
                Some('\'') if word == "b" => return self.quoted('\''),
                _ => {}
            }
        }
        Kind::Word(word)
    }
}

/// A module in a file of its own that is compiled for tests only.
#[derive(Debug, PartialEq, Eq)]
pub struct TestModule {
    /// Its name.
    pub name: String,
    /// Its file, where a `#[path = "…"]` says so.
    pub path: Option<String>,
}

/// The tokens without everything that is compiled for tests only (`#[cfg(test)]` on an item, or `#![cfg(test)]` on the
/// file), and the modules that are declared for tests only (`#[cfg(test)] mod name;`).
pub fn without_tests(all: Vec<Token>) -> (Vec<Token>, Vec<TestModule>) {
    const ATTRIBUTE: [&str; 4] = ["cfg", "(", "test", ")"];
    let is_test_attribute = |at: usize| {
        all.get(at).is_some_and(|token| token.is_mark('['))
            && ATTRIBUTE.iter().enumerate().all(|(n, expected)| {
                all.get(at + 1 + n).is_some_and(|token| match token.kind {
                    Kind::Mark(mark) => expected.starts_with(mark),
                    _ => token.is(expected),
                })
            })
    };
    let mut kept = Vec::with_capacity(all.len());
    let mut test_modules = Vec::new();
    let mut at = 0;
    while at < all.len() {
        if all[at].is_mark('#') && all.get(at + 1).is_some_and(|t| t.is_mark('!')) && is_test_attribute(at + 2) {
            return (Vec::new(), test_modules);
        }
        if !(all[at].is_mark('#') && is_test_attribute(at + 1)) {
            kept.push(all[at].clone());
            at += 1;
            continue;
        }
        // The item ends with the brace that closes its first one, or with a semicolon before any.
        let mut depth = 0usize;
        let start = at;
        while at < all.len() {
            let token = &all[at];
            at += 1;
            match token.kind {
                Kind::Mark('{' | '(' | '[') => depth += 1,
                Kind::Mark('}' | ')' | ']') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 && token.is_mark('}') {
                        break;
                    }
                }
                Kind::Mark(';') if depth == 0 => {
                    let item = &all[start..at];
                    test_modules.extend(test_module(item));
                    break;
                }
                _ => {}
            }
        }
    }
    (kept, test_modules)
}

fn test_module(item: &[Token]) -> Option<TestModule> {
    let name = item.windows(2).find(|pair| pair[0].is("mod"))?[1].word()?.to_owned();
    let path =
        item.windows(3).find(|three| three[0].is("path") && three[1].is_mark('=')).and_then(|three| {
            match &three[2].kind {
                Kind::Text(path) => Some(path.clone()),
                _ => None,
            }
        });
    Some(TestModule { name, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        tokens(source).iter().filter_map(|token| token.word().map(str::to_owned)).collect()
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        let source = r####"
            // tokio
            /* f64 /* nested */ still comment */
            let a = "rand \" quoted"; let b = r#"async " "# ; let c = b"x"; let d = '"'; let e: &'a str = br"do_send(";
            let r#type = '\'';
        "####;
        assert_eq!(words(source), ["let", "a", "let", "b", "let", "c", "let", "d", "let", "e", "str", "let", "type"]);
    }

    #[test]
    fn floats_are_told_from_ranges_fields_and_hexadecimals() {
        for (source, float) in [
            ("1.5", true),
            ("1e9", true),
            ("2f64", true),
            ("1_000.0", true),
            ("1.", true),
            ("1..2", false),
            ("pair.0.1", false),
            ("1.max(2)", false),
            ("0x1e9", false),
            ("7usize", false),
            ("0..10", false),
        ] {
            assert_eq!(tokens(source).iter().any(|token| token.kind == Kind::Float), float, "{source}");
        }
    }

    #[test]
    fn what_is_compiled_for_tests_only_is_left_out() {
        let (kept, modules) = without_tests(tokens(
            "fn a() {} #[cfg(test)] mod tests { fn hidden() { x.unwrap(); } } fn b() {} #[cfg(test)] mod cases; \
             #[cfg(test)] use std::fmt; #[cfg(test)] #[path = \"a_tests.rs\"] mod other; fn c() {}",
        ));
        let names: Vec<_> = kept.iter().filter_map(Token::word).collect();
        assert_eq!(names, ["fn", "a", "fn", "b", "fn", "c"]);
        let module = |name: &str, path: Option<&str>| TestModule { name: name.into(), path: path.map(str::to_owned) };
        assert_eq!(modules, [module("cases", None), module("other", Some("a_tests.rs"))]);
        assert!(without_tests(tokens("#![cfg(test)] fn a() {}")).0.is_empty());
    }
}
