//! `weft:workload@0.1.0`: bindings.

#[allow(
    missing_docs,
    reason = "generated from wit/workload, which documents them"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit/workload/0.1.0",
        world: "weft:workload/workload",
        imports: { default: trappable },
    });
}

pub use generated::exports::weft::workload::job::{Description, JobError, ModelWant};
pub use generated::weft::workload::{input, output};
pub use generated::{Workload, WorkloadPre};
