//! The owner's tables.

use weft_store::Error;
use weft_store::owner::permissions::{ANY, NONE};
use weft_store::owner::{self, Hours, Level, Permit, Rule, hours, permissions, preferences, rules};

use crate::{A, B, check, text};

#[test]
fn owners_rows() {
    check(|tx| {
        let window = Hours {
            id: "night".into(),
            user_id: A.into(),
            day: Some(6),
            start: 22 * 60 + 30,
            end: 24 * 60,
            active: true,
            description: text("night"),
            created_at: Some(1_000),
        };
        hours::add(tx, &window)?;
        assert!(matches!(hours::add(tx, &window), Err(Error::Exists { .. })));
        hours::add(
            tx,
            &Hours {
                user_id: B.into(),
                ..window.clone()
            },
        )?;
        assert_eq!(hours::in_force(tx, A)?.rows, [window]);
        hours::remove(tx, A, "night")?;
        assert!(matches!(
            hours::remove(tx, A, "night"),
            Err(Error::Missing { .. })
        ));
        assert_eq!(hours::all(tx)?.rows.len(), 1);

        let rule = Rule {
            id: "r".into(),
            user_id: A.into(),
            kind: "max_power_watts".into(),
            value: "50".into(),
            level: Level::Warn,
            active: true,
            reasoning: None,
            created_at: Some(1_000),
            updated_at: Some(1_000),
        };
        rules::add(tx, &rule)?;
        assert_eq!(rules::in_force(tx, A)?.rows, [rule]);
        rules::set_active(tx, A, "r", false, 2_000)?;
        assert_eq!(rules::in_force(tx, A)?.rows, []);
        assert_eq!(rules::list(tx, A)?.rows[0].updated_at, Some(2_000));
        rules::remove(tx, A, "r")?;
        assert!(matches!(
            rules::remove(tx, A, "r"),
            Err(Error::Missing { what: "rule", .. })
        ));

        let change = preferences::Change {
            critical_any_idle: Some(true),
            ..Default::default()
        };
        preferences::set(tx, A, &change, 0)?;
        let change = preferences::Change {
            timezone: Some(text("Asia/Tokyo")),
            ..Default::default()
        };
        preferences::set(tx, A, &change, 0)?;
        let now = preferences::get(tx, A)?;
        assert_eq!(
            (now.min_idle_minutes, now.timezone.as_deref()),
            (5, Some("Asia/Tokyo"))
        );
        assert!(now.critical_any_idle && now.critical_any_hour);
        preferences::set(
            tx,
            A,
            &preferences::Change {
                timezone: Some(None),
                ..Default::default()
            },
            0,
        )?;
        assert_eq!(preferences::get(tx, A)?.timezone, None);

        let energy = owner::Energy {
            energy_type: "wind".into(),
            percent_clean: Some(99.5),
            grid_g_per_kwh: None,
            source: "measured".into(),
            updated_at: Some(5_000),
        };
        owner::energy::set(tx, &energy, 5_000)?;
        assert_eq!(owner::energy::get(tx)?, Some(energy));
        Ok(())
    });
}

fn permit(peer_id: &str, user_id: &str, task: &str) -> Permit {
    Permit {
        peer_id: peer_id.into(),
        user_id: user_id.into(),
        task: task.into(),
    }
}

#[test]
fn permissions_per_task() {
    check(|tx| {
        for task in ["ocr", "chat"] {
            permissions::set(tx, &permit("p1", ANY, task), 0)?;
            permissions::set(tx, &permit("p1", ANY, task), 1_000)?;
        }
        let check = |task: &str| permissions::check(tx, "p1", None, A, task);
        assert_eq!(check("ocr")?.by, Some(permit("p1", ANY, "ocr")));
        assert_eq!(check("chat")?.by, Some(permit("p1", ANY, "chat")));
        assert_eq!((check("other")?.allowed, check("other")?.by), (false, None));

        permissions::set(tx, &permit(ANY, ANY, "1"), 0)?;
        assert_eq!(check("other")?.by, Some(permit(ANY, ANY, ANY)));
        permissions::set(tx, &permit("p1", A, NONE), 0)?;
        assert_eq!(check("ocr")?.by, Some(permit("p1", A, NONE)));
        assert!(!check("ocr")?.allowed);
        assert_eq!(
            permissions::list(tx)?.strict()?,
            [
                permit(ANY, ANY, ANY),
                permit("p1", ANY, "chat"),
                permit("p1", ANY, "ocr"),
                permit("p1", A, NONE),
            ]
        );

        permissions::remove(tx, "p1", A, NONE)?;
        permissions::remove(tx, ANY, ANY, ANY)?;
        permissions::remove(tx, "p1", ANY, "ocr")?;
        assert!(!check("ocr")?.allowed);
        assert!(check("chat")?.allowed);
        assert!(matches!(
            permissions::remove(tx, "p1", ANY, "ocr"),
            Err(Error::Missing {
                what: "permission",
                ..
            })
        ));
        Ok(())
    });
}
