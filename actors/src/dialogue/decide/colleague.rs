//! Handing over: a colleague is connected where there is one, or calls back.

use serde_json::json;

use super::Draft;
use crate::dialogue::understand::Why;
use crate::dialogue::wording::{self, Question};

const TRANSFER: &str = "transfer_to_human";

impl Draft<'_> {
    /// A colleague is told to call back.
    pub(super) fn take_message(&mut self, why: Why) {
        let state = self.state;
        let name = state.name.as_ref().map(|name| format!("Name: {name}."));
        let phone = state.phone.as_ref().map(|phone| format!("Call back at {phone}."));
        let said = state.grievance.as_ref().map(|said| format!("The caller said: {said}"));
        let parts: Vec<String> =
            [Some(format!("Please call back: {}.", why.reason())), name, phone, said].into_iter().flatten().collect();
        let arguments = json!({ "message": parts.join(" "), "caller_name": null, "call_back_number": null });
        self.run("take_message", arguments);
    }

    pub(super) fn colleague(&mut self, why: Why) {
        let state = self.state;
        let reachable = state.can(TRANSFER) && !state.nobody_there;
        let again = state.misses > 0 || state.turn.repeat;
        if reachable && (state.turn.connect || (why == Why::Asked && !again)) {
            self.say(self.shop.say(&self.shop.wording.transfer, None));
            return self.call(TRANSFER, json!({ "reason": why.reason() }));
        }
        if !again || state.turn.repeat {
            let refused = state.nobody_there || why == Why::Asked || state.turn.connect;
            self.say(if refused && !reachable { wording::NOBODY_THERE } else { wording::why_colleague(why) });
        }
        self.ask(if reachable { Question::Connect } else { Question::CallBack });
    }
}
