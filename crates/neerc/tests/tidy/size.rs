//! How long files and functions are.

use crate::source::{Source, sources};
use crate::{Finding, Rule, holds, places};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Most lines of a file that are not for tests only.
const FILE_LINES: usize = 500;
/// Most lines of a function, from its signature to its end.
const FUNCTION_LINES: usize = 70;

fn long_files(sources: &[Source]) -> Vec<Finding> {
    let lines = |source: &Source| source.text.lines().count() - source.test_lines;
    let long = sources.iter().filter(|source| lines(source) > FILE_LINES);
    long.map(|source| Finding::new(&source.path, format!("{} lines", lines(source)))).collect()
}

fn long_functions(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        let mut functions = Functions::default();
        functions.visit_file(&source.file);
        let long = functions.0.into_iter().filter(|(_, lines)| *lines > FUNCTION_LINES);
        found.extend(
            long.map(|(name, lines)| Finding::new(format!("{} {name}", source.path), format!("{lines} lines"))),
        );
    }
    found
}

/// Names and lengths.
#[derive(Default)]
struct Functions(Vec<(String, usize)>);

impl Functions {
    fn note(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let lines = block.span().end().line + 1 - signature.span().start().line;
        self.0.push((signature.ident.to_string(), lines));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.note(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[test]
fn files_are_short() {
    holds(Rule::FileLines, &long_files(&sources()));
    let body = "// a line\n".repeat(FILE_LINES);
    let source = |text: String| [Source::read("neerc-core", "x.rs", text)];
    assert!(long_files(&source(body.clone())).is_empty());
    assert_eq!(places(&long_files(&source(body.clone() + "// one more\n"))), ["neerc-core/src/x.rs"]);
    let tests = "#[cfg(test)]\nmod tests {\n}\n";
    assert!(long_files(&source(body + tests)).is_empty(), "lines for tests count");
}

#[test]
fn functions_are_short() {
    holds(Rule::FunctionLines, &long_functions(&sources()));
    let function =
        |lines: usize| format!("impl X {{\n/// Doc.\nfn f(\n&self) {{\n{}}}\n}}\n", "a();\n".repeat(lines - 3));
    let source = |lines| [Source::read("neerc-core", "x.rs", function(lines))];
    assert!(long_functions(&source(FUNCTION_LINES)).is_empty());
    assert_eq!(places(&long_functions(&source(FUNCTION_LINES + 1))), ["neerc-core/src/x.rs f"]);
}
