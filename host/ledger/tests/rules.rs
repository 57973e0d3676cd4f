//! The fold's rules, one by one, on one or a few devices.

mod common;

use common::{FOUNDER, Net, START, added, cid, committed, did, genesis, key, opened};
use ipld_core::ipld::Ipld;
use weft_ledger::MemberRole::{Admin, Guest, Member};
use weft_ledger::{Body, Chain, Outcome, Rejected, State, Void};
use weft_model::Cid;

/// The founder's device.
const D1: u8 = FOUNDER + 100;

fn donation(member: u8, by: u8) -> Body {
    Body::Donation {
        member: did(member),
        amount: 5,
        by: did(by),
    }
}

fn tier(member: u8, by: u8, tier: &str) -> Body {
    Body::TierGranted {
        member: did(member),
        tier: tier.into(),
        by: did(by),
    }
}

fn activated(base: &str, next: &str) -> Body {
    Body::ConstitutionActivated {
        base: cid(base),
        constitution: cid(next),
        votes: vec![],
    }
}

#[test]
fn a_network_begins_with_its_founder() {
    let net = Net::new();
    let members = net.state.members();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].user, "alice@example.com");
    assert_eq!((members[0].role, members[0].since), (Admin, START));
    assert_eq!(net.state.member_of_device(&did(D1)), Some(did(FOUNDER)));
    assert_eq!(net.state.constitution(), cid("constitution 1"));
    assert_eq!(net.state.network(), genesis().encode().unwrap().1);
}

#[test]
fn admins_admit_members_with_distinct_names() {
    let mut net = Net::with(&[Admin, Member, Guest]);
    let users: Vec<String> = net.state.members().into_iter().map(|m| m.user).collect();
    assert_eq!(
        users,
        [
            "alice@example.com",
            "user2@example.com",
            "user3@example.com",
            "user4@example.com"
        ]
    );
    assert_eq!(net.state.electorate(), 3);
    assert_eq!(
        net.void(103, added(9, Member)),
        Void::NotAllowed("an admin")
    );
    assert_eq!(
        net.void(104, added(9, Member)),
        Void::NotAllowed("an admin")
    );
    let same_name = Body::MemberAdded {
        user: "user3@example.com".into(),
        did: did(9),
        role: Member,
    };
    assert_eq!(net.void(102, same_name.clone()), Void::NameTaken);
    net.ok(102, net.state.removal(&did(3)));
    net.ok(102, same_name);
    assert_eq!(
        net.state.member_named("user3@example.com").unwrap().did,
        did(9)
    );
    assert_eq!(net.state.member(&did(3)), None);
}

#[test]
fn a_second_admission_changes_the_role() {
    let mut net = Net::with(&[Member]);
    net.ok(D1, added(2, Admin));
    net.ok(102, added(3, Member));
    net.ok(102, added(2, Guest));
    assert_eq!(
        net.void(102, added(4, Member)),
        Void::NotAllowed("an admin")
    );
    assert_eq!(net.state.member(&did(2)).unwrap().role, Guest);
}

#[test]
fn the_last_admin_stays() {
    let mut net = Net::with(&[Member]);
    assert_eq!(
        net.void(D1, net.state.removal(&did(FOUNDER))),
        Void::LastAdmin
    );
    assert_eq!(net.void(D1, added(FOUNDER, Member)), Void::LastAdmin);
    net.ok(D1, added(2, Admin));
    net.ok(D1, net.state.removal(&did(FOUNDER)));
    assert_eq!(net.state.member(&did(FOUNDER)), None);
    assert_eq!(net.void(D1, committed(1)), Void::NotAMember);
}

#[test]
fn a_member_may_leave_but_not_remove_others() {
    let mut net = Net::with(&[Member, Member]);
    assert_eq!(
        net.void(102, net.state.removal(&did(3))),
        Void::NotAllowed("an admin, or the member itself,")
    );
    net.ok(102, net.state.removal(&did(2)));
    assert_eq!(net.void(102, committed(1)), Void::NotAMember);
    assert_eq!(
        net.void(D1, net.state.removal(&did(2))),
        Void::UnknownMember
    );
    net.ok(D1, added(2, Member));
    net.ok(102, committed(1));
}

