//! What may panic, and the comments that prove that it does not.

use crate::source::{Source, sources};
use crate::{Finding, Rule, holds, places};
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

const CALLS: [&str; 4] = ["unwrap", "expect", "unwrap_err", "expect_err"];
const MACROS: [&str; 4] = ["panic", "unreachable", "todo", "unimplemented"];

fn unproven(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        let mut panics = Panics { source, statement: 0, function: String::new(), found: Vec::new() };
        panics.visit_file(&source.file);
        found.extend(panics.found);
    }
    found
}

struct Panics<'s> {
    source: &'s Source,
    /// The first line of the statement that is looked at.
    statement: usize,
    function: String,
    found: Vec<Finding>,
}

impl Panics<'_> {
    fn note(&mut self, what: &str, at: Span) {
        let line = at.start().line;
        let comments = |line: usize| self.source.line(line).contains("// ");
        let above = |line: usize| self.source.line(line.saturating_sub(1)).trim_start().starts_with("// ");
        if !comments(line) && !above(line) && !above(self.statement) {
            let place = format!("{} {}", self.source.path, self.function);
            self.found.push(Finding::new(place, format!("{what} without a proof in line {line}")));
        }
    }

    /// What a macro is given, which syn does not read.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut after_dot = false;
        for token in tokens {
            match &token {
                TokenTree::Ident(name) if after_dot && CALLS.iter().any(|call| name == call) => {
                    self.note(&name.to_string(), name.span());
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                _ => {}
            }
            after_dot = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '.');
        }
    }
}

impl<'ast> Visit<'ast> for Panics<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function = function.sig.ident.to_string();
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.function = function.sig.ident.to_string();
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        self.statement = statement.span().start().line;
        visit::visit_stmt(self, statement);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if CALLS.iter().any(|name| call.method == name) {
            self.note(&call.method.to_string(), call.method.span());
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_index(&mut self, index: &'ast syn::ExprIndex) {
        if matches!(&*index.index, syn::Expr::Lit(_)) {
            self.note("an index", index.index.span());
        }
        visit::visit_expr_index(self, index);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let name = call.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        if MACROS.contains(&name.as_str()) {
            self.note(&name, call.path.span());
        }
        self.tokens(call.tokens.clone());
    }
}

#[test]
fn what_may_panic_is_proven_not_to() {
    holds(Rule::Panic, &unproven(&sources()));
    let source = |line: &str| [Source::read("neerc-core", "x.rs", format!("fn f() {{\n    {line}\n}}\n"))];
    for line in ["a.unwrap();", "a.expect(\"b\");", "a[0];", "println!(\"{}\", a.unwrap());", "panic!();"] {
        assert_eq!(places(&unproven(&source(line))), ["neerc-core/src/x.rs f"], "{line}");
        assert!(unproven(&source(&format!("{line} // it is there"))).is_empty(), "{line}");
        assert!(unproven(&source(&format!("// it is there\n    {line}"))).is_empty(), "{line}");
    }
    assert!(unproven(&source("a.unwrap_or_default();")).is_empty());
}
