//! Who may do what to whom.

use super::lab::{ALICE, BOB, CAROL, agree, joined, members, role, standing, two};
use weft_kit::{Refusal, wait};

#[track_caller]
fn is(refusal: &Refusal, message: &str, remedy: &str) {
    assert_eq!(
        (refusal.exit, refusal.code.as_str()),
        (4, "refused"),
        "{refusal:?}"
    );
    assert_eq!(refusal.message, message);
    assert_eq!(refusal.remedy, remedy);
}

#[test]
fn a_member_neither_invites_nor_removes_nor_gives_roles_nor_names() {
    let [alice, bob] = two();
    let before = standing(&bob);
    let attempts: [(&[&str], &str); 5] = [
        (&["invite"], "invites"),
        (&["members", "remove", ALICE], "removes members"),
        (&["members", "role", BOB, "admin"], "gives roles"),
        (
            &["members", "rename", ALICE, "eve@example.com"],
            "renames members",
        ),
        (&["network", "create", "his-street"], ""),
    ];
    for (verb, what) in attempts {
        let refusal = bob.refused(verb);
        if what.is_empty() {
            assert_eq!((refusal.exit, refusal.code.as_str()), (4, "conflict"));
            assert_eq!(
                refusal.message,
                "this home belongs to the network `our-street`"
            );
            continue;
        }
        let message = format!("only an admin {what}; `{BOB}` is member");
        is(&refusal, &message, "ask an admin: weft members list");
    }
    let device = alice.network("device");
    let revoke = bob.refused(["devices", "revoke", &device]);
    let message = format!("only an admin revokes other members' devices; `{BOB}` is member");
    is(&revoke, &message, "ask an admin: weft members list");
    assert_eq!(standing(&bob), before);
    assert_eq!(standing(&alice), before);
}

#[test]
fn the_last_admin_stays_one_until_there_is_another() {
    let [alice, bob] = two();
    let before = standing(&alice);
    is(
        &alice.refused(["network", "leave"]),
        "you are the last admin of this network, and others are in it",
        "make another one an admin first: weft members role NAME admin",
    );
    for lower in ["member", "guest"] {
        let refusal = alice.refused(["members", "role", ALICE, lower]);
        let why = "this would be void: the network would be left without an admin";
        assert_eq!(
            (refusal.code.as_str(), refusal.message.as_str()),
            ("refused", why)
        );
    }
    is(
        &alice.refused(["members", "remove", ALICE]),
        "an admin does not remove themselves",
        "weft network leave",
    );
    assert_eq!(standing(&alice), before);

    alice.weft(["members", "role", BOB, "admin"]).ok();
    wait("Bob hears that he is an admin", || {
        (bob.network("role") == "admin").then_some(())
    });
    let mut carol = joined(&bob, CAROL, &["--role", "guest"]);
    carol.start();
    alice.weft(["members", "role", ALICE, "member"]).ok();
    agree(&[&alice, &bob, &carol]);
    assert_eq!(role(&carol, ALICE).as_deref(), Some("member"));
    assert_eq!(alice.refused(["invite"]).code, "refused");
}

#[test]
fn an_admin_renames_members_but_not_to_a_name_that_is_taken() {
    let [alice, bob] = two();
    alice
        .weft(["members", "rename", BOB, "rob@example.com"])
        .ok();
    agree(&[&alice, &bob]);
    let names: Vec<String> = members(&bob).into_iter().map(|m| m.0).collect();
    assert_eq!(names, [ALICE, "rob@example.com"]);
    assert_eq!(members(&alice), members(&bob));
    assert_eq!(bob.network("user"), "rob@example.com");

    let before = standing(&alice);
    let taken = alice.refused(["members", "rename", "rob@example.com", ALICE]);
    assert_eq!(
        (taken.exit, taken.code.as_str()),
        (4, "refused"),
        "{taken:?}"
    );
    let nobody = alice.refused(["members", "rename", BOB, "ben@example.com"]);
    assert_eq!((nobody.exit, nobody.code.as_str()), (3, "not-found"));
    assert_eq!(nobody.message, format!("`{BOB}` is no member"));
    assert_eq!(nobody.remedy, "weft members list");
    assert_eq!(standing(&alice), before);
}

#[test]
fn a_guest_sees_but_has_no_vote_until_made_a_member() {
    let [alice, _bob] = two();
    let mut carol = joined(&alice, CAROL, &["--role", "guest"]);
    carol.start();
    agree(&[&alice, &carol]);
    assert_eq!(carol.network("role"), "guest");
    alice.weft(["vote", "open", "ocr", "--minutes", "30"]).ok();
    wait("the guest sees the vote", || {
        let open = carol.json(["vote", "show"]);
        (open.as_array().map(Vec::len) == Some(1)).then_some(())
    });
    assert_eq!(carol.json(["vote", "show", "ocr"])["eligible"], 2);
    let refusal = carol.refused(["vote", "cast", "ocr", "high"]);
    assert_eq!(refusal.code, "refused", "{refusal:?}");
    assert_eq!(
        refusal.message,
        format!("`{CAROL}` may not vote: only members and admins do")
    );

    alice.weft(["members", "role", CAROL, "member"]).ok();
    wait("the guest hears that she is a member", || {
        (carol.network("role") == "member").then_some(())
    });
    carol.weft(["vote", "cast", "ocr", "high"]).ok();
}