#[test]
fn a_device_needs_its_members_word() {
    let mut net = Net::with(&[Member]);
    assert_eq!(net.void(150, committed(1)), Void::NoDevice);
    let mut forged = net.certificate(2, 151);
    if let Body::DeviceCertified { member, .. } = &mut forged {
        *member = did(FOUNDER);
    }
    assert_eq!(net.void(D1, forged.clone()), Void::BadSignature);
    assert_eq!(net.void(151, forged), Void::NoDevice);
    assert_eq!(net.void(152, net.certificate(9, 152)), Void::NotAMember);
    // By itself, as its first event.
    net.ok(153, net.certificate(2, 153));
    net.ok(153, committed(1));
    assert_eq!(net.state.member_of_device(&did(153)), Some(did(2)));
    assert_eq!(
        net.void(D1, net.certificate(FOUNDER, 153)),
        Void::DeviceTaken
    );
    let mut devices = vec![did(102), did(153)];
    devices.sort();
    assert_eq!(net.state.devices_of(&did(2)), devices);
}

#[test]
fn three_keys_vote_through_one_device_once_each() {
    let mut net = Net::with(&[Member, Member, Guest]);
    let poll = net.open(D1, "backup");
    for (n, choice) in [(1, 0), (2, 1), (3, 0)] {
        net.ok(D1, net.ballot(poll, n, choice, 1));
    }
    net.ok(D1, net.ballot(poll, 2, 0, 2));
    net.ok(D1, net.ballot(poll, 3, 1, 0));
    let ballots = net.state.counted_ballots(&poll);
    assert!(ballots.is_sorted_by_key(|b| b.voter));
    assert_eq!(ballots.len(), 3);
    assert!(ballots.iter().all(|b| b.choice == 0));
    assert_eq!(net.state.next_counter(&poll, &did(2)), 3);
    assert_eq!(net.state.next_counter(&poll, &did(9)), 1);

    assert_eq!(
        net.void(D1, net.ballot(poll, 4, 0, 1)),
        Void::NotAllowed("a voting member")
    );
    assert_eq!(net.void(D1, net.ballot(poll, 9, 0, 1)), Void::UnknownMember);
    assert_eq!(net.void(D1, net.ballot(poll, 2, 2, 9)), Void::NoSuchOption);
    assert_eq!(
        net.void(D1, net.ballot(cid("none"), 2, 0, 9)),
        Void::UnknownPoll
    );
    let Body::Ballot(mut forged) = net.ballot(poll, 2, 0, 9) else {
        panic!("a ballot");
    };
    forged.voter = did(3);
    assert_eq!(net.void(D1, Body::Ballot(forged)), Void::BadSignature);
    net.now += 300_001;
    assert_eq!(net.void(D1, net.ballot(poll, 2, 1, 9)), Void::TooLate);
}

#[test]
fn of_equal_counters_the_lowest_cid_counts() {
    let mut net = Net::new();
    let poll = net.open(D1, "backup");
    let both = [net.ballot(poll, 1, 0, 1), net.ballot(poll, 1, 1, 1)];
    let lowest = both
        .iter()
        .map(|b| match b {
            Body::Ballot(b) => b.cid(),
            _ => panic!("a ballot"),
        })
        .min();
    for ballot in both {
        net.ok(D1, ballot);
    }
    assert_eq!(net.counted(&poll).first().copied(), lowest);
}

#[test]
fn a_poll_is_closed_by_its_opener_or_later_by_a_member() {
    let mut net = Net::with(&[Member, Member, Guest]);
    let poll = net.open(102, "backup");
    net.ok(D1, net.ballot(poll, 1, 0, 1));
    let all = net.counted(&poll);
    assert_eq!(
        net.void(102, net.closing(poll, all.clone())),
        Void::TooEarly
    );
    assert_eq!(net.void(102, net.closing(poll, vec![])), Void::WrongBallots);
    assert_eq!(
        net.void(102, net.closing(cid("none"), vec![])),
        Void::UnknownPoll
    );
    net.now += 300_000;
    assert_eq!(
        net.void(103, net.closing(poll, all.clone())),
        Void::TooEarly
    );
    net.now += 60_000;
    assert_eq!(
        net.void(104, net.closing(poll, all.clone())),
        Void::NotAllowed("the poll's opener or a voting member")
    );
    let mut short = net.closing(poll, all.clone());
    if let Body::PollClosed { totals, .. } = &mut short {
        totals.push(0.0);
    }
    assert_eq!(net.void(103, short), Void::WrongTotals);
    let event = net.ok(103, net.closing(poll, all.clone()));
    assert_eq!(net.void(102, net.closing(poll, all.clone())), Void::Closed);

    let closed = net.state.poll(&poll).unwrap();
    let closing = closed.closing.unwrap();
    assert_eq!((closing.event, closing.by), (event, did(3)));
    assert_eq!((closing.ballots, closing.consensus), (all, Some(0)));
    assert_eq!(net.state.polls_on("backup").len(), 1);
    assert_eq!(net.state.polls_on("other").len(), 0);
}

