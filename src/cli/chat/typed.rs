//! What is typed, line by line. Standard input can only be waited for by a thread; it ends with the process.

use std::io::BufRead as _;

use tokio::sync::mpsc;

/// Lines that are read ahead of Otto's turn.
const LINES_AHEAD: usize = 16;

/// The lines of standard input; the end of the channel is the end of the input.
pub(super) fn lines() -> mpsc::Receiver<String> {
    let (lines, typed) = mpsc::channel(LINES_AHEAD);
    std::thread::spawn(move || {
        let readable = std::io::stdin().lock().lines().map_while(Result::ok);
        // The call may be over while somebody still types.
        let _ = readable.map(|line| lines.blocking_send(line)).find(Result::is_err);
    });
    typed
}
