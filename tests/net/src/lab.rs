//! Namespaces and the cables between them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Begins the name of each namespace; the process and a number follow.
const PREFIX: &str = "weft-test";

/// What a router does to the ports of those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nat {
    /// It keeps them where it can, as most do.
    Preserving,
    /// It draws one for each connection, as those of some companies and mobile networks do.
    Symmetric,
}

/// A namespace: a machine with network interfaces of its own.
#[derive(Clone, Debug)]
pub struct Space {
    name: String,
}

impl Space {
    /// A command that runs in it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// `ip` with these words, in it.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn ip(&self, words: &str) {
        let mut command = Command::new("ip");
        command.args(["-n", &self.name]);
        run(command.args(words.split_whitespace()), "");
    }

    /// Loads rules of `nft` into it.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn nft(&self, rules: &str) {
        run(self.command("nft").args(["-f", "-"]), rules);
    }

    /// Drops every packet to and from others, and tells nobody.
    pub fn cut(&self) {
        self.nft(
            "table inet cut {
                chain from { type filter hook input priority 0; policy drop; iif lo accept; }
                chain to { type filter hook output priority 0; policy drop; oif lo accept; }
            }",
        );
    }

    /// Undoes [`Self::cut`].
    pub fn heal(&self) {
        self.nft("delete table inet cut");
    }
}

/// An internet of a test, and what is connected to it.
#[derive(Debug)]
pub struct Lab {
    internet: Space,
    spaces: Vec<Space>,
    programs: Vec<Child>,
}

impl Lab {
    /// An internet with nobody on it.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn new() -> Self {
        sweep();
        let internet = space();
        let lab = Self {
            spaces: vec![internet.clone()],
            internet,
            programs: Vec::new(),
        };
        bridge(&lab.internet);
        lab
    }

    /// A machine on the internet, at `45.0.0.N`.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn public(&mut self, n: u8) -> Space {
        let made = self.space();
        self.plug(n, &made, &format!("45.0.0.{n}/24"));
        made
    }

    /// A router at `45.0.0.N` with a network `192.168.N.0/24` behind it; what comes from outside unasked is dropped.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn router(&mut self, n: u8, nat: Nat) -> Space {
        let router = self.public(n);
        bridge(&router);
        router.ip(&format!("addr add 192.168.{n}.1/24 dev lan"));
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
        run(router.command("sh").args(["-c", forward]), "");
        let ports = match nat {
            Nat::Preserving => "",
            Nat::Symmetric => "random,fully-random",
        };
        router.nft(&format!(
            "table inet router {{
                chain input {{ type filter hook input priority 0;
                    iif lan accept; ct state established,related accept; iif wan drop; }}
                chain forward {{ type filter hook forward priority 0;
                    iif lan accept; ct state established,related accept; ct status dnat accept; drop; }}
            }}
            table ip nat {{
                chain postrouting {{ type nat hook postrouting priority srcnat; oif wan masquerade {ports}; }}
            }}"
        ));
        router
    }

    /// A machine behind the router of number `n`, at `192.168.N.HOST`.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn behind(&mut self, router: &Space, n: u8, host: u8) -> Space {
        let made = self.space();
        cable(router, &format!("h{host}"), &made, "eth");
        router.ip(&format!("link set h{host} master lan up"));
        made.ip(&format!("addr add 192.168.{n}.{host}/24 dev eth"));
        made.ip("link set eth up");
        made.ip(&format!("route add default via 192.168.{n}.1"));
        made
    }

    /// Runs a program in a namespace until the lab is dropped.
    ///
    /// # Panics
    /// When it does not start.
    pub fn run(&mut self, at: &Space, program: &str, args: &[&str]) {
        let mut command = at.command(program);
        command.args(args).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.programs
            .push(child.unwrap_or_else(|e| panic!("{program}: {e}")));
    }

    fn plug(&self, n: u8, machine: &Space, address: &str) {
        cable(&self.internet, &format!("p{n}"), machine, "wan");
        self.internet.ip(&format!("link set p{n} master lan up"));
        machine.ip(&format!("addr add {address} dev wan"));
        machine.ip("link set wan up");
    }

    fn space(&mut self) -> Space {
        let made = space();
        self.spaces.push(made.clone());
        made
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for program in &mut self.programs {
            // It may have ended by itself.
            let _ = program.kill();
            let _ = program.wait();
        }
        for space in &self.spaces {
            delete(&space.name);
        }
    }
}

/// A namespace with loopback.
fn space() -> Space {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("{PREFIX}-{}-{number}", std::process::id());
    run(Command::new("ip").args(["netns", "add", &name]), "");
    let made = Space { name };
    made.ip("link set lo up");
    made
}

/// A switch named `lan`.
fn bridge(at: &Space) {
    at.ip("link add lan type bridge");
    at.ip("link set lan up");
}

fn cable(one: &Space, end: &str, other: &Space, other_end: &str) {
    let other = &other.name;
    one.ip(&format!(
        "link add {end} type veth peer name {other_end} netns {other}"
    ));
}

fn delete(name: &str) {
    // It may be gone already.
    let _ = Command::new("ip")
        .args(["netns", "del", name])
        .stderr(Stdio::null())
        .status();
}

/// Removes namespaces of test processes that are gone.
fn sweep() {
    for entry in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(PREFIX).and_then(|n| n.split('-').nth(1));
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            delete(&name);
        }
    }
}

#[track_caller]
fn run(command: &mut Command, input: &str) {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let mut stdin = child.stdin.take().expect("it was piped");
    // One that fails need not read its input.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(
        output.status.success(),
        "{command:?}\n{input}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
