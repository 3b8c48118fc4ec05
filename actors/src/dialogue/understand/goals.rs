//! What the caller wants done, one thing after the other.

use super::State;

/// Something that takes more than an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialogue) enum Goal {
    /// A new appointment.
    Schedule,
    /// An appointment less.
    Cancel,
    /// An appointment at another time.
    Move,
    /// The appointments that there are.
    Upcoming {
        /// The caller wants to say that they come.
        confirming: bool,
    },
    /// The customer is reminded of an appointment, in a call that Otto has placed for that.
    Remind,
    /// To be called at another time.
    CallLater,
    /// Not to be called any more.
    StopCalls {
        /// Because the number is not the customer's.
        wrong_number: bool,
    },
    /// A colleague must help.
    Colleague(Why),
}

impl Goal {
    /// Whether it is about appointments that there are.
    pub(in crate::dialogue) const fn is_about_existing(self) -> bool {
        matches!(self, Self::Cancel | Self::Move | Self::Upcoming { .. })
    }
}

/// Why a colleague must help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialogue) enum Why {
    Asked,
    Anger,
    Complaint,
    Warranty,
    Discount,
    Cancel,
    Reschedule,
    /// Otto does not understand the caller.
    NotUnderstood,
    /// The tools fail.
    Failing,
    /// Nothing can be booked for a withheld number.
    Withheld,
    /// There is nobody on file to ask about.
    NotOnFile,
    /// The caller could not be verified.
    NotVerified,
}

impl Why {
    /// A few words for the colleague, and for the journal.
    pub(in crate::dialogue) const fn reason(self) -> &'static str {
        match self {
            Self::Asked => "the caller asks for a person",
            Self::Anger => "the caller is upset",
            Self::Complaint => "complaint about past work",
            Self::Warranty => "warranty or insurance",
            Self::Discount => "asks for a discount",
            Self::Cancel => "wants to cancel an appointment",
            Self::Reschedule => "wants to move an appointment",
            Self::NotUnderstood => "Otto does not understand the caller",
            Self::Failing => "the records cannot be reached",
            Self::Withheld => "number withheld, wants to book",
            Self::NotOnFile => "asks about appointments, not on file",
            Self::NotVerified => "could not be verified",
        }
    }

    /// Whether this comes before everything else that the caller wants.
    const fn is_urgent(self) -> bool {
        matches!(self, Self::Asked | Self::Anger | Self::Complaint | Self::NotUnderstood | Self::Failing)
    }
}

impl State {
    /// Notes a goal: what Otto can do comes before what a colleague must do, and what is urgent comes first.
    pub(super) fn want(&mut self, goal: Goal) {
        match goal {
            Goal::Colleague(why) if why.is_urgent() => {
                self.goals.retain(|g| !matches!(g, Goal::Colleague(_)));
                self.goals.push_front(goal);
            }
            _ if self.goals.contains(&goal) => {}
            Goal::Colleague(_) => self.goals.push_back(goal),
            _ => {
                let at = self.goals.iter().position(|g| matches!(g, Goal::Colleague(_)));
                self.goals.insert(at.unwrap_or(self.goals.len()), goal);
            }
        }
    }

    /// A goal cannot be reached without a colleague.
    pub(super) fn hand_over(&mut self, why: Why) {
        if !matches!(self.goals.front(), Some(Goal::Colleague(_))) {
            self.goals.pop_front();
        }
        self.goals.retain(|g| !matches!(g, Goal::Colleague(_)));
        self.goals.push_front(Goal::Colleague(why));
    }

    /// The goal in hand is over.
    pub(super) fn done(&mut self) {
        if self.goals.pop_front() == Some(Goal::Schedule) {
            self.forget_booking();
        }
    }

    /// Nothing is left of the booking that was under way.
    pub(super) fn forget_booking(&mut self) {
        (self.service, self.date, self.wish, self.chosen, self.offer) = (None, None, None, None, None);
        (self.symptom, self.page, self.narrow) = (None, 0, false);
        self.read_out.clear();
        self.service_choices.clear();
        self.goals.retain(|g| *g != Goal::Schedule);
    }
}
