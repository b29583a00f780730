//! Optimizers. Each is one file: its settings, the names of what it keeps, its update. Groups, steps, states, element types
//! and the checks of settings are written once, in [`Optim`].

mod adam;
mod algorithm;
mod clip;
mod group;
mod optimizer;
mod params;
mod rmsprop;
mod sgd;

pub use adam::{Adam, AdamRule, AdamW};
pub use algorithm::{Algorithm, Optim};
pub(crate) use clip::{check as check_clip, clip};
pub use clip::{clip_grad_norm, clip_grad_norm_p};
pub use group::{Group, Setting};
pub use optimizer::Optimizer;
pub use params::IntoParams;
pub use rmsprop::{RmsProp, RmsPropRule};
pub use sgd::{Sgd, SgdRule};