#[test]
fn the_opener_need_not_wait_once_everybody_voted() {
    let mut net = Net::with(&[Member, Guest]);
    let poll = net.open(102, "backup");
    net.ok(D1, net.ballot(poll, 1, 0, 1));
    assert_eq!(
        net.void(102, net.closing(poll, net.counted(&poll))),
        Void::TooEarly
    );
    net.ok(D1, net.ballot(poll, 2, 0, 1));
    assert_eq!(
        net.void(D1, net.closing(poll, net.counted(&poll))),
        Void::TooEarly
    );
    net.ok(102, net.closing(poll, net.counted(&poll)));
    assert_eq!(net.void(102, net.ballot(poll, 2, 1, 2)), Void::Closed);
}

#[test]
fn donations_are_recorded_by_an_admin_for_somebody_else() {
    let mut net = Net::with(&[Member, Admin]);
    net.ok(D1, donation(2, FOUNDER));
    assert_eq!(net.void(D1, donation(FOUNDER, FOUNDER)), Void::OwnDonation);
    assert_eq!(net.void(D1, donation(2, 3)), Void::OwnDonation);
    assert_eq!(net.void(102, donation(2, 2)), Void::NotAllowed("an admin"));
    assert_eq!(net.void(102, donation(3, 2)), Void::NotAllowed("an admin"));
    assert_eq!(net.void(D1, donation(9, FOUNDER)), Void::UnknownMember);
    net.ok(103, donation(FOUNDER, 3));
    let given: Vec<_> = net
        .state
        .donations()
        .iter()
        .map(|d| (d.member, d.amount))
        .collect();
    assert_eq!(given, [(did(2), 5), (did(FOUNDER), 5)]);
}

#[test]
fn the_last_tier_granted_counts() {
    let mut net = Net::with(&[Member]);
    assert_eq!(net.state.tier(&did(2)), None);
    net.ok(D1, tier(2, FOUNDER, "supporter"));
    net.ok(D1, tier(2, FOUNDER, "contributor"));
    assert_eq!(
        net.void(102, tier(2, 2, "free")),
        Void::NotAllowed("an admin")
    );
    assert_eq!(net.void(D1, tier(2, 2, "free")), Void::NotByAuthor);
    assert_eq!(net.void(D1, tier(9, FOUNDER, "free")), Void::UnknownMember);
    assert_eq!(
        net.state.tier(&did(2)).unwrap(),
        ("contributor", net.state_at(-3))
    );
}

impl Net {
    /// The instant of the event so far from the end of the log.
    fn state_at(&self, back: i64) -> i64 {
        self.log[(self.log.len() as i64 - 1 + back) as usize]
            .event
            .at
    }
}

#[test]
fn constitutions_follow_each_other() {
    let mut net = Net::with(&[Member]);
    net.ok(D1, activated("constitution 1", "2"));
    assert_eq!(
        net.void(D1, activated("constitution 1", "3")),
        Void::StaleBase
    );
    assert_eq!(
        net.void(D1, activated("2", "constitution 1")),
        Void::OldConstitution
    );
    assert_eq!(
        net.void(102, activated("2", "3")),
        Void::NotAllowed("an admin")
    );
    net.ok(D1, activated("2", "3"));
    assert_eq!(
        net.state.constitutions(),
        [cid("constitution 1"), cid("2"), cid("3")]
    );
    assert_eq!(net.state.constitution(), cid("3"));
}

#[test]
fn overrides_and_commitments_are_counted() {
    let mut net = Net::with(&[Guest]);
    net.ok(
        102,
        Body::OverrideUsed {
            task: "hospital backup".into(),
            word: "hospital".into(),
            submitter: "bob@example.com".into(),
        },
    );
    net.ok(D1, committed(1));
    net.ok(102, committed(2));
    let uses = net.state.overrides();
    assert_eq!(
        (uses.len(), uses[0].by, uses[0].word.as_str()),
        (1, did(2), "hospital")
    );
    assert_eq!(net.state.commitments(), 2);
}

