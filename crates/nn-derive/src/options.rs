//! What `#[module(…)]` says.
//!
//! Invariant: an option that means nothing where it stands is an error, never ignored.

use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Error, LitStr, Path, Result, Token, token};

/// The options of a field.
#[derive(Default)]
pub struct FieldOptions {
    pub skip: Option<Span>,
    pub rename: Option<LitStr>,
}

/// Calls `f` with each option in the attributes.
fn each(
    attrs: &[Attribute],
    mut f: impl FnMut(&str, &ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    for attr in attrs.iter().filter(|a| a.path().is_ident("module")) {
        let mut any = false;
        attr.parse_nested_meta(|meta| {
            any = true;
            let name = meta.path.get_ident().map(ToString::to_string);
            f(name.as_deref().unwrap_or(""), &meta)
        })?;
        if !any {
            return Err(Error::new(attr.span(), "`#[module()]` says nothing"));
        }
    }
    Ok(())
}

fn once<T>(meta: &ParseNestedMeta<'_>, name: &str, slot: &Option<T>) -> Result<()> {
    match slot {
        Some(_) => Err(meta.error(format!("`{name}` is given twice"))),
        None => Ok(()),
    }
}

/// The options of a struct or an enum: the crate.
pub fn of_type(attrs: &[Attribute]) -> Result<Option<Path>> {
    let mut krate = None;
    each(attrs, |name, meta| match name {
        "crate" => {
            once(meta, "crate", &krate)?;
            krate = Some(meta.value()?.parse()?);
            Ok(())
        }
        "skip" | "rename" => Err(meta.error(format!(
            "`{name}` stands on a field: a type has no name among the names of a state"
        ))),
        _ => Err(meta.error("not an option of a type: expected `crate = path`")),
    })?;
    Ok(krate)
}

/// A variant has no options.
pub fn of_variant(attrs: &[Attribute]) -> Result<()> {
    each(attrs, |_, meta| {
        Err(meta.error("a variant has no options: they stand on its fields"))
    })
}

/// The options of a field: its name, or that it is left out.
pub fn of_field(attrs: &[Attribute]) -> Result<FieldOptions> {
    let mut out = FieldOptions::default();
    each(attrs, |name, meta| {
        match name {
            "skip" => {
                once(meta, "skip", &out.skip)?;
                if meta.input.peek(Token![=]) || meta.input.peek(token::Paren) {
                    return Err(meta.error("`skip` takes no value"));
                }
                out.skip = Some(meta.path.span());
            }
            "rename" => {
                once(meta, "rename", &out.rename)?;
                let to: LitStr = meta.value()?.parse()?;
                if to.value().is_empty() || to.value().contains('.') {
                    return Err(Error::new(to.span(), "a name is not empty and has no dot"));
                }
                out.rename = Some(to);
            }
            "crate" => return Err(meta.error("`crate` stands on the type")),
            _ => {
                let rule = "not an option of a field: expected `skip` or `rename = \"…\"`";
                return Err(meta.error(rule));
            }
        }
        if out.skip.is_some() && out.rename.is_some() {
            return Err(meta.error("a field that is skipped has no name: `skip` or `rename`"));
        }
        Ok(())
    })?;
    Ok(out)
}
