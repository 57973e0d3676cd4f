//! Adverts: each field out of range is refused by its name, and only canonical bytes are read.

use ipld_core::ipld::Ipld;
use weft_model::advert::{
    ADVERT_BYTES, AT_MAX, Advert, AdvertError, Capacity, Energy, Hardware, NUMBER_MAX, PINS_MAX,
    Pin, QUEUE_MAX, Serves, TASKS_MAX, WINDOWS_MAX, Window,
};
use weft_model::{Did, cbor, content};

fn advert() -> Advert {
    Advert {
        device: Did::from_public([7; 32]),
        seq: 1,
        at: 1_781_784_000_000,
        name: "roof".into(),
        location: "Köln".into(),
        energy: Energy {
            kind: "solar".into(),
            percent_clean: Some(95.0),
            battery_percent: Some(50.5),
            plugged_in: Some(true),
            grid_g_per_kwh: Some(45.0),
            known: "declared".into(),
        },
        capacity: Capacity {
            cpu_free: Some(3.5),
            memory_free_mb: Some(8_000.0),
            disk_free_mb: None,
            thermal_headroom: Some(0.8),
            idle: Some(0.9),
        },
        hardware: Hardware {
            cores: 4,
            memory_mb: Some(16_000.0),
            arch: "x86_64".into(),
            gpu: None,
        },
        allowed_tasks: vec!["*".into()],
        max_task_duration_ms: 1_800_000,
        hours: Some(vec![Window {
            day: 0,
            from: 1_320,
            until: 420,
        }]),
        utc_offset_minutes: 120,
        zone: Some("Europe/Berlin".into()),
        pins: vec![pin("scorer")],
        queue_depth: 2,
        running: 1,
        cost: Some(0),
        relay: false,
    }
}

fn pin(name: &str) -> Pin {
    Pin {
        serves: Serves::Slot,
        name: name.into(),
        release: content::raw_cid(name.as_bytes()),
    }
}

#[test]
fn what_is_encoded_is_read_back() {
    let advert = advert();
    let bytes = advert.encode().expect("valid");
    assert_eq!(Advert::decode(&bytes).expect("canonical"), advert);
}

#[test]
fn the_limits_themselves_are_allowed() {
    let mut advert = advert();
    advert.seq = NUMBER_MAX;
    advert.at = AT_MAX;
    advert.name = String::new();
    advert.energy.percent_clean = Some(100.0);
    advert.energy.grid_g_per_kwh = Some(2_000.0);
    advert.capacity.idle = Some(0.0);
    advert.capacity.disk_free_mb = Some(1e12);
    advert.hours = Some(Vec::new());
    advert.utc_offset_minutes = -720;
    advert.queue_depth = QUEUE_MAX;
    advert.cost = Some(NUMBER_MAX);
    advert.allowed_tasks = vec!["a".repeat(256)];
    let bytes = advert.encode().expect("valid");
    assert_eq!(Advert::decode(&bytes).expect("canonical"), advert);
}

type Change = fn(&mut Advert);

/// Fields, and what makes each of them out of range.
const WRONG: &[(&str, Change)] = &[
    ("seq", |a| a.seq = 0),
    ("seq", |a| a.seq = NUMBER_MAX + 1),
    ("at", |a| a.at = -1),
    ("at", |a| a.at = AT_MAX + 1),
    ("name", |a| a.name = "a".repeat(257)),
    ("name", |a| a.name = "a\u{1b}[31m".into()),
    ("location", |a| a.location = "a\u{202e}b".into()),
    ("energy.kind", |a| a.energy.kind = "fusion".into()),
    ("energy.kind", |a| a.energy.kind = "Solar".into()),
    ("energy.percent_clean", |a| {
        a.energy.percent_clean = Some(100.1);
    }),
    ("energy.percent_clean", |a| {
        a.energy.percent_clean = Some(f64::NAN);
    }),
    ("energy.battery_percent", |a| {
        a.energy.battery_percent = Some(-0.1);
    }),
    ("energy.grid_g_per_kwh", |a| {
        a.energy.grid_g_per_kwh = Some(2_000.5);
    }),
    ("energy.grid_g_per_kwh", |a| {
        a.energy.grid_g_per_kwh = Some(f64::INFINITY);
    }),
    ("energy.known", |a| a.energy.known = "guessed".into()),
    ("capacity.cpu_free", |a| {
        a.capacity.cpu_free = Some(4_096.5);
    }),
    ("capacity.memory_free_mb", |a| {
        a.capacity.memory_free_mb = Some(1.1e9);
    }),
    ("capacity.disk_free_mb", |a| {
        a.capacity.disk_free_mb = Some(f64::NEG_INFINITY);
    }),
    ("capacity.thermal_headroom", |a| {
        a.capacity.thermal_headroom = Some(1.01);
    }),
    ("capacity.idle", |a| a.capacity.idle = Some(-1.0)),
    ("hardware.cores", |a| a.hardware.cores = 0),
    ("hardware.cores", |a| a.hardware.cores = 4_097),
    ("hardware.memory_mb", |a| a.hardware.memory_mb = Some(1e10)),
    ("hardware.arch", |a| a.hardware.arch = String::new()),
    ("hardware.arch", |a| a.hardware.arch = "x".repeat(33)),
    ("hardware.gpu", |a| a.hardware.gpu = Some("x".repeat(65))),
    ("allowed_tasks.0", |a| a.allowed_tasks = vec![String::new()]),
    ("allowed_tasks.1", |a| {
        a.allowed_tasks = vec!["a".into(), "*".into()]
    }),
    ("allowed_tasks", |a| {
        a.allowed_tasks = vec!["a".into(); TASKS_MAX + 1];
    }),
    ("max_task_duration_ms", |a| a.max_task_duration_ms = 0),
    ("max_task_duration_ms", |a| {
        a.max_task_duration_ms = u64::MAX
    }),
    ("hours.0.day", |a| a.hours = window(7, 0, 1)),
    ("hours.0.from", |a| a.hours = window(0, 1_440, 1)),
    ("hours.0.until", |a| a.hours = window(0, 0, 1_441)),
    ("hours.0.until", |a| a.hours = window(0, 60, 60)),
    ("hours", |a| {
        let window = a.hours.as_ref().expect("hours")[0];
        a.hours = Some(vec![window; WINDOWS_MAX + 1]);
    }),
    ("utc_offset_minutes", |a| a.utc_offset_minutes = 1_560),
    ("utc_offset_minutes", |a| a.utc_offset_minutes = i32::MIN),
    ("zone", |a| a.zone = Some(String::new())),
    ("zone", |a| a.zone = Some("Europe/Berlin;rm".into())),
    ("zone", |a| a.zone = Some("z".repeat(65))),
    ("pins.0.name", |a| a.pins[0].name = String::new()),
    ("pins.0.name", |a| a.pins[0].name = "a\nb".into()),
    ("pins", |a| a.pins = vec![pin("scorer"); PINS_MAX + 1]),
    ("queue_depth", |a| a.queue_depth = QUEUE_MAX + 1),
    ("running", |a| a.running = QUEUE_MAX + 1),
    ("cost", |a| a.cost = Some(NUMBER_MAX + 1)),
];

