//! What this node may take of its machine, and where it shows its figures: settings of a computer at home that has other
//! things to do. 0 is no cap.

use super::{Key, Settings, text};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// Highest cap on memory and disk, in MB: 1 PB.
const MB_MAX: u64 = 1_000_000_000;
/// Most cores.
const CORES_MAX: u64 = 4_096;
/// Highest cap on bandwidth, in Mbit/s.
const MBIT_MAX: u64 = 100_000;
/// Bytes in a MB.
const MB: u64 = 1_000_000;
/// Bytes a second in a Mbit/s.
const MBIT: u64 = 125_000;

/// These settings, in the order of `weft.toml`.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "cap_cpu_cores",
        environment: "MESH_CAP_CPU_CORES",
        default: || json!(0),
        about: "Most jobs that run at once, each on one core and behind what else the machine does; further tasks are \
                queued. 0: no cap.",
        check: cores,
    },
    Key {
        name: "cap_memory_mb",
        environment: "MESH_CAP_MEMORY_MB",
        default: || json!(0),
        about: "Most memory that the jobs of the moment may use together, in MB, by the limits in their releases; what \
                does not fit waits, what never fits is blocked. 0: no cap.",
        check: megabytes,
    },
    Key {
        name: "cap_disk_mb",
        environment: "MESH_CAP_DISK_MB",
        default: || json!(0),
        about: "Most content that is kept here, in MB; `weft content gc` makes room. 0: no cap.",
        check: megabytes,
    },
    Key {
        name: "cap_bandwidth_mbit",
        environment: "MESH_CAP_BANDWIDTH_MBIT",
        default: || json!(0),
        about: "Most content a second to other devices, and as much from them, in Mbit/s. 0: no cap.",
        check: mbit,
    },
    Key {
        name: "http_listen",
        environment: "MESH_HTTP_LISTEN",
        default: || json!(""),
        about: "Where the daemon answers `GET /metrics` for Prometheus: an address of this machine's loopback alone, with \
                its port; empty: nowhere. Example: 127.0.0.1:9090",
        check: loopback,
    },
    Key {
        name: "openai_listen",
        environment: "MESH_OPENAI_LISTEN",
        default: || json!(""),
        about: "Where the daemon answers OpenAI's clients (`/v1/embeddings`, `/v1/chat/completions`, `/v1/models`) with the \
                models of this home: an address of this machine's loopback alone, with its port; empty: nowhere. Example: \
                127.0.0.1:11435",
        check: loopback,
    },
    Key {
        name: "openai_key",
        environment: "MESH_OPENAI_KEY",
        default: || json!(""),
        about: "The key that they must have; empty: any, so that whoever has an account on this machine is answered.",
        check: text,
    },
];

impl Settings {
    /// Most jobs at once. None: no cap.
    pub fn cap_jobs(&self) -> Option<u64> {
        self.cap("cap_cpu_cores")
    }

    /// Most memory of all jobs together, in bytes. None: no cap.
    pub fn cap_memory_bytes(&self) -> Option<u64> {
        self.cap("cap_memory_mb").map(|mb| mb * MB)
    }

    /// Most content, in bytes. None: no cap.
    pub fn cap_disk_bytes(&self) -> Option<u64> {
        self.cap("cap_disk_mb").map(|mb| mb * MB)
    }

    /// Most content a second each way, in bytes. None: no cap.
    pub fn cap_bandwidth_bytes(&self) -> Option<u64> {
        self.cap("cap_bandwidth_mbit").map(|mbit| mbit * MBIT)
    }

    fn cap(&self, name: &str) -> Option<u64> {
        self.whole(name).filter(|cap| *cap > 0)
    }
}

fn cores(value: &Value) -> Result<(), String> {
    up_to(value, CORES_MAX, "cores")
}

fn megabytes(value: &Value) -> Result<(), String> {
    up_to(value, MB_MAX, "MB")
}

fn mbit(value: &Value) -> Result<(), String> {
    up_to(value, MBIT_MAX, "Mbit/s")
}

fn up_to(value: &Value, max: u64, unit: &str) -> Result<(), String> {
    match value.as_u64() {
        Some(number) if number <= max => Ok(()),
        _ => Err(format!("a whole number of {unit} from 0 to {max}")),
    }
}

fn loopback(value: &Value) -> Result<(), String> {
    text(value)?;
    let address = value.as_str().unwrap_or_default();
    let allowed = address
        .parse::<SocketAddr>()
        .is_ok_and(|address| address.ip().is_loopback());
    if address.is_empty() || allowed {
        return Ok(());
    }
    Err(
        "an address of loopback with its port, such as 127.0.0.1:9090 or [::1]:9090: what is shown there is guarded by \
         nothing"
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_on_loopback_alone() {
        for fine in ["", "127.0.0.1:9090", "127.8.9.1:0", "[::1]:9090"] {
            assert_eq!(loopback(&json!(fine)), Ok(()), "{fine}");
        }
        for refused in [
            "0.0.0.0:9090",
            "[::]:9090",
            "192.168.1.2:9090",
            "localhost:9090",
            "127.0.0.1",
            "9090",
        ] {
            assert!(loopback(&json!(refused)).is_err(), "{refused}");
        }
        assert!(loopback(&json!(9090)).is_err());
    }

    #[test]
    fn a_cap_is_a_whole_number_within_its_range() {
        assert_eq!(cores(&json!(0)), Ok(()));
        assert_eq!(cores(&json!(CORES_MAX)), Ok(()));
        for wrong in [json!(CORES_MAX + 1), json!(-1), json!(1.5), json!("2")] {
            assert!(cores(&wrong).is_err(), "{wrong}");
        }
    }
}
