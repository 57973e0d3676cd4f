//! Why an event has no effect.

/// Why an event has no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Void {
    /// Its device told two stories at or before it.
    #[error("its device told two stories and is frozen")]
    Frozen,
    /// Its member was removed, and the removal does not list it.
    #[error("its member was removed")]
    Removed,
    /// Its device was revoked, and the revocation does not list it.
    #[error("its device was revoked")]
    Revoked,
    /// Its kind is of a later version.
    #[error("its kind is of a later version; update this node to understand it")]
    UnknownKind,
    /// Its device is no member's.
    #[error("its device is not certified by a member")]
    NoDevice,
    /// Its device's member is none any more, or not yet.
    #[error("its author is no member")]
    NotAMember,
    /// Only some may do this.
    #[error("only {0} may do this")]
    NotAllowed(
        /// Who may.
        &'static str,
    ),
    /// It concerns somebody who is no member.
    #[error("it concerns somebody who is no member")]
    UnknownMember,
    /// Another member has the user name.
    #[error("another member has the user name")]
    NameTaken,
    /// The network would be left without an admin.
    #[error("the network would be left without an admin")]
    LastAdmin,
    /// It concerns a device that is no member's.
    #[error("it concerns a device that is not certified by a member")]
    UnknownDevice,
    /// A removal or revocation lists an event that it had not seen, or another device's.
    #[error("it lists an event that its author had not seen, or that is another device's")]
    BadLast,
    /// The device is certified already.
    #[error("the device is certified already")]
    DeviceTaken,
    /// The ballot or certificate in it is not signed by whom it names.
    #[error("the signature of the member whom it names does not hold")]
    BadSignature,
    /// Another key speaks for the member.
    #[error("it replaces a key that does not speak for the member")]
    OldKey,
    /// Its author's member has said already which key is to take that one's place.
    #[error("its author has said already which key is to take that one's place")]
    SaidBefore,
    /// The key is, or was, a member's.
    #[error("the key is, or was, a member's")]
    KeyTaken,
    /// The poll is not known to its author.
    #[error("it names a poll that its author had not seen")]
    UnknownPoll,
    /// The poll has no such option.
    #[error("it names an option that the poll does not have")]
    NoSuchOption,
    /// The poll had ended.
    #[error("the poll had ended")]
    TooLate,
    /// The poll had not ended.
    #[error("the poll had not ended")]
    TooEarly,
    /// The poll was closed already.
    #[error("the poll was closed already")]
    Closed,
    /// The ballots listed are not those that count among all that the author had seen.
    #[error("it leaves out, or adds to, the ballots that its author had seen")]
    WrongBallots,
    /// The totals are not one per option.
    #[error("its totals are not one per option")]
    WrongTotals,
    /// A donation of the recording admin, or recorded in another's name.
    #[error("a donation is recorded by an admin, in their own name, and for somebody else")]
    OwnDonation,
    /// Recorded in another's name.
    #[error("it is recorded in another member's name")]
    NotByAuthor,
    /// Another constitution is in force.
    #[error("it rests on a constitution that is not in force")]
    StaleBase,
    /// The constitution was in force already.
    #[error("the constitution was in force already; give the older rules a new version")]
    OldConstitution,
}