#[test]
fn a_kind_of_a_later_version_is_kept_and_void() {
    let mut net = Net::new();
    let future = Body::Unknown {
        kind: "from-the-future".into(),
        value: Ipld::Integer(7),
    };
    assert_eq!(net.void(D1, future), Void::UnknownKind);
    net.ok(D1, committed(1));
    assert_eq!(net.state.len(), 2);
}

#[test]
fn what_is_no_event_of_this_log_is_rejected_and_changes_nothing() {
    let mut net = Net::new();
    net.ok(D1, committed(1));
    let before = net.state.state_digest();
    let next = |change: fn(&mut weft_ledger::Event)| {
        let mut event = Net::new().write(D1, committed(9)).event;
        event.at = START + 50;
        event.seq = 2;
        event.prev = Some(net.log[0].encode().unwrap().1);
        change(&mut event);
        event.sign(&key(D1)).unwrap()
    };
    let mut state = net.state.clone();
    let mut rejected = |event| state.apply(&event).unwrap_err();
    assert!(matches!(
        rejected(next(|e| e.network = cid("x"))),
        Rejected::WrongNetwork { .. }
    ));
    assert!(
        matches!(rejected(next(|e| e.prev = Some(cid("x")))), Rejected::Missing(m) if m == [cid("x")])
    );
    assert!(matches!(
        rejected(next(|e| e.seen = vec![cid("x")])),
        Rejected::Missing(_)
    ));
    assert!(matches!(
        rejected(next(|e| e.seq = 3)),
        Rejected::BrokenLink { seq: 3, .. }
    ));
    assert!(matches!(
        rejected(next(|e| e.at = 0)),
        Rejected::TimeRunsBack { seq: 2, .. }
    ));
    let mut forged = next(|_| ());
    forged.event.at += 1;
    assert!(matches!(rejected(forged), Rejected::Event(_)));
    assert_eq!(state.state_digest(), before);
    assert_eq!(state.apply(&next(|_| ())).unwrap(), Outcome::Counted);
    assert_eq!(state.apply(&next(|_| ())).unwrap(), Outcome::Known);
}

#[test]
fn a_device_with_two_stories_is_frozen_alone() {
    let mut net = Net::with(&[Member, Member]);
    let poll = net.open(D1, "backup");
    net.ok(102, committed(1));
    let resumed = net.chains[&102].clone();
    let first = net.ok(102, net.ballot(poll, 2, 0, 1));
    net.ok(103, net.ballot(poll, 3, 0, 1));
    net.ok(102, committed(3));
    net.ok(103, committed(4));
    // The device comes back from a backup and goes on from an older head.
    net.chains.insert(102, resumed);
    let (_, outcome) = net.say(102, committed(9));
    assert_eq!(outcome, Outcome::Equivocation { other: first });
    assert_eq!(net.state.frozen().get(&did(102)), Some(&2));
    assert_eq!(net.state.void(&first), Some(&Void::Frozen));
    // What tells the stories apart is news to the others, though they know a later place of the device.
    let tip = net.log.last().unwrap().encode().unwrap().1;
    assert!(net.state.unseen_heads(&did(103)).contains(&tip));
    let (_, outcome) = net.say(102, committed(10));
    let twice = matches!(outcome, Outcome::Equivocation { .. });
    assert!(twice, "its third place is told twice too");
    assert_eq!(net.void(102, committed(11)), Void::Frozen);
    assert_eq!(net.state.frozen().get(&did(102)), Some(&2));
    let voters: Vec<_> = net
        .state
        .counted_ballots(&poll)
        .iter()
        .map(|b| b.voter)
        .collect();
    assert_eq!(voters, [did(3)]);
    assert_eq!(net.state.head(&did(102)).unwrap().seq, 1);
    // The member goes on with a device of another key.
    net.ok(153, net.certificate(2, 153));
    net.ok(153, net.ballot(poll, 2, 0, 2));
    assert_eq!(net.state.counted_ballots(&poll).len(), 2);
}

#[test]
fn a_removal_voids_what_it_does_not_list_and_what_rests_on_that() {
    let mut net = Net::with(&[Admin, Member]);
    let seen: Vec<Cid> = net.state.unseen_heads(&did(102));
    let listed = net.ok(102, committed(1));
    let removal = net.write(D1, net.state.removal(&did(2)));
    // Meanwhile the removed admin admits somebody, who votes.
    let late = net.write_seeing(102, added(5, Member), vec![]);
    let (late, _) = net.apply(late);
    net.ok(105, net.certificate(5, 105));
    let rests = net.ok(105, committed(2));
    assert_eq!(net.state.members().len(), 4);
    net.apply(removal);
    assert_eq!(net.state.void(&listed), None);
    assert_eq!(net.state.void(&late), Some(&Void::Removed));
    assert_eq!(net.state.void(&rests), Some(&Void::NoDevice));
    assert_eq!(net.state.members().len(), 2);
    assert!(!seen.is_empty());
    // What comes late is void at once.
    let later = net.write_seeing(102, committed(3), vec![]);
    assert_eq!(net.apply(later).1, Outcome::Void(Void::Removed));
}

