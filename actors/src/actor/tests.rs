//! What every actor promises: it counts, it bounds, it answers or says at once that it will not.

use super::*;
use crate::testing::ms;

/// Does what it is told.
struct Servant;

enum Order {
    Note(u64),
    Ask(ReplyTo<Vec<u64>>),
    Forget(#[allow(dead_code, reason = "held, never answered")] ReplyTo<()>),
    Keep(ReplyTo<()>),
    Refuse,
    Hold(Arc<tokio::sync::Notify>),
}

#[derive(Default)]
struct Notes {
    noted: Vec<u64>,
    kept: Vec<ReplyTo<()>>,
}

impl Behaviour for Servant {
    const KIND: ActorKind = ActorKind::Crm;
    type Msg = Order;
    type Args = Result<(), &'static str>;
    type State = Notes;

    async fn start(&self, _: &Mailbox<Order>, args: Self::Args) -> Result<Notes, ActorError> {
        assert!(args != Err("panic"), "with what was said");
        Ok(args.map(|()| Notes::default())?)
    }

    async fn handle(&self, _: &Mailbox<Order>, order: Order, notes: &mut Notes) -> Result<(), ActorError> {
        match order {
            Order::Note(n) => notes.noted.push(n),
            Order::Ask(reply_to) => reply_to.send(notes.noted.clone()),
            Order::Forget(_) => {}
            Order::Keep(reply_to) => notes.kept.push(reply_to),
            Order::Refuse => return Err("refused".into()),
            Order::Hold(go_on) => go_on.notified().await,
        }
        Ok(())
    }
}

async fn servant() -> Mailbox<Order> {
    spawn(Servant, Ok(()), None).await.unwrap()
}

fn numbers(mailbox: &Mailbox<Order>) -> (u64, u64, u64, u64) {
    let stats = mailbox.stats();
    (stats.received, stats.handled, stats.failed, stats.depth)
}

#[tokio::test(start_paused = true)]
async fn messages_are_handled_in_order_and_counted() {
    let actor = servant().await;
    (0..10).for_each(|n| actor.cast(Order::Note(n)).unwrap());
    assert_eq!(numbers(&actor), (10, 0, 0, 10));
    assert_eq!(actor.ask(ms(100), Order::Ask).await, Ok((0..10).collect()));
    tokio::task::yield_now().await;
    assert_eq!(numbers(&actor), (11, 11, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_however_they_come() {
    for (crash, kind) in [(true, "a panic"), (false, "an error")] {
        let actor = servant().await;
        actor.cast(Order::Note(1)).unwrap();
        if crash {
            actor.crash()
        } else {
            actor.cast(Order::Refuse).unwrap()
        }
        actor.cast(Order::Note(2)).unwrap();
        actor.ended().await;
        assert_eq!(numbers(&actor), (3, 1, 1, 0), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_ask_of_a_dead_actor_fails_at_once() {
    let actor = servant().await;
    actor.stop();
    actor.ended().await;
    let begun = tokio::time::Instant::now();
    assert_eq!(actor.ask(ms(10_000), Order::Ask).await, Err(AskError::Unavailable));
    assert_eq!(begun.elapsed(), ms(0));
    assert_eq!(actor.cast(Order::Note(1)), Err(SendError));
    assert_eq!(actor.stats().depth, 0, "what was refused does not wait");
}

#[tokio::test(start_paused = true)]
async fn an_ask_that_lies_in_the_mailbox_of_one_that_dies_fails_at_once() {
    for orders in [vec![], vec![Order::Note(1), Order::Note(2)]] {
        let actor = servant().await;
        actor.crash();
        orders.into_iter().for_each(|order| actor.cast(order).unwrap());
        let begun = tokio::time::Instant::now();
        assert_eq!(actor.ask(ms(10_000), Order::Ask).await, Err(AskError::Lost));
        assert_eq!(begun.elapsed(), ms(0));
        actor.ended().await;
        assert_eq!(actor.stats().depth, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_ask_in_the_hands_of_one_that_dies_fails_at_once() {
    let actor = servant().await;
    let asked = actor.clone();
    let answer = tokio::spawn(async move { asked.ask(ms(10_000), Order::Keep).await });
    tokio::task::yield_now().await;
    actor.kill();
    let begun = tokio::time::Instant::now();
    assert_eq!(answer.await.unwrap(), Err(AskError::Lost));
    assert_eq!(begun.elapsed(), ms(0));
}

#[tokio::test(start_paused = true)]
async fn an_ask_that_is_not_answered_says_so() {
    let actor = servant().await;
    assert_eq!(actor.ask(ms(100), Order::Forget).await, Err(AskError::Lost), "dropped");
    assert_eq!(actor.ask(ms(100), Order::Keep).await, Err(AskError::TimedOut), "held");
    actor.cast(Order::Hold(Arc::new(tokio::sync::Notify::new()))).unwrap();
    assert_eq!(actor.ask(ms(100), Order::Ask).await, Err(AskError::TimedOut), "not reached");
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_is_bounded() {
    let actor = servant().await;
    let go_on = Arc::new(tokio::sync::Notify::new());
    actor.cast(Order::Hold(Arc::clone(&go_on))).unwrap();
    tokio::task::yield_now().await;
    let taken = (0..limits::MAILBOX_MESSAGES + 10).filter(|n| actor.cast(Order::Note(*n)).is_ok()).count();
    assert_eq!(taken as u64, limits::MAILBOX_MESSAGES);
    go_on.notify_one();
    assert_eq!(actor.ask(ms(100), Order::Ask).await.map(|n| n.len()), Err(AskError::Unavailable), "still full");
    tokio::time::sleep(ms(1)).await;
    assert_eq!(actor.ask(ms(100), Order::Ask).await.map(|n| n.len() as u64), Ok(limits::MAILBOX_MESSAGES));
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_start_is_an_error_and_not_alive() {
    for (args, expected) in [("no", "crm did not start: no"), ("panic", "crm did not start: panicked")] {
        assert_eq!(spawn(Servant, Err(args), None).await.unwrap_err().to_string(), expected);
    }
}

/// Has one servant and writes down how it ended.
struct Master;

enum Duty {
    Tell(ReplyTo<Vec<Option<String>>>),
    Employ(ReplyTo<Mailbox<Order>>),
}

impl Behaviour for Master {
    const KIND: ActorKind = ActorKind::Root;
    type Msg = Duty;
    type Args = ();
    type State = Vec<Option<String>>;

    async fn start(&self, _: &Mailbox<Duty>, (): ()) -> Result<Self::State, ActorError> {
        Ok(Vec::new())
    }

    async fn handle(&self, myself: &Mailbox<Duty>, duty: Duty, ends: &mut Self::State) -> Result<(), ActorError> {
        match duty {
            Duty::Tell(reply_to) => reply_to.send(ends.clone()),
            Duty::Employ(reply_to) => reply_to.send(spawn(Servant, Ok(()), Some(myself.cell())).await?),
        }
        Ok(())
    }

    async fn child_ended(&self, _: &Mailbox<Duty>, child: ChildEnd, ends: &mut Self::State) -> Result<(), ActorError> {
        ends.push(child.failure);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_parent_hears_how_its_child_ended_and_goes_on() {
    let master = spawn(Master, (), None).await.unwrap();
    type End = fn(&Mailbox<Order>);
    let ends: [(End, Option<&str>); 4] = [
        (|child| child.stop(), None),
        (|child| child.crash(), Some("panicked")),
        (|child| child.cast(Order::Refuse).unwrap(), Some("refused")),
        (|child| child.kill(), Some("killed")),
    ];
    for (end, _) in &ends {
        let child = master.ask(ms(100), Duty::Employ).await.unwrap();
        end(&child);
        child.ended().await;
        tokio::time::sleep(ms(1)).await;
    }
    let heard = master.ask(ms(100), Duty::Tell).await.unwrap();
    assert_eq!(heard.len(), ends.len());
    for ((_, expected), heard) in ends.iter().zip(heard) {
        assert_eq!(heard.as_deref(), *expected);
    }
}

#[tokio::test(start_paused = true)]
async fn children_end_with_their_parent() {
    let ends: [fn(&Mailbox<Duty>); 2] = [|parent| parent.stop(), |parent| parent.kill()];
    for end in ends {
        let master = spawn(Master, (), None).await.unwrap();
        let child = master.ask(ms(100), Duty::Employ).await.unwrap();
        end(&master);
        tokio::time::timeout(ms(2_000), child.ended()).await.unwrap();
        assert_eq!(child.cast(Order::Note(1)), Err(SendError));
    }
}
