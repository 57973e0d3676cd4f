//! Names in addresses (`/dns4/…`) are looked up as this system does.

use hickory_resolver::config::{ResolverConfig, ResolverOpts};
use hickory_resolver::system_conf::read_system_conf;

/// The system's servers; none where it names none that can be read, and then only its table of hosts.
pub(crate) fn resolver() -> (ResolverConfig, ResolverOpts) {
    read_system_conf().unwrap_or_else(|e| {
        tracing::warn!("names in addresses are not looked up: {e}");
        let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        (nobody, ResolverOpts::default())
    })
}
