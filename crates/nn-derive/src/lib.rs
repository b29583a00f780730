//! `#[derive(Module)]` for Wengert: shows every field to the visitor, under its
//! name. `wengert` re-exports it; there is no need to name this crate.
//!
//! ```text
//! #[derive(Module)]
//! struct Encoder {
//!     layers: Vec<Linear>,          // layers.0.weight, layers.0.bias, …
//!     scale: Param,                 // scale
//!     #[module(rename = "head")]
//!     output: Option<Linear>,       // head.weight, head.bias, where there is one
//!     width: usize,                 // a setting
//!     #[module(skip)]
//!     names: HashMap<String, usize>,
//! }
//! ```

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, Index, parse_macro_input};

/// Implements `Module` for a struct (or an enum, whose active variant is visited).
///
/// Every field must be a module, a `Param`, a `Buffer`, or an `Option`, `Vec`, array or tuple of them;
/// numbers, booleans and strings pass as settings. `#[module(skip)]` leaves a field out;
/// `#[module(rename = "name")]` visits it under another name; `#[module(crate = path)]` on the type
/// names the crate that `Module` comes from, where it is not `wengert`.
#[proc_macro_derive(Module, attributes(module))]
pub fn derive_module(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// What `#[module(…)]` says.
#[derive(Default)]
struct Options {
    skip: bool,
    rename: Option<String>,
    krate: Option<syn::Path>,
}

fn options(attrs: &[syn::Attribute]) -> syn::Result<Options> {
    let mut out = Options::default();
    for attr in attrs.iter().filter(|a| a.path().is_ident("module")) {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("skip") {
                out.skip = true;
                Ok(())
            } else if meta.path.is_ident("rename") {
                let name: syn::LitStr = meta.value()?.parse()?;
                if name.value().is_empty() || name.value().contains('.') {
                    return Err(syn::Error::new(
                        name.span(),
                        "a name is not empty and has no dot",
                    ));
                }
                out.rename = Some(name.value());
                Ok(())
            } else if meta.path.is_ident("crate") {
                out.krate = Some(meta.value()?.parse()?);
                Ok(())
            } else {
                Err(meta.error("expected `skip`, `rename = \"…\"` or `crate = path`"))
            }
        })?;
    }
    Ok(out)
}

fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let top = options(&input.attrs)?;
    let krate = top
        .krate
        .map_or_else(|| quote!(::wengert::nn), |p| quote!(#p));
    let body = match &input.data {
        Data::Struct(s) => {
            let visits = s
                .fields
                .iter()
                .enumerate()
                .map(|(i, f)| {
                    let access = match &f.ident {
                        Some(name) => quote!(&self.#name),
                        None => {
                            let i = Index::from(i);
                            quote!(&self.#i)
                        }
                    };
                    visit(f, i, &access)
                })
                .collect::<syn::Result<Vec<_>>>()?;
            quote!(#(#visits)*)
        }
        Data::Enum(e) => {
            let arms = e
                .variants
                .iter()
                .map(|v| {
                    let name = &v.ident;
                    let mut visits = Vec::new();
                    let mut binds = Vec::new();
                    for (i, f) in v.fields.iter().enumerate() {
                        let bind = quote::format_ident!("field{i}");
                        visits.push(visit(f, i, &quote!(#bind))?);
                        binds.push(match &f.ident {
                            Some(name) => quote!(#name: #bind),
                            None => quote!(#bind),
                        });
                    }
                    Ok(match &v.fields {
                        Fields::Named(_) => quote!(Self::#name { #(#binds),* } => { #(let _ = #binds;)* #(#visits)* }),
                        Fields::Unnamed(_) => quote!(Self::#name(#(#binds),*) => { #(let _ = #binds;)* #(#visits)* }),
                        Fields::Unit => quote!(Self::#name => {}),
                    })
                })
                .collect::<syn::Result<Vec<_>>>()?;
            quote!(match self { #(#arms)* })
        }
        Data::Union(_) => {
            return Err(syn::Error::new(
                input.span(),
                "a union cannot be a `Module`: its active field is unknown",
            ));
        }
    };
    let name = &input.ident;
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    Ok(quote! {
        impl #impl_generics #krate::Module for #name #ty_generics #where_clause {
            fn visit(&self, visitor: &mut #krate::Visitor<'_>) {
                #body
            }
        }
    })
}

/// One line: the field under its name. Spanned at the type, so that "is not a `Module`" points there.
fn visit(field: &syn::Field, index: usize, access: &TokenStream) -> syn::Result<TokenStream> {
    let options = options(&field.attrs)?;
    if options.skip {
        return Ok(TokenStream::new());
    }
    let name = options.rename.unwrap_or_else(|| match &field.ident {
        Some(ident) => ident.to_string().trim_start_matches("r#").to_string(),
        None => index.to_string(),
    });
    Ok(quote_spanned!(field.ty.span()=> visitor.field(#name, #access);))
}
