//! A timer that was set anew or cancelled is not due, even when its message is on its way already.

use super::*;
use crate::actor::{self, ActorError, Behaviour};
use crate::names::ActorKind;
use crate::testing::log::Log;
use crate::testing::ms;

struct Listener;

impl Behaviour for Listener {
    const KIND: ActorKind = ActorKind::Crm;
    type Msg = Fired<char>;
    type Args = Log<Fired<char>>;
    type State = Log<Fired<char>>;

    async fn start(&self, _: &Mailbox<Fired<char>>, log: Log<Fired<char>>) -> Result<Self::State, ActorError> {
        Ok(log)
    }

    async fn handle(
        &self,
        _: &Mailbox<Fired<char>>,
        fired: Fired<char>,
        log: &mut Self::State,
    ) -> Result<(), ActorError> {
        log.push(fired);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_latest_setting_of_a_timer_is_due_and_only_once() {
    let (scope, log) = (TaskScope::root(), Log::default());
    let listener = actor::spawn(Listener, log.clone(), None).await.unwrap();
    let mut timers = Timers::default();
    let arm = |timers: &mut Timers<char>, timer, after| timers.arm(&scope, timer, after, &listener, |fired| fired);
    arm(&mut timers, 'a', ms(10));
    arm(&mut timers, 'b', ms(20));
    log.until("a", |all| all.len() == 1).await;
    // `a` was set anew after it had fired and before anybody looked.
    arm(&mut timers, 'a', ms(30));
    let stale = log.all()[0];
    assert!(!timers.is_due(stale));
    log.until("b and the second a", |all| all.len() == 3).await;
    let (b, second) = (log.all()[1], log.all()[2]);
    assert_eq!((b.timer, second.timer), ('b', 'a'));
    assert!(timers.is_due(b) && timers.is_due(second));
    assert!(!timers.is_due(b) && !timers.is_due(second), "over");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_timer_does_not_fire_and_is_not_due() {
    let (scope, log) = (TaskScope::root(), Log::default());
    let listener = actor::spawn(Listener, log.clone(), None).await.unwrap();
    let mut timers = Timers::default();
    timers.arm(&scope, 'a', ms(10), &listener, |fired| fired);
    timers.arm(&scope, 'b', ms(10), &listener, |fired| fired);
    timers.cancel('a');
    log.until("b", |all| all.len() == 1).await;
    timers.cancel('b');
    assert!(!timers.is_due(log.all()[0]), "cancelled after it had fired");
    tokio::time::sleep(ms(100)).await;
    assert_eq!(log.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn timers_end_with_their_scope_and_their_owner() {
    let (scope, log) = (TaskScope::root(), Log::default());
    let listener = actor::spawn(Listener, log.clone(), None).await.unwrap();
    let (mut kept, mut dropped) = (Timers::default(), Timers::default());
    kept.arm(&scope.child(), 'a', ms(10), &listener, |fired| fired);
    dropped.arm(&scope, 'b', ms(10), &listener, |fired| fired);
    drop(dropped);
    tokio::time::sleep(ms(100)).await;
    assert_eq!(log.len(), 0);
}