#[test]
fn a_removal_lists_only_what_it_has_seen() {
    let mut net = Net::with(&[Member]);
    net.ok(102, committed(1));
    let mut body = net.state.removal(&did(2));
    if let Body::MemberRemoved { last, .. } = &mut body {
        last[0].device = did(D1);
    }
    assert_eq!(net.void(D1, body), Void::BadLast);
    let mut body = net.state.removal(&did(2));
    if let Body::MemberRemoved { last, .. } = &mut body {
        last[0].event = cid("x");
    }
    assert_eq!(net.void(D1, body), Void::BadLast);
}

#[test]
fn of_two_who_remove_each_other_the_senior_stays_in_either_order() {
    for junior_first in [false, true] {
        let mut net = Net::with(&[Admin, Admin]);
        let senior = net.write(102, net.state.removal(&did(3)));
        let junior = net.write(103, net.state.removal(&did(2)));
        let (one, two) = if junior_first {
            (junior, senior)
        } else {
            (senior, junior)
        };
        net.apply(one);
        net.apply(two);
        assert!(
            net.state.member(&did(2)).is_some(),
            "junior first: {junior_first}"
        );
        assert!(
            net.state.member(&did(3)).is_none(),
            "junior first: {junior_first}"
        );
    }
}

#[test]
fn an_older_admission_that_comes_late_changes_who_is_senior() {
    let mut net = Net::with(&[Admin]);
    // Device 102 admits member 4 early on, unheard.
    let early = net.write(102, added(4, Admin));
    for n in 0..5 {
        net.ok(D1, committed(n));
    }
    net.ok(D1, added(3, Admin));
    net.ok(D1, net.certificate(3, 103));
    net.ok(D1, added(4, Admin));
    net.ok(D1, net.certificate(4, 104));
    let by_three = net.write(103, net.state.removal(&did(4)));
    let by_four = net.write(104, net.state.removal(&did(3)));
    net.apply(by_three);
    net.apply(by_four);
    assert!(
        net.state.member(&did(4)).is_none(),
        "3 is the senior so far"
    );
    net.apply(early);
    assert!(
        net.state.member(&did(3)).is_none(),
        "4 was admitted before 3"
    );
    assert!(net.state.member(&did(4)).is_some());
}

#[test]
fn a_removal_beats_a_concurrent_grant() {
    for removal_first in [false, true] {
        let mut net = Net::with(&[Admin, Member]);
        let removal = net.write(D1, net.state.removal(&did(3)));
        let grant = net.write(102, added(3, Admin));
        let (one, two) = if removal_first {
            (removal, grant)
        } else {
            (grant, removal)
        };
        net.apply(one);
        net.apply(two);
        assert!(net.state.member(&did(3)).is_none());
        // A grant that knows of the removal counts.
        net.ok(102, added(3, Member));
        assert_eq!(net.state.member(&did(3)).unwrap().role, Member);
    }
}

#[test]
fn a_log_read_back_gives_the_same_state() {
    let mut net = Net::with(&[Member, Admin]);
    let poll = net.open(D1, "backup");
    net.ok(D1, net.ballot(poll, 2, 0, 1));
    net.ok(103, donation(2, 3));
    let mut again = State::new(genesis()).unwrap();
    for event in &net.log {
        let (bytes, _) = event.encode().unwrap();
        let event = weft_ledger::SignedEvent::decode(&bytes).unwrap();
        again.insert(event.trust().unwrap()).unwrap();
    }
    assert_eq!(again.state_digest(), net.state.state_digest());
    let head = again.head(&did(D1)).unwrap();
    assert_eq!(net.chains[&D1].head(), Some(&head));
    let chain = Chain::new(again.network(), did(D1), Some(head));
    assert_eq!(&chain, &net.chains[&D1]);
    net.ok(D1, opened("other", net.now + 50_000));
    assert_ne!(again.state_digest(), net.state.state_digest());
}
