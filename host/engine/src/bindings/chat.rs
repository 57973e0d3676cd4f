//! `weft:chat@0.1.0`: bindings.

#[allow(missing_docs, reason = "generated from wit/chat, which documents them")]
mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit/chat/0.1.0",
        world: "weft:chat/chat",
        imports: { default: trappable },
    });
}

pub use generated::exports::weft::chat::model::{
    Description, End, ModelError, Options, Role, Skill, Turn, Usage,
};
pub use generated::weft::chat::sink;
pub use generated::{Chat, ChatPre};
