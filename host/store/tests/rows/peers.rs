//! Peers.

use weft_store::Error;
use weft_store::peers::{self, Peer};

use crate::{A, check, text};

#[test]
fn peers_by_id_and_alias() {
    check(|tx| {
        let full = Peer {
            alias: text("laptop"),
            name: text("n"),
            user_id: text(A),
            did: text("did:d"),
            addresses: vec!["/ip4/10.0.0.1/tcp/9001".to_owned()],
            location: text("attic"),
            energy_type: "solar".into(),
            percent_clean: Some(90.0),
            grid_g_per_kwh: Some(45.0),
            cpu_free: Some(3.5),
            memory_free_mb: Some(2048.0),
            disk_free_mb: Some(1.0),
            battery_percent: Some(50.0),
            plugged_in: Some(true),
            thermal_headroom: Some(0.5),
            idle: Some(0.0),
            rtt_ms: Some(1.25),
            path_class: text("lan"),
            cost: Some(2.0),
            reputation: Some(0.5),
            timezone: text("UTC"),
            online: false,
            origin: "advert".into(),
            last_seen: Some(1_000),
            updated_at: Some(2_000),
            ..Peer::new("p1")
        };
        peers::put(tx, &full, 2_000)?;
        assert_eq!(peers::get(tx, "p1")?, Some(full.clone()));
        assert_eq!(peers::get(tx, "laptop")?, Some(full));
        // An alias never hides a peer's id.
        peers::put(
            tx,
            &Peer {
                alias: text("p1"),
                ..Peer::new("p2")
            },
            0,
        )?;
        assert_eq!(peers::get(tx, "p1")?.unwrap().peer_id, "p1");

        peers::seen(tx, "p1", true, 5_000)?;
        peers::seen(tx, "p1", false, 6_000)?;
        let peer = peers::get(tx, "p1")?.unwrap();
        assert_eq!(
            (peer.online, peer.last_seen, peer.updated_at),
            (false, Some(5_000), Some(6_000))
        );
        peers::remove(tx, "p2")?;
        assert!(matches!(
            peers::seen(tx, "p2", true, 0),
            Err(Error::Missing { what: "peer", .. })
        ));
        assert_eq!(peers::list(tx)?.rows.len(), 1);
        Ok(())
    });
}
