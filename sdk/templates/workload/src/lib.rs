//! Counts the bytes, lines and words of its input.

use std::io::{BufRead, Write};
use weft_sdk::workload::{Description, JobError, Workload};

/// The workload.
pub struct Count;

impl Workload for Count {
    fn describe() -> Description {
        Description {
            name: "{{name}}".into(),
            summary: "Counts bytes, lines and words".into(),
            params_schema: r#"{"type":"object","additionalProperties":false}"#.into(),
            accepts: "text/plain".into(),
            returns: "application/json".into(),
            models: Vec::new(),
        }
    }

    fn run(
        params: &str,
        input: &mut dyn BufRead,
        output: &mut dyn Write,
    ) -> Result<String, JobError> {
        if !matches!(params.trim(), "" | "{}") {
            return Err(JobError::BadParams(
                "this workload takes no params; leave them out".into(),
            ));
        }
        let (mut bytes, mut lines, mut words) = (0_u64, 0_u64, 0_u64);
        let mut in_word = false;
        loop {
            let chunk = input.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            for byte in chunk {
                lines += u64::from(*byte == b'\n');
                let starts = !in_word && !byte.is_ascii_whitespace();
                words += u64::from(starts);
                in_word = !byte.is_ascii_whitespace();
            }
            let read = chunk.len();
            bytes += read as u64;
            input.consume(read);
        }
        writeln!(
            output,
            r#"{{"bytes":{bytes},"lines":{lines},"words":{words}}}"#
        )?;
        Ok(format!("{words} words in {lines} lines"))
    }
}

weft_sdk::export_workload!(Count);

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs it in chunks of three bytes, so that words cross them.
    fn count(text: &str) -> (String, String) {
        let mut input = std::io::BufReader::with_capacity(3, text.as_bytes());
        let mut output = Vec::new();
        let summary = Count::run("", &mut input, &mut output).expect("it runs");
        (summary, String::from_utf8(output).expect("UTF-8"))
    }

    #[test]
    fn words_may_cross_chunks() {
        let (summary, output) = count("one two\nthree\n");
        assert_eq!(summary, "3 words in 2 lines");
        assert_eq!(output, "{\"bytes\":14,\"lines\":2,\"words\":3}\n");
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(count("").1, "{\"bytes\":0,\"lines\":0,\"words\":0}\n");
    }

    #[test]
    fn params_are_refused() {
        let refused = Count::run(r#"{"x":1}"#, &mut [].as_slice(), &mut Vec::new());
        assert!(
            matches!(refused, Err(JobError::BadParams(_))),
            "{refused:?}"
        );
    }
}
