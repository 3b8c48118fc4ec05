//! The address of a shared actor: it stays the same when the root supervisor starts the actor again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use crate::actor::{AskError, Mailbox, ReplyTo, SendError};
use crate::limits;

/// Where a shared actor is found, whichever incarnation it is.
pub struct Address<M>(Arc<ArcSwapOption<Mailbox<M>>>);

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> Default for Address<M> {
    fn default() -> Self {
        Self(Arc::new(ArcSwapOption::empty()))
    }
}

impl<M> std::fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({:?})", self.0.load())
    }
}

impl<M: Send + 'static> Address<M> {
    /// A new incarnation lives here now; for its supervisor.
    pub fn set(&self, mailbox: Option<Mailbox<M>>) {
        self.0.store(mailbox.map(Arc::new));
    }

    /// The incarnation that lives here now.
    #[must_use]
    pub fn current(&self) -> Option<Mailbox<M>> {
        self.0.load().as_deref().cloned()
    }

    /// Sends to the current incarnation.
    ///
    /// # Errors
    /// While the actor is being restarted.
    pub fn cast(&self, msg: M) -> Result<(), SendError> {
        self.0.load().as_deref().ok_or(SendError)?.cast(msg)
    }

    /// Asks the current incarnation once.
    ///
    /// # Errors
    /// As [`Mailbox::ask`]; while the actor is being restarted [`AskError::Unavailable`], at once.
    pub async fn ask<R>(&self, deadline: Duration, question: impl FnOnce(ReplyTo<R>) -> M) -> Result<R, AskError> {
        let mailbox = self.current().ok_or(AskError::Unavailable)?;
        mailbox.ask(deadline, question).await
    }

    /// Asks, and asks again while the actor is being restarted or when it ended with the question in hand. Only for
    /// questions that are safe to repeat: reads, and effects, whose identity makes a repeat harmless.
    ///
    /// # Errors
    /// When [`limits::SHARED_ASK_ATTEMPTS`] were in vain, or on a time-out.
    pub async fn ask_again<R>(
        &self,
        deadline: Duration,
        mut question: impl FnMut(ReplyTo<R>) -> M,
    ) -> Result<R, AskError> {
        let mut attempt = 1;
        loop {
            match self.ask(deadline, &mut question).await {
                Err(AskError::Unavailable | AskError::Lost) if attempt < limits::SHARED_ASK_ATTEMPTS => {
                    attempt += 1;
                    pause().await;
                }
                answer => return answer,
            }
        }
    }
}

fn pause() -> impl Future<Output = ()> {
    tokio::time::sleep(limits::SHARED_ASK_PAUSE_MS)
}
