//! Files that no compiler would make: cut off, huge, or lying about their memory.

use crate::guests::{descriptor, guest_bytes};
use crate::workspace;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, InstructionSink, MemArg, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wit_component::StringEncoding;
use wit_parser::Resolve;

/// Where the answer of [`scorer`]'s `rank` begins in its memory, and where its allocator begins.
const ANSWER: i32 = 16;
const HEAP: i32 = 1024;

/// Memory of a forged scorer, in pages of 64 KiB.
const PAGES: u64 = 16;

/// How many outcomes `huge-list` claims; they would take 2 GiB.
const CLAIMED: i32 = 1 << 27;

/// A component cut off in the middle of its code.
pub fn truncated() -> Vec<u8> {
    let mut bytes = guest_bytes("good-v1");
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// A sparse file of `size` bytes in `dir` that begins as a component does: one custom section, all zeros. `size` is at
/// least a mebibyte and below 4 GiB.
///
/// # Panics
/// When it can't be written.
pub fn big_file(dir: &Path, size: u64) -> PathBuf {
    // Header, section id, length in five bytes, then the section: a name of no bytes and the data.
    const AHEAD: u64 = 8 + 1 + 5;
    let path = dir.join("big.wasm");
    let section = u32::try_from(size - AHEAD).expect("below 4 GiB");
    let mut head = vec![0, b'a', b's', b'm', 0x0d, 0, 1, 0, 0];
    head.extend((0..5).map(|i| {
        let more = if i < 4 { 0x80 } else { 0 };
        (section >> (7 * i)) as u8 & 0x7f | more
    }));
    let mut file = File::create(&path).expect("a file");
    file.write_all(&head)
        .and_then(|()| file.seek(SeekFrom::Start(size - 1)))
        .and_then(|_| file.write_all(&[0]))
        .unwrap_or_else(|e| panic!("can't write `{}`: {e}", path.display()));
    path
}

/// A scorer whose one function has a body of about `bytes` bytes: additions, each of which needs the one before.
///
/// # Panics
/// When it can't be encoded.
pub fn huge_function(bytes: usize) -> Vec<u8> {
    /// `i64.const 1`, `i64.add`, `local.tee 0` with the `i64.const` of one byte: 2 + 1 + 2.
    const ROUND_BYTES: usize = 5;
    let module = scorer(|code| {
        code.local_get(0);
        for _ in 0..bytes / ROUND_BYTES {
            code.i64_const(1).i64_add().local_tee(0);
        }
        code.drop();
        answer(code, HEAP, 0);
    });
    weft_build::encode(&module, &descriptor("huge-function")).unwrap_or_else(|e| panic!("{e}"))
}

/// A scorer that is small and takes a compiler much memory: `loops` loops in each other, and inside of them `locals`
/// variables that every one of them carries on.
///
/// # Panics
/// When it can't be encoded.
pub fn compile_bomb(loops: u32, locals: u32) -> Vec<u8> {
    /// Parameters of `rank`; the first is `now`, an i64.
    const PARAMETERS: u32 = 14;
    let module = scorer_with(locals, |code| {
        for _ in 0..loops {
            code.loop_(wasm_encoder::BlockType::Empty);
        }
        for local in 0..locals {
            code.local_get(PARAMETERS + local).local_get(0).i64_add();
            code.local_set(PARAMETERS + local);
        }
        for _ in 0..loops {
            code.local_get(0).i32_wrap_i64().br_if(0).end();
        }
        answer(code, HEAP, 0);
    });
    weft_build::encode(&module, &descriptor("compile-bomb")).unwrap_or_else(|e| panic!("{e}"))
}

/// The module of the guest `huge-list`: it is well-behaved without candidates.
pub(crate) fn huge_list() -> Vec<u8> {
    /// Parameters of `rank`: the ninth is the number of rows.
    const ROWS: u32 = 8;
    scorer(|code| {
        answer(code, HEAP, 0);
        code.local_get(ROWS).if_(wasm_encoder::BlockType::Empty);
        answer(code, HEAP, CLAIMED);
        code.end();
    })
}

/// Writes `Ok` of a list at `pointer` with `count` outcomes to the answer.
fn answer(code: &mut InstructionSink<'_>, pointer: i32, count: i32) {
    let at = |offset| MemArg {
        offset,
        align: 0,
        memory_index: 0,
    };
    code.i32_const(ANSWER).i32_const(0).i32_store8(at(0));
    code.i32_const(ANSWER).i32_const(pointer).i32_store(at(4));
    code.i32_const(ANSWER).i32_const(count).i32_store(at(8));
}

/// A core module for the scorer's world, whose `rank` runs `body` and returns the address of its answer.
fn scorer(body: impl FnOnce(&mut InstructionSink<'_>)) -> Vec<u8> {
    scorer_with(0, body)
}

/// The same with so many locals of 64 bits after the parameters.
fn scorer_with(locals: u32, body: impl FnOnce(&mut InstructionSink<'_>)) -> Vec<u8> {
    use ValType::{F64, I32, I64};
    let mut types = TypeSection::new();
    // now, config (2), task (5), columns (5), tie seed, as the canonical ABI flattens them.
    types.ty().function(
        [
            I64, I32, I32, I32, I64, F64, I64, I64, I32, I32, I32, I32, I32, I64,
        ],
        [I32],
    );
    types.ty().function([I32, I32, I32, I32], [I32]);
    let mut functions = FunctionSection::new();
    functions.function(0).function(1);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: PAGES,
        maximum: Some(PAGES),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut globals = GlobalSection::new();
    let mutable = GlobalType {
        val_type: I32,
        mutable: true,
        shared: false,
    };
    globals.global(mutable, &ConstExpr::i32_const(HEAP));
    let mut exports = ExportSection::new();
    exports
        .export("weft:scorer/policy@0.1.0#rank", ExportKind::Func, 0)
        .export("cabi_realloc", ExportKind::Func, 1)
        .export("memory", ExportKind::Memory, 0);

    let mut rank = Function::new([(locals, I64)]);
    let mut code = rank.instructions();
    body(&mut code);
    code.i32_const(ANSWER).end();
    // Hands out the next free bytes, aligned to eight, and never takes any back.
    let mut realloc = Function::new([]);
    let mut code = realloc.instructions();
    code.global_get(0);
    code.global_get(0)
        .local_get(3)
        .i32_add()
        .i32_const(7)
        .i32_add();
    code.i32_const(-8).i32_and().global_set(0).end();
    let mut bodies = CodeSection::new();
    bodies.function(&rank).function(&realloc);

    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&memories)
        .section(&globals)
        .section(&exports)
        .section(&bodies);
    let mut bytes = module.finish();
    embed_world(&mut bytes);
    bytes
}

/// Adds the section from which the encoder knows the world.
fn embed_world(module: &mut Vec<u8>) {
    let wit = workspace().join("wit");
    let mut resolve = Resolve::default();
    let mut push = |package: &str| {
        let dir = wit.join(package).join("0.1.0");
        let pushed = resolve.push_dir(&dir);
        pushed
            .unwrap_or_else(|e| panic!("`{}`: {e:#}", dir.display()))
            .0
    };
    push("model");
    let scorer = push("scorer");
    let world = resolve.select_world(&[scorer], Some("scorer"));
    let world = world.unwrap_or_else(|e| panic!("{e:#}"));
    wit_component::embed_component_metadata(module, &resolve, world, StringEncoding::UTF8)
        .unwrap_or_else(|e| panic!("{e:#}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_function_is_as_huge_as_it_was_ordered() {
        const BYTES: usize = 300_000;
        let component = huge_function(BYTES);
        assert!(
            (BYTES..BYTES + 8_192).contains(&component.len()),
            "{}",
            component.len()
        );
    }

    #[test]
    fn a_truncated_component_is_found_out() {
        weft_build::read_descriptor(&truncated()).expect_err("it is cut off");
    }

    #[test]
    fn a_big_file_is_big_and_sparse_and_reads_as_a_component() {
        const BYTES: u64 = 2 * 1024 * 1024;
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = big_file(dir.path(), BYTES);
        let bytes = std::fs::read(&path).expect("the file");
        assert_eq!(bytes.len() as u64, BYTES);
        assert_eq!(weft_build::read_descriptor(&bytes), Ok(None));
    }
}
