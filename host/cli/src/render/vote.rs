//! Votes.

use super::style::{DIM, HEAD, known, of_status, paint, short, word};
use super::table::{Rows, pairs, plain, styled};
use weft_api::report::PollReport;

/// One vote: how it stands, and who said what.
pub fn one(poll: &PollReport) -> String {
    let status = paint(of_status(&poll.status), &poll.status);
    let mut text = format!("{}: {status}", paint(HEAD, &poll.name));
    if let Some(consensus) = &poll.consensus {
        text.push_str(&format!(
            ", {consensus} ({:.0} % of the weight)",
            poll.confidence * 100.0
        ));
    }
    text.push('\n');
    let verb = if poll.status == "open" {
        "closes"
    } else {
        "closed"
    };
    let method = poll.method.as_ref().map(|name| match &poll.method_cid {
        Some(cid) => format!("{name} {}", short(cid)),
        None => name.clone(),
    });
    text.push_str(&pairs(&[
        ("vote", poll.poll.clone()),
        ("opened", poll.opened_at.clone()),
        (verb, poll.closes_at.clone()),
        (
            "ballots",
            format!("{} of {} cast", poll.cast, poll.eligible),
        ),
        ("method", method.unwrap_or_default()),
    ]));
    let mut rows = Rows::new(&["CHOICE", ">BALLOTS", ">WEIGHT"]);
    for option in &poll.options {
        rows.push(vec![
            plain(&option.option),
            plain(option.votes),
            plain(weight(option.weight)),
        ]);
    }
    text.push('\n');
    text.push_str(&rows.text());
    if !poll.ballots.is_empty() {
        let mut rows = Rows::new(&["MEMBER", "CHOICE", ">WEIGHT", "WHEN"]);
        for ballot in &poll.ballots {
            rows.push(vec![
                plain(&ballot.member),
                plain(&ballot.choice),
                plain(weight(ballot.weight)),
                plain(&ballot.at),
            ]);
        }
        text.push('\n');
        text.push_str(&rows.text());
    }
    if poll.status == "open" {
        text.push_str(&format!(
            "\nto vote: weft vote cast {} CHOICE\n",
            word(&poll.name)
        ));
    }
    text
}

/// Many votes.
pub fn list(polls: &[PollReport]) -> String {
    if polls.is_empty() {
        return "no open votes\n".into();
    }
    let mut rows = Rows::new(&["NAME", "STATUS", "BALLOTS", "CLOSES", "VOTE"]);
    for poll in polls {
        rows.push(vec![
            plain(&poll.name),
            styled(of_status(&poll.status), &poll.status),
            plain(format!("{} of {}", poll.cast, poll.eligible)),
            plain(&poll.closes_at),
            styled(DIM, short(&poll.poll)),
        ]);
    }
    format!("{}to vote: weft vote cast NAME CHOICE\n", rows.text())
}

/// Weight is known once a vote is closed.
fn weight(weight: Option<f64>) -> String {
    weight.map_or_else(|| "-".into(), |w| known(Some(w), 2))
}
