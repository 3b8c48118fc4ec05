//! Handing over: a colleague is connected where there is one, or calls back.

use serde_json::json;

use super::Draft;
use crate::dialogue::understand::Why;
use crate::dialogue::wording::{self, Question};

const TRANSFER: &str = "transfer_to_human";

impl Draft<'_> {
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
