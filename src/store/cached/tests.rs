//! The records behind a cache, once with the cache of a process and once with a real Redis; two nodes on one cache.

mod contract;
mod faults;
mod lab;

/// Runs the contract with one kind of cache.
macro_rules! keeps_the_contract {
    ($cache:ident: $($clause:ident)*) => {
        mod $cache {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $clause() {
                    super::contract::$clause(super::lab::$cache().await).await;
                }
            )*
        }
    };
}

macro_rules! with_every_cache {
    ($($clause:ident)*) => {
        keeps_the_contract!(in_process: $($clause)*);
        keeps_the_contract!(on_redis: $($clause)*);
    };
}

with_every_cache! {
    a_second_look_up_asks_no_database
    who_is_not_on_file_is_remembered_until_they_are
    of_a_hundred_simultaneous_misses_one_asks
    a_failed_query_fails_those_who_wait_for_it_alone
    who_leaves_takes_no_query_along
    a_change_is_seen_by_every_node
    a_new_number_and_the_old_one_change_together
    a_reader_from_before_a_change_brings_nothing_back
    whoever_asks_after_a_change_joins_no_query_from_before_it
    a_node_that_dies_after_its_commit_leaves_nothing_outdated
    what_changes_no_customer_leaves_the_cache_alone
}
