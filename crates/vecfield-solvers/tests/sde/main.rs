//! Stochastic equations: orders, paths, refusals, reversal. A binary of their own, so that either half links quickly.

mod orders;
mod paths;
mod problems;
mod refusals;
mod weak;
