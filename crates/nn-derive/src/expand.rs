//! The implementation of `Module` for a type.
//!
//! Invariant: what stands in a field's line has the place of the field's type, so that "is not a `Module`" points there, and
//! names of variables that meet no name of the user's.

use std::collections::HashMap;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Generics, Index, Result, Type, parse_quote_spanned};

use crate::options;

pub fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let krate = match options::of_type(&input.attrs)? {
        Some(path) => quote!(#path),
        None => quote!(::wengert::nn),
    };
    let visitor = Ident::new("__visitor", Span::mixed_site());
    let mut seen: Vec<&Type> = Vec::new();
    let body = match &input.data {
        Data::Struct(data) => {
            let fields = fields(&data.fields)?;
            let visits = fields.iter().map(|f| {
                let (span, member) = (f.span(), &f.member);
                f.visit(&krate, &visitor, &quote_spanned!(span=> &self.#member))
            });
            let body = quote!(#(#visits)*);
            seen.extend(fields.iter().map(|f| f.ty));
            body
        }
        Data::Enum(data) if data.variants.is_empty() => quote!(match *self {}),
        Data::Enum(data) => {
            let mut arms = Vec::new();
            for variant in &data.variants {
                options::of_variant(&variant.attrs)?;
                let (name, fields) = (&variant.ident, fields(&variant.fields)?);
                let (mut places, mut visits) = (Vec::new(), Vec::new());
                for (i, f) in fields.iter().enumerate() {
                    let place = f.ty.span().resolved_at(Span::mixed_site());
                    let (bind, member) = (format_ident!("__field{i}", span = place), &f.member);
                    visits.push(f.visit(&krate, &visitor, &quote!(#bind)));
                    places.push(quote!(#member: #bind));
                }
                // Braces name the fields of every kind of variant, those of a tuple by index.
                arms.push(quote!(Self::#name { #(#places,)* .. } => { #(#visits)* }));
                seen.extend(fields.iter().map(|f| f.ty));
            }
            quote!(match self { #(#arms)* })
        }
        Data::Union(data) => {
            let reason = "a union cannot be a `Module`: its active field is unknown";
            return Err(Error::new(data.union_token.span(), reason));
        }
    };
    let name = &input.ident;
    let generics = bounded(input, &seen, &krate);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, ty_generics, _) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #impl_generics #krate::Module for #name #ty_generics #where_clause {
            fn visit(&self, #visitor: &mut #krate::Visitor<'_>) {
                let _ = &#visitor;
                #body
            }
        }
    })
}

/// A field that is visited.
struct Field<'a> {
    member: TokenStream,
    name: String,
    ty: &'a Type,
}

impl Field<'_> {
    /// The place of the type, with the names of the derive.
    fn span(&self) -> Span {
        self.ty.span().resolved_at(Span::call_site())
    }

    /// One line: the field under its name.
    fn visit(&self, krate: &TokenStream, visitor: &Ident, access: &TokenStream) -> TokenStream {
        let (span, name) = (self.span(), &self.name);
        quote_spanned!(span=> #krate::Visitor::field(#visitor, #name, #access);)
    }
}

/// The fields that are visited; no two under one name.
fn fields(fields: &Fields) -> Result<Vec<Field<'_>>> {
    let mut out = Vec::new();
    let mut names: HashMap<String, String> = HashMap::new();
    for (i, field) in fields.iter().enumerate() {
        let options = options::of_field(&field.attrs)?;
        if options.skip.is_some() {
            continue;
        }
        let (member, own) = match &field.ident {
            Some(ident) => (quote!(#ident), ident.unraw().to_string()),
            None => (Index::from(i).into_token_stream(), i.to_string()),
        };
        let (name, place) = match &options.rename {
            Some(to) => (to.value(), to.span()),
            None => (own.clone(), field.span()),
        };
        if let Some(other) = names.insert(name.clone(), own.clone()) {
            let reason = format!("the fields `{other}` and `{own}` are both named \"{name}\"");
            return Err(Error::new(place, reason));
        }
        let ty = &field.ty;
        out.push(Field { member, name, ty });
    }
    Ok(out)
}

/// The generics, and that the types of fields that depend on them are modules.
///
/// A field that holds the type itself (a tree's branches) is left out: its bound would be its own premise.
fn bounded(input: &DeriveInput, fields: &[&Type], krate: &TokenStream) -> Generics {
    let mut generics = input.generics.clone();
    let params: Vec<String> = input
        .generics
        .type_params()
        .map(|p| p.ident.to_string())
        .collect();
    let own = [input.ident.to_string(), "Self".to_string()];
    for ty in fields {
        let tokens = ty.to_token_stream();
        if mentions(tokens.clone(), &params) && !mentions(tokens, &own) {
            let span = ty.span().resolved_at(Span::call_site());
            let bound = parse_quote_spanned!(span=> #ty: #krate::Module);
            generics.make_where_clause().predicates.push(bound);
        }
    }
    generics
}

/// Whether one of these names stands in the tokens.
fn mentions(tokens: TokenStream, names: &[String]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => names.iter().any(|n| ident == n),
        TokenTree::Group(group) => mentions(group.stream(), names),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of the error that a declaration gives.
    fn refused(text: &str) -> String {
        match expand(&syn::parse_str(text).unwrap()) {
            Ok(_) => panic!("{text} is taken"),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn options_that_mean_nothing_are_refused() {
        let on_type = |option: &str| {
            for body in ["struct S;", "enum E { A(Linear) }"] {
                refused(&format!("#[module({option})] {body}"));
            }
            refused(&format!("#[module({option})] struct S;"))
        };
        let of_types = "stands on a field: a type has no name among the names of a state";
        assert_eq!(on_type("skip"), format!("`skip` {of_types}"));
        assert_eq!(on_type("rename = \"a\""), format!("`rename` {of_types}"));
        assert_eq!(
            on_type("krate = a"),
            "not an option of a type: expected `crate = path`"
        );
        assert_eq!(on_type("crate = a, crate = b"), "`crate` is given twice");

        let on_variant = "a variant has no options: they stand on its fields";
        for option in ["skip", "rename = \"a\"", "crate = a"] {
            let text = format!("enum E {{ #[module({option})] A(Linear) }}");
            assert_eq!(refused(&text), on_variant);
        }

        // On a field of a struct and of each kind of variant.
        let on_field = |option: &str| {
            let all = [
                "struct S { F a: L }",
                "struct S(F L);",
                "enum E { A { F a: L } }",
                "enum E { A(F L) }",
            ]
            .map(|text| refused(&text.replace('F', &format!("#[module({option})]"))));
            assert!(all.iter().all(|text| *text == all[0]), "{all:?}");
            all[0].clone()
        };
        assert_eq!(
            on_field("rename = \"\""),
            "a name is not empty and has no dot"
        );
        assert_eq!(
            on_field("rename = \"a.b\""),
            "a name is not empty and has no dot"
        );
        assert_eq!(
            on_field("rename = \"a\", rename = \"b\""),
            "`rename` is given twice"
        );
        assert_eq!(
            on_field("rename = \"a\")] #[module(rename = \"b\""),
            "`rename` is given twice"
        );
        assert_eq!(on_field("skip, skip"), "`skip` is given twice");
        assert_eq!(on_field("skip = true"), "`skip` takes no value");
        assert_eq!(on_field("skip(true)"), "`skip` takes no value");
        let both = "a field that is skipped has no name: `skip` or `rename`";
        assert_eq!(on_field("skip, rename = \"a\""), both);
        assert_eq!(on_field("rename = \"a\")] #[module(skip"), both);
        assert_eq!(on_field("crate = a"), "`crate` stands on the type");
        let unknown = "not an option of a field: expected `skip` or `rename = \"…\"`";
        assert_eq!(on_field("renamed = \"a\""), unknown);
        assert_eq!(on_field("a::skip"), unknown);
        assert_eq!(on_field(""), "`#[module()]` says nothing");
        assert!(on_field("rename = a").contains("expected string literal"));
        assert!(on_field("rename").contains("expected `=`"));
    }

    #[test]
    fn two_fields_of_one_name_are_refused() {
        for (text, reason) in [
            (
                "struct S { a: L, #[module(rename = \"a\")] b: L }",
                "the fields `a` and `b` are both named \"a\"",
            ),
            (
                "struct S { #[module(rename = \"b\")] a: L, b: L }",
                "the fields `a` and `b` are both named \"b\"",
            ),
            (
                "struct S(#[module(rename = \"1\")] L, L);",
                "the fields `0` and `1` are both named \"1\"",
            ),
            (
                "struct S { r#type: L, #[module(rename = \"type\")] b: L }",
                "the fields `type` and `b` are both named \"type\"",
            ),
            (
                "enum E { A, B { a: L, #[module(rename = \"a\")] b: L } }",
                "the fields `a` and `b` are both named \"a\"",
            ),
        ] {
            assert_eq!(refused(text), reason);
        }
        // One that is skipped has no name, and alternatives may have the same.
        for text in [
            "struct S { #[module(skip)] a: L, #[module(rename = \"a\")] b: L }",
            "enum E { A { a: L }, B { a: L } }",
        ] {
            assert!(expand(&syn::parse_str(text).unwrap()).is_ok());
        }
    }

    #[test]
    fn a_union_is_refused() {
        assert!(refused("union U { a: u8 }").contains("its active field is unknown"));
    }

    #[test]
    fn bounds_are_those_of_the_fields_that_depend_on_a_parameter() {
        let text = "struct S<'a, A, B: Config, C, const N: usize> { a: Vec<A>, b: B::Layer, n: [L; N], next: Option<Box<S<'a, A, B, C, N>>>, \
             #[module(skip)] c: C, d: &'a L }";
        let out = expand(&syn::parse_str(text).unwrap()).unwrap().to_string();
        let bounds = out
            .split("where")
            .nth(1)
            .and_then(|w| w.split('{').next())
            .unwrap();
        let expected: TokenStream =
            quote!(Vec<A>: ::wengert::nn::Module, B::Layer: ::wengert::nn::Module);
        assert_eq!(bounds.trim(), expected.to_string());
    }
}
