//! What holds with every cache.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use otto_actors::domain::{CustomerFacts, NewVehicle, Vehicle};
use otto_actors::ports::{Action, CustomerStore as _, StoreError};
use serde_json::Value;

use super::super::CachedStore;
use super::lab::{Lab, act, change, create, name, named, phone, renaming};

pub(super) async fn a_second_look_up_asks_no_database(lab: Lab) {
    lab.on_file(1, "Maria Lopez").await;
    assert_eq!(lab.ask(&lab.one, 1).await, (named("Maria Lopez"), true));
    assert_eq!(lab.until_cached(&lab.one, 1).await, named("Maria Lopez"));
    assert_eq!(lab.until_cached(&lab.two, 1).await, named("Maria Lopez"), "the nodes share what they know");
    let (cached, on_file) =
        (lab.one.customer_by_phone(&phone(1)).await, lab.database.customer_by_phone(&phone(1)).await);
    assert_eq!(cached, on_file);
}

pub(super) async fn who_is_not_on_file_is_remembered_until_they_are(lab: Lab) {
    assert_eq!(lab.until_cached(&lab.one, 1).await, None);
    create(&*lab.two, 1, "Maria Lopez").await;
    assert_eq!(name(&lab.one, 1).await, named("Maria Lopez"));
}

pub(super) async fn of_a_hundred_simultaneous_misses_one_asks(lab: Lab) {
    lab.on_file(1, "Maria Lopez").await;
    lab.database.hold(true);
    let waiting: Vec<_> = (0..100).map(|_| tokio::spawn(look_up(&lab.one))).collect();
    lab.database.have_read(1).await;
    lab.database.hold(false);
    let answers = join_all(waiting).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap() == Ok(named("Maria Lopez"))));
    assert_eq!(lab.database.queries(), 1);
}

fn look_up(node: &Arc<CachedStore>) -> impl Future<Output = Result<Option<String>, StoreError>> + Send + 'static {
    let node = Arc::clone(node);
    async move { Ok(node.customer_by_phone(&phone(1)).await?.map(|customer| customer.name)) }
}

pub(super) async fn a_failed_query_fails_those_who_wait_for_it_alone(lab: Lab) {
    lab.on_file(1, "Maria Lopez").await;
    lab.database.hold(true);
    lab.database.fails.store(true, Ordering::Relaxed);
    let waiting = tokio::spawn(look_up(&lab.one));
    lab.database.have_read(1).await;
    lab.database.hold(false);
    assert_eq!(waiting.await.unwrap(), Err(StoreError::Contended));
    lab.database.fails.store(false, Ordering::Relaxed);
    assert_eq!(name(&lab.one, 1).await, named("Maria Lopez"), "an error is not kept");
}

pub(super) async fn who_leaves_takes_no_query_along(lab: Lab) {
    lab.on_file(1, "Maria Lopez").await;
    lab.database.hold(true);
    let first = tokio::spawn(look_up(&lab.one));
    lab.database.have_read(1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let second = tokio::spawn(look_up(&lab.one));
    lab.database.hold(false);
    assert_eq!(second.await.unwrap(), Ok(named("Maria Lopez")));
}

pub(super) async fn a_change_is_seen_by_every_node(lab: Lab) {
    let maria = lab.on_file(1, "Maria Lopez").await;
    for node in [&lab.one, &lab.two] {
        assert_eq!(lab.until_cached(node, 1).await, named("Maria Lopez"));
    }
    for (new_name, writer) in [("Maria Diaz", &lab.one), ("Maria Reed", &lab.two)] {
        act(&**writer, renaming(maria, new_name)).await;
        for node in [&lab.one, &lab.two] {
            assert_eq!(name(node, 1).await, named(new_name));
        }
    }
}

pub(super) async fn a_new_number_and_the_old_one_change_together(lab: Lab) {
    let maria = lab.on_file(1, "Maria Lopez").await;
    assert_eq!(lab.until_cached(&lab.two, 1).await, named("Maria Lopez"));
    assert_eq!(lab.until_cached(&lab.two, 2).await, None);
    act(&*lab.one, change(maria, CustomerFacts { phone: Some(phone(2)), ..CustomerFacts::default() })).await;
    assert_eq!(name(&lab.two, 1).await, None);
    assert_eq!(name(&lab.two, 2).await, named("Maria Lopez"));
}

pub(super) async fn a_reader_from_before_a_change_brings_nothing_back(lab: Lab) {
    let maria = lab.on_file(1, "Maria Lopez").await;
    lab.database.hold(true);
    let readers = [&lab.one, &lab.two].map(|node| tokio::spawn(look_up(node)));
    lab.database.have_read(2).await;
    act(&*lab.two, renaming(maria, "Maria Diaz")).await;
    lab.database.hold(false);
    for reader in readers {
        assert_eq!(reader.await.unwrap(), Ok(named("Maria Lopez")), "it was right when it was read");
    }
    for node in [&lab.one, &lab.two] {
        assert_eq!(name(node, 1).await, named("Maria Diaz"));
    }
}

pub(super) async fn whoever_asks_after_a_change_joins_no_query_from_before_it(lab: Lab) {
    let maria = lab.on_file(1, "Maria Lopez").await;
    lab.database.hold(true);
    let before = tokio::spawn(look_up(&lab.one));
    lab.database.have_read(1).await;
    act(&*lab.one, renaming(maria, "Maria Diaz")).await;
    let after = tokio::spawn(look_up(&lab.one));
    lab.database.have_read(2).await;
    lab.database.hold(false);
    assert_eq!(before.await.unwrap(), Ok(named("Maria Lopez")));
    assert_eq!(after.await.unwrap(), Ok(named("Maria Diaz")));
}

pub(super) async fn a_node_that_dies_after_its_commit_leaves_nothing_outdated(lab: Lab) {
    let maria = lab.on_file(1, "Maria Lopez").await;
    assert_eq!(lab.until_cached(&lab.two, 1).await, named("Maria Lopez"));
    lab.database.dies.store(true, Ordering::Relaxed);
    let (node, written) = (Arc::clone(&lab.one), lab.database.writes());
    let dying = tokio::spawn(async move { act(&*node, renaming(maria, "Maria Diaz")).await });
    lab.database.have_written(written + 1).await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    assert_eq!(name(&lab.two, 1).await, named("Maria Diaz"));
}

pub(super) async fn what_changes_no_customer_leaves_the_cache_alone(lab: Lab) {
    let maria = lab.on_file(1, "Maria Lopez").await;
    assert_eq!(lab.until_cached(&lab.one, 1).await, named("Maria Lopez"));
    let render = Arc::new(|_: &Vehicle| Value::Null);
    act(&*lab.one, Action::AddVehicle { customer: maria, vehicle: NewVehicle::default(), render }).await;
    // A mark would stand for longer than this waits.
    assert_eq!(lab.until_cached(&lab.one, 1).await, named("Maria Lopez"));
}
