//! The laws themselves: they pass what is right, reject what is wrong, and say which component.

mod derivatives;
mod mutants;
mod orders;