fn window(day: u8, from: u16, until: u16) -> Option<Vec<Window>> {
    Some(vec![Window { day, from, until }])
}

#[test]
fn each_field_out_of_range_is_refused_by_its_name_on_both_sides() {
    for (field, change) in WRONG {
        let mut wrong = advert();
        change(&mut wrong);
        let named = |e: AdvertError| match e {
            AdvertError::Field { field, .. } => field,
            other => panic!("{field}: {other}"),
        };
        assert_eq!(named(wrong.encode().expect_err(field)), *field);
        // A stranger's encoder checks nothing. What is no finite number has no DAG-CBOR form at all.
        if let Ok(bytes) = cbor::encode(&wrong) {
            match Advert::decode(&bytes).expect_err(field) {
                AdvertError::TooLarge { .. } => assert!(bytes.len() > ADVERT_BYTES, "{field}"),
                e => assert_eq!(named(e), *field),
            }
        }
    }
}

#[test]
fn a_refusal_shows_nothing_that_could_harm_a_terminal() {
    let mut wrong = advert();
    wrong.energy.kind = "\u{1b}[2J".repeat(1_000);
    let message = wrong.encode().expect_err("no kind").to_string();
    assert!(!message.contains('\u{1b}'), "{message}");
    assert!(message.len() < 300, "{message}");
}

#[test]
fn an_advert_that_is_too_large_is_neither_made_nor_read() {
    let mut large = advert();
    large.allowed_tasks = (0..TASKS_MAX)
        .map(|i| format!("{i:0>2}{}", "a".repeat(200)))
        .collect();
    assert!(matches!(large.encode(), Err(AdvertError::TooLarge { .. })));
    let bytes = cbor::encode(&large).expect("it has a form");
    assert!(matches!(
        Advert::decode(&bytes),
        Err(AdvertError::TooLarge { found }) if found == bytes.len()
    ));
}

#[test]
fn other_shapes_and_other_encodings_are_refused() {
    let bytes = advert().encode().expect("valid");
    let changed = |change: fn(&mut std::collections::BTreeMap<String, Ipld>)| {
        let Ipld::Map(mut map) = cbor::decode(&bytes).expect("a map") else {
            panic!("an advert is a map");
        };
        change(&mut map);
        Advert::decode(&cbor::encode(&Ipld::Map(map)).expect("encoded"))
    };
    assert!(changed(|_| ()).is_ok());
    let unknown = changed(|map| {
        map.insert("admin".into(), Ipld::Bool(true));
    });
    assert!(
        unknown
            .expect_err("unknown")
            .to_string()
            .contains("`admin`")
    );
    let missing = changed(|map| {
        map.remove("relay");
    });
    assert!(
        missing
            .expect_err("missing")
            .to_string()
            .contains("`relay`")
    );
    // A field that may be none is written as null; leaving it out is another encoding of the same advert.
    let left_out = changed(|map| {
        map.remove("zone");
    });
    assert!(matches!(left_out, Err(AdvertError::NotCanonical)));
    let other_type = changed(|map| {
        map.insert("seq".into(), Ipld::String("1".into()));
    });
    assert!(matches!(other_type, Err(AdvertError::Cbor(_))));
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(Advert::decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(Advert::decode(&longer).is_err());
}

#[test]
fn tasks_are_allowed_by_name_or_all_of_them() {
    let mut advert = advert();
    assert!(advert.allows_task("anything"));
    advert.allowed_tasks = vec!["ocr".into()];
    assert!(advert.allows_task("ocr") && !advert.allows_task("ocr2"));
    advert.allowed_tasks.clear();
    assert!(!advert.allows_task("ocr"));
}
