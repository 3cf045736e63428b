//! Brownian motion is a function, and it is Brownian motion.

mod function;
mod law;
