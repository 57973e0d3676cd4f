//! What does not fit into a message travels as content, block by block.

use super::lab::{did, held, log_file, run, text, two};
use weft_kit::{Device, wait};

/// One bytes short of, at and above what a message holds; a leaf and one; three and twenty leaves.
const SIZES: [usize; 6] = [
    256 * 1024,
    256 * 1024 + 1,
    1 << 20,
    (1 << 20) + 1,
    3 << 20,
    20 << 20,
];

#[test]
fn an_input_and_an_output_of_any_size_come_whole() {
    let [alice, bob] = two(&["workload-echo"]);
    for size in SIZES {
        let path = log_file(alice.home().path(), "in.log", size);
        let mut sent = std::fs::read(&path).expect("the input");
        sent.truncate(size);
        std::fs::write(&path, &sent).expect("the input");
        let task = run(
            &alice,
            &[
                "--name",
                "workload-echo",
                "--input",
                &path.display().to_string(),
            ],
        );
        assert_eq!(
            (&task["status"], &task["peer"]),
            (&"done".into(), &did(&bob).into()),
            "{task}"
        );
        assert_eq!(
            task["summary"],
            format!("{size} bytes, params ``"),
            "{task}"
        );
        let came = std::fs::read(text(&task, "output")).expect("the output");
        assert!(came == sent, "{size} bytes were sent, {} came", came.len());
    }
    wait("both let go of what travelled", || {
        (held(&alice) == 0 && held(&bob) == 0).then_some(())
    });
}

#[test]
fn a_file_that_is_written_meanwhile_makes_nobody_a_liar() {
    let [alice, bob] = two(&["workload-slow"]);
    let path = alice.home().join("growing.log");
    std::fs::write(&path, b"the first line\n").expect("a file");
    let input = path.display().to_string();
    let id = super::lab::submit(
        &alice,
        &[
            "--name",
            "workload-slow",
            "--input",
            &input,
            "--params",
            r#"{"rounds": 300}"#,
        ],
    );
    super::lab::becomes(&bob, &id, "running");
    std::fs::write(&path, b"quite another one\n").expect("a file");
    let task = super::lab::becomes(&alice, &id, "done");
    let output = std::fs::read_to_string(text(&task, "output")).expect("an output");
    assert!(output.ends_with("\nthe first line\n"), "{output}");
    assert_eq!(alarms(&alice), 0);
}

fn alarms(device: &Device) -> usize {
    let sql = "SELECT kind FROM mesh_events WHERE severity = 'alarm'";
    super::lab::rows::<1>(device, sql).len()
}
