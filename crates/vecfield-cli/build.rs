//! Asks the linker for a small program, where it knows how.
//!
//! | asked for | because |
//! |---|---|
//! | equal functions folded into one | generic code for two types is often the same code |
//! | no tables for unwinding | a panic of the release profile aborts: nobody walks the stack |
//!
//! Each is tried on a program of one line first, which is linked and run: a linker or a C library that does not know it goes
//! without, and the program is the same but for its size.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Leaves the tables for unwinding out.
const DISCARD: &str = "SECTIONS { /DISCARD/ : { *(.eh_frame .eh_frame_hdr) } } INSERT AFTER .text;\n";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    // What cannot be run here cannot be tried.
    let native = env::var("TARGET") == env::var("HOST");
    if !is("PROFILE", "release") || !is("CARGO_CFG_TARGET_OS", "linux") || !native {
        return;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let script = out.join("discard.ld");
    fs::write(&script, DISCARD).expect("cargo made the folder");
    let script = format!("-Wl,-T,{}", script.display());
    let wishes: [&[&str]; 2] = [&["-Wl,--icf=all"], &["-Wl,--no-eh-frame-hdr", &script]];
    for wish in wishes {
        if knows(wish, &out) {
            wish.iter().for_each(|argument| println!("cargo::rustc-link-arg-bins={argument}"));
        }
    }
}

/// Does a program that is linked with these arguments run?
fn knows(arguments: &[&str], out: &Path) -> bool {
    let (source, program) = (out.join("tried.rs"), out.join("tried"));
    fs::write(&source, "fn main() { println!(\"{:?}\", std::env::args()); }\n").expect("cargo made the folder");
    let mut rustc = Command::new(env::var_os("RUSTC").expect("cargo sets it"));
    rustc.arg(&source).arg("-o").arg(&program).args(["-C", "panic=abort"]);
    if let Ok(flags) = env::var("CARGO_ENCODED_RUSTFLAGS") {
        rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    }
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut chosen = std::ffi::OsString::from("linker=");
        chosen.push(linker);
        rustc.arg("-C").arg(chosen);
    }
    rustc.args(arguments.iter().map(|argument| format!("-Clink-arg={argument}")));
    let linked = rustc.output().is_ok_and(|tried| tried.status.success());
    linked && Command::new(&program).output().is_ok_and(|tried| tried.status.success())
}
