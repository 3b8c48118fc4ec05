//! Otto's questions: how they are asked, the first time and again, and the words by which each is known again.

/// Something that Otto asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialogue) enum Question {
    HowHelp,
    Service,
    WhichService,
    WhichPrice,
    Day,
    WhichTime,
    Name,
    Confirm,
    Change,
    Fact,
    AnythingElse,
    Connect,
    CallBack,
    WantBook,
    Retry,
    WhichAppointment,
    CancelIt,
    MoveIt,
    IsIt,
    WillCome,
    MoveOrCancel,
    WhenCall,
    MayRemind,
}

impl Question {
    /// Whether the answer may be one of what was read out.
    pub(in crate::dialogue) const fn is_choice(self) -> bool {
        matches!(self, Self::WhichTime | Self::Confirm | Self::WhichService | Self::MoveIt | Self::WhichAppointment)
    }
}

/// Words that each wording of a question has and nothing else has; and whether the caller must have heard all of it
/// before an answer counts, because the answer may be a mere yes.
const MARKS: [(Question, &str, bool); 26] = [
    (Question::HowHelp, "help you", false),
    (Question::HowHelp, "do for you", false),
    (Question::Service, "does your car need", false),
    (Question::WhichService, "Would that be", false),
    (Question::WhichPrice, "the price of", false),
    (Question::Day, "What day", false),
    (Question::WhichTime, "Which time", false),
    (Question::WhichTime, "Would that time", true),
    (Question::Name, "your full name", false),
    (Question::Confirm, "Shall I book", true),
    (Question::Change, "like to change", false),
    (Question::Fact, "date of birth", false),
    (Question::AnythingElse, "anything else", true),
    (Question::Connect, "Shall I connect you", true),
    (Question::CallBack, "Shall a colleague call you", true),
    (Question::WantBook, "Would you like to book", true),
    (Question::Retry, "Shall I try", true),
    (Question::Retry, "try it once more", true),
    (Question::WhichAppointment, "Which of them do you mean", false),
    (Question::CancelIt, "Shall I cancel", true),
    (Question::MoveIt, "Shall I move", true),
    (Question::IsIt, "Am I speaking with", true),
    (Question::WillCome, "Will you be there", true),
    (Question::MoveOrCancel, "or do you want to cancel", false),
    (Question::WhenCall, "may we call you", false),
    (Question::MayRemind, "the evening before", true),
];

/// The question that the caller was asked last, if they heard enough of it.
pub(in crate::dialogue) fn question_in(said: &str) -> Option<Question> {
    let whole = said.trim_end().ends_with('?');
    let found = MARKS.iter().filter_map(|(question, mark, needs_all)| {
        let at = said.rfind(mark)?;
        (whole || !needs_all).then_some((at, *question))
    });
    found.max_by_key(|(at, _)| *at).map(|(_, question)| question)
}

/// A question as it is asked; `again` counts how often the answer was not understood.
pub(in crate::dialogue) fn ask(question: &Question, again: u32) -> String {
    let (first, other) = match question {
        Question::HowHelp => (
            "How can I help you?",
            "I can book an appointment or tell you our hours and prices. What can I do for you?",
        ),
        Question::Service => {
            ("What does your car need?", "For example an oil change, or the brakes. What does your car need?")
        }
        Question::WhichService => ("Would that be one of these?", "Would that be one of these?"),
        Question::WhichPrice => (
            "Which service would you like the price of?",
            "For example an oil change. What would you like the price of?",
        ),
        Question::Day => {
            ("What day would suit you?", "You can say, for example, tomorrow or next Friday. What day would suit you?")
        }
        Question::WhichTime => {
            ("Which time works best for you?", "Please say one of these times. Which time works best?")
        }
        Question::Name => ("May I have your full name, please?", "Please tell me your full name, first and last."),
        Question::Confirm => ("Shall I book that?", "Please say yes or no. Shall I book that?"),
        Question::Change => (
            "No problem. What would you like to change, the day, the time or the service?",
            "The day, the time or the service: which would you like to change?",
        ),
        Question::Fact => (
            "So that I know it's you, please tell me your date of birth, street address, VIN or licence plate.",
            "Please tell me your date of birth with the year, or your licence plate letter by letter.",
        ),
        Question::AnythingElse => ("Is there anything else I can do?", "Is there anything else that you need today?"),
        Question::Connect => {
            ("Shall I connect you with a colleague?", "Please say yes or no. Shall I connect you with a colleague?")
        }
        Question::CallBack => {
            ("Shall a colleague call you back?", "Please say yes or no. Shall a colleague call you back?")
        }
        Question::WantBook => ("Would you like to book one?", "Please say yes or no. Would you like to book one?"),
        Question::Retry => ("Shall I try again?", "Please say yes or no. Shall I try again?"),
        Question::WhichAppointment => ("Which of them do you mean?", "Please say its day. Which of them do you mean?"),
        Question::CancelIt => ("Shall I cancel it?", "Please say yes or no. Shall I cancel it?"),
        Question::MoveIt => ("Shall I move it?", "Please say yes or no. Shall I move it?"),
        Question::IsIt => ("Am I speaking with them?", "Please say yes or no. Am I speaking with them?"),
        Question::WillCome => ("Will you be there?", "Please say yes or no. Will you be there?"),
        Question::MoveOrCancel => (
            "Would another time suit you better, or do you want to cancel?",
            "Please say a day that suits you better, or do you want to cancel?",
        ),
        Question::WhenCall => (
            "When may we call you again?",
            "Please say a day and a time, such as tomorrow at ten. When may we call you?",
        ),
        Question::MayRemind => (
            "May we call you the evening before to remind you?",
            "Please say yes or no. May we call you the evening before to remind you?",
        ),
    };
    if again > 1 { other } else { first }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Question; 23] = [
        Question::HowHelp,
        Question::Service,
        Question::WhichService,
        Question::WhichPrice,
        Question::Day,
        Question::WhichTime,
        Question::Name,
        Question::Confirm,
        Question::Change,
        Question::Fact,
        Question::AnythingElse,
        Question::Connect,
        Question::CallBack,
        Question::WantBook,
        Question::Retry,
        Question::WhichAppointment,
        Question::CancelIt,
        Question::MoveIt,
        Question::IsIt,
        Question::WillCome,
        Question::MoveOrCancel,
        Question::WhenCall,
        Question::MayRemind,
    ];

    #[test]
    fn every_question_is_known_again_however_it_is_asked() {
        for question in ALL {
            for again in 0..3 {
                let text = format!("Something first. {}", ask(&question, again));
                assert_eq!(question_in(&text), Some(question), "{text}");
            }
        }
    }

    #[test]
    fn a_question_that_was_cut_short_takes_no_yes() {
        assert_eq!(question_in("Shall I book an oil change on Tuesday"), None);
        assert_eq!(question_in("May I have your full name"), Some(Question::Name));
        assert_eq!(
            question_in("Hi Maria, this is Otto from Otto's Auto. How can I help you today?"),
            Some(Question::HowHelp)
        );
        assert_eq!(question_in("You're booked. Is there anything"), None);
    }
}
