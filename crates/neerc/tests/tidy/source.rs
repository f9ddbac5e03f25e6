//! The production sources of the workspace: what is reached from the root of each crate and is not for tests only.

use proc_macro2::{TokenStream, TokenTree};
use std::fs;
use std::path::{Path, PathBuf};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, File, ImplItem, Item, Stmt};

/// The crates of the house, lowest first; what serves the tests only is none of them.
pub const CRATES: [&str; 4] = ["neerc-core", "neerc-store", "neerc-xmpp", "neerc"];

/// One file of production code.
pub struct Source {
    /// Of which crate.
    pub krate: String,
    /// Its path from the folder of the crates.
    pub path: String,
    /// Its module, from the crate's root.
    pub module: Vec<String>,
    /// As it is written.
    pub text: String,
    /// As it is read, without what is for tests only.
    pub file: File,
    /// Lines that are for tests only.
    pub test_lines: usize,
}

impl Source {
    /// Reads a text as a file of a crate; `at`: its path from the crate's src.
    pub fn read(krate: &str, at: &str, text: String) -> Source {
        let path = format!("{krate}/src/{at}");
        let mut file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut pruned = Pruned::default();
        pruned.visit_file_mut(&mut file);
        let module = at.trim_end_matches(".rs").split('/').filter(|part| !["lib", "main", "mod"].contains(part));
        let module = module.map(str::to_owned).collect();
        Source { krate: krate.to_owned(), path, module, text, file, test_lines: pruned.lines }
    }

    /// The line of that number, the first being 1.
    pub fn line(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|at| self.text.lines().nth(at)).unwrap_or_default()
    }

    /// Every path that the source writes, from the root of its crate or another: `crate::board::Board`, `std::fs`.
    pub fn paths(&self) -> Vec<Vec<String>> {
        let mut paths = Paths::default();
        paths.visit_file(&self.file);
        paths.found.into_iter().map(|path| self.resolved(path)).collect()
    }

    /// Begins at the crate instead of at `self` or `super`.
    fn resolved(&self, path: Vec<String>) -> Vec<String> {
        let ups = path.iter().take_while(|part| *part == "super").count();
        let here = path.first().is_some_and(|first| first == "self");
        if ups == 0 && !here {
            return path;
        }
        let kept = self.module.len().saturating_sub(ups);
        let base = std::iter::once("crate".to_owned()).chain(self.module.iter().take(kept).cloned());
        base.chain(path.into_iter().skip(ups + usize::from(here))).collect()
    }
}

/// The folder of the crates.
pub fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file from the root of the repository.
pub fn read(path: &str) -> String {
    fs::read_to_string(crates().join("..").join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All production sources.
pub fn sources() -> Vec<Source> {
    CRATES.into_iter().flat_map(of_crate).collect()
}

fn of_crate(krate: &str) -> Vec<Source> {
    let src = crates().join(krate).join("src");
    let mut found = Vec::new();
    for root in ["lib.rs", "main.rs"] {
        if src.join(root).exists() {
            follow(krate, &src, root, &mut found);
        }
    }
    found
}

/// Reads a file and the modules that it declares.
fn follow(krate: &str, src: &Path, at: &str, found: &mut Vec<Source>) {
    let source = Source::read(krate, at, fs::read_to_string(src.join(at)).expect("a module that cargo has compiled"));
    let (folder, name) = at.rsplit_once('/').unwrap_or(("", at));
    let below = if ["lib.rs", "main.rs", "mod.rs"].contains(&name) { "" } else { name.trim_end_matches(".rs") };
    let declared: Vec<String> = source.file.items.iter().filter_map(declared).collect();
    found.push(source);
    for module in declared {
        let parts = [folder, below, &module].into_iter().filter(|part| !part.is_empty());
        let base = parts.collect::<Vec<_>>().join("/");
        let file = [format!("{base}.rs"), format!("{base}/mod.rs")].into_iter().find(|file| src.join(file).exists());
        follow(krate, src, &file.unwrap_or_else(|| panic!("{krate}: no file for {base}")), found);
    }
}

/// The name of a module in a file of its own.
fn declared(item: &Item) -> Option<String> {
    let Item::Mod(module) = item else { return None };
    module.content.is_none().then(|| module.ident.to_string())
}

/// Takes out what is for tests only, and counts its lines.
#[derive(Default)]
struct Pruned {
    lines: usize,
}

impl Pruned {
    fn keeps(&mut self, attrs: &[Attribute], span: proc_macro2::Span) -> bool {
        let tests_only = attrs.iter().any(|attr| {
            attr.path().is_ident("cfg") && attr.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
        });
        if tests_only {
            self.lines += span.end().line + 1 - span.start().line;
        }
        !tests_only
    }
}

impl VisitMut for Pruned {
    fn visit_file_mut(&mut self, file: &mut File) {
        file.items.retain(|item| self.keeps(attrs(item), item.span()));
        visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            items.retain(|item| self.keeps(attrs(item), item.span()));
        }
        visit_mut::visit_item_mod_mut(self, module);
    }

    fn visit_item_impl_mut(&mut self, block: &mut syn::ItemImpl) {
        block.items.retain(|item| match item {
            ImplItem::Fn(function) => self.keeps(&function.attrs, item.span()),
            ImplItem::Const(constant) => self.keeps(&constant.attrs, item.span()),
            _ => true,
        });
        visit_mut::visit_item_impl_mut(self, block);
    }

    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.retain(|statement| match statement {
            Stmt::Item(item) => self.keeps(attrs(item), item.span()),
            _ => true,
        });
        visit_mut::visit_block_mut(self, block);
    }
}

fn attrs(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
}

impl Paths {
    fn used(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree {
            syn::UseTree::Path(path) => self.used(&with(path.ident.to_string()), &path.tree),
            syn::UseTree::Name(name) => self.found.push(with(name.ident.to_string())),
            syn::UseTree::Rename(name) => self.found.push(with(name.ident.to_string())),
            syn::UseTree::Glob(_) => self.found.push(before.to_vec()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.used(before, tree)),
        }
    }

    /// The paths in what a macro is given, which syn does not read.
    fn tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Vec::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.found.push(std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.found.push(std::mem::take(&mut path));
                    self.tokens(group.stream());
                }
                _ => self.found.push(std::mem::take(&mut path)),
            }
        }
        self.found.push(path);
        self.found.retain(|path| !path.is_empty());
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.used(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.found.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

#[test]
fn all_sources_are_found_and_no_test_is_among_them() {
    let all = sources();
    let here = |path: &str| all.iter().any(|source| source.path == path);
    assert!(here("neerc-core/src/ledger.rs") && here("neerc-xmpp/src/front/mod.rs") && here("neerc/src/main.rs"));
    assert!(!here("neerc-core/src/ledger/tests.rs"));
}

#[test]
fn what_is_for_tests_only_is_left_out_and_counted() {
    let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
    let source = Source::read("neerc-core", "x.rs", text.to_owned());
    assert_eq!((source.file.items.len(), source.test_lines), (1, 4));
    assert!(source.paths().is_empty());
}

#[test]
fn paths_are_read_from_the_root_also_in_macros() {
    let text = "use super::b::{self, C};\nfn a() { format!(\"{}\", crate::d::e()); std::fs::read(\"\"); }\n";
    let source = Source::read("neerc-core", "face/x.rs", text.to_owned());
    let paths: Vec<String> = source.paths().iter().map(|path| path.join("::")).collect();
    for path in ["crate::face::b::self", "crate::face::b::C", "crate::d::e", "std::fs::read"] {
        assert!(paths.iter().any(|found| found == path), "{path} is not among {paths:?}");
    }
}
