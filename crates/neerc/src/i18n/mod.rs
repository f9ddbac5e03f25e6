//! Words for people, by key, in the languages of the files in `i18n`. Not what is said when, and not the words people
//! type: those are in the core's menu. A word that is missing falls back to English, then to its key; nothing panics.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use neerc_core::face::words::{Arg, Language, Words};
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

/// The words in the files.
#[derive(Clone, Copy, Debug)]
pub struct Files;

impl Words for Files {
    fn find(&self, language: Language, key: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
        bundle(language).say(key, args).or_else(|| bundle(Language::English).say(key, args))
    }
}

fn source(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("en.ftl"),
        Language::Russian => include_str!("ru.ftl"),
    }
}

fn bundle(language: Language) -> &'static Bundle {
    static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| Bundle::of(Language::English));
    static RUSSIAN: LazyLock<Bundle> = LazyLock::new(|| Bundle::of(Language::Russian));
    match language {
        Language::English => &ENGLISH,
        Language::Russian => &RUSSIAN,
    }
}

/// The words of one language.
struct Bundle(FluentBundle<FluentResource>);

impl Bundle {
    /// Whatever of a file cannot be read is missing; a test asserts that nothing is.
    fn of(language: Language) -> Bundle {
        let id: LanguageIdentifier = language.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        bundle.set_use_isolating(false);
        let resource = match FluentResource::try_new(source(language).to_owned()) {
            Ok(resource) => resource,
            Err((resource, _)) => resource,
        };
        bundle.add_resource_overriding(resource);
        Bundle(bundle)
    }

    fn say(&self, key: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
        let pattern = self.0.get_message(key)?.value()?;
        let mut values = FluentArgs::with_capacity(args.len());
        for (name, arg) in args {
            let value = match arg {
                Arg::Text(text) => FluentValue::String((*text).into()),
                Arg::Number(number) => FluentValue::from(*number),
            };
            values.set(*name, value);
        }
        // A blank that nothing was given for shows its name; the rest of the text is still worth saying.
        Some(self.0.format_pattern(pattern, Some(&values), &mut Vec::new()).into_owned())
    }
}

#[cfg(test)]
mod tests;
