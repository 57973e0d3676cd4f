//! What Linux shows of the power supply, as files in a folder.

use std::fs;
use weft_node::energy::battery;

#[test]
fn linux_shows_a_battery_and_the_mains_in_a_folder() {
    type Case<'a> = (
        &'a [(&'a str, &'a str)],
        Result<(Option<f64>, Option<bool>), &'a str>,
    );
    let cases: [Case<'_>; 8] = [
        (&[], Ok((None, None))),
        (
            &[("AC/type", "Mains\n"), ("AC/online", "1\n")],
            Ok((None, Some(true))),
        ),
        (
            &[
                ("BAT0/type", "Battery\n"),
                ("BAT0/capacity", "63\n"),
                ("BAT0/status", "Discharging\n"),
            ],
            Ok((Some(63.0), Some(false))),
        ),
        (
            &[
                ("A/type", "USB"),
                ("A/online", "0"),
                ("B/type", "Mains"),
                ("B/online", "1"),
                ("C/type", "Battery"),
                ("C/capacity", "100"),
                ("C/status", "Discharging"),
            ],
            Ok((Some(100.0), Some(true))),
        ),
        // A mouse, and a bay without a battery in it.
        (
            &[
                ("A/type", "Battery"),
                ("A/scope", "Device"),
                ("A/capacity", "5"),
                ("B/type", "Battery"),
                ("B/present", "0"),
                ("B/capacity", "0"),
            ],
            Ok((None, None)),
        ),
        (
            &[("A/type", "Battery"), ("A/capacity", "101")],
            Err("`101`"),
        ),
        (
            &[("A/type", "Battery"), ("A/capacity", "full")],
            Err("`full`"),
        ),
        (
            &[("A/type", "Battery"), ("A/capacity", "NaN")],
            Err("`battery_percent`"),
        ),
    ];
    for (files, wanted) in cases {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        match (battery::read(root.path()), wanted) {
            (Ok(found), Ok(wanted)) => {
                assert_eq!(
                    (found.battery_percent, found.plugged_in),
                    wanted,
                    "{files:?}"
                );
            }
            (Err(message), Err(named)) => assert!(message.contains(named), "{message}"),
            (found, _) => panic!("{files:?}: {found:?}"),
        }
    }
}
