//! Trials and what differed in them.

use weft_store::trials::{self, DIFFERENCES_KEPT, Difference};

use crate::check;

#[test]
fn a_slot_has_one_open_trial() {
    check(|tx| {
        let first = trials::begin(tx, "scorer", "r1", "shadow", 1_000)?;
        let second = trials::begin(tx, "scorer", "r2", "canary 10%", 2_000)?;
        trials::begin(tx, "sla", "r3", "shadow", 2_000)?;
        assert_eq!(trials::get_open(tx, first)?, None);
        assert_eq!(
            trials::outcome(tx, "scorer", "r1")?.as_deref(),
            Some("replaced")
        );
        let open: Vec<i64> = trials::open(tx)?.iter().map(|t| t.id).collect();
        assert_eq!(open.len(), 2);
        assert_eq!(open[0], second);

        let mut trial = trials::get_open(tx, second)?.expect("it is open");
        trial.decisions = 3;
        trial.differed = 2;
        trial.failed = 1;
        trial.refused = 1;
        trial.recent = ".rf".into();
        trials::count(tx, &trial)?;
        assert_eq!(trials::last(tx, "scorer")?, Some(trial));
        assert!(trials::end(tx, "scorer", "returned", 3_000)?);
        assert!(!trials::end(tx, "scorer", "returned", 3_000)?);
        let last = trials::last(tx, "scorer")?.expect("it stays");
        assert_eq!(last.ended_at, Some(3_000));
        assert_eq!(
            trials::outcome(tx, "scorer", "r2")?.as_deref(),
            Some("returned")
        );
        assert_eq!(trials::outcome(tx, "sla", "r3")?, None);
        Ok(())
    });
}

#[test]
fn of_many_differences_the_newest_stay() {
    check(|tx| {
        let trial = trials::begin(tx, "scorer", "r1", "shadow", 1_000)?;
        let more = DIFFERENCES_KEPT + 5;
        for n in 0..more {
            let difference = Difference {
                decision_cid: format!("d{n}"),
                task: "ocr".into(),
                serving: "a".into(),
                trial_answer: "b".into(),
                at: 1_000,
            };
            trials::add_difference(tx, trial, &difference)?;
        }
        let kept = trials::differences(tx, trial, more)?;
        assert_eq!(kept.len(), DIFFERENCES_KEPT as usize);
        assert_eq!(kept[0].decision_cid, format!("d{}", more - 1));
        Ok(())
    });
}
