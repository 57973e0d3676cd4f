//! A router that opens ports when it is asked by UPnP.

use super::{BOB, CAROL, agree, meet};
use std::fs;
use weft_kit::{Home, has_tool_for, wait};
use weft_net::{Lab, Nat, Node, Space, ready};

/// Debian's miniupnpd on a router with the network `192.168.N.0/24` behind it.
fn serve_upnp(lab: &mut Lab, router: &Space, n: u8, folder: &Home) {
    router.nft(
        "table inet filter {
            chain forward { type filter hook forward priority 10; jump miniupnpd; }
            chain miniupnpd { }
            chain prerouting { type nat hook prerouting priority dstnat; jump prerouting_miniupnpd; }
            chain prerouting_miniupnpd { }
            chain postrouting { type nat hook postrouting priority srcnat; jump postrouting_miniupnpd; }
            chain postrouting_miniupnpd { }
        }",
    );
    let config = folder.join("miniupnpd.conf");
    let lines = format!(
        "ext_ifname=wan
listening_ip=lan
enable_natpmp=no
enable_upnp=yes
secure_mode=yes
uuid=5f0f3a1e-3b7c-4a7f-9d4e-6f1d2c3b4a59
lease_file={}
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
allow 1024-65535 192.168.{n}.0/24 1024-65535
",
        folder.join("leases").display()
    );
    fs::write(&config, lines).expect("a file");
    let config = config.display().to_string();
    let pid = folder.join("pid").display().to_string();
    lab.run(router, "miniupnpd", &["-d", "-f", &config, "-P", &pid]);
}

#[test]
fn a_router_opens_a_port_and_others_come_in_directly() {
    if !ready() || !has_tool_for("WEFT_TEST_NET", "sh", &["-c", "command -v miniupnpd"]) {
        return;
    }
    let mut lab = Lab::new();
    let outside = [1, 4].map(|n| lab.public(n));
    let router = lab.router(2, Nat::Preserving);
    let inside = lab.behind(&router, 2, 2);
    let folder = Home::new();
    serve_upnp(&mut lab, &router, 2, &folder);
    let alice = Node::founder(&outside[0], &[]);
    let mut bob = Node::joined(&inside, &[("MESH_UPNP", "true")], &alice, BOB);
    let mut carol = Node::joined(&outside[1], &[], &alice, CAROL);
    bob.start();
    wait("the router opens a port", || {
        (bob.count("ports_mapped") >= 1).then_some(())
    });
    // Bob calls Carol in vain, so it is she who comes in.
    router.nft(
        "table inet block { chain forward { type filter hook forward priority -10;
            ip daddr 45.0.0.4 ct state new drop; }
        }",
    );
    carol.start();
    meet(&[&alice, &bob, &carol]);
    let seen = carol.sees(&bob).expect("a member");
    assert_eq!(seen["path"], "direct", "{seen}");
    assert!(
        seen["addresses"].to_string().contains("/45.0.0.2/"),
        "{seen}"
    );
    assert_eq!(bob.count("reservations"), 0);
    let told = bob.status("external").to_string();
    assert!(told.contains("/ip4/45.0.0.2/"), "{told}");
    agree(&[&alice, &bob, &carol]);
}
