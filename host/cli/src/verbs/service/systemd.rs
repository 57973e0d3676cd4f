//! A system unit for systemd.

use super::Facts;

/// Memory that the daemon itself may take beside its jobs, in MB.
const DAEMON_MB: u64 = 1_024;

/// The unit. `systemd-analyze verify` takes it as it is.
pub(super) fn unit(facts: &Facts) -> String {
    let home = path(&facts.home);
    let mut unit = format!(
        "\
# A Weft node, printed by `weft service print systemd`. To install it:
#   weft service print systemd | sudo tee /etc/systemd/system/weft.service
#   sudo systemctl daemon-reload && sudo systemctl enable --now weft
# The daemon reads what its user may read, and writes to its home and to granted directories alone. So `weft content get`,
# `weft backup` and `weft log export` write there, too, while it runs; add a ReadWritePaths= for other places.
[Unit]
Description=Weft node
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
User={uid}
UMask=0077
ExecStart={program} --home {argument} start
Restart=on-failure
RestartSec=5
# What a person has to mend: the command line, a missing home, a refusal.
RestartPreventExitStatus=2 3 4
TimeoutStopSec=10
KillMode=mixed

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={home}
",
        uid = facts.uid,
        program = argument(&facts.program),
        argument = argument(&facts.home),
    );
    for granted in &facts.grants {
        unit.push_str(&format!("ReadWritePaths=-{}\n", path(granted)));
    }
    unit.push_str(
        "\
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
",
    );
    if let Some(cores) = facts.cores {
        unit.push_str(&format!(
            "# cap_cpu_cores = {cores}\nCPUQuota={}%\n",
            cores * 100
        ));
    }
    if let Some(mb) = facts.memory_mb {
        unit.push_str(&format!(
            "# cap_memory_mb = {mb}, and {DAEMON_MB} for the daemon itself\nMemoryMax={}M\n",
            mb + DAEMON_MB
        ));
    }
    unit.push_str("\n[Install]\nWantedBy=multi-user.target\n");
    unit
}

/// A word of a command: quoted, nothing in it is special.
fn argument(text: &str) -> String {
    path(&text.replace('$', "$$"))
}

/// A path where `$` is a letter as any other.
fn path(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_and_caps_become_limits() {
        let unit = unit(&Facts::odd());
        for line in [
            "User=1000",
            r#"ExecStart="/opt/we ft/100%%/weft" --home "/srv/a \"home\" & <more>/$$HOME" start"#,
            r#"ReadWritePaths="/srv/a \"home\" & <more>/$HOME""#,
            r#"ReadWritePaths=-"/var/log/app""#,
            "CPUQuota=200%",
            "MemoryMax=1536M",
        ] {
            assert!(unit.lines().any(|l| l == line), "no `{line}` in\n{unit}");
        }
    }

    #[test]
    fn without_caps_there_is_no_limit() {
        let unit = unit(&Facts {
            cores: None,
            memory_mb: None,
            ..Facts::odd()
        });
        assert!(!unit.contains("CPUQuota") && !unit.contains("MemoryMax"));
    }
}
